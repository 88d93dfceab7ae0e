/* In this table, if it is of the wanted level; else in the one to which its entry leads. */
static u64 *ept_entry_below(u64 *table, int l, u64 gpa, int level)
{
	u64 *entry = table + ept_index(gpa, l), *child;

	if (l == level)
		return entry;
	if (!(*entry & EPT_RWX)) {
		child = ept_alloc();
		if (!child)
			return NULL;
		WRITE_ONCE(*entry, virt_to_phys(child) + EPT_RWX);
	}
	return ept_entry_below(ept_child(*entry), l - 1, gpa, level);
}

static u64 *ept_entry(struct ept *ept, u64 gpa, int level)
{
	return ept_entry_below(ept->root, 4, gpa, level);
}
