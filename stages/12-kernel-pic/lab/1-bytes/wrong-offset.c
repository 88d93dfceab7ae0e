static bool iodev_value(struct vtx_vm *vm, u16 port, u8 *data, unsigned int size, bool out)
{
	const struct iodev *dev;
	bool all = true;

	for (; size--; port++, data++) {
		dev = iodev_find(vm, port);
		if (!dev)
			all = false;
		else if (out)
			dev->out(dev->ctx, port - dev->port, *data);
		else
			*data = dev->in(dev->ctx, port - dev->port);
	}
	return all;
}

