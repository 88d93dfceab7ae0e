void pio_complete(struct vtx_vcpu *vcpu)
{
	struct pio *pio = &vcpu->pio;
	u64 value = 0;

	if (!pio->pending)
		return;
	pio->pending = false;
	if (pio->string) {
		string_copy(vcpu);
		return;
	}
	memcpy(&value, data_page(vcpu), pio->size);
	vcpu->regs.rax = merge(vcpu->regs.rax, value, GENMASK_ULL(pio->size - 1, 0));
}
