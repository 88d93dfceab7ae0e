// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest believes that its memory begins at 0. It does not: its pages lie
 * wherever Linux had room. The CPU keeps the belief alive with one more set of
 * page tables, the extended page tables (EPT), which turn each guest-physical
 * address into a host-physical one.
 *
 * Four tables deep, 512 entries each: bits 47:39 of the address choose an
 * entry in the first, 38:30 in the second, 29:21 in the third, 20:12 in the
 * last. An entry of the third table may also be a page itself, of 2 MiB.
 *
 * SDM Vol. 3, "The Extended Page Table Mechanism (EPT)".
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <linux/string.h>

#include <asm/io.h>
#include <asm/vmx.h>

#include "vtxdrv.h"

#define EPT_ENTRIES 512
#define EPT_RWX VMX_EPT_RWX_MASK
#define EPT_LARGE BIT_ULL(7) /* a page, not a table (level 2) */
#define EPT_WB ((u64)VMX_EPTP_MT_WB << VMX_EPT_MT_EPTE_SHIFT)
#define EPT_ADDR GENMASK_ULL(51, 12)
#define LARGE_PAGES (PMD_SIZE >> PAGE_SHIFT)

/* Level 4 is the root, level 1 holds pages of 4 KiB. */
static unsigned int ept_index(u64 gpa, int level)
{
	return gpa >> (PAGE_SHIFT + 9 * (level - 1)) & (EPT_ENTRIES - 1);
}

static u64 *ept_child(u64 entry)
{
	return __va(entry & EPT_ADDR);
}

static bool ept_is_leaf(u64 entry, int level)
{
	return level == 1 || (entry & EPT_LARGE);
}

/**
 * ept_supported() - does this CPU have the EPT that this file builds?
 *
 * Return: 0, or -EOPNOTSUPP and a sentence in the kernel log.
 */
int ept_supported(void)
{
	u64 want = VMX_EPT_PAGE_WALK_4_BIT | VMX_EPTP_WB_BIT | VMX_EPT_INVEPT_BIT |
		   VMX_EPT_EXTENT_GLOBAL_BIT;

	if ((vtx_caps.proc2 >> 32 & SECONDARY_EXEC_ENABLE_EPT) &&
	    (vtx_caps.ept_vpid & want) == want)
		return 0;
	pr_err("this CPU has no EPT with four levels, write-back memory and INVEPT: use a newer one, or Bochs\n");
	return -EOPNOTSUPP;
}

/*
 * A guest too big for the host gets an error; it does not send the kernel to
 * kill somebody for it (__GFP_RETRY_MAYFAIL).
 */
static u64 *ept_alloc(void)
{
	u64 *table = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT | __GFP_RETRY_MAYFAIL);

	if (table)
		atomic_long_inc(&vtx_pages);
	return table;
}

int ept_init(struct ept *ept)
{
	ept->root = ept_alloc();
	if (!ept->root)
		return -ENOMEM;
	ept->eptp = __pa(ept->root) | VMX_EPTP_PWL_4 | VMX_EPTP_MT_WB;
	return 0;
}

static void ept_free_table(u64 *table, int level)
{
	int i;

	for (i = 0; i < EPT_ENTRIES; i++)
		if (table[i] && !ept_is_leaf(table[i], level))
			ept_free_table(ept_child(table[i]), level - 1);
	free_page((unsigned long)table);
	atomic_long_dec(&vtx_pages);
}

/*
 * CPUs remember translations, also those of a VM that runs no more. All must
 * forget before a page or a table is used for something else.
 */
void ept_sync_this_cpu(void)
{
	const u64 descriptor[2] = {}; /* of all guests, so of none by name */
	u64 type = VMX_EPT_EXTENT_GLOBAL;

	asm volatile("invept %0, %1" ::"m"(descriptor), "r"(type)
		     : "cc", "memory");
}

static void ept_sync_ipi(void *unused)
{
	if (hw_is_on())
		ept_sync_this_cpu();
}

static void ept_sync(void)
{
	on_each_cpu(ept_sync_ipi, NULL, 1);
}

void ept_free(struct ept *ept)
{
	ept_sync();
	ept_free_table(ept->root, 4);
}

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
			WRITE_ONCE(*entry, __pa(child) | EPT_RWX);
		}
		table = ept_child(*entry);
	}
	return &table[ept_index(gpa, level)];
}

/* May these 512 pages be one page of 2 MiB? Aligned on both sides, in a row. */
static bool ept_fits_large(u64 gpa, struct page **pages, unsigned long npages)
{
	unsigned long i, pfn = page_to_pfn(pages[0]);

	if (!(vtx_caps.ept_vpid & VMX_EPT_2MB_PAGE_BIT) || npages < LARGE_PAGES ||
	    !IS_ALIGNED(gpa, PMD_SIZE) || !IS_ALIGNED(pfn, LARGE_PAGES))
		return false;
	for (i = 1; i < LARGE_PAGES; i++)
		if (page_to_pfn(pages[i]) != pfn + i)
			return false;
	return true;
}

/**
 * ept_map() - let the guest see these pages at gpa
 * @ept: the tables
 * @gpa: guest-physical address, a multiple of 4096
 * @pages: pinned
 * @npages: how many, one or more
 * @flags: VTX_MEM_READONLY or 0
 *
 * Nothing may be mapped there yet. Return: 0; -ENOMEM, with a part mapped,
 * which the caller takes back with ept_unmap().
 */
int ept_map(struct ept *ept, u64 gpa, struct page **pages, unsigned long npages, u32 flags)
{
	u64 bits = EPT_WB | (flags & VTX_MEM_READONLY ? EPT_RWX & ~VMX_EPT_WRITABLE_MASK : EPT_RWX);
	unsigned long step;
	u64 *entry;

	for (; npages; npages -= step, pages += step, gpa += step << PAGE_SHIFT) {
		bool large = ept_fits_large(gpa, pages, npages);

		entry = ept_entry(ept, gpa, large ? 2 : 1);
		if (!entry)
			return -ENOMEM;
		/* A table without entries may be left from an earlier ept_unmap. */
		if (large && *entry) {
			large = false;
			entry = ept_entry(ept, gpa, 1);
		}
		WRITE_ONCE(*entry, page_to_phys(pages[0]) | bits | (large ? EPT_LARGE : 0));
		step = large ? LARGE_PAGES : 1;
		cond_resched();
	}
	return 0;
}

/*
 * Take back what ept_map() did. It works upwards, so the first hole is where
 * it stopped. The tables stay; they go with the VM.
 */
void ept_unmap(struct ept *ept, u64 gpa, unsigned long npages)
{
	u64 end = gpa + ((u64)npages << PAGE_SHIFT);
	u64 *table, *entry;
	int level;

	while (gpa < end) {
		table = ept->root;
		level = 4;
		entry = &table[ept_index(gpa, level)];
		while (*entry && !ept_is_leaf(*entry, level)) {
			table = ept_child(*entry);
			entry = &table[ept_index(gpa, --level)];
		}
		if (!*entry)
			break;
		WRITE_ONCE(*entry, 0);
		gpa += level == 2 ? PMD_SIZE : PAGE_SIZE;
		cond_resched();
	}
	ept_sync();
}

/* Walk the tables for t->gpa as the CPU does, and note each entry met. */
void ept_translate(struct ept *ept, struct vtx_translate *t)
{
	u64 *table = ept->root, entry, offset;
	int level;

	t->flags = 0;
	t->hpa = 0;
	memset(t->table, 0, sizeof(t->table));
	memset(t->entry, 0, sizeof(t->entry));

	for (level = 4; level; level--, table = ept_child(entry)) {
		entry = READ_ONCE(table[ept_index(t->gpa, level)]);
		t->table[4 - level] = __pa(table);
		t->entry[4 - level] = entry;
		t->levels = 5 - level;
		if (!entry)
			return;
		if (ept_is_leaf(entry, level)) {
			offset = t->gpa & ((PAGE_SIZE << 9 * (level - 1)) - 1);
			t->hpa = (entry & EPT_ADDR) + offset;
			t->flags = VTX_TRANSLATE_PRESENT;
			return;
		}
	}
}
