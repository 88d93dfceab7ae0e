void cpuid_exit(struct vtx_vcpu *vcpu)
{
	/* Your turn: answer instead of ending the guest. */
	vtx_kill(vcpu, "it asked which CPU it has, and nobody answers yet");
}
