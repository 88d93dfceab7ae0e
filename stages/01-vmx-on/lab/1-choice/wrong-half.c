static void report_word(const char *title, uint64_t word, const struct bit_name *names)
{
	uint32_t must = word >> 32, may = word;

	printf("\n%s: must be 1: %08x, may be 1: %08x\n", title, must, may);
	if (!word) {
		puts("  this CPU does not have them");
		return;
	}
	for (; names->name; names++) {
		uint32_t bit = 1u << names->bit;
		const char *choice = "0 or 1";

		if (must & bit)
			choice = "always 1";
		else if (!(may & bit))
			choice = "always 0";
		printf("  %-9s %2d  %s\n", choice, names->bit, names->name);
	}
}
