// SPDX-License-Identifier: GPL-2.0-only
/*
 * The serial port against its datasheet (PC16550D). The numbers stand here
 * once more as the datasheet has them, so a wrong #define is noticed, too.
 *
 * Built twice. POLLED: the chip as it was before it had interrupts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ns16550.h"

enum {
	DATA,
	IER,
	IIR_FCR,
	LCR,
	MCR,
	LSR,
	MSR,
	SCR,
};

static struct ns16550 uart;
static u64 now;
static bool line;
static unsigned int rises, falls;

#ifdef POLLED
static void init(void)
{
	ns16550_init(&uart);
}
#else
#define IRQ 4

static void set_line(void *ctx, unsigned int n, bool level)
{
	assert_ptr_equal(ctx, &line);
	assert_int_equal(n, IRQ);
	assert_int_not_equal(level, line); /* told only when it changes */
	line = level;
	rises += level;
	falls += !level;
}

static void init(void)
{
	ns16550_init(&uart, (struct irq_line){ set_line, &line, IRQ });
}
#endif

static u8 in(u16 off)
{
	return ns16550_in(&uart, off, now);
}

static void out(u16 off, u8 value)
{
	ns16550_out(&uart, off, value, now);
}

static size_t type(const char *text)
{
	return ns16550_rx(&uart, (const u8 *)text, strlen(text), now);
}

/* What the guest has sent is just this. */
static void assert_sent(const char *text)
{
	u8 data[64];
	size_t n = ns16550_tx(&uart, data, sizeof(data));

	assert_int_equal(n, strlen(text));
	assert_memory_equal(data, text, n);
}

static void assert_read(const char *text)
{
	for (; *text; text++) {
		assert_int_equal(0x01 & in(LSR), 0x01);
		assert_int_equal(in(DATA), *text);
	}
	assert_int_equal(0x01 & in(LSR), 0);
}

static int setup(void **state)
{
	(void)state;
	now = 1000;
	line = false;
	rises = 0;
	falls = 0;
	init();
	return 0;
}

static void test_registers_after_reset(void **state)
{
	(void)state;
	assert_int_equal(in(IER), 0);
	assert_int_equal(in(IIR_FCR), 0x01);
	assert_int_equal(in(LCR), 0);
	assert_int_equal(in(MCR), 0);
	assert_int_equal(in(LSR), 0x60);
	assert_int_equal(in(MSR), 0xb0);
	out(LCR, 0x80);
	assert_int_equal(in(DATA), 1); /* our choice; the chip has none */
	assert_int_equal(in(IER), 0);
	assert_false(line);
	assert_int_equal(rises + falls, 0);
}

static void test_divisor_latch_lies_behind_dlab(void **state)
{
	(void)state;
	out(IER, 0x05);
	out(LCR, 0x83);
	out(DATA, 0x34);
	out(IER, 0x12);
	assert_int_equal(in(DATA), 0x34);
	assert_int_equal(in(IER), 0x12);
	out(LCR, 0x03);
	assert_int_equal(in(IER), 0x05);
	assert_sent("");
	type("x");
	assert_int_equal(in(DATA), 'x');
	out(LCR, 0x83);
	assert_int_equal(in(DATA), 0x34);
	out(DATA, 0x56); /* each half by itself */
	assert_int_equal(in(IER), 0x12);
}

static void test_other_registers_do_not_hide_behind_dlab(void **state)
{
	(void)state;
	out(LCR, 0x80);
	out(IIR_FCR, 0x01);
	assert_int_equal(in(IIR_FCR), 0xc1);
	assert_int_equal(in(LSR), 0x60);
	out(SCR, 0x77);
	assert_int_equal(in(SCR), 0x77);
}

static void test_ier_has_four_bits(void **state)
{
	(void)state;
	out(IER, 0xf0);
	assert_int_equal(in(IER), 0);
	out(IER, 0xff);
	assert_int_equal(in(IER), 0x0f);
}

static void test_lcr_keeps_eight_bits_and_mcr_five(void **state)
{
	(void)state;
	out(LCR, 0xff);
	assert_int_equal(in(LCR), 0xff);
	out(MCR, 0xff);
	assert_int_equal(in(MCR), 0x1f);
}

static void test_scratch_register_remembers(void **state)
{
	(void)state;
	assert_int_equal(in(SCR), 0);
	out(SCR, 0xa5);
	assert_int_equal(in(SCR), 0xa5);
}

static void test_status_registers_are_not_written(void **state)
{
	(void)state;
	out(LSR, 0xff);
	assert_int_equal(in(LSR), 0x60);
	out(MSR, 0xff);
	assert_int_equal(in(MSR), 0xb0);
}

static void test_eight_ports_are_all(void **state)
{
	(void)state;
	out(8 + SCR, 0x11);
	assert_int_equal(in(SCR), 0x11);
	assert_int_equal(in(0xfff8 + SCR), 0x11);
}

static void test_iir_says_whether_fifos_are_on(void **state)
{
	(void)state;
	assert_int_equal(0xf0 & in(IIR_FCR), 0);
	out(IIR_FCR, 0x01);
	assert_int_equal(0xf0 & in(IIR_FCR), 0xc0);
	out(IIR_FCR, 0x00);
	assert_int_equal(0xf0 & in(IIR_FCR), 0);
}

/* Transmitter. */

static void test_thre_and_temt_are_clear_until_byte_has_left(void **state)
{
	(void)state;
	out(DATA, 'A');
	assert_int_equal(in(LSR), 0);
	assert_sent("A");
	assert_int_equal(in(LSR), 0x60);
	assert_sent("");
}

static void test_transmitter_without_fifo_holds_one_byte(void **state)
{
	(void)state;
	out(DATA, 'A');
	out(DATA, 'B');
	assert_sent("A");
}

static void test_transmit_fifo_holds_sixteen_bytes_in_order(void **state)
{
	const char *text = "0123456789abcdefg";
	u8 data[4];
	size_t i;

	(void)state;
	out(IIR_FCR, 0x01);
	out(DATA, 'x'); /* so that the ring turns */
	assert_sent("x");
	for (i = 0; i < 17; i++)
		out(DATA, text[i]);
	assert_int_equal(ns16550_tx(&uart, data, 4), 4);
	assert_memory_equal(data, "0123", 4);
	assert_int_equal(in(LSR), 0);
	out(DATA, 'h');
	assert_sent("456789abcdefh");
	assert_int_equal(in(LSR), 0x60);
}

static void test_xmit_fifo_reset(void **state)
{
	(void)state;
	out(IIR_FCR, 0x01);
	out(DATA, 'A');
	type("r");
	out(IIR_FCR, 0x05);
	assert_int_equal(in(LSR), 0x61); /* the other FIFO stays */
	assert_sent("");
	out(DATA, 'B'); /* the reset was for once */
	assert_sent("B");
}

static void test_break_is_not_heard_and_bytes_in_it_are_lost(void **state)
{
	(void)state;
	out(LCR, 0x43);
	out(DATA, 'A');
	assert_int_equal(in(LSR), 0x60);
	assert_sent("");
	out(LCR, 0x03);
	out(DATA, 'B');
	assert_sent("B");
}

/* Receiver. */

static void test_data_ready_until_last_byte_is_read(void **state)
{
	(void)state;
	out(IIR_FCR, 0x01);
	assert_int_equal(type("hello"), 5);
	assert_read("hello");
}

static void test_empty_receiver_repeats_last_byte(void **state)
{
	(void)state;
	assert_int_equal(in(DATA), 0);
	type("A");
	assert_int_equal(in(DATA), 'A');
	assert_int_equal(in(DATA), 'A');
}

static void test_receiver_without_fifo_has_room_for_one(void **state)
{
	(void)state;
	assert_int_equal(ns16550_room(&uart), 1);
	assert_int_equal(type("AB"), 1);
	assert_int_equal(ns16550_room(&uart), 0);
	assert_int_equal(type("C"), 0);
	assert_int_equal(in(LSR), 0x61);
	assert_read("A");
	assert_int_equal(ns16550_room(&uart), 1);
}

static void test_receive_fifo_has_room_for_sixteen(void **state)
{
	(void)state;
	out(IIR_FCR, 0x01);
	assert_int_equal(ns16550_room(&uart), 16);
	assert_int_equal(type("0123456789"), 10);
	assert_int_equal(ns16550_room(&uart), 6);
	in(DATA);
	assert_int_equal(type("abcdefghij"), 7);
	assert_int_equal(in(LSR), 0x61); /* no overrun from outside */
	assert_read("123456789abcdefg");
}

static void test_rcvr_fifo_reset(void **state)
{
	(void)state;
	out(IIR_FCR, 0x01);
	type("abc");
	out(DATA, 't');
	out(IIR_FCR, 0x03);
	assert_int_equal(in(LSR), 0); /* the other FIFO stays */
	assert_int_equal(ns16550_room(&uart), 16);
	type("d"); /* the reset was for once */
	assert_read("d");
	assert_sent("t");
}

static void test_changing_fifo_enable_clears_both_fifos(void **state)
{
	(void)state;
	type("a");
	out(DATA, 't');
	out(IIR_FCR, 0x01);
	assert_int_equal(in(LSR), 0x60);
	assert_sent("");

	type("abc");
	out(DATA, 't');
	out(IIR_FCR, 0x01); /* no change */
	assert_int_equal(in(LSR), 0x01);

	out(IIR_FCR, 0x00);
	assert_int_equal(in(LSR), 0x60);
	assert_sent("");
}

static void test_fcr_bits_are_programmed_only_with_bit_0(void **state)
{
	(void)state;
	type("a");
	out(DATA, 't');
	out(IIR_FCR, 0xc6);
	assert_int_equal(in(LSR), 0x01);
	assert_read("a");
	assert_sent("t");

	out(IIR_FCR, 0x07); /* nor do these two come back later */
	out(IIR_FCR, 0x00);
	type("a");
	out(IIR_FCR, 0x00);
	assert_read("a");
}

/* Modem lines and loopback. */

static void test_somebody_listens_outside(void **state)
{
	(void)state;
	out(MCR, 0x0f);
	assert_int_equal(in(MSR), 0xb0);
}

static void test_loopback_leads_outputs_to_inputs(void **state)
{
	static const u8 pairs[][2] = {
		{ 0x10, 0x00 },
		{ 0x11, 0x20 },
		{ 0x12, 0x10 },
		{ 0x14, 0x40 },
		{ 0x18, 0x80 },
		{ 0x1f, 0xf0 },
		{ 0x00, 0xb0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		out(MCR, pairs[i][0]);
		assert_int_equal(0xf0 & in(MSR), pairs[i][1]);
	}
}

static void test_deltas_are_cleared_by_reading(void **state)
{
	(void)state;
	out(MCR, 0x10);
	assert_int_equal(in(MSR), 0x0b);
	assert_int_equal(in(MSR), 0x00);
	out(MCR, 0x11);
	assert_int_equal(in(MSR), 0x22);
	out(MCR, 0x13); /* there and back, and another, before anybody looks */
	out(MCR, 0x11);
	out(MCR, 0x19);
	assert_int_equal(in(MSR), 0xa9);
	out(MCR, 0x11);
	assert_int_equal(in(MSR), 0x28);
	out(MCR, 0x19);
	assert_int_equal(in(MSR), 0xa8);
}

static void test_teri_only_when_ring_ends(void **state)
{
	(void)state;
	out(MCR, 0x10);
	in(MSR);
	out(MCR, 0x14);
	assert_int_equal(in(MSR), 0x40);
	out(MCR, 0x10);
	assert_int_equal(in(MSR), 0x04);
}

static void test_loopback_receives_what_is_sent(void **state)
{
	(void)state;
	out(IIR_FCR, 0x01);
	out(MCR, 0x10);
	out(DATA, 'A');
	out(DATA, 'B');
	assert_int_equal(in(LSR), 0x61);
	assert_sent("");
	assert_read("AB");
}

static void test_loopback_shuts_outside_out(void **state)
{
	(void)state;
	out(MCR, 0x10);
	assert_int_equal(ns16550_room(&uart), 0);
	assert_int_equal(type("x"), 0);
	assert_int_equal(in(LSR), 0x60);
	out(MCR, 0x00);
	assert_int_equal(type("x"), 1);
}

static void test_bytes_for_outside_survive_loopback(void **state)
{
	(void)state;
	out(IIR_FCR, 0x01);
	out(DATA, 'A');
	out(MCR, 0x10);
	out(DATA, 'B');
	assert_int_equal(in(LSR), 0x01);
	assert_sent("A");
	assert_read("B");
}

static void test_overrun_without_fifo_replaces_byte(void **state)
{
	(void)state;
	out(MCR, 0x10);
	out(DATA, 'A');
	out(DATA, 'B');
	assert_int_equal(in(LSR), 0x63);
	assert_int_equal(in(LSR), 0x61);
	assert_read("B");
}

static void test_overrun_of_fifo_loses_new_byte(void **state)
{
	const char *text = "0123456789abcdef!";
	size_t i;

	(void)state;
	out(IIR_FCR, 0x01);
	out(MCR, 0x10);
	for (i = 0; i < 16; i++)
		out(DATA, text[i]);
	assert_int_equal(in(LSR), 0x61);
	out(DATA, text[16]);
	assert_int_equal(in(LSR), 0x63); /* at once, and it is no error in the FIFO */
	assert_int_equal(in(LSR), 0x61);
	assert_read("0123456789abcdef");
}

static void test_break_in_loopback_arrives_as_one_zero(void **state)
{
	(void)state;
	out(MCR, 0x10);
	out(LCR, 0x43);
	assert_int_equal(in(LSR), 0x79); /* BI, FE, DR; bit 7 is for FIFOs only */
	assert_int_equal(in(LSR), 0x61);
	assert_int_equal(in(DATA), 0);
	out(LCR, 0x43);
	out(MCR, 0x10);
	out(DATA, 'A'); /* while it lasts nothing else arrives */
	assert_int_equal(in(LSR), 0x60);
	out(LCR, 0x03);
	assert_int_equal(in(LSR), 0x60);
	out(DATA, 'B');
	assert_read("B");
	out(LCR, 0x43);
	assert_int_equal(in(LSR), 0x79);
}

static void test_loopback_during_break_hears_it(void **state)
{
	(void)state;
	out(LCR, 0x43);
	assert_int_equal(in(LSR), 0x60);
	out(MCR, 0x10);
	assert_int_equal(in(LSR), 0x79);
}

static void test_break_has_wrong_parity_if_odd(void **state)
{
	static const u8 lcr[][2] = {
		{ 0x4b, 0x7d }, /* odd */
		{ 0x5b, 0x79 }, /* even */
		{ 0x6b, 0x7d }, /* stick: always 1 */
		{ 0x7b, 0x79 }, /* stick: always 0 */
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lcr) / sizeof(lcr[0]); i++) {
		out(MCR, 0x10);
		out(LCR, lcr[i][0]);
		assert_int_equal(in(LSR), lcr[i][1]);
		in(DATA);
		out(LCR, 0x03);
	}
}

static void test_error_shows_when_its_byte_is_next(void **state)
{
	(void)state;
	out(IIR_FCR, 0x01);
	out(MCR, 0x10);
	out(DATA, 'A');
	out(LCR, 0x43);
	out(LCR, 0x03);
	out(DATA, 'B');
	assert_int_equal(in(LSR), 0xe1); /* one of them is bad, but not the first */
	assert_int_equal(in(LSR), 0xe1); /* to read LSR does not change that */
	assert_int_equal(in(DATA), 'A');
	assert_int_equal(in(LSR), 0xf9);
	assert_int_equal(in(LSR), 0x61);
	assert_int_equal(in(DATA), 0);
	assert_int_equal(in(LSR), 0x61);
	assert_int_equal(in(DATA), 'B');
}

static void test_error_bit_stays_if_more_errors_follow(void **state)
{
	(void)state;
	out(IIR_FCR, 0x01);
	out(MCR, 0x10);
	out(LCR, 0x43);
	out(LCR, 0x03);
	out(DATA, 'A');
	out(LCR, 0x43);
	out(LCR, 0x03);
	assert_int_equal(in(LSR), 0xf9);
	assert_int_equal(in(LSR), 0xe1);
	assert_int_equal(in(DATA), 0);
	assert_int_equal(in(DATA), 'A');
	assert_int_equal(in(LSR), 0xf9);
	assert_int_equal(in(LSR), 0x61);
}

static void test_error_stays_until_lsr_is_read(void **state)
{
	(void)state;
	out(IIR_FCR, 0x01);
	out(MCR, 0x10);
	out(LCR, 0x43);
	out(LCR, 0x03);
	in(DATA);
	assert_int_equal(in(LSR), 0xf8);
	assert_int_equal(in(LSR), 0x60);
}

static void test_errors_are_not_left_behind_in_the_ring(void **state)
{
	int i;

	(void)state;
	out(IIR_FCR, 0x01);
	out(MCR, 0x10);
	out(DATA, 'A');
	out(LCR, 0x43);
	out(LCR, 0x03);
	out(IIR_FCR, 0x03);
	assert_int_equal(in(LSR), 0x60);
	for (i = 0; i < 16; i++) {
		out(DATA, i);
		assert_int_equal(in(LSR), 0x61);
	}
	for (i = 0; i < 16; i++)
		assert_int_equal(in(DATA), i);
	assert_int_equal(in(LSR), 0x60);
}

/* Interrupts. */

#ifdef POLLED
static void test_iir_names_no_interrupt(void **state)
{
	(void)state;
	out(MCR, 0x18);
	out(IER, 0x0f);
	out(DATA, 'A');
	out(DATA, 'B');
	assert_int_equal(in(IIR_FCR), 0x01);
	out(IIR_FCR, 0x01);
	out(DATA, 'A');
	out(MCR, 0x08);
	now += 1000000000;
	assert_int_equal(in(IIR_FCR), 0xc1);
}

#else
static void test_line_is_gated_by_out2(void **state)
{
	(void)state;
	out(IER, 0x01);
	type("x");
	assert_false(line);
	assert_int_equal(in(IIR_FCR), 0x04); /* the chip itself knows */
	out(MCR, 0x08);
	assert_true(line);
	out(MCR, 0x07);
	assert_false(line);
}

static void test_line_is_off_in_loopback(void **state)
{
	(void)state;
	out(IER, 0x01);
	out(MCR, 0x08);
	type("x");
	assert_true(line);
	out(MCR, 0x18);
	assert_false(line);
	assert_int_equal(in(IIR_FCR), 0x04);
	out(MCR, 0x08);
	assert_true(line);
}

static void test_no_interrupt_that_is_not_enabled(void **state)
{
	(void)state;
	out(IIR_FCR, 0x01);
	out(MCR, 0x10);
	out(DATA, 'A');
	out(LCR, 0x43);
	in(DATA); /* the break is next */
	out(MCR, 0x08);
	now += 1000000000;
	assert_int_equal(ns16550_advance(&uart, now), DEVICE_NEVER);
	assert_int_equal(in(IIR_FCR), 0xc1);
	assert_int_equal(rises, 0);
}

static void test_received_data_without_fifo(void **state)
{
	(void)state;
	out(IER, 0x01);
	out(MCR, 0x08);
	type("x");
	assert_true(line);
	assert_int_equal(in(IIR_FCR), 0x04);
	assert_int_equal(in(IIR_FCR), 0x04); /* reading IIR clears only the transmitter */
	assert_true(line);
	in(DATA);
	assert_false(line);
	assert_int_equal(in(IIR_FCR), 0x01);
	type("y");
	assert_int_equal(rises, 2);
}

static void test_received_data_from_trigger_level_on(void **state)
{
	static const u8 levels[] = { 1, 4, 8, 14 };
	size_t i;
	u8 n;

	(void)state;
	out(IER, 0x01);
	out(MCR, 0x08);
	for (i = 0; i < 4; i++) {
		out(IIR_FCR, 0x03 | i << 6);
		for (n = 1; n < levels[i]; n++) {
			type("x");
			assert_false(line);
			assert_int_equal(in(IIR_FCR), 0xc1);
		}
		type("x");
		assert_true(line);
		assert_int_equal(in(IIR_FCR), 0xc4);
		type("x");
		in(DATA);
		assert_true(line);
		in(DATA); /* below the level */
		assert_false(line);
		assert_int_equal(in(IIR_FCR), 0xc1);
	}
}

static void test_trigger_level_is_one_without_fifo(void **state)
{
	(void)state;
	out(IIR_FCR, 0xc1);
	out(IIR_FCR, 0x00);
	out(IER, 0x01);
	out(MCR, 0x08);
	type("x");
	assert_int_equal(in(IIR_FCR), 0x04);
}

static void set_format(u8 lcr, u16 divisor)
{
	out(LCR, 0x80);
	out(DATA, divisor & 0xff);
	out(IER, divisor >> 8);
	out(LCR, lcr);
}

/* FIFOs on, trigger at 14, receiver's interrupt on. */
static void enable_timeout(void)
{
	out(IIR_FCR, 0xc1);
	out(IER, 0x01);
	out(MCR, 0x08);
}

/* In nanoseconds, at 115200 / divisor baud. */
static u64 bits(u64 half_bits, u64 divisor)
{
	return half_bits * divisor * 1000000000 / 230400;
}

static void test_time_out_after_four_characters(void **state)
{
	static const struct {
		u8 lcr;
		u16 divisor;
		u64 half_bits, real_divisor;
	} formats[] = {
		{ 0x03, 1, 80, 1 }, /* 8N1: 10 bits */
		{ 0x00, 1, 56, 1 }, /* 5N1: 7 */
		{ 0x02, 1, 72, 1 }, /* 7N1: 9 */
		{ 0x07, 1, 88, 1 }, /* 8N2: 11 */
		{ 0x04, 1, 60, 1 }, /* 5N1.5: 7.5 */
		{ 0x0b, 1, 88, 1 }, /* 8O1: 11 */
		{ 0x1f, 1, 96, 1 }, /* 8E2: 12 */
		{ 0x03, 12, 80, 12 }, /* 9600 baud */
		{ 0x1f, 0xffff, 96, 0xffff },
		{ 0x1f, 0, 96, 0x10000 },
	};
	size_t i;
	u64 due;

	(void)state;
	enable_timeout();
	for (i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		set_format(formats[i].lcr, formats[i].divisor);
		type("x");
		due = now + bits(formats[i].half_bits, formats[i].real_divisor);
		assert_int_equal(ns16550_advance(&uart, now), due);
		now = due - 1;
		assert_int_equal(ns16550_advance(&uart, now), due);
		assert_int_equal(in(IIR_FCR), 0xc1);
		assert_false(line);
		now = due;
		assert_int_equal(ns16550_advance(&uart, now), DEVICE_NEVER);
		assert_true(line);
		assert_int_equal(in(IIR_FCR), 0xcc);
		in(DATA);
		assert_false(line);
	}
}

static void test_time_out_is_seen_without_advance(void **state)
{
	(void)state;
	enable_timeout();
	type("x");
	now += 1000000;
	assert_int_equal(in(IIR_FCR), 0xcc);
	assert_true(line);
}

static void test_time_out_clock_restarts_with_each_arrival(void **state)
{
	u64 due;

	(void)state;
	enable_timeout();
	set_format(0x03, 1);
	type("x");
	now += bits(80, 1) - 1;
	type("y");
	due = now + bits(80, 1);
	assert_int_equal(ns16550_advance(&uart, now), due);
	now = due - 1;
	assert_int_equal(in(IIR_FCR), 0xc1);
}

static void test_time_out_clock_restarts_with_each_read(void **state)
{
	u64 due;

	(void)state;
	enable_timeout();
	set_format(0x03, 1);
	type("xyz");
	now += bits(80, 1) - 1;
	in(DATA);
	due = now + bits(80, 1);
	assert_int_equal(ns16550_advance(&uart, now), due);
	now = due;
	assert_int_equal(in(IIR_FCR), 0xcc);
	in(DATA); /* cleared by reading, and it begins anew */
	assert_int_equal(in(IIR_FCR), 0xc1);
	assert_false(line);
	assert_int_equal(ns16550_advance(&uart, now), now + bits(80, 1));
	in(DATA);
	assert_int_equal(ns16550_advance(&uart, now), DEVICE_NEVER);
}

static void test_time_out_that_has_come_stays_until_read(void **state)
{
	(void)state;
	enable_timeout();
	type("x");
	now += 1000000;
	type("y");
	assert_int_equal(in(IIR_FCR), 0xcc);
	assert_int_equal(in(IIR_FCR), 0xcc);
	assert_true(line);
	in(DATA);
	assert_int_equal(in(IIR_FCR), 0xc1);
}

static void test_time_out_goes_by_the_format_it_had_when_due(void **state)
{
	(void)state;
	enable_timeout();
	set_format(0x00, 1);
	type("x");
	now += bits(60, 1);
	out(LCR, 0x1f); /* slower, but too late */
	assert_int_equal(in(IIR_FCR), 0xcc);
	in(DATA);

	type("x");
	now += bits(60, 1);
	out(LCR, 0x00); /* faster, so it is due at once */
	assert_true(line);
}

static void test_time_out_clock_runs_only_for_enabled_interrupt(void **state)
{
	(void)state;
	enable_timeout();
	out(IER, 0x00);
	type("x");
	now += 1000000;
	type("y");
	out(IER, 0x01);
	assert_int_equal(in(IIR_FCR), 0xc1); /* the last byte is young */
}

static void test_time_out_also_above_trigger_level(void **state)
{
	(void)state;
	enable_timeout();
	type("0123456789abcdef");
	assert_int_equal(in(IIR_FCR), 0xc4);
	now += 1000000;
	assert_int_equal(in(IIR_FCR), 0xcc);
	assert_int_equal(rises, 1);
	in(DATA);
	assert_int_equal(in(IIR_FCR), 0xc4);
}

static void test_time_out_only_with_fifo(void **state)
{
	(void)state;
	out(IER, 0x01);
	type("x");
	assert_int_equal(ns16550_advance(&uart, now + 1000000000), DEVICE_NEVER);
	assert_int_equal(in(IIR_FCR), 0x04);
}

static void test_time_out_ends_with_fifo_reset(void **state)
{
	(void)state;
	enable_timeout();
	type("x");
	now += 1000000;
	assert_int_equal(in(IIR_FCR), 0xcc);
	out(IIR_FCR, 0xc3);
	assert_int_equal(in(IIR_FCR), 0xc1);
	assert_false(line);

	type("x");
	now += 1000000;
	assert_int_equal(in(IIR_FCR), 0xcc);
	out(IIR_FCR, 0x00);
	assert_int_equal(in(IIR_FCR), 0x01);
	assert_false(line);
}

static void test_time_out_of_old_bytes_comes_as_soon_as_enabled(void **state)
{
	(void)state;
	enable_timeout();
	out(IER, 0x00);
	type("x");
	assert_int_equal(ns16550_advance(&uart, now), DEVICE_NEVER); /* nobody waits for it */
	now += 1000000;
	assert_int_equal(ns16550_advance(&uart, now), DEVICE_NEVER);
	assert_false(line);
	out(IER, 0x01);
	assert_true(line);
	assert_int_equal(in(IIR_FCR), 0xcc);
	out(IER, 0x00);
	assert_false(line);
}

static void test_thre_when_transmitter_becomes_empty(void **state)
{
	u8 byte;

	(void)state;
	out(IIR_FCR, 0x01);
	out(DATA, 'A');
	out(DATA, 'B');
	out(IER, 0x02);
	out(MCR, 0x08);
	assert_false(line);
	ns16550_tx(&uart, &byte, 1);
	assert_false(line); /* not yet empty */
	ns16550_tx(&uart, &byte, 1);
	assert_true(line);
	assert_int_equal(in(IIR_FCR), 0xc2);
	ns16550_tx(&uart, &byte, 1); /* nothing left: no second one */
	assert_false(line);
}

static void test_thre_is_cleared_by_reading_iir(void **state)
{
	(void)state;
	out(MCR, 0x08);
	out(IER, 0x02);
	assert_true(line);
	assert_int_equal(in(IIR_FCR), 0x02);
	assert_false(line);
	assert_int_equal(in(IIR_FCR), 0x01);
	assert_int_equal(in(LSR), 0x60); /* it is empty all the same */
}

static void test_thre_stays_if_iir_named_another(void **state)
{
	(void)state;
	out(IER, 0x03);
	type("x");
	assert_int_equal(in(IIR_FCR), 0x04);
	in(DATA);
	assert_int_equal(in(IIR_FCR), 0x02);
	assert_int_equal(in(IIR_FCR), 0x01);
}

static void test_thre_is_cleared_by_writing_thr(void **state)
{
	(void)state;
	out(MCR, 0x08);
	out(IER, 0x02);
	assert_true(line);
	out(DATA, 'A');
	assert_false(line);
	assert_int_equal(in(IIR_FCR), 0x01);
	assert_sent("A");
	assert_true(line);
	assert_int_equal(rises, 2);
}

static void test_thre_by_enabling_only_if_empty(void **state)
{
	(void)state;
	out(DATA, 'A');
	out(IER, 0x02);
	assert_int_equal(in(IIR_FCR), 0x01);
	assert_sent("A");
	assert_int_equal(in(IIR_FCR), 0x02);
	out(IER, 0x02); /* no change */
	assert_int_equal(in(IIR_FCR), 0x01);
	out(IER, 0x00);
	out(IER, 0x02);
	assert_int_equal(in(IIR_FCR), 0x02);
}

static void test_thre_after_xmit_fifo_reset(void **state)
{
	(void)state;
	out(IIR_FCR, 0x01);
	out(IER, 0x02);
	in(IIR_FCR);
	out(IIR_FCR, 0x05); /* it was empty before */
	assert_int_equal(in(IIR_FCR), 0xc1);
	out(DATA, 'A');
	out(IIR_FCR, 0x05);
	assert_int_equal(in(IIR_FCR), 0xc2);
}

static void test_thre_in_loopback_and_in_break(void **state)
{
	(void)state;
	out(IER, 0x02);
	in(IIR_FCR);
	out(MCR, 0x10);
	out(DATA, 'A');
	assert_int_equal(in(IIR_FCR), 0x02);
	out(MCR, 0x08);
	out(LCR, 0x43);
	out(DATA, 'B'); /* two edges, although the byte takes no time */
	assert_int_equal(rises, 1);
	out(DATA, 'C');
	assert_int_equal(rises, 2);
	assert_int_equal(in(IIR_FCR), 0x02);
}

static void test_line_status_interrupt(void **state)
{
	(void)state;
	out(IER, 0x04);
	out(MCR, 0x18);
	out(DATA, 'A');
	assert_int_equal(in(IIR_FCR), 0x01); /* data, and an empty transmitter, are no errors */
	out(DATA, 'B');
	assert_int_equal(in(IIR_FCR), 0x06);
	out(MCR, 0x08);
	assert_true(line);
	in(LSR);
	assert_false(line);
	assert_int_equal(in(IIR_FCR), 0x01);

	out(MCR, 0x18);
	out(LCR, 0x43);
	in(DATA);
	assert_int_equal(in(IIR_FCR), 0x06);
}

static void test_line_status_interrupt_when_bad_byte_is_next(void **state)
{
	(void)state;
	out(IIR_FCR, 0x01);
	out(IER, 0x04);
	out(MCR, 0x10);
	out(DATA, 'A');
	out(LCR, 0x43);
	assert_int_equal(in(IIR_FCR), 0xc1);
	in(DATA);
	assert_int_equal(in(IIR_FCR), 0xc6);
}

static void test_modem_status_interrupt(void **state)
{
	(void)state;
	out(IER, 0x08);
	out(MCR, 0x10);
	in(MSR);
	assert_int_equal(in(IIR_FCR), 0x01);
	out(MCR, 0x18);
	assert_int_equal(in(IIR_FCR), 0x00);
	out(MCR, 0x08);
	assert_true(line);
	in(MSR);
	assert_false(line);
	assert_int_equal(in(IIR_FCR), 0x01);
}

static void test_priorities(void **state)
{
	(void)state;
	out(MCR, 0x10); /* modem status */
	out(DATA, 'A'); /* received data */
	out(DATA, 'B'); /* line status: an overrun */
	out(IER, 0x0f); /* the transmitter is empty */
	assert_int_equal(in(IIR_FCR), 0x06);
	in(LSR);
	assert_int_equal(in(IIR_FCR), 0x04);
	in(DATA);
	assert_int_equal(in(IIR_FCR), 0x02);
	assert_int_equal(in(IIR_FCR), 0x00);
	in(MSR);
	assert_int_equal(in(IIR_FCR), 0x01);
}

static void test_time_out_has_priority_over_thre(void **state)
{
	(void)state;
	enable_timeout();
	out(MCR, 0x18);
	out(DATA, 'A');
	out(LCR, 0x43);
	in(DATA); /* the bad byte is next */
	out(IER, 0x0f);
	now += 1000000;
	assert_int_equal(in(IIR_FCR), 0xc6);
	in(LSR);
	assert_int_equal(in(IIR_FCR), 0xcc);
	in(DATA);
	assert_int_equal(in(IIR_FCR), 0xc2);
	assert_int_equal(in(IIR_FCR), 0xc0);
}

static void test_no_line_is_fine(void **state)
{
	(void)state;
	ns16550_init(&uart, (struct irq_line){ 0 });
	out(MCR, 0x08);
	out(IER, 0x02);
	assert_int_equal(in(IIR_FCR), 0x02);
}
#endif

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_registers_after_reset, setup),
		cmocka_unit_test_setup(test_divisor_latch_lies_behind_dlab, setup),
		cmocka_unit_test_setup(test_other_registers_do_not_hide_behind_dlab, setup),
		cmocka_unit_test_setup(test_ier_has_four_bits, setup),
		cmocka_unit_test_setup(test_lcr_keeps_eight_bits_and_mcr_five, setup),
		cmocka_unit_test_setup(test_scratch_register_remembers, setup),
		cmocka_unit_test_setup(test_status_registers_are_not_written, setup),
		cmocka_unit_test_setup(test_eight_ports_are_all, setup),
		cmocka_unit_test_setup(test_iir_says_whether_fifos_are_on, setup),
		cmocka_unit_test_setup(test_thre_and_temt_are_clear_until_byte_has_left, setup),
		cmocka_unit_test_setup(test_transmitter_without_fifo_holds_one_byte, setup),
		cmocka_unit_test_setup(test_transmit_fifo_holds_sixteen_bytes_in_order, setup),
		cmocka_unit_test_setup(test_xmit_fifo_reset, setup),
		cmocka_unit_test_setup(test_break_is_not_heard_and_bytes_in_it_are_lost, setup),
		cmocka_unit_test_setup(test_data_ready_until_last_byte_is_read, setup),
		cmocka_unit_test_setup(test_empty_receiver_repeats_last_byte, setup),
		cmocka_unit_test_setup(test_receiver_without_fifo_has_room_for_one, setup),
		cmocka_unit_test_setup(test_receive_fifo_has_room_for_sixteen, setup),
		cmocka_unit_test_setup(test_rcvr_fifo_reset, setup),
		cmocka_unit_test_setup(test_changing_fifo_enable_clears_both_fifos, setup),
		cmocka_unit_test_setup(test_fcr_bits_are_programmed_only_with_bit_0, setup),
		cmocka_unit_test_setup(test_somebody_listens_outside, setup),
		cmocka_unit_test_setup(test_loopback_leads_outputs_to_inputs, setup),
		cmocka_unit_test_setup(test_deltas_are_cleared_by_reading, setup),
		cmocka_unit_test_setup(test_teri_only_when_ring_ends, setup),
		cmocka_unit_test_setup(test_loopback_receives_what_is_sent, setup),
		cmocka_unit_test_setup(test_loopback_shuts_outside_out, setup),
		cmocka_unit_test_setup(test_bytes_for_outside_survive_loopback, setup),
		cmocka_unit_test_setup(test_overrun_without_fifo_replaces_byte, setup),
		cmocka_unit_test_setup(test_overrun_of_fifo_loses_new_byte, setup),
		cmocka_unit_test_setup(test_break_in_loopback_arrives_as_one_zero, setup),
		cmocka_unit_test_setup(test_loopback_during_break_hears_it, setup),
		cmocka_unit_test_setup(test_break_has_wrong_parity_if_odd, setup),
		cmocka_unit_test_setup(test_error_shows_when_its_byte_is_next, setup),
		cmocka_unit_test_setup(test_error_bit_stays_if_more_errors_follow, setup),
		cmocka_unit_test_setup(test_error_stays_until_lsr_is_read, setup),
		cmocka_unit_test_setup(test_errors_are_not_left_behind_in_the_ring, setup),
#ifdef POLLED
		cmocka_unit_test_setup(test_iir_names_no_interrupt, setup),
#else
		cmocka_unit_test_setup(test_line_is_gated_by_out2, setup),
		cmocka_unit_test_setup(test_line_is_off_in_loopback, setup),
		cmocka_unit_test_setup(test_no_interrupt_that_is_not_enabled, setup),
		cmocka_unit_test_setup(test_received_data_without_fifo, setup),
		cmocka_unit_test_setup(test_received_data_from_trigger_level_on, setup),
		cmocka_unit_test_setup(test_trigger_level_is_one_without_fifo, setup),
		cmocka_unit_test_setup(test_time_out_after_four_characters, setup),
		cmocka_unit_test_setup(test_time_out_is_seen_without_advance, setup),
		cmocka_unit_test_setup(test_time_out_clock_restarts_with_each_arrival, setup),
		cmocka_unit_test_setup(test_time_out_clock_restarts_with_each_read, setup),
		cmocka_unit_test_setup(test_time_out_that_has_come_stays_until_read, setup),
		cmocka_unit_test_setup(test_time_out_goes_by_the_format_it_had_when_due, setup),
		cmocka_unit_test_setup(test_time_out_clock_runs_only_for_enabled_interrupt, setup),
		cmocka_unit_test_setup(test_time_out_also_above_trigger_level, setup),
		cmocka_unit_test_setup(test_time_out_only_with_fifo, setup),
		cmocka_unit_test_setup(test_time_out_ends_with_fifo_reset, setup),
		cmocka_unit_test_setup(test_time_out_of_old_bytes_comes_as_soon_as_enabled, setup),
		cmocka_unit_test_setup(test_thre_when_transmitter_becomes_empty, setup),
		cmocka_unit_test_setup(test_thre_is_cleared_by_reading_iir, setup),
		cmocka_unit_test_setup(test_thre_stays_if_iir_named_another, setup),
		cmocka_unit_test_setup(test_thre_is_cleared_by_writing_thr, setup),
		cmocka_unit_test_setup(test_thre_by_enabling_only_if_empty, setup),
		cmocka_unit_test_setup(test_thre_after_xmit_fifo_reset, setup),
		cmocka_unit_test_setup(test_thre_in_loopback_and_in_break, setup),
		cmocka_unit_test_setup(test_line_status_interrupt, setup),
		cmocka_unit_test_setup(test_line_status_interrupt_when_bad_byte_is_next, setup),
		cmocka_unit_test_setup(test_modem_status_interrupt, setup),
		cmocka_unit_test_setup(test_priorities, setup),
		cmocka_unit_test_setup(test_time_out_has_priority_over_thre, setup),
		cmocka_unit_test_setup(test_no_line_is_fine, setup),
#endif
	};

	return cmocka_run_group_tests_name("ns16550", tests, NULL, NULL);
}
