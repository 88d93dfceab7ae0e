bool cr_set(struct vtx_vcpu *vcpu, u64 cr0, u64 cr4)
{
	cr0 = (cr0 & (X86_CR0_PE | X86_CR0_MP | X86_CR0_EM | X86_CR0_TS | X86_CR0_NE | X86_CR0_WP |
		      X86_CR0_AM | X86_CR0_NW | X86_CR0_CD | X86_CR0_PG)) |
	      X86_CR0_ET;
	if ((cr0 & X86_CR0_PG) && !(cr0 & X86_CR0_PE))
		return false;
	if ((cr0 & X86_CR0_NW) && !(cr0 & X86_CR0_CD))
		return false;
	if (cr4 & ~CR4_OFFERED)
		return false;

	vmcs_write(CR0_READ_SHADOW, cr0);
	vmcs_write(GUEST_CR0, cr0_for_cpu(cr0));
	vmcs_write(CR4_READ_SHADOW, cr4);
	vmcs_write(GUEST_CR4, cr4 | X86_CR4_VMXE);
	return true;
}

