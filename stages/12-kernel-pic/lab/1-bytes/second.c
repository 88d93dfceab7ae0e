static bool iodev_value(struct vtx_vm *vm, u16 port, u8 *data, unsigned int size, bool out)
{
	unsigned int i, found = 0;

	for (i = 0; i < size; i++) {
		const struct iodev *dev = iodev_find(vm, port + i);
		u16 offset;

		if (!dev)
			continue;
		found++;
		offset = (u16)(port + i) - dev->port + dev->offset;
		if (out)
			dev->out(dev->ctx, offset, data[i]);
		else
			data[i] = dev->in(dev->ctx, offset);
	}
	return found == size;
}

