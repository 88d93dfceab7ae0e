// SPDX-License-Identifier: GPL-2.0-only
/*
 * The registers of the guest that lie in the VMCS: segments, tables, control
 * registers. VTXCTL reads them to explain, and writes them to begin elsewhere
 * than at reset.
 */
#include <linux/uaccess.h>

#include "vmcs.h"
#include "vtxdrv.h"

/* The fields of a segment lie in a row, in this order (SDM, "Field Encoding"). */
static struct vtx_segment *segment(struct vtx_sregs *s, int i)
{
	struct vtx_segment *const order[] = {
		&s->es,
		&s->cs,
		&s->ss,
		&s->ds,
		&s->fs,
		&s->gs,
		&s->ldtr,
		&s->tr,
	};

	return i < ARRAY_SIZE(order) ? order[i] : NULL;
}

static void sregs_read(struct vtx_vcpu *vcpu, struct vtx_sregs *s)
{
	struct vtx_segment *seg;
	int i;

	for (i = 0; (seg = segment(s, i)); i++) {
		seg->selector = vmcs_read(GUEST_ES_SELECTOR + 2 * i);
		seg->base = vmcs_read(GUEST_ES_BASE + 2 * i);
		seg->limit = vmcs_read(GUEST_ES_LIMIT + 2 * i);
		seg->access = vmcs_read(GUEST_ES_AR_BYTES + 2 * i);
	}
	s->gdt.base = vmcs_read(GUEST_GDTR_BASE);
	s->gdt.limit = vmcs_read(GUEST_GDTR_LIMIT);
	s->idt.base = vmcs_read(GUEST_IDTR_BASE);
	s->idt.limit = vmcs_read(GUEST_IDTR_LIMIT);
	s->cr0 = vmcs_read(CR0_READ_SHADOW);
	s->cr2 = vcpu->cr2;
	s->cr3 = vmcs_read(GUEST_CR3);
	s->cr4 = vmcs_read(CR4_READ_SHADOW);
	s->efer = vmcs_read(GUEST_IA32_EFER);
}

/* What makes no sense together is found by the CPU as it enters, and told. */
static int sregs_write(struct vtx_vcpu *vcpu, struct vtx_sregs *s)
{
	u64 old_cr3 = vmcs_read(GUEST_CR3);
	struct vtx_segment *seg;
	int i;

	if (s->efer || s->cr0 > U32_MAX || s->cr3 > U32_MAX || s->cr4 > U32_MAX)
		return -EINVAL;
	vmcs_write(GUEST_CR3, s->cr3);
	if (!cr_set(vcpu, s->cr0, s->cr4)) {
		vmcs_write(GUEST_CR3, old_cr3);
		return -EINVAL;
	}
	for (i = 0; (seg = segment(s, i)); i++) {
		vmcs_write(GUEST_ES_SELECTOR + 2 * i, seg->selector);
		vmcs_write(GUEST_ES_BASE + 2 * i, seg->base);
		vmcs_write(GUEST_ES_LIMIT + 2 * i, seg->limit);
		vmcs_write(GUEST_ES_AR_BYTES + 2 * i, seg->access);
	}
	vmcs_write(GUEST_GDTR_BASE, s->gdt.base);
	vmcs_write(GUEST_GDTR_LIMIT, s->gdt.limit);
	vmcs_write(GUEST_IDTR_BASE, s->idt.base);
	vmcs_write(GUEST_IDTR_LIMIT, s->idt.limit);
	vcpu->cr2 = s->cr2;
	vmcs_write(GUEST_PENDING_DBG_EXCEPTIONS, 0); /* a step that was done before is not told after */
	return 0;
}

long sregs_get(struct vtx_vcpu *vcpu, void __user *arg)
{
	struct vtx_sregs s = {};
	int err = vcpu_load(vcpu);

	if (err)
		return err;
	sregs_read(vcpu, &s);
	vcpu_put(vcpu);
	return copy_to_user(arg, &s, sizeof(s)) ? -EFAULT : 0;
}

long sregs_set(struct vtx_vcpu *vcpu, void __user *arg)
{
	struct vtx_sregs s;
	int err;

	if (copy_from_user(&s, arg, sizeof(s)))
		return -EFAULT;
	err = vcpu_load(vcpu);
	if (err)
		return err;
	err = sregs_write(vcpu, &s);
	vcpu_put(vcpu);
	return err;
}
