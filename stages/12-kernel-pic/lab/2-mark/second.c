void event_attend(struct vtx_vcpu *vcpu)
{
	bool more, can;
	int vector;

	WRITE_ONCE(vcpu->request, false);
	smp_mb();
	event_end(vcpu);
	can = event_can_inject(vcpu);
	vector = irqchip_take(vcpu->vm, can, &more);
	vmcs_want_window(vcpu, more);
	if (vector < 0)
		return;
	vcpu->halted = false;
	event_set_interrupt(vcpu, vector);
}

