/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A VM exit leaves the host with the limits of GDT and IDT at their largest, no
 * LDT, no debugging, data segments empty, DR6 and CR2 as the guest left them
 * (SDM, "Loading Host State"). Linux has its own ideas about each.
 *
 * Three kinds of time matter. What only the process would miss is saved as
 * VTX_RUN begins, and put back as it ends (host_save, host_restore). What an
 * interrupt may look at, or change, is seen to each time they go off and on
 * (host_leave, host_return). Between two turns of the guest with interrupts off
 * nobody looks, and so nothing is done.
 */
#ifndef HOST_H
#define HOST_H

#include <linux/hw_breakpoint.h>

#include <asm/debugreg.h>
#include <asm/desc.h>
#include <asm/fsgsbase.h>
#include <asm/msr.h>
#include <asm/segment.h>
#include <asm/special_insns.h>

#include "vmcs.h"
#include "vtxdrv.h"

/* The data segments, and the base in FS, are the process's own. */
static __always_inline void host_save(struct host_state *host)
{
	u64 fs_base = x86_fsbase_read_cpu();

	if (fs_base != host->fs_base)
		vmcs_write(HOST_FS_BASE, host->fs_base = fs_base);
	store_ldt(host->ldt);
	savesegment(ds, host->ds);
	savesegment(es, host->es);
	savesegment(fs, host->fs);
	savesegment(gs, host->gs);
}

/*
 * Few processes have any of these. With FS and GS comes a base from the table;
 * the process may have set another one since. GS's waits in an MSR while the
 * kernel runs.
 */
static noinline void host_restore_segments(const struct host_state *host)
{
	u64 gs_base = __rdmsr(MSR_KERNEL_GS_BASE);

	if (host->ldt)
		asm volatile("lldt %0"
			     :
			     : "m"(host->ldt));
	if (host->ds)
		loadsegment(ds, host->ds);
	if (host->es)
		loadsegment(es, host->es);
	if (host->fs) {
		loadsegment(fs, host->fs);
		wrmsrl(MSR_FS_BASE, host->fs_base);
	}
	if (host->gs) {
		load_gs_index(host->gs);
		wrmsrl(MSR_KERNEL_GS_BASE, gs_base);
	}
}

/* The tables first: a segment is loaded from them. */
static __always_inline void host_restore(const struct host_state *host)
{
	native_load_gdt(&host->gdt);
	native_load_idt(&host->idt);
	invalidate_tss_limit();
	if (host->ldt | host->ds | host->es | host->fs | host->gs)
		host_restore_segments(host);
}

/*
 * With interrupts off, before some turns of the guest. An interrupt may set a
 * bit of CR4. To patch its own code the kernel switches to other tables, and
 * comes back with a new PCID in CR3.
 */
static __always_inline void host_leave(struct vtx_vcpu *vcpu)
{
	struct host_state *host = &vcpu->host;
	u64 cr3 = __native_read_cr3();
	u64 cr4 = native_read_cr4();

	if (cr3 != host->cr3)
		vmcs_write(HOST_CR3, host->cr3 = cr3);
	if (cr4 != host->cr4)
		vmcs_write(HOST_CR4, host->cr4 = cr4);
	host->debugctl = __rdmsr(MSR_IA32_DEBUGCTLMSR);
	host->cr2 = native_read_cr2();
	if (vcpu->cr2 != host->cr2)
		native_write_cr2(vcpu->cr2);
}

/* After them. Linux keeps DR6 at rest, and knows which of its breakpoints are on. */
static __always_inline void host_return(struct vtx_vcpu *vcpu)
{
	struct host_state *host = &vcpu->host;

	vcpu->cr2 = native_read_cr2();
	if (vcpu->cr2 != host->cr2)
		native_write_cr2(host->cr2);
	if (host->debugctl)
		update_debugctlmsr(host->debugctl);
	if (native_get_debugreg(6) != DR6_RESERVED)
		native_set_debugreg(6, DR6_RESERVED);
	if (hw_breakpoint_active())
		hw_breakpoint_restore();
}

#endif /* HOST_H */
