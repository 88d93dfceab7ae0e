void cpuid_exit(struct vtx_vcpu *vcpu)
{
	u32 leaf = vcpu->regs.rax, eax = leaf, ebx = 0, ecx = 0, edx = 0;

	native_cpuid(&eax, &ebx, &ecx, &edx);

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
