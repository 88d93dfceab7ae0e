/* SPDX-License-Identifier: GPL-2.0-only */
/* The two instructions that C has no words for. */
#ifndef IO_H
#define IO_H

#include <stdint.h>

static inline void outb(uint16_t port, uint8_t value)
{
	asm volatile("outb %0, %1"
		     :
		     : "a"(value), "d"(port));
}

static inline uint8_t inb(uint16_t port)
{
	uint8_t value;

	asm volatile("inb %1, %0"
		     : "=a"(value)
		     : "d"(port));
	return value;
}

#endif /* IO_H */
