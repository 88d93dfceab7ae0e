// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any bytes as a program for the interval timer. Each operation is three bytes:
 * what to do, a value, and how many pulses of CLK to wait before it. Beside the
 * model runs a naive chip, which counts every single pulse; and a second model,
 * which is asked to advance at odd moments. After each operation:
 *
 *  - all that the CPU reads is what the naive chip gives;
 *  - OUT, CE, null count and the number of edges are the naive chip's;
 *  - the second model is equal to the first, however often it was advanced;
 *  - out0 is as high as OUT, and rose just when edges were added;
 *  - the deadline: no edge one nanosecond before it, exactly one at it.
 *
 * In the end one model makes one leap, of years perhaps, the other three.
 */
#include <stdint.h>
#include <stdlib.h>

#include "i8254.h"

#define CHECK(condition)          \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

/* The naive chip. */
struct naive {
	u8 control, lsb, ol_status;
	u16 cr, ol;
	bool wr_msb, rd_msb, has_cr, is_null, has_ol, has_status;
	bool gate, trigger, out, running, ringing;
	u32 ce, n;
	u64 edges;
};

static int n_mode(const struct naive *c)
{
	int m = c->control >> 1 & 7;

	return m >= 6 ? m & 3 : m;
}

static u32 n_decode(u16 raw, bool bcd)
{
	u32 value = 0;
	int digit;

	if (!bcd)
		return raw;
	for (digit = 3; digit >= 0; digit--)
		value = value * 10 + (raw >> 4 * digit & 15);
	return value;
}

static u16 n_encode(u32 value, bool bcd)
{
	u16 raw = 0;
	int digit;

	if (!bcd)
		return value;
	for (digit = 0; digit < 4; digit++) {
		raw |= value % 10 << 4 * digit;
		value /= 10;
	}
	return raw;
}

static void n_level(struct naive *c, bool level)
{
	if (!c->out && level)
		c->edges++;
	c->out = level;
}

static void n_take(struct naive *c)
{
	c->n = n_decode(c->cr, c->control & 1);
	if (!c->n)
		c->n = c->control & 1 ? 10000 : 65536;
	if ((n_mode(c) == 2 || n_mode(c) == 3) && c->n < 2)
		c->n = 2;
	c->is_null = false;
}

static void n_minus_1(struct naive *c)
{
	c->ce = (c->ce ? c->ce : c->control & 1 ? 10000
						: 65536) -
		1;
}

static void n_reload3(struct naive *c, bool level)
{
	if (c->is_null)
		n_take(c);
	n_level(c, level);
	c->ce = c->n - (c->n & 1);
}

static void n_clk(struct naive *c)
{
	int m = n_mode(c);

	if (c->trigger) {
		c->trigger = false;
		c->running = true;
		c->ringing = true;
		n_take(c);
		c->ce = m == 3 ? c->n - (c->n & 1) : c->n;
		n_level(c, m >= 2);
		return;
	}
	if (m >= 4)
		n_level(c, true);
	if (!c->running || (m != 1 && m != 5 && !c->gate) || (m == 0 && c->wr_msb))
		return;

	switch (m) {
	case 2:
		if (--c->ce == 0) {
			if (c->is_null)
				n_take(c);
			c->ce = c->n;
			n_level(c, true);
		}
		if (c->ce == 1)
			n_level(c, false);
		break;
	case 3:
		/* High and odd: 0 is a value of its own. Otherwise it begins anew at once. */
		if (c->ce == 0)
			n_reload3(c, false);
		else if (c->ce == 2 && !(c->out && c->n & 1))
			n_reload3(c, !c->out);
		else
			c->ce -= 2;
		break;
	default:
		n_minus_1(c);
		if (c->ce == 0 && c->ringing) {
			c->ringing = false;
			n_level(c, m < 4);
		}
	}
}

static void n_control(struct naive *c, u8 value)
{
	struct naive fresh = { .control = value & 63, .is_null = true };

	fresh.gate = c->gate;
	fresh.out = c->out;
	fresh.edges = c->edges;
	fresh.ce = c->ce;
	*c = fresh;
	n_level(c, n_mode(c) != 0);
}

static void n_write(struct naive *c, u8 value)
{
	int m = n_mode(c), access = c->control >> 4 & 3;

	if (m == 0)
		n_level(c, false);
	if (access == 3 && !c->wr_msb) {
		c->lsb = value;
		c->wr_msb = true;
		return;
	}
	c->wr_msb = false;
	c->cr = access == 1 ? value : value << 8 | (access == 3 ? c->lsb : 0);
	c->has_cr = c->is_null = true;
	if (m == 0 || m == 4)
		c->trigger = true;
	if ((m == 2 || m == 3) && !c->running)
		c->trigger = true;
}

static u16 n_shown(const struct naive *c)
{
	return n_encode(c->control & 1 ? c->ce % 10000 : c->ce & 0xffff, c->control & 1);
}

static void n_latch(struct naive *c, bool count, bool status)
{
	if (count && !c->has_ol) {
		c->has_ol = true;
		c->ol = n_shown(c);
	}
	if (status && !c->has_status) {
		c->has_status = true;
		c->ol_status = c->out << 7 | c->is_null << 6 | c->control;
	}
}

static u8 n_read(struct naive *c)
{
	int access = c->control >> 4 & 3;
	u16 value = c->has_ol ? c->ol : n_shown(c);
	bool high = access == 2 || (access == 3 && c->rd_msb);

	if (c->has_status) {
		c->has_status = false;
		return c->ol_status;
	}
	if (access == 3)
		c->rd_msb = !c->rd_msb;
	if (access != 3 || high)
		c->has_ol = false;
	return high ? value >> 8 : value & 0xff;
}

static void n_gate(struct naive *c, bool gate)
{
	int m = n_mode(c);

	if (gate && !c->gate && c->has_cr && (m == 1 || m == 2 || m == 3 || m == 5))
		c->trigger = true;
	if (!gate && (m == 2 || m == 3))
		n_level(c, true);
	c->gate = gate;
}

static void n_command(struct naive *chip, u8 value)
{
	int i;

	for (i = 0; i < 3; i++) {
		if (value >> 6 == 3) {
			if (value & 2 << i)
				n_latch(&chip[i], !(value & 32), !(value & 16));
		} else if (value >> 6 == i) {
			if (value & 0x30)
				n_control(&chip[i], value);
			else
				n_latch(&chip[i], true, false);
		}
	}
}

/* The lines of the two models. */
struct line {
	bool level;
	unsigned int rises;
};

static struct line lines[2];

static void record(void *ctx, unsigned int n, bool level)
{
	struct line *line = ctx;

	CHECK(n == (unsigned int)(line - lines));
	line->rises += level && !line->level;
	line->level = level;
}

static u64 at(u64 ticks)
{
	return ((unsigned __int128)ticks * 1000000000 + I8254_HZ - 1) / I8254_HZ;
}

static void compare(const struct i8254_counter *a, const struct i8254_counter *b)
{
	CHECK(a->control == b->control && a->write_msb == b->write_msb &&
	      a->read_msb == b->read_msb && a->lsb == b->lsb && a->cr == b->cr &&
	      a->written == b->written && a->null_count == b->null_count &&
	      a->load == b->load && a->loaded == b->loaded && a->armed == b->armed &&
	      a->n == b->n && a->ce == b->ce && a->gate == b->gate && a->out == b->out &&
	      a->edges == b->edges && a->count_latched == b->count_latched &&
	      a->status_latched == b->status_latched && a->ol == b->ol &&
	      a->status == b->status);
}

static void check(struct i8254 *chip, struct i8254 *often, const struct naive *naive, u64 now)
{
	struct i8254 copy;
	u64 edges, end;
	int i;

	for (i = 0; i < 3; i++) {
		CHECK(chip->counter[i].out == naive[i].out);
		CHECK(chip->counter[i].ce == naive[i].ce);
		CHECK(chip->counter[i].null_count == naive[i].is_null);
		CHECK(chip->counter[i].edges == naive[i].edges);
		compare(&chip->counter[i], &often->counter[i]);
	}
	CHECK(chip->tick == often->tick && chip->port61 == often->port61);
	CHECK(lines[0].level == naive[0].out && lines[1].level == naive[0].out);

	copy = *chip;
	copy.out0.set = NULL;
	edges = i8254_edges(&copy);
	end = i8254_advance(&copy, now);
	CHECK(end > now);
	CHECK(i8254_edges(&copy) == edges);
	if (end == DEVICE_NEVER) {
		i8254_advance(&copy, now + 1000000000000ULL);
		CHECK(i8254_edges(&copy) == edges);
	} else {
		CHECK(i8254_advance(&copy, end - 1) == end);
		CHECK(i8254_edges(&copy) == edges);
		i8254_advance(&copy, end);
		CHECK(i8254_edges(&copy) == edges + 1);
	}
}

/* Up to 36 years. */
static void check_leap(struct i8254 *chip, struct i8254 *often, u64 tick, u8 how_far)
{
	u64 leap = (u64)how_far << how_far % 43;
	int i;

	i8254_advance(chip, at(tick + leap));
	i8254_advance(often, at(tick + leap / 7));
	i8254_advance(often, at(tick + leap / 7 * 5));
	i8254_advance(often, at(tick + leap));
	for (i = 0; i < 3; i++)
		compare(&chip->counter[i], &often->counter[i]);
	CHECK(i8254_advance(chip, 0) == i8254_advance(often, 0));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);
int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct naive naive[3] = { 0 };
	struct i8254 chip, often;
	unsigned int rises, budget = 200000; /* pulses for the naive chip, in all */
	u64 tick, now, edges, t;
	u8 op, value, got, want;
	int i;

	if (size < 2)
		return 0;
	/* Begin anywhere in 64 years. */
	tick = (u64)data[0] * I8254_HZ * 7900000 + data[1];
	data += 2;
	size -= 2;

	lines[0] = lines[1] = (struct line){ 0 };
	i8254_init(&chip, (struct irq_line){ record, &lines[0], 0 }, at(tick));
	i8254_init(&often, (struct irq_line){ record, &lines[1], 1 }, at(tick));
	for (i = 0; i < 3; i++) {
		naive[i].out = true;
		naive[i].gate = i != 2;
		n_control(&naive[i], 0x36);
	}

	for (; size >= 3; data += 3, size -= 3) {
		unsigned int wait = data[2];

		op = data[0];
		value = data[1];
		/* 0 to 239 pulses; or up to 915; seldom a whole count. */
		if (wait == 255)
			wait = op >= 0xf0 ? 65537 : 10001;
		else if (wait >= 240)
			wait = (wait & 15) * 61;
		if (wait > budget)
			break;
		budget -= wait;

		for (t = 0; t < wait; t++) {
			for (i = 0; i < 3; i++)
				n_clk(&naive[i]);
			/* For the second model: stop now and then on the way. */
			if ((t * 2654435761U + value) % 97 == 0) {
				edges = i8254_edges(&often);
				rises = lines[1].rises;
				i8254_advance(&often, at(tick + t + 1));
				CHECK(lines[1].rises - rises == (i8254_edges(&often) != edges));
			}
		}
		tick += wait;
		now = at(tick);

		edges = i8254_edges(&chip);
		rises = lines[0].rises;
		switch (op & 15) {
		case 0 ... 2:
		case 4:
			got = i8254_in(&chip, op & 15, now);
			CHECK(i8254_in(&often, op & 15, now) == got);
			if ((op & 15) == 4)
				want = chip.port61 | naive[2].out << 5 | (tick / 18 & 1) << 4;
			else
				want = n_read(&naive[op & 15]);
			CHECK(got == want);
			break;
		case 3:
			CHECK(i8254_in(&chip, 3 + (op >> 4), now) == 0xff || op >> 4 == 1);
			i8254_in(&often, 3, now);
			break;
		case 5 ... 7:
			n_write(&naive[(op & 15) - 5], value);
			i8254_out(&chip, (op & 15) - 5, value, now);
			i8254_out(&often, (op & 15) - 5, value, now);
			break;
		case 8 ... 11:
			n_command(naive, value);
			i8254_out(&chip, 3, value, now);
			i8254_out(&often, 3, value, now);
			break;
		case 12 ... 13:
			n_gate(&naive[2], value & 1);
			i8254_out(&chip, 4, value, now);
			i8254_out(&often, 4, value, now);
			CHECK(chip.port61 == (value & 15));
			break;
		case 14:
			i8254_advance(&chip, now < value ? 0 : now - value); /* not back in time */
			i8254_advance(&chip, now);
			i8254_advance(&often, now);
			break;
		default:
			i8254_out(&chip, 5 + op, value, now);
			i8254_out(&often, 0xffff, value, now);
		}
		CHECK(lines[0].rises - rises <= 2);
		if ((op & 15) != 14)
			CHECK(lines[0].rises - rises == (i8254_edges(&chip) != edges));
		check(&chip, &often, naive, now);
	}

	/* Too far for the naive chip: one leap is as good as three. */
	check_leap(&chip, &often, tick, size ? data[0] : 0);
	return 0;
}
