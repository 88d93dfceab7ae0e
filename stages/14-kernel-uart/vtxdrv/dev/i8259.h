/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VTX_I8259_H
#define VTX_I8259_H

#include "device.h"

#define I8259_CASCADE 2 /* the master's input that the slave's INT pin is wired to */

/* Bytes only, without gaps: it can be saved, restored and compared as it is. */
struct i8259_chip {
	u8 lines; /* IR0 to IR7: which inputs are high now */
	u8 armed; /* was low since it was last acknowledged: if it is high, that is an edge */
	u8 imr, isr;
	u8 elcr;
	u8 lowest; /* the IR that has the lowest priority; the next one has the highest */
	u8 icw1, icw2, icw4;
	u8 slaves; /* ICW3 of the master: on which inputs there is a slave */
	u8 id; /* ICW3 of the slave: on which input of the master it is */
	u8 next; /* enum i8259_word: what the port with A0 = 1 takes next */
	bool sp; /* its SP/EN pin: high on the master, low on the slave */
	bool rotate_aeoi;
	bool special_mask;
	bool read_isr; /* the port with A0 = 0 reads ISR, not IRR */
	bool poll; /* the next read is a poll */
};

struct i8259 {
	struct i8259_chip master, slave;
	bool intr; /* its pin to the CPU: high, somebody wants it */
	u8 asked; /* what INTR was last high for: an IR of the master */
};

void i8259_init(struct i8259 *pic);
u8 i8259_in(struct i8259 *pic, u16 off, u64 now);
void i8259_out(struct i8259 *pic, u16 off, u8 value, u64 now);
void i8259_set_irq(struct i8259 *pic, unsigned int n, bool level);
bool i8259_intr(const struct i8259 *pic);
int i8259_ack(struct i8259 *pic);

#endif /* VTX_I8259_H */
