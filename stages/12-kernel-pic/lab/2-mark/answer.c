/**
 * event_attend() - do what somebody asked for: look at our controllers
 * @vcpu: loaded, between two turns
 *
 * If an interrupt waits that cannot be taken, or more than one, the guest's turn
 * ends as soon as the next can be, and we look again.
 */
void event_attend(struct vtx_vcpu *vcpu)
{
	bool more;
	int vector;

	/* First the mark, then the look: who comes in between marks it again. */
	xchg(&vcpu->request, false);
	event_end(vcpu);
	vector = irqchip_take(vcpu->vm, event_can_inject(vcpu), &more);
	if (vector >= 0) {
		event_set_interrupt(vcpu, vector);
		vcpu->halted = false;
	}
	vmcs_want_window(vcpu, more);
}

