// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory for a guest; then each page of it is looked up, and compared with
 * what Linux says where it lies.
 *
 * usage: mem_walk WAY MEBIBYTES
 *
 *   large	2 MiB pages of ours, on a 2 MiB boundary of the guest's
 *   small	4 KiB pages of ours
 *   patched	2 MiB pages of ours, in each of which 4 KiB are replaced
 *   skewed	2 MiB pages of ours, 4 KiB off in the guest
 *   readonly	as large, and the guest may not write
 */
#include "mem_vm.h"

/* Each table is the one that the entry before it names. */
static bool chain_ok(const struct vtx_translate *t)
{
	unsigned int level;

	for (level = 1; level < t->levels; level++)
		if (t->table[level] != (t->entry[level - 1] & EPT_ADDR) ||
		    (t->entry[level - 1] & EPT_RWX) != EPT_RWX)
			return false;
	for (; level < 4; level++)
		if (t->table[level] || t->entry[level])
			return false;
	return true;
}

static bool leaf_ok(const struct vtx_translate *t, uint64_t rights)
{
	uint64_t leaf = t->entry[t->levels - 1];
	uint64_t size = t->levels == 3 ? LARGE : PAGE;

	return (leaf & EPT_RWX) == rights && (leaf & EPT_TYPE) == EPT_WRITE_BACK &&
	       !!(leaf & EPT_LARGE) == (t->levels == 3) &&
	       (leaf & EPT_ADDR) == (t->hpa & ~(size - 1));
}

/* Give back one page in each 2 MiB and take another, which lies elsewhere. */
static void patch(uint8_t *ram, size_t size)
{
	uint8_t *at;

	memset(ram, 1, size);
	for (at = ram + 7 * PAGE; at < ram + size; at += LARGE)
		must("madvise", madvise(at, PAGE, MADV_DONTNEED));
	for (at = ram + 7 * PAGE; at < ram + size; at += LARGE)
		*at = 1;
}

int main(int argc, char **argv)
{
	const char *way = argc == 3 ? argv[1] : "";
	size_t size = argc == 3 ? strtoul(argv[2], NULL, 0) << 20 : 0;
	bool readonly = !strcmp(way, "readonly");
	uint64_t gpa = strcmp(way, "skewed") ? 0 : PAGE, offset;
	uint8_t *ram = map_ram(size, strcmp(way, "small") ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	unsigned long wrong = 0, levels[5] = {};
	uint64_t *where;
	int vm = open_vtx();

	if (!strcmp(way, "patched"))
		patch(ram, size);
	must("VTX_MAP_MEMORY", map_memory(vm, gpa, ram, size, readonly ? VTX_MEM_READONLY : 0));
	where = physical_pages(ram, size);
	for (offset = 0; offset < size; offset += PAGE) {
		/* Not the first byte of each page: the offset must be there, too. */
		uint64_t in_page = offset / PAGE % PAGE;
		struct vtx_translate t = translate(vm, gpa + offset + in_page);

		levels[t.levels < 5 ? t.levels : 0]++;
		if (t.flags != VTX_TRANSLATE_PRESENT || t.hpa != where[offset / PAGE] + in_page ||
		    !chain_ok(&t) || !leaf_ok(&t, readonly ? EPT_RWX & ~EPT_WRITE : EPT_RWX))
			wrong++;
	}
	printf("wrong: %lu\n", wrong);
	printf("pages behind three tables: %lu\n", levels[3]);
	printf("pages behind four tables: %lu\n", levels[4]);
	printf("before it: %s\n", gpa && translate(vm, gpa - 1).flags ? "mapped" : "nothing");
	printf("behind it: %s\n", translate(vm, gpa + size).flags ? "mapped" : "nothing");
	return 0;
}
