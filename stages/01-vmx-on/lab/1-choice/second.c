/* Each bit of the word in turn; in how many of its halves is it 1? */
static void report_word(const char *title, uint64_t word, const struct bit_name *names)
{
	static const char *const choices[] = { "always 0", "0 or 1", "always 1" };
	int bit;

	printf("\n%s: must be 1: %08x, may be 1: %08x\n", title, (uint32_t)word,
	       (uint32_t)(word >> 32));
	if (word == 0)
		printf("  this CPU does not have them\n");
	for (bit = 0; bit < 32 && word && names->name; bit++)
		if (names->bit == bit) {
			int sum = (word >> bit & 1) + (word >> (32 + bit) & 1);

			printf("  %s %d %s\n", choices[sum], bit, names->name);
			names++;
		}
}
