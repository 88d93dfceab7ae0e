void pio_complete(struct vtx_vcpu *vcpu)
{
	struct pio *pio = &vcpu->pio;

	if (!pio->pending)
		return;
	pio->pending = false;
	if (pio->string) {
		string_copy(vcpu);
		return;
	}
	vcpu->regs.rax = merge(vcpu->regs.rax, *(u8 *)data_page(vcpu), 0xff);
}
