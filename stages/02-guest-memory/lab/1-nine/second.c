static void report_entries(const struct vtx_translate *t)
{
	uint64_t rest = t->gpa / 4096;
	unsigned int level, index[4];

	/* From the last table to the first: each takes a 512th of what is left. */
	for (level = 4; level--; rest /= 512)
		index[level] = rest % 512;

	for (level = 0; level < t->levels; level++)
		printf("  %s choose entry %u of the table at 0x%llx: 0x%llx\n", table_names[level],
		       index[level], (unsigned long long)t->table[level],
		       (unsigned long long)t->entry[level]);
	if (t->levels < 4)
		puts("  that entry is a page already, of 2 MiB: no fourth table is needed");
}
