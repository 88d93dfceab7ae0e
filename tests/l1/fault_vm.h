/* SPDX-License-Identifier: GPL-2.0-only */
/* A VM with a small guest in it, for programs that ill-treat it. */
#ifndef FAULT_VM_H
#define FAULT_VM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tell.h"
#include "vtx.h"

#define PAGE 4096UL
#define BOOT 0x7c00
#define ROM_ADDR ((4ULL << 30) - PAGE)

static inline void *pages(size_t n)
{
	void *mem = mmap(NULL, n * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			 0);

	must("mmap", mem == MAP_FAILED ? -1 : 0);
	return mem;
}

static inline int map_memory(int vm, uint64_t gpa, void *mem, size_t size, uint32_t flags)
{
	struct vtx_memory m = {
		.gpa = gpa,
		.size = size,
		.user_addr = (uintptr_t)mem,
		.flags = flags,
	};

	return ioctl(vm, VTX_MAP_MEMORY, &m);
}

/* The page in which a guest begins: a jump to 0000:7C00, where its image is. */
static inline void *make_rom(void)
{
	static const uint8_t jump[] = { 0xea, BOOT & 0xff, BOOT >> 8, 0, 0 };
	uint8_t *rom = pages(1);

	memcpy(rom + PAGE - 16, jump, sizeof(jump));
	return rom;
}

#ifdef VTX_CREATE_VCPU
static inline int create_vcpu(int vm)
{
	struct vtx_create_vcpu create = {};

	return ioctl(vm, VTX_CREATE_VCPU, &create);
}
#endif

#ifdef VTX_RUN
static inline struct vtx_run *map_run(int vcpu)
{
	return mmap(NULL, VTX_RUN_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
}

static inline void *data_of(struct vtx_run *run)
{
	return (uint8_t *)run + run->io.data_offset;
}
#endif

/* What VTXDRV has counted: "vms", "vcpus" or "pages". */
static inline long counter(const char *name)
{
	char path[64];
	FILE *file;
	long n;

	snprintf(path, sizeof(path), "/sys/module/vtxdrv/parameters/%s", name);
	file = fopen(path, "r");
	if (!file || fscanf(file, "%ld", &n) != 1)
		err(1, "%s", path);
	fclose(file);
	return n;
}

/* xorshift64*: the same numbers from the same seed, on every machine. */
static inline uint32_t next_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dULL >> 32;
}

/* Seeds that lie close together shall not give numbers that are alike. */
static inline uint64_t seed_random(uint64_t seed)
{
	return (seed + 1) * 0x9e3779b97f4a7c15ULL;
}

#endif /* FAULT_VM_H */
