// SPDX-License-Identifier: GPL-2.0-only
/*
 * The 8254 counts a clock of 1.193182 MHz down, and each time it comes to the
 * end it pulls interrupt line 0 and begins anew (Intel 8254 datasheet, mode 2).
 */
#include "io.h"
#include "pic.h"
#include "pit.h"

#define COUNTER_0 0x40
#define CONTROL 0x43
#define RATE_GENERATOR 0x34 /* counter 0, two bytes, mode 2, binary */
#define CLOCK 1193182

static volatile unsigned int ticks;

static void on_timer(struct frame *frame)
{
	ticks++;
}

void pit_init(void)
{
	const unsigned int count = (CLOCK + HZ / 2) / HZ;

	outb(CONTROL, RATE_GENERATOR);
	outb(COUNTER_0, count & 0xff);
	outb(COUNTER_0, count >> 8);
	pic_set(IRQ_TIMER, on_timer);
}

unsigned int pit_ticks(void)
{
	return ticks;
}
