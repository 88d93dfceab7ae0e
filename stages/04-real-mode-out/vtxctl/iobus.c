// SPDX-License-Identifier: GPL-2.0-only
/*
 * What answers at which port. A PC has 65536 of them; ours has two devices. An
 * OUT to any other port goes nowhere, as on a PC without the card.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "vtxctl.h"

#define COM1 0x3f8
#define DEBUG_EXIT 0xf4

/* The serial port: what the guest sends, we print. */
static void com1_out(struct vm *vm, uint8_t value)
{
	ssize_t n;

	do
		n = write(STDOUT_FILENO, &value, 1);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		die(STATUS_KILLED, "standard output: %s", strerror(errno));
}

/* As QEMU's isa-debug-exit: a guest can end itself and say how it went. */
static void debug_exit_out(struct vm *vm, uint8_t value)
{
	vm->status = (value << 1 | 1) & 0xff;
	vm->ended = true;
}

static const struct port {
	uint16_t port;
	void (*out)(struct vm *vm, uint8_t value);
} ports[] = {
	{ COM1, com1_out },
	{ DEBUG_EXIT, debug_exit_out },
};

static const struct port *port_find(uint16_t port)
{
	size_t i;

	for (i = 0; i < sizeof(ports) / sizeof(ports[0]); i++)
		if (ports[i].port == port)
			return &ports[i];
	return NULL;
}

/* A word goes to two ports, a dword to four: so does the bus of a PC. */
void iobus_out(struct vm *vm, uint16_t port, const uint8_t *data, unsigned int size)
{
	unsigned int i;

	for (i = 0; i < size; i++) {
		const struct port *p = port_find(port + i);

		if (p)
			p->out(vm, data[i]);
	}
}
