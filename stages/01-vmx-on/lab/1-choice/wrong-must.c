static void report_word(const char *title, uint64_t word, const struct bit_name *names)
{
	uint32_t must = word, may = word >> 32;

	printf("\n%s: must be 1: %08x, may be 1: %08x\n", title, must, may);
	if (!word) {
		puts("  this CPU does not have them");
		return;
	}
	for (; names->name; names++) {
		const char *choice = may & 1u << names->bit ? "0 or 1" : "always 0";

		printf("  %-9s %2d  %s\n", choice, names->bit, names->name);
	}
}
