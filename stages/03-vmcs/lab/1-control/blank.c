/* What we want and what the CPU insists on, or an error if it cannot. */
static int control_word(const char *name, u64 cap, u32 want, u32 *word)
{
	/* Your turn: from want and the two halves of cap to *word. */
	*word = 0;
	return 0;
}
