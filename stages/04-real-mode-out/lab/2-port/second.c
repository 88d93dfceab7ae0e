/* SDM, "Exit Qualification for I/O Instructions". */
union qualification {
	u64 all;
	struct {
		u64 last : 3, in : 1, string : 1, rep : 1, immediate : 1, : 9;
		u64 port : 16;
	};
};

void pio_exit(struct vtx_vcpu *vcpu)
{
	union qualification q = { .all = vcpu->exit_qualification };
	u8 *data = (u8 *)vcpu->run + PAGE_SIZE;
	unsigned int i;

	if (q.in || q.string) {
		vtx_kill(vcpu, "no plain OUT, at port %#x", (u32)q.port);
		return;
	}

	exit_skip_instruction(vcpu);
	for (i = 0; i <= q.last; i++)
		data[i] = vcpu->regs.rax >> (8 * i);
	vcpu->run->io.data_offset = data - (u8 *)vcpu->run;
	vcpu->run->io.count = 1;
	vcpu->run->io.port = q.port;
	vcpu->run->io.size = i;
	vcpu->run->io.out = 1;
	vcpu->exit = VTX_EXIT_IO;
}
