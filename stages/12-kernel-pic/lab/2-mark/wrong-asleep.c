void event_attend(struct vtx_vcpu *vcpu)
{
	bool more;
	int vector;

	xchg(&vcpu->request, false);
	event_end(vcpu);
	vector = irqchip_take(vcpu->vm, event_can_inject(vcpu), &more);
	if (vector >= 0)
		event_set_interrupt(vcpu, vector);
	vmcs_want_window(vcpu, more);
}

