/* What the CPU switches by itself, and where it stands with us. */
static const struct {
	u32 field;
	size_t offset;
} switched[] = {
	{ GUEST_RSP, offsetof(struct vtx_regs, rsp) },
	{ GUEST_RIP, offsetof(struct vtx_regs, rip) },
	{ GUEST_RFLAGS, offsetof(struct vtx_regs, rflags) },
};

static u64 *switched_reg(struct vtx_vcpu *vcpu, size_t i)
{
	return (void *)&vcpu->regs + switched[i].offset;
}

static void vcpu_turn(struct vtx_vcpu *vcpu)
{
	struct vtx_run *run = vcpu->run;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(switched); i++)
		vmcs_write(switched[i].field, *switched_reg(vcpu, i));
	vmcs_update_host();

	if (vcpu_enter(vcpu)) {
		for (i = 0; i < ARRAY_SIZE(switched); i++)
			*switched_reg(vcpu, i) = vmcs_read(switched[i].field);
		run->if_flag = (vcpu->regs.rflags & X86_EFLAGS_IF) ? 1 : 0;
		run->hw_reason = vcpu->exit_reason = vmcs_read(VM_EXIT_REASON);
		run->hw_qualification = vcpu->exit_qualification = vmcs_read(EXIT_QUALIFICATION);
		exit_handle(vcpu);
	} else {
		fail_refused(vcpu);
	}
}
