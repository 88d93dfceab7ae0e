// SPDX-License-Identifier: GPL-2.0-only
/*
 * What answers at which port. A PC has 65536 of them; ours has a few devices, and
 * some of those are VTXDRV's. An OUT to any other port goes nowhere, and an IN
 * from it reads ones: nobody pulls the lines of the bus down.
 */
#include "vtxctl.h"

#define KEYBOARD 0x60 /* its data; 0x64 is its status and command */
#define DEBUG_EXIT 0xf4

/* As QEMU's isa-debug-exit: a guest can end itself and say how it went. */
static void debug_exit_out(struct vm *vm, uint16_t offset, uint8_t value)
{
	vcpu_end(vm, (value << 1 | 1) & 0xff);
}

static const struct device {
	uint16_t port, count;
	uint16_t offset; /* of the first, among those of its device */
	void (*out)(struct vm *vm, uint16_t offset, uint8_t value);
	uint8_t (*in)(struct vm *vm, uint16_t offset);
} devices[] = {
	{ KEYBOARD, 1, 0, keyboard_out, keyboard_in },
	{ KEYBOARD + 4, 1, 4, keyboard_out, keyboard_in },
	{ DEBUG_EXIT, 1, 0, debug_exit_out, NULL },
};

static const struct device *device_find(uint16_t port)
{
	size_t i;

	for (i = 0; i < sizeof(devices) / sizeof(devices[0]); i++)
		if ((uint16_t)(port - devices[i].port) < devices[i].count)
			return &devices[i];
	return NULL;
}

/* A word goes to two ports, a dword to four: so does the bus of a PC. */
static void bus_out(struct vm *vm, uint16_t port, const uint8_t *data, unsigned int size)
{
	for (; size--; port++, data++) {
		const struct device *d = device_find(port);

		if (d && d->out)
			d->out(vm, port - d->port + d->offset, *data);
	}
}

/* A byte that is not ours stays as VTXDRV left it: its device's answer, or ones. */
static void bus_in(struct vm *vm, uint16_t port, uint8_t *data, unsigned int size)
{
	for (; size--; port++, data++) {
		const struct device *d = device_find(port);

		if (d && d->in)
			*data = d->in(vm, port - d->port + d->offset);
	}
}

/* All values of one exit, in order. */
void iobus_handle(struct vm *vm)
{
	struct vtx_run *run = vm->run;
	uint8_t *data = (uint8_t *)run + run->io.data_offset;
	uint32_t i;

	irqchip_lock();
	for (i = 0; i < run->io.count && !vm->ended; i++, data += run->io.size) {
		if (run->io.out)
			bus_out(vm, run->io.port, data, run->io.size);
		else
			bus_in(vm, run->io.port, data, run->io.size);
	}
	irqchip_unlock(vm);
}
