// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest that has halted needs no CPU: its thread sleeps here, in the kernel.
 * Whoever has something for the guest kicks it, out of its sleep or out of its
 * turn.
 */
#include <linux/rcupdate.h>
#include <linux/rcuwait.h>
#include <linux/sched/signal.h>
#include <linux/smp.h>

#include "vtxdrv.h"

/**
 * vcpu_kick() - the VM's vCPU shall look at the interrupt controllers
 * @vm: whose
 *
 * From anywhere, interrupts of the host too. First the mark, then the question
 * where the vCPU is: it says first that it is there, and then looks for a mark.
 */
void vcpu_kick(struct vtx_vm *vm)
{
	struct vtx_vcpu *vcpu;
	int cpu;

	rcu_read_lock();
	vcpu = rcu_dereference(vm->vcpu);
	if (vcpu && !xchg(&vcpu->request, true)) {
		cpu = READ_ONCE(vcpu->running_on);
		if (cpu >= 0 && cpu != raw_smp_processor_id())
			smp_send_reschedule(cpu);
		rcuwait_wake_up(&vcpu->wait);
	}
	rcu_read_unlock();
}

/* Sleep, at no cost, until somebody kicks. Return: 0, or -EINTR. */
static int vcpu_sleep(struct vtx_vcpu *vcpu)
{
	vcpu->exit = VTX_EXIT_NONE;
	/* Be seen, look, sleep; and again, until the mark is there. */
	return rcuwait_wait_event(&vcpu->wait,
				  READ_ONCE(vcpu->request) ||
					  READ_ONCE(vcpu->run->immediate_exit),
				  TASK_INTERRUPTIBLE);
}

/* The guest has halted. If nothing can send it an interrupt, VTXCTL is told. */
int vcpu_halt(struct vtx_vcpu *vcpu)
{
	if (!irqchip_may_wake(vcpu->vm, READ_ONCE(vcpu->run->may_pull)))
		return 0;
	return vcpu_sleep(vcpu);
}

/* A device is not ready for what the guest wants to say. */
int vcpu_hold(struct vtx_vcpu *vcpu)
{
	vcpu->held = false;
	return vcpu_sleep(vcpu);
}
