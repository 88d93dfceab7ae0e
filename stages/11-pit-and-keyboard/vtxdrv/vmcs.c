// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VMCS is a form of some 150 fields. The CPU keeps it in a page of ours,
 * in an order it tells nobody: fields are written and read by number, with
 * VMWRITE and VMREAD. Three parts matter here:
 *
 *   controls      what the guest may do by itself, and what ends its turn
 *   host state    where the CPU goes on when the guest's turn ends
 *   guest state   where the guest goes on
 *
 * SDM Vol. 3, "Virtual Machine Control Structures"; numbers: <asm/vmx.h>.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/mm.h>
#include <linux/smp.h>

#include <asm/cpu_entry_area.h>
#include <asm/desc.h>
#include <asm/mmu_context.h>
#include <asm/msr.h>
#include <asm/segment.h>
#include <asm/tlbflush.h>
#include <asm/trapnr.h>

#include "vmcs.h"
#include "vtxdrv.h"

/*
 * What must be 1 for us, word by word. Whatever a guest could use to reach
 * something of the host's ends its turn instead.
 */
#define WANT_PIN                   \
	(PIN_BASED_EXT_INTR_MASK | \
	 PIN_BASED_NMI_EXITING |   \
	 PIN_BASED_VMX_PREEMPTION_TIMER)

#define WANT_PROC                        \
	(CPU_BASED_HLT_EXITING |         \
	 CPU_BASED_MWAIT_EXITING |       \
	 CPU_BASED_MONITOR_EXITING |     \
	 CPU_BASED_RDPMC_EXITING |       \
	 CPU_BASED_MOV_DR_EXITING |      \
	 CPU_BASED_UNCOND_IO_EXITING |   \
	 CPU_BASED_INTR_WINDOW_EXITING | \
	 CPU_BASED_ACTIVATE_SECONDARY_CONTROLS)

#define WANT_PROC2                       \
	(SECONDARY_EXEC_ENABLE_EPT |     \
	 SECONDARY_EXEC_WBINVD_EXITING | \
	 SECONDARY_EXEC_UNRESTRICTED_GUEST)

#define WANT_EXIT                       \
	(VM_EXIT_SAVE_DEBUG_CONTROLS |  \
	 VM_EXIT_HOST_ADDR_SPACE_SIZE | \
	 VM_EXIT_SAVE_IA32_EFER |       \
	 VM_EXIT_LOAD_IA32_EFER)

#define WANT_ENTRY                      \
	(VM_ENTRY_LOAD_DEBUG_CONTROLS | \
	 VM_ENTRY_LOAD_IA32_EFER)

/*
 * The guest takes its exceptions by itself, and we hear nothing of them, but for
 * these: #NM, since the FPU is not the guest's; #MC, which is the host's; and two
 * that could go round and round inside the CPU, while it delivers them, for ever.
 */
#define WANT_EXCEPTIONS \
	(BIT(X86_TRAP_NM) | BIT(X86_TRAP_MC) | BIT(X86_TRAP_DB) | BIT(X86_TRAP_AC))

/* CR0 after reset, as the SDM gives it: this is what the guest reads. */
#define RESET_CR0 (X86_CR0_CD | X86_CR0_NW | X86_CR0_ET)

static struct {
	u32 pin, proc, proc2, exit, entry;
} controls;

/* What we want and what the CPU insists on, or an error if it cannot. */
static int control_word(const char *name, u64 cap, u32 want, u32 *word)
{
	u32 must = cap, may = cap >> 32;

	*word = want | must;
	if (!(*word & ~may))
		return 0;
	pr_err("this CPU lacks %s controls %#x, which VirtX needs: use a newer one, or Bochs\n",
	       name, *word & ~may);
	return -EOPNOTSUPP;
}

/**
 * vmcs_init() - choose the controls, once, from what the CPU allows
 *
 * Return: 0, or -EOPNOTSUPP and a sentence in the kernel log.
 */
int vmcs_init(void)
{
	const struct {
		const char *name;
		u64 cap;
		u32 want, *word;
	} words[] = {
		{ "pin-based", vtx_caps.pin, WANT_PIN, &controls.pin },
		{ "primary", vtx_caps.proc, WANT_PROC, &controls.proc },
		{ "secondary", vtx_caps.proc2, WANT_PROC2, &controls.proc2 },
		{ "VM-exit", vtx_caps.exit, WANT_EXIT, &controls.exit },
		{ "VM-entry", vtx_caps.entry, WANT_ENTRY, &controls.entry },
	};
	size_t i;
	int err = 0;

	for (i = 0; i < ARRAY_SIZE(words) && !err; i++)
		err = control_word(words[i].name, words[i].cap, words[i].want, words[i].word);
	controls.proc &= ~CPU_BASED_INTR_WINDOW_EXITING; /* now and then only */
	return err;
}

/*
 * Write a field, read it back, compare. A form filled in with care: a slip
 * shows here, with its name, and not later as a guest that behaves oddly.
 */
static int fill(struct vtx_vcpu *vcpu, u32 field, u64 value)
{
	u64 back = 0;

	if (vmwrite(field, value) && vmread(field, &back) && back == value) {
		vcpu->fields_filled++;
		return 0;
	}
	pr_err("VMCS field %#x does not keep %#llx\n", field, value);
	return -EIO;
}

int vmcs_write_controls(struct vtx_vcpu *vcpu)
{
	const struct {
		u32 field;
		u64 value;
	} form[] = {
		{ PIN_BASED_VM_EXEC_CONTROL, controls.pin },
		{ CPU_BASED_VM_EXEC_CONTROL, controls.proc },
		{ SECONDARY_VM_EXEC_CONTROL, controls.proc2 },
		{ VM_EXIT_CONTROLS, controls.exit },
		{ VM_ENTRY_CONTROLS, controls.entry },
		{ EPT_POINTER, vcpu->vm->ept.eptp },

		{ EXCEPTION_BITMAP, WANT_EXCEPTIONS },
		{ PAGE_FAULT_ERROR_CODE_MASK, 0 },
		{ PAGE_FAULT_ERROR_CODE_MATCH, 0 },

		/* Each bit of CR0 and CR4 is ours: a guest that touches one exits. */
		{ CR0_GUEST_HOST_MASK, ~0UL },
		{ CR4_GUEST_HOST_MASK, ~0UL },
		{ CR3_TARGET_COUNT, 0 },

		/* No list of MSRs to switch, no event to inject. */
		{ VM_EXIT_MSR_STORE_COUNT, 0 },
		{ VM_EXIT_MSR_LOAD_COUNT, 0 },
		{ VM_ENTRY_MSR_LOAD_COUNT, 0 },
		{ VM_ENTRY_INTR_INFO_FIELD, 0 },
		{ VM_ENTRY_EXCEPTION_ERROR_CODE, 0 },
		{ VM_ENTRY_INSTRUCTION_LEN, 0 },
		{ TSC_OFFSET, 0 },
	};
	size_t i;
	int err = 0;

	for (i = 0; i < ARRAY_SIZE(form) && !err; i++)
		err = fill(vcpu, form[i].field, form[i].value);
	return err;
}

/* Shall the guest's turn end as soon as it could take an interrupt? */
void vmcs_want_window(bool want)
{
	vmcs_write(CPU_BASED_VM_EXEC_CONTROL,
		   controls.proc | (want ? CPU_BASED_INTR_WINDOW_EXITING : 0));
}

static u64 msr(u32 index)
{
	return __rdmsr(index);
}

/*
 * Where the CPU goes on after a VM exit: here, in this kernel, on this CPU, in
 * this process. The selectors of the process itself are 0, since the CPU takes
 * none with the TI or an RPL bit set.
 */
int vmcs_write_host(struct vtx_vcpu *vcpu)
{
	unsigned int cpu = smp_processor_id();
	struct desc_ptr idt;

	store_idt(&idt);
	const struct {
		u32 field;
		u64 value;
	} form[] = {
		{ HOST_CR0, read_cr0() },
		{ HOST_CR3, __get_current_cr3_fast() },
		{ HOST_CR4, cr4_read_shadow() },
		{ HOST_CS_SELECTOR, __KERNEL_CS },
		{ HOST_SS_SELECTOR, __KERNEL_DS },
		{ HOST_DS_SELECTOR, 0 },
		{ HOST_ES_SELECTOR, 0 },
		{ HOST_FS_SELECTOR, 0 },
		{ HOST_GS_SELECTOR, 0 },
		{ HOST_TR_SELECTOR, GDT_ENTRY_TSS * 8 },
		{ HOST_FS_BASE, msr(MSR_FS_BASE) },
		{ HOST_GS_BASE, msr(MSR_GS_BASE) },
		{ HOST_TR_BASE, (unsigned long)&get_cpu_entry_area(cpu)->tss.x86_tss },
		{ HOST_GDTR_BASE, (unsigned long)get_cpu_gdt_ro(cpu) },
		{ HOST_IDTR_BASE, idt.address },
		{ HOST_IA32_SYSENTER_CS, msr(MSR_IA32_SYSENTER_CS) },
		{ HOST_IA32_SYSENTER_ESP, msr(MSR_IA32_SYSENTER_ESP) },
		{ HOST_IA32_SYSENTER_EIP, msr(MSR_IA32_SYSENTER_EIP) },
		{ HOST_IA32_EFER, msr(MSR_EFER) },
		{ HOST_RIP, (unsigned long)vmenter_exit },
		{ HOST_RSP, 0 }, /* vmenter.S knows it best */
	};
	size_t i;
	int err = 0;

	for (i = 0; i < ARRAY_SIZE(form) && !err; i++)
		err = fill(vcpu, form[i].field, form[i].value);

	vcpu->host.cr3 = vmcs_read(HOST_CR3);
	vcpu->host.cr4 = vmcs_read(HOST_CR4);
	vcpu->host.fs_base = vmcs_read(HOST_FS_BASE);
	return err;
}

/* What each CPU has for itself: once, when it takes the VMCS over. */
void vmcs_update_cpu(struct host_state *host)
{
	unsigned int cpu = smp_processor_id();

	vmcs_write(HOST_GS_BASE, msr(MSR_GS_BASE));
	vmcs_write(HOST_TR_BASE, (unsigned long)&get_cpu_entry_area(cpu)->tss.x86_tss);
	vmcs_write(HOST_GDTR_BASE, (unsigned long)get_cpu_gdt_ro(cpu));
	vmcs_write(HOST_IA32_SYSENTER_ESP, msr(MSR_IA32_SYSENTER_ESP));
	native_store_gdt(&host->gdt);
	store_idt(&host->idt);
}

/*
 * About as many of the preemption timer's ticks as a guest gets before we look
 * around. Timer interrupts end its turn, too; but a guest that keeps them off
 * shall not depend on them being seen (some machines do not). The CPU counts
 * in a copy, so the field need not be written again.
 */
#define TURN_TICKS 200000

/* Access rights of a segment (SDM, "Format of Access Rights"). */
#define AR_CODE 0x9b /* present, code, readable, accessed */
#define AR_DATA 0x93 /* present, data, writable, accessed */
#define AR_LDT 0x82
#define AR_TSS_BUSY 0x8b

/* A segment as real mode has it: 64 KiB from selector * 16 on. */
/* clang-format off */
#define SEGMENT(seg, selector, base, ar)	\
	{ GUEST_##seg##_SELECTOR, selector },	\
	{ GUEST_##seg##_BASE, base },		\
	{ GUEST_##seg##_LIMIT, 0xffff },	\
	{ GUEST_##seg##_AR_BYTES, ar }
/* clang-format on */

/*
 * The guest begins as a real CPU does after reset (SDM, "Processor State After
 * Reset"): real mode, the next instruction 16 bytes below 4 GiB. CR0 is what
 * it reads, plus what VMX wants (NE), plus TS: the FPU is not the guest's. CD
 * and NW stay clear: they would switch off the host's cache.
 */
int vmcs_write_guest(struct vtx_vcpu *vcpu)
{
	const struct {
		u32 field;
		u64 value;
	} form[] = {
		/* CR0 and CR4 as the guest reads them. */
		{ CR0_READ_SHADOW, RESET_CR0 },
		{ CR4_READ_SHADOW, 0 },
		{ GUEST_CR0, X86_CR0_ET | X86_CR0_NE | X86_CR0_TS | X86_CR0_MP },
		{ GUEST_CR3, 0 },
		{ GUEST_CR4, X86_CR4_VMXE },
		{ GUEST_DR7, 0x400 },
		{ GUEST_IA32_DEBUGCTL, 0 },
		{ GUEST_IA32_EFER, 0 },
		SEGMENT(CS, 0xf000, 0xffff0000, AR_CODE),
		SEGMENT(SS, 0, 0, AR_DATA),
		SEGMENT(DS, 0, 0, AR_DATA),
		SEGMENT(ES, 0, 0, AR_DATA),
		SEGMENT(FS, 0, 0, AR_DATA),
		SEGMENT(GS, 0, 0, AR_DATA),
		SEGMENT(LDTR, 0, 0, AR_LDT),
		SEGMENT(TR, 0, 0, AR_TSS_BUSY),
		{ GUEST_GDTR_BASE, 0 },
		{ GUEST_GDTR_LIMIT, 0xffff },
		{ GUEST_IDTR_BASE, 0 },
		{ GUEST_IDTR_LIMIT, 0xffff },
		{ GUEST_SYSENTER_CS, 0 },
		{ GUEST_SYSENTER_ESP, 0 },
		{ GUEST_SYSENTER_EIP, 0 },
		{ GUEST_INTERRUPTIBILITY_INFO, 0 },
		{ GUEST_ACTIVITY_STATE, GUEST_ACTIVITY_ACTIVE },
		{ GUEST_PENDING_DBG_EXCEPTIONS, 0 },
		{ VMX_PREEMPTION_TIMER_VALUE, TURN_TICKS },
		{ VMCS_LINK_POINTER, ~0ULL }, /* there is no second VMCS */
	};
	size_t i;
	int err = 0;

	for (i = 0; i < ARRAY_SIZE(form) && !err; i++)
		err = fill(vcpu, form[i].field, form[i].value);

	vcpu->regs = (struct vtx_regs){
		.rdx = cpuid_eax(1), /* which CPU this is */
		.rip = 0xfff0,
		.rflags = X86_EFLAGS_FIXED,
	};
	return err;
}
