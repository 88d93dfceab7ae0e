// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events for the guest: an interrupt that VTXCTL sends, an exception that we
 * raise. As the guest's next turn begins, the CPU does what it would have done
 * for a real one: it looks into the guest's interrupt table, pushes where the
 * guest was, and goes on at the handler (SDM Vol. 3, "Event Injection").
 *
 * An exception can be delivered at once. An interrupt may have to wait: the
 * guest has switched interrupts off, or it has just said STI or loaded SS, and
 * the next instruction is not to be disturbed. Whoever waits asks for a window:
 * the CPU ends the guest's turn as soon as an interrupt could be taken.
 */
#include <linux/uaccess.h>

#include <asm/processor-flags.h>

#include "vmcs.h"
#include "vtxdrv.h"

#define GUARD (GUEST_INTR_STATE_STI | GUEST_INTR_STATE_MOV_SS)

/* May the guest be interrupted, before the instruction at which it stands? */
static bool event_can_inject(const struct vtx_vcpu *vcpu)
{
	return (vcpu->regs.rflags & X86_EFLAGS_IF) && !vcpu->shadow && !vcpu->event.info &&
	       !vcpu->ended;
}

/**
 * event_exception() - an instruction of the guest cannot be done
 * @vcpu: loaded
 * @vector: which exception
 * @has_error: it pushes an error code, as some do in protected mode
 * @error: that code
 */
void event_exception(struct vtx_vcpu *vcpu, u32 vector, bool has_error, u32 error)
{
	vcpu->event.info = INTR_INFO_VALID_MASK | INTR_TYPE_HARD_EXCEPTION | vector |
			   (has_error ? INTR_INFO_DELIVER_CODE_MASK : 0);
	vcpu->event.error = error;
	/* As the CPU does for a fault: done again, the instruction passes its breakpoint. */
	vcpu->regs.rflags |= X86_EFLAGS_RF;
	vmcs_write(GUEST_RFLAGS, vcpu->regs.rflags);
}

/* These three come from an instruction, which is skipped as they are delivered. */
static bool has_length(u32 info)
{
	u32 type = info & INTR_INFO_INTR_TYPE_MASK;

	return type == INTR_TYPE_SOFT_INTR || type == INTR_TYPE_PRIV_SW_EXCEPTION ||
	       type == INTR_TYPE_SOFT_EXCEPTION;
}

/* The fields of an exit and those of an entry have the same form, but for these bits. */
#define ENTRY_BITS                                            \
	(INTR_INFO_VALID_MASK | INTR_INFO_DELIVER_CODE_MASK | \
	 INTR_INFO_INTR_TYPE_MASK | INTR_INFO_VECTOR_MASK)

/**
 * event_again() - what an exit has swallowed is delivered as the next turn begins
 * @vcpu: loaded, with an exit just behind it
 * @info: the event, as the exit's fields have it
 * @error: its error code, if it has one
 */
void event_again(struct vtx_vcpu *vcpu, u32 info, u32 error)
{
	vcpu->event.info = info & ENTRY_BITS;
	vcpu->event.error = error;
	vcpu->event.length = has_length(info) ? vmcs_read(VM_EXIT_INSTRUCTION_LEN) : 0;
}

/*
 * On the way in, with an event. The CPU clears the field once it has seen to it.
 * An exception of the one instruction that STI or MOV SS guards ends the guard.
 */
void event_deliver(struct vtx_vcpu *vcpu)
{
	u64 shadow = vmcs_read(GUEST_INTERRUPTIBILITY_INFO);

	if (shadow & GUARD)
		vmcs_write(GUEST_INTERRUPTIBILITY_INFO, shadow & ~GUARD);
	vmcs_write(VM_ENTRY_INTR_INFO_FIELD, vcpu->event.info);
	if (vcpu->event.info & INTR_INFO_DELIVER_CODE_MASK)
		vmcs_write(VM_ENTRY_EXCEPTION_ERROR_CODE, vcpu->event.error);
	if (has_length(vcpu->event.info))
		vmcs_write(VM_ENTRY_INSTRUCTION_LEN, vcpu->event.length);
	vcpu->event.delivered_at = vcpu->regs.rip;
	vcpu->event.info = 0;
}

/*
 * After the last turn: what keeps interrupts out, but for RFLAGS.IF? A trap of a
 * guest that steps through itself comes first, too: the CPU would drop it.
 */
void event_end(struct vtx_vcpu *vcpu)
{
	vcpu->shadow = (vmcs_read(GUEST_INTERRUPTIBILITY_INFO) & GUARD) |
		       vmcs_read(GUEST_PENDING_DBG_EXCEPTIONS);
}

/* For VTXCTL. */
void event_report(struct vtx_vcpu *vcpu)
{
	vcpu->run->can_inject = event_can_inject(vcpu);
}

/* VTX_INTERRUPT: the guest gets this one as its next turn begins. */
long event_interrupt(struct vtx_vcpu *vcpu, void __user *arg)
{
	struct vtx_interrupt irq;

	if (copy_from_user(&irq, arg, sizeof(irq)))
		return -EFAULT;
	if (irq.vector > INTR_INFO_VECTOR_MASK || irq.reserved)
		return -EINVAL;
	if (vcpu->ended)
		return -ESHUTDOWN;
	if (!event_can_inject(vcpu))
		return -EAGAIN;
	vcpu->event.info = INTR_INFO_VALID_MASK | INTR_TYPE_EXT_INTR | irq.vector;
	event_report(vcpu);
	return 0;
}
