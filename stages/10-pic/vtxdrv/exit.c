// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's turn is over, and the CPU has noted why: a reason, and for many
 * reasons a qualification that says more. Here is what each means for us. What
 * has no row in the table ends the guest with a sentence, never the host.
 *
 * SDM Vol. 3, "VM Exits", "Basic VM-Exit Information".
 */
#include <linux/kernel.h>
#include <linux/string.h>

#include <uapi/asm/debugreg.h>
#include <asm/mce.h>
#include <asm/processor-flags.h>
#include <asm/ptrace.h>
#include <asm/trapnr.h>

#include "host.h"
#include "vmcs.h"
#include "vtxdrv.h"

/**
 * vtx_kill() - end this guest and say why
 * @vcpu: whose guest
 * @fmt: a sentence without a full stop, "it ..." where the guest is meant
 *
 * The first reason stays: what follows from it would only confuse. VTXCTL reads
 * the sentence to the user.
 */
void vtx_kill(struct vtx_vcpu *vcpu, const char *fmt, ...)
{
	struct vtx_run *run = vcpu->run;
	va_list ap;

	if (vcpu->ended)
		return;
	vcpu->ended = true;
	vcpu->exit = VTX_EXIT_KILLED;
	va_start(ap, fmt);
	vsnprintf(run->text, sizeof(run->text), fmt, ap);
	va_end(ap);
}

/*
 * The guest's CPU has shut down, as a real one does when an exception comes
 * while it tries to bring a double fault to the guest. The CPU does not say what
 * came first; but where the guest stands still where we delivered an event, it
 * was that one. Why could none be delivered? An interrupt table that ends before
 * the entry of the double fault (4 bytes for each in real mode, 8 in protected),
 * or a stack without room, shows.
 */
static void exit_triple_fault(struct vtx_vcpu *vcpu)
{
	u32 limit = vmcs_read(GUEST_IDTR_LIMIT);
	bool protected = vmcs_read(CR0_READ_SHADOW) & X86_CR0_PE;
	u16 sp = vmcs_read(GUEST_RSP);
	u32 first = vcpu->event.delivered_at == vcpu->regs.rip ? vcpu->event.delivered : 0;

	if (limit < (X86_TRAP_DF + 1) * (protected ? 8 : 4) - 1)
		vtx_kill(vcpu, "an event came, and its interrupt table (limit %#x) has no entry for it",
			 limit);
	else if (!protected && sp && sp < 6)
		vtx_kill(vcpu, "an event came, and its stack (SP %#x) has no room for it", sp);
	else
		vtx_kill(vcpu, "one exception led to another, and that to a third");
	vcpu->run->shutdown.delivered = !!first;
	vcpu->run->shutdown.vector = first & INTR_INFO_VECTOR_MASK;
	vcpu->run->shutdown.type = (first & INTR_INFO_INTR_TYPE_MASK) >> 8;
	vcpu->exit = VTX_EXIT_SHUTDOWN;
}

/*
 * We have done an instruction, or one round of a REP. An STI or MOV SS just
 * before it guards one instruction only, and this was it. A guest that steps
 * through itself (RFLAGS.TF) gets its trap after this one, too.
 */
void exit_step_done(struct vtx_vcpu *vcpu)
{
	u64 shadow = vmcs_read(GUEST_INTERRUPTIBILITY_INFO);
	u64 guard = shadow & (GUEST_INTR_STATE_STI | GUEST_INTR_STATE_MOV_SS);
	u64 pending;

	if (guard)
		vmcs_write(GUEST_INTERRUPTIBILITY_INFO, shadow & ~guard);
	if (vcpu->regs.rflags & X86_EFLAGS_TF) {
		pending = vmcs_read(GUEST_PENDING_DBG_EXCEPTIONS);
		vmcs_write(GUEST_PENDING_DBG_EXCEPTIONS, pending | DR_STEP);
	}
}

/* The whole instruction is done: the guest goes on behind it. */
void exit_skip_instruction(struct vtx_vcpu *vcpu)
{
	vcpu->regs.rip += vmcs_read(VM_EXIT_INSTRUCTION_LEN);
	exit_step_done(vcpu);
}

/*
 * Something for the host. We asked the CPU not to acknowledge interrupts, so it
 * is still there, and comes in as soon as the loop turns interrupts on.
 */
static void exit_host_interrupt(struct vtx_vcpu *vcpu)
{
	vcpu->exit = VTX_EXIT_INTR;
}

/* The machine is ill, whoever was running: the host is to hear of it. */
static void host_machine_check(void)
{
#ifdef CONFIG_X86_MCE
	struct pt_regs regs = { .cs = 3, .flags = X86_EFLAGS_IF };

	do_machine_check(&regs);
#endif
}

/*
 * An exception came while the CPU delivered another event. The CPU makes a
 * double fault of most such pairs, by itself. What remains is a guest whose
 * handler faults in the same way as what it handles, and that never ends.
 */
static bool is_endless(void)
{
	return vmcs_read(IDT_VECTORING_INFO_FIELD) & VECTORING_INFO_VALID_MASK;
}

static void exit_exception(struct vtx_vcpu *vcpu)
{
	u32 info = vmcs_read(VM_EXIT_INTR_INFO);
	u32 vector = info & INTR_INFO_VECTOR_MASK;

	if ((info & INTR_INFO_INTR_TYPE_MASK) == INTR_TYPE_NMI_INTR) {
		host_return(vcpu); /* the handler may look at all of it */
		vmenter_nmi();
		host_leave(vcpu);
		vcpu->exit = VTX_EXIT_INTR;
		return;
	}
	if (vector == X86_TRAP_MC) {
		host_machine_check();
		vcpu->exit = VTX_EXIT_INTR;
		return;
	}
	if (vector == X86_TRAP_NM && !(vmcs_read(CR0_READ_SHADOW) & (X86_CR0_TS | X86_CR0_EM)))
		vtx_kill(vcpu, "it used the FPU, and VirtX has none for it yet");
	else if (is_endless())
		vtx_kill(vcpu, "exception %u came on the way to its own handler", vector);
	event_again(vcpu, info, vmcs_read(VM_EXIT_INTR_ERROR_CODE));
}

/* It can take an interrupt now, and VTXCTL waits for that. */
static void exit_window(struct vtx_vcpu *vcpu)
{
	vcpu->exit = VTX_EXIT_WINDOW;
}

static void exit_task_switch(struct vtx_vcpu *vcpu)
{
	vtx_kill(vcpu, "a task switch to %#llx, and VirtX does none: to change segments, load them",
		 vcpu->exit_qualification & 0xffff);
}

static void exit_hlt(struct vtx_vcpu *vcpu)
{
	vcpu->exit = VTX_EXIT_HLT;
	exit_skip_instruction(vcpu);
}

static void exit_ept_violation(struct vtx_vcpu *vcpu)
{
	u64 gpa = vmcs_read(GUEST_PHYSICAL_ADDRESS);
	u64 q = vcpu->exit_qualification;
	const char *did = "read from";

	if (q & EPT_VIOLATION_ACC_WRITE)
		did = "wrote to";
	else if (q & EPT_VIOLATION_ACC_INSTR)
		did = "ran to";
	vtx_kill(vcpu, "it %s %#llx, where %s", did, gpa,
		 q & EPT_VIOLATION_RWX_MASK ? "it may not" : "it has no memory");
}

static void (*const exit_handlers[])(struct vtx_vcpu *vcpu) = {
	[EXIT_REASON_EXCEPTION_NMI] = exit_exception,
	[EXIT_REASON_EXTERNAL_INTERRUPT] = exit_host_interrupt,
	[EXIT_REASON_TRIPLE_FAULT] = exit_triple_fault,
	[EXIT_REASON_INTERRUPT_WINDOW] = exit_window,
	[EXIT_REASON_TASK_SWITCH] = exit_task_switch,
	[EXIT_REASON_CPUID] = cpuid_exit,
	[EXIT_REASON_HLT] = exit_hlt,
	[EXIT_REASON_INVD] = exit_skip_instruction, /* the caches are the host's */
	[EXIT_REASON_CR_ACCESS] = cr_exit,
	[EXIT_REASON_IO_INSTRUCTION] = pio_exit,
	[EXIT_REASON_EPT_VIOLATION] = exit_ept_violation,
	[EXIT_REASON_PREEMPTION_TIMER] = exit_host_interrupt,
	[EXIT_REASON_WBINVD] = exit_skip_instruction,
};

/* A handler that leaves vcpu->exit alone has done it all: the guest goes on. */
void exit_handle(struct vtx_vcpu *vcpu)
{
	u32 reason = vcpu->exit_reason & 0xffff;

	if (vcpu->exit_reason & VMX_EXIT_REASONS_FAILED_VMENTRY) {
		if (reason == EXIT_REASON_MCE_DURING_VMENTRY)
			host_machine_check();
		if (reason == EXIT_REASON_INVALID_STATE)
			fail_guest_state(vcpu);
		else
			vtx_kill(vcpu, "the CPU gave up while it entered the guest");
		return;
	}

	if (reason < ARRAY_SIZE(exit_handlers) && exit_handlers[reason])
		exit_handlers[reason](vcpu);
	else
		vtx_kill(vcpu, "VirtX has no answer to this yet (VM exit %u)", reason);
}
