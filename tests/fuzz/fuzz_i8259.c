// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any bytes are a session with the interrupt controllers: two bytes are one
 * step. After each step there are rules that must hold, whatever came before.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "i8259.h"

#define ICW1_LTIM 0x08
#define ICW4_AEOI 0x02
#define ICW4_SFNM 0x10
#define INITIALISED 4 /* I8259_OCW1 */

#define CHECK(rule)              \
	do {                     \
		if (!(rule))     \
			abort(); \
	} while (0)

/* IRR as a driver sees it. */
static u8 read_irr(struct i8259 pic, u16 off)
{
	i8259_out(&pic, off, 0x08, 0); /* no poll */
	i8259_out(&pic, off, 0x0a, 0);
	return i8259_in(&pic, off, 0);
}

/* Turned so that bit 0 is the highest priority. */
static unsigned int by_priority(u8 value, u8 lowest)
{
	unsigned int n = (lowest + 1) & 7;

	return (value >> n | value << (8 - n)) & 0xff;
}

/*
 * Which IR does it ask for, 8 if none? Decided in another way than the model
 * does: the lowest bit that is set, of two numbers.
 */
static unsigned int asks_for(const struct i8259_chip *chip, u8 irr)
{
	unsigned int isr = chip->special_mask ? chip->isr & ~chip->imr : chip->isr;
	unsigned int request = by_priority(irr & ~chip->imr, chip->lowest);
	unsigned int own = by_priority(chip->icw4 & ICW4_SFNM ? chip->slaves : 0, chip->lowest);

	isr = by_priority(isr, chip->lowest);
	isr &= -isr; /* the highest in service */
	request &= (isr - 1u) | (isr & own); /* what is above it */
	if (chip->next != INITIALISED || !request)
		return 8;
	return (__builtin_ctz(request) + chip->lowest + 1) & 7;
}

static void check_chip(const struct i8259_chip *chip, u8 irr)
{
	u8 level = chip->icw1 & ICW1_LTIM ? 0xff : chip->elcr;

	CHECK((chip->lines | chip->armed) == 0xff);
	CHECK(!(irr & ~chip->lines));
	CHECK((irr & level) == (chip->lines & level));
	CHECK(chip->lowest < 8 && chip->id < 8 && !(chip->icw2 & 7));
	CHECK(chip->next <= INITIALISED);
	if (chip->icw4 & ICW4_AEOI)
		CHECK(!chip->isr);
}

/* What the CPU would get now, and what it would change. On a copy. */
static void check_ack(struct i8259 pic, unsigned int ir, unsigned int slave_ir)
{
	const struct i8259 old = pic;
	int vector = i8259_ack(&pic);
	int expected;
	bool called;

	CHECK(vector >= 0 && vector <= 255);
	CHECK(pic.master.imr == old.master.imr && pic.slave.imr == old.slave.imr);
	CHECK(pic.slave.lines == old.slave.lines);
	if (ir == 8) {
		/* Spurious: 15 at most leaves a trace in the master, and none in the slave. */
		CHECK(!((pic.master.isr ^ old.master.isr) & ~(1u << I8259_CASCADE)));
		CHECK(pic.slave.isr == old.slave.isr || old.slave.id != I8259_CASCADE);
		return;
	}
	if (!(old.master.icw4 & ICW4_AEOI))
		CHECK(pic.master.isr == (old.master.isr | 1u << ir));
	called = old.master.slaves & 1u << ir;
	if (!called) {
		expected = old.master.icw2 | ir;
	} else if (old.slave.id == ir) {
		expected = old.slave.icw2 | (slave_ir & 7);
		if (slave_ir == 8)
			expected = old.slave.icw2 | 7;
	} else {
		expected = 0xff;
	}
	CHECK(vector == expected);
	if (!called || old.slave.id != ir)
		CHECK(pic.slave.isr == old.slave.isr);
	else if (slave_ir < 8 && !(old.slave.icw4 & ICW4_AEOI))
		CHECK(pic.slave.isr == (old.slave.isr | 1u << slave_ir));
}

static void check(const struct i8259 *pic)
{
	struct i8259 copy = *pic;
	u8 irr = read_irr(*pic, 0), slave_irr = read_irr(*pic, 2);
	unsigned int ir = asks_for(&pic->master, irr);
	unsigned int slave_ir = asks_for(&pic->slave, slave_irr);
	unsigned int n;

	check_chip(&pic->master, irr);
	check_chip(&pic->slave, slave_irr);
	CHECK(!(i8259_in(&copy, 4, 0) & 0x07));
	CHECK(!(i8259_in(&copy, 5, 0) & 0x21));

	/* The pins. */
	CHECK(i8259_intr(pic) == (ir < 8));
	CHECK(!(pic->master.lines & 1u << I8259_CASCADE) == (slave_ir == 8));
	check_ack(*pic, ir, slave_ir);

	/* A line that is set to what it is, and IRQ 2, change nothing. */
	for (n = 0; n < 17; n++) {
		u8 lines = n > 7 ? pic->slave.lines : pic->master.lines;

		i8259_set_irq(&copy, n, n == I8259_CASCADE ? n & 1 : lines >> (n & 7) & 1);
	}
	CHECK(!memcmp(&copy, pic, sizeof(copy)));

	/* No line, no request. */
	for (n = 0; n < 16; n++)
		i8259_set_irq(&copy, n, false);
	CHECK(!i8259_intr(&copy));
}

/* A read that is no poll changes nothing. */
static void step_in(struct i8259 *pic, u16 off)
{
	const struct i8259 old = *pic;
	bool poll = off < 4 && (off & 2 ? old.slave.poll : old.master.poll);

	i8259_in(pic, off, 0);
	if (!poll)
		CHECK(!memcmp(&old, pic, sizeof(old)));
	else
		CHECK(!(off & 2 ? pic->slave.poll : pic->master.poll));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct i8259 pic;

	/* Without it, most sessions would never get as far as a request. */
	static const u8 pc[][2] = {
		{ 0, 0x11 },
		{ 1, 0x20 },
		{ 1, 0x04 },
		{ 1, 0x01 },
		{ 2, 0x11 },
		{ 3, 0x28 },
		{ 3, 0x02 },
		{ 3, 0x01 },
	};
	size_t i;

	i8259_init(&pic);
	check(&pic);
	if (size && data[0] & 1)
		for (i = 0; i < sizeof(pc) / sizeof(pc[0]); i++)
			i8259_out(&pic, pc[i][0], pc[i][1], 0);
	for (i = 1; i + 1 < size; i += 2) {
		u8 what = data[i], value = data[i + 1];

		switch (what >> 6) {
		case 0:
			i8259_out(&pic, what & 7, value, 0);
			break;
		case 1:
			step_in(&pic, what & 7);
			break;
		case 2:
			i8259_set_irq(&pic, what & 31, value & 1);
			break;
		case 3:
			if (i8259_intr(&pic) || !(value & 7)) /* out of turn, too */
				i8259_ack(&pic);
			break;
		}
		check(&pic);
	}
	return 0;
}
