/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files vmentry_*.c share. A check returns true as soon as a rule is broken, and the
 * finding then says which; so checks are chained with || and the first broken rule ends them.
 */
#ifndef VTX_VMENTRY_CHECK_H
#define VTX_VMENTRY_CHECK_H

#include "vmentry.h"
#include "vmx_extra.h"

#define HIGH_HALF GENMASK_ULL(63, 32)

/* A VM entry or exit leaves NW and CD as they are, so their fields are not looked at. */
#define CR0_UNCHECKED (X86_CR0_NW | X86_CR0_CD)

enum control_word {
	CTL_PIN,
	CTL_PROC,
	CTL_PROC2,
	CTL_PROC3,
	CTL_EXIT,
	CTL_EXIT2,
	CTL_ENTRY,
	CTL_WORDS,
};

struct check {
	const struct vmentry_input *in;
	const struct vmentry_caps *caps;
	struct vmentry_finding *finding;

	/*
	 * The control words, without the bits that this CPU lacks. Error 8 does not say that all
	 * controls are good, so the other groups must not stumble over a control (and its
	 * fields) that the CPU does not have.
	 */
	u64 control[CTL_WORDS];
};

extern const u32 vmentry_control_field[CTL_WORDS];

void vmentry_check_init(struct check *c, const struct vmentry_input *in,
			struct vmentry_finding *finding);

/* Notes the rule, the field and what it holds. Always true. */
bool vmentry_broken(struct check *c, enum vmentry_rule rule, u32 field);

bool vmentry_width_ok(const struct check *c, u64 addr);

/* Demands that the bits in `low` are 0 and that none is beyond the CPU's physical addresses. */
bool vmentry_check_address(struct check *c, u32 field, u64 low, enum vmentry_rule align,
			   enum vmentry_rule width);

/* Host and guest have these in common; the rules differ in their numbers only. */
bool vmentry_check_fixed(struct check *c, u32 field, u64 ones, u64 maybe, enum vmentry_rule is_0,
			 enum vmentry_rule is_1);
bool vmentry_check_cr3(struct check *c, u32 field, enum vmentry_rule rule);
bool vmentry_check_canonical(struct check *c, u32 field, enum vmentry_rule rule);
bool vmentry_check_pat(struct check *c, u32 field, enum vmentry_rule rule);
bool vmentry_check_efer(struct check *c, u32 field, enum vmentry_rule rule);
bool vmentry_check_s_cet(struct check *c, u32 field, enum vmentry_rule reserved,
			 enum vmentry_rule suppress);
bool vmentry_check_fred(struct check *c, u32 config_field, enum vmentry_rule config,
			enum vmentry_rule rsp, enum vmentry_rule ssp);

/* Demands that `bits` are 0. */
bool vmentry_check_zeros(struct check *c, u32 field, u64 bits, enum vmentry_rule rule);

/* The event to inject, a part of the controls. */
bool vmentry_check_event(struct check *c);

/* The second half of the guest's checks, in files of their own. */
bool vmentry_check_segments(struct check *c);
bool vmentry_check_non_register(struct check *c);

static inline u64 vmentry_read(const struct check *c, u32 field)
{
	return c->in->read(c->in->ctx, field);
}

static inline bool vmentry_on(const struct check *c, enum control_word word, u64 bits)
{
	return c->control[word] & bits;
}

static inline bool vmentry_unrestricted(const struct check *c)
{
	return vmentry_on(c, CTL_PROC2, SECONDARY_EXEC_UNRESTRICTED_GUEST);
}

/* Are bits 63:from all equal? With from = width - 1 that is "canonical". */
static inline bool vmentry_same_bits(u64 value, unsigned int from)
{
	u64 high = value >> from;

	return high == 0 || high == ~0ULL >> from;
}

/* Does the field hold any of these bits? */
static inline bool vmentry_has(const struct check *c, u32 field, u64 bits)
{
	return vmentry_read(c, field) & bits;
}

#endif /* VTX_VMENTRY_CHECK_H */
