// SPDX-License-Identifier: GPL-2.0-only
/*
 * Numbers of VT-x in words. The names of fields are the SDM's (appendix "Field Encoding in
 * VMCS"), those of exit reasons the kernel's.
 */
#include "vmentry.h"
#include "vmx_extra.h"
#include "words.h"

#define NR(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
	const char *words;
	enum vmentry_section section;
} rules[] = {
#define VMENTRY_SECTION(name, number, title)
#define VMENTRY_RULE(name, section, words) \
	[VMENTRY_##name] = { words, VMENTRY_SECTION_##section },
#include "vmentry_rules.h"
};

static const char *const sections[] = {
#define VMENTRY_SECTION(name, number, title) [VMENTRY_SECTION_##name] = number " " title,
#define VMENTRY_RULE(name, section, words)
#include "vmentry_rules.h"
};

const char *vmentry_rule_words(u16 rule)
{
	if (rule == VMENTRY_OK || rule >= NR(rules))
		return "no rule that this program knows was broken";
	return rules[rule].words;
}

const char *vmentry_rule_section(u16 rule)
{
	if (rule == VMENTRY_OK || rule >= NR(rules))
		return "no section that this program knows";
	return sections[rules[rule].section];
}

static const char *const instruction_errors[] = {
	[VMXERR_VMCALL_IN_VMX_ROOT_OPERATION] = "VMCALL in VMX root operation",
	[VMXERR_VMCLEAR_INVALID_ADDRESS] = "VMCLEAR of an impossible address",
	[VMXERR_VMCLEAR_VMXON_POINTER] = "VMCLEAR of the VMXON region",
	[VMXERR_VMLAUNCH_NONCLEAR_VMCS] = "VMLAUNCH with a VMCS that is not clear",
	[VMXERR_VMRESUME_NONLAUNCHED_VMCS] = "VMRESUME with a VMCS that was never launched",
	[VMXERR_VMRESUME_AFTER_VMXOFF] = "VMRESUME after VMX was off in between",
	[VMXERR_ENTRY_INVALID_CONTROL_FIELD] = "VM entry with a bad control",
	[VMXERR_ENTRY_INVALID_HOST_STATE_FIELD] = "VM entry with bad host state",
	[VMXERR_VMPTRLD_INVALID_ADDRESS] = "VMPTRLD of an impossible address",
	[VMXERR_VMPTRLD_VMXON_POINTER] = "VMPTRLD of the VMXON region",
	[VMXERR_VMPTRLD_INCORRECT_VMCS_REVISION_ID] = "VMPTRLD of a region without this CPU's revision",
	[VMXERR_UNSUPPORTED_VMCS_COMPONENT] = "VMREAD or VMWRITE of a field that this CPU does not have",
	[VMXERR_VMWRITE_READ_ONLY_VMCS_COMPONENT] = "VMWRITE of a field that can only be read",
	[VMXERR_VMXON_IN_VMX_ROOT_OPERATION] = "VMXON while VMX is on",
	[VMXERR_ENTRY_INVALID_EXECUTIVE_VMCS_POINTER] = "VM entry with a bad executive-VMCS pointer",
	[VMXERR_ENTRY_NONLAUNCHED_EXECUTIVE_VMCS] = "VM entry with an executive VMCS that was never launched",
	[VMXERR_ENTRY_EXECUTIVE_VMCS_POINTER_NOT_VMXON_POINTER] = "VM entry out of SMM with an executive-VMCS pointer that is not the VMXON pointer",
	[VMXERR_VMCALL_NONCLEAR_VMCS] = "VMCALL into SMM with a VMCS that is not clear",
	[VMXERR_VMCALL_INVALID_VM_EXIT_CONTROL_FIELDS] = "VMCALL into SMM with a bad VM-exit control",
	[VMXERR_VMCALL_INCORRECT_MSEG_REVISION_ID] = "VMCALL into SMM without this CPU's MSEG revision",
	[VMXERR_VMXOFF_UNDER_DUAL_MONITOR_TREATMENT_OF_SMIS_AND_SMM] = "VMXOFF under the dual-monitor treatment of SMIs",
	[VMXERR_VMCALL_INVALID_SMM_MONITOR_FEATURES] = "VMCALL into SMM with bad features of the SMM monitor",
	[VMXERR_ENTRY_INVALID_VM_EXECUTION_CONTROL_FIELDS_IN_EXECUTIVE_VMCS] = "VM entry out of SMM with a bad control in the executive VMCS",
	[VMXERR_ENTRY_EVENTS_BLOCKED_BY_MOV_SS] = "VM entry right after MOV SS or POP SS",
	[VMXERR_INVALID_OPERAND_TO_INVEPT_INVVPID] = "INVEPT or INVVPID of something that is not there",
};

const char *vm_instruction_error_words(u32 error)
{
	if (error >= NR(instruction_errors) || !instruction_errors[error])
		return "a VM-instruction error that this program does not know";
	return instruction_errors[error];
}

static const struct {
	const char *name;
	const char *words;
} exit_reasons[] = {
#define REASON(name, words) [EXIT_REASON_##name] = { #name, words }
	REASON(EXCEPTION_NMI, "an exception or a non-maskable interrupt"),
	REASON(EXTERNAL_INTERRUPT, "a device of the host interrupted"),
	REASON(TRIPLE_FAULT, "a triple fault: the guest could not even handle its double fault"),
	REASON(INIT_SIGNAL, "an INIT signal arrived"),
	REASON(SIPI_SIGNAL, "a startup IPI arrived"),
	REASON(IO_SMI, "a system-management interrupt right after an I/O instruction"),
	REASON(OTHER_SMI, "a system-management interrupt"),
	REASON(INTERRUPT_WINDOW, "the guest can take an interrupt now"),
	REASON(NMI_WINDOW, "the guest can take a non-maskable interrupt now"),
	REASON(TASK_SWITCH, "the guest switched to another task"),
	REASON(CPUID, "the guest asked with CPUID what CPU it has"),
	REASON(GETSEC, "the guest executed GETSEC"),
	REASON(HLT, "the guest executed HLT: it waits for an interrupt"),
	REASON(INVD, "the guest executed INVD"),
	REASON(INVLPG, "the guest executed INVLPG"),
	REASON(RDPMC, "the guest read a performance counter"),
	REASON(RDTSC, "the guest read the time-stamp counter"),
	REASON(RSM, "the guest executed RSM in system-management mode"),
	REASON(VMCALL, "the guest called the hypervisor with VMCALL"),
	REASON(VMCLEAR, "the guest executed VMCLEAR"),
	REASON(VMLAUNCH, "the guest executed VMLAUNCH"),
	REASON(VMPTRLD, "the guest executed VMPTRLD"),
	REASON(VMPTRST, "the guest executed VMPTRST"),
	REASON(VMREAD, "the guest executed VMREAD"),
	REASON(VMRESUME, "the guest executed VMRESUME"),
	REASON(VMWRITE, "the guest executed VMWRITE"),
	REASON(VMOFF, "the guest executed VMXOFF"),
	REASON(VMON, "the guest executed VMXON"),
	REASON(CR_ACCESS, "the guest touched a control register"),
	REASON(DR_ACCESS, "the guest touched a debug register"),
	REASON(IO_INSTRUCTION, "the guest used an I/O port"),
	REASON(MSR_READ, "the guest read a model-specific register"),
	REASON(MSR_WRITE, "the guest wrote a model-specific register"),
	REASON(INVALID_STATE, "the entry failed: the guest's state is not one that a CPU can be in"),
	REASON(MSR_LOAD_FAIL, "the entry failed: an MSR of the list to load could not be loaded"),
	REASON(MWAIT_INSTRUCTION, "the guest executed MWAIT"),
	REASON(MONITOR_TRAP_FLAG, "one instruction of the guest was executed"),
	REASON(MONITOR_INSTRUCTION, "the guest executed MONITOR"),
	REASON(PAUSE_INSTRUCTION, "the guest spins: it executed PAUSE"),
	REASON(MCE_DURING_VMENTRY, "the entry failed: a machine check happened in it"),
	REASON(TPR_BELOW_THRESHOLD, "the guest lowered its task priority below the threshold"),
	REASON(APIC_ACCESS, "the guest touched the page of its local APIC"),
	REASON(EOI_INDUCED, "the guest ended an interrupt that the hypervisor wants to know of"),
	REASON(GDTR_IDTR, "the guest touched GDTR or IDTR"),
	REASON(LDTR_TR, "the guest touched LDTR or TR"),
	REASON(EPT_VIOLATION, "the guest touched memory that it does not have, or not that way"),
	REASON(EPT_MISCONFIG, "the guest touched memory whose EPT entry makes no sense"),
	REASON(INVEPT, "the guest executed INVEPT"),
	REASON(RDTSCP, "the guest executed RDTSCP"),
	REASON(PREEMPTION_TIMER, "the guest's time slice ran out (VMX-preemption timer)"),
	REASON(INVVPID, "the guest executed INVVPID"),
	REASON(WBINVD, "the guest executed WBINVD or WBNOINVD"),
	REASON(XSETBV, "the guest executed XSETBV"),
	REASON(APIC_WRITE, "the guest wrote a register of its virtual APIC"),
	REASON(RDRAND, "the guest executed RDRAND"),
	REASON(INVPCID, "the guest executed INVPCID"),
	REASON(VMFUNC, "the guest executed VMFUNC"),
	REASON(ENCLS, "the guest executed ENCLS"),
	REASON(RDSEED, "the guest executed RDSEED"),
	REASON(PML_FULL, "the log of written pages is full"),
	REASON(XSAVES, "the guest executed XSAVES"),
	REASON(XRSTORS, "the guest executed XRSTORS"),
	REASON(PCONFIG, "the guest executed PCONFIG"),
	REASON(SPP, "a sub-page write permission was missing or makes no sense"),
	REASON(UMWAIT, "the guest executed UMWAIT"),
	REASON(TPAUSE, "the guest executed TPAUSE"),
	REASON(LOADIWKEY, "the guest executed LOADIWKEY"),
	REASON(ENCLV, "the guest executed ENCLV"),
	REASON(ENQCMD_PASID, "ENQCMD found no translation of its PASID"),
	REASON(ENQCMDS_PASID, "ENQCMDS found no translation of its PASID"),
	REASON(BUS_LOCK, "the guest locked the bus"),
	REASON(NOTIFY, "the guest came to no instruction boundary for too long"),
	REASON(SEAMCALL, "the guest executed SEAMCALL"),
	REASON(TDCALL, "the guest executed TDCALL"),
	REASON(RDMSRLIST, "the guest read a list of model-specific registers"),
	REASON(WRMSRLIST, "the guest wrote a list of model-specific registers"),
	REASON(URDMSR, "the guest executed URDMSR"),
	REASON(UWRMSR, "the guest executed UWRMSR"),
	REASON(RDMSR_IMM, "the guest read a model-specific register that RDMSR itself names"),
	REASON(WRMSRNS_IMM, "the guest wrote a model-specific register that WRMSRNS itself names"),
#undef REASON
};

const char *vmx_exit_reason_name(u32 reason)
{
	if (reason >= NR(exit_reasons) || !exit_reasons[reason].name)
		return "UNKNOWN";
	return exit_reasons[reason].name;
}

const char *vmx_exit_reason_words(u32 reason)
{
	if (reason >= NR(exit_reasons) || !exit_reasons[reason].name)
		return "an exit reason that this program does not know";
	return exit_reasons[reason].words;
}
