void cpuid_exit(struct vtx_vcpu *vcpu)
{
	u32 leaf = vcpu->regs.rax, eax = leaf, ebx = 0, ecx = 0, edx = 0;

	if (leaf <= LAST_BASIC || (leaf >= 0x80000000 && leaf <= LAST_EXTENDED))
		native_cpuid(&eax, &ebx, &ecx, &edx);
	else
		eax = 0;
	if (leaf == 0)
		eax = LAST_BASIC;
	if (leaf == 0x80000000)
		eax = LAST_EXTENDED;

	vcpu->regs.rax = eax;
	vcpu->regs.rbx = ebx;
	vcpu->regs.rcx = ecx;
	vcpu->regs.rdx = edx;
	exit_skip_instruction(vcpu);
}
