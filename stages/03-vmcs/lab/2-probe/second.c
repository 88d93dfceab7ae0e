/* Our own opinion comes first, from the rule book; then the CPU is asked for its own. */
static void spoil(struct vtx_probe *p)
{
	p->spoilt_field = spoilt_forms[p->form].field;
	p->spoilt_from = vmcs_read(p->spoilt_field);
	p->spoilt_to = p->spoilt_from | spoilt_forms[p->form].clear;
	p->spoilt_to ^= spoilt_forms[p->form].clear;
	p->spoilt_to |= spoilt_forms[p->form].set;
	vmcs_write(p->spoilt_field, p->spoilt_to);
	vmcs_write(GUEST_RFLAGS, 0);
}

static void blame(struct vtx_probe *p, const struct vmentry_finding *finding)
{
	p->rule = finding->rule;
	p->field = finding->field;
	p->value = finding->value;
}

static int probe(struct vtx_vcpu *vcpu, struct vtx_probe *p)
{
	struct vmentry_finding control = {}, host = {};
	int err = vcpu_load(vcpu);

	if (err)
		return err;
	vcpu->fields_filled = 0;
	err = vmcs_write_host(vcpu) ?: vmcs_write_controls(vcpu);
	if (!err) {
		p->fields_filled = vcpu->fields_filled;
		spoil(p);
		find_rule(vcpu, VMXERR_ENTRY_INVALID_CONTROL_FIELD, &control);
		find_rule(vcpu, VMXERR_ENTRY_INVALID_HOST_STATE_FIELD, &host);
		if (vcpu_enter(vcpu)) {
			p->exit_reason = vmcs_read(VM_EXIT_REASON);
		} else {
			p->error = vmcs_read(VM_INSTRUCTION_ERROR);
			blame(p, control.rule ? &control : &host);
		}
	}
	vcpu_put(vcpu);
	return err;
}
