int serial_prepare(struct pollfd *fds)
{
	unsigned int may = 0;
	struct port *port;
	struct pipe *in, *out;
	int n = 0;

	for (port = ports; port < ports + nr_ports; port++) {
		bool reads;

		in = &port->in;
		out = &port->out;
		reads = port != ports && !in->at_end && in->used != sizeof(in->data);
		fds[n++] = (struct pollfd){ .fd = reads ? in->from : -1, .events = POLLIN };
		fds[n++] = (struct pollfd){ .fd = in->used ? in->to : -1, .events = POLLOUT };
		fds[n++] = wait_for(out->from, out->used != sizeof(out->data), POLLIN);
		fds[n++] = wait_for(out->to, out->used != 0, POLLOUT);
		may |= (in->used || !in->at_end) << port->gsi;
	}
	lines = may;
	return n;
}
