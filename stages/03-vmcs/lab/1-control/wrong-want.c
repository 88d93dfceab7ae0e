static int control_word(const char *name, u64 cap, u32 want, u32 *word)
{
	u32 may = cap >> 32;

	*word = want;
	if (!(want & ~may))
		return 0;
	pr_err("this CPU lacks %s controls %#x\n", name, want & ~may);
	return -EOPNOTSUPP;
}
