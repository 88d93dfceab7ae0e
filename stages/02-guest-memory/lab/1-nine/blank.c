static void report_entries(const struct vtx_translate *t)
{
	/* Your turn: a line for each table met. This is how the first one begins. */
	printf("  %s choose entry\n", table_names[0]);

	if (t->levels < 4)
		puts("  that entry is a page already, of 2 MiB: no fourth table is needed");
}
