// SPDX-License-Identifier: GPL-2.0-only
/*
 * The serial port against its datasheet (PC16550D). The numbers stand here
 * once more as the datasheet has them, so a wrong #define is noticed, too.
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
	ns16550_init(&uart);
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
		cmocka_unit_test_setup(test_iir_names_no_interrupt, setup),
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
	};

	return cmocka_run_group_tests_name("ns16550", tests, NULL, NULL);
}
