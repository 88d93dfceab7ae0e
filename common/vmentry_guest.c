// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exit reason 33: the guest's state is not one that a CPU can be in. Here its control registers
 * and MSRs, RIP and RFLAGS; segments and the rest have files of their own. SDM "Checks on the
 * Guest State Area".
 */
#include "vmentry_check.h"

#define DEBUGCTL_UNCORE_PMI BIT(13)

/* Bits that some CPU defines; which of them this one has is for debugctl_reserved to say. */
#define DEBUGCTL_DEFINED                                                                          \
	(DEBUGCTLMSR_LBR | DEBUGCTLMSR_BTF | DEBUGCTLMSR_BUS_LOCK_DETECT | DEBUGCTLMSR_TR |       \
	 DEBUGCTLMSR_BTS | DEBUGCTLMSR_BTINT | DEBUGCTLMSR_BTS_OFF_OS | DEBUGCTLMSR_BTS_OFF_USR | \
	 DEBUGCTLMSR_FREEZE_LBRS_ON_PMI | DEBUGCTLMSR_FREEZE_PERFMON_ON_PMI |                     \
	 DEBUGCTL_UNCORE_PMI | DEBUGCTLMSR_FREEZE_IN_SMM | DEBUGCTLMSR_RTM_DEBUG)

#define LBR_CTL_DEFINED \
	(ARCH_LBR_CTL_LBREN | ARCH_LBR_CTL_CPL | ARCH_LBR_CTL_STACK | ARCH_LBR_CTL_FILTER)

#define RFLAGS_RESERVED (GENMASK_ULL(63, 22) | BIT(15) | BIT(5) | BIT(3))

static bool check_control_registers(struct check *c)
{
	const struct vmentry_caps *caps = c->caps;
	u64 unchecked = CR0_UNCHECKED;

	if (vmentry_unrestricted(c))
		unchecked |= X86_CR0_PE | X86_CR0_PG;

	if (vmentry_check_fixed(c, GUEST_CR0, caps->cr0_fixed0 & ~unchecked,
				caps->cr0_fixed1 | unchecked, VMENTRY_GUEST_CR0_ONES,
				VMENTRY_GUEST_CR0_ZEROS))
		return true;
	if (vmentry_has(c, GUEST_CR0, X86_CR0_PG) && !vmentry_has(c, GUEST_CR0, X86_CR0_PE))
		return vmentry_broken(c, VMENTRY_GUEST_PG_PE, GUEST_CR0);

	if (vmentry_check_fixed(c, GUEST_CR4, caps->cr4_fixed0, caps->cr4_fixed1,
				VMENTRY_GUEST_CR4_ONES, VMENTRY_GUEST_CR4_ZEROS))
		return true;
	if (vmentry_has(c, GUEST_CR4, X86_CR4_CET) && !vmentry_has(c, GUEST_CR0, X86_CR0_WP))
		return vmentry_broken(c, VMENTRY_GUEST_CET_WP, GUEST_CR0);
	return vmentry_check_cr3(c, GUEST_CR3, VMENTRY_GUEST_CR3);
}

static bool check_long_mode(struct check *c)
{
	if (!vmentry_on(c, CTL_ENTRY, VM_ENTRY_IA32E_MODE))
		return vmentry_check_zeros(c, GUEST_CR4, X86_CR4_PCIDE, VMENTRY_GUEST_PCIDE) ||
		       vmentry_check_zeros(c, GUEST_CR4, X86_CR4_FRED, VMENTRY_GUEST_FRED);

	if (!vmentry_has(c, GUEST_CR0, X86_CR0_PG))
		return vmentry_broken(c, VMENTRY_GUEST_LONG_PG, GUEST_CR0);
	if (!vmentry_has(c, GUEST_CR4, X86_CR4_PAE))
		return vmentry_broken(c, VMENTRY_GUEST_LONG_PAE, GUEST_CR4);
	return false;
}

static bool check_efer(struct check *c)
{
	bool lma = vmentry_has(c, GUEST_IA32_EFER, EFER_LMA);
	bool lme = vmentry_has(c, GUEST_IA32_EFER, EFER_LME);

	if (vmentry_check_efer(c, GUEST_IA32_EFER, VMENTRY_GUEST_EFER_RESERVED))
		return true;
	if (lma != vmentry_on(c, CTL_ENTRY, VM_ENTRY_IA32E_MODE))
		return vmentry_broken(c, VMENTRY_GUEST_EFER_LMA, GUEST_IA32_EFER);
	return vmentry_has(c, GUEST_CR0, X86_CR0_PG) && lma != lme &&
	       vmentry_broken(c, VMENTRY_GUEST_EFER_LME, GUEST_IA32_EFER);
}

static bool check_bndcfgs(struct check *c)
{
	u64 base = vmentry_read(c, GUEST_BNDCFGS) & GENMASK_ULL(63, 12);

	if (vmentry_check_zeros(c, GUEST_BNDCFGS, GENMASK_ULL(11, 2),
				VMENTRY_GUEST_BNDCFGS_RESERVED))
		return true;
	return !vmentry_same_bits(base, c->caps->maxlinaddr - 1) &&
	       vmentry_broken(c, VMENTRY_GUEST_BNDCFGS_BASE, GUEST_BNDCFGS);
}

static bool check_cet(struct check *c)
{
	return vmentry_check_canonical(c, GUEST_IA32_S_CET, VMENTRY_GUEST_S_CET) ||
	       vmentry_check_canonical(c, GUEST_INTERRUPT_SSP_TABLE, VMENTRY_GUEST_SSP_TABLE) ||
	       vmentry_check_s_cet(c, GUEST_IA32_S_CET, VMENTRY_GUEST_S_CET_RESERVED,
				   VMENTRY_GUEST_S_CET_SUPPRESS);
}

/* MSRs of which nothing is asked but that reserved bits are 0, if the entry loads them. */
static bool check_reserved_bits(struct check *c)
{
	const struct vmentry_caps *caps = c->caps;
	u64 debugctl_reserved = ~(u64)DEBUGCTL_DEFINED | caps->debugctl_reserved;
	const struct {
		u64 control, reserved;
		u16 field, rule;
	} rows[] = {
#define MSR(control, field, reserved, rule) { control, reserved, field, VMENTRY_##rule }
		MSR(VM_ENTRY_LOAD_DEBUG_CONTROLS, GUEST_IA32_DEBUGCTL,
		    debugctl_reserved, GUEST_DEBUGCTL),
		MSR(VM_ENTRY_LOAD_DEBUG_CONTROLS, GUEST_DR7, HIGH_HALF, GUEST_DR7),
		MSR(VM_ENTRY_LOAD_IA32_PERF_GLOBAL_CTRL, GUEST_IA32_PERF_GLOBAL_CTRL,
		    caps->perf_global_ctrl_reserved, GUEST_PERF_GLOBAL_CTRL),
		MSR(VM_ENTRY_LOAD_IA32_RTIT_CTL, GUEST_IA32_RTIT_CTL,
		    caps->rtit_ctl_reserved, GUEST_RTIT_CTL),
		MSR(VM_ENTRY_LOAD_IA32_LBR_CTL, GUEST_IA32_LBR_CTL,
		    ~(u64)LBR_CTL_DEFINED, GUEST_LBR_CTL),
		MSR(VM_ENTRY_LOAD_IA32_PKRS, GUEST_IA32_PKRS, HIGH_HALF, GUEST_PKRS),
		MSR(VM_ENTRY_LOAD_UINV, GUEST_UINV, 0xff00, GUEST_UINV),
		MSR(VM_ENTRY_LOAD_IA32_SPEC_CTRL, GUEST_IA32_SPEC_CTRL,
		    caps->spec_ctrl_reserved, GUEST_SPEC_CTRL),
#undef MSR
	};
	unsigned int i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (vmentry_on(c, CTL_ENTRY, rows[i].control) &&
		    vmentry_check_zeros(c, rows[i].field, rows[i].reserved, rows[i].rule))
			return true;
	return false;
}

static bool check_msrs(struct check *c)
{
	if (vmentry_check_canonical(c, GUEST_SYSENTER_ESP, VMENTRY_GUEST_SYSENTER) ||
	    vmentry_check_canonical(c, GUEST_SYSENTER_EIP, VMENTRY_GUEST_SYSENTER) ||
	    check_reserved_bits(c))
		return true;
	if (vmentry_on(c, CTL_ENTRY, VM_ENTRY_LOAD_IA32_PAT) &&
	    vmentry_check_pat(c, GUEST_IA32_PAT, VMENTRY_GUEST_PAT))
		return true;
	if (vmentry_on(c, CTL_ENTRY, VM_ENTRY_LOAD_IA32_EFER) && check_efer(c))
		return true;
	if (vmentry_on(c, CTL_ENTRY, VM_ENTRY_LOAD_BNDCFGS) && check_bndcfgs(c))
		return true;
	if (vmentry_on(c, CTL_ENTRY, VM_ENTRY_LOAD_CET_STATE) && check_cet(c))
		return true;
	return vmentry_on(c, CTL_ENTRY, VM_ENTRY_LOAD_FRED) &&
	       vmentry_check_fred(c, GUEST_IA32_FRED_CONFIG, VMENTRY_GUEST_FRED_CONFIG,
				  VMENTRY_GUEST_FRED_RSP, VMENTRY_GUEST_FRED_SSP);
}

/*
 * RIP and SSP need not be canonical: it is enough if the bits beyond the CPU's linear addresses
 * are equal. The first access through them will fault if they are not.
 */
static bool check_pointer(struct check *c, u32 field, enum vmentry_rule high,
			  enum vmentry_rule width)
{
	bool code_64 = vmentry_on(c, CTL_ENTRY, VM_ENTRY_IA32E_MODE) &&
		       vmentry_has(c, GUEST_CS_AR_BYTES, VMX_AR_L_MASK);

	if (!code_64)
		return vmentry_check_zeros(c, field, HIGH_HALF, high);
	return !vmentry_same_bits(vmentry_read(c, field), c->caps->maxlinaddr) &&
	       vmentry_broken(c, width, field);
}

static bool injects_interrupt(const struct check *c)
{
	u32 info = vmentry_read(c, VM_ENTRY_INTR_INFO_FIELD);

	return (info & INTR_INFO_VALID_MASK) &&
	       (info & INTR_INFO_INTR_TYPE_MASK) == INTR_TYPE_EXT_INTR;
}

static bool check_rflags(struct check *c)
{
	u64 rflags = vmentry_read(c, GUEST_RFLAGS);

	if (rflags & RFLAGS_RESERVED)
		return vmentry_broken(c, VMENTRY_GUEST_RFLAGS_ZEROS, GUEST_RFLAGS);
	if (!(rflags & X86_EFLAGS_FIXED))
		return vmentry_broken(c, VMENTRY_GUEST_RFLAGS_ONES, GUEST_RFLAGS);
	if (rflags & X86_EFLAGS_VM) {
		if (vmentry_on(c, CTL_ENTRY, VM_ENTRY_IA32E_MODE))
			return vmentry_broken(c, VMENTRY_GUEST_VM_LONG, GUEST_RFLAGS);
		if (!vmentry_has(c, GUEST_CR0, X86_CR0_PE))
			return vmentry_broken(c, VMENTRY_GUEST_VM_REAL, GUEST_RFLAGS);
	}
	return !(rflags & X86_EFLAGS_IF) && injects_interrupt(c) &&
	       vmentry_broken(c, VMENTRY_GUEST_IF, GUEST_RFLAGS);
}

static bool check_rip_rflags_ssp(struct check *c)
{
	if (check_rflags(c) ||
	    check_pointer(c, GUEST_RIP, VMENTRY_GUEST_RIP_HIGH, VMENTRY_GUEST_RIP_WIDTH))
		return true;
	return vmentry_on(c, CTL_ENTRY, VM_ENTRY_LOAD_CET_STATE) &&
	       (vmentry_check_zeros(c, GUEST_SSP, 3, VMENTRY_GUEST_SSP_ALIGN) ||
		check_pointer(c, GUEST_SSP, VMENTRY_GUEST_SSP_HIGH, VMENTRY_GUEST_SSP_WIDTH));
}

static bool check_tables(struct check *c)
{
	return vmentry_check_canonical(c, GUEST_GDTR_BASE, VMENTRY_GUEST_TABLE_BASE) ||
	       vmentry_check_canonical(c, GUEST_IDTR_BASE, VMENTRY_GUEST_TABLE_BASE) ||
	       vmentry_check_zeros(c, GUEST_GDTR_LIMIT, 0xffff0000, VMENTRY_GUEST_TABLE_LIMIT) ||
	       vmentry_check_zeros(c, GUEST_IDTR_LIMIT, 0xffff0000, VMENTRY_GUEST_TABLE_LIMIT);
}

/* In PAE paging an entry that is present has bits 2:1, 8:5 and all beyond the address as 0. */
static bool pdpte_ok(const struct check *c, u64 pdpte)
{
	return !(pdpte & 1) ||
	       (!(pdpte & (GENMASK_ULL(8, 5) | GENMASK_ULL(2, 1))) && vmentry_width_ok(c, pdpte));
}

static bool read_pdpte(const struct check *c, unsigned int i, u64 *pdpte)
{
	u64 addr = (vmentry_read(c, GUEST_CR3) & GENMASK_ULL(31, 5)) + 8 * i;
	u32 low, high;

	if (!c->in->peek || !c->in->peek(c->in->ctx, addr, &low) ||
	    !c->in->peek(c->in->ctx, addr + 4, &high))
		return false;
	*pdpte = (u64)high << 32 | low;
	return true;
}

/* With EPT the four entries stand in the VMCS, else in memory, where CR3 says. */
static bool check_pdptes(struct check *c)
{
	bool ept = vmentry_on(c, CTL_PROC2, SECONDARY_EXEC_ENABLE_EPT);
	unsigned int i;
	u64 pdpte;

	if (vmentry_on(c, CTL_ENTRY, VM_ENTRY_IA32E_MODE) ||
	    !vmentry_has(c, GUEST_CR0, X86_CR0_PG) || !vmentry_has(c, GUEST_CR4, X86_CR4_PAE))
		return false;

	for (i = 0; i < 4; i++) {
		u32 field = ept ? GUEST_PDPTR0 + 2 * i : GUEST_CR3;

		if (ept)
			pdpte = vmentry_read(c, field);
		else if (!read_pdpte(c, i, &pdpte))
			return false;
		if (!pdpte_ok(c, pdpte))
			return vmentry_broken(c, VMENTRY_GUEST_PDPTE, field);
	}
	return false;
}

/* RFLAGS says whether this is virtual-8086 mode, so it comes before the segments. */
u16 vmentry_check_guest(const struct vmentry_input *in, struct vmentry_finding *finding)
{
	struct check c;

	vmentry_check_init(&c, in, finding);
	if (check_control_registers(&c) || check_long_mode(&c) || check_msrs(&c) ||
	    check_rip_rflags_ssp(&c) || vmentry_check_segments(&c) || check_tables(&c) ||
	    vmentry_check_non_register(&c))
		return finding->rule;
	check_pdptes(&c);
	return finding->rule;
}
