// SPDX-License-Identifier: GPL-2.0-only
/*
 * Why the CPU refused a VM entry: what the checks on controls, host and guest have in common.
 */
#include "vmentry_check.h"

#define EFER_DEFINED (EFER_SCE | EFER_LME | EFER_LMA | EFER_NX)

const u32 vmentry_control_field[CTL_WORDS] = {
	[CTL_PIN] = PIN_BASED_VM_EXEC_CONTROL,
	[CTL_PROC] = CPU_BASED_VM_EXEC_CONTROL,
	[CTL_PROC2] = SECONDARY_VM_EXEC_CONTROL,
	[CTL_PROC3] = TERTIARY_VM_EXEC_CONTROL,
	[CTL_EXIT] = VM_EXIT_CONTROLS,
	[CTL_EXIT2] = SECONDARY_VM_EXIT_CONTROLS,
	[CTL_ENTRY] = VM_ENTRY_CONTROLS,
};

static void load_word(struct check *c, enum control_word word, u64 allowed)
{
	c->control[word] = vmentry_read(c, vmentry_control_field[word]) & allowed;
}

/*
 * The capability MSRs of 32-bit words hold in their upper half the bits that may be 1; those of
 * 64-bit words hold nothing else. A word that another one does not switch on counts as 0.
 */
void vmentry_check_init(struct check *c, const struct vmentry_input *in,
			struct vmentry_finding *finding)
{
	const struct vmentry_caps *caps = in->caps;

	*c = (struct check){ .in = in, .caps = caps, .finding = finding };
	*finding = (struct vmentry_finding){ .rule = VMENTRY_OK };

	load_word(c, CTL_PIN, caps->pin >> 32);
	load_word(c, CTL_PROC, caps->proc >> 32);
	load_word(c, CTL_EXIT, caps->exit >> 32);
	load_word(c, CTL_ENTRY, caps->entry >> 32);

	if (vmentry_on(c, CTL_PROC, CPU_BASED_ACTIVATE_SECONDARY_CONTROLS))
		load_word(c, CTL_PROC2, caps->proc2 >> 32);
	if (vmentry_on(c, CTL_PROC, CPU_BASED_ACTIVATE_TERTIARY_CONTROLS))
		load_word(c, CTL_PROC3, caps->proc3);
	if (vmentry_on(c, CTL_EXIT, VM_EXIT_ACTIVATE_SECONDARY_CONTROLS))
		load_word(c, CTL_EXIT2, caps->exit2);
}

bool vmentry_broken(struct check *c, enum vmentry_rule rule, u32 field)
{
	c->finding->rule = rule;
	c->finding->field = field;
	c->finding->value = vmentry_read(c, field);
	return true;
}

bool vmentry_check_zeros(struct check *c, u32 field, u64 bits, enum vmentry_rule rule)
{
	return vmentry_has(c, field, bits) && vmentry_broken(c, rule, field);
}

/* SDM "Checks on VMX Controls": bit 48 of IA32_VMX_BASIC limits addresses to 32 bits. */
bool vmentry_width_ok(const struct check *c, u64 addr)
{
	return !(addr >> (c->caps->basic & VMX_BASIC_64 ? 32 : c->caps->maxphyaddr));
}

bool vmentry_check_address(struct check *c, u32 field, u64 low, enum vmentry_rule align,
			   enum vmentry_rule width)
{
	u64 addr = vmentry_read(c, field);

	if (addr & low)
		return vmentry_broken(c, align, field);
	if (!vmentry_width_ok(c, addr))
		return vmentry_broken(c, width, field);
	return false;
}

bool vmentry_check_fixed(struct check *c, u32 field, u64 ones, u64 maybe, enum vmentry_rule is_0,
			 enum vmentry_rule is_1)
{
	u64 value = vmentry_read(c, field);

	if (ones & ~value)
		return vmentry_broken(c, is_0, field);
	if (value & ~maybe)
		return vmentry_broken(c, is_1, field);
	return false;
}

bool vmentry_check_cr3(struct check *c, u32 field, enum vmentry_rule rule)
{
	u64 cr3 = vmentry_read(c, field);

	if (c->caps->lam)
		cr3 &= ~X86_CR3_LAM_BITS;
	return !vmentry_width_ok(c, cr3) && vmentry_broken(c, rule, field);
}

/*
 * Canonical for this CPU, whatever CR4.LA57 is: that is how MSRs and the bases of segments and
 * tables are judged.
 */
bool vmentry_check_canonical(struct check *c, u32 field, enum vmentry_rule rule)
{
	u64 addr = vmentry_read(c, field);

	return !vmentry_same_bits(addr, c->caps->maxlinaddr - 1) && vmentry_broken(c, rule, field);
}

/* Memory types are UC 0, WC 1, WT 4, WP 5, WB 6 and UC- 7; 2, 3 and all above 7 mean nothing. */
bool vmentry_check_pat(struct check *c, u32 field, enum vmentry_rule rule)
{
	u64 pat = vmentry_read(c, field);
	unsigned int i;

	for (i = 0; i < 8; i++) {
		u8 type = pat >> (8 * i);

		if (type > 7 || type == 2 || type == 3)
			return vmentry_broken(c, rule, field);
	}
	return false;
}

bool vmentry_check_efer(struct check *c, u32 field, enum vmentry_rule rule)
{
	return vmentry_check_zeros(c, field, ~(u64)EFER_DEFINED | c->caps->efer_reserved, rule);
}

bool vmentry_check_s_cet(struct check *c, u32 field, enum vmentry_rule reserved,
			 enum vmentry_rule suppress)
{
	u64 value = vmentry_read(c, field);

	if (value & (CET_RESERVED | c->caps->s_cet_reserved))
		return vmentry_broken(c, reserved, field);
	if ((value & CET_SUPPRESS) && (value & CET_WAIT_ENDBR))
		return vmentry_broken(c, suppress, field);
	return false;
}

/* The FRED fields stand in one row for host and guest: config, RSP1-3, STKLVLS, SSP1-3. */
bool vmentry_check_fred(struct check *c, u32 config_field, enum vmentry_rule config,
			enum vmentry_rule rsp, enum vmentry_rule ssp)
{
	u32 rsp1 = config_field + 2, ssp1 = config_field + 10;
	u32 i;

	if (vmentry_check_zeros(c, config_field, BIT(2) | BIT(4) | BIT(5) | BIT(11), config) ||
	    vmentry_check_canonical(c, config_field, config))
		return true;

	for (i = 0; i < 6; i += 2)
		if (vmentry_check_zeros(c, rsp1 + i, 63, rsp) ||
		    vmentry_check_canonical(c, rsp1 + i, rsp) ||
		    vmentry_check_zeros(c, ssp1 + i, 7, ssp) ||
		    vmentry_check_canonical(c, ssp1 + i, ssp))
			return true;
	return false;
}
