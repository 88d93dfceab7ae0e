// SPDX-License-Identifier: GPL-2.0-only
/*
 * The serial port: the chip is a model (dev/ns16550.c), which knows nothing of
 * us. Here its wires are joined to standard input and output.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "dev/ns16550.h"
#include "vtxctl.h"

static struct ns16550 com1;

/* What the guest sends is printed once for each exit, not for each byte. */
static struct {
	uint8_t data[4096];
	size_t used;
} output;

void serial_open(void)
{
	ns16550_init(&com1);
}

void serial_flush(struct vm *vm)
{
	size_t done = 0;
	ssize_t n;

	while (done < output.used) {
		n = write(STDOUT_FILENO, output.data + done, output.used - done);
		if (n > 0)
			done += n;
		else if (errno != EINTR && errno != EAGAIN)
			die(STATUS_KILLED, "standard output: %s", strerror(errno));
		else if (vm->ended) /* nobody reads, and the user wants to leave */
			break;
	}
	output.used = 0;
}

/* We print faster than any guest can send: what it wrote is gone at once. */
void serial_out(struct vm *vm, uint16_t offset, uint8_t value)
{
	ns16550_out(&com1, offset, value, 0);
	if (output.used == sizeof(output.data))
		serial_flush(vm);
	output.used += ns16550_tx(&com1, output.data + output.used,
				  sizeof(output.data) - output.used);
}

/* What was typed goes into the chip as it has room, and waits with us till then. */
uint8_t serial_in(struct vm *vm, uint16_t offset)
{
	uint8_t byte;

	while (ns16550_room(&com1) && term_has_input()) {
		byte = term_get();
		ns16550_rx(&com1, &byte, 1, 0);
	}
	return ns16550_in(&com1, offset, 0);
}
