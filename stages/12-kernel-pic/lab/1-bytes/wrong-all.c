static bool iodev_value(struct vtx_vm *vm, u16 port, u8 *data, unsigned int size, bool out)
{
	const struct iodev *dev;

	for (; size--; port++, data++) {
		dev = iodev_find(vm, port);
		if (!dev)
			continue;
		if (out)
			dev->out(dev->ctx, port - dev->port + dev->offset, *data);
		else
			*data = dev->in(dev->ctx, port - dev->port + dev->offset);
	}
	return true;
}

