int serial_prepare(struct pollfd *fds)
{
	int i;

	for (i = 0; i < 4 * nr_ports; i++)
		fds[i] = wait_for(-1, false, 0);
	return 4 * nr_ports;
}
