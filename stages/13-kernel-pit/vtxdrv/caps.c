// SPDX-License-Identifier: GPL-2.0-only
/*
 * What can this CPU do? It says so itself, in a row of read-only registers:
 * the VMX capability MSRs. A hypervisor never guesses; it reads these and
 * sets a control bit only where they allow it.
 */
#include <asm/msr.h>
#include <asm/processor.h>
#include <asm/vmx.h>

#include "vtxdrv.h"

struct vtx_caps vtx_caps;

/* Not every CPU has every word, and to read a missing MSR is a fault. */
static u64 read_or_zero(u32 msr)
{
	u64 val;

	return rdmsrl_safe(msr, &val) ? 0 : val;
}

/*
 * Early CPUs forced some controls to 1 that later ones set free. The old MSRs
 * keep the old answer for old software; the TRUE ones tell the truth. Bit 55
 * of the basic word says that they exist (SDM, "Basic VMX Information").
 */
static u64 read_control(u32 msr, u32 true_msr)
{
	bool has_true = vtx_caps.basic & VMX_BASIC_TRUE_CTLS;

	return read_or_zero(has_true ? true_msr : msr);
}

/* To be called on a CPU that has VMX: hw.c asks for that first. */
void caps_read(void)
{
	struct vtx_caps *c = &vtx_caps;

	c->feature_control = read_or_zero(MSR_IA32_FEAT_CTL);
	c->basic = read_or_zero(MSR_IA32_VMX_BASIC);
	if (c->basic & VMX_BASIC_TRUE_CTLS)
		c->flags |= VTX_CAPS_TRUE;

	c->pin = read_control(MSR_IA32_VMX_PINBASED_CTLS, MSR_IA32_VMX_TRUE_PINBASED_CTLS);
	c->proc = read_control(MSR_IA32_VMX_PROCBASED_CTLS, MSR_IA32_VMX_TRUE_PROCBASED_CTLS);
	c->exit = read_control(MSR_IA32_VMX_EXIT_CTLS, MSR_IA32_VMX_TRUE_EXIT_CTLS);
	c->entry = read_control(MSR_IA32_VMX_ENTRY_CTLS, MSR_IA32_VMX_TRUE_ENTRY_CTLS);
	c->proc2 = read_or_zero(MSR_IA32_VMX_PROCBASED_CTLS2);
	c->misc = read_or_zero(MSR_IA32_VMX_MISC);
	c->ept_vpid = read_or_zero(MSR_IA32_VMX_EPT_VPID_CAP);
	c->vmfunc = read_or_zero(MSR_IA32_VMX_VMFUNC);

	c->cr0_fixed0 = read_or_zero(MSR_IA32_VMX_CR0_FIXED0);
	c->cr0_fixed1 = read_or_zero(MSR_IA32_VMX_CR0_FIXED1);
	c->cr4_fixed0 = read_or_zero(MSR_IA32_VMX_CR4_FIXED0);
	c->cr4_fixed1 = read_or_zero(MSR_IA32_VMX_CR4_FIXED1);

	c->maxphyaddr = boot_cpu_data.x86_phys_bits;
}
