// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's RAM is ordinary memory of this program: one mapping, zeroed by
 * Linux, ours to read and write at any time.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "vtxctl.h"

#define LARGE_PAGE (2UL << 20)
#define ROM_SIZE 4096
#define ROM_MAX (16UL << 20)
#define ROM_LOW (128UL << 10) /* of it, below 1 MiB */
#define MEGABYTE (1UL << 20)

/*
 * Aligned to 2 MiB, and Linux is asked for pages of that size: then one entry
 * of the third table serves where 512 of the fourth would be needed.
 */
void mem_create(struct vm *vm, uint64_t size)
{
	uint8_t *mem;

	mem = mmap(NULL, size + LARGE_PAGE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (mem == MAP_FAILED)
		die(STATUS_NO_VTX, "no memory for a guest of %llu KiB: %s; give it less (--mem)",
		    (unsigned long long)size >> 10, strerror(errno));

	vm->ram = (uint8_t *)(((uintptr_t)mem + LARGE_PAGE - 1) & ~(LARGE_PAGE - 1));
	vm->ram_size = size;
	madvise(vm->ram, size, MADV_HUGEPAGE);
	vm_map(vm, 0, vm->ram, size, 0);
}

/* Memory that the guest may read only, up to the end of the 4 GiB that it can see. */
static uint8_t *rom_create(size_t size)
{
	uint8_t *rom;

	rom = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (rom == MAP_FAILED)
		die(STATUS_NO_VTX, "no memory for the ROM: %s", strerror(errno));
	memset(rom, 0xff, size);
	return rom;
}

static void rom_map(struct vm *vm, uint8_t *rom, size_t size)
{
	vm_map(vm, (4ULL << 30) - size, rom, size, VTX_MEM_READONLY);
}

/*
 * A CPU that comes out of reset runs what lies 16 bytes below 4 GiB. So the
 * guest has a page of ROM there, with one instruction: a jump to where the
 * guest begins.
 */
void mem_create_rom(struct vm *vm, const struct entry *e)
{
	const uint8_t jump[] = { 0xea, e->offset, e->offset >> 8, e->segment, e->segment >> 8 };
	uint8_t *rom = rom_create(ROM_SIZE);

	memcpy(rom + ROM_SIZE - 16, jump, sizeof(jump));
	rom_map(vm, rom, ROM_SIZE);
}

/*
 * A ROM of somebody else's, as a PC has it: at the end of 4 GiB, and its last
 * 128 KiB once more at the end of the first megabyte, where a CPU in real mode
 * can jump to. Those lie in RAM: a reset brings them back.
 */
void mem_load_rom(struct vm *vm, const char *path)
{
	static uint8_t *rom;
	static size_t size;
	struct image image = { .path = path };
	size_t low;
	int fd;

	if (!rom) {
		fd = image_open(&image);
		if (image.size > ROM_MAX)
			die(STATUS_USAGE, "--rom %s: give a file of up to 16M", path);
		size = (image.size + 4095) & ~4095UL;
		rom = rom_create(size);
		image_read(fd, &image, rom + size - image.size);
		rom_map(vm, rom, size);
	}
	low = size < ROM_LOW ? size : ROM_LOW;
	if (vm->ram_size >= MEGABYTE)
		memcpy(vm->ram + MEGABYTE - low, rom + size - low, low);
}

/* "64M": bytes, with K, M or G behind them. From 64K to 3G, in pages of 4K. */
uint64_t mem_parse_size(const char *text)
{
	static const char units[] = "KMG";
	unsigned long long n;
	const char *unit;
	char *end;

	errno = 0;
	n = strtoull(text, &end, 0);
	if (*end && (unit = strchr(units, *end & ~0x20))) {
		n = n > RAM_MAX ? RAM_MAX + 1 : n << (10 * (unit - units + 1));
		end++;
	}
	if (errno || end == text || *end || *text == '-' || n < 64 << 10 || n > RAM_MAX || n % 4096)
		die(STATUS_USAGE, "--mem %s: give a size from 64K to 3G in steps of 4K, as 64M",
		    text);
	return n;
}
