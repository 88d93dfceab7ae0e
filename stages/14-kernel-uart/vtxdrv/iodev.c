// SPDX-License-Identifier: GPL-2.0-only
/*
 * The port bus of VTXDRV. A device that lives here answers at once, with the
 * guest's CPU still at hand; what no device here answers is VTXCTL's affair.
 *
 * SDM Vol. 1, "I/O Port Addressing": a word goes to two ports, a dword to four.
 */
#include "vtxdrv.h"

/* Are these ports free? Return: 0, -EEXIST where another has one of them, -ENOSPC. */
int iodev_check(struct vtx_vm *vm, u16 port, u16 count)
{
	unsigned int i;

	for (i = 0; i < vm->nr_iodevs; i++)
		if (port < vm->iodevs[i].port + vm->iodevs[i].count &&
		    vm->iodevs[i].port < port + count)
			return -EEXIST;
	return i < ARRAY_SIZE(vm->iodevs) ? 0 : -ENOSPC;
}

/**
 * iodev_add() - from now on, this device answers at its ports
 * @vm: has no vCPU yet, so nobody looks at the table
 * @dev: is copied
 * @ctx: what its functions are called with
 *
 * Return: as iodev_check().
 */
int iodev_add(struct vtx_vm *vm, const struct iodev *dev, void *ctx)
{
	int err = iodev_check(vm, dev->port, dev->count);

	if (err)
		return err;
	vm->iodevs[vm->nr_iodevs] = *dev;
	vm->iodevs[vm->nr_iodevs].ctx = ctx;
	vm->nr_iodevs++;
	return 0;
}

static const struct iodev *iodev_find(struct vtx_vm *vm, u16 port)
{
	unsigned int i;

	for (i = 0; i < vm->nr_iodevs; i++)
		if ((u16)(port - vm->iodevs[i].port) < vm->iodevs[i].count)
			return &vm->iodevs[i];
	return NULL;
}

/* One value. Return: whether each of its bytes found a device. */
static bool iodev_value(struct vtx_vm *vm, u16 port, u8 *data, unsigned int size, bool out)
{
	const struct iodev *dev;
	bool all = true;

	for (; size--; port++, data++) {
		dev = iodev_find(vm, port);
		if (!dev)
			all = false;
		else if (out)
			dev->out(dev->ctx, port - dev->port + dev->offset, *data);
		else
			*data = dev->in(dev->ctx, port - dev->port + dev->offset);
	}
	return all;
}

/**
 * iodev_room() - how many values may an OUT bring now?
 * @vm: whose
 * @port: of the first byte of each value
 * @size: of each, 1, 2 or 4
 *
 * Return: 0 if a device is not ready: the guest's CPU is to wait.
 */
u32 iodev_room(struct vtx_vm *vm, u16 port, unsigned int size)
{
	const struct iodev *dev;
	unsigned long flags;
	u32 room = U32_MAX;

	for (; size--; port++) {
		dev = iodev_find(vm, port);
		if (!dev || !dev->room)
			continue;
		flags = irqchip_lock(vm);
		room = min(room, dev->room(dev->ctx, port - dev->port + dev->offset));
		irqchip_unlock(vm, flags);
	}
	return room;
}

/**
 * iodev_access() - the guest speaks to a port: let our devices answer
 * @vm: whose
 * @port: of the first byte of each value
 * @data: the values, one behind the other; what nobody answers stays as it is
 * @size: of each, 1, 2 or 4
 * @count: how many
 * @out: from the guest
 *
 * Return: true if nothing is left for VTXCTL.
 */
bool iodev_access(struct vtx_vm *vm, u16 port, void *data, unsigned int size, u32 count, bool out)
{
	unsigned long flags;
	bool all = true;

	if (!vm->nr_iodevs)
		return false;
	for (; count--; data += size) {
		flags = irqchip_lock(vm);
		all &= iodev_value(vm, port, data, size, out);
		irqchip_unlock(vm, flags);
	}
	return all;
}
