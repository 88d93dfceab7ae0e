// SPDX-License-Identifier: GPL-2.0-only
/*
 * Intel 8254, the interval timer: three counters that count down, one step
 * with each pulse of CLK, 1193182 times a second. What happens at the end is
 * the counter's mode: an alarm that rings once, or a beat that goes on. In a
 * PC counter 0 interrupts the CPU, counter 1 had the memory refreshed and
 * counter 2 makes the speaker beep. Port 61h belongs to other chips; it holds
 * counter 2's GATE and shows its OUT.
 *
 * Nothing ticks in here. Whoever calls says what time it is, and we compute
 * where the counters are by now: a minute costs no more than a microsecond.
 *
 * All sections named below are those of the Intel 8254 datasheet.
 */
#include "i8254.h"

#define NS_PER_S 1000000000ULL

/*
 * The Control Word ("Control Word Format"):
 *
 *    7 6   5 4   3 2 1   0
 *   | SC  | RW  | mode |BCD|
 *
 * SC selects the counter, RW which of a count's bytes are written and read.
 */
#define SC_READ_BACK 3
#define RW_LATCH 0
#define RW_LSB 1
#define RW_MSB 2
#define CONTROL_MASK 0x3f

/* "Read-Back Command": a zero asks for it. */
#define READ_BACK_NO_COUNT 0x20
#define READ_BACK_NO_STATUS 0x10

/* "Status Byte": below these two, the Control Word as it was written. */
#define STATUS_OUT 0x80
#define STATUS_NULL_COUNT 0x40

#define PORT61_GATE2 0x01
#define PORT61_WRITABLE 0x0f /* 1: speaker; 2, 3: NMIs that nobody here raises */
#define PORT61_REFRESH 0x10
#define PORT61_OUT2 0x20

/* Firmware had the memory refreshed every 18 ticks, 15 us. Some measure time by it. */
#define REFRESH_TICKS 18

/*
 * Pulses of CLK since the clock's zero. Time is always computed from there and
 * never added up, so no error grows. Seconds apart: the product stays small.
 */
static u64 ns_to_ticks(u64 ns)
{
	return ns / NS_PER_S * I8254_HZ + ns % NS_PER_S * I8254_HZ / NS_PER_S;
}

/* The first nanosecond at which that many have been. */
static u64 ticks_to_ns(u64 ticks)
{
	u64 rest = ticks % I8254_HZ * NS_PER_S;

	return ticks / I8254_HZ * NS_PER_S + (rest + I8254_HZ - 1) / I8254_HZ;
}

/* Modes 2 and 3 have two names each: 6 and 7 are the same. */
static unsigned int mode(const struct i8254_counter *c)
{
	unsigned int m = c->control >> 1 & 7;

	return m > 5 ? m - 4 : m;
}

static bool is_bcd(const struct i8254_counter *c)
{
	return c->control & 1;
}

static unsigned int rw(const struct i8254_counter *c)
{
	return c->control >> 4 & 3;
}

/* How many values CE has, and what a count of 0 stands for. */
static u32 modulus(const struct i8254_counter *c)
{
	return is_bcd(c) ? 10000 : 65536;
}

/* What CR asks for. BCD digits above 9 mean nothing; here they count as 10 to 15. */
static u32 cr_count(const struct i8254_counter *c)
{
	u32 n = c->cr;

	if (is_bcd(c))
		n = (n >> 12) * 1000 + (n >> 8 & 15) * 100 + (n >> 4 & 15) * 10 + (n & 15);
	if (!n)
		n = modulus(c);
	/* Illegal in modes 2 and 3: the shortest period is 2. */
	if (n == 1 && (mode(c) == 2 || mode(c) == 3))
		n = 2;
	return n;
}

/* CE as the CPU sees it. */
static u16 ce_value(const struct i8254_counter *c)
{
	u32 ce = c->ce % modulus(c);

	if (is_bcd(c))
		ce = ce / 1000 << 12 | ce / 100 % 10 << 8 | ce / 10 % 10 << 4 | ce % 10;
	return ce;
}

static void set_out(struct i8254_counter *c, bool level)
{
	if (level && !c->out)
		c->edges++;
	c->out = level;
}

static void take_count(struct i8254_counter *c)
{
	c->n = cr_count(c);
	c->null_count = false;
}

/* The CLK pulse that loads CE; it does not count. */
static void load(struct i8254_counter *c)
{
	take_count(c);
	c->ce = mode(c) == 3 ? c->n & ~1U : c->n;
	c->armed = true;
	c->loaded = true;
	c->load = false;
	/* Low for as long as it counts in modes 0 and 1, high in all others. */
	set_out(c, mode(c) > 1);
}

/* Mode 3: how many pulses until OUT turns over. Odd counts are high for one more. */
static u32 half_left(const struct i8254_counter *c)
{
	return c->ce / 2 + (c->out && c->n & 1);
}

/* "Mode 2: Rate Generator". OUT is low while CE is 1, then CE begins anew. */
static void count_rate(struct i8254_counter *c, u64 pulses)
{
	if (pulses < c->ce) {
		c->ce -= pulses;
	} else {
		pulses -= c->ce;
		if (c->null_count)
			take_count(c);
		c->edges += 1 + pulses / c->n;
		c->ce = c->n - pulses % c->n;
	}
	c->out = c->ce != 1;
}

/* "Mode 3: Square Wave Mode". CE goes down by two, once for each half. */
static void count_square(struct i8254_counter *c, u64 pulses)
{
	u32 half = half_left(c);

	if (pulses < half) {
		c->ce -= 2 * pulses;
		return;
	}

	pulses -= half;
	set_out(c, !c->out);
	if (c->null_count)
		take_count(c);
	c->edges += pulses / c->n;
	pulses %= c->n;

	c->ce = c->n & ~1U;
	half = half_left(c);
	if (pulses >= half) {
		pulses -= half;
		set_out(c, !c->out);
	}
	c->ce -= 2 * pulses;
}

/* Modes 0, 1, 4, 5: something happens once, at zero. CE goes on round and round. */
static void count_once(struct i8254_counter *c, u64 pulses)
{
	u32 modulo = modulus(c);

	if (c->armed && pulses >= c->ce) {
		c->armed = false;
		if (mode(c) >= 4)
			c->out = false;
		/* Modes 4 and 5: one pulse later it is high again. */
		if (mode(c) < 4 || pulses > c->ce)
			set_out(c, true);
	}
	if (pulses <= c->ce)
		c->ce -= pulses;
	else
		c->ce = modulo - 1 - (pulses - c->ce - 1) % modulo;
}

/* "Gate" says who counts while GATE is low. */
static bool is_counting(const struct i8254_counter *c)
{
	if (!c->loaded)
		return false;
	switch (mode(c)) {
	case 0:
		return c->gate && !c->write_msb;
	case 1:
	case 5:
		return true;
	default:
		return c->gate;
	}
}

/* So many pulses of CLK went by. */
static void pulse(struct i8254_counter *c, u64 pulses)
{
	if (pulses && c->load) {
		load(c);
		pulses--;
	}
	if (!pulses)
		return;

	/* A strobe is one pulse long, whatever GATE says. */
	if (mode(c) >= 4)
		set_out(c, true);
	if (!is_counting(c))
		return;
	if (mode(c) == 2)
		count_rate(c, pulses);
	else if (mode(c) == 3)
		count_square(c, pulses);
	else
		count_once(c, pulses);
}

/* Pulses until the next rising edge of OUT, or DEVICE_NEVER. On a copy. */
static u64 next_edge(struct i8254_counter c)
{
	u64 edges = c.edges;
	u64 passed = c.load;

	pulse(&c, passed);
	if (c.edges != edges)
		return passed;
	if (mode(&c) >= 4 && !c.out)
		return passed + 1;
	if (!is_counting(&c))
		return DEVICE_NEVER;

	switch (mode(&c)) {
	case 2:
		return passed + c.ce;
	case 3:
		passed += half_left(&c);
		if (c.out)
			passed += (c.null_count ? cr_count(&c) : c.n) / 2;
		return passed;
	default:
		return c.armed ? passed + c.ce + (mode(&c) >= 4) : DEVICE_NEVER;
	}
}

/* GATE is a level in modes 0 and 4, and its rising edge a trigger in 1 and 5. In 2 and 3: both. */
static void set_gate(struct i8254_counter *c, bool gate)
{
	bool rises = gate && !c->gate;
	unsigned int m = mode(c);

	c->gate = gate;
	if (m == 0 || m == 4)
		return;
	if (rises && c->written)
		c->load = true;
	if (!gate && (m == 2 || m == 3))
		set_out(c, true);
}

static void write_count(struct i8254_counter *c, u8 value)
{
	unsigned int m = mode(c);

	/* A new count ends mode 0's high OUT; the first byte of two is enough. */
	if (m == 0)
		set_out(c, false);

	switch (rw(c)) {
	case RW_LSB:
		c->cr = value;
		break;
	case RW_MSB:
		c->cr = value << 8;
		break;
	default:
		c->write_msb = !c->write_msb;
		if (c->write_msb) {
			c->lsb = value;
			return;
		}
		c->cr = value << 8 | c->lsb;
	}
	c->written = true;
	c->null_count = true;

	/* Modes 1 and 5 wait for a trigger, 2 and 3 for the end of what runs. */
	if (m == 0 || m == 4 || ((m == 2 || m == 3) && !c->loaded))
		c->load = true;
}

/* "Mode Definitions": OUT takes its first level at once, without CLK. */
static void write_control(struct i8254_counter *c, u8 value)
{
	c->control = value & CONTROL_MASK;
	c->write_msb = false;
	c->read_msb = false;
	c->written = false;
	c->null_count = true;
	c->load = false;
	c->loaded = false;
	c->count_latched = false;
	c->status_latched = false;
	set_out(c, mode(c) != 0);
}

/* "Counter Latch Command". What is latched stays until it is read. */
static void latch_count(struct i8254_counter *c)
{
	if (!c->count_latched)
		c->ol = ce_value(c);
	c->count_latched = true;
}

static void latch_status(struct i8254_counter *c)
{
	if (!c->status_latched)
		c->status = (c->out ? STATUS_OUT : 0) | (c->null_count ? STATUS_NULL_COUNT : 0) |
			    c->control;
	c->status_latched = true;
}

static u8 read_counter(struct i8254_counter *c)
{
	u16 count = c->count_latched ? c->ol : ce_value(c);
	bool msb = rw(c) == RW_MSB;

	/* The status is first, whichever was latched first. */
	if (c->status_latched) {
		c->status_latched = false;
		return c->status;
	}
	if (rw(c) != RW_LSB && rw(c) != RW_MSB) {
		msb = c->read_msb;
		c->read_msb = !c->read_msb;
	}
	if (!c->read_msb)
		c->count_latched = false;
	return msb ? count >> 8 : count;
}

static void command(struct i8254 *chip, u8 value)
{
	unsigned int sc = value >> 6;
	int i;

	if (sc == SC_READ_BACK) {
		for (i = 0; i < 3; i++) {
			if (!(value >> i & 2))
				continue;
			if (!(value & READ_BACK_NO_COUNT))
				latch_count(&chip->counter[i]);
			if (!(value & READ_BACK_NO_STATUS))
				latch_status(&chip->counter[i]);
		}
	} else if ((value >> 4 & 3) == RW_LATCH) {
		latch_count(&chip->counter[sc]);
	} else {
		write_control(&chip->counter[sc], value);
	}
}

static void catch_up(struct i8254 *chip, u64 now)
{
	u64 tick = ns_to_ticks(now);
	int i;

	if (tick <= chip->tick)
		return;
	for (i = 0; i < 3; i++)
		pulse(&chip->counter[i], tick - chip->tick);
	chip->tick = tick;
}

/* However many edges there were, the line shows one. i8254_edges() knows. */
static void show_out0(struct i8254 *chip)
{
	struct i8254_counter *c = &chip->counter[0];

	if (chip->told != c->edges) {
		irq_line_set(&chip->out0, false);
		irq_line_set(&chip->out0, true);
		chip->told = c->edges;
		chip->level = true;
	}
	if (chip->level != c->out) {
		irq_line_set(&chip->out0, c->out);
		chip->level = c->out;
	}
}

/* The datasheet promises nothing before the first Control Word. Ours is quiet, OUT high. */
void i8254_init(struct i8254 *chip, struct irq_line out0, u64 now)
{
	int i;

	*chip = (struct i8254){ .tick = ns_to_ticks(now), .out0 = out0, .level = true };
	for (i = 0; i < 3; i++) {
		chip->counter[i].out = true;
		chip->counter[i].gate = i != 2; /* the others are tied high */
		write_control(&chip->counter[i], 0x36); /* mode 3, as a PC starts */
	}
	irq_line_set(&chip->out0, true);
}

u8 i8254_in(struct i8254 *chip, u16 off, u64 now)
{
	u8 value = 0xff;

	catch_up(chip, now);
	if (off < I8254_CONTROL)
		value = read_counter(&chip->counter[off]);
	else if (off == I8254_PORT61)
		value = chip->port61 | (chip->tick / REFRESH_TICKS & 1 ? PORT61_REFRESH : 0) |
			(chip->counter[2].out ? PORT61_OUT2 : 0);
	show_out0(chip);
	return value;
}

void i8254_out(struct i8254 *chip, u16 off, u8 value, u64 now)
{
	catch_up(chip, now);
	if (off < I8254_CONTROL) {
		write_count(&chip->counter[off], value);
	} else if (off == I8254_CONTROL) {
		command(chip, value);
	} else if (off == I8254_PORT61) {
		chip->port61 = value & PORT61_WRITABLE;
		set_gate(&chip->counter[2], value & PORT61_GATE2);
	}
	show_out0(chip);
}

u64 i8254_advance(struct i8254 *chip, u64 now)
{
	u64 pulses;

	catch_up(chip, now);
	show_out0(chip);
	pulses = next_edge(chip->counter[0]);
	return pulses == DEVICE_NEVER ? DEVICE_NEVER : ticks_to_ns(chip->tick + pulses);
}

u64 i8254_edges(const struct i8254 *chip)
{
	return chip->counter[0].edges;
}
