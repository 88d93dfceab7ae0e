/* One turn of the guest: in, out, and what it means. Interrupts are off. */
static void vcpu_turn(struct vtx_vcpu *vcpu)
{
	struct vtx_run *run = vcpu->run;

	vmcs_update_host();
	vmcs_write(GUEST_RSP, vcpu->regs.rsp);
	vmcs_write(GUEST_RIP, vcpu->regs.rip);
	vmcs_write(GUEST_RFLAGS, vcpu->regs.rflags);

	if (!vcpu_enter(vcpu)) {
		fail_refused(vcpu);
		return;
	}

	vcpu->exit_reason = vmcs_read(VM_EXIT_REASON);
	vcpu->exit_qualification = vmcs_read(EXIT_QUALIFICATION);
	vcpu->regs.rip = vmcs_read(GUEST_RIP);
	vcpu->regs.rflags = vmcs_read(GUEST_RFLAGS);
	exit_handle(vcpu);

	run->hw_reason = vcpu->exit_reason;
	run->hw_qualification = vcpu->exit_qualification;
	run->if_flag = !!(vcpu->regs.rflags & X86_EFLAGS_IF);
}
