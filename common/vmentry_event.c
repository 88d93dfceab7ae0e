// SPDX-License-Identifier: GPL-2.0-only
/*
 * The event that a VM entry is to inject. SDM "VM-Entry Control Fields".
 *
 * INTR_TYPE_* and INTR_INFO_* are the kernel's names. The SDM called the field "VM-entry
 * interruption information" until FRED made it "injected-event identification".
 */
#include "vmentry_check.h"

#define EVENT VM_ENTRY_INTR_INFO_FIELD

/* #DF, #TS, #NP, #SS, #GP, #PF, #AC. (#CP came later; a CPU that has it checks no vector.) */
#define VECTORS_WITH_ERROR_CODE                                                      \
	(BIT(X86_TRAP_DF) | BIT(X86_TRAP_TS) | BIT(X86_TRAP_NP) | BIT(X86_TRAP_SS) | \
	 BIT(X86_TRAP_GP) | BIT(X86_TRAP_PF) | BIT(X86_TRAP_AC))

static bool has_monitor_trap_flag(const struct check *c)
{
	return c->caps->proc >> 32 & CPU_BASED_MONITOR_TRAP_FLAG;
}

static bool has_fred(const struct check *c)
{
	return c->caps->entry >> 32 & VM_ENTRY_LOAD_FRED;
}

/* Type 7: vector 0 leaves a monitor-trap-flag exit pending, 1 is SYSCALL, 2 is SYSENTER. */
static bool other_event_vector_ok(const struct check *c, u32 vector)
{
	if (vector == 0)
		return has_monitor_trap_flag(c);
	return vector <= 2 && vmentry_has(c, GUEST_CR4, X86_CR4_FRED);
}

static bool check_type_and_vector(struct check *c, u32 info)
{
	u32 vector = info & INTR_INFO_VECTOR_MASK;

	switch (info & INTR_INFO_INTR_TYPE_MASK) {
	case INTR_TYPE_RESERVED:
		return vmentry_broken(c, VMENTRY_EVENT_TYPE_RESERVED, EVENT);
	case INTR_TYPE_NMI_INTR:
		return vector != X86_TRAP_NMI && vmentry_broken(c, VMENTRY_EVENT_NMI_VECTOR, EVENT);
	case INTR_TYPE_HARD_EXCEPTION:
		return vector > 31 && vmentry_broken(c, VMENTRY_EVENT_EXCEPTION_VECTOR, EVENT);
	case INTR_TYPE_OTHER_EVENT:
		if (!has_monitor_trap_flag(c) && !has_fred(c))
			return vmentry_broken(c, VMENTRY_EVENT_TYPE_OTHER, EVENT);
		return !other_event_vector_ok(c, vector) &&
		       vmentry_broken(c, VMENTRY_EVENT_OTHER_VECTOR, EVENT);
	default:
		return false;
	}
}

static bool check_error_code(struct check *c, u32 info)
{
	bool vector_has_one = VECTORS_WITH_ERROR_CODE >> (info & 31) & 1;
	bool any_vector = c->caps->basic & VMX_BASIC_NO_ERROR_CODE_CHECK;
	bool exception = (info & INTR_INFO_INTR_TYPE_MASK) == INTR_TYPE_HARD_EXCEPTION;
	/* Exceptions have no error code in real mode, which only an unrestricted guest can be in. */
	bool real_mode = vmentry_unrestricted(c) && !vmentry_has(c, GUEST_CR0, X86_CR0_PE);

	if (!(info & INTR_INFO_DELIVER_CODE_MASK))
		return exception && !real_mode && !any_vector && vector_has_one &&
		       vmentry_broken(c, VMENTRY_EVENT_ERROR_CODE_MISSING, EVENT);

	if (!exception)
		return vmentry_broken(c, VMENTRY_EVENT_ERROR_CODE_TYPE, EVENT);
	if (real_mode)
		return vmentry_broken(c, VMENTRY_EVENT_ERROR_CODE_REAL_MODE, EVENT);
	if (!any_vector && !vector_has_one)
		return vmentry_broken(c, VMENTRY_EVENT_ERROR_CODE_VECTOR, EVENT);
	return vmentry_check_zeros(c, VM_ENTRY_EXCEPTION_ERROR_CODE, GENMASK_ULL(31, 16),
				   VMENTRY_EVENT_ERROR_CODE_HIGH);
}

static bool check_reserved(struct check *c, u32 info)
{
	if (info & INTR_INFO_RESVD_BITS_MASK & ~INTR_INFO_NESTED_EXCEPTION)
		return vmentry_broken(c, VMENTRY_EVENT_RESERVED, EVENT);
	if (!(info & INTR_INFO_NESTED_EXCEPTION))
		return false;
	if ((info & INTR_INFO_INTR_TYPE_MASK) != INTR_TYPE_HARD_EXCEPTION)
		return vmentry_broken(c, VMENTRY_EVENT_NESTED_TYPE, EVENT);
	return !(c->caps->basic & VMX_BASIC_NESTED_EXCEPTION) &&
	       vmentry_broken(c, VMENTRY_EVENT_NESTED_UNSUPPORTED, EVENT);
}

/* Software events push the address of the next instruction, so the length of this one counts. */
static bool has_length(u32 info)
{
	switch (info & INTR_INFO_INTR_TYPE_MASK) {
	case INTR_TYPE_SOFT_INTR:
	case INTR_TYPE_PRIV_SW_EXCEPTION:
	case INTR_TYPE_SOFT_EXCEPTION:
		return true;
	case INTR_TYPE_OTHER_EVENT:
		return info & INTR_INFO_VECTOR_MASK;
	default:
		return false;
	}
}

static bool check_length(struct check *c, u32 info)
{
	u64 length = vmentry_read(c, VM_ENTRY_INSTRUCTION_LEN);

	if (!has_length(info))
		return false;
	if (length > 15)
		return vmentry_broken(c, VMENTRY_EVENT_LENGTH, VM_ENTRY_INSTRUCTION_LEN);
	return !length && !(c->caps->misc & VMX_MISC_ZERO_LEN_INS) &&
	       vmentry_broken(c, VMENTRY_EVENT_LENGTH_ZERO, VM_ENTRY_INSTRUCTION_LEN);
}

bool vmentry_check_event(struct check *c)
{
	u32 info = vmentry_read(c, EVENT);

	if (!(info & INTR_INFO_VALID_MASK))
		return false;
	return check_type_and_vector(c, info) || check_reserved(c, info) ||
	       check_error_code(c, info) || check_length(c, info);
}
