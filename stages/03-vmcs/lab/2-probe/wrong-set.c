static int probe(struct vtx_vcpu *vcpu, struct vtx_probe *p)
{
	struct vmentry_finding finding = {};
	u32 field = spoilt_forms[p->form].field;
	int err;

	err = vcpu_load(vcpu);
	if (err)
		return err;

	vcpu->fields_filled = 0;
	err = vmcs_write_controls(vcpu);
	if (!err)
		err = vmcs_write_host(vcpu);
	if (err)
		goto put;
	p->fields_filled = vcpu->fields_filled;

	p->spoilt_field = field;
	p->spoilt_from = vmcs_read(field);
	p->spoilt_to = p->spoilt_from | spoilt_forms[p->form].set;
	vmcs_write(field, p->spoilt_to);
	vmcs_write(GUEST_RFLAGS, 0); /* bit 1 must be 1: no guest starts with this */

	if (vcpu_enter(vcpu)) {
		p->exit_reason = vmcs_read(VM_EXIT_REASON);
	} else {
		p->error = vmcs_read(VM_INSTRUCTION_ERROR);
		find_rule(vcpu, p->error, &finding);
		p->rule = finding.rule;
		p->field = finding.field;
		p->value = finding.value;
	}
	vmcs_write(field, p->spoilt_from);
put:
	vcpu_put(vcpu);
	return err;
}
