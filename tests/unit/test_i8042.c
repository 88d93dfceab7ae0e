// SPDX-License-Identifier: GPL-2.0-only
/*
 * The keyboard controller and its keyboard, rule by rule of the IBM PS/2
 * Hardware Interface Technical Reference.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "i8042.h"

#define OBF 0x01

static struct i8042 chip;
static char line[80]; /* what irq1 did: L and H */

static void record(void *ctx, unsigned int n, bool level)
{
	size_t len = strlen(line);

	assert_ptr_equal(ctx, &chip);
	assert_int_equal(n, 1);
	if (len < sizeof(line) - 1)
		line[len] = level ? 'H' : 'L';
}

static int setup(void **state)
{
	(void)state;
	i8042_init(&chip, (struct irq_line){ record, &chip, 1 });
	memset(line, 0, sizeof(line));
	return 0;
}

static u8 status(void)
{
	return i8042_in(&chip, I8042_STATUS, 0);
}

static void command(u8 value)
{
	i8042_out(&chip, I8042_COMMAND, value, 0);
}

static void data(u8 value)
{
	i8042_out(&chip, I8042_DATA, value, 0);
}

static bool key(u8 code)
{
	return i8042_key(&chip, &code, 1);
}

static u8 in(void)
{
	return i8042_in(&chip, I8042_DATA, 0);
}

/* What waits at port 60h must be this, and no more. */
static void expect(const char *bytes, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		assert_true(status() & OBF);
		assert_int_equal(in(), (u8)bytes[i]);
	}
	assert_false(status() & OBF);
}

#define EXPECT(bytes) expect(bytes, sizeof(bytes) - 1)

static u8 ask(u8 value)
{
	command(value);
	assert_true(status() & OBF);
	return in();
}

static u8 command_byte(void)
{
	return ask(0x20);
}

static void set_command_byte(u8 value)
{
	command(0x60);
	data(value);
}

static void test_init_is_as_firmware_leaves_it(void **state)
{
	(void)state;
	assert_int_equal(status(), 0x14);
	assert_int_equal(command_byte(), 0x65);
	assert_true(i8042_a20(&chip));
	assert_false(i8042_take_reset(&chip));
	assert_string_equal(line, "");
	i8042_init(&chip, (struct irq_line){ record, &chip, 1 });
	assert_string_equal(line, "L");
	i8042_init(&chip, (struct irq_line){ 0 }); /* no line is no crash */
	key(0x1e);
	EXPECT("\x1e");
}

static void test_status_tells_commands_from_data(void **state)
{
	(void)state;
	command(0xae);
	assert_int_equal(status() & 0x08, 0x08);
	data(0xee);
	assert_int_equal(status() & 0x08, 0);
	command(0x00);
	assert_int_equal(status() & 0x08, 0x08);
}

static void test_status_has_no_other_bits(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < 256; i++) {
		command(i);
		data(i);
		key(i);
		assert_int_equal(status() & 0xf2, 0x10); /* IBF, AUX, time-out, parity; lock */
	}
}

static void test_other_ports_are_not_there(void **state)
{
	(void)state;
	assert_int_equal(i8042_in(&chip, 1, 0), 0xff);
	assert_int_equal(i8042_in(&chip, 5, 0), 0xff);
	i8042_out(&chip, 1, 0xee, 0);
	i8042_out(&chip, 5, 0xaa, 0);
	i8042_out(&chip, 0xffff, 0xaa, 0);
	assert_int_equal(status(), 0x14);
}

static void test_command_byte_is_remembered(void **state)
{
	(void)state;
	set_command_byte(0x00);
	assert_int_equal(command_byte(), 0x20); /* the second port stays off */
	set_command_byte(0xff);
	assert_int_equal(command_byte(), 0x7f);
	set_command_byte(0x45);
	assert_int_equal(command_byte(), 0x65);
}

static void test_system_flag_is_the_command_bytes(void **state)
{
	(void)state;
	set_command_byte(0x61);
	assert_int_equal(status() & 0x04, 0);
	set_command_byte(0x65);
	assert_int_equal(status() & 0x04, 0x04);
}

static void test_self_test_is_passed_and_sets_the_system_flag(void **state)
{
	(void)state;
	set_command_byte(0x61);
	assert_int_equal(ask(0xaa), 0x55);
	assert_int_equal(status() & 0x04, 0x04);
	assert_int_equal(command_byte(), 0x65);
}

static void test_interface_test_is_passed(void **state)
{
	(void)state;
	assert_int_equal(ask(0xab), 0x00);
}

static void test_input_port_is_not_locked(void **state)
{
	(void)state;
	assert_int_equal(ask(0xc0), 0x80);
}

static void test_unknown_commands_are_ignored(void **state)
{
	static const u8 unknown[] = { 0x00, 0x1f, 0x21, 0x61, 0x9f, 0xa0, 0xac, 0xaf, 0xc1, 0xe0 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(unknown); i++) {
		command(unknown[i]);
		assert_int_equal(status() & OBF, 0);
	}
	assert_int_equal(command_byte(), 0x65);
	assert_false(i8042_take_reset(&chip));
	data(0xee); /* and none takes a parameter */
	EXPECT("\xee");
}

static void test_no_second_port(void **state)
{
	(void)state;
	command(0xa8);
	assert_int_equal(status() & OBF, 0);
	assert_int_equal(command_byte(), 0x65);
	command(0xa7);
	assert_int_equal(status() & OBF, 0);
	assert_int_equal(command_byte(), 0x65);
	assert_int_equal(ask(0xa9), 0x01);
}

/* The byte must not get to the keyboard: an FFh would reset it. */
static void test_bytes_for_the_second_port_are_refused(void **state)
{
	(void)state;
	command(0xd4);
	data(0xff);
	assert_int_equal(status() & 0x21, OBF);
	EXPECT("\xfe");
	command(0xd3);
	data(0x5a);
	assert_int_equal(status() & 0x21, OBF); /* Linux looks for 20h */
	EXPECT("\xfe");
	assert_string_equal(line, "");
}

static void test_output_port_reads_a20_and_waiting_byte(void **state)
{
	(void)state;
	assert_int_equal(ask(0xd0), 0xc3);
	command(0xdd);
	assert_int_equal(ask(0xd0), 0xc1);
	key(0x1e);
	assert_int_equal(ask(0xd0), 0xd1);
	EXPECT("\x1e");
	assert_int_equal(ask(0xd0), 0xc1);
}

static void test_a20(void **state)
{
	(void)state;
	command(0xdd);
	assert_false(i8042_a20(&chip));
	command(0xdf);
	assert_true(i8042_a20(&chip));
	command(0xd1);
	assert_true(i8042_a20(&chip));
	data(0x01);
	assert_false(i8042_a20(&chip));
	command(0xd1);
	data(0x03);
	assert_true(i8042_a20(&chip));
	assert_false(i8042_take_reset(&chip));
	assert_int_equal(status() & OBF, 0);
}

static void test_reset_by_output_port(void **state)
{
	(void)state;
	command(0xd1);
	data(0x02);
	assert_true(i8042_take_reset(&chip));
	assert_false(i8042_take_reset(&chip)); /* asking clears it */
}

static void test_reset_by_pulse_of_bit_0(void **state)
{
	int i;

	(void)state;
	for (i = 0xe0; i < 0x100; i++) {
		command(i);
		assert_int_equal(i8042_take_reset(&chip), i >= 0xf0 && i % 2 == 0);
		assert_true(i8042_a20(&chip)); /* low for a moment only */
		assert_int_equal(status() & OBF, 0);
	}
}

static void test_command_replaces_one_that_waits_for_its_parameter(void **state)
{
	(void)state;
	command(0x60);
	command(0xae);
	data(0xee);
	EXPECT("\xee");
	assert_int_equal(command_byte(), 0x65);
}

static void test_d2_is_as_if_typed(void **state)
{
	(void)state;
	command(0xd2);
	assert_int_equal(status() & OBF, 0);
	data(0x1e);
	assert_string_equal(line, "H");
	EXPECT("\x1e");
	assert_string_equal(line, "HL");
	command(0xad); /* even when the keyboard is off */
	command(0xd2);
	data(0xed);
	assert_string_equal(line, "HLH");
	EXPECT("\xed");
}

static void test_key_interrupts(void **state)
{
	(void)state;
	assert_true(key(0x1e));
	assert_string_equal(line, "H");
	assert_true(key(0x9e));
	assert_string_equal(line, "H");
	assert_int_equal(in(), 0x1e);
	assert_string_equal(line, "HLH"); /* each byte has its edge */
	assert_int_equal(in(), 0x9e);
	assert_string_equal(line, "HLHL");
	assert_int_equal(in(), 0x9e); /* nothing new */
	assert_string_equal(line, "HLHL");
}

static void test_no_interrupt_when_not_enabled(void **state)
{
	(void)state;
	set_command_byte(0x64);
	key(0x1e);
	assert_string_equal(line, "");
	assert_true(status() & OBF);
	set_command_byte(0x65);
	assert_string_equal(line, "H");
	set_command_byte(0x64);
	assert_string_equal(line, "HL");
	EXPECT("\x1e");
}

static void test_replies_do_not_interrupt(void **state)
{
	(void)state;
	command(0xaa);
	assert_string_equal(line, "");
	EXPECT("\x55");
	assert_string_equal(line, "");
}

static void test_reply_is_read_before_a_key_and_loses_none(void **state)
{
	(void)state;
	key(0x1e);
	key(0x9e);
	command(0x20);
	assert_string_equal(line, "HL");
	assert_int_equal(in(), 0x65);
	assert_string_equal(line, "HLH");
	EXPECT("\x1e\x9e");
	command(0x20);
	key(0x30);
	assert_string_equal(line, "HLHLHL"); /* it waits for the reply to go */
	EXPECT("\x65\x30");
	assert_string_equal(line, "HLHLHLHL");
}

/* As the AT's BIOS does it: off, read, on. */
static void test_disabled_keyboard_keeps_what_it_has(void **state)
{
	(void)state;
	key(0x1e);
	key(0x9e);
	command(0xad);
	assert_int_equal(command_byte(), 0x75);
	EXPECT("\x1e");
	assert_true(key(0x30));
	assert_int_equal(status() & OBF, 0);
	command(0xae);
	assert_int_equal(chip.command_byte, 0x65);
	EXPECT("\x9e\x30");
}

static void test_command_byte_disables_too(void **state)
{
	(void)state;
	set_command_byte(0x75);
	key(0x1e);
	assert_int_equal(status() & OBF, 0);
	assert_string_equal(line, "");
	set_command_byte(0x65);
	assert_string_equal(line, "H");
	EXPECT("\x1e");
}

static void test_writing_to_the_keyboard_enables_it(void **state)
{
	(void)state;
	command(0xad);
	data(0xee);
	EXPECT("\xee");
	assert_int_equal(command_byte(), 0x65);
}

static void test_buffer_holds_16_bytes_and_refuses_more(void **state)
{
	static const u8 event[] = { 0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5 }; /* Pause */
	int i;

	(void)state;
	assert_true(i8042_key(&chip, event, 6));
	assert_true(i8042_key(&chip, event, 6));
	assert_false(i8042_key(&chip, event, 6)); /* all or none */
	assert_true(i8042_key(&chip, event, 4));
	assert_false(key(1));
	for (i = 0; i < 2; i++)
		assert_int_equal(in(), event[i]);
	assert_true(i8042_key(&chip, event, 2));
	assert_false(key(1));
	EXPECT("\x45\xe1\x9d\xc5\xe1\x1d\x45\xe1\x9d\xc5\xe1\x1d\x45\xe1\xe1\x1d");
}

static void test_buffer_of_a_disabled_keyboard(void **state)
{
	u8 codes[17] = { 0 };

	(void)state;
	command(0xad);
	assert_false(i8042_key(&chip, codes, 17));
	assert_true(i8042_key(&chip, codes, 16));
	assert_false(i8042_key(&chip, codes, 1));
	command(0xd2); /* a 17th, by another way */
	data(0x77);
	assert_false(i8042_key(&chip, codes, 1));
	EXPECT("\x77");
}

static void test_keyboard_leds(void **state)
{
	(void)state;
	data(0xed);
	assert_string_equal(line, "H"); /* its answers do interrupt */
	EXPECT("\xfa");
	data(0x07);
	EXPECT("\xfa");
	assert_int_equal(chip.kbd.leds, 7);
	data(0x00); /* no parameter any more, and no command */
	EXPECT("\xfe");
	assert_int_equal(chip.kbd.leds, 7);
}

static void test_keyboard_command_instead_of_a_parameter(void **state)
{
	(void)state;
	data(0xed);
	EXPECT("\xfa");
	data(0xf4);
	EXPECT("\xfa");
	data(0x02);
	EXPECT("\xfe");
	assert_int_equal(chip.kbd.leds, 0);
}

static void test_keyboard_echo(void **state)
{
	(void)state;
	data(0xee);
	EXPECT("\xee");
}

static void test_keyboard_identify(void **state)
{
	(void)state;
	data(0xf2);
	EXPECT("\xfa\xab\x41"); /* translated */
	set_command_byte(0x25);
	data(0xf2);
	EXPECT("\xfa\xab\x83");
}

static void test_keyboard_scan_code_set(void **state)
{
	static const u8 translated[] = { 0, 0x43, 0x41, 0x3f };
	int set;

	(void)state;
	data(0xf0);
	EXPECT("\xfa");
	data(0);
	EXPECT("\xfa\x41"); /* 2, translated */
	for (set = 1; set <= 3; set++) {
		set_command_byte(0x65);
		data(0xf0);
		EXPECT("\xfa");
		data(set);
		EXPECT("\xfa");
		data(0xf0);
		EXPECT("\xfa");
		data(0);
		assert_int_equal(in(), 0xfa);
		assert_int_equal(in(), translated[set]);
		set_command_byte(0x25);
		data(0xf0);
		EXPECT("\xfa");
		data(0);
		assert_int_equal(in(), 0xfa);
		assert_int_equal(in(), set);
		key(0x1e); /* set 1, whatever was chosen */
		EXPECT("\x1e");
	}
	data(0xf0);
	EXPECT("\xfa");
	data(4);
	EXPECT("\xfe");
}

static void test_keyboard_rate(void **state)
{
	(void)state;
	data(0xf3);
	EXPECT("\xfa");
	data(0x2b);
	EXPECT("\xfa");
	data(0x2b);
	EXPECT("\xfe");
}

static void test_keyboard_stops_and_scans(void **state)
{
	(void)state;
	key(0x1e);
	key(0x9e);
	data(0xf5); /* drops what the keyboard, not what the controller holds */
	EXPECT("\x1e\xfa");
	assert_true(key(0x30)); /* nobody looks */
	assert_int_equal(status() & OBF, 0);
	data(0xf6); /* the defaults do not start it */
	EXPECT("\xfa");
	assert_true(key(0x30));
	assert_int_equal(status() & OBF, 0);
	data(0xf4);
	EXPECT("\xfa");
	key(0x30);
	EXPECT("\x30");
}

static void test_keyboard_defaults(void **state)
{
	(void)state;
	data(0xf0);
	data(0x01);
	EXPECT("\xfa\xfa");
	key(0x1e);
	key(0x9e);
	data(0xf6);
	EXPECT("\x1e\xfa");
	assert_int_equal(chip.kbd.set, 2);
	key(0x30); /* nor stop it */
	EXPECT("\x30");
}

static void test_keyboard_scan_clears_the_buffer(void **state)
{
	(void)state;
	key(0x1e);
	key(0x9e);
	data(0xf4);
	EXPECT("\x1e\xfa");
}

static void test_keyboard_reset(void **state)
{
	(void)state;
	data(0xed);
	data(0x07);
	data(0xf5);
	while (status() & OBF)
		in();
	data(0xff);
	EXPECT("\xfa\xaa");
	assert_int_equal(chip.kbd.leds, 0);
	key(0x1e); /* it scans again */
	key(0x9e);
	data(0xff);
	EXPECT("\x1e\xfa\xaa");
}

static void test_keyboard_resend(void **state)
{
	(void)state;
	data(0xfe);
	EXPECT("\xaa"); /* what it said when it was switched on */
	key(0x01); /* Escape; not to be translated again */
	EXPECT("\x01");
	data(0xfe);
	EXPECT("\x01");
	data(0x00);
	EXPECT("\xfe");
	data(0xfe); /* the last byte that was no Resend itself */
	EXPECT("\x01");
	data(0xf2);
	EXPECT("\xfa\xab\x41");
	data(0xfe);
	EXPECT("\x41");
}

static void test_keyboard_refuses_unknown_commands(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < 0xed; i++) {
		data(i);
		EXPECT("\xfe");
	}
	data(0xef);
	EXPECT("\xfe");
	data(0xf1);
	EXPECT("\xfe");
	for (i = 0xf7; i < 0xfe; i++) {
		data(i);
		EXPECT("\xfe");
	}
}

static void test_answers_are_ahead_of_scan_codes(void **state)
{
	(void)state;
	key(0x1e);
	key(0x9e);
	key(0x30);
	data(0xee);
	EXPECT("\x1e\xee\x9e\x30");
}

/* One that is still in the keyboard; not the one that has left it. */
static void test_new_command_drops_old_answers(void **state)
{
	(void)state;
	data(0xf2);
	data(0xf2);
	EXPECT("\xfa\xfa\xab\x41");
	data(0xff);
	data(0xee);
	EXPECT("\xfa\xee");
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_init_is_as_firmware_leaves_it),
		TEST(test_status_tells_commands_from_data),
		TEST(test_status_has_no_other_bits),
		TEST(test_other_ports_are_not_there),
		TEST(test_command_byte_is_remembered),
		TEST(test_system_flag_is_the_command_bytes),
		TEST(test_self_test_is_passed_and_sets_the_system_flag),
		TEST(test_interface_test_is_passed),
		TEST(test_input_port_is_not_locked),
		TEST(test_unknown_commands_are_ignored),
		TEST(test_no_second_port),
		TEST(test_bytes_for_the_second_port_are_refused),
		TEST(test_output_port_reads_a20_and_waiting_byte),
		TEST(test_a20),
		TEST(test_reset_by_output_port),
		TEST(test_reset_by_pulse_of_bit_0),
		TEST(test_command_replaces_one_that_waits_for_its_parameter),
		TEST(test_d2_is_as_if_typed),
		TEST(test_key_interrupts),
		TEST(test_no_interrupt_when_not_enabled),
		TEST(test_replies_do_not_interrupt),
		TEST(test_reply_is_read_before_a_key_and_loses_none),
		TEST(test_disabled_keyboard_keeps_what_it_has),
		TEST(test_command_byte_disables_too),
		TEST(test_writing_to_the_keyboard_enables_it),
		TEST(test_buffer_holds_16_bytes_and_refuses_more),
		TEST(test_buffer_of_a_disabled_keyboard),
		TEST(test_keyboard_leds),
		TEST(test_keyboard_command_instead_of_a_parameter),
		TEST(test_keyboard_echo),
		TEST(test_keyboard_identify),
		TEST(test_keyboard_scan_code_set),
		TEST(test_keyboard_rate),
		TEST(test_keyboard_stops_and_scans),
		TEST(test_keyboard_defaults),
		TEST(test_keyboard_scan_clears_the_buffer),
		TEST(test_keyboard_reset),
		TEST(test_keyboard_resend),
		TEST(test_keyboard_refuses_unknown_commands),
		TEST(test_answers_are_ahead_of_scan_codes),
		TEST(test_new_command_drops_old_answers),
	};

	return cmocka_run_group_tests_name("i8042", tests, NULL, NULL);
}
