// SPDX-License-Identifier: GPL-2.0-only
/*
 * What of the guest's state is in no register: halted or not, what blocks interrupts, which debug
 * exceptions wait, the link pointer. SDM "Checks on Guest Non-Register State".
 */
#include "vmentry_check.h"

#define SHADOWS (GUEST_INTR_STATE_STI | GUEST_INTR_STATE_MOV_SS)

#define NO_LINK (~0ULL)

struct event {
	bool valid;
	u32 type;
	u32 vector;
};

static struct event injected_event(const struct check *c)
{
	u32 info = vmentry_read(c, VM_ENTRY_INTR_INFO_FIELD);

	return (struct event){
		.valid = info & INTR_INFO_VALID_MASK,
		.type = info & INTR_INFO_INTR_TYPE_MASK,
		.vector = info & INTR_INFO_VECTOR_MASK,
	};
}

static bool is_exception(struct event event, u32 vector)
{
	return event.type == INTR_TYPE_HARD_EXCEPTION && event.vector == vector;
}

static bool activity_supported(const struct check *c, u64 activity)
{
	switch (activity) {
	case GUEST_ACTIVITY_ACTIVE:
		return true;
	case GUEST_ACTIVITY_HLT:
		return c->caps->misc & VMX_MISC_ACTIVITY_HLT;
	case GUEST_ACTIVITY_SHUTDOWN:
		return c->caps->misc & VMX_MISC_ACTIVITY_SHUTDOWN;
	case GUEST_ACTIVITY_WAIT_SIPI:
		return c->caps->misc & VMX_MISC_ACTIVITY_WAIT_SIPI;
	default:
		return false;
	}
}

/* An event is refused if the CPU would not take it in that activity state. */
static bool check_activity_event(struct check *c, u64 activity)
{
	struct event event = injected_event(c);
	bool nmi = event.type == INTR_TYPE_NMI_INTR;
	bool machine_check = is_exception(event, X86_TRAP_MC);
	bool monitor_trap_flag = event.type == INTR_TYPE_OTHER_EVENT && event.vector == 0;
	u32 field = VM_ENTRY_INTR_INFO_FIELD;

	if (!event.valid)
		return false;

	switch (activity) {
	case GUEST_ACTIVITY_HLT:
		if (event.type == INTR_TYPE_EXT_INTR || nmi || machine_check ||
		    is_exception(event, X86_TRAP_DB) || monitor_trap_flag)
			return false;
		return vmentry_broken(c, VMENTRY_ACTIVITY_HLT_EVENT, field);
	case GUEST_ACTIVITY_SHUTDOWN:
		return !nmi && !machine_check &&
		       vmentry_broken(c, VMENTRY_ACTIVITY_SHUTDOWN_EVENT, field);
	case GUEST_ACTIVITY_WAIT_SIPI:
		return vmentry_broken(c, VMENTRY_ACTIVITY_SIPI_EVENT, field);
	default:
		return false;
	}
}

static bool check_activity(struct check *c)
{
	u64 activity = vmentry_read(c, GUEST_ACTIVITY_STATE);
	u32 field = GUEST_ACTIVITY_STATE;

	if (!activity_supported(c, activity))
		return vmentry_broken(c, VMENTRY_ACTIVITY_UNSUPPORTED, field);
	if (activity == GUEST_ACTIVITY_HLT &&
	    VMX_AR_DPL(vmentry_read(c, GUEST_SS_AR_BYTES)))
		return vmentry_broken(c, VMENTRY_ACTIVITY_HLT_DPL, field);
	if (activity != GUEST_ACTIVITY_ACTIVE &&
	    vmentry_has(c, GUEST_INTERRUPTIBILITY_INFO, SHADOWS))
		return vmentry_broken(c, VMENTRY_ACTIVITY_SHADOW, field);
	return check_activity_event(c, activity);
}

static bool check_event_blocked(struct check *c, u32 state)
{
	struct event event = injected_event(c);
	bool nmi = event.valid && event.type == INTR_TYPE_NMI_INTR;
	bool interrupt = event.valid && event.type == INTR_TYPE_EXT_INTR;
	u32 field = GUEST_INTERRUPTIBILITY_INFO;

	if (interrupt && (state & SHADOWS))
		return vmentry_broken(c, VMENTRY_SHADOW_INTR, field);
	if (nmi && (state & SHADOWS))
		return vmentry_broken(c, VMENTRY_SHADOW_NMI, field);
	return nmi && vmentry_on(c, CTL_PIN, PIN_BASED_VIRTUAL_NMIS) &&
	       (state & GUEST_INTR_STATE_NMI) && vmentry_broken(c, VMENTRY_BLOCKING_NMI, field);
}

static bool check_interruptibility(struct check *c)
{
	u32 field = GUEST_INTERRUPTIBILITY_INFO;
	u32 state = vmentry_read(c, field);

	if (state >> 5)
		return vmentry_broken(c, VMENTRY_INTERRUPTIBILITY_RESERVED, field);
	if ((state & SHADOWS) == SHADOWS)
		return vmentry_broken(c, VMENTRY_SHADOW_BOTH, field);
	if ((state & GUEST_INTR_STATE_STI) && !vmentry_has(c, GUEST_RFLAGS, X86_EFLAGS_IF))
		return vmentry_broken(c, VMENTRY_SHADOW_STI_IF, field);
	if (state & GUEST_INTR_STATE_SMI)
		return vmentry_broken(c, VMENTRY_BLOCKING_SMI, field);
	if (state & GUEST_INTR_STATE_ENCLAVE_INTR) {
		if (state & GUEST_INTR_STATE_MOV_SS)
			return vmentry_broken(c, VMENTRY_ENCLAVE_MOV_SS, field);
		if (!c->caps->sgx)
			return vmentry_broken(c, VMENTRY_ENCLAVE_SGX, field);
	}
	return check_event_blocked(c, state);
}

/*
 * Where nothing can be taken now, a single step must be pending if and only if TF would cause one
 * (with BTF only taken branches do).
 */
static bool check_single_step(struct check *c, u64 pending)
{
	bool waiting = vmentry_has(c, GUEST_INTERRUPTIBILITY_INFO, SHADOWS) ||
		       vmentry_read(c, GUEST_ACTIVITY_STATE) == GUEST_ACTIVITY_HLT;
	bool steps = vmentry_has(c, GUEST_RFLAGS, X86_EFLAGS_TF) &&
		     !vmentry_has(c, GUEST_IA32_DEBUGCTL, DEBUGCTLMSR_BTF);
	u32 field = GUEST_PENDING_DBG_EXCEPTIONS;

	if (!waiting)
		return false;
	if (steps && !(pending & PENDING_DBG_BS))
		return vmentry_broken(c, VMENTRY_PENDING_BS_CLEAR, field);
	return !steps && (pending & PENDING_DBG_BS) &&
	       vmentry_broken(c, VMENTRY_PENDING_BS_SET, field);
}

static bool check_pending_debug(struct check *c)
{
	u32 field = GUEST_PENDING_DBG_EXCEPTIONS;
	u64 pending = vmentry_read(c, field);
	u64 reserved = GENMASK_ULL(63, 17) | BIT(15) | BIT(13) | GENMASK_ULL(11, 4);

	if (c->caps->bus_lock_detect)
		reserved &= ~PENDING_DBG_BUS_LOCK;
	if (pending & reserved)
		return vmentry_broken(c, VMENTRY_PENDING_RESERVED, field);
	if (check_single_step(c, pending))
		return true;

	if (!(pending & PENDING_DBG_RTM))
		return false;
	if (pending != (PENDING_DBG_RTM | PENDING_DBG_ENABLED_BREAKPOINT))
		return vmentry_broken(c, VMENTRY_PENDING_RTM_BITS, field);
	if (!c->caps->rtm)
		return vmentry_broken(c, VMENTRY_PENDING_RTM_UNSUPPORTED, field);
	return vmentry_has(c, GUEST_INTERRUPTIBILITY_INFO, GUEST_INTR_STATE_MOV_SS) &&
	       vmentry_broken(c, VMENTRY_PENDING_RTM_MOV_SS, field);
}

static bool check_link_pointer(struct check *c)
{
	u64 link = vmentry_read(c, VMCS_LINK_POINTER);
	bool shadowing = vmentry_on(c, CTL_PROC2, SECONDARY_EXEC_SHADOW_VMCS);
	u32 header;

	if (link == NO_LINK)
		return false;
	if (vmentry_check_address(c, VMCS_LINK_POINTER, 0xfff, VMENTRY_LINK_ALIGN,
				  VMENTRY_LINK_WIDTH))
		return true;
	if (link == c->in->vmcs_addr)
		return vmentry_broken(c, VMENTRY_LINK_SELF, VMCS_LINK_POINTER);

	if (!c->in->peek || !c->in->peek(c->in->ctx, link, &header))
		return false;
	if ((header & ~VMCS_REGION_SHADOW) != vmx_basic_vmcs_revision_id(c->caps->basic))
		return vmentry_broken(c, VMENTRY_LINK_REVISION, VMCS_LINK_POINTER);
	return !(header & VMCS_REGION_SHADOW) == shadowing &&
	       vmentry_broken(c, VMENTRY_LINK_SHADOW, VMCS_LINK_POINTER);
}

bool vmentry_check_non_register(struct check *c)
{
	return check_activity(c) || check_interruptibility(c) || check_pending_debug(c) ||
	       check_link_pointer(c);
}
