// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU: one VMCS, and a descriptor of its own through which a thread of
 * VTXCTL drives it. VTX_RUN is the heart: one turn of the guest for each call.
 * Read vcpu_run, then vmenter.S, then exit.c.
 */
#include <linux/anon_inodes.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <asm/processor-flags.h>
#include <asm/special_insns.h>

#include "host.h"
#include "vmcs.h"
#include "vtxdrv.h"

atomic_long_t vtx_vcpus = ATOMIC_LONG_INIT(0);

/* No CPU has this VMCS: who loads it clears it before he lets go. */
static void vcpu_free(struct vtx_vcpu *vcpu)
{
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
 * @vcpu: busy, and this thread is the one that uses it
 *
 * Until vcpu_put() the caller stays here, with interrupts off. Return: 0, or
 * -EAGAIN where VMX is off: this CPU is just going offline, or the machine is.
 */
int vcpu_load(struct vtx_vcpu *vcpu)
{
	local_irq_disable();
	if (hw_is_on() && vmclear(__pa(vcpu->vmcs)) && vmptrld(__pa(vcpu->vmcs)))
		return 0;
	local_irq_enable();
	return -EAGAIN;
}

void vcpu_put(struct vtx_vcpu *vcpu)
{
	vmclear(__pa(vcpu->vmcs));
	local_irq_enable();
}

/**
 * vcpu_enter() - the world switch: into the guest, and back
 * @vcpu: loaded
 *
 * Between vcpu_load() and vcpu_put(), with the host's fields up to date.
 * Return: true after a VM exit, false if the CPU refused the controls or the
 * host state.
 */
bool vcpu_enter(struct vtx_vcpu *vcpu)
{
	struct host_state host;
	bool entered;

	host_save(&host);
	native_write_cr2(vcpu->cr2);
	entered = vmenter(&vcpu->regs, HOST_RSP);
	vcpu->cr2 = native_read_cr2();
	if (!entered)
		native_write_cr2(host.cr2);
	else
		host_restore(&host);
	return entered;
}

/* One turn of the guest: in, out, and what it means. Interrupts are off. */
static void vcpu_turn(struct vtx_vcpu *vcpu)
{
	struct vtx_run *run = vcpu->run;

	vmcs_update_host();
	vmcs_write(GUEST_RSP, vcpu->regs.rsp);
	vmcs_write(GUEST_RIP, vcpu->regs.rip);
	vmcs_write(GUEST_RFLAGS, vcpu->regs.rflags);

	if (!vcpu_enter(vcpu)) {
		fail_refused(vcpu);
		return;
	}

	vcpu->exit_reason = vmcs_read(VM_EXIT_REASON);
	vcpu->exit_qualification = vmcs_read(EXIT_QUALIFICATION);
	vcpu->regs.rsp = vmcs_read(GUEST_RSP);
	vcpu->regs.rip = vmcs_read(GUEST_RIP);
	vcpu->regs.rflags = vmcs_read(GUEST_RFLAGS);
	exit_handle(vcpu);

	run->hw_reason = vcpu->exit_reason;
	run->hw_qualification = vcpu->exit_qualification;
	run->if_flag = !!(vcpu->regs.rflags & X86_EFLAGS_IF);
}

/* VTX_RUN: look for reasons not to enter, enter, leave nothing behind. */
static long vcpu_run(struct vtx_vcpu *vcpu, void __user *arg)
{
	int err = 0;

	if (arg)
		return -EINVAL;
	if (vcpu->ended)
		return -ESHUTDOWN;
	if (list_empty(&vcpu->vm->slots))
		return -ENXIO;

	vcpu->exit = VTX_EXIT_NONE;
	pio_complete(vcpu);
	if (vcpu->ended)
		goto out;
	err = vcpu_load(vcpu);
	if (err)
		goto out;

	/*
	 * Only now, with interrupts off: a signal that comes after this look
	 * interrupts this CPU, and that ends the guest's turn at once.
	 */
	if (signal_pending(current) || READ_ONCE(vcpu->run->immediate_exit))
		err = -EINTR;
	else
		vcpu_turn(vcpu);
	vcpu_put(vcpu);
	pio_begin(vcpu);
out:
	vcpu->run->exit = vcpu->exit;
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
	{ VTX_RUN, vcpu_run },
	{ VTX_PROBE_ENTRY, fail_probe_entry },
	{ VTX_GET_REGS, vcpu_get_regs },
	{ VTX_SET_REGS, vcpu_set_regs },
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
