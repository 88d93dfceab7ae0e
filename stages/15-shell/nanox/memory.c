// SPDX-License-Identifier: GPL-2.0-only
/*
 * To try addresses until one does not answer is dangerous: there may be a device,
 * or the end of us. A PC notes how much memory it has in the CMOS, a few bytes
 * that its clock's battery keeps: one port takes a number, another has the byte.
 */
#include "io.h"
#include "memory.h"

#define CMOS_INDEX 0x70
#define CMOS_DATA 0x71

/* The low one of two bytes each. */
#define BASE_KIB 0x15 /* below 640 KiB */
#define ABOVE_1M_KIB 0x30
#define ABOVE_16M_64KIB 0x34

#define NOBODY 0xffff /* what a port reads at which there is nothing */

extern char __stack_top[]; /* addresses: see nanox.ld */

static uint32_t end;
static bool told;

static uint32_t cmos_word(uint8_t index)
{
	uint32_t low;

	outb(CMOS_INDEX, index);
	low = inb(CMOS_DATA);
	outb(CMOS_INDEX, index + 1);
	return low | inb(CMOS_DATA) << 8;
}

/* If nobody tells, there is at least what we stand on. */
void memory_init(void)
{
	uint32_t base = cmos_word(BASE_KIB), above = cmos_word(ABOVE_1M_KIB),
		 more = cmos_word(ABOVE_16M_64KIB);

	told = base != NOBODY;
	if (!told)
		end = (uint32_t)__stack_top;
	else if (more)
		end = (16 << 20) + (more << 16);
	else if (above)
		end = (1 << 20) + (above << 10);
	else
		end = base << 10;
}

uint32_t memory_end(void)
{
	return end;
}

bool memory_told(void)
{
	return told;
}
