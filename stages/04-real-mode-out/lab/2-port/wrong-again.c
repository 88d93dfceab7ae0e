/* SDM, "Exit Qualification for I/O Instructions". */
void pio_exit(struct vtx_vcpu *vcpu)
{
	u64 q = vcpu->exit_qualification;
	struct vtx_run *run = vcpu->run;
	u16 port = q >> 16;

	if (q & BIT(4)) {
		vtx_kill(vcpu, "INS or OUTS at port %#x: VirtX knows only plain OUT yet", port);
		return;
	}
	if (q & BIT(3)) {
		vtx_kill(vcpu, "IN from port %#x: VirtX knows only OUT yet", port);
		return;
	}

	vcpu->exit = VTX_EXIT_IO;
	run->io.out = 1;
	run->io.size = (q & 7) + 1;
	run->io.port = port;
	run->io.count = 1;
	run->io.data_offset = PAGE_SIZE;
	memcpy((void *)run + PAGE_SIZE, &vcpu->regs.rax, run->io.size);
}
