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
	vmcs_write(GUEST_CR0, cr0);
	vmcs_write(CR4_READ_SHADOW, cr4);
	vmcs_write(GUEST_CR4, cr4 | X86_CR4_VMXE);
	return true;
}

