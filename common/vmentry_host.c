// SPDX-License-Identifier: GPL-2.0-only
/*
 * VM-instruction error 8: the host's state, as the VMCS has it, is not one that a VM exit could
 * come back to. SDM "Checks on Host Control Registers, MSRs, and SSP" and the two sections after.
 */
#include "vmentry_check.h"

static bool check_control_registers(struct check *c)
{
	const struct vmentry_caps *caps = c->caps;

	if (vmentry_check_fixed(c, HOST_CR0, caps->cr0_fixed0 & ~CR0_UNCHECKED,
				caps->cr0_fixed1 | CR0_UNCHECKED, VMENTRY_HOST_CR0_ONES,
				VMENTRY_HOST_CR0_ZEROS) ||
	    vmentry_check_fixed(c, HOST_CR4, caps->cr4_fixed0, caps->cr4_fixed1,
				VMENTRY_HOST_CR4_ONES, VMENTRY_HOST_CR4_ZEROS))
		return true;
	if (vmentry_has(c, HOST_CR4, X86_CR4_CET) && !vmentry_has(c, HOST_CR0, X86_CR0_WP))
		return vmentry_broken(c, VMENTRY_HOST_CET_WP, HOST_CR0);
	return vmentry_check_cr3(c, HOST_CR3, VMENTRY_HOST_CR3);
}

static bool check_efer(struct check *c)
{
	bool is_64 = vmentry_on(c, CTL_EXIT, VM_EXIT_HOST_ADDR_SPACE_SIZE);

	if (vmentry_check_efer(c, HOST_IA32_EFER, VMENTRY_HOST_EFER_RESERVED))
		return true;
	if (vmentry_has(c, HOST_IA32_EFER, EFER_LMA) != is_64)
		return vmentry_broken(c, VMENTRY_HOST_EFER_LMA, HOST_IA32_EFER);
	if (vmentry_has(c, HOST_IA32_EFER, EFER_LME) != is_64)
		return vmentry_broken(c, VMENTRY_HOST_EFER_LME, HOST_IA32_EFER);
	return false;
}

static bool check_cet(struct check *c)
{
	return vmentry_check_s_cet(c, HOST_IA32_S_CET, VMENTRY_HOST_S_CET_RESERVED,
				   VMENTRY_HOST_S_CET_SUPPRESS) ||
	       vmentry_check_zeros(c, HOST_SSP, 3, VMENTRY_HOST_SSP_ALIGN);
}

/* An MSR counts only if its control says that the exit loads it. */
static bool check_msrs(struct check *c)
{
	const struct vmentry_caps *caps = c->caps;

	if (vmentry_check_canonical(c, HOST_IA32_SYSENTER_ESP, VMENTRY_HOST_SYSENTER) ||
	    vmentry_check_canonical(c, HOST_IA32_SYSENTER_EIP, VMENTRY_HOST_SYSENTER))
		return true;
	if (vmentry_on(c, CTL_EXIT, VM_EXIT_LOAD_IA32_PERF_GLOBAL_CTRL) &&
	    vmentry_check_zeros(c, HOST_IA32_PERF_GLOBAL_CTRL, caps->perf_global_ctrl_reserved,
				VMENTRY_HOST_PERF_GLOBAL_CTRL))
		return true;
	if (vmentry_on(c, CTL_EXIT, VM_EXIT_LOAD_IA32_PAT) &&
	    vmentry_check_pat(c, HOST_IA32_PAT, VMENTRY_HOST_PAT))
		return true;
	if (vmentry_on(c, CTL_EXIT, VM_EXIT_LOAD_IA32_EFER) && check_efer(c))
		return true;
	if (vmentry_on(c, CTL_EXIT, VM_EXIT_LOAD_CET_STATE) && check_cet(c))
		return true;
	if (vmentry_on(c, CTL_EXIT, VM_EXIT_LOAD_IA32_PKRS) &&
	    vmentry_check_zeros(c, HOST_IA32_PKRS, HIGH_HALF, VMENTRY_HOST_PKRS))
		return true;
	if (vmentry_on(c, CTL_EXIT2, SECONDARY_VM_EXIT_LOAD_FRED) &&
	    vmentry_check_fred(c, HOST_IA32_FRED_CONFIG, VMENTRY_HOST_FRED_CONFIG,
			       VMENTRY_HOST_FRED_RSP, VMENTRY_HOST_FRED_SSP))
		return true;
	return vmentry_on(c, CTL_EXIT2, SECONDARY_VM_EXIT_LOAD_IA32_SPEC_CTRL) &&
	       vmentry_check_zeros(c, HOST_IA32_SPEC_CTRL, caps->spec_ctrl_reserved,
				   VMENTRY_HOST_SPEC_CTRL);
}

static bool check_segments(struct check *c)
{
	static const u16 bases[] = {
		HOST_FS_BASE,
		HOST_GS_BASE,
		HOST_TR_BASE,
		HOST_GDTR_BASE,
		HOST_IDTR_BASE,
	};
	unsigned int i;
	u32 field;

	/* ES, CS, SS, DS, FS, GS, TR: bits 1:0 are the RPL, bit 2 means the LDT. */
	for (field = HOST_ES_SELECTOR; field <= HOST_TR_SELECTOR; field += 2)
		if (vmentry_check_zeros(c, field, 7, VMENTRY_HOST_SELECTOR))
			return true;

	if (!vmentry_read(c, HOST_CS_SELECTOR))
		return vmentry_broken(c, VMENTRY_HOST_CS_ZERO, HOST_CS_SELECTOR);
	if (!vmentry_read(c, HOST_TR_SELECTOR))
		return vmentry_broken(c, VMENTRY_HOST_TR_ZERO, HOST_TR_SELECTOR);
	if (!vmentry_on(c, CTL_EXIT, VM_EXIT_HOST_ADDR_SPACE_SIZE) &&
	    !vmentry_read(c, HOST_SS_SELECTOR))
		return vmentry_broken(c, VMENTRY_HOST_SS_ZERO, HOST_SS_SELECTOR);

	for (i = 0; i < sizeof(bases) / sizeof(bases[0]); i++)
		if (vmentry_check_canonical(c, bases[i], VMENTRY_HOST_BASE))
			return true;
	return false;
}

static bool check_32bit_host(struct check *c)
{
	if (vmentry_check_zeros(c, HOST_CR4, X86_CR4_PCIDE, VMENTRY_HOST_PCIDE) ||
	    vmentry_check_zeros(c, HOST_CR4, X86_CR4_FRED, VMENTRY_HOST_FRED) ||
	    vmentry_check_zeros(c, HOST_RIP, HIGH_HALF, VMENTRY_HOST_RIP_HIGH))
		return true;
	return vmentry_on(c, CTL_EXIT, VM_EXIT_LOAD_CET_STATE) &&
	       (vmentry_check_zeros(c, HOST_IA32_S_CET, HIGH_HALF, VMENTRY_HOST_S_CET_HIGH) ||
		vmentry_check_zeros(c, HOST_SSP, HIGH_HALF, VMENTRY_HOST_SSP_HIGH));
}

static bool check_64bit_host(struct check *c)
{
	/* RIP must be canonical in the paging mode that the exit itself sets up. */
	unsigned int width = vmentry_has(c, HOST_CR4, X86_CR4_LA57) ? 57 : 48;

	if (!vmentry_has(c, HOST_CR4, X86_CR4_PAE))
		return vmentry_broken(c, VMENTRY_HOST_PAE, HOST_CR4);
	if (!vmentry_same_bits(vmentry_read(c, HOST_RIP), width - 1))
		return vmentry_broken(c, VMENTRY_HOST_RIP, HOST_RIP);
	return vmentry_on(c, CTL_EXIT, VM_EXIT_LOAD_CET_STATE) &&
	       (vmentry_check_canonical(c, HOST_IA32_S_CET, VMENTRY_HOST_S_CET) ||
		vmentry_check_canonical(c, HOST_SSP, VMENTRY_HOST_SSP));
}

/*
 * The SDM also forbids a 64-bit guest under a host that is to be 32-bit. The first two checks
 * leave no way to break that alone.
 */
static bool check_address_space(struct check *c)
{
	bool host_64 = vmentry_on(c, CTL_EXIT, VM_EXIT_HOST_ADDR_SPACE_SIZE);

	if (!c->in->ia32e && vmentry_on(c, CTL_ENTRY, VM_ENTRY_IA32E_MODE))
		return vmentry_broken(c, VMENTRY_GUEST_64_FROM_32, VM_ENTRY_CONTROLS);
	if (!c->in->ia32e && host_64)
		return vmentry_broken(c, VMENTRY_HOST_64_FROM_32, VM_EXIT_CONTROLS);
	if (c->in->ia32e && !host_64)
		return vmentry_broken(c, VMENTRY_HOST_32_FROM_64, VM_EXIT_CONTROLS);
	if (host_64 ? check_64bit_host(c) : check_32bit_host(c))
		return true;
	return vmentry_on(c, CTL_EXIT, VM_EXIT_LOAD_CET_STATE) &&
	       vmentry_check_canonical(c, HOST_INTERRUPT_SSP_TABLE, VMENTRY_HOST_SSP_TABLE);
}

/* The control for the address-space size governs other checks, so it is looked at first. */
u16 vmentry_check_host(const struct vmentry_input *in, struct vmentry_finding *finding)
{
	struct check c;

	vmentry_check_init(&c, in, finding);
	if (!check_address_space(&c) && !check_control_registers(&c) && !check_msrs(&c))
		check_segments(&c);
	return finding->rule;
}
