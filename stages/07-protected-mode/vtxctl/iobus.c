// SPDX-License-Identifier: GPL-2.0-only
/*
 * What answers at which port. A PC has 65536 of them; ours has two devices. An
 * OUT to any other port goes nowhere, and an IN from it reads ones: nobody
 * pulls the lines of the bus down.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "vtxctl.h"

#define COM1 0x3f8
#define COM1_LSR (COM1 + 5) /* line status register */
#define LSR_DR 0x01 /*   data ready */
#define LSR_THRE 0x20 /*   transmitter holding register empty */
#define LSR_TEMT 0x40 /*   transmitter empty */
#define DEBUG_EXIT 0xf4

/* What the guest sends is printed once for each exit, not for each byte. */
static struct {
	uint8_t data[4096];
	size_t used;
} output;

static void output_flush(struct vm *vm)
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

static void com1_out(struct vm *vm, uint8_t value)
{
	if (output.used == sizeof(output.data))
		output_flush(vm);
	output.data[output.used++] = value;
}

static uint8_t com1_in(struct vm *vm)
{
	return term_get();
}

/* We print faster than any guest can send: there is always room. */
static uint8_t com1_lsr_in(struct vm *vm)
{
	return LSR_THRE | LSR_TEMT | (term_has_input() ? LSR_DR : 0);
}

/* As QEMU's isa-debug-exit: a guest can end itself and say how it went. */
static void debug_exit_out(struct vm *vm, uint8_t value)
{
	vcpu_end(vm, (value << 1 | 1) & 0xff);
}

static const struct port {
	uint16_t port;
	void (*out)(struct vm *vm, uint8_t value);
	uint8_t (*in)(struct vm *vm);
} ports[] = {
	{ COM1, com1_out, com1_in },
	{ COM1_LSR, NULL, com1_lsr_in },
	{ DEBUG_EXIT, debug_exit_out, NULL },
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
static void bus_out(struct vm *vm, uint16_t port, const uint8_t *data, unsigned int size)
{
	unsigned int i;

	for (i = 0; i < size; i++) {
		const struct port *p = port_find(port + i);

		if (p && p->out)
			p->out(vm, data[i]);
	}
}

static void bus_in(struct vm *vm, uint16_t port, uint8_t *data, unsigned int size)
{
	unsigned int i;

	for (i = 0; i < size; i++) {
		const struct port *p = port_find(port + i);

		data[i] = p && p->in ? p->in(vm) : 0xff;
	}
}

/* All values of one exit, in order. */
void iobus_handle(struct vm *vm)
{
	struct vtx_run *run = vm->run;
	uint8_t *data = (uint8_t *)run + run->io.data_offset;
	uint32_t i;

	for (i = 0; i < run->io.count && !vm->ended; i++, data += run->io.size) {
		if (run->io.out)
			bus_out(vm, run->io.port, data, run->io.size);
		else
			bus_in(vm, run->io.port, data, run->io.size);
	}
	output_flush(vm);
}
