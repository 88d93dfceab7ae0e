// SPDX-License-Identifier: GPL-2.0-only
/*
 * Our side of the oracle: gives the device models the same steps that rom.asm
 * gave QEMU's, at the same nanoseconds, and compares each answer with QEMU's.
 *
 *     replay SHIFT STREAM ANSWERS
 *
 * An answer that differs must be explained by a rule of RULES below, in the
 * very situation that the rule names. differences.md says for each who is right.
 * There are three kinds:
 *
 *     exact  we can say what QEMU answers, and it is what QEMU did answer
 *     mask   nobody else sees this value: the script goes on
 *     cut    from here on the two chips are in different states: the script ends
 *
 * Output: "differ SCRIPT STEP QEMU OURS" for each script with an unexplained
 * answer, "rule NAME USES" and "compared ANSWERS EXCUSED": so many were the same or
 * explained, and for so many of them a rule would have let a difference pass.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "i8254.h"
#include "i8259.h"
#include "ns16550.h"

#define RULES(X)                                \
	X(PIC_EDGE_STAYS, "pic-edge-stays")     \
	X(PIC_POLL_NONE, "pic-poll-none")       \
	X(PIC_LTIM, "pic-ltim")                 \
	X(PIC_WIRING, "pic-wiring")             \
	X(PIC_IN_INIT, "pic-in-init")           \
	X(PIC_SFNM, "pic-sfnm")                 \
	X(PIC_SMM_EOI, "pic-smm-eoi")           \
	X(PIC_SMM_LATE, "pic-smm-late")         \
	X(PIC_POLL_CANCEL, "pic-poll-cancel")   \
	X(PIC_ELCR_LATE, "pic-elcr-late")       \
	X(PIC_ICW1_EDGE, "pic-icw1-edge")       \
	X(PIC_CASCADE_EDGE, "pic-cascade-edge") \
	X(PIT_BCD, "pit-bcd")                   \
	X(PIT_MODE_6_7, "pit-mode-6-7")         \
	X(PIT_NOT_LOADED, "pit-not-loaded")     \
	X(PIT_HALF_COUNT, "pit-half-count")     \
	X(PIT_NO_TRIGGER, "pit-no-trigger")     \
	X(PIT_RELOAD, "pit-reload")             \
	X(PIT_GATE, "pit-gate")                 \
	X(PIT_ODD, "pit-odd")                   \
	X(PIT_COUNT_1, "pit-count-1")           \
	X(PIT_OUT, "pit-out")                   \
	X(PIT_NULL_COUNT, "pit-null-count")     \
	X(PIT_LATCH_KEPT, "pit-latch-kept")     \
	X(PIT_LATCH_HALF, "pit-latch-half")     \
	X(PIT_CONTROL_READ, "pit-control-read") \
	X(PIT_PORT61, "pit-port61")             \
	X(PIT_REFRESH, "pit-refresh")           \
	X(PIT_IRQ, "pit-irq")                   \
	X(PIT_LATE, "pit-late")                 \
	X(UART_DELTA, "uart-delta")             \
	X(UART_EMPTY, "uart-empty")             \
	X(UART_BREAK, "uart-break")             \
	X(UART_FCR_OFF, "uart-fcr-off")         \
	X(UART_XMIT_RESET, "uart-xmit-reset")   \
	X(UART_TIMEOUT, "uart-timeout")         \
	X(UART_GATE, "uart-gate")

#define ID(id, name) id,
#define NAME(id, name) name,
enum rule { NO_RULE,
	    RULES(ID) RULES_N };
static const char *const names[] = { "", RULES(NAME) };

/* The stream's steps, and their instructions as rom.asm has them. */
enum { END,
       OUT,
       IN,
       DELAY,
       INTERRUPT,
       MARK };
#define ACTS 8 /* IN and OUT: the eighth instruction, and QEMU's clock counts it */
#define OUT_COST 9
#define IN_COST 12
#define MARK_COST 9
#define DELAY_COST(turns) (7 + 2 * (turns))
#define INTERRUPT_COST 12
#define TAKEN_COST 7

#define IN_UNCHECKED 1 /* byte 1 of an IN: the answer does not matter */
#define CARDS 0x8000 /* network cards: port CARDS + 20h * n + 0Fh, bit 6, is the level of IRQ n */
#define CARD_IMR 0x0f
#define COM1 0x3f8

static u64 now; /* of this access */
static u64 before; /* one instruction earlier: until then QEMU's timers have fired */
static unsigned int used[RULES_N];
static const char *broken; /* what a model has promised and not kept */
static bool excused; /* had this answer differed, some rule would have said why */

/* --- the interrupt controllers --------------------------------------------- */

static struct i8259 pic;

/*
 * QEMU's IRR of edge-triggered inputs: set by an edge, cleared by an
 * acknowledgement only. Master in the low byte, slave in the high one.
 */
static u16 edges;
static u16 lines; /* as they were after the last step */
static enum rule pic_state[2]; /* why this chip's state is no longer QEMU's */
static bool ghost; /* QEMU's slave has asked for what ours has forgotten */
static bool smm_late[2]; /* QEMU's INT is not yet what special mask mode makes of it */
static bool poll_kept[2]; /* QEMU's next read is a poll */

static u16 both(u8 master, u8 slave)
{
	return master | slave << 8;
}

static u16 levels(void)
{
	u8 master = pic.master.icw1 & 8 ? 0xff : pic.master.elcr;
	u8 slave = pic.slave.icw1 & 8 ? 0xff : pic.slave.elcr;

	return both(master, slave);
}

static u16 pic_lines(void)
{
	return both(pic.master.lines, pic.slave.lines);
}

static u16 our_irr(void)
{
	return pic_lines() & (both(pic.master.armed, pic.slave.armed) | levels());
}

/* What was an edge that our chips have forgotten since. */
static u16 withdrawn(void)
{
	return edges & ~our_irr() & ~levels();
}

static void pic_follow(void)
{
	u16 high = pic_lines();

	edges |= high & ~lines & our_irr();
	lines = high;
	/* QEMU's slave has INT high then, or its master remembers that. */
	if (withdrawn() & ~both(0xff, pic.slave.imr))
		ghost = true;
	if (pic.slave.next != 4 && pic.slave.lines)
		ghost = true;
}

static void set_irq(void *ctx, unsigned int n, bool level)
{
	(void)ctx;
	smm_late[n > 7] = false;
	i8259_set_irq(&pic, n, level);
	pic_follow();
}

/* --- the timer --------------------------------------------------------------- */

/*
 * QEMU counts each counter's pulses from the moment of its loading; in our
 * model, as on the chip, CLK runs on its own, and loads with the pulse that
 * comes next. CLK's phase is nobody's promise. So each counter has a model of
 * its own here, with a clock that is moved on, whenever it is loaded, to one
 * nanosecond before a pulse. Then both count alike, up to that nanosecond: a
 * second model is one ahead, and QEMU must agree with one of the two.
 */
struct counter {
	struct i8254 chip, ahead;
	u64 offset, last;
	u64 edge, edges; /* when OUT rose last, and how often it has */
	u64 start; /* when it was loaded, as QEMU sees it */
	u8 control;
	bool half; /* the first of a count's two bytes was written */
	bool read_half;
	u8 lsb;
	u16 n;
	bool loaded, triggered, reloaded, gated;
	bool latched, status_latched, kept, half_latch;
	enum rule latch_rule, status_rule; /* as it was when they were latched */
	bool status_qemu, status_ours;
};

#define TICK (1000000000 / I8254_HZ + 1) /* ns */

static struct counter counters[3];
static bool gate2;
static unsigned int mode(const struct counter *c)
{
	return c->control >> 1 & 7;
}

static unsigned int access(const struct counter *c)
{
	return c->control >> 4 & 3;
}

static bool gate(const struct counter *c)
{
	return c != &counters[2] || gate2;
}

/* Why may CE differ from QEMU's? */
static enum rule differs(const struct counter *c)
{
	unsigned int m = mode(c);

	if (m > 5)
		return PIT_MODE_6_7;
	if (!c->loaded)
		return PIT_NOT_LOADED;
	if (c->control & 1)
		return PIT_BCD;
	if (c->half && m == 0)
		return PIT_HALF_COUNT;
	if ((m == 1 || m == 5) && !c->triggered)
		return PIT_NO_TRIGGER;
	if ((m == 2 || m == 3) && c->n == 1)
		return PIT_COUNT_1;
	if (c->reloaded)
		return PIT_RELOAD;
	if (c->gated)
		return PIT_GATE;
	return NO_RULE;
}

static enum rule count_differs(const struct counter *c)
{
	enum rule rule = differs(c);

	if (!rule && mode(c) == 3 && c->n & 1)
		return PIT_ODD;
	return rule;
}

/*
 * In modes 1, 2, 4 and 5 QEMU has OUT upside down, in mode 2 a pulse too late
 * as well. What is it for QEMU, and what on the chip?
 */
static void out_now(const struct counter *c, bool *qemu, bool *ours)
{
	u64 n = c->n ? c->n : 0x10000, ns = now - c->start;
	u64 pulses = ns / 1000000000 * I8254_HZ + ns % 1000000000 * I8254_HZ / 1000000000;

	switch (mode(c)) {
	case 1:
		*ours = pulses >= n;
		*qemu = !*ours;
		break;
	case 2:
		*ours = pulses % n != n - 1;
		*qemu = pulses && pulses % n == 0;
		break;
	default:
		*ours = pulses != n;
		*qemu = !*ours;
	}
}

static bool out_is_odd(const struct counter *c)
{
	return mode(c) != 0 && mode(c) != 3;
}

/* The pulse that loads shall come in the next nanosecond. */
static void align(struct counter *c)
{
	u64 ns = now + c->offset + 1, rest, ticks, pulse;

	rest = ns % 1000000000;
	ticks = ns / 1000000000 * I8254_HZ + (rest * I8254_HZ + 999999999) / 1000000000;
	pulse = ticks / I8254_HZ * 1000000000 +
		(ticks % I8254_HZ * 1000000000 + I8254_HZ - 1) / I8254_HZ;
	c->offset += pulse - ns;
	c->start = now;
}

static void counter_out(struct counter *c, u16 off, u8 value)
{
	i8254_out(&c->chip, off, value, now + c->offset);
	i8254_out(&c->ahead, off, value, now + c->offset);
}

static void counter_latch(struct counter *c, u8 value)
{
	i8254_out(&c->chip, I8254_CONTROL, value, now + c->offset);
	i8254_out(&c->ahead, I8254_CONTROL, value, now + c->offset + 1);
}

static void counter_init(struct counter *c)
{
	struct irq_line irq0 = { .set = c == counters ? set_irq : NULL };

	*c = (struct counter){ 0 };
	i8254_init(&c->chip, irq0, now);
	i8254_init(&c->ahead, (struct irq_line){ 0 }, now);
}

static void write_count(struct counter *c, u8 value)
{
	unsigned int m = mode(c);
	bool full = true;

	switch (access(c)) {
	case 1:
		c->n = value;
		break;
	case 2:
		c->n = value << 8;
		break;
	default:
		full = c->half;
		c->half = !full;
		if (full)
			c->n = c->lsb | value << 8;
		else
			c->lsb = value;
	}
	if (full) {
		if (m == 2 || m == 3)
			c->reloaded |= c->loaded;
		if (m == 1 || m == 5 || !c->reloaded)
			align(c);
		c->gated = !gate(c) && m != 1 && m != 5;
		c->triggered = false;
		c->loaded = true;
	}
	counter_out(c, c - counters, value);
}

static void write_control(struct counter *c, u8 value)
{
	bool was_odd = out_is_odd(c);

	c->kept |= c->latched || c->status_latched || c->half_latch;
	c->control = value & 0x3f;
	c->half = c->read_half = c->half_latch = false;
	c->loaded = c->triggered = c->reloaded = c->gated = false;
	c->latched = c->status_latched = false;
	/* OUT rises with the Control Word. In mode 2 it is low for QEMU, before and after. */
	if (c == counters && (was_odd || (mode(c) == 2 && !(pic_lines() & 1))))
		pic_state[0] = PIT_IRQ;
	counter_out(c, I8254_CONTROL, value);
}

static void latch(struct counter *c)
{
	if (c->latched)
		return;
	c->half_latch |= c->read_half;
	c->latch_rule = count_differs(c);
	c->latched = true;
}

static void latch_status(struct counter *c)
{
	if (c->status_latched)
		return;
	c->status_rule = differs(c);
	out_now(c, &c->status_qemu, &c->status_ours);
	c->status_latched = true;
}

static void write_command(u8 value)
{
	unsigned int sc = value >> 6;
	int i;

	if (sc == 3) {
		for (i = 0; i < 3; i++) {
			if (!(value >> i & 2))
				continue;
			if (!(value & 0x20))
				latch(&counters[i]);
			if (!(value & 0x10))
				latch_status(&counters[i]);
			counter_latch(&counters[i], (value & 0xf0) | 2 << i);
		}
	} else if (!(value & 0x30)) {
		latch(&counters[sc]);
		counter_latch(&counters[sc], value);
	} else {
		write_control(&counters[sc], value);
	}
}

static void write_port61(u8 value)
{
	struct counter *c = &counters[2];
	unsigned int m = mode(c);
	bool rises = (value & 1) && !gate2;

	gate2 = value & 1;
	if (rises && m != 0 && m != 4) {
		align(c);
		c->gated = c->reloaded = false;
		c->triggered = c->loaded;
	} else if (!gate2 && c->loaded && m != 1 && m != 5) {
		c->gated = true;
	}
	counter_out(c, I8254_PORT61, value);
}

static void pit_out(u16 off, u8 value)
{
	if (off == I8254_PORT61)
		write_port61(value);
	else if (off == I8254_CONTROL)
		write_command(value);
	else
		write_count(&counters[off], value);
}

/* Once counter 0 does other things than QEMU's, so does IRQ 0. */
static void pit_line(u16 port)
{
	const struct counter *c = counters;
	bool busy = port == 0x40 || port == 0x43; /* being programmed */

	if ((differs(c) && !busy) || c->reloaded || mode(c) == 1 || mode(c) > 3)
		pic_state[0] = PIT_IRQ;
}

/* Edge after edge, so that each interrupt comes at its time. */
static void pit_advance(void)
{
	struct counter *c = counters;
	u64 to = before + c->offset, deadline, edges0;

	/* There may have been one between `before` and `now` of the last access. */
	if (i8254_edges(&c->chip) != c->edges)
		c->edge = c->last + now - before;
	while ((deadline = i8254_advance(&c->chip, c->last)) <= to) {
		edges0 = i8254_edges(&c->chip);
		i8254_advance(&c->chip, deadline - 1);
		if (i8254_edges(&c->chip) != edges0)
			broken = "8254: an edge before the deadline";
		i8254_advance(&c->chip, deadline);
		if (i8254_edges(&c->chip) != edges0 + 1)
			broken = "8254: no edge at the deadline";
		c->edge = c->last = deadline;
	}
	edges0 = i8254_edges(&c->chip);
	c->edges = edges0;
	c->last = to;
	i8254_advance(&c->chip, to);
	if (i8254_edges(&c->chip) != edges0)
		broken = "8254: an edge before the deadline";
	i8254_advance(&c->ahead, to + 1);
}

/* --- the serial port --------------------------------------------------------- */

static struct ns16550 uart;
static u8 rbr; /* QEMU's, which its FIFO does not touch */
static bool reset_thre; /* QEMU has a THRE interrupt since the transmit FIFO was reset */
static bool timer_armed, timed_out; /* QEMU's receive time-out */
static bool timer_differs; /* ours is at another time, and differences.md says why */
static u64 timer;
static u64 character = 10 * 1000000000ULL / 9600; /* its idea of a character's time */
static enum rule uart_state;
static u64 uart_deadline;

static bool uart_fifos(void)
{
	return uart.fcr & 1;
}

/* As QEMU computes it, in floating point, and only when the format is written. */
static void uart_format(void)
{
	int bits = 1 + (uart.lcr & 3) + 5 + (uart.lcr & 8 ? 1 : 0) + (uart.lcr & 4 ? 2 : 1);
	float speed = uart.divisor ? 115200.0f / uart.divisor : 3500;

	character = (u64)(1000000000 / speed * bits);
}

/* QEMU gives five bits two stop bits, not one and a half, and a divisor of 0 is 3500 baud. */
static void uart_arm(void)
{
	timer_armed = true;
	timer = now + 4 * character;
	if (timed_out == uart.timed_out)
		timer_differs = !uart.divisor || (uart.lcr & 0x07) == 0x04;
}

/* QEMU rounds, and it times out between two instructions. */
static bool timer_is_near(void)
{
	u64 distance = now < timer ? timer - now : now - timer;

	return distance <= 2 * (now - before) + 10 + character / 100000;
}

static void uart_advance(void)
{
	bool level = uart.level;

	/* Who sleeps until the deadline misses nothing. */
	ns16550_advance(&uart, before);
	if (before < uart_deadline && uart.level != level)
		broken = "UART: the line changed before the deadline";
	if (timer_armed && before >= timer) {
		timer_armed = false;
		timed_out = uart.rx.count;
	}
}

/* What QEMU's IIR says where its state is known to differ from ours, and which rule tells why. */
static u8 qemu_iir(enum rule *rule)
{
	static const u8 triggers[] = { 1, 4, 8, 14 };
	unsigned int trigger = uart_fifos() ? triggers[uart.fcr >> 6] : 1;
	u8 fifos = uart_fifos() ? 0xc0 : 0;

	*rule = NO_RULE;
	if (timed_out != uart.timed_out && (timer_differs || timer_is_near()))
		*rule = UART_TIMEOUT;
	if (uart.ier & 4 && uart.lsr)
		return fifos | 0x06;
	if (uart.ier & 1 && timed_out)
		return fifos | 0x0c;
	if (uart.ier & 1 && uart.rx.count >= trigger)
		return fifos | 0x04;
	if (uart.ier & 2 && (uart.thre_pending || reset_thre)) {
		if (reset_thre && !uart.thre_pending)
			*rule = UART_XMIT_RESET;
		return fifos | 0x02;
	}
	if (uart.ier & 8 && uart.msr & 0x0f)
		*rule = UART_DELTA;
	return fifos | 0x01;
}

/* QEMU's line does not go through OUT2's gate, and other things of above differ, too. */
static void uart_line(void)
{
	enum rule rule;
	bool level = !(qemu_iir(&rule) & 1);

	if (level != uart.level)
		pic_state[0] = UART_GATE;
	if (uart.rx.count && !(uart.ier & 1))
		timer_differs = true; /* ours begins to wait when somebody wants to know */
}

static void uart_out(u16 off, u8 value)
{
	bool dlab = uart.lcr & 0x80, loop = uart.mcr & 0x10;
	u8 bytes[NS16550_FIFO_SIZE];
	u8 ier = uart.ier, fcr = uart.fcr;

	ns16550_out(&uart, off, value, now);
	ns16550_tx(&uart, bytes, sizeof(bytes)); /* the other end takes it at once, as QEMU's */

	if (uart.lcr & 0x40 && uart.mcr & 0x10)
		uart_state = UART_BREAK;
	if (off == 0 && !dlab) {
		reset_thre = false;
		if (loop && uart_fifos())
			uart_arm();
		else if (loop)
			rbr = value;
	} else if (off == 1 && !dlab) {
		if ((uart.ier ^ ier) & 2)
			reset_thre = false;
	} else if (off == 2) {
		if (!(value & 1) && !(fcr & 1) && value & 6)
			uart_state = UART_FCR_OFF;
		if ((value ^ fcr) & 1)
			value |= 6;
		if (value & 2)
			timer_armed = timed_out = timer_differs = false;
		if (value & 4)
			reset_thre = true;
	}
	if ((off < 2 && dlab) || off == 3) {
		uart_format();
		timer_differs |= uart.rx.count; /* ours takes the new format at once */
	}
}

/* --- answers --------------------------------------------------------------------- */

enum verdict { SAME,
	       DIFFERENT,
	       ENDED };

/* QEMU said `qemu`, which a rule has foretold. */
static enum verdict exact(enum rule rule)
{
	used[rule]++;
	return SAME;
}

static enum verdict end(enum rule rule)
{
	used[rule]++;
	return ENDED;
}

/* One byte of a count, and the status: what in it does not agree, and may it? */
static enum verdict check_counter(struct counter *c, u8 qemu, u8 *ours)
{
	u16 off = c - counters;
	u8 ahead;
	enum rule rule;
	u8 wrong;

	*ours = i8254_in(&c->chip, off, now + c->offset);
	ahead = i8254_in(&c->ahead, off, now + c->offset + 1);
	wrong = (qemu ^ *ours) & (qemu ^ ahead);

	if (c->status_latched) {
		c->status_latched = false;
		excused = c->kept || c->status_rule;
		if (wrong && c->kept)
			return exact(PIT_LATCH_KEPT);
		if (wrong & 0x40 && !(qemu & 0x40)) {
			used[PIT_NULL_COUNT]++;
			wrong &= ~0x40;
		}
		if (wrong & 0x80 && c->status_rule) {
			used[c->status_rule]++;
			wrong &= ~0x80;
		} else if (!c->status_rule && out_is_odd(c)) {
			used[PIT_OUT]++;
			wrong &= ~0x80;
			if (c->status_qemu != !!(qemu & 0x80) ||
			    (c->status_ours != !!(*ours & 0x80) && c->status_ours != !!(ahead & 0x80)))
				return DIFFERENT;
		}
		return wrong ? DIFFERENT : SAME;
	}

	rule = c->latched ? c->latch_rule : count_differs(c);
	if (access(c) == 3)
		c->read_half = !c->read_half;
	if (!c->read_half)
		c->latched = false;
	if (c->kept)
		rule = PIT_LATCH_KEPT;
	else if (c->half_latch)
		rule = PIT_LATCH_HALF;
	excused = rule;
	if (qemu == *ours || qemu == ahead)
		return SAME;
	return rule ? exact(rule) : DIFFERENT;
}

static enum verdict check_port61(u8 qemu, u8 *ours)
{
	struct counter *c = &counters[2];
	bool theirs, expected;
	u8 ahead, wrong;

	*ours = i8254_in(&c->chip, I8254_PORT61, now + c->offset);
	ahead = i8254_in(&c->ahead, I8254_PORT61, now + c->offset + 1);
	wrong = (qemu ^ *ours) & (qemu ^ ahead);
	excused = differs(c);
	if (wrong & 0x10) {
		used[PIT_REFRESH]++;
		wrong &= ~0x10;
	}
	if (wrong & 0x0c && !(qemu & 0x0c)) {
		used[PIT_PORT61]++;
		wrong &= ~0x0c;
	}
	if (wrong & 0x20 && differs(c)) {
		used[differs(c)]++;
		wrong &= ~0x20;
	} else if (!differs(c) && out_is_odd(c)) {
		used[PIT_OUT]++;
		wrong &= ~0x20;
		out_now(c, &theirs, &expected);
		if (theirs != !!(qemu & 0x20) ||
		    (expected != !!(*ours & 0x20) && expected != !!(ahead & 0x20)))
			return DIFFERENT;
	}
	return wrong ? DIFFERENT : SAME;
}

static enum verdict check_uart(u16 off, u8 qemu, u8 *ours)
{
	bool dlab = uart.lcr & 0x80, empty = !uart.rx.count;
	enum rule rule;
	enum verdict verdict = DIFFERENT;
	u8 iir;

	ns16550_advance(&uart, now);
	iir = qemu_iir(&rule);
	*ours = ns16550_in(&uart, off, now);
	excused = uart_state || (off == 2 && rule);
	if (qemu == *ours)
		verdict = SAME;
	else if (off == 0 && !dlab && empty && qemu == (uart_fifos() ? 0 : rbr))
		verdict = exact(UART_EMPTY);
	else if (off == 2 && rule && qemu == iir)
		verdict = exact(rule);
	else if (off == 6 && qemu == (*ours & 0xf0))
		verdict = exact(UART_DELTA);
	else if (uart_state && !dlab && (off == 0 || off == 2 || off == 5))
		verdict = end(uart_state);

	if (off == 0 && !dlab && uart_fifos()) {
		timed_out = timer_differs = false;
		if (uart.rx.count)
			uart_arm();
	} else if (off == 2 && (iir & 0x0f) == 0x02) {
		/* Reading IIR forgets THRE only if that is what it said: to QEMU, not to us. */
		reset_thre = false;
		if (*ours != iir)
			uart.thre_pending = false;
	} else if (off == 2 && (*ours & 0x0f) == 0x02) {
		reset_thre = true; /* to us, not to QEMU */
	}
	return verdict;
}

/* In mode 2 QEMU's OUT rises one pulse too late. */
static bool edge_is_late(void)
{
	return mode(counters) == 2 && counters->last - counters->edge <= TICK + 2;
}

/* Of these IRs, which is the most urgent? 8: there is none. */
static u8 highest(const struct i8259_chip *chip, u8 isr)
{
	unsigned int i;

	for (i = 1; i <= 8; i++) {
		if (isr & 1 << ((chip->lowest + i) & 7))
			return (chip->lowest + i) & 7;
	}
	return 8;
}

/*
 * In special fully nested mode IR2 in service hinders nobody in QEMU's master.
 * Is there a request that gains from it, and is not the slave's?
 */
static bool sfnm_lets_through(void)
{
	const struct i8259_chip *chip = &pic.master;
	u8 cascade = 1 << I8259_CASCADE;
	u8 wanted = highest(chip, our_irr() & ~chip->imr & 0xff);

	return chip->icw4 & 0x10 && chip->isr & cascade && wanted < 8 &&
	       wanted != I8259_CASCADE && highest(chip, cascade | 1 << wanted) == I8259_CASCADE;
}

/* Why may the two pairs of chips differ in what they would acknowledge? */
static enum rule pic_differs(bool slave)
{
	u16 unmasked = ~both(pic.master.imr, pic.slave.imr);
	struct counter *c = counters;

	if (pic_state[slave])
		return pic_state[slave];
	if (smm_late[slave] || smm_late[1])
		return PIC_SMM_LATE;
	if (pic.slave.next != pic.master.next || pic.master.next != 4)
		return PIC_IN_INIT;
	if (slave)
		return withdrawn() & unmasked & 0xff00 ? PIC_EDGE_STAYS : NO_RULE;
	if (pic_state[1])
		return pic_state[1];
	if (ghost || withdrawn() & unmasked)
		return PIC_EDGE_STAYS;
	if (sfnm_lets_through())
		return PIC_SFNM;
	if (edge_is_late())
		return PIT_LATE;
	if (i8254_edges(&c->chip) != i8254_edges(&c->ahead))
		return PIT_IRQ;
	return NO_RULE;
}

/* IR n of a chip was acknowledged. */
static void acknowledged(bool slave, unsigned int n)
{
	edges &= ~(1 << (n + 8 * slave));
	/* QEMU has acknowledged the edge before, and this one is still to come. */
	if (!slave && n == 0 && edge_is_late())
		pic_state[0] = PIT_LATE;
	/* It went low, and it may be high again: then our master had an edge. */
	if (slave && pic.master.lines & 1 << I8259_CASCADE)
		pic_state[0] = PIC_CASCADE_EDGE;
}

static enum verdict check_pic(u16 off, u8 qemu, u8 *ours)
{
	bool slave = off & 2, poll;
	struct i8259_chip *chip = slave ? &pic.slave : &pic.master;
	enum rule rule = pic_differs(slave);
	u8 forgotten = slave ? withdrawn() >> 8 : withdrawn();

	if (off > 3) {
		*ours = i8259_in(&pic, off, now);
		return qemu == *ours ? SAME : DIFFERENT;
	}
	if (poll_kept[slave])
		rule = PIC_POLL_CANCEL;
	poll_kept[slave] = false;
	excused = rule;

	poll = chip->poll;
	*ours = i8259_in(&pic, off, now);
	if (poll && *ours & 0x80)
		acknowledged(slave, *ours & 7);
	pic_follow();

	if (qemu == *ours)
		return SAME;
	if (poll && *ours == 0x07 && qemu == 0)
		return exact(PIC_POLL_NONE);
	if (!poll && !(off & 1) && !chip->read_isr) {
		if (qemu == (*ours | forgotten))
			return exact(PIC_EDGE_STAYS);
		if (ghost && !slave && qemu == (*ours | forgotten | 1 << I8259_CASCADE))
			return exact(PIC_EDGE_STAYS);
	}
	/* IMR is the same whatever happens. */
	if (rule && (poll || !(off & 1) || rule == PIC_POLL_CANCEL))
		return end(rule);
	return DIFFERENT;
}

/* Takes an interrupt if there is one. Returns what rom.asm would note. */
static u16 take_interrupt(void)
{
	struct i8259 copy = pic;
	int vector, which;

	if (!i8259_intr(&pic))
		return 0;
	/* Which input it is, whatever vectors the guest has chosen. */
	copy.master.icw2 = 0x40;
	copy.slave.icw2 = 0x80;
	which = i8259_ack(&copy);
	vector = i8259_ack(&pic);
	acknowledged(false, which & 0x80 ? I8259_CASCADE : which & 7);
	if (which & 0x80)
		acknowledged(true, which & 7);
	pic_follow();
	return 0x100 | vector;
}

static void pic_out(u16 off, u8 value)
{
	bool slave = off == 5 || off & 2;
	struct i8259_chip *chip = slave ? &pic.slave : &pic.master;
	u8 elcr = chip->elcr;
	bool icw3 = off < 4 && off & 1 && chip->next == 2;
	bool poll = chip->poll, intr = i8259_intr(&pic);
	u8 cascade = pic.master.lines;

	/* EOI, not specific, special mask mode: what is masked counts for QEMU. */
	if ((off == 0 || off == 2) && (value & 0x78) == 0x20 && chip->special_mask &&
	    highest(chip, chip->isr) != highest(chip, chip->isr & ~chip->imr))
		pic_state[slave] = PIC_SMM_EOI;

	i8259_out(&pic, off, value, now);

	if (off > 3) {
		if ((chip->elcr ^ elcr) & (chip->lines | edges >> 8 * slave))
			pic_state[slave] = PIC_ELCR_LATE;
	} else if (icw3) {
		if (value != (slave ? 0x02 : 0x04))
			pic_state[slave] = PIC_WIRING;
	} else if (!(off & 1) && value & 0x10) {
		edges &= slave ? 0x00ff : 0xff00;
		poll_kept[slave] = smm_late[slave] = false;
		pic_state[slave] = slave ? NO_RULE : pic_state[1];
		if (!slave) {
			ghost = false;
			if (edge_is_late())
				pic_state[0] = PIT_LATE;
		}
		if (value & 0x08)
			pic_state[slave] = PIC_LTIM;
		if (value & 0x02)
			pic_state[slave] = PIC_WIRING;
		/* These inputs' owners say "high" again and again. */
		if (!slave && pic.master.lines & 0x15)
			pic_state[0] = PIC_ICW1_EDGE;
	} else if (!(off & 1) && value & 0x08) {
		if (poll && !(value & 0x04))
			poll_kept[slave] = true;
		/* QEMU looks again when something else happens. */
		if (i8259_intr(&pic) != intr || ((pic.master.lines ^ cascade) & 1 << I8259_CASCADE))
			smm_late[slave] = true;
	} else if (off & 1) {
		smm_late[slave] = false;
	}
	pic_follow();
}

/* --- the replay -------------------------------------------------------------------- */

static void out(u16 port, u8 value)
{
	if (port == 0x20 || port == 0x21)
		pic_out(port - 0x20, value);
	else if (port == 0xa0 || port == 0xa1)
		pic_out(2 + port - 0xa0, value);
	else if (port == 0x4d0 || port == 0x4d1)
		pic_out(4 + port - 0x4d0, value);
	else if (port >= 0x40 && port <= 0x43)
		pit_out(port - 0x40, value);
	else if (port == 0x61)
		pit_out(I8254_PORT61, value);
	else if (port >= COM1 && port < COM1 + 8)
		uart_out(port - COM1, value);
	else if (port >= CARDS && (port & 0x1f) == CARD_IMR)
		set_irq(NULL, (port - CARDS) >> 5 & 15, value & 0x40);
}

static enum verdict in(u16 port, u8 qemu, u8 *ours)
{
	if (port == 0x20 || port == 0x21)
		return check_pic(port - 0x20, qemu, ours);
	if (port == 0xa0 || port == 0xa1)
		return check_pic(2 + port - 0xa0, qemu, ours);
	if (port == 0x4d0 || port == 0x4d1)
		return check_pic(4 + port - 0x4d0, qemu, ours);
	if (port >= 0x40 && port <= 0x42)
		return check_counter(&counters[port - 0x40], qemu, ours);
	if (port == 0x61)
		return check_port61(qemu, ours);
	if (port >= COM1 && port < COM1 + 8)
		return check_uart(port - COM1, qemu, ours);
	*ours = 0xff;
	if (port == 0x43 && qemu == 0)
		return exact(PIT_CONTROL_READ);
	return DIFFERENT;
}

static void start(void)
{
	int i;

	i8259_init(&pic);
	edges = lines = 0;
	ghost = poll_kept[0] = poll_kept[1] = false;
	smm_late[0] = smm_late[1] = false;
	pic_state[0] = pic_state[1] = NO_RULE;

	gate2 = false;
	for (i = 0; i < 3; i++)
		counter_init(&counters[i]);
	counters[0].last = now;

	ns16550_init(&uart, (struct irq_line){ .set = set_irq, .n = 4 });
	rbr = 0;
	reset_thre = timer_armed = timed_out = timer_differs = false;
	uart_deadline = DEVICE_NEVER;
	uart_state = NO_RULE;
	pic_follow();
}

static void *read_file(const char *name, size_t *size)
{
	FILE *file = fopen(name, "rb");
	void *data;

	if (!file || fseek(file, 0, SEEK_END)) {
		perror(name);
		exit(2);
	}
	*size = ftell(file);
	data = malloc(*size + 1);
	rewind(file);
	if (!data || fread(data, 1, *size, file) != *size) {
		perror(name);
		exit(2);
	}
	fclose(file);
	return data;
}

int main(int argc, char **argv)
{
	size_t stream_size, answers_size, n = 0;
	unsigned int shift, script = 0, step = 0, compared = 0, excuses = 0;
	u8 *stream, *s;
	u16 *answers;
	bool ended = true, verbose = argc > 4;
	u64 instructions = 0, moment;
	enum verdict verdict;
	u16 ours;
	u8 byte;
	int i;

	if (argc < 4) {
		fprintf(stderr, "usage: replay SHIFT STREAM ANSWERS [-v]\n");
		return 2;
	}
	shift = atoi(argv[1]);
	stream = read_file(argv[2], &stream_size);
	answers = read_file(argv[3], &answers_size);

	for (s = stream; *s != END; s += 4, step++) {
		u16 port = s[2] | s[3] << 8;
		u16 qemu = n < answers_size / 2 ? answers[n] : 0xdead;
		bool checked = true;

		before = (instructions + ACTS - 1) << shift;
		now = (instructions + ACTS) << shift;
		moment = now;
		verdict = SAME;
		excused = false;
		ours = qemu;

		switch (*s) {
		case OUT:
			instructions += OUT_COST;
			break;
		case IN:
			instructions += IN_COST;
			checked = !(s[1] & IN_UNCHECKED);
			n++;
			break;
		case DELAY:
			instructions += DELAY_COST(s[1] | s[2] << 8 | s[3] << 16);
			continue;
		case INTERRUPT:
			instructions += INTERRUPT_COST + (qemu ? TAKEN_COST : 0);
			n++;
			break;
		case MARK:
			instructions += MARK_COST;
			n++;
			script++;
			step = 0;
			ended = qemu != 0x5a5a;
			if (ended) {
				printf("differ %u 0 %x 5a5a\n", script - 1, qemu);
				return 1;
			}
			start();
			continue;
		}
		if (ended)
			continue;

		/*
		 * Of a timer and an interrupt that already waits, both due between the
		 * same two instructions, QEMU takes the interrupt first.
		 */
		if (*s == INTERRUPT)
			before -= 1 << shift;
		pit_advance();
		uart_advance();
		if (*s == INTERRUPT && !i8259_intr(&pic)) {
			u16 forgotten = withdrawn();

			before += 1 << shift;
			pit_advance();
			uart_advance();
			/* To QEMU it was there all the time, and this is one more. */
			if (forgotten & ~withdrawn())
				pic_state[0] = PIC_EDGE_STAYS;
		}
		if (*s == OUT) {
			out(port, s[1]);
		} else if (*s == IN) {
			unsigned int uses[RULES_N];

			memcpy(uses, used, sizeof(uses));
			verdict = in(port, qemu, &byte);
			ours = byte;
			if (!checked)
				memcpy(used, uses, sizeof(uses));
		} else {
			enum rule rule = pic_differs(false);

			ours = take_interrupt();
			excused = rule;
			if (qemu != ours)
				verdict = rule ? end(rule) : DIFFERENT;
		}
		pit_line(*s == OUT ? port : 0);
		uart_line();
		uart_deadline = ns16550_advance(&uart, now);
		if (broken)
			verdict = DIFFERENT;
		if (verbose)
			printf("%4u %12llu %s port %04x value %02x: qemu %04x ours %04x%s\n", step,
			       (unsigned long long)moment,
			       *s == OUT ? "OUT" : *s == IN ? "IN "
							    : "INT",
			       port, s[1], qemu, ours,
			       verdict == DIFFERENT ? " DIFFERENT" : verdict == ENDED ? " end"
										      : "");
		if (!broken && (*s == OUT || !checked))
			continue;
		compared++;
		excuses += excused;
		if (verdict == DIFFERENT)
			printf("differ %u %u %x %x %s\n", script - 1, step, qemu, ours,
			       broken ? broken : "");
		broken = NULL;
		ended = verdict != SAME;
	}
	for (i = 1; i < RULES_N; i++)
		printf("rule %s %u\n", names[i], used[i]);
	printf("compared %u %u\n", compared, excuses);
	free(stream);
	free(answers);
	return 0;
}
