/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Intel 8042, the PC's keyboard controller, and the keyboard at its wire.
 */
#ifndef VTX_I8042_H
#define VTX_I8042_H

#include "device.h"

/* Offsets: ports 60h and 64h. */
#define I8042_DATA 0
#define I8042_STATUS 4 /* read */
#define I8042_COMMAND 4 /* written */

#define I8042_KEYS 16

/* The keyboard. It sends one byte whenever the controller has room for it. */
struct i8042_keyboard {
	u8 key[I8042_KEYS]; /* a ring of scan codes */
	unsigned int first, keys;
	u8 answer[3]; /* to a command; ahead of all scan codes, the last one first */
	unsigned int answers;
	u8 command; /* it waits for its parameter; 0: none does */
	u8 last; /* what Resend sends again */
	u8 set; /* of scan codes, as last chosen */
	u8 leds; /* bits 0 to 2: Scroll, Num, Caps Lock */
	bool scanning;
};

struct i8042 {
	u8 command_byte;
	u8 command; /* it waits for its parameter; 0: none does */
	bool was_command; /* the last write went to port 64h */
	bool a20, reset;
	u8 reply; /* the controller's own */
	bool has_reply;
	u8 data; /* what came from the keyboard */
	bool has_data;
	u8 last; /* what port 60h goes on to show when nothing waits */
	struct i8042_keyboard kbd;
	struct irq_line irq1;
	bool level; /* of irq1, as we last set it */
};

void i8042_init(struct i8042 *chip, struct irq_line irq1);
u8 i8042_in(struct i8042 *chip, u16 off, u64 now);
void i8042_out(struct i8042 *chip, u16 off, u8 value, u64 now);
bool i8042_key(struct i8042 *chip, const u8 *codes, size_t n);
bool i8042_take_reset(struct i8042 *chip);
bool i8042_a20(const struct i8042 *chip);

#endif /* VTX_I8042_H */
