/* Fill in the form, spoil one field, and hand it to the CPU. */
static int probe(struct vtx_vcpu *vcpu, struct vtx_probe *p)
{
	int err;

	err = vcpu_load(vcpu);
	if (err)
		return err;
	/* Your turn. */
	vcpu_put(vcpu);
	return err;
}
