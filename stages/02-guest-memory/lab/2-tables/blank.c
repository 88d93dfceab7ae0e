/*
 * Find the entry for gpa in the table of the given level, and make the tables
 * above it where they are missing. NULL: no memory for a table.
 */
static u64 *ept_entry(struct ept *ept, u64 gpa, int level)
{
	/* Your turn: from ept->root down to the table of this level. */
	return NULL;
}
