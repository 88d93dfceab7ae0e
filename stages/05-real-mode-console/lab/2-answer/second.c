/* Before the next entry: what the guest is to receive. */
void pio_complete(struct vtx_vcpu *vcpu)
{
	struct pio *pio = &vcpu->pio;
	void *data = data_page(vcpu);

	if (pio->pending && pio->string)
		string_copy(vcpu);
	else if (pio->pending && pio->size == 1)
		*(u8 *)&vcpu->regs.rax = *(u8 *)data;
	else if (pio->pending && pio->size == 2)
		*(u16 *)&vcpu->regs.rax = *(u16 *)data;
	else if (pio->pending)
		vcpu->regs.rax = *(u32 *)data;
	pio->pending = false;
}
