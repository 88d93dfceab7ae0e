/* SPDX-License-Identifier: GPL-2.0-only */
/* Numbers that nobody can foresee: from the CPU's own clock. */
#ifndef DICE_H
#define DICE_H

#include <stdint.h>

static inline uint32_t dice(void)
{
	uint32_t low, high;

	asm volatile("rdtsc"
		     : "=a"(low), "=d"(high));
	return low;
}

#endif /* DICE_H */
