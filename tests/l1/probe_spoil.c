// SPDX-License-Identifier: GPL-2.0-only
/*
 * Spoils the VMCS in the last moment before each entry: what is written to
 * /proc/spoil, an array of struct spoil, is done to the current VMCS when
 * VTXDRV calls vmenter(). So the CPU and VTXDRV's decoder can be asked about
 * every rule, without a word of it in VTXDRV.
 *
 * Reading /proc/spoil gives each CPU's current VMCS; all ones: it has none.
 */
#include <linux/cpu.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/smp.h>
#include <linux/uaccess.h>

#include <asm/asm.h>

enum spoil_how {
	SPOIL_SET,
	SPOIL_ON,
	SPOIL_OFF,
};

struct spoil {
	u32 field;
	u32 how;
	u64 value;
};

#define SPOILS_MAX 16

static struct spoil spoils[SPOILS_MAX];
static unsigned int count;

static void do_spoil(const struct spoil *spoil)
{
	u64 value = spoil->value, now = 0;
	bool failed;

	asm volatile("vmread %[field], %[now]"
		     : CC_OUT(be)(failed), [now] "=r"(now)
		     : [field] "r"((u64)spoil->field)
		     : "cc");
	if (spoil->how == SPOIL_ON)
		value |= now;
	else if (spoil->how == SPOIL_OFF)
		value = now & ~value;
	if (!failed)
		asm volatile("vmwrite %[value], %[field]"
			     : CC_OUT(be)(failed)
			     : [value] "r"(value), [field] "r"((u64)spoil->field)
			     : "cc");
	WARN_ONCE(failed, "probe_spoil: no VMCS field %#x\n", spoil->field);
}

static int before_entry(struct kprobe *probe, struct pt_regs *regs)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		do_spoil(&spoils[i]);
	return 0;
}

static struct kprobe probe = {
	.symbol_name = "vtxdrv:vmenter",
	.pre_handler = before_entry,
};

static ssize_t spoil_write(struct file *file, const char __user *from, size_t size, loff_t *offset)
{
	if (size > sizeof(spoils) || size % sizeof(spoils[0]))
		return -EINVAL;
	count = 0;
	if (copy_from_user(spoils, from, size))
		return -EFAULT;
	count = size / sizeof(spoils[0]);
	return size;
}

static void read_current(void *current_vmcs)
{
	asm volatile("vmptrst %0"
		     : "=m"(*(u64 *)current_vmcs)
		     :
		     : "cc");
}

static int spoil_show(struct seq_file *seq, void *unused)
{
	unsigned int cpu;
	u64 current_vmcs;

	cpus_read_lock();
	for_each_online_cpu(cpu) {
		smp_call_function_single(cpu, read_current, &current_vmcs, true);
		seq_printf(seq, "cpu%u: %#llx\n", cpu, current_vmcs);
	}
	cpus_read_unlock();
	return 0;
}

static int spoil_open(struct inode *inode, struct file *file)
{
	return single_open(file, spoil_show, NULL);
}

static const struct proc_ops spoil_ops = {
	.proc_open = spoil_open,
	.proc_read = seq_read,
	.proc_write = spoil_write,
	.proc_release = single_release,
};

static int __init spoil_init(void)
{
	int err = register_kprobe(&probe);

	if (!err && !proc_create("spoil", 0600, NULL, &spoil_ops)) {
		unregister_kprobe(&probe);
		err = -ENOMEM;
	}
	return err;
}

static void __exit spoil_exit(void)
{
	remove_proc_entry("spoil", NULL);
	unregister_kprobe(&probe);
}

module_init(spoil_init);
module_exit(spoil_exit);

MODULE_DESCRIPTION("Spoils VMCS fields of VirtX's module, for its tests");
MODULE_LICENSE("GPL");
