int serial_prepare(struct pollfd *fds)
{
	unsigned int may = 0;
	int i;

	for (i = 0; i < nr_ports; i++, fds += 4) {
		const struct pipe *in = &ports[i].in, *out = &ports[i].out;

		fds[0] = wait_for(in->from, i && !in->at_end && in->used < sizeof(in->data),
				  POLLIN);
		fds[1] = wait_for(in->to, in->used, POLLOUT);
		fds[2] = wait_for(out->from, out->used < sizeof(out->data), POLLIN);
		fds[3] = wait_for(out->to, true, POLLOUT);
		if (!in->at_end || in->used)
			may |= 1 << ports[i].gsi;
	}
	lines = may;
	return 4 * nr_ports;
}
