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
	cr0 = (cr0 & (X86_CR0_PE | X86_CR0_MP | X86_CR0_EM | X86_CR0_TS | X86_CR0_NE | X86_CR0_WP |
		      X86_CR0_AM | X86_CR0_NW | X86_CR0_CD | X86_CR0_PG)) |
	      X86_CR0_ET;

	/* Your turn: say no where a CPU would, and otherwise change four fields. */
	return false;
}

