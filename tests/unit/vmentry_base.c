// SPDX-License-Identifier: GPL-2.0-only
/*
 * The made-up CPUs and their good VMCSs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "vmentry_base.h"

/* Access rights: present, accessed, DPL 0. */
#define CODE_64 0xa09b
#define CODE_32 0xc09b
#define DATA_32 0xc093
#define CODE_16 0x9b
#define DATA_16 0x93
#define BUSY_TSS 0x8b
#define LDT 0x82
#define UNUSABLE VMX_AR_UNUSABLE_MASK

#define CR4_MAYBE (GENMASK_ULL(25, 20) | GENMASK_ULL(18, 16) | GENMASK_ULL(14, 0) | X86_CR4_FRED)

/* A capability MSR of a control word: what must be 1, what may be 1. */
#define WORD(ones, maybe) ((u64)(maybe) << 32 | (ones))

static u64 machine_read(void *ctx, u32 field)
{
	struct machine *m = ctx;

	if (field >= NR_FIELDS || !m->present[field])
		fail_msg("read of field %x, which this CPU does not have", field);
	return m->value[field];
}

static bool machine_peek(void *ctx, u64 addr, u32 *value)
{
	struct machine *m = ctx;
	unsigned int i;

	for (i = 0; i < m->nr_memory; i++) {
		if (m->memory[i].addr == addr) {
			*value = m->memory[i].value;
			return true;
		}
	}
	return false;
}

static void set(struct machine *m, u32 field, u64 value)
{
	m->value[field] = value;
	m->present[field] = true;
}

static void set_segment(struct machine *m, u32 index, u16 selector, u64 base, u32 limit, u32 rights)
{
	set(m, GUEST_ES_SELECTOR + 2 * index, selector);
	set(m, GUEST_ES_BASE + 2 * index, base);
	set(m, GUEST_ES_LIMIT + 2 * index, limit);
	set(m, GUEST_ES_AR_BYTES + 2 * index, rights);
}

/* ES, CS, SS, DS, FS, GS of one kind, then LDTR and TR. */
static void set_segments(struct machine *m, u32 limit, u32 code, u32 data)
{
	u32 i;

	for (i = 0; i < 6; i++)
		set_segment(m, i, 0x10, 0, limit, data);
	set_segment(m, 1, 0x08, 0, limit, code);
	set_segment(m, 6, 0x30, 0x5000, 0xffff, LDT);
	set_segment(m, 7, 0x28, 0x6000, 0x67, BUSY_TSS);
}

static void everything_caps(struct vmentry_caps *caps)
{
	*caps = (struct vmentry_caps){
		.basic = VMX_BASIC_TRUE_CTLS | REVISION,
		.pin = WORD(0x16, 0xff),
		.proc = WORD(0x04006172, 0xfffffffe),
		.proc2 = WORD(0, ~BIT(29) & 0xffffffff),
		.proc3 = GENMASK_ULL(4, 0) | GENMASK_ULL(8, 6) | BIT(12),
		.exit = WORD(0x36dfb, 0xffffffff & ~VM_EXIT_CLEAR_BNDCFGS),
		.exit2 = 0xf,
		.entry = WORD(0x11fb, GENMASK_ULL(24, 0)),
		.misc = 4 << 16 | VMX_MISC_ACTIVITY_HLT | VMX_MISC_ACTIVITY_SHUTDOWN |
			VMX_MISC_ACTIVITY_WAIT_SIPI | VMX_MISC_ZERO_LEN_INS,
		.cr0_fixed0 = X86_CR0_PG | X86_CR0_NE | X86_CR0_PE,
		.cr0_fixed1 = 0xffffffff,
		.cr4_fixed0 = X86_CR4_VMXE,
		.cr4_fixed1 = CR4_MAYBE,
		.ept_vpid = VMX_EPT_PAGE_WALK_4_BIT | VMX_EPTP_WB_BIT | VMX_EPTP_UC_BIT |
			    VMX_EPT_AD_BIT,
		.vmfunc = VMX_VMFUNC_EPTP_SWITCHING,
		.perf_global_ctrl_reserved = ~0x7000000ffULL,
		.rtit_ctl_reserved = BIT(18),
		.spec_ctrl_reserved = ~7ULL,
		.maxphyaddr = 46,
		.maxlinaddr = 48,
		.sgx = true,
		.rtm = true,
		.bus_lock_detect = true,
		.lam = true,
	};
}

static void every_field(struct machine *m)
{
	static const u32 fields[] = {
#define FIELD(name) name,
#include "vmcs_fields.h"
#undef FIELD
	};
	size_t i;

	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		set(m, fields[i], 0);
}

static void everything_controls(struct machine *m)
{
	const struct vmentry_caps *caps = &m->caps;

	set(m, PIN_BASED_VM_EXEC_CONTROL, caps->pin >> 32);
	set(m, CPU_BASED_VM_EXEC_CONTROL, caps->proc >> 32 & ~CPU_BASED_RDTSC_EXITING);
	set(m, SECONDARY_VM_EXEC_CONTROL,
	    caps->proc2 >> 32 & ~SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE);
	set(m, TERTIARY_VM_EXEC_CONTROL, caps->proc3);
	set(m, VM_EXIT_CONTROLS, caps->exit >> 32);
	set(m, SECONDARY_VM_EXIT_CONTROLS, caps->exit2);
	set(m, VM_ENTRY_CONTROLS,
	    caps->entry >> 32 & ~(VM_ENTRY_SMM | VM_ENTRY_DEACT_DUAL_MONITOR));

	set(m, CR3_TARGET_COUNT, 4);
	set(m, IO_BITMAP_A, 0x10000);
	set(m, IO_BITMAP_B, 0x11000);
	set(m, MSR_BITMAP, 0x12000);
	set(m, VIRTUAL_APIC_PAGE_ADDR, VIRTUAL_APIC_PAGE);
	set(m, APIC_ACCESS_ADDR, 0x14000);
	set(m, POSTED_INTR_NV, 0xf2);
	set(m, POSTED_INTR_DESC_ADDR, 0x15040);
	set(m, PID_POINTER_TABLE, 0x16008);
	set(m, LAST_PID_POINTER_INDEX, 3);
	set(m, VIRTUAL_PROCESSOR_ID, 1);
	set(m, EPT_POINTER,
	    0x17000 | VMX_EPTP_MT_WB | VMX_EPTP_PWL_4 | VMX_EPTP_AD_ENABLE_BIT);
	set(m, VM_FUNCTION_CONTROL, VMX_VMFUNC_EPTP_SWITCHING);
	set(m, TSC_MULTIPLIER, BIT_ULL(48));
	set(m, HLAT_POINTER, 0x18000 | BIT(3) | BIT(4));
	set(m, VIRTUAL_TIMER_VECTOR, 0x40);
	set(m, VM_EXIT_MSR_STORE_COUNT, 2);
	set(m, VM_EXIT_MSR_STORE_ADDR, 0x19010);
	set(m, VM_EXIT_MSR_LOAD_COUNT, 2);
	set(m, VM_EXIT_MSR_LOAD_ADDR, 0x1a010);
	set(m, VM_ENTRY_MSR_LOAD_COUNT, 2);
	set(m, VM_ENTRY_MSR_LOAD_ADDR, 0x1b010);
}

static void host_64(struct machine *m)
{
	u32 field;

	set(m, HOST_CR0, X86_CR0_PG | X86_CR0_WP | X86_CR0_NE | X86_CR0_PE);
	set(m, HOST_CR3, 0x1000);
	set(m, HOST_CR4, X86_CR4_VMXE | X86_CR4_PAE);
	for (field = HOST_ES_SELECTOR; field <= HOST_TR_SELECTOR; field += 2)
		set(m, field, 0);
	set(m, HOST_CS_SELECTOR, 0x10);
	set(m, HOST_TR_SELECTOR, 0x40);
	set(m, HOST_FS_BASE, 0x7fff00001000);
	set(m, HOST_GS_BASE, 0xffff888000001000);
	set(m, HOST_TR_BASE, 0xfffffe0000003000);
	set(m, HOST_GDTR_BASE, 0xfffffe0000001000);
	set(m, HOST_IDTR_BASE, 0xfffffe0000000000);
	set(m, HOST_IA32_SYSENTER_ESP, 0xfffffe0000002000);
	set(m, HOST_IA32_SYSENTER_EIP, 0xffffffff81000000);
	set(m, HOST_RIP, 0xffffffffc0001000);
}

/* The state of host and guest that only a CPU with everything has. */
static void everything_state(struct machine *m)
{
	set(m, HOST_IA32_PAT, 0x0007010600070504);
	set(m, HOST_IA32_EFER, EFER_SCE | EFER_LME | EFER_LMA | EFER_NX);
	set(m, HOST_SSP, 0xffff888000002008);
	set(m, HOST_INTERRUPT_SSP_TABLE, 0xffff888000003000);
	set(m, HOST_IA32_FRED_CONFIG, 0xffffffff82000000);
	set(m, HOST_IA32_FRED_RSP1, 0xffff888000004040);
	set(m, HOST_IA32_FRED_SSP1, 0xffff888000005008);

	set(m, GUEST_IA32_PAT, 0x0007010600070504);
	set(m, GUEST_IA32_EFER, EFER_SCE | EFER_LME | EFER_LMA | EFER_NX);
	set(m, GUEST_SSP, 0x2008);
	set(m, GUEST_INTERRUPT_SSP_TABLE, 0xffff888000003000);
	set(m, GUEST_IA32_FRED_CONFIG, 0xffffffff82000000);
	set(m, GUEST_BNDCFGS, 0xffff888000003003);
}

static void guest_64(struct machine *m)
{
	set(m, GUEST_CR0, X86_CR0_PG | X86_CR0_WP | X86_CR0_NE | X86_CR0_PE);
	set(m, GUEST_CR3, 0x1000);
	set(m, GUEST_CR4, X86_CR4_VMXE | X86_CR4_PAE);
	set_segments(m, 0xffffffff, CODE_64, DATA_32);
	set(m, GUEST_SYSENTER_ESP, 0xffff888000001000);
	set(m, GUEST_SYSENTER_EIP, 0xffffffff81000000);
	set(m, GUEST_GDTR_BASE, 0x3000);
	set(m, GUEST_GDTR_LIMIT, 0xffff);
	set(m, GUEST_IDTR_BASE, 0x4000);
	set(m, GUEST_IDTR_LIMIT, 0xffff);
	set(m, GUEST_RIP, 0x800000001000);
	set(m, GUEST_RFLAGS, X86_EFLAGS_FIXED | X86_EFLAGS_IF);
	set(m, VMCS_LINK_POINTER, ~0ULL);
}

static void guest_32(struct machine *m)
{
	m->value[VM_ENTRY_CONTROLS] &= ~(u64)VM_ENTRY_IA32E_MODE;
	set(m, GUEST_CR4, X86_CR4_VMXE);
	set(m, GUEST_IA32_EFER, 0);
	set_segments(m, 0xffffffff, CODE_32, DATA_32);
	set(m, GUEST_RIP, 0x1000);
	set(m, GUEST_SSP, 0x2008);
}

static void guest_v86(struct machine *m)
{
	u32 i;

	guest_32(m);
	for (i = 0; i < 6; i++)
		set_segment(m, i, 0x1000 + i, 0x10000 + 16 * i, 0xffff, 0xf3);
	m->value[GUEST_RFLAGS] |= X86_EFLAGS_VM;
}

static void host_32(struct machine *m)
{
	guest_32(m);
	m->in.ia32e = false;
	m->value[VM_EXIT_CONTROLS] &= ~(u64)VM_EXIT_HOST_ADDR_SPACE_SIZE;
	set(m, HOST_IA32_EFER, 0);
	set(m, HOST_SS_SELECTOR, 0x18);
	set(m, HOST_RIP, 0x1000);
	set(m, HOST_SSP, 0x2008);
}

static void everything(struct machine *m, enum base base)
{
	everything_caps(&m->caps);
	every_field(m);
	everything_controls(m);
	host_64(m);
	guest_64(m);
	everything_state(m);

	switch (base) {
	case BASE_RESTRICTED:
		m->value[SECONDARY_VM_EXEC_CONTROL] &= ~(u64)SECONDARY_EXEC_UNRESTRICTED_GUEST;
		break;
	case BASE_GUEST_32:
		guest_32(m);
		break;
	case BASE_PAE:
		guest_32(m);
		m->value[GUEST_CR4] |= X86_CR4_PAE;
		set(m, GUEST_PDPTR0, 0x20001);
		set(m, GUEST_PDPTR3, 0x23019);
		break;
	case BASE_V86:
		guest_v86(m);
		break;
	case BASE_HOST_32:
		host_32(m);
		break;
	default:
		break;
	}
}

/* As Bochs has it: EPT, VPID and unrestricted guests, but none of the younger controls. */
static void real_mode_caps(struct vmentry_caps *caps)
{
	*caps = (struct vmentry_caps){
		.basic = VMX_BASIC_TRUE_CTLS | REVISION,
		.pin = WORD(0x16, 0x7f),
		.proc = WORD(0x04006172, 0xf7f9fffe),
		.proc2 = WORD(0, SECONDARY_EXEC_ENABLE_EPT | SECONDARY_EXEC_ENABLE_VPID |
					 SECONDARY_EXEC_UNRESTRICTED_GUEST),
		.exit = WORD(0x36dfb, 0x7fffff),
		.entry = WORD(0x11fb, 0xffff),
		.misc = 4 << 16 | VMX_MISC_ACTIVITY_HLT | VMX_MISC_ACTIVITY_SHUTDOWN |
			VMX_MISC_ACTIVITY_WAIT_SIPI,
		.cr0_fixed0 = X86_CR0_PG | X86_CR0_NE | X86_CR0_PE,
		.cr0_fixed1 = 0xffffffff,
		.cr4_fixed0 = X86_CR4_VMXE,
		.cr4_fixed1 = 0x3727ff,
		.ept_vpid = VMX_EPT_PAGE_WALK_4_BIT | VMX_EPTP_WB_BIT,
		.maxphyaddr = 40,
		.maxlinaddr = 48,
	};
}

/* Only the fields that exist on such a CPU: a read of any other fails the test. */
static void real_mode_fields(struct machine *m)
{
	static const u16 zero[] = {
		VM_EXIT_MSR_STORE_COUNT,
		VM_EXIT_MSR_STORE_ADDR,
		VM_EXIT_MSR_LOAD_COUNT,
		VM_EXIT_MSR_LOAD_ADDR,
		VM_ENTRY_MSR_LOAD_COUNT,
		VM_ENTRY_MSR_LOAD_ADDR,
		VM_ENTRY_INTR_INFO_FIELD,
		VM_ENTRY_EXCEPTION_ERROR_CODE,
		VM_ENTRY_INSTRUCTION_LEN,
		CR3_TARGET_COUNT,
		IO_BITMAP_A,
		IO_BITMAP_B,
		MSR_BITMAP,
		VIRTUAL_APIC_PAGE_ADDR,
		TPR_THRESHOLD,
		HOST_IA32_PAT,
		HOST_IA32_EFER,
		HOST_IA32_PERF_GLOBAL_CTRL,
		GUEST_IA32_PAT,
		GUEST_IA32_EFER,
		GUEST_IA32_PERF_GLOBAL_CTRL,
		GUEST_IA32_DEBUGCTL,
		GUEST_ACTIVITY_STATE,
		GUEST_INTERRUPTIBILITY_INFO,
		GUEST_PENDING_DBG_EXCEPTIONS,
		GUEST_PDPTR0,
		GUEST_PDPTR1,
		GUEST_PDPTR2,
		GUEST_PDPTR3,
	};
	size_t i;

	for (i = 0; i < sizeof(zero) / sizeof(zero[0]); i++)
		set(m, zero[i], 0);

	set(m, PIN_BASED_VM_EXEC_CONTROL, 0x5f);
	set(m, CPU_BASED_VM_EXEC_CONTROL, 0x850061f2);
	set(m, SECONDARY_VM_EXEC_CONTROL, 0xa2);
	set(m, VM_EXIT_CONTROLS, 0x36fff);
	set(m, VM_ENTRY_CONTROLS, 0x11ff);
	set(m, VIRTUAL_PROCESSOR_ID, 1);
	set(m, EPT_POINTER, 0x17000 | VMX_EPTP_MT_WB | VMX_EPTP_PWL_4);
}

static void real_mode(struct machine *m)
{
	real_mode_caps(&m->caps);
	host_64(m);
	guest_64(m);
	real_mode_fields(m);

	set(m, GUEST_CR0, X86_CR0_ET | X86_CR0_NE);
	set(m, GUEST_CR3, 0);
	set(m, GUEST_CR4, X86_CR4_VMXE);
	set(m, GUEST_DR7, 0x400);
	set_segments(m, 0xffff, CODE_16, DATA_16);
	set(m, GUEST_LDTR_AR_BYTES, UNUSABLE);
	set(m, GUEST_CS_SELECTOR, 0xf000);
	set(m, GUEST_CS_BASE, 0xffff0000);
	set(m, GUEST_RIP, 0xfff0);
	set(m, GUEST_RFLAGS, X86_EFLAGS_FIXED);
}

void machine_init(struct machine *m, enum base base)
{
	memset(m, 0, sizeof(*m));
	m->in = (struct vmentry_input){
		.caps = &m->caps,
		.read = machine_read,
		.peek = machine_peek,
		.ctx = m,
		.vmcs_addr = VMCS_ADDR,
		.ia32e = true,
	};
	if (base == BASE_REAL)
		real_mode(m);
	else
		everything(m, base);
}

void machine_change(struct machine *m, const struct change *change)
{
	u64 *cap = (u64 *)((char *)&m->caps + change->where);

	switch (change->kind) {
	case CHANGE_NONE:
		break;
	case CHANGE_SET:
		m->value[change->where] = change->value;
		break;
	case CHANGE_ON:
		m->value[change->where] |= change->value;
		break;
	case CHANGE_OFF:
		m->value[change->where] &= ~change->value;
		break;
	case CHANGE_CAP_ON:
		*cap |= change->value;
		break;
	case CHANGE_CAP_OFF:
		*cap &= ~change->value;
		break;
	case CHANGE_LACKS:
		*(bool *)cap = false;
		break;
	case CHANGE_MEMORY:
		m->memory[m->nr_memory].addr = change->where;
		m->memory[m->nr_memory++].value = change->value;
		break;
	case CHANGE_TRACING:
		m->in.tracing = true;
		break;
	}
}
