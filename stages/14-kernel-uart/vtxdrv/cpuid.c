// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPUID always ends the guest's turn, and nobody outside needs to know: the
 * answer is found here, and the guest goes on at once.
 *
 * The guest gets the host's answers, less what it could not use: it has no
 * local APIC, no FPU, no VMX of its own. It is told that it is a guest.
 */
#include <linux/bits.h>

#include <asm/cpufeature.h>
#include <asm/processor.h>

#include "vtxdrv.h"

#define BIT_OF(feature) BIT(X86_FEATURE_##feature & 31)

/* Leaf 1: what remains of the host's features. */
#define LEAF1_ECX (BIT_OF(CX16) | BIT_OF(MOVBE) | BIT_OF(POPCNT) | BIT_OF(RDRAND))
#define LEAF1_EDX                                                             \
	(BIT_OF(VME) | BIT_OF(DE) | BIT_OF(PSE) | BIT_OF(TSC) | BIT_OF(PAE) | \
	 BIT_OF(CX8) | BIT_OF(PGE) | BIT_OF(CMOV) | BIT_OF(PSE36) | BIT_OF(CLFLUSH))

#define LAST_BASIC 1U
#define LAST_EXTENDED 0x80000004U /* up to the name of the CPU */

void cpuid_exit(struct vtx_vcpu *vcpu)
{
	u32 leaf = vcpu->regs.rax, eax = leaf, ebx = 0, ecx = 0, edx = 0;

	if (leaf <= LAST_BASIC || (leaf >= 0x80000000 && leaf <= LAST_EXTENDED))
		native_cpuid(&eax, &ebx, &ecx, &edx);
	else
		eax = 0;

	switch (leaf) {
	case 0:
		eax = LAST_BASIC;
		break;
	case 1:
		ebx &= 0xffff; /* no APIC, so no number of it */
		ecx = (ecx & LEAF1_ECX) | BIT_OF(HYPERVISOR);
		edx &= LEAF1_EDX;
		break;
	case 0x80000000:
		eax = LAST_EXTENDED;
		break;
	case 0x80000001:
		ecx = 0;
		edx = 0;
		break;
	}

	vcpu->regs.rax = eax;
	vcpu->regs.rbx = ebx;
	vcpu->regs.rcx = ecx;
	vcpu->regs.rdx = edx;
	exit_skip_instruction(vcpu);
}
