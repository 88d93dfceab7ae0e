/* One turn of the guest: in, out, and what it means. Interrupts are off. */
static void vcpu_turn(struct vtx_vcpu *vcpu)
{
	vmcs_write(GUEST_RIP, vcpu->regs.rip);

	if (!vmenter(&vcpu->regs, HOST_RSP, vcpu->launched)) {
		fail_refused(vcpu);
		return;
	}

	vcpu->exit_reason = vmcs_read(VM_EXIT_REASON);
	vcpu->exit_qualification = vmcs_read(EXIT_QUALIFICATION);
	vcpu->regs.rip = vmcs_read(GUEST_RIP);
	vcpu->regs.rflags = vmcs_read(GUEST_RFLAGS);
	if (!vcpu->launched)
		vcpu->launched = !(vcpu->exit_reason & VMX_EXIT_REASONS_FAILED_VMENTRY);
	exit_handle(vcpu);
	vmclear(__pa(vcpu->vmcs));
}
