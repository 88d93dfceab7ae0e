// SPDX-License-Identifier: GPL-2.0-only
/*
 * The serial ports are VTXDRV's, and each gives us a descriptor: the other end
 * of the wire. All that is left to do is to copy, between COM1 and standard
 * input and output, and between COM2 and the file that --com2 names.
 *
 * Whoever is slow makes the others wait, and nothing is lost: when a buffer is
 * full we stop reading what fills it.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "vtxctl.h"

/* One direction of a port. */
struct pipe {
	int from, to;
	bool at_end; /* `from` gives no more */
	size_t used;
	uint8_t data[PIPE_BUF]; /* a pipe that is ready takes so much without a wait */
};

static struct port {
	uint16_t port;
	uint32_t gsi;
	struct pipe in, out; /* as the guest sees it */
} ports[2];

static int nr_ports;
static atomic_uint lines; /* which the ports may still pull because of us */

/* Before there is a vCPU. */
static void create(struct vm *vm, uint16_t port, uint32_t gsi, int in, int out)
{
	struct vtx_create_uart create = { .port = port, .gsi = gsi };
	int fd = vm_ioctl(vm->fd, VTX_CREATE_UART, &create);

	if (fd < 0 || fcntl(fd, F_SETFL, O_NONBLOCK))
		die(STATUS_NO_VTX, "VTX_CREATE_UART at %x: %s", port, strerror(errno));
	ports[nr_ports++] = (struct port){
		.port = port,
		.gsi = gsi,
		.in = { .from = in, .to = fd },
		.out = { .from = fd, .to = out },
	};
	lines |= 1 << gsi;
}

/*
 * COM1. A terminal that is ready may still not take all that we have. So we
 * open it once more: not to wait is nothing that the shell's own descriptor of
 * it shall learn.
 */
void serial_create(struct vm *vm)
{
	int out = STDOUT_FILENO;

	if (isatty(out))
		out = open("/proc/self/fd/1", O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	create(vm, COM1, IRQ_COM1, STDIN_FILENO, out < 0 ? STDOUT_FILENO : out);
}

/* --com2: a terminal, or whatever can be both read and written. It changes no byte. */
void serial_open_com2(struct vm *vm, const char *path)
{
	int fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	struct termios raw;

	if (fd < 0)
		die(STATUS_USAGE, "--com2 %s: %s", path, strerror(errno));
	if (!tcgetattr(fd, &raw)) {
		cfmakeraw(&raw);
		tcsetattr(fd, TCSANOW, &raw);
	}
	create(vm, COM2, IRQ_COM2, fd, fd);
}

/* Bytes for COM1 that are there already. There is room for them. */
void serial_type(const uint8_t *data, size_t size)
{
	struct pipe *in = &ports[0].in;

	memcpy(in->data + in->used, data, size);
	in->used += size;
}

/* How many bytes serial_type() would take. */
size_t serial_room(void)
{
	return sizeof(ports[0].in.data) - ports[0].in.used;
}

void serial_end_input(void)
{
	ports[0].in.at_end = true;
}

/* Which lines may the ports still pull because of us? From any thread. */
uint32_t serial_lines(void)
{
	return lines;
}

static bool again(void)
{
	return errno == EINTR || errno == EAGAIN;
}

/* What crosses the guest's end of a wire is a part of the story. */
static void note(const struct port *port, const struct pipe *p, double begin, const uint8_t *data,
		 size_t size)
{
	char hex[2 * 64 + 1];
	size_t i;

	for (i = 0; trace_wanted() && i < size; i++) {
		snprintf(hex + 2 * (i % 64), 3, "%02x", data[i]);
		if (i % 64 == 63 || i == size - 1)
			trace_event(begin, trace_now(),
				    "\"serial\":\"%s\",\"port\":%u,\"data\":\"%s\"",
				    p == &port->out ? "out" : "in", port->port, hex);
	}
}

static void take(const struct port *port, struct pipe *p)
{
	double begin = trace_now();
	ssize_t n = read(p->from, p->data + p->used, sizeof(p->data) - p->used);

	if (n > 0) {
		if (p == &port->out)
			note(port, p, begin, p->data + p->used, n);
		p->used += n;
	} else if (!n || !again()) {
		p->at_end = true;
	}
}

static void give(const struct port *port, struct pipe *p)
{
	double begin = trace_now();
	ssize_t n = write(p->to, p->data, p->used);

	if (n < 0 && again())
		return;
	if (n < 0 && p == &ports[0].out)
		die(STATUS_KILLED, "standard output: %s", strerror(errno));
	if (n > 0 && p == &port->in)
		note(port, p, begin, p->data, n);
	if (n < 0) /* nobody is there any more */
		n = p->used;
	p->used -= n;
	memmove(p->data, p->data + n, p->used);
}

static struct pollfd wait_for(int fd, bool wanted, short events)
{
	return (struct pollfd){ .fd = wanted ? fd : -1, .events = events };
}

/*
 * What there is to wait for: four descriptors for each port. COM1's input is
 * not among them, since a person's keys are looked at first (term.c).
 */
int serial_prepare(struct pollfd *fds)
{
	unsigned int may = 0;
	int i;

	for (i = 0; i < nr_ports; i++, fds += 4) {
		const struct pipe *in = &ports[i].in, *out = &ports[i].out;

		fds[0] = wait_for(in->from, i && !in->at_end && in->used < sizeof(in->data),
				  POLLIN);
		fds[1] = wait_for(in->to, in->used, POLLOUT);
		fds[2] = wait_for(out->from, out->used < sizeof(out->data), POLLIN);
		fds[3] = wait_for(out->to, out->used, POLLOUT);
		if (!in->at_end || in->used)
			may |= 1 << ports[i].gsi;
	}
	lines = may;
	return 4 * nr_ports;
}

/* Copy where it goes without a wait. */
void serial_copy(const struct pollfd *fds)
{
	int i;

	for (i = 0; i < nr_ports; i++, fds += 4) {
		if (fds[0].revents)
			take(&ports[i], &ports[i].in);
		if (fds[1].revents)
			give(&ports[i], &ports[i].in);
		if (fds[2].revents)
			take(&ports[i], &ports[i].out);
		if (fds[3].revents)
			give(&ports[i], &ports[i].out);
	}
}

/*
 * The guest has ended: what it said before is still to be told. If the user
 * left, nobody may be reading, and what finds no room is let go.
 */
void serial_drain(bool left)
{
	struct pipe *out;
	int i;

	for (i = 0; i < nr_ports; i++) {
		out = &ports[i].out;
		for (;;) {
			struct pollfd ready = { .fd = out->to, .events = POLLOUT };

			if (!out->used)
				take(&ports[i], out);
			if (!out->used)
				break;
			if (!poll(&ready, 1, left || i ? 0 : -1))
				break;
			give(&ports[i], out);
		}
	}
}
