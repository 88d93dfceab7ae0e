/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every device model shares. A model is pure: it takes no lock, arms no
 * timer, allocates nothing and calls no operating system. So the same file can
 * be built into VTXCTL, into VTXDRV, into unit tests and into a fuzzer.
 *
 * Time is given to a model with every call, as `now`: nanoseconds since some
 * fixed moment, never less than in the call before.
 */
#ifndef VTX_DEVICE_H
#define VTX_DEVICE_H

#include "types.h"

#define DEVICE_NEVER (~0ULL) /* a deadline that does not come */

/* An interrupt line, seen from the device that pulls it. `set` only records. */
struct irq_line {
	void (*set)(void *ctx, unsigned int n, bool level);
	void *ctx;
	unsigned int n;
};

static inline void irq_line_set(const struct irq_line *line, bool level)
{
	if (line->set)
		line->set(line->ctx, line->n, level);
}

#endif /* VTX_DEVICE_H */
