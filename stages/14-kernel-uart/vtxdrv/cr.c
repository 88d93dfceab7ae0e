// SPDX-License-Identifier: GPL-2.0-only
/*
 * CR0 and CR4 change what kind of computer the guest's CPU is: real mode or
 * protected, with paging or without. The guest may choose, but not all of it:
 * VMX wants some bits set, and the host needs others left alone. So there are
 * two values of each. The guest reads the one that it wrote, the shadow; the
 * CPU works with the other. Every change ends the guest's turn and comes here
 * (SDM Vol. 3, "Guest/Host Masks and Read Shadows for CR0 and CR4").
 */
#include <linux/mm.h>

#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include "vmcs.h"
#include "vtxdrv.h"

/* What CPUID offers the guest; all other bits of CR4 are reserved for it. */
#define CR4_OFFERED                                                           \
	(X86_CR4_VME | X86_CR4_PVI | X86_CR4_TSD | X86_CR4_DE | X86_CR4_PSE | \
	 X86_CR4_PAE | X86_CR4_PGE)

/* These decide how page tables are read. */
#define CR0_PAGING (X86_CR0_PG | X86_CR0_CD | X86_CR0_NW)
#define CR4_PAGING (X86_CR4_PSE | X86_CR4_PAE | X86_CR4_PGE)

#define PDPTES 4

/*
 * With PAE a CPU reads four entries of the top table when paging begins, and
 * keeps them (SDM, "PDPTE Registers"). It does so by itself only where it does
 * the instruction by itself. Return: false if they are not sound.
 *
 * No lock: as long as the VM lives its tables only grow, and its pages stay.
 */
static bool load_pdptes(struct vtx_vcpu *vcpu)
{
	struct vtx_translate t = { .gpa = vmcs_read(GUEST_CR3) & 0xffffffe0 };
	u64 reserved = GENMASK_ULL(63, vtx_caps.maxphyaddr) | 0x1e6;
	u64 *table, entries[PDPTES];
	int i;

	ept_translate(&vcpu->vm->ept, &t);
	if (!(t.flags & VTX_TRANSLATE_PRESENT))
		return false;
	table = __va(t.hpa);
	for (i = 0; i < PDPTES; i++) {
		entries[i] = READ_ONCE(table[i]);
		if ((entries[i] & 1) && (entries[i] & reserved))
			return false;
	}
	for (i = 0; i < PDPTES; i++)
		vmcs_write(GUEST_PDPTR0 + 2 * i, entries[i]);
	return true;
}

/* CD and NW would switch off the host's cache. NE VMX wants, TS shuts the FPU. */
static u64 cr0_for_cpu(u64 cr0)
{
	return (cr0 & ~(X86_CR0_CD | X86_CR0_NW)) | X86_CR0_NE | X86_CR0_TS | X86_CR0_MP;
}

/**
 * cr_set() - give the guest's CPU new CR0 and CR4
 * @vcpu: loaded
 * @cr0: as the guest wants it; bits that do not exist are dropped
 * @cr4: as the guest wants it
 *
 * Return: false where a CPU would refuse (SDM Vol. 2, "MOV - Move to/from
 * Control Registers"); then nothing has changed.
 */
bool cr_set(struct vtx_vcpu *vcpu, u64 cr0, u64 cr4)
{
	u64 old0 = vmcs_read(CR0_READ_SHADOW), old4 = vmcs_read(CR4_READ_SHADOW);
	bool paging;

	cr0 = (cr0 & (X86_CR0_PE | X86_CR0_MP | X86_CR0_EM | X86_CR0_TS | X86_CR0_NE | X86_CR0_WP |
		      X86_CR0_AM | X86_CR0_NW | X86_CR0_CD | X86_CR0_PG)) |
	      X86_CR0_ET;
	if ((cr0 & X86_CR0_PG) && !(cr0 & X86_CR0_PE))
		return false;
	if ((cr0 & X86_CR0_NW) && !(cr0 & X86_CR0_CD))
		return false;
	if (cr4 & ~CR4_OFFERED)
		return false;

	paging = ((cr0 ^ old0) & CR0_PAGING) || ((cr4 ^ old4) & CR4_PAGING);
	if (paging && (cr0 & X86_CR0_PG) && (cr4 & X86_CR4_PAE) && !load_pdptes(vcpu))
		return false;

	vmcs_write(CR0_READ_SHADOW, cr0);
	vmcs_write(GUEST_CR0, cr0_for_cpu(cr0));
	vmcs_write(CR4_READ_SHADOW, cr4);
	vmcs_write(GUEST_CR4, cr4 | X86_CR4_VMXE);
	return true;
}

static u64 *guest_register(struct vtx_vcpu *vcpu, u32 number)
{
	return &vcpu->regs.rax + number;
}

/* RSP is the one that the CPU switches by itself. */
static u32 read_register(struct vtx_vcpu *vcpu, u32 number)
{
	return number == 4 ? vmcs_read(GUEST_RSP) : *guest_register(vcpu, number);
}

/* SDM, "Exit Qualification for Control-Register Accesses". */
void cr_exit(struct vtx_vcpu *vcpu)
{
	u64 q = vcpu->exit_qualification;
	u64 cr0 = vmcs_read(CR0_READ_SHADOW), cr4 = vmcs_read(CR4_READ_SHADOW);
	u32 value = read_register(vcpu, q >> 8 & 15);

	switch (q & 0x3f) {
	case 0x00: /* MOV to CR0 */
		cr0 = value;
		break;
	case 0x04: /* MOV to CR4 */
		cr4 = value;
		break;
	case 0x20: /* CLTS */
		cr0 &= ~X86_CR0_TS;
		break;
	case 0x30: /* LMSW: four bits, and PE can be set only */
		cr0 = (cr0 & ~(X86_CR0_MP | X86_CR0_EM | X86_CR0_TS)) | (q >> 16 & 0xf);
		break;
	default:
		vtx_kill(vcpu, "it used CR%llu, and VirtX has none for it", q & 15);
		return;
	}
	if (cr_set(vcpu, cr0, cr4))
		exit_skip_instruction(vcpu);
	else
		event_exception(vcpu, X86_TRAP_GP, vmcs_read(CR0_READ_SHADOW) & X86_CR0_PE, 0);
}
