static int control_word(const char *name, u64 cap, u32 want, u32 *word)
{
	u32 must = cap, may = cap >> 32;

	*word = (want | must) & may;
	return 0;
}
