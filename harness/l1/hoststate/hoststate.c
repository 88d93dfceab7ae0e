// SPDX-License-Identifier: GPL-2.0-only
/*
 * /proc/hoststate: the registers of every CPU that a guest must not change.
 * A test reads it before and after a guest ran; nothing may differ.
 *
 * One line each: cpuN name value.
 */
#include <linux/cpu.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/smp.h>
#include <asm/debugreg.h>
#include <asm/desc.h>
#include <asm/msr.h>
#include <asm/mmu_context.h>
#include <asm/special_insns.h>
#include <asm/tlbflush.h>

struct reading {
	const char *name;
	u64 value;
};

#define READINGS_MAX 40

struct readings {
	unsigned int count;
	struct reading all[READINGS_MAX];
};

static void add(struct readings *readings, const char *name, u64 value)
{
	if (WARN_ON_ONCE(readings->count == READINGS_MAX))
		return;
	readings->all[readings->count++] = (struct reading){ name, value };
}

static void add_msr(struct readings *readings, const char *name, u32 msr)
{
	u64 value;

	if (!rdmsrl_safe(msr, &value))
		add(readings, name, value);
}

static unsigned long read_cr8_raw(void)
{
	unsigned long value;

	asm volatile("mov %%cr8, %0"
		     : "=r"(value));
	return value;
}

static unsigned long segment_limit(u16 selector)
{
	unsigned long limit = 0;

	asm volatile("lsl %1, %0"
		     : "+r"(limit)
		     : "r"((unsigned long)selector));
	return limit;
}

#define ADD_DEBUG_REGISTER(readings, n)        \
	do {                                   \
		unsigned long value;           \
                                               \
		get_debugreg(value, n);        \
		add(readings, "dr" #n, value); \
	} while (0)

/* Runs on the CPU that is asked, interrupts off. */
static void take_readings(void *data)
{
	struct readings *readings = data;
	struct desc_ptr gdt, idt;
	u16 tr, ldtr, fs, gs, ds, es;

	add(readings, "cr0", native_read_cr0());
	add(readings, "cr2", native_read_cr2());
	/* The address space of whoever asks, and what Linux says that it is. */
	add(readings, "cr3_wrong", __native_read_cr3() != __get_current_cr3_fast());
	add(readings, "cr4", native_read_cr4());
	add(readings, "cr4_wrong", native_read_cr4() != cr4_read_shadow());
	add(readings, "cr8", read_cr8_raw());

	ADD_DEBUG_REGISTER(readings, 0);
	ADD_DEBUG_REGISTER(readings, 1);
	ADD_DEBUG_REGISTER(readings, 2);
	ADD_DEBUG_REGISTER(readings, 3);
	ADD_DEBUG_REGISTER(readings, 6);
	ADD_DEBUG_REGISTER(readings, 7);
	add_msr(readings, "debugctl", MSR_IA32_DEBUGCTLMSR);

	native_store_gdt(&gdt);
	store_idt(&idt);
	store_tr(tr);
	store_ldt(ldtr);
	add(readings, "gdt_base", gdt.address);
	add(readings, "gdt_limit", gdt.size);
	add(readings, "idt_base", idt.address);
	add(readings, "idt_limit", idt.size);
	add(readings, "tr", tr);
	add(readings, "tr_limit", segment_limit(tr));
	add(readings, "ldtr", ldtr);

	asm volatile("mov %%ds, %0"
		     : "=r"(ds));
	asm volatile("mov %%es, %0"
		     : "=r"(es));
	asm volatile("mov %%fs, %0"
		     : "=r"(fs));
	asm volatile("mov %%gs, %0"
		     : "=r"(gs));
	add(readings, "ds", ds);
	add(readings, "es", es);
	add(readings, "fs", fs);
	add(readings, "gs", gs);
	add_msr(readings, "fs_base", MSR_FS_BASE);
	add_msr(readings, "gs_base", MSR_GS_BASE);
	add_msr(readings, "kernel_gs_base", MSR_KERNEL_GS_BASE);

	add_msr(readings, "efer", MSR_EFER);
	add_msr(readings, "star", MSR_STAR);
	add_msr(readings, "lstar", MSR_LSTAR);
	add_msr(readings, "cstar", MSR_CSTAR);
	add_msr(readings, "sfmask", MSR_SYSCALL_MASK);
	add_msr(readings, "sysenter_cs", MSR_IA32_SYSENTER_CS);
	add_msr(readings, "sysenter_esp", MSR_IA32_SYSENTER_ESP);
	add_msr(readings, "sysenter_eip", MSR_IA32_SYSENTER_EIP);
	add_msr(readings, "pat", MSR_IA32_CR_PAT);
	add_msr(readings, "feature_control", MSR_IA32_FEAT_CTL);
}

static int hoststate_show(struct seq_file *seq, void *unused)
{
	unsigned int cpu, i;
	struct readings *readings;

	readings = kmalloc(sizeof(*readings), GFP_KERNEL);
	if (!readings)
		return -ENOMEM;

	cpus_read_lock();
	for_each_online_cpu(cpu) {
		readings->count = 0;
		smp_call_function_single(cpu, take_readings, readings, true);
		for (i = 0; i < readings->count; i++)
			seq_printf(seq, "cpu%u %s %#llx\n", cpu,
				   readings->all[i].name, readings->all[i].value);
	}
	cpus_read_unlock();
	kfree(readings);
	return 0;
}

static int __init hoststate_init(void)
{
	if (!proc_create_single("hoststate", 0400, NULL, hoststate_show))
		return -ENOMEM;
	return 0;
}
module_init(hoststate_init);

static void __exit hoststate_exit(void)
{
	remove_proc_entry("hoststate", NULL);
}
module_exit(hoststate_exit);

MODULE_DESCRIPTION("Shows the registers of every CPU to VirtX's tests");
MODULE_LICENSE("GPL");
