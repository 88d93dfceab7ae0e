/*
 * Run the guest until VTXCTL is needed (vcpu->exit says why), or the host wants
 * more than an interrupt. Return: 0, or what vcpu_load() says.
 */
static int vcpu_loop(struct vtx_vcpu *vcpu)
{
	int err = vcpu_load(vcpu);

	if (err)
		return err;
	host_save(&vcpu->host);
	vmcs_write(GUEST_RSP, vcpu->regs.rsp);
	vmcs_write(GUEST_RFLAGS, vcpu->regs.rflags);

	while (!host_wants_us(vcpu)) {
		vcpu_turns(vcpu);
		if (vcpu->exit != VTX_EXIT_NONE && vcpu->exit != VTX_EXIT_INTR)
			break;
		vcpu->exit = VTX_EXIT_NONE;
	}

	vcpu->regs.rsp = vmcs_read(GUEST_RSP);
	host_restore(&vcpu->host);
	vcpu_put(vcpu);
	return 0;
}
