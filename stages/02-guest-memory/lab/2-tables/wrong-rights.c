/*
 * Find the entry for gpa in the table of the given level, and make the tables
 * above it where they are missing. NULL: no memory for a table.
 */
static u64 *ept_entry(struct ept *ept, u64 gpa, int level)
{
	u64 *table = ept->root, *entry, *child;
	int l;

	for (l = 4; l > level; l--) {
		entry = &table[ept_index(gpa, l)];
		if (!*entry) {
			child = ept_alloc();
			if (!child)
				return NULL;
			WRITE_ONCE(*entry, __pa(child));
		}
		table = ept_child(*entry);
	}
	return &table[ept_index(gpa, level)];
}
