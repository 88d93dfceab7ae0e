// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interval timer, rule by rule of the Intel 8254 datasheet. Time is told in
 * pulses of CLK: at(n) is the first nanosecond at which n of them have been.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "i8254.h"

#define BEGIN 5000000ULL /* the pulse at which each test begins */
#define YEAR (365ULL * 24 * 3600 * I8254_HZ)

#define LSB 0x10
#define MSB 0x20
#define BOTH 0x30
#define MODE(m) ((m) << 1)
#define BCD 1

static struct i8254 chip;
static u64 tick;
static char line[64]; /* what out0 did: L and H */

static void record(void *ctx, unsigned int n, bool level)
{
	size_t len = strlen(line);

	assert_ptr_equal(ctx, &chip);
	assert_int_equal(n, 7);
	if (len < sizeof(line) - 1)
		line[len] = level ? 'H' : 'L';
}

/* Not the chip's way to compute it. */
static u64 at(u64 ticks)
{
	return ((unsigned __int128)ticks * 1000000000 + I8254_HZ - 1) / I8254_HZ;
}

static int setup(void **state)
{
	(void)state;
	tick = BEGIN;
	i8254_init(&chip, (struct irq_line){ record, &chip, 7 }, at(tick));
	memset(line, 0, sizeof(line));
	return 0;
}

static void out(u16 off, u8 value)
{
	i8254_out(&chip, off, value, at(tick));
}

static u8 in(u16 off)
{
	return i8254_in(&chip, off, at(tick));
}

static void control(unsigned int n, u8 value)
{
	out(I8254_CONTROL, n << 6 | value);
}

/* Program with both bytes, or with one of them. */
static void program(unsigned int n, u8 value, u16 count)
{
	control(n, value);
	if (value & LSB)
		out(n, count);
	if (value & MSB)
		out(n, count >> 8);
}

static void gate2(bool level)
{
	out(I8254_PORT61, level);
}

static u8 status(unsigned int n)
{
	out(I8254_CONTROL, 0xe0 | 2 << n);
	return in(n);
}

static bool level(unsigned int n)
{
	return status(n) & 0x80;
}

static bool is_null(unsigned int n)
{
	return status(n) & 0x40;
}

/* Latch and read two bytes. */
static u16 count(unsigned int n)
{
	u16 lsb;

	control(n, 0);
	lsb = in(n);
	return in(n) << 8 | lsb;
}

/* OUT of counter n after each of the next pulses, as "LLH"; the time moves on. */
static void expect_out(unsigned int n, const char *levels)
{
	for (; *levels; levels++) {
		tick++;
		if (level(n) != (*levels == 'H'))
			fail_msg("pulse %llu is not %s", (unsigned long long)(tick - BEGIN),
				 levels);
	}
}

static u64 advance(void)
{
	return i8254_advance(&chip, at(tick));
}

static void test_mode0_is_low_until_n_plus_1_pulses(void **state)
{
	(void)state;
	control(0, BOTH | MODE(0));
	assert_false(level(0)); /* at once */
	out(0, 4);
	out(0, 0);
	expect_out(0, "LLLLHHHHHH");
}

static void test_mode0_goes_on_after_zero(void **state)
{
	(void)state;
	program(0, BOTH | MODE(0), 2);
	tick += 3;
	assert_int_equal(count(0), 0);
	tick += 1;
	assert_int_equal(count(0), 0xffff);
	tick += 65535;
	assert_int_equal(count(0), 0);
	tick += 65536 * 9 + 3;
	assert_int_equal(count(0), 0xfffd);
	assert_true(level(0));
	assert_int_equal(i8254_edges(&chip), 1);
}

static void test_mode0_first_byte_stops_second_starts(void **state)
{
	(void)state;
	program(0, BOTH | MODE(0), 3);
	tick += 6;
	assert_true(level(0));
	out(0, 2);
	assert_false(level(0));
	assert_int_equal(count(0), 0xfffe);
	tick += 100;
	assert_int_equal(count(0), 0xfffe);
	assert_int_equal(advance(), DEVICE_NEVER);
	out(0, 0);
	expect_out(0, "LLHH");
}

static void test_mode0_one_byte_restarts(void **state)
{
	(void)state;
	program(0, LSB | MODE(0), 3);
	expect_out(0, "LL");
	out(0, 2);
	expect_out(0, "LLH");
	out(0, 1);
	assert_false(level(0));
	expect_out(0, "LH");
}

static void test_mode0_gate_low_holds_the_count(void **state)
{
	(void)state;
	program(2, BOTH | MODE(0), 3);
	assert_true(is_null(2));
	tick += 50;
	assert_int_equal(count(2), 3); /* loaded all the same */
	gate2(true);
	expect_out(2, "LL");
	gate2(false);
	expect_out(2, "LLLL");
	gate2(true);
	expect_out(2, "HH");
	gate2(false);
	assert_true(level(2)); /* GATE has no effect on OUT */
}

static void test_mode1_waits_for_a_trigger(void **state)
{
	(void)state;
	program(2, BOTH | MODE(1), 3);
	assert_true(level(2));
	expect_out(2, "HHHH");
	assert_true(is_null(2));
	gate2(true);
	assert_true(level(2));
	expect_out(2, "LLLHHH");
	assert_false(is_null(2));
	gate2(false);
	expect_out(2, "HH");
	gate2(true);
	expect_out(2, "L");
	gate2(false); /* no effect */
	expect_out(2, "LLH");
}

static void test_mode1_is_retriggered(void **state)
{
	(void)state;
	program(2, BOTH | MODE(1), 3);
	gate2(true);
	expect_out(2, "LL");
	gate2(false);
	gate2(true);
	expect_out(2, "LL");
	gate2(true); /* no rising edge, no trigger */
	expect_out(2, "LHHH");
}

static void test_mode1_new_count_waits_for_next_trigger(void **state)
{
	(void)state;
	program(2, LSB | MODE(1), 3);
	gate2(true);
	expect_out(2, "L");
	out(2, 2);
	expect_out(2, "LLHHHHH");
	assert_true(is_null(2));
	gate2(false);
	gate2(true);
	expect_out(2, "LLHH");
}

static void test_mode1_needs_a_count(void **state)
{
	(void)state;
	control(2, BOTH | MODE(1));
	gate2(true);
	expect_out(2, "HHHH");
	assert_true(is_null(2));
}

static void test_modes_1_and_5_never_begin_where_gate_is_tied_high(void **state)
{
	(void)state;
	program(0, BOTH | MODE(1), 3);
	tick += 100;
	assert_int_equal(advance(), DEVICE_NEVER);
	assert_true(level(0));
	program(0, BOTH | MODE(5), 3);
	tick += 100;
	assert_int_equal(advance(), DEVICE_NEVER);
	assert_true(level(0));
}

static void test_mode2_is_low_for_the_last_pulse_of_n(void **state)
{
	(void)state;
	program(0, BOTH | MODE(2), 4);
	assert_true(level(0));
	expect_out(0, "HHHLHHHLHHHL");
}

static void test_mode2_counts_n_to_1(void **state)
{
	static const u16 counts[] = { 3, 2, 1, 3, 2, 1, 3 };
	size_t i;

	(void)state;
	program(0, BOTH | MODE(2), 3);
	for (i = 0; i < 7; i++) {
		tick++;
		assert_int_equal(count(0), counts[i]);
	}
}

static void test_mode2_takes_a_new_count_at_the_next_reload(void **state)
{
	(void)state;
	program(0, BOTH | MODE(2), 4);
	expect_out(0, "HH");
	out(0, 3);
	expect_out(0, "HL"); /* and half a count is none */
	expect_out(0, "H");
	out(0, 0);
	assert_true(is_null(0));
	expect_out(0, "HHLH");
	assert_false(is_null(0));
	expect_out(0, "HLHHL");
}

static void test_mode2_gate_low_forces_out_high(void **state)
{
	(void)state;
	gate2(true);
	program(2, BOTH | MODE(2), 3);
	expect_out(2, "HHL");
	gate2(false);
	assert_true(level(2)); /* at once */
	expect_out(2, "HHHHH");
	assert_int_equal(count(2), 1);
	gate2(true);
	assert_true(level(2));
	expect_out(2, "HHLHHL"); /* a trigger loads the count anew */
}

static void test_mode2_trigger_takes_the_new_count(void **state)
{
	(void)state;
	gate2(true);
	program(2, LSB | MODE(2), 10);
	expect_out(2, "HHH");
	out(2, 2);
	gate2(false);
	gate2(true);
	expect_out(2, "HLHL");
}

static void test_mode2_is_loaded_while_gate_is_low(void **state)
{
	(void)state;
	program(2, BOTH | MODE(2), 3);
	tick += 20;
	assert_false(is_null(2));
	assert_int_equal(count(2), 3);
	assert_true(level(2));
}

static void test_mode3_even_is_half_high_half_low(void **state)
{
	(void)state;
	program(0, BOTH | MODE(3), 4);
	assert_true(level(0));
	expect_out(0, "HHLLHHLLHHLL");
}

static void test_mode3_odd_is_high_for_one_more(void **state)
{
	(void)state;
	program(0, BOTH | MODE(3), 5);
	expect_out(0, "HHHLLHHHLLHHHLL");
}

static void test_mode3_counts_by_two(void **state)
{
	static const u16 even[] = { 4, 2, 4, 2, 4 };
	static const u16 odd[] = { 4, 2, 0, 4, 2, 4, 2, 0, 4 };
	size_t i;

	(void)state;
	program(0, BOTH | MODE(3), 4);
	for (i = 0; i < 5; i++) {
		tick++;
		assert_int_equal(count(0), even[i]);
	}
	program(0, BOTH | MODE(3), 5);
	for (i = 0; i < 9; i++) {
		tick++;
		assert_int_equal(count(0), odd[i]);
	}
}

static void test_mode3_takes_a_new_count_at_the_end_of_the_half(void **state)
{
	(void)state;
	program(0, LSB | MODE(3), 6);
	expect_out(0, "HH");
	out(0, 4);
	expect_out(0, "HLLHHLLH");
	out(0, 7); /* while high: the low half is the new count's shorter one */
	expect_out(0, "HLLLHHHHLLLH");
}

static void test_mode3_gate_low_forces_out_high(void **state)
{
	(void)state;
	gate2(true);
	program(2, BOTH | MODE(3), 4);
	expect_out(2, "HHL");
	gate2(false);
	assert_true(level(2));
	expect_out(2, "HHHH");
	gate2(true);
	expect_out(2, "HHLLHHLL");
}

static void test_mode4_strobes_after_n_plus_1_pulses(void **state)
{
	(void)state;
	program(0, BOTH | MODE(4), 3);
	assert_true(level(0));
	expect_out(0, "HHHLHHHHHH");
	assert_int_equal(count(0), 0xfffa);
	assert_int_equal(i8254_edges(&chip), 1);
}

static void test_mode4_new_count_restarts(void **state)
{
	(void)state;
	program(0, BOTH | MODE(4), 3);
	expect_out(0, "HH");
	out(0, 2); /* the first byte has no effect */
	expect_out(0, "HLHHH");
	out(0, 0);
	expect_out(0, "HHLHH");
}

static void test_mode4_gate_low_holds_the_count_and_not_the_strobe(void **state)
{
	(void)state;
	program(2, BOTH | MODE(4), 2);
	tick += 30;
	assert_int_equal(count(2), 2);
	gate2(true);
	expect_out(2, "HL");
	gate2(false);
	assert_false(level(2));
	expect_out(2, "HHH");
	assert_int_equal(count(2), 0);
}

static void test_mode4_load_ends_the_strobe(void **state)
{
	(void)state;
	program(0, LSB | MODE(4), 1);
	expect_out(0, "HL");
	out(0, 2);
	assert_int_equal(advance(), at(tick + 1));
	expect_out(0, "HHLH");
	assert_int_equal(i8254_edges(&chip), 2);
}

static void test_strobe_is_seen_after_it_is_over(void **state)
{
	(void)state;
	program(0, BOTH | MODE(4), 5);
	tick += 100;
	advance();
	assert_true(level(0));
	assert_int_equal(i8254_edges(&chip), 1);
	assert_string_equal(line, "LH");
}

static void test_mode5_strobes_after_a_trigger(void **state)
{
	(void)state;
	program(2, BOTH | MODE(5), 2);
	expect_out(2, "HHHHH");
	gate2(true);
	expect_out(2, "HHLHHH");
	gate2(false);
	gate2(true);
	expect_out(2, "H");
	gate2(false); /* no effect */
	expect_out(2, "HLH");
}

static void test_mode5_is_retriggered_with_the_new_count(void **state)
{
	(void)state;
	program(2, LSB | MODE(5), 4);
	gate2(true);
	expect_out(2, "HHH");
	out(2, 1);
	expect_out(2, "HLH");
	gate2(false);
	gate2(true);
	expect_out(2, "HLHH");
}

static void test_modes_6_and_7_are_2_and_3(void **state)
{
	(void)state;
	program(0, BOTH | MODE(6), 3);
	expect_out(0, "HHLHHL");
	assert_int_equal(status(0) & 0x3f, BOTH | MODE(6)); /* as it was written */
	program(0, BOTH | MODE(7), 4);
	expect_out(0, "HHLLHH");
	assert_int_equal(status(0) & 0x3f, BOTH | MODE(7));
}

static void test_count_0_is_65536(void **state)
{
	(void)state;
	program(0, BOTH | MODE(2), 0);
	tick++;
	assert_int_equal(count(0), 0);
	tick++;
	assert_int_equal(count(0), 0xffff);
	tick += 65533;
	assert_true(level(0));
	expect_out(0, "LH");
	program(0, BOTH | MODE(0), 0);
	assert_int_equal(advance(), at(tick + 65537));
	program(0, BOTH | MODE(3), 0);
	tick += 32768;
	expect_out(0, "L");
}

static void test_bcd_count_0_is_10000(void **state)
{
	(void)state;
	program(0, BOTH | MODE(2) | BCD, 0);
	tick++;
	assert_int_equal(count(0), 0);
	tick++;
	assert_int_equal(count(0), 0x9999);
	tick += 9997;
	assert_true(level(0));
	expect_out(0, "LH");
}

static void test_bcd_counts_in_tens(void **state)
{
	(void)state;
	program(0, BOTH | MODE(0) | BCD, 0x1234);
	tick++;
	assert_int_equal(count(0), 0x1234);
	tick += 5;
	assert_int_equal(count(0), 0x1229);
	assert_int_equal(advance(), at(tick + 1229));
	tick += 1230;
	assert_int_equal(count(0), 0x9999);
	tick += 20001;
	assert_int_equal(count(0), 0x9998);
}

static void test_count_1_has_a_period_of_2_in_modes_2_and_3(void **state)
{
	(void)state;
	program(0, BOTH | MODE(2), 1);
	expect_out(0, "HLHL");
	program(0, BOTH | MODE(3), 1);
	expect_out(0, "HLHL");
	program(0, BOTH | MODE(0), 1);
	expect_out(0, "LHH");
}

static void test_one_byte_counts_have_a_zero_for_the_other(void **state)
{
	(void)state;
	program(0, BOTH | MODE(0), 0x5555);
	program(0, LSB | MODE(0), 0x34);
	tick++;
	assert_int_equal(in(0), 0x34);
	assert_int_equal(advance(), at(tick + 0x34));
	program(0, MSB | MODE(0), 0x1200);
	tick++;
	assert_int_equal(in(0), 0x12);
	assert_int_equal(advance(), at(tick + 0x1200));
	tick++;
	assert_int_equal(in(0), 0x11); /* each time the same byte */
	assert_int_equal(in(0), 0x11);
	out(0, 0x20);
	tick++;
	assert_int_equal(in(0), 0x20);
}

static void test_reading_and_writing_may_take_turns(void **state)
{
	(void)state;
	program(0, BOTH | MODE(2), 0x4321);
	tick++;
	assert_int_equal(in(0), 0x21);
	out(0, 0x78);
	assert_int_equal(in(0), 0x43);
	out(0, 0x56);
	tick += 0x4321;
	assert_int_equal(count(0), 0x5678);
}

static void test_control_word_begins_with_the_low_byte(void **state)
{
	(void)state;
	program(0, BOTH | MODE(2), 0x4321);
	tick++;
	in(0);
	out(0, 0x99);
	program(0, BOTH | MODE(2), 0x8765);
	tick++;
	assert_int_equal(in(0), 0x65);
	assert_int_equal(in(0), 0x87);
}

static void test_latched_count_stays_until_read(void **state)
{
	(void)state;
	program(0, BOTH | MODE(2), 0x1000);
	tick++;
	control(0, 0);
	tick += 0x10;
	control(0, 0); /* ignored */
	assert_int_equal(in(0), 0x00);
	tick += 0x10;
	assert_int_equal(in(0), 0x10);
	assert_int_equal(in(0), 0xe0); /* and no longer */
	assert_int_equal(in(0), 0x0f);
}

static void test_latch_is_for_one_counter(void **state)
{
	(void)state;
	program(0, LSB | MODE(2), 200);
	program(1, LSB | MODE(2), 100);
	tick += 11;
	control(0, 0);
	tick += 10;
	assert_int_equal(in(1), 80);
	assert_int_equal(in(0), 190);
	assert_int_equal(in(0), 180);
}

static void test_control_word_drops_the_latches(void **state)
{
	(void)state;
	program(0, LSB | MODE(2), 200);
	tick++;
	out(I8254_CONTROL, 0xc2);
	program(0, LSB | MODE(2), 100);
	tick++;
	assert_int_equal(in(0), 100);
}

static void test_read_back_latches_several_counts(void **state)
{
	(void)state;
	program(0, LSB | MODE(2), 200);
	program(1, LSB | MODE(2), 100);
	gate2(true);
	program(2, LSB | MODE(2), 50);
	tick += 11;
	out(I8254_CONTROL, 0xda); /* count, of counters 0 and 2 */
	tick += 10;
	assert_int_equal(in(0), 190);
	assert_int_equal(in(1), 80);
	assert_int_equal(in(2), 40);
}

static void test_read_back_gives_the_status_first(void **state)
{
	(void)state;
	program(0, BOTH | MODE(3), 0x1234);
	tick++;
	out(I8254_CONTROL, 0xd2); /* count */
	out(I8254_CONTROL, 0xe2); /* status */
	tick += 9;
	assert_int_equal(in(0), 0x80 | BOTH | MODE(3));
	assert_int_equal(in(0), 0x34);
	assert_int_equal(in(0), 0x12);
	out(I8254_CONTROL, 0xc2); /* both at once */
	assert_int_equal(in(0), 0x80 | BOTH | MODE(3));
	assert_int_equal(in(0), 0x22);
	assert_int_equal(in(0), 0x12);
}

static void test_latched_status_stays_until_read(void **state)
{
	(void)state;
	program(0, BOTH | MODE(0), 3);
	out(I8254_CONTROL, 0xe2);
	tick += 10;
	out(I8254_CONTROL, 0xe2); /* ignored */
	assert_int_equal(in(0), 0x40 | BOTH);
	assert_int_equal(status(0), 0x80 | BOTH);
}

static void test_null_count_until_loaded(void **state)
{
	(void)state;
	control(0, BOTH | MODE(2));
	assert_true(is_null(0));
	out(0, 5);
	out(0, 0);
	assert_true(is_null(0));
	tick++;
	assert_false(is_null(0));
	out(0, 6);
	assert_false(is_null(0)); /* the second byte sets it */
	out(0, 0);
	assert_true(is_null(0));
	tick += 4;
	assert_true(is_null(0));
	tick++;
	assert_false(is_null(0));
	assert_int_equal(count(0), 6);
}

static void test_control_word_stops_until_a_count_comes(void **state)
{
	(void)state;
	program(0, BOTH | MODE(2), 3);
	tick += 10;
	control(0, BOTH | MODE(2));
	assert_int_equal(advance(), DEVICE_NEVER);
	expect_out(0, "HHHHHH");
	control(0, BOTH | MODE(0));
	expect_out(0, "LLLLLL");
}

static void test_control_word_drops_a_count_not_yet_loaded(void **state)
{
	(void)state;
	program(0, BOTH | MODE(0), 3);
	control(0, BOTH | MODE(0));
	expect_out(0, "LLLLLLLL");
	assert_true(is_null(0));
	program(2, BOTH | MODE(1), 3);
	control(2, BOTH | MODE(1));
	gate2(true);
	expect_out(2, "HHHHHH");
	assert_true(is_null(2));
}

static void test_out_rises_when_a_control_word_says_so(void **state)
{
	(void)state;
	program(0, BOTH | MODE(0), 100);
	assert_string_equal(line, "L");
	assert_int_equal(i8254_edges(&chip), 0);
	control(0, BOTH | MODE(2));
	assert_int_equal(i8254_edges(&chip), 1);
	assert_string_equal(line, "LLH");
}

static void test_port61_shows_gate_speaker_and_out2(void **state)
{
	(void)state;
	assert_int_equal(in(I8254_PORT61) & ~0x10, 0x20); /* OUT is high, GATE low */
	program(2, BOTH | MODE(0), 2);
	assert_int_equal(in(I8254_PORT61) & ~0x10, 0x00);
	out(I8254_PORT61, 0xf3);
	assert_int_equal(in(I8254_PORT61) & ~0x10, 0x03);
	tick += 3;
	assert_int_equal(in(I8254_PORT61) & ~0x10, 0x23);
	out(I8254_PORT61, 0x0c);
	assert_int_equal(in(I8254_PORT61) & ~0x10, 0x2c);
}

static void test_port61_speaker_bit_is_no_gate(void **state)
{
	(void)state;
	program(2, BOTH | MODE(0), 2);
	out(I8254_PORT61, 0x02);
	expect_out(2, "LLLLLL");
	out(I8254_PORT61, 0x03);
	expect_out(2, "LH");
}

static void test_port61_refresh_toggles_every_18_pulses(void **state)
{
	u8 was = in(I8254_PORT61)&0x10;
	u64 last = 0;
	int i, toggles = 0;

	(void)state;
	for (i = 0; i < 180; i++) {
		u8 now;

		tick++;
		now = in(I8254_PORT61)&0x10;
		if (now == was)
			continue;
		if (last)
			assert_int_equal(tick - last, 18);
		last = tick;
		was = now;
		toggles++;
	}
	assert_int_equal(toggles, 10);
}

static void test_control_port_cannot_be_read(void **state)
{
	(void)state;
	assert_int_equal(in(I8254_CONTROL), 0xff);
	assert_int_equal(in(5), 0xff);
	assert_int_equal(in(0xffff), 0xff);
	out(5, 0);
	out(0xffff, 0);
	assert_true(level(0));
}

static void test_line_is_pulsed_once_however_many_edges(void **state)
{
	(void)state;
	program(0, BOTH | MODE(2), 10);
	advance();
	assert_string_equal(line, "");
	tick += 11;
	advance();
	assert_string_equal(line, "LH");
	advance();
	assert_string_equal(line, "LH");
	tick += 9;
	advance();
	assert_string_equal(line, "LHL");
	tick += 1;
	advance();
	assert_string_equal(line, "LHLLH");
	tick += 10000;
	advance();
	assert_string_equal(line, "LHLLHLH");
	tick += 10009; /* and OUT is low */
	advance();
	assert_string_equal(line, "LHLLHLHLHL");
	assert_int_equal(i8254_edges(&chip), 1 + 1 + 1000 + 1000);
}

static void test_a_minute_away_loses_no_edge(void **state)
{
	(void)state;
	program(0, BOTH | MODE(2), 2);
	tick += 1 + 60ULL * I8254_HZ;
	assert_int_equal(advance(), at(tick + 2));
	assert_int_equal(i8254_edges(&chip), 30ULL * I8254_HZ);
	program(0, BOTH | MODE(3), 3);
	tick += 1 + 60ULL * I8254_HZ;
	assert_int_equal(advance(), at(tick + 3));
	assert_int_equal(i8254_edges(&chip), 50ULL * I8254_HZ);
}

/* The deadline is right to the nanosecond. */
static void test_deadline_is_the_next_edge(void **state)
{
	static const u8 modes[] = { 0, 2, 3, 4 };
	static const u16 counts[] = { 1, 2, 3, 17, 1000, 65535, 0 };
	size_t m, c;
	u64 end, edges;
	int i;

	(void)state;
	for (m = 0; m < 4; m++) {
		for (c = 0; c < 7; c++) {
			setup(NULL);
			program(0, BOTH | MODE(modes[m]), counts[c]);
			for (i = 0; i < 4; i++) {
				end = advance();
				if (end == DEVICE_NEVER)
					break;
				edges = i8254_edges(&chip);
				assert_int_equal(i8254_advance(&chip, end - 1), end);
				assert_int_equal(i8254_edges(&chip), edges);
				i8254_advance(&chip, end);
				assert_int_equal(i8254_edges(&chip), edges + 1);
				tick = end * (unsigned __int128)I8254_HZ / 1000000000;
			}
			assert_int_equal(i, modes[m] & 2 ? 4 : 1);
		}
	}
}

/* Mode 3's deadline knows of the count that waits. */
static void test_deadline_with_a_new_count(void **state)
{
	(void)state;
	program(0, BOTH | MODE(3), 10);
	tick += 3;
	out(0, 101);
	out(0, 0);
	assert_int_equal(advance(), at(tick + 3 + 50));
	tick += 3;
	assert_int_equal(advance(), at(tick + 50));
	tick += 50;
	assert_int_equal(advance(), at(tick + 101));
	program(0, BOTH | MODE(2), 10);
	tick += 3;
	out(0, 100);
	out(0, 0);
	assert_int_equal(advance(), at(tick + 8));
	tick += 8;
	assert_int_equal(advance(), at(tick + 100));
}

static void test_no_drift_in_100_years(void **state)
{
	u64 ten_years = at(10 * YEAR), end;

	(void)state;
	tick = 90 * YEAR;
	i8254_init(&chip, (struct irq_line){ 0 }, at(tick));
	program(0, BOTH | MODE(2), 11932);
	tick += 10 * YEAR + 1;
	end = advance();
	assert_int_equal(i8254_edges(&chip), 10 * YEAR / 11932);
	assert_int_equal(end, at(90 * YEAR + 1 + (10 * YEAR / 11932 + 1) * 11932));
	assert_true(end > 10 * ten_years);
}

static void test_time_never_runs_back(void **state)
{
	(void)state;
	program(0, BOTH | MODE(2), 1000);
	tick += 101;
	assert_int_equal(count(0), 900);
	tick -= 50;
	assert_int_equal(count(0), 900);
	tick += 60;
	assert_int_equal(count(0), 890);
}

static void test_init_is_quiet(void **state)
{
	struct irq_line none = { 0 };

	(void)state;
	assert_int_equal(advance(), DEVICE_NEVER);
	tick += 1000000;
	assert_int_equal(advance(), DEVICE_NEVER);
	assert_int_equal(i8254_edges(&chip), 0);
	assert_string_equal(line, "");
	assert_int_equal(status(0), 0xf6);
	i8254_init(&chip, (struct irq_line){ record, &chip, 7 }, 0);
	assert_string_equal(line, "H");
	i8254_init(&chip, none, 0); /* no line is no crash */
	program(0, BOTH | MODE(0), 1);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_mode0_is_low_until_n_plus_1_pulses),
		TEST(test_mode0_goes_on_after_zero),
		TEST(test_mode0_first_byte_stops_second_starts),
		TEST(test_mode0_one_byte_restarts),
		TEST(test_mode0_gate_low_holds_the_count),
		TEST(test_mode1_waits_for_a_trigger),
		TEST(test_mode1_is_retriggered),
		TEST(test_mode1_new_count_waits_for_next_trigger),
		TEST(test_mode1_needs_a_count),
		TEST(test_modes_1_and_5_never_begin_where_gate_is_tied_high),
		TEST(test_mode2_is_low_for_the_last_pulse_of_n),
		TEST(test_mode2_counts_n_to_1),
		TEST(test_mode2_takes_a_new_count_at_the_next_reload),
		TEST(test_mode2_gate_low_forces_out_high),
		TEST(test_mode2_trigger_takes_the_new_count),
		TEST(test_mode2_is_loaded_while_gate_is_low),
		TEST(test_mode3_even_is_half_high_half_low),
		TEST(test_mode3_odd_is_high_for_one_more),
		TEST(test_mode3_counts_by_two),
		TEST(test_mode3_takes_a_new_count_at_the_end_of_the_half),
		TEST(test_mode3_gate_low_forces_out_high),
		TEST(test_mode4_strobes_after_n_plus_1_pulses),
		TEST(test_mode4_new_count_restarts),
		TEST(test_mode4_gate_low_holds_the_count_and_not_the_strobe),
		TEST(test_mode4_load_ends_the_strobe),
		TEST(test_strobe_is_seen_after_it_is_over),
		TEST(test_mode5_strobes_after_a_trigger),
		TEST(test_mode5_is_retriggered_with_the_new_count),
		TEST(test_modes_6_and_7_are_2_and_3),
		TEST(test_count_0_is_65536),
		TEST(test_bcd_count_0_is_10000),
		TEST(test_bcd_counts_in_tens),
		TEST(test_count_1_has_a_period_of_2_in_modes_2_and_3),
		TEST(test_one_byte_counts_have_a_zero_for_the_other),
		TEST(test_reading_and_writing_may_take_turns),
		TEST(test_control_word_begins_with_the_low_byte),
		TEST(test_latched_count_stays_until_read),
		TEST(test_latch_is_for_one_counter),
		TEST(test_control_word_drops_the_latches),
		TEST(test_read_back_latches_several_counts),
		TEST(test_read_back_gives_the_status_first),
		TEST(test_latched_status_stays_until_read),
		TEST(test_null_count_until_loaded),
		TEST(test_control_word_stops_until_a_count_comes),
		TEST(test_control_word_drops_a_count_not_yet_loaded),
		TEST(test_out_rises_when_a_control_word_says_so),
		TEST(test_port61_shows_gate_speaker_and_out2),
		TEST(test_port61_speaker_bit_is_no_gate),
		TEST(test_port61_refresh_toggles_every_18_pulses),
		TEST(test_control_port_cannot_be_read),
		TEST(test_line_is_pulsed_once_however_many_edges),
		TEST(test_a_minute_away_loses_no_edge),
		TEST(test_deadline_is_the_next_edge),
		TEST(test_deadline_with_a_new_count),
		TEST(test_no_drift_in_100_years),
		TEST(test_time_never_runs_back),
		TEST(test_init_is_quiet),
	};

	return cmocka_run_group_tests_name("i8254", tests, NULL, NULL);
}
