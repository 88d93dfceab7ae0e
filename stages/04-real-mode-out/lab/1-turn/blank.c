/* One turn of the guest: in, out, and what it means. Interrupts are off. */
static void vcpu_turn(struct vtx_vcpu *vcpu)
{
	vmcs_update_host();

	/* Your turn. Until then it is as if the guest had halted at once. */
	vcpu->exit = VTX_EXIT_HLT;
}
