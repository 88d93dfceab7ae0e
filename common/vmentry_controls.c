// SPDX-License-Identifier: GPL-2.0-only
/*
 * VM-instruction error 7: the controls. SDM "VM-Execution Control Fields", "VM-Exit Control
 * Fields" and "VM-Entry Control Fields".
 */
#include "vmentry_check.h"

/* A word of 32 controls against its capability MSR: must-be-1 below, may-be-1 above. */
static bool check_word(struct check *c, enum control_word word, u64 cap, enum vmentry_rule ones,
		       enum vmentry_rule zeros)
{
	return vmentry_check_fixed(c, vmentry_control_field[word], (u32)cap, cap >> 32, ones,
				   zeros);
}

/* The later words: no bit must be 1, and only those that `maybe` has may be. */
static bool check_later_word(struct check *c, enum control_word word, u64 maybe,
			     enum vmentry_rule zeros)
{
	return vmentry_check_zeros(c, vmentry_control_field[word], ~maybe, zeros);
}

static bool check_execution_words(struct check *c)
{
	const struct vmentry_caps *caps = c->caps;

	if (check_word(c, CTL_PIN, caps->pin, VMENTRY_PIN_ONES, VMENTRY_PIN_ZEROS) ||
	    check_word(c, CTL_PROC, caps->proc, VMENTRY_PROC_ONES, VMENTRY_PROC_ZEROS))
		return true;
	if (vmentry_on(c, CTL_PROC, CPU_BASED_ACTIVATE_SECONDARY_CONTROLS) &&
	    check_later_word(c, CTL_PROC2, caps->proc2 >> 32, VMENTRY_PROC2_ZEROS))
		return true;
	return vmentry_on(c, CTL_PROC, CPU_BASED_ACTIVATE_TERTIARY_CONTROLS) &&
	       check_later_word(c, CTL_PROC3, caps->proc3, VMENTRY_PROC3_ZEROS);
}

/* Pages that a control makes the CPU use. */
static bool check_pages(struct check *c)
{
	static const struct {
		u64 control;
		u16 word, field, align, width;
	} pages[] = {
#define PAGE(word, control, field, rule) \
	{ control, CTL_##word, field, VMENTRY_##rule##_ALIGN, VMENTRY_##rule##_WIDTH }
		PAGE(PROC, CPU_BASED_USE_IO_BITMAPS, IO_BITMAP_A, IO_BITMAP),
		PAGE(PROC, CPU_BASED_USE_IO_BITMAPS, IO_BITMAP_B, IO_BITMAP),
		PAGE(PROC, CPU_BASED_USE_MSR_BITMAPS, MSR_BITMAP, MSR_BITMAP),
		PAGE(PROC, CPU_BASED_TPR_SHADOW, VIRTUAL_APIC_PAGE_ADDR, VIRTUAL_APIC),
		PAGE(PROC2, SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES, APIC_ACCESS_ADDR, APIC_ACCESS),
		PAGE(PROC2, SECONDARY_EXEC_ENABLE_PML, PML_ADDRESS, PML),
		PAGE(PROC2, SECONDARY_EXEC_SPP, SPP_TABLE_POINTER, SPPTP),
		PAGE(PROC2, SECONDARY_EXEC_SHADOW_VMCS, VMREAD_BITMAP, VMCS_BITMAP),
		PAGE(PROC2, SECONDARY_EXEC_SHADOW_VMCS, VMWRITE_BITMAP, VMCS_BITMAP),
		PAGE(PROC2, SECONDARY_EXEC_EPT_VIOLATION_VE, VE_INFORMATION_ADDRESS, VE_INFO),
		PAGE(PROC2, SECONDARY_EXEC_PASID_TRANSLATION, LOW_PASID_DIRECTORY, PASID),
		PAGE(PROC2, SECONDARY_EXEC_PASID_TRANSLATION, HIGH_PASID_DIRECTORY, PASID),
#undef PAGE
	};
	unsigned int i;

	for (i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
		if (vmentry_on(c, pages[i].word, pages[i].control) &&
		    vmentry_check_address(c, pages[i].field, 0xfff, pages[i].align,
					  pages[i].width))
			return true;
	return false;
}

/* Controls that make no sense without another one. */
static bool check_needs(struct check *c)
{
	static const struct {
		u64 control, needs;
		u16 word, needs_word, rule;
	} pairs[] = {
#define NEEDS(word, control, needs_word, needs, rule) \
	{ control, needs, CTL_##word, CTL_##needs_word, VMENTRY_##rule }
		NEEDS(PIN, PIN_BASED_VIRTUAL_NMIS, PIN, PIN_BASED_NMI_EXITING, VIRTUAL_NMIS),
		NEEDS(PROC, CPU_BASED_NMI_WINDOW_EXITING, PIN, PIN_BASED_VIRTUAL_NMIS, NMI_WINDOW),
		NEEDS(PROC2, SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE,
		      PROC, CPU_BASED_TPR_SHADOW, X2APIC_TPR_SHADOW),
		NEEDS(PROC2, SECONDARY_EXEC_APIC_REGISTER_VIRT,
		      PROC, CPU_BASED_TPR_SHADOW, APIC_REGISTERS_TPR_SHADOW),
		NEEDS(PROC2, SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY,
		      PROC, CPU_BASED_TPR_SHADOW, INTR_DELIVERY_TPR_SHADOW),
		NEEDS(PROC3, TERTIARY_EXEC_IPI_VIRT,
		      PROC, CPU_BASED_TPR_SHADOW, IPI_VIRT_TPR_SHADOW),
		NEEDS(PROC2, SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY,
		      PIN, PIN_BASED_EXT_INTR_MASK, INTR_DELIVERY_INTR_EXITING),
		NEEDS(PIN, PIN_BASED_POSTED_INTR,
		      PROC2, SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY, POSTED_INTR_DELIVERY),
		NEEDS(PIN, PIN_BASED_POSTED_INTR, EXIT, VM_EXIT_ACK_INTR_ON_EXIT, POSTED_INTR_ACK),
		NEEDS(PROC2, SECONDARY_EXEC_ENABLE_PML, PROC2, SECONDARY_EXEC_ENABLE_EPT, PML_EPT),
		NEEDS(PROC2, SECONDARY_EXEC_UNRESTRICTED_GUEST,
		      PROC2, SECONDARY_EXEC_ENABLE_EPT, UNRESTRICTED_EPT),
		NEEDS(PROC2, SECONDARY_EXEC_MODE_BASED_EPT_EXEC,
		      PROC2, SECONDARY_EXEC_ENABLE_EPT, MODE_BASED_EPT),
		NEEDS(PROC2, SECONDARY_EXEC_SPP, PROC2, SECONDARY_EXEC_ENABLE_EPT, SPP_EPT),
		NEEDS(PROC2, SECONDARY_EXEC_PT_USE_GPA, PROC2, SECONDARY_EXEC_ENABLE_EPT, PT_EPT),
		NEEDS(PROC3, TERTIARY_EXEC_PEBS_USE_GPA,
		      PROC2, SECONDARY_EXEC_ENABLE_EPT, PEBS_EPT),
		NEEDS(PROC3, TERTIARY_EXEC_HLAT, PROC2, SECONDARY_EXEC_ENABLE_EPT, HLAT_EPT),
		NEEDS(PROC3, TERTIARY_EXEC_EPT_PAGING_WRITE,
		      PROC2, SECONDARY_EXEC_ENABLE_EPT, PAGING_WRITE_EPT),
		NEEDS(PROC3, TERTIARY_EXEC_GUEST_PAGING_VERIFY,
		      PROC2, SECONDARY_EXEC_ENABLE_EPT, PAGING_VERIFY_EPT),
		NEEDS(PROC2, SECONDARY_EXEC_PT_USE_GPA,
		      ENTRY, VM_ENTRY_LOAD_IA32_RTIT_CTL, PT_LOAD_RTIT),
		NEEDS(PROC2, SECONDARY_EXEC_PT_USE_GPA,
		      EXIT, VM_EXIT_CLEAR_IA32_RTIT_CTL, PT_CLEAR_RTIT),
		NEEDS(PROC3, TERTIARY_EXEC_APIC_TIMER_VIRT,
		      PROC2, SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY, APIC_TIMER_INTR_DELIVERY),
		NEEDS(EXIT, VM_EXIT_SAVE_VMX_PREEMPTION_TIMER,
		      PIN, PIN_BASED_VMX_PREEMPTION_TIMER, SAVE_PREEMPTION_TIMER),
#undef NEEDS
	};
	unsigned int i;

	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		if (vmentry_on(c, pairs[i].word, pairs[i].control) &&
		    !vmentry_on(c, pairs[i].needs_word, pairs[i].needs))
			return vmentry_broken(c, pairs[i].rule,
					      vmentry_control_field[pairs[i].word]);
	return false;
}

static bool check_tpr(struct check *c)
{
	u32 threshold, vtpr;
	u64 apic;

	if (!vmentry_on(c, CTL_PROC, CPU_BASED_TPR_SHADOW) ||
	    vmentry_on(c, CTL_PROC2, SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY))
		return false;

	threshold = vmentry_read(c, TPR_THRESHOLD);
	if (threshold > 15)
		return vmentry_broken(c, VMENTRY_TPR_THRESHOLD_RESERVED, TPR_THRESHOLD);

	/* The virtual TPR is the byte at 80H of the virtual-APIC page. */
	apic = vmentry_read(c, VIRTUAL_APIC_PAGE_ADDR);
	if (vmentry_on(c, CTL_PROC2, SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES) || !c->in->peek ||
	    !c->in->peek(c->in->ctx, apic + 0x80, &vtpr))
		return false;
	return threshold > (vtpr >> 4 & 15) &&
	       vmentry_broken(c, VMENTRY_TPR_THRESHOLD_VTPR, TPR_THRESHOLD);
}

static bool check_posted_interrupts(struct check *c)
{
	if (!vmentry_on(c, CTL_PIN, PIN_BASED_POSTED_INTR))
		return false;
	return vmentry_check_zeros(c, POSTED_INTR_NV, 0xff00, VMENTRY_POSTED_INTR_VECTOR) ||
	       vmentry_check_address(c, POSTED_INTR_DESC_ADDR, 63, VMENTRY_POSTED_INTR_ALIGN,
				     VMENTRY_POSTED_INTR_WIDTH);
}

static bool check_ipi_virtualization(struct check *c)
{
	u64 last;

	if (!vmentry_on(c, CTL_PROC3, TERTIARY_EXEC_IPI_VIRT))
		return false;
	if (vmentry_check_address(c, PID_POINTER_TABLE, 7, VMENTRY_PID_TABLE_ALIGN,
				  VMENTRY_PID_TABLE_WIDTH))
		return true;
	last = vmentry_read(c, PID_POINTER_TABLE) + 8 * vmentry_read(c, LAST_PID_POINTER_INDEX);
	return !vmentry_width_ok(c, last) &&
	       vmentry_broken(c, VMENTRY_PID_TABLE_END, PID_POINTER_TABLE);
}

static bool eptp_memory_type_ok(const struct check *c, u64 eptp)
{
	switch (eptp & VMX_EPTP_MT_MASK) {
	case VMX_EPTP_MT_UC:
		return c->caps->ept_vpid & VMX_EPTP_UC_BIT;
	case VMX_EPTP_MT_WB:
		return c->caps->ept_vpid & VMX_EPTP_WB_BIT;
	default:
		return false;
	}
}

static bool eptp_walk_length_ok(const struct check *c, u64 eptp)
{
	switch (eptp & VMX_EPTP_PWL_MASK) {
	case VMX_EPTP_PWL_4:
		return c->caps->ept_vpid & VMX_EPT_PAGE_WALK_4_BIT;
	case VMX_EPTP_PWL_5:
		return c->caps->ept_vpid & VMX_EPT_PAGE_WALK_5_BIT;
	default:
		return false;
	}
}

static bool check_eptp(struct check *c)
{
	u64 eptp, reserved = GENMASK_ULL(11, 7);

	if (!vmentry_on(c, CTL_PROC2, SECONDARY_EXEC_ENABLE_EPT))
		return false;

	eptp = vmentry_read(c, EPT_POINTER);
	if (!eptp_memory_type_ok(c, eptp))
		return vmentry_broken(c, VMENTRY_EPTP_MEMORY_TYPE, EPT_POINTER);
	if (!eptp_walk_length_ok(c, eptp))
		return vmentry_broken(c, VMENTRY_EPTP_WALK_LENGTH, EPT_POINTER);
	if ((eptp & VMX_EPTP_AD_ENABLE_BIT) && !(c->caps->ept_vpid & VMX_EPT_AD_BIT))
		return vmentry_broken(c, VMENTRY_EPTP_ACCESSED_DIRTY, EPT_POINTER);

	/* Bit 7 has a meaning on CPUs with control-flow enforcement. */
	if (c->caps->ept_vpid & VMX_EPT_SUPERVISOR_SHADOW_STACK_BIT)
		reserved &= ~VMX_EPTP_SUPERVISOR_SHADOW_STACK_BIT;
	return vmentry_check_address(c, EPT_POINTER, reserved, VMENTRY_EPTP_RESERVED,
				     VMENTRY_EPTP_WIDTH);
}

static bool check_vm_functions(struct check *c)
{
	u64 functions;

	if (!vmentry_on(c, CTL_PROC2, SECONDARY_EXEC_ENABLE_VMFUNC))
		return false;

	functions = vmentry_read(c, VM_FUNCTION_CONTROL);
	if (functions & ~c->caps->vmfunc)
		return vmentry_broken(c, VMENTRY_VMFUNC_ZEROS, VM_FUNCTION_CONTROL);
	if (!(functions & VMX_VMFUNC_EPTP_SWITCHING))
		return false;
	if (!vmentry_on(c, CTL_PROC2, SECONDARY_EXEC_ENABLE_EPT))
		return vmentry_broken(c, VMENTRY_EPTP_SWITCHING_EPT, VM_FUNCTION_CONTROL);
	return vmentry_check_address(c, EPTP_LIST_ADDRESS, 0xfff, VMENTRY_EPTP_LIST_ALIGN,
				     VMENTRY_EPTP_LIST_WIDTH);
}

/* What is left: short rules, each of its own kind. */
static bool check_single_rules(struct check *c)
{
	if (vmentry_read(c, CR3_TARGET_COUNT) > (u64)vmx_misc_cr3_count(c->caps->misc))
		return vmentry_broken(c, VMENTRY_CR3_TARGET_COUNT, CR3_TARGET_COUNT);
	if (vmentry_on(c, CTL_PROC2, SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE) &&
	    vmentry_on(c, CTL_PROC2, SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES))
		return vmentry_broken(c, VMENTRY_X2APIC_APIC_ACCESSES, SECONDARY_VM_EXEC_CONTROL);
	if (vmentry_on(c, CTL_PROC2, SECONDARY_EXEC_ENABLE_VPID) &&
	    !vmentry_read(c, VIRTUAL_PROCESSOR_ID))
		return vmentry_broken(c, VMENTRY_VPID_ZERO, VIRTUAL_PROCESSOR_ID);
	if (c->in->tracing && vmentry_on(c, CTL_ENTRY, VM_ENTRY_LOAD_IA32_RTIT_CTL))
		return vmentry_broken(c, VMENTRY_PT_TRACING, VM_ENTRY_CONTROLS);
	if (vmentry_on(c, CTL_PROC2, SECONDARY_EXEC_TSC_SCALING) &&
	    !vmentry_read(c, TSC_MULTIPLIER))
		return vmentry_broken(c, VMENTRY_TSC_MULTIPLIER, TSC_MULTIPLIER);
	if (vmentry_on(c, CTL_PROC3, TERTIARY_EXEC_HLAT) &&
	    vmentry_check_address(c, HLAT_POINTER, GENMASK_ULL(11, 5) | GENMASK_ULL(2, 0),
				  VMENTRY_HLATP_RESERVED, VMENTRY_HLATP_WIDTH))
		return true;
	if (!vmentry_on(c, CTL_PROC3, TERTIARY_EXEC_APIC_TIMER_VIRT))
		return false;
	if (vmentry_on(c, CTL_PROC, CPU_BASED_RDTSC_EXITING))
		return vmentry_broken(c, VMENTRY_APIC_TIMER_RDTSC, CPU_BASED_VM_EXEC_CONTROL);
	return vmentry_check_zeros(c, VIRTUAL_TIMER_VECTOR, 0xff00, VMENTRY_APIC_TIMER_VECTOR);
}

/* A list of MSRs: 16 bytes an entry, and its last byte counts too. */
static bool check_msr_list(struct check *c, u32 count_field, u32 addr_field,
			   enum vmentry_rule align, enum vmentry_rule width,
			   enum vmentry_rule end)
{
	u64 count = vmentry_read(c, count_field);

	if (!count)
		return false;
	if (vmentry_check_address(c, addr_field, 15, align, width))
		return true;
	return !vmentry_width_ok(c, vmentry_read(c, addr_field) + count * 16 - 1) &&
	       vmentry_broken(c, end, addr_field);
}

static bool check_exit(struct check *c)
{
	const struct vmentry_caps *caps = c->caps;

	if (check_word(c, CTL_EXIT, caps->exit, VMENTRY_EXIT_ONES, VMENTRY_EXIT_ZEROS))
		return true;
	if (vmentry_on(c, CTL_EXIT, VM_EXIT_ACTIVATE_SECONDARY_CONTROLS) &&
	    check_later_word(c, CTL_EXIT2, caps->exit2, VMENTRY_EXIT2_ZEROS))
		return true;
	return check_msr_list(c, VM_EXIT_MSR_STORE_COUNT, VM_EXIT_MSR_STORE_ADDR,
			      VMENTRY_EXIT_MSR_STORE_ALIGN, VMENTRY_EXIT_MSR_STORE_WIDTH,
			      VMENTRY_EXIT_MSR_STORE_END) ||
	       check_msr_list(c, VM_EXIT_MSR_LOAD_COUNT, VM_EXIT_MSR_LOAD_ADDR,
			      VMENTRY_EXIT_MSR_LOAD_ALIGN, VMENTRY_EXIT_MSR_LOAD_WIDTH,
			      VMENTRY_EXIT_MSR_LOAD_END);
}

/* That the two SMM controls must not both be on goes without saying outside SMM. */
static bool check_entry(struct check *c)
{
	if (check_word(c, CTL_ENTRY, c->caps->entry, VMENTRY_ENTRY_ONES, VMENTRY_ENTRY_ZEROS) ||
	    vmentry_check_zeros(c, VM_ENTRY_CONTROLS, VM_ENTRY_SMM, VMENTRY_ENTRY_TO_SMM) ||
	    vmentry_check_zeros(c, VM_ENTRY_CONTROLS, VM_ENTRY_DEACT_DUAL_MONITOR,
				VMENTRY_DEACTIVATE_DUAL_MONITOR))
		return true;
	return vmentry_check_event(c) ||
	       check_msr_list(c, VM_ENTRY_MSR_LOAD_COUNT, VM_ENTRY_MSR_LOAD_ADDR,
			      VMENTRY_ENTRY_MSR_LOAD_ALIGN, VMENTRY_ENTRY_MSR_LOAD_WIDTH,
			      VMENTRY_ENTRY_MSR_LOAD_END);
}

u16 vmentry_check_controls(const struct vmentry_input *in, struct vmentry_finding *finding)
{
	struct check c;

	vmentry_check_init(&c, in, finding);
	if (check_execution_words(&c) || check_needs(&c) || check_pages(&c) || check_tpr(&c) ||
	    check_posted_interrupts(&c) || check_ipi_virtualization(&c) || check_eptp(&c) ||
	    check_vm_functions(&c) || check_single_rules(&c) || check_exit(&c))
		return finding->rule;
	check_entry(&c);
	return finding->rule;
}
