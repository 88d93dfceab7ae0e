/* SDM, "Exit Qualification for I/O Instructions". */
void pio_exit(struct vtx_vcpu *vcpu)
{
	/* Your turn. Until then every port ends the guest. */
	vtx_kill(vcpu, "it used a port, and nobody looks which");
}
