static int control_word(const char *name, u64 cap, u32 want, u32 *word)
{
	u32 must = cap >> 32, may = cap;

	*word = want | must;
	if (!(*word & ~may))
		return 0;
	pr_err("this CPU lacks %s controls %#x\n", name, *word & ~may);
	return -EOPNOTSUPP;
}
