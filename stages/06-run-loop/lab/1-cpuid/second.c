/* A row for each leaf that the guest may ask for: what it keeps, and what is added. */
struct told {
	u32 eax, ebx, ecx, edx;
};

static const struct {
	u32 leaf;
	struct told keep, add;
} leaves[] = {
	{ 0, { 0, ~0U, ~0U, ~0U }, { .eax = LAST_BASIC } },
	{ 1, { ~0U, 0xffff, LEAF1_ECX, LEAF1_EDX }, { .ecx = BIT_OF(HYPERVISOR) } },
	{ 0x80000000, { 0, ~0U, ~0U, ~0U }, { .eax = LAST_EXTENDED } },
	{ 0x80000001, { ~0U, ~0U, 0, 0 } },
	{ 0x80000002, { ~0U, ~0U, ~0U, ~0U } },
	{ 0x80000003, { ~0U, ~0U, ~0U, ~0U } },
	{ 0x80000004, { ~0U, ~0U, ~0U, ~0U } },
};

void cpuid_exit(struct vtx_vcpu *vcpu)
{
	u32 leaf = vcpu->regs.rax;
	struct told is = {};
	size_t i;

	for (i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++) {
		if (leaves[i].leaf != leaf)
			continue;
		is.eax = leaf;
		native_cpuid(&is.eax, &is.ebx, &is.ecx, &is.edx);
		is.eax = (is.eax & leaves[i].keep.eax) | leaves[i].add.eax;
		is.ebx = (is.ebx & leaves[i].keep.ebx) | leaves[i].add.ebx;
		is.ecx = (is.ecx & leaves[i].keep.ecx) | leaves[i].add.ecx;
		is.edx = (is.edx & leaves[i].keep.edx) | leaves[i].add.edx;
	}

	vcpu->regs.rax = is.eax;
	vcpu->regs.rbx = is.ebx;
	vcpu->regs.rcx = is.ecx;
	vcpu->regs.rdx = is.edx;
	exit_skip_instruction(vcpu);
}
