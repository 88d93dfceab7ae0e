/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The VMX instructions that handle a VMCS. Each tells success or failure in
 * the flags: "jbe" (CF or ZF set) is failure (SDM, "VMX Instruction Reference",
 * "Conventions").
 */
#ifndef VMCS_H
#define VMCS_H

#include <linux/bug.h>
#include <linux/types.h>

#include <asm/asm.h>
#include <asm/vmx.h>

struct host_state;
struct vtx_regs;
struct vtx_vcpu;

/* Write the CPU's copy back to memory and forget it. false: refused. */
static inline bool vmclear(u64 pa)
{
	bool failed;

	asm volatile("vmclear %[pa]"
		     : CC_OUT(be)(failed)
		     : [pa] "m"(pa)
		     : "cc", "memory");
	return !failed;
}

/* Make it the one that VMREAD, VMWRITE and VMLAUNCH mean, on this CPU. */
static inline bool vmptrld(u64 pa)
{
	bool failed;

	asm volatile("vmptrld %[pa]"
		     : CC_OUT(be)(failed)
		     : [pa] "m"(pa)
		     : "cc", "memory");
	return !failed;
}

static inline bool vmwrite(u32 field, u64 value)
{
	bool failed;

	asm volatile("vmwrite %[value], %[field]"
		     : CC_OUT(be)(failed)
		     : [value] "rm"(value), [field] "r"((u64)field)
		     : "cc");
	return !failed;
}

/* If it is refused, *value stays as it was. */
static inline bool vmread(u32 field, u64 *value)
{
	bool failed;

	asm volatile("vmread %[field], %[value]"
		     : CC_OUT(be)(failed), [value] "+rm"(*value)
		     : [field] "r"((u64)field)
		     : "cc");
	return !failed;
}

/* For fields that exist on every CPU we accept: failure is a bug of ours. */
static inline void vmcs_write(u32 field, u64 value)
{
	WARN_ONCE(!vmwrite(field, value), "vtxdrv: VMWRITE of field %#x failed\n", field);
}

static inline u64 vmcs_read(u32 field)
{
	u64 value = 0;

	WARN_ONCE(!vmread(field, &value), "vtxdrv: VMREAD of field %#x failed\n", field);
	return value;
}

/* vmcs.c: what stands in the form. */
int vmcs_init(void);
int vmcs_write_controls(struct vtx_vcpu *vcpu);
int vmcs_write_host(struct vtx_vcpu *vcpu);
int vmcs_write_guest(struct vtx_vcpu *vcpu);
void vmcs_update_cpu(struct host_state *host);
void vmcs_want_window(struct vtx_vcpu *vcpu, bool want);

/* vmenter.S: true if the CPU left for the guest and came back. */
bool vmenter(struct vtx_regs *regs, u64 host_rsp_field, bool launched);
void vmenter_exit(void); /* not to be called: where a VM exit lands */
void vmenter_nmi(void);

#endif /* VMCS_H */
