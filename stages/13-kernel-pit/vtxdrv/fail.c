// SPDX-License-Identifier: GPL-2.0-only
/*
 * Why was a VM entry refused? The CPU gives a number: 7 for "a control is
 * wrong", 8 for "the host state is wrong", and not a word more. So we read
 * the form again with the rule book in hand (common/vmentry*.c), until we come
 * to the rule that was broken.
 *
 * To learn what the CPU minds, VTX_PROBE_ENTRY spoils one field on purpose.
 * The guest state is wrong, too. So even a CPU that lets a spoilt field pass
 * comes back at once, to HOST_RIP.
 */
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include <asm/cpufeature.h>
#include <asm/processor.h>

#include "vmcs.h"
#include "vmentry.h"
#include "vtxdrv.h"

/* The five forms: which field, and what is done to its bits. */
static const struct {
	u32 field;
	u64 clear, set;
} spoilt_forms[] = {
	[VTX_FORM_PIN_ZERO] = { PIN_BASED_VM_EXEC_CONTROL, .clear = ~0ULL },
	[VTX_FORM_CR3_TARGETS] = { CR3_TARGET_COUNT, .set = 0x1ff },
	[VTX_FORM_EPT_WALK] = { EPT_POINTER, .clear = VMX_EPTP_PWL_MASK },
	[VTX_FORM_HOST_CR4] = { HOST_CR4, .clear = X86_CR4_VMXE },
	[VTX_FORM_HOST_CS] = { HOST_CS_SELECTOR, .set = 3 },
};

static u64 read_field(void *unused, u32 field)
{
	u64 value = 0;

	vmread(field, &value);
	return value;
}

static void describe_cpu(struct vmentry_caps *caps)
{
	const struct vtx_caps *c = &vtx_caps;

	*caps = (struct vmentry_caps){
		.basic = c->basic,
		.pin = c->pin,
		.proc = c->proc,
		.proc2 = c->proc2,
		.exit = c->exit,
		.entry = c->entry,
		.misc = c->misc,
		.cr0_fixed0 = c->cr0_fixed0,
		.cr0_fixed1 = c->cr0_fixed1,
		.cr4_fixed0 = c->cr4_fixed0,
		.cr4_fixed1 = c->cr4_fixed1,
		.ept_vpid = c->ept_vpid,
		.vmfunc = c->vmfunc,
		.maxphyaddr = c->maxphyaddr,
		.maxlinaddr = boot_cpu_data.x86_virt_bits,
		.sgx = boot_cpu_has(X86_FEATURE_SGX),
		.rtm = boot_cpu_has(X86_FEATURE_RTM),
		.bus_lock_detect = boot_cpu_has(X86_FEATURE_BUS_LOCK_DETECT),
	};
}

/*
 * Find the broken rule in the current VMCS. `error` is what the CPU said:
 * controls are its error 7, host state its error 8. For the guest state it
 * says no error; that is a VM exit of its own kind, and 0 here.
 */
static void find_rule(struct vtx_vcpu *vcpu, u32 error, struct vmentry_finding *finding)
{
	struct vmentry_caps caps;
	struct vmentry_input in = {
		.caps = &caps,
		.read = read_field,
		.vmcs_addr = __pa(vcpu->vmcs),
		.ia32e = true,
	};

	describe_cpu(&caps);
	if (error == VMXERR_ENTRY_INVALID_CONTROL_FIELD)
		vmentry_check_controls(&in, finding);
	else if (error == VMXERR_ENTRY_INVALID_HOST_STATE_FIELD)
		vmentry_check_host(&in, finding);
	else if (!error)
		vmentry_check_guest(&in, finding);
}

/* Tell VTXCTL, and let it be the end of this guest. */
static void fail_report(struct vtx_vcpu *vcpu, u32 error)
{
	struct vmentry_finding finding = {};
	struct vtx_run *run = vcpu->run;

	find_rule(vcpu, error, &finding);
	vcpu->exit = VTX_EXIT_FAIL;
	run->fail.error = error;
	run->fail.rule = finding.rule;
	run->fail.field = finding.field;
	run->fail.value = finding.value;
	vcpu->ended = true;
}

/* VMLAUNCH itself failed: a control or the host state, so a fault of ours. */
void fail_refused(struct vtx_vcpu *vcpu)
{
	fail_report(vcpu, vmcs_read(VM_INSTRUCTION_ERROR));
}

/* The guest state was refused: the CPU began to enter and came back. */
void fail_guest_state(struct vtx_vcpu *vcpu)
{
	fail_report(vcpu, 0);
}

/* Fill in the form, spoil one field, and hand it to the CPU. */
static int probe(struct vtx_vcpu *vcpu, struct vtx_probe *p)
{
	struct vmentry_finding finding = {};
	u32 field = spoilt_forms[p->form].field;
	int err;

	err = vcpu_load(vcpu);
	if (err)
		return err;

	vcpu->fields_filled = 0;
	err = vmcs_write_controls(vcpu);
	if (!err)
		err = vmcs_write_host(vcpu);
	if (err)
		goto put;
	p->fields_filled = vcpu->fields_filled;

	p->spoilt_field = field;
	p->spoilt_from = vmcs_read(field);
	p->spoilt_to = (p->spoilt_from & ~spoilt_forms[p->form].clear) | spoilt_forms[p->form].set;
	vmcs_write(field, p->spoilt_to);
	vmcs_write(GUEST_RFLAGS, 0); /* bit 1 must be 1: no guest starts with this */

	if (vcpu_enter(vcpu)) {
		p->exit_reason = vmcs_read(VM_EXIT_REASON);
	} else {
		p->error = vmcs_read(VM_INSTRUCTION_ERROR);
		find_rule(vcpu, p->error, &finding);
		p->rule = finding.rule;
		p->field = finding.field;
		p->value = finding.value;
	}
	vmcs_write(field, p->spoilt_from);
put:
	vcpu_put(vcpu);
	return err;
}

/* VTX_PROBE_ENTRY */
long fail_probe_entry(struct vtx_vcpu *vcpu, void __user *arg)
{
	struct vtx_probe p;
	u32 form;
	int err;

	if (copy_from_user(&p, arg, sizeof(p)))
		return -EFAULT;
	form = p.form;
	if (!form || form >= ARRAY_SIZE(spoilt_forms) || p.reserved)
		return -EINVAL;

	memset(&p, 0, sizeof(p));
	p.form = form;
	err = probe(vcpu, &p);
	if (err)
		return err;
	return copy_to_user(arg, &p, sizeof(p)) ? -EFAULT : 0;
}
