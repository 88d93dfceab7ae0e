// SPDX-License-Identifier: GPL-2.0-only
/*
 * The door of VTXDRV: the module is loaded and unloaded here, and /dev/vtx
 * takes its requests. From here read vcpu.c: it is the heart of all.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/uaccess.h>

#include "vtxdrv.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

/* VTX_GET_CAPS: what caps.c read, and how many CPUs have VMX on by now. */
static long vtx_get_caps(struct file *file, void __user *arg)
{
	struct vtx_caps caps = vtx_caps;
	u32 size;

	if (get_user(size, &((struct vtx_caps __user *)arg)->size))
		return -EFAULT;
	if (size != sizeof(caps))
		return -EINVAL;

	caps.size = size;
	caps.cpus_on = hw_cpus_on();
	return copy_to_user(arg, &caps, sizeof(caps)) ? -EFAULT : 0;
}

static int vtx_open(struct inode *inode, struct file *file)
{
	struct vtx_vm *vm = vm_create();

	if (IS_ERR(vm))
		return PTR_ERR(vm);
	file->private_data = vm;
	return 0;
}

static int vtx_release(struct inode *inode, struct file *file)
{
	vm_put(file->private_data);
	return 0;
}

static const struct {
	unsigned int cmd;
	long (*handler)(struct file *file, void __user *arg);
} vtx_ioctls[] = {
	{ VTX_IRQ_LINE, irqchip_line }, /* first: it is called often */
	{ VTX_GET_CAPS, vtx_get_caps },
	{ VTX_MAP_MEMORY, vm_map_memory },
	{ VTX_TRANSLATE, vm_translate },
	{ VTX_CREATE_VCPU, vcpu_create },
	{ VTX_CREATE_IRQCHIP, irqchip_create },
	{ VTX_RESET, irqchip_reset },
};

static long vtx_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct vtx_vm *vm = file->private_data;
	size_t i;

	/* A child got the descriptor, but not the memory that the guest runs in. */
	if (vm->mm != current->mm)
		return -EIO;

	for (i = 0; i < ARRAY_SIZE(vtx_ioctls); i++)
		if (vtx_ioctls[i].cmd == cmd)
			return vtx_ioctls[i].handler(file, (void __user *)arg);
	return -ENOTTY;
}

/* .owner holds the module while a descriptor is open: rmmod says "in use". */
static const struct file_operations vtx_fops = {
	.owner = THIS_MODULE,
	.open = vtx_open,
	.release = vtx_release,
	.unlocked_ioctl = vtx_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice vtx_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "vtx",
	.mode = 0600,
	.fops = &vtx_fops,
};

static int __init vtx_init(void)
{
	int err;

	err = hw_init();
	if (err)
		return err;

	err = misc_register(&vtx_misc);
	if (err)
		hw_exit();
	return err;
}

static void __exit vtx_exit(void)
{
	misc_deregister(&vtx_misc);
	hw_exit();
}

/* The books are open: tests and the curious read that nothing was left behind. */
static int count_get(char *buf, const struct kernel_param *kp)
{
	return sysfs_emit(buf, "%ld\n", atomic_long_read(kp->arg));
}

static const struct kernel_param_ops count_ops = {
	.get = count_get,
};

module_param_cb(vms, &count_ops, &vtx_vms, 0444);
module_param_cb(vcpus, &count_ops, &vtx_vcpus, 0444);
module_param_cb(pages, &count_ops, &vtx_pages, 0444);

module_init(vtx_init);
module_exit(vtx_exit);

MODULE_DESCRIPTION("VirtX: a hypervisor to learn from");
MODULE_LICENSE("GPL");
