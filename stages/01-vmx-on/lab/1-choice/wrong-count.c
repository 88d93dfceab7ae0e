static void report_word(const char *title, uint64_t word, const struct bit_name *names)
{
	uint32_t must = word, may = word >> 32;
	int i;

	printf("\n%s: must be 1: %08x, may be 1: %08x\n", title, must, may);
	if (!word) {
		puts("  this CPU does not have them");
		return;
	}
	for (i = 0; names[i].name; i++) {
		const char *choice = "0 or 1";

		if (must >> i & 1)
			choice = "always 1";
		else if (!(may >> i & 1))
			choice = "always 0";
		printf("  %-9s %2d  %s\n", choice, names[i].bit, names[i].name);
	}
}
