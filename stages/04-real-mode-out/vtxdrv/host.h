/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A VM exit leaves the host with the limits of GDT and IDT at their largest, no
 * LDT, no debugging, data segments empty, DR6 and CR2 as the guest left them
 * (SDM, "Loading Host State"). Linux has its own ideas about each.
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

#include "vtxdrv.h"

static __always_inline void host_save(struct host_state *host)
{
	native_store_gdt(&host->gdt);
	store_idt(&host->idt);
	store_ldt(host->ldt);
	savesegment(ds, host->ds);
	savesegment(es, host->es);
	savesegment(fs, host->fs);
	savesegment(gs, host->gs);
	host->fs_base = x86_fsbase_read_cpu();
	host->debugctl = __rdmsr(MSR_IA32_DEBUGCTLMSR);
	host->cr2 = native_read_cr2();
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

/*
 * The tables first: a segment is loaded from them. Linux keeps DR6 at rest, and
 * knows which of its breakpoints are on.
 */
static __always_inline void host_restore(const struct host_state *host)
{
	native_load_gdt(&host->gdt);
	native_load_idt(&host->idt);
	invalidate_tss_limit();
	if (host->ldt | host->ds | host->es | host->fs | host->gs)
		host_restore_segments(host);

	native_write_cr2(host->cr2);
	if (host->debugctl)
		update_debugctlmsr(host->debugctl);
	if (native_get_debugreg(6) != DR6_RESERVED)
		native_set_debugreg(6, DR6_RESERVED);
	if (hw_breakpoint_active())
		hw_breakpoint_restore();
}

#endif /* HOST_H */
