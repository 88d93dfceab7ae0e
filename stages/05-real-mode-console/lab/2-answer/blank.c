/* Before the next entry: what the guest is to receive. */
void pio_complete(struct vtx_vcpu *vcpu)
{
	/* Your turn: whoever waits for an answer gets it here. */
	vcpu->pio.pending = false;
}
