// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMX on, VMX off.
 *
 * VMXON turns an ordinary CPU into one that can run guests. It is a promise
 * each CPU makes for itself, so we go to every CPU and ask. From then on the
 * CPU may not be reset, put to sleep or given to another hypervisor until
 * VMXOFF. Most of this file is about keeping that second half of the promise:
 * when the module goes, when a CPU goes, on suspend and on reboot.
 *
 * SDM Vol. 3, "Enabling and Entering VMX Operation".
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpuhotplug.h>
#include <linux/cpumask.h>
#include <linux/gfp.h>
#include <linux/reboot.h>
#include <linux/smp.h>
#include <linux/syscore_ops.h>

#include <asm/perf_event.h>
#include <asm/msr.h>
#include <asm/tlbflush.h>
#include <asm/virtext.h>
#include <asm/vmx.h>

#include "vmcs.h"
#include "vtxdrv.h"

/* The page each CPU asks for as its own scratch space while VMX is on. */
static DEFINE_PER_CPU(struct vmx_region *, vmxon_region);
static struct cpumask vmx_on;
static int hotplug_state;

/*
 * May VMX be used here at all? Linux hides the VMX flag when firmware has
 * locked VMX off, so the CPU itself is asked: the two cases differ in what a
 * person can do about them.
 */
static int hw_allowed(void)
{
	u64 feat;

	if (!cpu_has_vmx()) {
		pr_err("this CPU has no VMX (CPUID.1:ECX bit 5 is 0): use one that has, or Bochs\n");
		return -EOPNOTSUPP;
	}

	rdmsrl(MSR_IA32_FEAT_CTL, feat);
	if (!(feat & FEAT_CTL_LOCKED)) {
		pr_err("IA32_FEATURE_CONTROL is not locked, so VMXON would fault: the firmware should enable VMX and lock it\n");
		return -EOPNOTSUPP;
	}
	if (!(feat & FEAT_CTL_VMX_ENABLED_OUTSIDE_SMX)) {
		pr_err("the firmware has locked VMX off (IA32_FEATURE_CONTROL): enable virtualization in its setup\n");
		return -EOPNOTSUPP;
	}
	return 0;
}

/* VMX wants some bits of CR0 and CR4 as 1, and some as 0, to be switched on. */
static bool hw_fixed_bits_ok(void)
{
	unsigned long cr0 = read_cr0();
	unsigned long cr4 = cr4_read_shadow() | X86_CR4_VMXE;
	struct vtx_caps *c = &vtx_caps;

	return (cr0 & c->cr0_fixed0) == c->cr0_fixed0 && !(cr0 & ~c->cr0_fixed1) &&
	       (cr4 & c->cr4_fixed0) == c->cr4_fixed0 && !(cr4 & ~c->cr4_fixed1);
}

/*
 * A VMXON that is refused jumps to a fault handler or sets a flag; neither
 * may bring the kernel down. The exception table catches the first.
 */
static int vmxon(phys_addr_t region)
{
	/* clang-format off */
	asm goto("1: vmxon %[region]\n\t"
		 "jbe %l[fail]\n\t"
		 _ASM_EXTABLE(1b, %l[fail])
		 : : [region] "m"(region) : "cc", "memory" : fail);
	/* clang-format on */
	return 0;
fail:
	return -EIO;
}

/*
 * With interrupts off: CR4.VMXE is how hypervisors see each other, and between
 * our look at it and our setting it nobody else may do the same.
 */
static int hw_switch_on(void)
{
	int cpu = smp_processor_id();
	int err;

	if (cr4_read_shadow() & X86_CR4_VMXE) {
		pr_err("another hypervisor uses VMX: end its guests, then `rmmod kvm_intel`, and try again\n");
		return -EBUSY;
	}
	if (!hw_fixed_bits_ok()) {
		pr_err("CPU%d: CR0 or CR4 has a bit that VMX does not allow\n", cpu);
		return -EOPNOTSUPP;
	}

	intel_pt_handle_vmx(1); /* Intel PT must not trace across VMXON */
	cr4_set_bits(X86_CR4_VMXE);
	err = vmxon(__pa(this_cpu_read(vmxon_region)));
	if (err) {
		cr4_clear_bits(X86_CR4_VMXE);
		intel_pt_handle_vmx(0);
		pr_err("CPU%d: VMXON was refused\n", cpu);
		return err;
	}

	ept_sync_this_cpu(); /* what was cached before VMXON is stale */
	cpumask_set_cpu(cpu, &vmx_on);
	pr_info("CPU%d: VMX on\n", cpu);
	return 0;
}

static void hw_switch_off(void *unused)
{
	int cpu = smp_processor_id();

	if (!cpumask_test_and_clear_cpu(cpu, &vmx_on))
		return;

	vcpu_flush_cpu(); /* what it holds of guests goes back to memory */
	cpu_vmxoff(); /* clears CR4.VMXE, too */
	intel_pt_handle_vmx(0);
	pr_info("CPU%d: VMX off\n", cpu);
}

/* A CPU comes. Runs on it; an error keeps the CPU away, or insmod out. */
static int hw_cpu_online(unsigned int cpu)
{
	struct vmx_region *region;
	unsigned long flags;
	int err;

	err = hw_allowed();
	if (err)
		return err;

	region = (void *)get_zeroed_page(GFP_KERNEL);
	if (!region)
		return -ENOMEM;
	region->revision_id = (u32)vtx_caps.basic;
	this_cpu_write(vmxon_region, region);

	local_irq_save(flags);
	err = hw_switch_on();
	local_irq_restore(flags);

	if (err) {
		this_cpu_write(vmxon_region, NULL);
		free_page((unsigned long)region);
	}
	return err;
}

/* A CPU goes, or the module does. Runs on that CPU. */
static int hw_cpu_offline(unsigned int cpu)
{
	unsigned long flags;

	local_irq_save(flags);
	hw_switch_off(NULL);
	local_irq_restore(flags);

	free_page((unsigned long)this_cpu_read(vmxon_region));
	this_cpu_write(vmxon_region, NULL);
	return 0;
}

/* Suspend takes the other CPUs offline; the last one comes here, IRQs off. */
static int hw_suspend(void)
{
	hw_switch_off(NULL);
	return 0;
}

static void hw_resume(void)
{
	hw_switch_on();
}

static struct syscore_ops hw_syscore_ops = {
	.suspend = hw_suspend,
	.resume = hw_resume,
};

/* A CPU with VMX on ignores INIT: without this, a reboot may hang. */
static int hw_reboot(struct notifier_block *nb, unsigned long action, void *data)
{
	on_each_cpu(hw_switch_off, NULL, 1);
	return NOTIFY_OK;
}

static struct notifier_block hw_reboot_nb = {
	.notifier_call = hw_reboot,
};

/**
 * hw_init() - switch VMX on, on every CPU there is and every one to come
 *
 * Return: 0; -EOPNOTSUPP where VMX is missing or locked off, -EBUSY where
 * another hypervisor has it, -ENOMEM, -EIO where the CPU refused VMXON. Then
 * VMX is off again everywhere, and the kernel log has a sentence.
 */
int hw_init(void)
{
	int err;

	err = hw_allowed();
	if (err)
		return err;
	caps_read();
	err = ept_supported();
	if (err)
		return err;
	err = vmcs_init();
	if (err)
		return err;

	vcpu_init_cpus();
	err = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "virt/vtxdrv:online",
				hw_cpu_online, hw_cpu_offline);
	if (err < 0)
		return err;
	hotplug_state = err;

	register_syscore_ops(&hw_syscore_ops);
	register_reboot_notifier(&hw_reboot_nb);
	return 0;
}

void hw_exit(void)
{
	unregister_reboot_notifier(&hw_reboot_nb);
	unregister_syscore_ops(&hw_syscore_ops);
	cpuhp_remove_state(hotplug_state);
}

/* How many CPUs have VMX on, now. */
unsigned int hw_cpus_on(void)
{
	return cpumask_weight(&vmx_on);
}

/* Whether VMX is on here. The caller may not move to another CPU meanwhile. */
bool hw_is_on(void)
{
	return cpumask_test_cpu(smp_processor_id(), &vmx_on);
}
