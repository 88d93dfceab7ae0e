/* SPDX-License-Identifier: GPL-2.0-only */
/* A VM and its memory, for programs that try what VTXDRV makes of it. */
#ifndef MEM_VM_H
#define MEM_VM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tell.h"
#include "vtx.h"

#define PAGE 4096UL
#define LARGE (2UL << 20)

#define EPT_RWX 7
#define EPT_WRITE 2
#define EPT_TYPE 0x38 /* memory type, bits 5:3 */
#define EPT_WRITE_BACK (6 << 3)
#define EPT_LARGE (1 << 7)
#define EPT_ADDR 0x000ffffffffff000ULL

/* Memory of ours, from a boundary of 2 MiB on. */
static inline uint8_t *map_ram(size_t size, int advice)
{
	uint8_t *mem = mmap(NULL, size + LARGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED)
		err(1, "mmap of %zu bytes", size);
	mem = (uint8_t *)(((uintptr_t)mem + LARGE - 1) & ~(LARGE - 1));
	if (advice)
		must("madvise", madvise(mem, size, advice));
	return mem;
}

static inline long map_memory(int vm, uint64_t gpa, const void *mem, uint64_t size, uint32_t flags)
{
	struct vtx_memory m = {
		.gpa = gpa,
		.size = size,
		.user_addr = (uintptr_t)mem,
		.flags = flags,
	};

	return ioctl(vm, VTX_MAP_MEMORY, &m);
}

static inline struct vtx_translate translate(int vm, uint64_t gpa)
{
	struct vtx_translate t = { .gpa = gpa };

	must("VTX_TRANSLATE", ioctl(vm, VTX_TRANSLATE, &t));
	return t;
}

/* Where each page of ours lies in the machine, as Linux itself says it. */
static inline uint64_t *physical_pages(const uint8_t *mem, size_t size)
{
	size_t n = size / PAGE, i;
	uint64_t *pages = calloc(n, sizeof(*pages));
	int pagemap = must("pagemap", open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));

	if (pread(pagemap, pages, n * 8, (uintptr_t)mem / PAGE * 8) != (ssize_t)n * 8)
		err(1, "pagemap");
	for (i = 0; i < n; i++) {
		if (!(pages[i] >> 63))
			errx(1, "pagemap: no page at %p", mem + i * PAGE);
		pages[i] = (pages[i] & ((1ULL << 55) - 1)) * PAGE;
	}
	close(pagemap);
	return pages;
}

/* VTXDRV's own counter: "vms" or "pages". */
static inline long counter(const char *name)
{
	char path[80];
	FILE *file;
	long n;

	snprintf(path, sizeof(path), "/sys/module/vtxdrv/parameters/%s", name);
	file = fopen(path, "r");
	if (!file || fscanf(file, "%ld", &n) != 1)
		err(1, "%s", path);
	fclose(file);
	return n;
}

#endif /* MEM_VM_H */
