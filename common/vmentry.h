/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Why the CPU refused a VM entry.
 *
 * The CPU says only that something is wrong: VM-instruction error 7 (a control), error 8 (the
 * host's state) or exit reason 33 (the guest's state). Here the checks that the Intel SDM lists
 * for VM entries are made again, one after the other, until one fails.
 *
 * The CPU checks controls and host state before it loads any of the guest, but within that the
 * order is its own affair (SDM "Checks on VMX Controls and Host-State Area"). So what is found is
 * *a* broken rule; if several are broken, it need not be the one that the CPU met first.
 *
 * No allocation, no lock, no call of the operating system: the same files are built into the
 * module and into the host's unit tests.
 *
 * Left out, because a 64-bit kernel cannot come there: the rules for entries from SMM and SEAM,
 * and for CPUs without the Intel 64 architecture. That a VMCS must be clear or launched, and the
 * MSR-load list, have an error number or exit reason of their own (4, 5; 34).
 */
#ifndef VTX_VMENTRY_H
#define VTX_VMENTRY_H

#include "types.h"

/* What the CPU can do: its capability MSRs, as RDMSR gives them. */
struct vmentry_caps {
	u64 basic; /* IA32_VMX_BASIC */
	u64 pin; /* pin, proc, exit, entry: the TRUE MSRs where basic has bit 55 */
	u64 proc;
	u64 proc2; /* IA32_VMX_PROCBASED_CTLS2, or 0 where it does not exist */
	u64 proc3; /* IA32_VMX_PROCBASED_CTLS3, likewise */
	u64 exit;
	u64 exit2; /* IA32_VMX_EXIT_CTLS2, likewise */
	u64 entry;
	u64 misc; /* IA32_VMX_MISC */
	u64 cr0_fixed0;
	u64 cr0_fixed1;
	u64 cr4_fixed0;
	u64 cr4_fixed1;
	u64 ept_vpid; /* IA32_VMX_EPT_VPID_CAP, or 0 */
	u64 vmfunc; /* IA32_VMX_VMFUNC, or 0 */

	/*
	 * Bits that this CPU reserves in an MSR beyond those that all CPUs reserve. Which they are
	 * depends on the model: 0 is safe, it only lets some bad values go unnoticed.
	 */
	u64 efer_reserved;
	u64 debugctl_reserved;
	u64 perf_global_ctrl_reserved;
	u64 rtit_ctl_reserved;
	u64 s_cet_reserved;
	u64 spec_ctrl_reserved;

	u8 maxphyaddr; /* CPUID.80000008H:EAX[7:0] */
	u8 maxlinaddr; /* CPUID.80000008H:EAX[15:8], 48 or 57 */
	bool sgx; /* CPUID.(7,0):EBX[2] */
	bool rtm; /* CPUID.(7,0):EBX[11] */
	bool bus_lock_detect; /* CPUID.(7,0):ECX[24] */
	bool lam; /* CPUID.(7,1):EAX[26] */
};

struct vmentry_input {
	const struct vmentry_caps *caps;

	/*
	 * Reads a field of the VMCS in question. Asked only for fields that exist on a CPU with
	 * these capabilities.
	 */
	u64 (*read)(void *ctx, u32 field);

	/*
	 * Reads four bytes of physical memory, false if it cannot. May be NULL: the rules on what
	 * lies in memory (the virtual TPR, the linked VMCS, PDPTEs without EPT) are then skipped.
	 */
	bool (*peek)(void *ctx, u64 addr, u32 *value);

	void *ctx;

	u64 vmcs_addr; /* physical address of the VMCS in question */
	bool ia32e; /* IA32_EFER.LMA at the VM entry: a 64-bit kernel says true */
	bool tracing; /* IA32_RTIT_CTL.TraceEn at the VM entry */
};

/* rule: 0 or one of the rules below; field: the VMCS field to blame, value: what it holds. */
struct vmentry_finding {
	u64 value;
	u32 field;
	u16 rule;
};

enum vmentry_section {
#define VMENTRY_SECTION(name, number, title) VMENTRY_SECTION_##name,
#define VMENTRY_RULE(name, section, words)
#include "vmentry_rules.h"
};

enum vmentry_rule {
	VMENTRY_OK,
#define VMENTRY_SECTION(name, number, title)
#define VMENTRY_RULE(name, section, words) VMENTRY_##name,
#include "vmentry_rules.h"
	VMENTRY_NR_RULES,
};

/*
 * Each looks for the first broken rule of its group, fills in *finding and returns the rule's
 * number, VMENTRY_OK (0) if it finds none. A group is only worth asking if the ones before it
 * found nothing.
 */
u16 vmentry_check_controls(const struct vmentry_input *in, struct vmentry_finding *finding);
u16 vmentry_check_host(const struct vmentry_input *in, struct vmentry_finding *finding);
u16 vmentry_check_guest(const struct vmentry_input *in, struct vmentry_finding *finding);

#endif /* VTX_VMENTRY_H */
