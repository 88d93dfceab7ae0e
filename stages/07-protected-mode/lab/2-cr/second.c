/* Bits that a CPU refuses without another one. */
static const struct {
	u64 bit, needs;
} cr0_pairs[] = {
	{ X86_CR0_PG, X86_CR0_PE },
	{ X86_CR0_NW, X86_CR0_CD },
};

static bool cr_allowed(u64 cr0, u64 cr4)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(cr0_pairs); i++)
		if ((cr0 & (cr0_pairs[i].bit | cr0_pairs[i].needs)) == cr0_pairs[i].bit)
			return false;
	return (cr4 | CR4_OFFERED) == CR4_OFFERED;
}

bool cr_set(struct vtx_vcpu *vcpu, u64 cr0, u64 cr4)
{
	u64 old0, old4, changed;

	cr0 = (cr0 & (X86_CR0_PE | X86_CR0_MP | X86_CR0_EM | X86_CR0_TS | X86_CR0_NE | X86_CR0_WP |
		      X86_CR0_AM | X86_CR0_NW | X86_CR0_CD | X86_CR0_PG)) |
	      X86_CR0_ET;
	if (!cr_allowed(cr0, cr4))
		return false;

	/* Write the shadows first, and take them back if the tables are no good. */
	old0 = vmcs_read(CR0_READ_SHADOW);
	old4 = vmcs_read(CR4_READ_SHADOW);
	changed = ((old0 ^ cr0) & CR0_PAGING) | ((old4 ^ cr4) & CR4_PAGING);
	vmcs_write(CR0_READ_SHADOW, cr0);
	vmcs_write(CR4_READ_SHADOW, cr4);
	if ((cr0 & X86_CR0_PG) && (cr4 & X86_CR4_PAE) && changed && !load_pdptes(vcpu)) {
		vmcs_write(CR0_READ_SHADOW, old0);
		vmcs_write(CR4_READ_SHADOW, old4);
		return false;
	}
	vmcs_write(GUEST_CR4, cr4 | X86_CR4_VMXE);
	vmcs_write(GUEST_CR0, cr0_for_cpu(cr0));
	return true;
}

