/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Intel 8254, the PC's interval timer, and port 61h beside it.
 */
#ifndef VTX_I8254_H
#define VTX_I8254_H

#include "device.h"

#define I8254_HZ 1193182 /* pulses of CLK in a second */

/* Offsets: ports 40h to 43h, and port 61h. */
#define I8254_COUNTER0 0
#define I8254_COUNTER1 1
#define I8254_COUNTER2 2
#define I8254_CONTROL 3
#define I8254_PORT61 4

struct i8254_counter {
	u8 control; /* the six low bits of the Control Word: RW, mode, BCD */
	bool write_msb, read_msb; /* the first of two bytes went by */
	u8 lsb; /* that byte, written */
	u16 cr; /* CR, the Count Register, as written */
	bool written; /* CR holds a count */
	bool null_count; /* and CE has not taken it yet */

	bool load; /* the next CLK pulse loads CE from CR */
	bool loaded; /* CE has been loaded since the Control Word */
	bool armed; /* modes 0, 1, 4, 5: zero is still to come */
	u32 n; /* the count that was loaded */
	u32 ce; /* CE, the Counting Element; a plain number, in BCD too */
	bool gate, out;
	u64 edges; /* rising edges of OUT */

	bool count_latched, status_latched;
	u16 ol; /* OL, the Output Latch */
	u8 status;
};

struct i8254 {
	struct i8254_counter counter[3];
	u8 port61; /* what was written, bits 0 to 3 */
	u64 tick; /* CLK pulses until now */
	struct irq_line out0;
	bool level; /* of out0, as we last set it */
	u64 told; /* edges of counter 0 that went to out0 */
};

void i8254_init(struct i8254 *chip, struct irq_line out0, u64 now);
u8 i8254_in(struct i8254 *chip, u16 off, u64 now);
void i8254_out(struct i8254 *chip, u16 off, u8 value, u64 now);
u64 i8254_advance(struct i8254 *chip, u64 now);
u64 i8254_edges(const struct i8254 *chip);

#endif /* VTX_I8254_H */
