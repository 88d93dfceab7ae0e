// SPDX-License-Identifier: GPL-2.0-only
/*
 * The serial port: the chip is a model (dev/ns16550.c), which knows nothing of
 * us. Here its wires are joined to standard input and output, and to input 4 of
 * the interrupt controllers. All is done with their lock held, but for printing.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "dev/ns16550.h"
#include "vtxctl.h"

static struct ns16550 com1;
static uint64_t deadline = DEVICE_NEVER; /* when the reader looks after the chip again */

/* What the guest sends is printed once for each exit, which never has more. */
static struct {
	uint8_t data[4096];
	size_t used;
} output;

/* As after power-on. What waits to be read goes on waiting. */
void serial_reset(void)
{
	ns16550_init(&com1, irqchip_line(IRQ_COM1));
}

/* Without the lock: whoever reads this may be slow. */
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

/* What was typed goes into the chip as it has room, and waits with us till then. */
static void fill(void)
{
	uint8_t byte;

	while (ns16550_room(&com1) && term_has_input()) {
		byte = term_get();
		ns16550_rx(&com1, &byte, 1, irqchip_now());
	}
}

/* There may be room now, and the chip may need the reader sooner than he knows. */
static void update(void)
{
	fill();
	if (ns16550_advance(&com1, irqchip_now()) < deadline)
		term_wake();
}

/* We print faster than any guest can send: what it wrote is gone at once. */
void serial_out(struct vm *vm, uint16_t offset, uint8_t value)
{
	ns16550_out(&com1, offset, value, irqchip_now());
	output.used += ns16550_tx(&com1, output.data + output.used,
				  sizeof(output.data) - output.used);
	update();
}

uint8_t serial_in(struct vm *vm, uint16_t offset)
{
	uint8_t value;

	fill();
	value = ns16550_in(&com1, offset, irqchip_now());
	update();
	return value;
}

/* From the reader, when there is something new. Return: when to come again at the latest. */
uint64_t serial_feed(struct vm *vm)
{
	irqchip_lock();
	fill();
	deadline = ns16550_advance(&com1, irqchip_now());
	irqchip_unlock(vm);
	return deadline;
}

/* Could the chip ever pull its line again? A full one waits for the guest. */
bool serial_may_interrupt(void)
{
	return deadline != DEVICE_NEVER || (ns16550_room(&com1) && !term_at_end());
}
