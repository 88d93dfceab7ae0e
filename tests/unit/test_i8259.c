// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interrupt controllers, rule by rule of the Intel 8259A datasheet.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "i8259.h"

/* Offsets; + 1: A0 = 1. */
#define MASTER 0
#define SLAVE 2
#define ELCR 4

#define EOI 0x20
#define SPECIFIC_EOI 0x60
#define ROTATE_EOI 0xa0
#define ROTATE_SPECIFIC_EOI 0xe0
#define SET_PRIORITY 0xc0
#define ROTATE_AEOI_ON 0x80
#define ROTATE_AEOI_OFF 0x00
#define READ_IRR 0x0a
#define READ_ISR 0x0b
#define POLL 0x0c
#define SPECIAL_MASK_ON 0x68
#define SPECIAL_MASK_OFF 0x48

#define AEOI 0x03 /* ICW4, with the x86 bit */
#define SFNM 0x11

static struct i8259 pic;

static void out(u16 off, u8 value)
{
	i8259_out(&pic, off, value, 0);
}

static u8 in(u16 off)
{
	return i8259_in(&pic, off, 0);
}

static u8 isr(u16 off)
{
	out(off, READ_ISR);
	return in(off);
}

static u8 irr(u16 off)
{
	out(off, READ_IRR);
	return in(off);
}

static void raise_irq(unsigned int n)
{
	i8259_set_irq(&pic, n, true);
}

static void lower_irq(unsigned int n)
{
	i8259_set_irq(&pic, n, false);
}

static bool intr(void)
{
	return i8259_intr(&pic);
}

/* INTR is high, and this is the vector. */
static void assert_vector(int vector)
{
	assert_true(intr());
	assert_int_equal(i8259_ack(&pic), vector);
}

/* As every PC does it: vectors 20h to 27h and 28h to 2Fh, the slave at IR2. */
static void init_chips(u8 icw1, u8 icw4_master, u8 icw4_slave)
{
	out(MASTER, icw1);
	out(MASTER + 1, 0x20);
	out(MASTER + 1, 0x04);
	out(MASTER + 1, icw4_master);
	out(SLAVE, icw1);
	out(SLAVE + 1, 0x28);
	out(SLAVE + 1, 0x02);
	out(SLAVE + 1, icw4_slave);
}

static int setup(void **state)
{
	(void)state;
	i8259_init(&pic);
	init_chips(0x11, 0x01, 0x01);
	return 0;
}

/* Power-on. */

static void test_after_power_on_nothing_is_requested(void **state)
{
	unsigned int n;

	(void)state;
	i8259_init(&pic);
	for (n = 0; n < 16; n++)
		raise_irq(n);
	assert_false(intr());
	assert_int_equal(irr(MASTER), 0xfb);
	assert_int_equal(irr(SLAVE), 0xff);
	assert_int_equal(in(ELCR), 0);
	assert_int_equal(in(ELCR + 1), 0);
}

static void test_imr_can_be_written_before_icw1(void **state)
{
	(void)state;
	i8259_init(&pic);
	out(MASTER + 1, 0xfb);
	out(SLAVE + 1, 0xa5);
	assert_int_equal(in(MASTER + 1), 0xfb);
	assert_int_equal(in(SLAVE + 1), 0xa5);
	assert_int_equal(irr(MASTER), 0);
}

static void test_other_offsets_are_nobodys(void **state)
{
	struct i8259 before = pic;

	(void)state;
	out(6, 0x11);
	out(7, 0xff);
	out(0xffff, 0xff);
	assert_int_equal(in(6), 0xff);
	assert_int_equal(in(0xffff), 0xff);
	i8259_set_irq(&pic, 16, true);
	i8259_set_irq(&pic, ~0u, true);
	assert_memory_equal(&before, &pic, sizeof(pic));
}

/* Initialization Command Words. */

static void test_vector_is_base_and_level(void **state)
{
	unsigned int n;

	(void)state;
	for (n = 0; n < 16; n++) {
		if (n == 2)
			continue;
		raise_irq(n);
		assert_vector(0x20 + n);
		lower_irq(n);
		out(MASTER, EOI);
		if (n > 7)
			out(SLAVE, EOI);
	}
}

static void test_icw2_low_bits_do_not_count(void **state)
{
	(void)state;
	out(MASTER, 0x11);
	out(MASTER + 1, 0x4f);
	out(MASTER + 1, 0x04);
	out(MASTER + 1, 0x01);
	raise_irq(1);
	assert_vector(0x49);
}

static void test_during_initialization_int_is_low(void **state)
{
	(void)state;
	out(MASTER, 0x11);
	raise_irq(4);
	assert_false(intr());
	out(MASTER + 1, 0x40);
	assert_false(intr());
	out(MASTER + 1, 0x04);
	assert_false(intr());
	out(MASTER + 1, 0x01);
	assert_vector(0x44);
}

static void test_without_ic4_there_is_no_icw4(void **state)
{
	(void)state;
	init_chips(0x11, AEOI, AEOI);
	out(MASTER, 0x10);
	out(MASTER + 1, 0x40);
	out(MASTER + 1, 0x04);
	raise_irq(4);
	assert_true(intr());
	out(MASTER + 1, 0x12); /* OCW1 */
	assert_int_equal(in(MASTER + 1), 0x12);
	out(MASTER + 1, 0);
	assert_vector(0x44);
	assert_int_equal(isr(MASTER), 0x10); /* AEOI is off again */
}

static void test_single_has_no_icw3(void **state)
{
	(void)state;
	out(MASTER, 0x13);
	out(MASTER + 1, 0x40);
	out(MASTER + 1, 0x01); /* ICW4 */
	out(MASTER + 1, 0x80); /* OCW1 */
	assert_int_equal(in(MASTER + 1), 0x80);
	raise_irq(12);
	assert_vector(0x42); /* IR2 is an input as any other */
	assert_int_equal(isr(SLAVE), 0);
}

static void test_single_without_icw4_takes_one_word(void **state)
{
	(void)state;
	out(MASTER, 0x12);
	out(MASTER + 1, 0x40);
	out(MASTER + 1, 0x80);
	assert_int_equal(in(MASTER + 1), 0x80);
}

static void test_icw1_clears_imr(void **state)
{
	(void)state;
	out(MASTER + 1, 0xff);
	out(MASTER, 0x11);
	assert_int_equal(in(MASTER + 1), 0);
}

static void test_icw1_clears_isr(void **state)
{
	(void)state;
	raise_irq(3);
	assert_vector(0x23);
	init_chips(0x11, 0x01, 0x01);
	assert_int_equal(isr(MASTER), 0);
	lower_irq(3);
	raise_irq(3);
	assert_vector(0x23);
}

static void test_icw1_resets_the_edge_sense_circuit(void **state)
{
	(void)state;
	raise_irq(3);
	assert_int_equal(irr(MASTER), 0x08);
	init_chips(0x11, 0x01, 0x01);
	assert_int_equal(irr(MASTER), 0);
	assert_false(intr());
	lower_irq(3);
	raise_irq(3);
	assert_vector(0x23);
}

static void test_icw1_keeps_level_requests_and_elcr(void **state)
{
	(void)state;
	out(ELCR, 0x08);
	raise_irq(3);
	init_chips(0x11, 0x01, 0x01);
	assert_int_equal(in(ELCR), 0x08);
	assert_vector(0x23);
}

static void test_icw1_gives_ir7_the_lowest_priority(void **state)
{
	(void)state;
	out(MASTER, SET_PRIORITY | 3);
	init_chips(0x11, 0x01, 0x01);
	raise_irq(4);
	raise_irq(0);
	assert_vector(0x20);
}

static void test_icw1_selects_irr(void **state)
{
	(void)state;
	out(MASTER, READ_ISR);
	init_chips(0x11, 0x01, 0x01);
	raise_irq(5);
	assert_int_equal(in(MASTER), 0x20);
}

static void test_icw1_ends_special_mask_mode(void **state)
{
	(void)state;
	out(MASTER, SPECIAL_MASK_ON);
	init_chips(0x11, 0x01, 0x01);
	raise_irq(1);
	assert_vector(0x21);
	out(MASTER + 1, 0x02);
	raise_irq(5);
	assert_false(intr());
}

static void test_icw1_ends_rotation_in_aeoi_and_a_poll(void **state)
{
	(void)state;
	out(MASTER, ROTATE_AEOI_ON);
	out(MASTER, POLL);
	init_chips(0x11, AEOI, 0x01);
	raise_irq(3);
	assert_int_equal(in(MASTER), 0x08); /* IRR: no poll */
	assert_vector(0x23);
	raise_irq(4);
	raise_irq(1);
	assert_vector(0x21);
}

static void test_icw1_sets_the_slaves_address_to_7(void **state)
{
	(void)state;
	out(SLAVE, 0x13); /* no ICW3 follows */
	out(SLAVE + 1, 0x28);
	out(SLAVE + 1, 0x01);
	raise_irq(9);
	assert_vector(0xff); /* the master calls number 2, and nobody is it */
	assert_int_equal(isr(SLAVE), 0);

	/* On IR7 it would be found. */
	setup(NULL);
	out(SLAVE, 0x13);
	out(SLAVE + 1, 0x28);
	out(SLAVE + 1, 0x01);
	out(MASTER, 0x11);
	out(MASTER + 1, 0x20);
	out(MASTER + 1, 0x80);
	out(MASTER + 1, 0x01);
	raise_irq(7);
	assert_vector(0x2f);
}

static void test_icw3_says_where_the_slave_is(void **state)
{
	(void)state;
	out(MASTER, 0x11);
	out(MASTER + 1, 0x20);
	out(MASTER + 1, 0x00);
	out(MASTER + 1, 0x01);
	raise_irq(9);
	assert_vector(0x22);
	assert_int_equal(isr(SLAVE), 0);

	out(MASTER, 0x11);
	out(MASTER + 1, 0x20);
	out(MASTER + 1, 0x0c);
	out(MASTER + 1, 0x01);
	raise_irq(3);
	assert_vector(0xff); /* no slave is on IR3 */
	assert_int_equal(isr(MASTER), 0x08);
}

static void test_icw3_of_the_slave_has_three_bits(void **state)
{
	(void)state;
	out(SLAVE, 0x11);
	out(SLAVE + 1, 0x28);
	out(SLAVE + 1, 0xfa);
	out(SLAVE + 1, 0x01);
	raise_irq(9);
	assert_vector(0x29);
}

static void test_buffered_mode_changes_nothing(void **state)
{
	(void)state;
	init_chips(0x11, 0x0d, 0x09);
	raise_irq(11);
	assert_vector(0x2b);
	assert_int_equal(isr(MASTER), 0x04);
	assert_int_equal(isr(SLAVE), 0x08);
}

/* Edge and Level Triggered Modes. */

static void test_edge_requests_once(void **state)
{
	(void)state;
	raise_irq(4);
	assert_vector(0x24);
	assert_int_equal(irr(MASTER), 0);
	raise_irq(4);
	out(MASTER, EOI);
	assert_false(intr());
	lower_irq(4);
	assert_false(intr());
	raise_irq(4);
	assert_vector(0x24);
}

static void test_edge_during_service_waits_for_eoi(void **state)
{
	(void)state;
	raise_irq(4);
	assert_vector(0x24);
	lower_irq(4);
	raise_irq(4);
	assert_int_equal(irr(MASTER), 0x10);
	assert_false(intr());
	out(MASTER, EOI);
	assert_vector(0x24);
}

static void test_level_requests_again_after_eoi(void **state)
{
	(void)state;
	out(ELCR, 0x20);
	raise_irq(5);
	assert_vector(0x25);
	assert_int_equal(irr(MASTER), 0x20);
	assert_false(intr());
	out(MASTER, EOI);
	assert_vector(0x25);
	lower_irq(5);
	out(MASTER, EOI);
	assert_false(intr());
}

static void test_level_of_the_slave_requests_again_after_both_eois(void **state)
{
	(void)state;
	out(ELCR + 1, 0x08);
	raise_irq(11);
	assert_vector(0x2b);
	out(MASTER, EOI);
	assert_false(intr());
	out(SLAVE, EOI);
	assert_vector(0x2b);
	out(SLAVE, EOI);
	assert_false(intr());
	out(MASTER, EOI);
	assert_vector(0x2b);
}

static void test_ltim_makes_all_inputs_level_triggered(void **state)
{
	(void)state;
	init_chips(0x19, 0x01, 0x01);
	raise_irq(0);
	assert_vector(0x20);
	out(MASTER, EOI);
	assert_vector(0x20);
	lower_irq(0);
	out(MASTER, EOI);
	raise_irq(8);
	assert_vector(0x28);
	out(SLAVE, EOI);
	out(MASTER, EOI);
	assert_vector(0x28);
}

static void test_elcr_has_bits_that_cannot_be_set(void **state)
{
	(void)state;
	out(ELCR, 0xff);
	out(ELCR + 1, 0xff);
	assert_int_equal(in(ELCR), 0xf8); /* not 0, 1, 2 */
	assert_int_equal(in(ELCR + 1), 0xde); /* not 8, 13 */
	out(ELCR, 0);
	assert_int_equal(in(ELCR), 0);
	assert_int_equal(in(ELCR + 1), 0xde);
}

static void test_elcr_turns_a_high_line_into_a_request(void **state)
{
	(void)state;
	raise_irq(5);
	assert_vector(0x25);
	out(MASTER, EOI);
	assert_false(intr());
	out(ELCR, 0x20);
	assert_true(intr());
	out(ELCR, 0);
	assert_false(intr());
}

static void test_a_short_request_on_the_master_is_spurious_7(void **state)
{
	(void)state;
	raise_irq(3);
	assert_true(intr());
	lower_irq(3);
	assert_int_equal(irr(MASTER), 0);
	assert_false(intr());
	assert_int_equal(i8259_ack(&pic), 0x27);
	assert_int_equal(isr(MASTER), 0);
	assert_int_equal(isr(SLAVE), 0);
	raise_irq(3);
	assert_vector(0x23);
}

static void test_a_masked_request_is_spurious_7(void **state)
{
	(void)state;
	raise_irq(12);
	out(MASTER + 1, 0x04);
	assert_int_equal(i8259_ack(&pic), 0x27);
	assert_int_equal(isr(MASTER), 0);
	assert_int_equal(isr(SLAVE), 0);
	out(MASTER + 1, 0);
	assert_vector(0x2c);
}

static void test_ack_without_a_request_is_spurious_7(void **state)
{
	(void)state;
	assert_int_equal(i8259_ack(&pic), 0x27);
	assert_int_equal(isr(MASTER), 0);
}

static void test_a_short_request_on_the_slave_is_spurious_15(void **state)
{
	(void)state;
	raise_irq(14);
	assert_true(intr());
	lower_irq(14);
	assert_false(intr());
	assert_int_equal(i8259_ack(&pic), 0x2f);
	assert_int_equal(isr(SLAVE), 0);
	assert_int_equal(isr(MASTER), 0x04); /* the master believes in it, and needs an EOI */

	raise_irq(14);
	assert_false(intr());
	out(MASTER, SPECIFIC_EOI | 2);
	assert_vector(0x2e);
}

static void test_a_request_masked_in_the_slave_is_spurious_15(void **state)
{
	(void)state;
	raise_irq(14);
	out(SLAVE + 1, 0x40);
	assert_false(intr());
	assert_int_equal(i8259_ack(&pic), 0x2f);
	assert_int_equal(isr(MASTER), 0x04);
	out(MASTER, EOI);
	assert_int_equal(i8259_ack(&pic), 0x27); /* only once */
}

static void test_spurious_15_if_the_slave_asked_last(void **state)
{
	(void)state;
	raise_irq(14);
	raise_irq(1);
	lower_irq(14);
	lower_irq(1);
	assert_int_equal(i8259_ack(&pic), 0x27);

	raise_irq(1);
	raise_irq(14);
	lower_irq(1);
	lower_irq(14);
	assert_int_equal(i8259_ack(&pic), 0x2f);
}

static void test_a_real_request_goes_before_a_spurious_one(void **state)
{
	(void)state;
	raise_irq(14);
	lower_irq(14);
	raise_irq(6);
	assert_vector(0x26);
	assert_int_equal(isr(MASTER), 0x40);
}

static void test_a_real_7_has_its_isr_bit(void **state)
{
	(void)state;
	raise_irq(7);
	assert_vector(0x27);
	assert_int_equal(isr(MASTER), 0x80);
	out(MASTER, EOI);
	raise_irq(15);
	assert_vector(0x2f);
	assert_int_equal(isr(SLAVE), 0x80);
}

/* Fully Nested Mode. */

static void test_ir0_has_the_highest_priority(void **state)
{
	unsigned int n;

	(void)state;
	for (n = 0; n < 16; n++)
		raise_irq(15 - n);
	assert_vector(0x20);
	out(MASTER, EOI);
	assert_vector(0x21);
	for (n = 8; n < 16; n++) { /* all of the slave's are IR2 */
		out(MASTER, EOI);
		assert_vector(0x20 + n);
		out(SLAVE, EOI);
	}
	for (n = 3; n < 8; n++) {
		out(MASTER, EOI);
		assert_vector(0x20 + n);
	}
	out(MASTER, EOI);
	assert_false(intr());
}

static void test_service_inhibits_the_same_and_lower_priorities(void **state)
{
	(void)state;
	raise_irq(3);
	assert_vector(0x23);
	lower_irq(3);
	raise_irq(3);
	raise_irq(4);
	raise_irq(7);
	assert_false(intr());
	raise_irq(1);
	assert_vector(0x21);
	assert_int_equal(isr(MASTER), 0x0a);
	out(MASTER, EOI);
	assert_false(intr());
	out(MASTER, EOI);
	assert_vector(0x23);
}

/* End of Interrupt. */

static void test_eoi_ends_the_highest_in_service(void **state)
{
	(void)state;
	raise_irq(6);
	assert_vector(0x26);
	raise_irq(3);
	assert_vector(0x23);
	out(MASTER, EOI);
	assert_int_equal(isr(MASTER), 0x40);
	out(MASTER, EOI);
	assert_int_equal(isr(MASTER), 0);
	out(MASTER, EOI);
	assert_int_equal(isr(MASTER), 0);
}

static void test_specific_eoi_ends_that_level(void **state)
{
	(void)state;
	raise_irq(6);
	assert_vector(0x26);
	raise_irq(3);
	assert_vector(0x23);
	out(MASTER, SPECIFIC_EOI | 6);
	assert_int_equal(isr(MASTER), 0x08);
	out(MASTER, SPECIFIC_EOI | 5);
	assert_int_equal(isr(MASTER), 0x08);
	raise_irq(7); /* the priorities are as they were */
	raise_irq(4);
	out(MASTER, SPECIFIC_EOI | 3);
	assert_vector(0x24);
}

static void test_eoi_is_for_one_chip(void **state)
{
	(void)state;
	raise_irq(13);
	assert_vector(0x2d);
	out(MASTER, EOI);
	assert_int_equal(isr(MASTER), 0);
	assert_int_equal(isr(SLAVE), 0x20);
	out(SLAVE, EOI);
	assert_int_equal(isr(SLAVE), 0);
}

static void test_ocw2_010_is_no_operation(void **state)
{
	struct i8259 before;

	(void)state;
	raise_irq(3);
	assert_vector(0x23);
	before = pic;
	out(MASTER, 0x43);
	assert_memory_equal(&before, &pic, sizeof(pic));
}

/* Automatic End of Interrupt. */

static void test_aeoi_leaves_no_isr_bit(void **state)
{
	(void)state;
	init_chips(0x11, AEOI, 0x01);
	raise_irq(3);
	assert_vector(0x23);
	assert_int_equal(isr(MASTER), 0);
	raise_irq(5);
	assert_vector(0x25);
	lower_irq(3);
	raise_irq(3);
	raise_irq(4);
	assert_vector(0x23); /* no rotation */
	assert_vector(0x24);
}

static void test_aeoi_in_the_slave(void **state)
{
	(void)state;
	init_chips(0x11, AEOI, AEOI);
	raise_irq(13);
	raise_irq(9);
	assert_vector(0x29);
	assert_vector(0x2d); /* the slave's INT went low in between, and made an edge */
	assert_false(intr());
	assert_int_equal(isr(SLAVE), 0);
	assert_int_equal(isr(MASTER), 0);
}

static void test_aeoi_level_requests_at_once(void **state)
{
	(void)state;
	init_chips(0x11, AEOI, 0x01);
	out(ELCR, 0x20);
	raise_irq(5);
	assert_vector(0x25);
	assert_vector(0x25);
}

static void test_rotation_in_aeoi(void **state)
{
	(void)state;
	init_chips(0x11, AEOI, 0x01);
	out(MASTER, ROTATE_AEOI_ON);
	raise_irq(3);
	assert_vector(0x23);
	raise_irq(1);
	raise_irq(4);
	assert_vector(0x24);
	assert_vector(0x21);
	out(MASTER, ROTATE_AEOI_OFF);
	raise_irq(5);
	assert_vector(0x25);
	lower_irq(1);
	lower_irq(4);
	raise_irq(1);
	raise_irq(4);
	assert_vector(0x24); /* IR1 has stayed the lowest */
	assert_vector(0x21);
}

static void test_rotation_in_aeoi_needs_aeoi(void **state)
{
	(void)state;
	out(MASTER, ROTATE_AEOI_ON);
	raise_irq(3);
	assert_vector(0x23);
	out(MASTER, EOI);
	raise_irq(4);
	raise_irq(1);
	assert_vector(0x21);
}

/* Automatic and Specific Rotation. */

static void test_rotate_on_eoi_makes_it_the_lowest(void **state)
{
	(void)state;
	raise_irq(4);
	assert_vector(0x24);
	out(MASTER, ROTATE_EOI);
	assert_int_equal(isr(MASTER), 0);
	lower_irq(4);
	raise_irq(4);
	raise_irq(3);
	raise_irq(0);
	raise_irq(5);
	assert_vector(0x25);
	out(MASTER, EOI);
	assert_vector(0x20);
	out(MASTER, EOI);
	assert_vector(0x23);
	out(MASTER, EOI);
	assert_vector(0x24);
}

static void test_rotate_on_eoi_with_nothing_in_service(void **state)
{
	(void)state;
	out(MASTER, SET_PRIORITY | 4);
	out(MASTER, ROTATE_EOI);
	raise_irq(0);
	raise_irq(5);
	assert_vector(0x25);
}

static void test_rotate_on_specific_eoi(void **state)
{
	(void)state;
	raise_irq(6);
	assert_vector(0x26);
	raise_irq(4);
	assert_vector(0x24);
	out(MASTER, ROTATE_SPECIFIC_EOI | 6);
	assert_int_equal(isr(MASTER), 0x10);
	raise_irq(0);
	raise_irq(7);
	assert_vector(0x27); /* before 0, and before 4 */
}

static void test_set_priority(void **state)
{
	(void)state;
	raise_irq(5);
	assert_vector(0x25);
	out(MASTER, SET_PRIORITY | 5);
	assert_int_equal(isr(MASTER), 0x20);
	raise_irq(6);
	raise_irq(4);
	assert_vector(0x26);
	out(MASTER, EOI); /* the highest in service is 6 now */
	assert_int_equal(isr(MASTER), 0x20);
}

static void test_eoi_follows_the_rotation(void **state)
{
	(void)state;
	out(MASTER, SET_PRIORITY | 2);
	raise_irq(1);
	assert_vector(0x21);
	raise_irq(3);
	assert_vector(0x23);
	out(MASTER, EOI);
	assert_int_equal(isr(MASTER), 0x02);
}

/* Interrupt Masks. */

static void test_mask_holds_a_request_back(void **state)
{
	(void)state;
	out(MASTER + 1, 0x08);
	assert_int_equal(in(MASTER + 1), 0x08);
	raise_irq(3);
	assert_int_equal(irr(MASTER), 0x08);
	assert_false(intr());
	raise_irq(4); /* and does not hinder a lower one */
	assert_vector(0x24);
	out(MASTER, EOI);
	out(MASTER + 1, 0);
	assert_vector(0x23);
}

static void test_mask_of_the_slave(void **state)
{
	(void)state;
	out(SLAVE + 1, 0x01);
	raise_irq(8);
	assert_false(intr());
	assert_int_equal(irr(SLAVE), 0x01);
	assert_int_equal(irr(MASTER), 0);
	out(SLAVE + 1, 0);
	assert_int_equal(irr(MASTER), 0x04);
	assert_vector(0x28);
}

static void test_a_masked_level_in_service_still_inhibits(void **state)
{
	(void)state;
	raise_irq(3);
	assert_vector(0x23);
	out(MASTER + 1, 0x08);
	raise_irq(5);
	assert_false(intr());
	out(MASTER, EOI);
	assert_vector(0x25);
}

/* Special Mask Mode. */

static void test_special_mask_enables_lower_levels(void **state)
{
	(void)state;
	raise_irq(3);
	assert_vector(0x23);
	out(MASTER + 1, 0x08);
	out(MASTER, SPECIAL_MASK_ON);
	lower_irq(3);
	raise_irq(3);
	assert_false(intr()); /* not itself */
	raise_irq(5);
	assert_vector(0x25);
	raise_irq(6); /* 5 is not masked */
	assert_false(intr());
	raise_irq(1);
	assert_vector(0x21);
	out(MASTER, EOI);
	out(MASTER, EOI);
	assert_int_equal(isr(MASTER), 0x08);
	out(MASTER, SPECIAL_MASK_OFF);
	assert_false(intr());
}

static void test_special_mask_needs_esmm(void **state)
{
	(void)state;
	raise_irq(3);
	assert_vector(0x23);
	out(MASTER + 1, 0x08);
	raise_irq(5);
	out(MASTER, 0x28); /* SMM without ESMM */
	assert_false(intr());
	out(MASTER, SPECIAL_MASK_ON);
	assert_true(intr());
	out(MASTER, 0x08); /* neither */
	assert_true(intr());
	out(MASTER, SPECIAL_MASK_OFF);
	assert_false(intr());
}

static void test_special_mask_eoi_spares_masked_levels(void **state)
{
	(void)state;
	raise_irq(3);
	assert_vector(0x23);
	out(MASTER + 1, 0x08);
	out(MASTER, SPECIAL_MASK_ON);
	out(MASTER, EOI);
	assert_int_equal(isr(MASTER), 0x08);
	raise_irq(6);
	assert_vector(0x26);
	out(MASTER, EOI);
	assert_int_equal(isr(MASTER), 0x08);
	out(MASTER, SPECIFIC_EOI | 3);
	assert_int_equal(isr(MASTER), 0);
}

/* Poll Command. */

static void test_poll_acknowledges(void **state)
{
	(void)state;
	raise_irq(5);
	raise_irq(3);
	out(MASTER, POLL);
	assert_int_equal(in(MASTER), 0x83);
	assert_int_equal(isr(MASTER), 0x08);
	assert_int_equal(irr(MASTER), 0x20);
	assert_false(intr());
}

static void test_poll_is_one_read_at_any_address(void **state)
{
	(void)state;
	out(MASTER + 1, 0x40);
	raise_irq(5);
	out(MASTER, READ_ISR);
	out(MASTER, POLL);
	assert_int_equal(in(MASTER + 1), 0x85);
	assert_int_equal(in(MASTER + 1), 0x40);
	assert_int_equal(in(MASTER), 0x20);
}

static void test_poll_overrides_a_status_read(void **state)
{
	(void)state;
	raise_irq(5);
	out(MASTER, POLL | 0x03); /* RR and RIS, too */
	assert_int_equal(in(MASTER), 0x85);
}

static void test_poll_without_a_request(void **state)
{
	(void)state;
	out(MASTER, POLL);
	assert_int_equal(in(MASTER), 0x07);
	assert_int_equal(isr(MASTER), 0);
	out(MASTER + 1, 0x08);
	raise_irq(3); /* masked */
	out(MASTER, POLL);
	assert_int_equal(in(MASTER), 0x07);
	out(MASTER + 1, 0);
	assert_vector(0x23);
}

static void test_poll_of_one_chip_only(void **state)
{
	(void)state;
	raise_irq(4);
	out(SLAVE, POLL);
	assert_int_equal(in(MASTER), 0x10);
	assert_int_equal(in(ELCR + 1), 0);
	assert_int_equal(in(SLAVE), 0x07);
	out(MASTER, POLL);
	assert_int_equal(in(ELCR), 0);
	assert_int_equal(in(MASTER), 0x84);
}

static void test_poll_of_the_slave(void **state)
{
	(void)state;
	raise_irq(9);
	out(SLAVE, POLL);
	assert_int_equal(in(SLAVE), 0x81);
	assert_int_equal(isr(SLAVE), 0x02);
	assert_int_equal(isr(MASTER), 0);
	assert_int_equal(irr(MASTER), 0);
	assert_false(intr());
}

static void test_poll_of_both_chips(void **state)
{
	(void)state;
	raise_irq(9);
	out(MASTER, POLL);
	assert_int_equal(in(MASTER), 0x82);
	assert_int_equal(isr(SLAVE), 0);
	out(SLAVE, POLL);
	assert_int_equal(in(SLAVE), 0x81);
	out(SLAVE, EOI);
	out(MASTER, EOI);
	raise_irq(10);
	assert_vector(0x2a);
}

static void test_poll_with_aeoi(void **state)
{
	(void)state;
	init_chips(0x11, AEOI, AEOI);
	raise_irq(13);
	raise_irq(9);
	out(SLAVE, POLL);
	assert_int_equal(in(SLAVE), 0x81);
	assert_vector(0x2d);

	/* The slave's INT went low in between, and made an edge. */
	raise_irq(8);
	raise_irq(10);
	out(MASTER, POLL);
	assert_int_equal(in(MASTER), 0x82);
	assert_false(intr());
	out(SLAVE, POLL);
	assert_int_equal(in(SLAVE), 0x80);
	assert_vector(0x2a);
}

/* Reading the 8259A Status. */

static void test_status_read_is_remembered(void **state)
{
	(void)state;
	raise_irq(3);
	assert_vector(0x23);
	raise_irq(5);
	out(MASTER, READ_ISR);
	assert_int_equal(in(MASTER), 0x08);
	assert_int_equal(in(MASTER), 0x08);
	out(MASTER, 0x09); /* RIS without RR */
	assert_int_equal(in(MASTER), 0x08);
	out(MASTER, 0x08);
	assert_int_equal(in(MASTER), 0x08);
	out(MASTER, READ_IRR);
	assert_int_equal(in(MASTER), 0x20);
	assert_int_equal(in(MASTER), 0x20);
}

static void test_each_chip_has_its_status(void **state)
{
	(void)state;
	raise_irq(14);
	assert_vector(0x2e);
	raise_irq(15);
	raise_irq(6);
	out(MASTER, READ_ISR);
	assert_int_equal(in(MASTER), 0x04);
	assert_int_equal(in(SLAVE), 0x80);
	out(SLAVE, READ_ISR);
	assert_int_equal(in(SLAVE), 0x40);
}

/* Cascade Mode. */

static void test_irq_2_is_no_device(void **state)
{
	(void)state;
	raise_irq(2);
	assert_false(intr());
	raise_irq(10);
	out(MASTER, POLL);
	assert_int_equal(in(MASTER), 0x82);
	out(MASTER, EOI);
	lower_irq(2);
	raise_irq(2);
	assert_false(intr());
}

static void test_cascade_sets_both_isr_bits(void **state)
{
	(void)state;
	raise_irq(12);
	assert_int_equal(irr(MASTER), 0x04);
	assert_vector(0x2c);
	assert_int_equal(irr(MASTER), 0);
	assert_int_equal(isr(MASTER), 0x04);
	assert_int_equal(isr(SLAVE), 0x10);
}

static void test_cascade_shuts_the_slave_out_while_it_is_served(void **state)
{
	(void)state;
	raise_irq(12);
	assert_vector(0x2c);
	raise_irq(8);
	assert_int_equal(irr(MASTER), 0x04);
	assert_false(intr());
	raise_irq(1);
	assert_vector(0x21);
	out(MASTER, EOI);
	out(MASTER, EOI);
	assert_vector(0x28);
}

static void test_cascade_takes_the_highest_at_the_acknowledgement(void **state)
{
	(void)state;
	raise_irq(15);
	assert_true(intr());
	raise_irq(8);
	assert_vector(0x28);
	out(MASTER, EOI);
	assert_false(intr());
	out(SLAVE, EOI);
	assert_vector(0x2f);
}

/* The Special Fully Nested Mode. */

static void test_sfnm_lets_a_higher_request_of_the_slave_through(void **state)
{
	(void)state;
	init_chips(0x11, SFNM, 0x01);
	raise_irq(12);
	assert_vector(0x2c);
	raise_irq(13);
	assert_false(intr()); /* lower, the slave keeps it */
	raise_irq(8);
	assert_vector(0x28);
	assert_int_equal(isr(SLAVE), 0x11);
	assert_int_equal(isr(MASTER), 0x04);
	out(SLAVE, EOI);
	assert_int_equal(isr(SLAVE), 0x10); /* not empty: no EOI to the master */
	out(SLAVE, EOI);
	assert_vector(0x2d);
}

static void test_sfnm_keeps_lower_levels_out(void **state)
{
	(void)state;
	init_chips(0x11, SFNM, 0x01);
	raise_irq(12);
	assert_vector(0x2c);
	raise_irq(3);
	assert_false(intr());
	raise_irq(1);
	assert_vector(0x21);
	raise_irq(8);
	assert_false(intr());
}

static void test_sfnm_is_for_slaves_only(void **state)
{
	(void)state;
	init_chips(0x11, SFNM, SFNM);
	raise_irq(3);
	assert_vector(0x23);
	lower_irq(3);
	raise_irq(3);
	assert_false(intr());
	out(MASTER, EOI);
	assert_vector(0x23);
	out(MASTER, EOI);

	/* The slave's ICW3, 2, is a number: its IR1 is no slave. */
	raise_irq(9);
	assert_vector(0x29);
	lower_irq(9);
	raise_irq(9);
	assert_false(intr());
	out(SLAVE, EOI);
	assert_vector(0x29);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_after_power_on_nothing_is_requested),
		TEST(test_imr_can_be_written_before_icw1),
		TEST(test_other_offsets_are_nobodys),
		TEST(test_vector_is_base_and_level),
		TEST(test_icw2_low_bits_do_not_count),
		TEST(test_during_initialization_int_is_low),
		TEST(test_without_ic4_there_is_no_icw4),
		TEST(test_single_has_no_icw3),
		TEST(test_single_without_icw4_takes_one_word),
		TEST(test_icw1_clears_imr),
		TEST(test_icw1_clears_isr),
		TEST(test_icw1_resets_the_edge_sense_circuit),
		TEST(test_icw1_keeps_level_requests_and_elcr),
		TEST(test_icw1_gives_ir7_the_lowest_priority),
		TEST(test_icw1_selects_irr),
		TEST(test_icw1_ends_special_mask_mode),
		TEST(test_icw1_ends_rotation_in_aeoi_and_a_poll),
		TEST(test_icw1_sets_the_slaves_address_to_7),
		TEST(test_icw3_says_where_the_slave_is),
		TEST(test_icw3_of_the_slave_has_three_bits),
		TEST(test_buffered_mode_changes_nothing),
		TEST(test_edge_requests_once),
		TEST(test_edge_during_service_waits_for_eoi),
		TEST(test_level_requests_again_after_eoi),
		TEST(test_level_of_the_slave_requests_again_after_both_eois),
		TEST(test_ltim_makes_all_inputs_level_triggered),
		TEST(test_elcr_has_bits_that_cannot_be_set),
		TEST(test_elcr_turns_a_high_line_into_a_request),
		TEST(test_a_short_request_on_the_master_is_spurious_7),
		TEST(test_a_masked_request_is_spurious_7),
		TEST(test_ack_without_a_request_is_spurious_7),
		TEST(test_a_short_request_on_the_slave_is_spurious_15),
		TEST(test_a_request_masked_in_the_slave_is_spurious_15),
		TEST(test_spurious_15_if_the_slave_asked_last),
		TEST(test_a_real_request_goes_before_a_spurious_one),
		TEST(test_a_real_7_has_its_isr_bit),
		TEST(test_ir0_has_the_highest_priority),
		TEST(test_service_inhibits_the_same_and_lower_priorities),
		TEST(test_eoi_ends_the_highest_in_service),
		TEST(test_specific_eoi_ends_that_level),
		TEST(test_eoi_is_for_one_chip),
		TEST(test_ocw2_010_is_no_operation),
		TEST(test_aeoi_leaves_no_isr_bit),
		TEST(test_aeoi_in_the_slave),
		TEST(test_aeoi_level_requests_at_once),
		TEST(test_rotation_in_aeoi),
		TEST(test_rotation_in_aeoi_needs_aeoi),
		TEST(test_rotate_on_eoi_makes_it_the_lowest),
		TEST(test_rotate_on_eoi_with_nothing_in_service),
		TEST(test_rotate_on_specific_eoi),
		TEST(test_set_priority),
		TEST(test_eoi_follows_the_rotation),
		TEST(test_mask_holds_a_request_back),
		TEST(test_mask_of_the_slave),
		TEST(test_a_masked_level_in_service_still_inhibits),
		TEST(test_special_mask_enables_lower_levels),
		TEST(test_special_mask_needs_esmm),
		TEST(test_special_mask_eoi_spares_masked_levels),
		TEST(test_poll_acknowledges),
		TEST(test_poll_is_one_read_at_any_address),
		TEST(test_poll_overrides_a_status_read),
		TEST(test_poll_without_a_request),
		TEST(test_poll_of_one_chip_only),
		TEST(test_poll_of_the_slave),
		TEST(test_poll_of_both_chips),
		TEST(test_poll_with_aeoi),
		TEST(test_status_read_is_remembered),
		TEST(test_each_chip_has_its_status),
		TEST(test_irq_2_is_no_device),
		TEST(test_cascade_sets_both_isr_bits),
		TEST(test_cascade_shuts_the_slave_out_while_it_is_served),
		TEST(test_cascade_takes_the_highest_at_the_acknowledgement),
		TEST(test_sfnm_lets_a_higher_request_of_the_slave_through),
		TEST(test_sfnm_keeps_lower_levels_out),
		TEST(test_sfnm_is_for_slaves_only),
	};

	return cmocka_run_group_tests_name("i8259", tests, NULL, NULL);
}
