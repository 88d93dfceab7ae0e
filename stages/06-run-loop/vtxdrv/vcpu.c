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
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/uaccess.h>

#include <asm/debugreg.h>
#include <asm/processor-flags.h>
#include <asm/special_insns.h>

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

	/* It may have gone offline, and come back, before this arrived. */
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
	kfree(vcpu);
	atomic_long_dec(&vtx_vcpus);
}

/* The last descriptor is closed, and with it goes our hold on the VM. */
static int vcpu_release(struct inode *inode, struct file *file)
{
	struct vtx_vcpu *vcpu = file->private_data;
	struct vtx_vm *vm = vcpu->vm;

	mutex_lock(&vm->lock);
	vm->vcpu = NULL;
	mutex_unlock(&vm->lock);

	vcpu_free(vcpu);
	vm_put(vm);
	return 0;
}

/**
 * vcpu_load() - make this vCPU's VMCS the current one, on this CPU
 * @vcpu: locked
 *
 * Until vcpu_put() the caller stays here, with interrupts off. Return: 0, or
 * -EAGAIN where VMX is off: this CPU is just going offline, or the machine is.
 */
int vcpu_load(struct vtx_vcpu *vcpu)
{
	int cpu = get_cpu();

	if (vcpu->cpu != cpu)
		vcpu_flush_anywhere(vcpu);

	local_irq_disable();
	if (!hw_is_on()) {
		vcpu_put(vcpu);
		return -EAGAIN;
	}
	if (vcpu->cpu != cpu) {
		vmclear(__pa(vcpu->vmcs));
		list_add(&vcpu->active, this_cpu_ptr(&active_vcpus));
		vcpu->cpu = cpu;
	}
	if (this_cpu_read(current_vcpu) != vcpu) {
		vmptrld(__pa(vcpu->vmcs));
		this_cpu_write(current_vcpu, vcpu);
	}
	if (!vcpu->launched)
		vmcs_update_cpu();
	return 0;
}

/* The VMCS stays where it is: most often we come back to the same CPU. */
void vcpu_put(struct vtx_vcpu *vcpu)
{
	local_irq_enable();
	put_cpu();
}

/*
 * The world switch: into the guest, and back.
 *
 * The CPU does not give back DEBUGCTL, DR6, DR7 and CR2. CR2 is nobody's as
 * long as no page fault is being handled, so the host's waits until the loop is
 * left; the others an interrupt may need. Linux knows which breakpoints are on,
 * and keeps DR6 at rest.
 */
static __always_inline bool enter(struct vtx_vcpu *vcpu)
{
	if (vcpu->cr2 != native_read_cr2())
		native_write_cr2(vcpu->cr2);

	if (!vmenter(&vcpu->regs, HOST_RSP, vcpu->launched))
		return false;

	vcpu->cr2 = native_read_cr2();
	if (unlikely(vcpu->host.debugctl))
		update_debugctlmsr(vcpu->host.debugctl);
	if (unlikely(native_get_debugreg(6) != DR6_RESERVED))
		native_set_debugreg(6, DR6_RESERVED);
	if (unlikely(hw_breakpoint_active()))
		hw_breakpoint_restore();
	return true;
}

/**
 * vcpu_enter() - the world switch
 * @vcpu: loaded
 *
 * Between vcpu_load() and vcpu_put(), with the host's fields up to date.
 * Return: true after a VM exit, false if the CPU refused the controls or the
 * host state.
 */
bool vcpu_enter(struct vtx_vcpu *vcpu)
{
	bool entered;

	host_save(&vcpu->host);
	entered = enter(vcpu);
	host_restore(&vcpu->host);
	return entered;
}

/* One turn of the guest: in, out, and what it means. Interrupts are off. */
static __always_inline void vcpu_turn(struct vtx_vcpu *vcpu)
{
	vmcs_update_host(vcpu);
	vmcs_write(GUEST_RIP, vcpu->regs.rip);

	if (!enter(vcpu)) {
		fail_refused(vcpu);
		return;
	}

	vcpu->exit_reason = vmcs_read(VM_EXIT_REASON);
	vcpu->regs.rip = vmcs_read(GUEST_RIP);
	vcpu->launched |= !(vcpu->exit_reason & VMX_EXIT_REASONS_FAILED_VMENTRY);
	exit_handle(vcpu);
}

/* Does something else want this thread, or this CPU? */
static bool host_wants_us(struct vtx_vcpu *vcpu)
{
	const unsigned long work = _TIF_SIGPENDING | _TIF_NOTIFY_SIGNAL | _TIF_NEED_RESCHED;

	return (READ_ONCE(current_thread_info()->flags) & work) ||
	       READ_ONCE(vcpu->run->immediate_exit);
}

/*
 * Turn after turn, until VTXCTL or the host is needed. Return: 0, -EINTR, or
 * what vcpu_load() says; vcpu->exit is VTX_EXIT_NONE if the guest could go on.
 */
static int vcpu_loop(struct vtx_vcpu *vcpu)
{
	int err;

	err = vcpu_load(vcpu);
	if (err)
		return err;
	host_save(&vcpu->host);
	vmcs_update_process(vcpu);
	vmcs_write(GUEST_RSP, vcpu->regs.rsp);
	vmcs_write(GUEST_RFLAGS, vcpu->regs.rflags);

	/*
	 * With interrupts off: a signal that comes after this look interrupts
	 * this CPU, and that ends the guest's turn at once.
	 */
	while (vcpu->exit == VTX_EXIT_NONE && !host_wants_us(vcpu)) {
		vcpu_turn(vcpu);

		/* Let in what ended the guest's turn, if it was an interrupt. */
		local_irq_enable();
		local_irq_disable();
	}

	vcpu->regs.rsp = vmcs_read(GUEST_RSP);
	vcpu->regs.rflags = vmcs_read(GUEST_RFLAGS);
	vcpu->exit_qualification = vmcs_read(EXIT_QUALIFICATION);
	host_restore(&vcpu->host);
	vcpu_put(vcpu);

	if (vcpu->exit == VTX_EXIT_NONE &&
	    (signal_pending(current) || READ_ONCE(vcpu->run->immediate_exit)))
		return -EINTR;
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
	pio_complete(vcpu);
	while (!err && vcpu->exit == VTX_EXIT_NONE) {
		err = vcpu_loop(vcpu);
		cond_resched();
	}
	pio_begin(vcpu);

	run->exit = vcpu->exit;
	run->hw_reason = vcpu->exit_reason;
	run->hw_qualification = vcpu->exit_qualification;
	run->if_flag = !!(vcpu->regs.rflags & X86_EFLAGS_IF);
	return err;
}

static long vcpu_get_regs(struct vtx_vcpu *vcpu, void __user *arg)
{
	return copy_to_user(arg, &vcpu->regs, sizeof(vcpu->regs)) ? -EFAULT : 0;
}

/* Nonsense is let through: the CPU refuses it, and we say why. */
static long vcpu_set_regs(struct vtx_vcpu *vcpu, void __user *arg)
{
	return copy_from_user(&vcpu->regs, arg, sizeof(vcpu->regs)) ? -EFAULT : 0;
}

static const struct {
	unsigned int cmd;
	long (*handler)(struct vtx_vcpu *vcpu, void __user *arg);
} vcpu_ioctls[] = {
	{ VTX_PROBE_ENTRY, fail_probe_entry },
	{ VTX_RUN, vcpu_run },
	{ VTX_GET_REGS, vcpu_get_regs },
	{ VTX_SET_REGS, vcpu_set_regs },
};

/* One thread at a time: a second one is told EBUSY, not made to wait. */
static long vcpu_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct vtx_vcpu *vcpu = file->private_data;
	long ret = -ENOTTY;
	size_t i;

	if (vcpu->vm->mm != current->mm)
		return -EIO;
	if (!mutex_trylock(&vcpu->lock))
		return -EBUSY;
	for (i = 0; i < ARRAY_SIZE(vcpu_ioctls); i++)
		if (vcpu_ioctls[i].cmd == cmd)
			ret = vcpu_ioctls[i].handler(vcpu, (void __user *)arg);
	mutex_unlock(&vcpu->lock);
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
	mutex_init(&vcpu->lock);
	vcpu->vm = vm;
	vcpu->cpu = -1;

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
	if (vm->vcpu)
		goto unlock;
	vcpu = vcpu_alloc(vm);
	fd = PTR_ERR_OR_ZERO(vcpu);
	if (fd)
		goto unlock;

	kref_get(&vm->ref);
	vm->vcpu = vcpu;

	/* The last step: from here on, another thread may close it again. */
	fd = anon_inode_getfd("vtx-vcpu", &vcpu_fops, vcpu, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		vm->vcpu = NULL;
		vcpu_free(vcpu);
		vm_put(vm);
	}
unlock:
	mutex_unlock(&vm->lock);
	return fd;
}
