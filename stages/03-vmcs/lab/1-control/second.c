/* Bit after bit: it is on, or off, or wanted in vain. */
static int control_word(const char *name, u64 cap, u32 want, u32 *word)
{
	u32 lacks = 0;
	unsigned int i;

	*word = 0;
	for (i = 0; i < 32; i++) {
		bool wanted = want & BIT(i);
		bool must = cap & BIT_ULL(i);
		bool may = cap & BIT_ULL(32 + i);

		if (must || (wanted && may))
			*word |= BIT(i);
		else if (wanted)
			lacks |= BIT(i);
	}
	if (!lacks)
		return 0;
	pr_err("this CPU lacks %s controls %#x\n", name, lacks);
	return -EOPNOTSUPP;
}
