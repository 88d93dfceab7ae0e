// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU: one VMCS, and a descriptor of its own through which a thread of
 * VTXCTL drives it. VTX_RUN is the heart: it lets the guest run, turn after
 * turn, until VTXCTL is needed. Read vcpu_run, then vcpu_loop.
 *
 * A CPU keeps a copy of the VMCS, and keeps it as long as it may. To use the
 * VMCS on another CPU, the first must write its copy back (VMCLEAR); so must a
 * CPU that goes offline, and so must whoever frees the page. Therefore each CPU
 * has a list of the vCPUs that it holds.
 */
#include <linux/anon_inodes.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/rcuwait.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/uaccess.h>

#include <asm/processor-flags.h>
#include <asm/special_insns.h>

#include "host.h"
#include "trace.h"
#include "vmcs.h"
#include "vtxdrv.h"

atomic_long_t vtx_vcpus = ATOMIC_LONG_INIT(0);

static DEFINE_PER_CPU(struct list_head, active_vcpus);
static DEFINE_PER_CPU(struct vtx_vcpu *, current_vcpu); /* of VMPTRLD */

void vcpu_init_cpus(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		INIT_LIST_HEAD(per_cpu_ptr(&active_vcpus, cpu));
}

/* On the CPU that holds it, with interrupts off: hand it back to memory. */
static void vcpu_flush(struct vtx_vcpu *vcpu)
{
	vmclear(__pa(vcpu->vmcs));
	if (this_cpu_read(current_vcpu) == vcpu)
		this_cpu_write(current_vcpu, NULL);
	list_del(&vcpu->active);
	vcpu->launched = false;
	WRITE_ONCE(vcpu->cpu, -1);
}

static void vcpu_flush_ipi(void *arg)
{
	struct vtx_vcpu *vcpu = arg;

	/* The CPU may have gone offline, and come back, before this arrived. */
	if (vcpu->cpu == smp_processor_id())
		vcpu_flush(vcpu);
}

/* Before VMXOFF on this CPU, with interrupts off. */
void vcpu_flush_cpu(void)
{
	struct vtx_vcpu *vcpu, *next;

	list_for_each_entry_safe(vcpu, next, this_cpu_ptr(&active_vcpus), active)
		vcpu_flush(vcpu);
}

/* Whichever CPU holds it. If that one is offline, it has done so already. */
static void vcpu_flush_anywhere(struct vtx_vcpu *vcpu)
{
	int cpu = READ_ONCE(vcpu->cpu);

	if (cpu >= 0)
		smp_call_function_single(cpu, vcpu_flush_ipi, vcpu, 1);
}

static void vcpu_free(struct vtx_vcpu *vcpu)
{
	vcpu_flush_anywhere(vcpu);
	free_page((unsigned long)vcpu->vmcs);
	if (vcpu->run)
		free_pages_exact(vcpu->run, VTX_RUN_PAGES * PAGE_SIZE);
	kfree_rcu(vcpu, rcu);
	atomic_long_dec(&vtx_vcpus);
}

/* The last descriptor is closed, and with it goes our hold on the VM. */
static int vcpu_release(struct inode *inode, struct file *file)
{
	struct vtx_vcpu *vcpu = file->private_data;
	struct vtx_vm *vm = vcpu->vm;

	mutex_lock(&vm->lock);
	RCU_INIT_POINTER(vm->vcpu, NULL);
	mutex_unlock(&vm->lock);

	vcpu_free(vcpu);
	vm_put(vm);
	return 0;
}

/* The VMCS stays where it is: most often we come back to the same CPU. */
void vcpu_put(struct vtx_vcpu *vcpu)
{
	local_irq_enable();
	put_cpu();
}

/* Make it current here. A CPU that does not hold it yet puts it on its list. */
static noinline int vcpu_take(struct vtx_vcpu *vcpu)
{
	if (!hw_is_on())
		return -EAGAIN;
	if (vcpu->cpu < 0) {
		vmclear(__pa(vcpu->vmcs));
		list_add(&vcpu->active, this_cpu_ptr(&active_vcpus));
		vcpu->cpu = smp_processor_id();
	}
	vmptrld(__pa(vcpu->vmcs));
	this_cpu_write(current_vcpu, vcpu);
	if (!vcpu->launched)
		vmcs_update_cpu(&vcpu->host);
	return 0;
}

/**
 * vcpu_load() - make this vCPU's VMCS the current one, on this CPU
 * @vcpu: busy, and this thread is the one that uses it
 *
 * Until vcpu_put() the caller stays here, with interrupts off. Return: 0, or
 * -EAGAIN where VMX is off: this CPU is just going offline, or the machine is.
 */
int vcpu_load(struct vtx_vcpu *vcpu)
{
	int cpu = get_cpu(), err = 0;

	if (vcpu->cpu != cpu)
		vcpu_flush_anywhere(vcpu);

	local_irq_disable();
	if (this_cpu_read(current_vcpu) != vcpu)
		err = vcpu_take(vcpu);
	if (err)
		vcpu_put(vcpu);
	return err;
}

/**
 * vcpu_enter() - a single try, for the probe, which wants to see it refused
 * @vcpu: loaded
 *
 * Return: true after a VM exit, false if the CPU refused the controls or the
 * host state.
 */
bool vcpu_enter(struct vtx_vcpu *vcpu)
{
	bool entered;

	host_save(&vcpu->host);
	host_leave(vcpu);
	entered = vmenter(&vcpu->regs, HOST_RSP, vcpu->launched);
	host_return(vcpu);
	host_restore(&vcpu->host);
	return entered;
}

/* Whoever looks on may fault for a page, and the guest's CR2 is in the CPU. */
static noinline void vcpu_trace(struct vtx_vcpu *vcpu, bool entry)
{
	unsigned long cr2 = native_read_cr2();

	if (entry)
		trace_vtx_entry(vcpu->regs.rip, vcpu->event.delivered);
	else
		trace_vtx_exit(vcpu->exit_reason, vcpu->exit_qualification, vcpu->regs.rip);
	native_write_cr2(cr2);
}

/* One turn of the guest: in, out, and what it means. Interrupts are off. */
static void vcpu_turn(struct vtx_vcpu *vcpu)
{
	u32 vectoring;

	vmcs_write(GUEST_RIP, vcpu->regs.rip);
	vcpu->event.delivered = vcpu->event.info;
	if (vcpu->event.info)
		event_deliver(vcpu);
	if (trace_vtx_entry_enabled())
		vcpu_trace(vcpu, true);

	if (!vmenter(&vcpu->regs, HOST_RSP, vcpu->launched)) {
		fail_refused(vcpu);
		return;
	}

	vcpu->exit_reason = vmcs_read(VM_EXIT_REASON);
	vcpu->exit_qualification = vmcs_read(EXIT_QUALIFICATION);
	vcpu->regs.rip = vmcs_read(GUEST_RIP);
	vcpu->regs.rflags = vmcs_read(GUEST_RFLAGS);
	if (!vcpu->launched)
		vcpu->launched = !(vcpu->exit_reason & VMX_EXIT_REASONS_FAILED_VMENTRY);
	if (trace_vtx_exit_enabled())
		vcpu_trace(vcpu, false);

	/* It came while the CPU delivered an event: the guest shall not miss that. */
	vectoring = vmcs_read(IDT_VECTORING_INFO_FIELD);
	if (vectoring & VECTORING_INFO_VALID_MASK)
		event_again(vcpu, vectoring, vmcs_read(IDT_VECTORING_ERROR_CODE));
	exit_handle(vcpu);
}

/*
 * Turn after turn, with interrupts off all the time. One that comes for the
 * host ends the guest's turn, or the next as it begins, so none waits for long.
 * Should one be overlooked, the host comes in after this many turns all the same.
 */
#define TURNS 64

/* Return: whether the guest runs on. If it halted and nothing came, it does not. */
static noinline bool vcpu_attend(struct vtx_vcpu *vcpu)
{
	event_attend(vcpu);
	if (vcpu->halted)
		vcpu->exit = VTX_EXIT_HLT;
	return !vcpu->halted;
}

static void vcpu_turns(struct vtx_vcpu *vcpu)
{
	int i;

	host_leave(vcpu);
	for (i = 0; i < TURNS && vcpu->exit == VTX_EXIT_NONE; i++)
		if (!READ_ONCE(vcpu->request) || vcpu_attend(vcpu))
			vcpu_turn(vcpu);
	host_return(vcpu);
}

/* Does something else want this thread, or this CPU? */
static bool host_wants_us(struct vtx_vcpu *vcpu)
{
	const unsigned long work = _TIF_SIGPENDING | _TIF_NOTIFY_SIGNAL | _TIF_NEED_RESCHED;

	return (READ_ONCE(current_thread_info()->flags) & work) ||
	       READ_ONCE(vcpu->run->immediate_exit);
}

/*
 * Run the guest until VTXCTL is needed (vcpu->exit says why), or the host wants
 * more than an interrupt. Return: 0, or what vcpu_load() says.
 */
static int vcpu_loop(struct vtx_vcpu *vcpu)
{
	int err = vcpu_load(vcpu);

	if (err)
		return err;
	host_save(&vcpu->host);
	vmcs_write(GUEST_RSP, vcpu->regs.rsp);
	vmcs_write(GUEST_RFLAGS, vcpu->regs.rflags);
	if (vcpu->vm->irqchip.chips)
		WRITE_ONCE(vcpu->request, true);
	else
		vmcs_want_window(vcpu, READ_ONCE(vcpu->run->want_window));

	/*
	 * With interrupts off: a signal, or a kick, that comes after this look
	 * interrupts this CPU, and that ends the guest's turn at once.
	 */
	smp_store_mb(vcpu->running_on, smp_processor_id());
	while (!host_wants_us(vcpu)) {
		vcpu_turns(vcpu);
		if (vcpu->exit != VTX_EXIT_NONE && vcpu->exit != VTX_EXIT_INTR)
			break;
		vcpu->exit = VTX_EXIT_NONE;
		local_irq_enable(); /* here it comes in */
		local_irq_disable();
	}

	WRITE_ONCE(vcpu->running_on, -1);
	event_end(vcpu);
	vcpu->regs.rsp = vmcs_read(GUEST_RSP);
	host_restore(&vcpu->host);
	vcpu_put(vcpu);
	return 0;
}

/* VTX_RUN: finish what VTXCTL answered, then run until it is asked again. */
static long vcpu_run(struct vtx_vcpu *vcpu, void __user *arg)
{
	struct vtx_run *run = vcpu->run;
	int err = 0;

	if (arg)
		return -EINVAL;
	if (vcpu->ended)
		return -ESHUTDOWN;
	if (list_empty(&vcpu->vm->slots))
		return -ENXIO;

	vcpu->exit = VTX_EXIT_NONE;
	if (vcpu->pio.pending)
		pio_complete(vcpu);
	while (!err && vcpu->exit == VTX_EXIT_NONE) {
		err = vcpu_loop(vcpu);
		if (vcpu->exit == VTX_EXIT_IO)
			pio_begin(vcpu);
		else if (vcpu->exit == VTX_EXIT_HLT && vcpu->halted)
			err = vcpu_halt(vcpu);
		if (err || vcpu->exit != VTX_EXIT_NONE)
			break;
		cond_resched();
		if (signal_pending(current) || READ_ONCE(run->immediate_exit))
			err = -EINTR;
	}

	run->exit = vcpu->exit;
	run->hw_reason = vcpu->exit_reason;
	run->hw_qualification = vcpu->exit_qualification;
	run->if_flag = !!(vcpu->regs.rflags & X86_EFLAGS_IF);
	event_report(vcpu);
	return err;
}

static long vcpu_get_regs(struct vtx_vcpu *vcpu, void __user *arg)
{
	return copy_to_user(arg, &vcpu->regs, sizeof(vcpu->regs)) ? -EFAULT : 0;
}

/* Nonsense is let through: the CPU refuses it, and we say why. A guest that slept wakes up. */
static long vcpu_set_regs(struct vtx_vcpu *vcpu, void __user *arg)
{
	if (copy_from_user(&vcpu->regs, arg, sizeof(vcpu->regs)))
		return -EFAULT;
	vcpu->halted = false;
	return 0;
}

static const struct {
	unsigned int cmd;
	long (*handler)(struct vtx_vcpu *vcpu, void __user *arg);
} vcpu_ioctls[] = {
	{ VTX_RUN, vcpu_run },
	{ VTX_PROBE_ENTRY, fail_probe_entry },
	{ VTX_GET_REGS, vcpu_get_regs },
	{ VTX_SET_REGS, vcpu_set_regs },
	{ VTX_GET_SREGS, sregs_get },
	{ VTX_SET_SREGS, sregs_set },
	{ VTX_INTERRUPT, event_interrupt },
};

/* One thread at a time: a second one is told EBUSY, not made to wait. */
static long vcpu_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct vtx_vcpu *vcpu = file->private_data;
	size_t i = 0;
	long ret;

	if (vcpu->vm->mm != current->mm)
		return -EIO;
	while (i < ARRAY_SIZE(vcpu_ioctls) && vcpu_ioctls[i].cmd != cmd)
		i++;
	if (i == ARRAY_SIZE(vcpu_ioctls))
		return -ENOTTY;

	if (test_and_set_bit_lock(0, &vcpu->busy))
		return -EBUSY;
	ret = vcpu_ioctls[i].handler(vcpu, (void __user *)arg);
	clear_bit_unlock(0, &vcpu->busy);
	return ret;
}

/* The run page and the data page behind it. */
static int vcpu_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct vtx_vcpu *vcpu = file->private_data;
	unsigned long i, n = vma_pages(vma);
	int err = 0;

	if (!(vma->vm_flags & VM_SHARED) || vma->vm_pgoff >= VTX_RUN_PAGES ||
	    n > VTX_RUN_PAGES - vma->vm_pgoff)
		return -EINVAL;

	vma->vm_flags |= VM_DONTEXPAND | VM_DONTCOPY;
	for (i = 0; i < n && !err; i++)
		err = vm_insert_page(vma, vma->vm_start + i * PAGE_SIZE,
				     virt_to_page((void *)vcpu->run +
						  (vma->vm_pgoff + i) * PAGE_SIZE));
	return err;
}

static const struct file_operations vcpu_fops = {
	.owner = THIS_MODULE,
	.mmap = vcpu_mmap,
	.release = vcpu_release,
	.unlocked_ioctl = vcpu_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

/* Fill in the form, once and whole. */
static int vcpu_setup(struct vtx_vcpu *vcpu)
{
	int err = vcpu_load(vcpu);

	if (err)
		return err;
	err = vmcs_write_controls(vcpu);
	if (!err)
		err = vmcs_write_host(vcpu);
	if (!err)
		err = vmcs_write_guest(vcpu);
	vcpu_put(vcpu);
	return err;
}

static struct vtx_vcpu *vcpu_alloc(struct vtx_vm *vm)
{
	struct vtx_vcpu *vcpu = kzalloc(sizeof(*vcpu), GFP_KERNEL_ACCOUNT);
	int err = -ENOMEM;

	if (!vcpu)
		return ERR_PTR(err);
	atomic_long_inc(&vtx_vcpus);
	vcpu->vm = vm;
	vcpu->cpu = -1;
	vcpu->running_on = -1;
	rcuwait_init(&vcpu->wait);

	vcpu->vmcs = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	vcpu->run = alloc_pages_exact(VTX_RUN_PAGES * PAGE_SIZE, GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (vcpu->vmcs && vcpu->run) {
		vcpu->vmcs->revision_id = (u32)vtx_caps.basic;
		err = vcpu_setup(vcpu);
	}
	if (err) {
		vcpu_free(vcpu);
		return ERR_PTR(err);
	}
	return vcpu;
}

/* VTX_CREATE_VCPU: returns the new descriptor. */
long vcpu_create(struct file *file, void __user *arg)
{
	struct vtx_vm *vm = file->private_data;
	struct vtx_create_vcpu create;
	struct vtx_vcpu *vcpu;
	int fd;

	if (copy_from_user(&create, arg, sizeof(create)))
		return -EFAULT;
	if (create.id || create.flags)
		return -EINVAL;

	if (mutex_lock_killable(&vm->lock))
		return -EINTR;
	fd = -EEXIST;
	if (rcu_access_pointer(vm->vcpu))
		goto unlock;
	vcpu = vcpu_alloc(vm);
	fd = PTR_ERR_OR_ZERO(vcpu);
	if (fd)
		goto unlock;

	kref_get(&vm->ref);
	rcu_assign_pointer(vm->vcpu, vcpu);

	/* The last step: from here on, another thread may close it again. */
	fd = anon_inode_getfd("vtx-vcpu", &vcpu_fops, vcpu, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		RCU_INIT_POINTER(vm->vcpu, NULL);
		vcpu_free(vcpu);
		vm_put(vm);
	}
unlock:
	mutex_unlock(&vm->lock);
	return fd;
}
