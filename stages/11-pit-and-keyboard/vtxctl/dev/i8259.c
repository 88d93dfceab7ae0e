// SPDX-License-Identifier: GPL-2.0-only
/*
 * The two 8259A interrupt controllers of a PC. A CPU has one pin, INTR, that
 * says "something wants you". Many devices want it. An 8259A has eight inputs,
 * IR0 to IR7, and decides who is first. Then the CPU asks who it was (INTA),
 * and gets a number, the vector: which entry of its table of handlers to run.
 *
 * Eight are too few, so there are two chips: INT of the second, the slave, is
 * wired to IR2 of the first, the master. IRQ 0 to 7 are the master's inputs,
 * IRQ 8 to 15 the slave's.
 *
 * "8259A" below is the Intel 8259A datasheet, by the titles of its sections.
 */
#include "i8259.h"

/* What the port with A0 = 1 takes: after ICW1 more ICWs, and then OCW1. */
enum i8259_word {
	I8259_OFF, /* no ICW1 yet */
	I8259_ICW2,
	I8259_ICW3,
	I8259_ICW4,
	I8259_OCW1,
};

#define ICW1 0x10 /* A0 = 0: this bit makes it an ICW1 */
#define ICW1_IC4 0x01 /* ICW4 will come */
#define ICW1_SNGL 0x02 /* the only chip: ICW3 will not come */
#define ICW1_LTIM 0x08 /* all inputs are level-triggered */

#define ICW4_AEOI 0x02
#define ICW4_SFNM 0x10

#define OCW2_L 0x07 /* an IR */
#define OCW2_EOI 0x20
#define OCW2_SL 0x40 /* the IR in OCW2_L is meant */
#define OCW2_R 0x80 /* rotate */

#define OCW3 0x08 /* A0 = 0, no ICW1: OCW3 if set, else OCW2 */
#define OCW3_RIS 0x01 /* with RR: read ISR next, not IRR */
#define OCW3_RR 0x02
#define OCW3_P 0x04
#define OCW3_SMM 0x20
#define OCW3_ESMM 0x40 /* SMM counts */

#define POLL_I 0x80 /* there was a request */

/*
 * IRQ 0, 1, 2, 8 and 13 (timer, keyboard, cascade, clock, FPU) cannot be made
 * level-triggered. (Intel 82371SB (PIIX3) datasheet, "Edge/Level Control
 * Register".)
 */
#define ELCR_MASTER 0xf8
#define ELCR_SLAVE 0xde

#define NONE 0xff
#define DEFAULT_IR 7 /* the answer to an INTA if nobody has a request */
#define FLOATING 0xff /* what the CPU reads if nobody drives the bus */

static u8 bit(unsigned int ir)
{
	return 1u << (ir & 7);
}

/*
 * 8259A, "Edge and Level Triggered Modes". Even an edge-triggered input must
 * stay high until it is acknowledged. So both kinds of request are gone when
 * the line falls, and they differ in one thing only: an edge is used up by its
 * acknowledgement, a level is not.
 */
static u8 irr(const struct i8259_chip *chip)
{
	u8 level = chip->icw1 & ICW1_LTIM ? 0xff : chip->elcr;

	return chip->lines & (chip->armed | level);
}

static void set_line(struct i8259_chip *chip, unsigned int ir, bool level)
{
	if (level) {
		chip->lines |= bit(ir);
	} else {
		chip->lines &= ~bit(ir);
		chip->armed |= bit(ir);
	}
}

/* 8259A, "Special Mask Mode": a masked IR that is in service hinders nobody. */
static u8 in_service(const struct i8259_chip *chip)
{
	return chip->special_mask ? chip->isr & ~chip->imr : chip->isr;
}

/*
 * Which IR wants the CPU and may have it? From the highest priority down, up to
 * the first that is in service. (8259A, "Fully Nested Mode".) It hinders itself,
 * too, but not in special fully nested mode if it is a slave: then it may have a
 * request that is more urgent than the one in service.
 */
static u8 request(const struct i8259_chip *chip)
{
	u8 wanted = irr(chip) & ~chip->imr, serving;
	unsigned int i, ir;

	if (!wanted || chip->next != I8259_OCW1) /* not initialised, or not yet again */
		return NONE;
	serving = in_service(chip);
	wanted &= ~serving | (chip->icw4 & ICW4_SFNM ? chip->slaves : 0);
	for (i = 1; i <= 8; i++) {
		ir = (chip->lowest + i) & 7;
		if (wanted & bit(ir))
			return ir;
		if (serving & bit(ir))
			break;
	}
	return NONE;
}

/* One INTA, or the read that stands for it in poll mode. */
static u8 acknowledge(struct i8259_chip *chip)
{
	u8 ir = request(chip);

	if (ir == NONE) /* 8259A, "Interrupt Sequence": it was too short */
		return DEFAULT_IR;
	chip->armed &= ~bit(ir);
	if (!(chip->icw4 & ICW4_AEOI))
		chip->isr |= bit(ir);
	else if (chip->rotate_aeoi)
		chip->lowest = ir;
	return ir;
}

/*
 * The slave's INT goes low after each acknowledgement, even if it has another
 * request: settle() raises it again, and the master sees a new edge.
 */
static u8 acknowledge_slave(struct i8259 *pic)
{
	u8 ir = acknowledge(&pic->slave);

	set_line(&pic->master, I8259_CASCADE, false);
	return ir;
}

/* After a change at the master: what is INTR now? */
static void settle_master(struct i8259 *pic)
{
	u8 ir = request(&pic->master);

	pic->intr = ir != NONE;
	if (pic->intr)
		pic->asked = ir;
}

/* After any other change: first carry the slave's INT to the master. */
static void settle(struct i8259 *pic)
{
	set_line(&pic->master, I8259_CASCADE, request(&pic->slave) != NONE);
	settle_master(pic);
}

/*
 * 8259A, "Initialization Command Words 1 and 2". Pins and ELCR are not the
 * chip's to reset. What the section does not name begins as 0 as well: an
 * interrupt that is in service, rotation in AEOI mode, a poll.
 */
static void out_icw1(struct i8259_chip *chip, u8 value)
{
	*chip = (struct i8259_chip){
		.lines = chip->lines,
		.armed = ~chip->lines, /* what is high now is no edge any more */
		.elcr = chip->elcr,
		.sp = chip->sp,
		.lowest = 7,
		.id = 7,
		.icw1 = value,
		.next = I8259_ICW2,
	};
}

/*
 * 8259A, "Operation Control Word 2": three bits that are almost independent.
 * EOI ends an IR, R gives an IR the lowest priority, SL says which IR: without
 * it, the most urgent one in service. Without EOI and SL, R is the switch for
 * rotation in AEOI mode. SL alone does nothing.
 */
static void out_ocw2(struct i8259_chip *chip, u8 value)
{
	u8 serving = in_service(chip);
	u8 ir = value & OCW2_L;
	unsigned int i;

	if (!(value & (OCW2_EOI | OCW2_SL))) {
		chip->rotate_aeoi = value & OCW2_R;
		return;
	}
	if (!(value & OCW2_SL)) {
		if (!serving)
			return;
		for (i = 1; !(serving & bit(chip->lowest + i)); i++)
			;
		ir = (chip->lowest + i) & 7;
	}
	if (value & OCW2_EOI)
		chip->isr &= ~bit(ir);
	if (value & OCW2_R)
		chip->lowest = ir;
}

/* 8259A, "Operation Control Word 3". */
static void out_ocw3(struct i8259_chip *chip, u8 value)
{
	if (value & OCW3_ESMM)
		chip->special_mask = value & OCW3_SMM;
	if (value & OCW3_RR)
		chip->read_isr = value & OCW3_RIS;
	chip->poll = value & OCW3_P;
}

/* A0 = 1. ICW1 has said which of the others will come. */
static void out_data(struct i8259_chip *chip, u8 value)
{
	u8 last = chip->icw1 & ICW1_IC4 ? I8259_ICW4 : I8259_OCW1;

	switch (chip->next) {
	case I8259_ICW2:
		chip->icw2 = value & 0xf8; /* the IR takes the place of the low bits */
		chip->next = chip->icw1 & ICW1_SNGL ? last : I8259_ICW3;
		break;
	case I8259_ICW3:
		if (chip->sp)
			chip->slaves = value;
		else
			chip->id = value & 7;
		chip->next = last;
		break;
	case I8259_ICW4:
		chip->icw4 = value;
		chip->next = I8259_OCW1;
		break;
	default: /* before ICW1, too: to see if there is a chip, Linux writes and reads IMR */
		chip->imr = value;
	}
}

/* Power-on: all lines are low. The devices have to raise theirs again. */
void i8259_init(struct i8259 *pic)
{
	const struct i8259_chip chip = { .armed = 0xff, .lowest = 7, .id = 7, .next = I8259_OFF };

	*pic = (struct i8259){ .master = chip, .slave = chip, .asked = NONE };
	pic->master.sp = true;
}

/* off: 0 and 1 are ports 20h and 21h, 2 and 3 A0h and A1h, 4 and 5 4D0h and 4D1h. */
u8 i8259_in(struct i8259 *pic, u16 off, u64 now)
{
	struct i8259_chip *chip = off & 2 ? &pic->slave : &pic->master;
	bool any;
	u8 ir;

	(void)now;
	if (off > 5)
		return FLOATING;
	if (off > 3)
		return off & 1 ? pic->slave.elcr : pic->master.elcr;
	if (chip->poll) { /* 8259A, "Poll Command": A0 does not matter */
		chip->poll = false;
		any = request(chip) != NONE;
		ir = off & 2 ? acknowledge_slave(pic) : acknowledge(chip);
		settle(pic);
		return ir | (any ? POLL_I : 0);
	}
	if (off & 1)
		return chip->imr;
	return chip->read_isr ? chip->isr : irr(chip);
}

void i8259_out(struct i8259 *pic, u16 off, u8 value, u64 now)
{
	struct i8259_chip *chip = off & 2 ? &pic->slave : &pic->master;

	(void)now;
	if (off > 5)
		return;
	if (off == 4)
		pic->master.elcr = value & ELCR_MASTER;
	else if (off == 5)
		pic->slave.elcr = value & ELCR_SLAVE;
	else if (off & 1)
		out_data(chip, value);
	else if (value & ICW1)
		out_icw1(chip, value);
	else if (value & OCW3)
		out_ocw3(chip, value);
	else
		out_ocw2(chip, value);
	settle(pic);
}

/* IRQ 2 is the cascade, and no device can be on it. */
void i8259_set_irq(struct i8259 *pic, unsigned int n, bool level)
{
	if (n > 15 || n == I8259_CASCADE)
		return;
	if (n > 7) {
		set_line(&pic->slave, n & 7, level);
		settle(pic);
	} else {
		set_line(&pic->master, n, level);
		settle_master(pic);
	}
}

bool i8259_intr(const struct i8259 *pic)
{
	return pic->intr;
}

/*
 * The CPU saw INTR, and now it asks: two INTA cycles. In the first the master
 * chooses an IR, in the second the vector comes: from the master, or from the
 * slave that the master calls by its number. (8259A, "Cascade Mode".)
 *
 * If the request has gone in between, the answer is IR7, and no ISR bit is set:
 * a spurious interrupt. If it was the slave's, the fall has two chips to pass.
 * The slave knows, the master does not yet: it takes IR2 into service and calls
 * the slave, and the slave answers with its IR7. So the handler of a spurious
 * IRQ 7 sends no EOI, that of a spurious IRQ 15 sends one, to the master.
 */
int i8259_ack(struct i8259 *pic)
{
	u8 ir;

	if (pic->asked == I8259_CASCADE)
		set_line(&pic->master, I8259_CASCADE, true);
	pic->asked = NONE;

	ir = acknowledge(&pic->master);
	if (!(pic->master.slaves & bit(ir)))
		ir |= pic->master.icw2;
	else if (pic->slave.id == ir)
		ir = acknowledge_slave(pic) | pic->slave.icw2;
	else
		ir = FLOATING;
	settle(pic);
	return ir;
}
