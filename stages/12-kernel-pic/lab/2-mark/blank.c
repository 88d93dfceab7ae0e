/**
 * event_attend() - do what somebody asked for: look at our controllers
 * @vcpu: loaded, between two turns
 *
 * If an interrupt waits that cannot be taken, or more than one, the guest's turn
 * ends as soon as the next can be, and we look again.
 */
void event_attend(struct vtx_vcpu *vcpu)
{
	/* Your turn. */
	vmcs_want_window(vcpu, false);
}

