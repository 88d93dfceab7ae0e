static void report_entries(const struct vtx_translate *t)
{
	unsigned int level, index;

	for (level = 0; level < t->levels; level++) {
		index = t->gpa >> (12 + 9 * level) & 511;
		printf("  %s choose entry %3u of the table at %#011llx: %#018llx\n",
		       table_names[level], index, (unsigned long long)t->table[level],
		       (unsigned long long)t->entry[level]);
	}
	if (t->levels < 4)
		puts("  that entry is a page already, of 2 MiB: no fourth table is needed");
}
