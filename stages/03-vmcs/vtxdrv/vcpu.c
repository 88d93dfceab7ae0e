// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU: one VMCS, and a descriptor of its own through which a thread of
 * VTXCTL drives it.
 */
#include <linux/anon_inodes.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "host.h"
#include "vmcs.h"
#include "vtxdrv.h"

atomic_long_t vtx_vcpus = ATOMIC_LONG_INIT(0);

/* No CPU has this VMCS: who loads it clears it before he lets go. */
static void vcpu_free(struct vtx_vcpu *vcpu)
{
	free_page((unsigned long)vcpu->vmcs);
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
 * vcpu_enter() - hand the form to the CPU
 * @vcpu: loaded
 *
 * Return: false if the CPU refused the controls or the host state, as it
 * should; true if it let them pass. Then it stopped at the guest state, which
 * is a VM exit, and takes its toll of the host like any other.
 */
bool vcpu_enter(struct vtx_vcpu *vcpu)
{
	struct host_state host;
	bool entered;

	host_save(&host);
	entered = vmenter(HOST_RSP);
	if (entered)
		host_restore(&host);
	return entered;
}

static const struct {
	unsigned int cmd;
	long (*handler)(struct vtx_vcpu *vcpu, void __user *arg);
} vcpu_ioctls[] = {
	{ VTX_PROBE_ENTRY, fail_probe_entry },
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

static const struct file_operations vcpu_fops = {
	.owner = THIS_MODULE,
	.release = vcpu_release,
	.unlocked_ioctl = vcpu_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct vtx_vcpu *vcpu_alloc(struct vtx_vm *vm)
{
	struct vtx_vcpu *vcpu = kzalloc(sizeof(*vcpu), GFP_KERNEL_ACCOUNT);

	if (!vcpu)
		return NULL;
	vcpu->vmcs = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!vcpu->vmcs) {
		kfree(vcpu);
		return NULL;
	}
	vcpu->vmcs->revision_id = (u32)vtx_caps.basic;
	vcpu->vm = vm;
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
	fd = -ENOMEM;
	vcpu = vcpu_alloc(vm);
	if (!vcpu)
		goto unlock;

	kref_get(&vm->ref);
	vm->vcpu = vcpu;
	atomic_long_inc(&vtx_vcpus);

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
