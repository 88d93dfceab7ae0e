/* What may be chosen of one word, told bit by bit. */
static void report_word(const char *title, uint64_t word, const struct bit_name *names)
{
	uint32_t must = 0, may = 0;

	/* Your turn: which half is which, and then a line for each bit with a name. */
	printf("\n%s: must be 1: %08x, may be 1: %08x\n", title, must, may);
}
