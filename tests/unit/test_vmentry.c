// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rules of VM entries: each is broken alone, from a VMCS that is good, and must be named.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "vmentry_base.h"
#include "words.h"

#define SEED 0x5eed0123456789abULL
#define FLIPPED_MACHINES 20000

/* As the CPU does it: a group is looked at only if those before it are good. */
static u16 find(struct machine *m, struct vmentry_finding *finding)
{
	if (vmentry_check_controls(&m->in, finding) || vmentry_check_host(&m->in, finding))
		return finding->rule;
	return vmentry_check_guest(&m->in, finding);
}

/* How many of the three groups complain. */
static unsigned int complaints(struct machine *m)
{
	struct vmentry_finding finding;

	return (vmentry_check_controls(&m->in, &finding) != VMENTRY_OK) +
	       (vmentry_check_host(&m->in, &finding) != VMENTRY_OK) +
	       (vmentry_check_guest(&m->in, &finding) != VMENTRY_OK);
}

static void test_breakage(void **state)
{
	const struct breakage *b = *state;
	struct vmentry_finding finding;
	struct machine m;
	size_t i;

	machine_init(&m, b->base);
	for (i = 0; i < sizeof(b->changes) / sizeof(b->changes[0]); i++)
		machine_change(&m, &b->changes[i]);

	find(&m, &finding);
	if (finding.rule != b->rule)
		fail_msg("found instead: %s: %s (%s is %llx)", vmentry_rule_section(finding.rule),
			 vmentry_rule_words(finding.rule), vmcs_field_name(finding.field),
			 (unsigned long long)finding.value);
	if (b->rule == VMENTRY_OK)
		return;
	assert_string_equal(vmcs_field_name(finding.field), vmcs_field_name(b->field));
	assert_int_equal(finding.value, m.value[b->field]);
	assert_int_equal(complaints(&m), 1);
}

static void test_good_machines_break_no_rule(void **state)
{
	enum base base;

	(void)state;
	for (base = 0; base < NR_BASES; base++) {
		struct vmentry_finding finding = { .rule = 1 };
		struct machine m;

		machine_init(&m, base);
		if (find(&m, &finding))
			fail_msg("base %d: %s", base, vmentry_rule_words(finding.rule));
		assert_int_equal(finding.rule, VMENTRY_OK);
	}
}

static void count(const struct breakage *breaks, size_t nr, unsigned int *tests)
{
	size_t i;

	for (i = 0; i < nr; i++)
		tests[breaks[i].rule]++;
}

static void test_every_rule_has_a_test(void **state)
{
	unsigned int tests[VMENTRY_NR_RULES] = { 0 };
	u16 rule;

	(void)state;
	count(breaks_controls, nr_breaks_controls, tests);
	count(breaks_host, nr_breaks_host, tests);
	count(breaks_guest, nr_breaks_guest, tests);
	for (rule = VMENTRY_OK + 1; rule < VMENTRY_NR_RULES; rule++)
		if (!tests[rule])
			fail_msg("no test breaks this rule: %s", vmentry_rule_words(rule));
}

/* Without a look into memory the rules on what lies there are skipped, not guessed. */
static void test_no_memory_breaks_no_rule(void **state)
{
	struct vmentry_finding finding;
	struct machine m;

	(void)state;
	machine_init(&m, BASE_64);
	m.in.peek = NULL;
	m.value[VMCS_LINK_POINTER] = LINKED_VMCS;
	m.value[TPR_THRESHOLD] = 15;
	assert_int_equal(find(&m, &finding), VMENTRY_OK);
}

/* xorshift64*: small, and the same everywhere. */
static u64 random64(u64 *seed)
{
	*seed ^= *seed >> 12;
	*seed ^= *seed << 25;
	*seed ^= *seed >> 27;
	return *seed * 0x2545f4914f6cdd1dULL;
}

static u32 random_field(const struct machine *m, u64 *seed)
{
	u32 field;

	do {
		field = random64(seed) % NR_FIELDS;
	} while (!m->present[field]);
	return field;
}

/* Whatever the fields hold: no crash, no read of a missing field, no rule out of nowhere. */
static void test_random_bits(void **state)
{
	u64 seed = SEED;
	unsigned int i, flips;

	(void)state;
	for (i = 0; i < FLIPPED_MACHINES; i++) {
		struct vmentry_finding finding;
		struct machine m;

		machine_init(&m, i % NR_BASES);
		for (flips = random64(&seed) % 16; flips; flips--)
			m.value[random_field(&m, &seed)] ^= BIT_ULL(random64(&seed) % 64);

		assert_in_range(vmentry_check_controls(&m.in, &finding), 0, VMENTRY_NR_RULES - 1);
		assert_in_range(vmentry_check_host(&m.in, &finding), 0, VMENTRY_NR_RULES - 1);
		assert_in_range(vmentry_check_guest(&m.in, &finding), 0, VMENTRY_NR_RULES - 1);
	}
}

static size_t add(struct CMUnitTest *tests, const struct breakage *breaks, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++)
		tests[i] = (struct CMUnitTest){
			.name = vmentry_rule_words(breaks[i].rule),
			.test_func = test_breakage,
			.initial_state = (void *)&breaks[i],
		};
	return nr;
}

int main(void)
{
	static const struct CMUnitTest general[] = {
		cmocka_unit_test(test_good_machines_break_no_rule),
		cmocka_unit_test(test_every_rule_has_a_test),
		cmocka_unit_test(test_no_memory_breaks_no_rule),
		cmocka_unit_test(test_random_bits),
	};
	struct CMUnitTest *breakages;
	int failed = cmocka_run_group_tests_name("VM entry", general, NULL, NULL);
	size_t nr = 0;

	breakages = calloc(nr_breaks_controls + nr_breaks_host + nr_breaks_guest,
			   sizeof(*breakages));
	if (!breakages)
		return EXIT_FAILURE;
	nr += add(breakages + nr, breaks_controls, nr_breaks_controls);
	nr += add(breakages + nr, breaks_host, nr_breaks_host);
	nr += add(breakages + nr, breaks_guest, nr_breaks_guest);
	failed += _cmocka_run_group_tests("VM entry, one rule broken", breakages, nr, NULL, NULL);
	free(breakages);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
