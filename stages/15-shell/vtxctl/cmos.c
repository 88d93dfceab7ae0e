// SPDX-License-Identifier: GPL-2.0-only
/*
 * How much memory is there? A guest cannot find out by trying: where there is
 * none, it is ended. A PC's firmware notes it in a small memory with a battery,
 * the CMOS: one port takes which byte, the other gives it. Of all that a real
 * one holds ours has just that.
 */
#include "vtxctl.h"

#define KIB 1024ULL
#define MIB (1024 * KIB)

/* The first of two bytes each, the low one. The names are those of PC firmware. */
enum {
	BASE_MEMORY = 0x15, /* KiB below 640 KiB */
	EXTENDED_MEMORY = 0x17, /* KiB above 1 MiB */
	EXTENDED_MEMORY_2 = 0x30, /* the same, once more */
	ABOVE_16M = 0x34, /* in pieces of 64 KiB */
};

static uint8_t chosen;

static uint64_t beyond(uint64_t size, uint64_t start)
{
	return size > start ? size - start : 0;
}

static uint16_t at_most(uint64_t value, uint64_t most)
{
	return value < most ? value : most;
}

static uint8_t cmos_byte(struct vm *vm, uint8_t index)
{
	const struct {
		uint8_t index;
		uint16_t value;
	} notes[] = {
		{ BASE_MEMORY, at_most(vm->ram_size / KIB, 640) },
		{ EXTENDED_MEMORY, at_most(beyond(vm->ram_size, MIB) / KIB, UINT16_MAX) },
		{ EXTENDED_MEMORY_2, at_most(beyond(vm->ram_size, MIB) / KIB, UINT16_MAX) },
		{ ABOVE_16M, at_most(beyond(vm->ram_size, 16 * MIB) / (64 * KIB), UINT16_MAX) },
	};
	unsigned int high;
	size_t i;

	for (i = 0; i < sizeof(notes) / sizeof(notes[0]); i++) {
		high = index - notes[i].index;
		if (high <= 1)
			return notes[i].value >> 8 * high;
	}
	return 0;
}

/* The highest bit of the index has another meaning in a PC. */
void cmos_out(struct vm *vm, uint16_t offset, uint8_t value)
{
	if (!offset)
		chosen = value & 0x7f;
}

uint8_t cmos_in(struct vm *vm, uint16_t offset)
{
	return offset ? cmos_byte(vm, chosen) : 0xff;
}
