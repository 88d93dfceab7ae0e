// SPDX-License-Identifier: GPL-2.0-only
/*
 * The words: there is one for every number, and none of them is sloppy.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "vmentry.h"
#include "vmx_extra.h"
#include "words.h"

#define NR(array) (sizeof(array) / sizeof((array)[0]))

/* A phrase that ends no sentence: the program that prints it does. */
static void assert_phrase(const char *text)
{
	assert_non_null(text);
	assert_true(strlen(text) > 2);
	assert_null(strchr(".,;: ", text[strlen(text) - 1]));
	assert_null(strstr(text, "  "));
}

static void test_every_rule_has_words_of_its_own(void **state)
{
	u16 rule, other;

	(void)state;
	for (rule = VMENTRY_OK + 1; rule < VMENTRY_NR_RULES; rule++) {
		assert_phrase(vmentry_rule_words(rule));
		for (other = VMENTRY_OK; other < rule; other++)
			assert_string_not_equal(vmentry_rule_words(rule),
						vmentry_rule_words(other));
	}
}

static void test_every_rule_has_a_section(void **state)
{
	u16 rule;

	(void)state;
	for (rule = VMENTRY_OK + 1; rule < VMENTRY_NR_RULES; rule++) {
		assert_phrase(vmentry_rule_section(rule));
		assert_memory_equal(vmentry_rule_section(rule), "29.", 3);
	}
	assert_string_equal(vmentry_rule_section(VMENTRY_VPID_ZERO),
			    "29.2.1.1 VM-Execution Control Fields");
	assert_string_equal(vmentry_rule_section(VMENTRY_HOST_CR4_ONES),
			    "29.2.2 Checks on Host Control Registers, MSRs, and SSP");
}

static void test_numbers_out_of_range_are_no_rules(void **state)
{
	(void)state;
	assert_string_equal(vmentry_rule_words(VMENTRY_NR_RULES), vmentry_rule_words(VMENTRY_OK));
	assert_string_equal(vmentry_rule_words(0xffff), vmentry_rule_words(VMENTRY_OK));
	assert_string_equal(vmentry_rule_section(0xffff), vmentry_rule_section(VMENTRY_OK));
}

/* The list is made from the kernel's header and from vmx_extra.h. */
static void test_every_field_has_a_name(void **state)
{
	static const u32 fields[] = {
#define FIELD(name) name,
#include "vmcs_fields.h"
#undef FIELD
	};
	const char *unknown = vmcs_field_name(0xffffffff);
	size_t i;

	(void)state;
	assert_true(NR(fields) > 200);
	for (i = 0; i < NR(fields); i++) {
		assert_phrase(vmcs_field_name(fields[i]));
		assert_string_not_equal(vmcs_field_name(fields[i]), unknown);
	}
}

static void test_names_of_fields(void **state)
{
	(void)state;
	assert_string_equal(vmcs_field_name(GUEST_CS_SELECTOR), "guest CS selector");
	assert_string_equal(vmcs_field_name(EPT_POINTER), "EPT pointer (EPTP)");
	assert_string_equal(vmcs_field_name(EPT_POINTER_HIGH), "EPT pointer (EPTP)");
	assert_string_not_equal(vmcs_field_name(GUEST_CS_SELECTOR + 1), "guest CS selector");
}

static void test_exit_reasons_are_called_as_the_kernel_calls_them(void **state)
{
	static const struct {
		u32 reason;
		const char *name;
	} reasons[] = { VMX_EXIT_REASONS };
	size_t i;

	(void)state;
	for (i = 0; i < NR(reasons); i++) {
		assert_string_equal(vmx_exit_reason_name(reasons[i].reason), reasons[i].name);
		assert_phrase(vmx_exit_reason_words(reasons[i].reason));
	}
}

/* The numbers that the SDM leaves free. */
static void test_exit_reasons_have_no_holes(void **state)
{
	static const u32 holes[] = { 35, 38, 42, 71, 82, 83, 86 };
	const char *unknown = vmx_exit_reason_words(0xffff);
	size_t hole = 0;
	u32 reason;

	(void)state;
	for (reason = 0; reason <= 86; reason++) {
		if (reason == holes[hole]) {
			assert_string_equal(vmx_exit_reason_words(reason), unknown);
			assert_string_equal(vmx_exit_reason_name(reason), "UNKNOWN");
			hole++;
		} else {
			assert_string_not_equal(vmx_exit_reason_words(reason), unknown);
		}
	}
	assert_int_equal(hole, NR(holes));
}

static void test_instruction_errors_have_no_holes(void **state)
{
	static const u32 holes[] = { 0, 14, 21, 27, 29 };
	const char *unknown = vm_instruction_error_words(0xffff);
	size_t hole = 0;
	u32 error;

	(void)state;
	for (error = 0; error <= 29; error++) {
		assert_phrase(vm_instruction_error_words(error));
		if (error == holes[hole]) {
			assert_string_equal(vm_instruction_error_words(error), unknown);
			hole++;
		} else {
			assert_string_not_equal(vm_instruction_error_words(error), unknown);
		}
	}
	assert_int_equal(hole, NR(holes));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_rule_has_words_of_its_own),
		cmocka_unit_test(test_every_rule_has_a_section),
		cmocka_unit_test(test_numbers_out_of_range_are_no_rules),
		cmocka_unit_test(test_every_field_has_a_name),
		cmocka_unit_test(test_names_of_fields),
		cmocka_unit_test(test_exit_reasons_are_called_as_the_kernel_calls_them),
		cmocka_unit_test(test_exit_reasons_have_no_holes),
		cmocka_unit_test(test_instruction_errors_have_no_holes),
	};

	return cmocka_run_group_tests_name("words", tests, NULL, NULL);
}
