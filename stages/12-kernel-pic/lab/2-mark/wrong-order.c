void event_attend(struct vtx_vcpu *vcpu)
{
	bool more;
	int vector;

	event_end(vcpu);
	vector = irqchip_take(vcpu->vm, event_can_inject(vcpu), &more);
	if (vector >= 0) {
		event_set_interrupt(vcpu, vector);
		vcpu->halted = false;
	}
	vmcs_want_window(vcpu, more);
	xchg(&vcpu->request, false);
}

