// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any bytes as a life of a serial port: IN, OUT, bytes from outside and to
 * outside, and time that goes by. After each step we ask what must always be
 * so. Two chips live the same life; only one of them is told of the time in
 * between, and no answer may show which.
 */
#include <stdlib.h>
#include <string.h>

#include "ns16550.h"

enum {
	DATA,
	IER,
	IIR,
	LCR,
	MCR,
	LSR,
	MSR,
};

/* Not assert(), which NDEBUG would disarm. */
#define CHECK(what)              \
	do {                     \
		if (!(what))     \
			abort(); \
	} while (0)

static void set_line(void *ctx, unsigned int n, bool level)
{
	bool *line = ctx;

	CHECK(n == 4);
	CHECK(*line != level); /* told only when it changes */
	*line = level;
}

/* What a guest would read, without the guest's reading changing anything. */
static u8 peek(const struct ns16550 *uart, u16 off)
{
	struct ns16550 copy = *uart;

	copy.irq.set = NULL;
	copy.lcr &= 0x7f; /* not the divisor */
	return ns16550_in(&copy, off, copy.now);
}

static void check_fifo(const struct ns16550_fifo *fifo, u8 size)
{
	CHECK(fifo->first < NS16550_FIFO_SIZE);
	CHECK(fifo->count <= size);
}

static void check(const struct ns16550 *uart, bool line)
{
	bool fifos = uart->fcr & 0x01, loop = uart->mcr & 0x10;
	u8 size = fifos ? NS16550_FIFO_SIZE : 1;
	u8 iir = peek(uart, IIR), lsr = peek(uart, LSR), msr = peek(uart, MSR);

	check_fifo(&uart->rx, size);
	check_fifo(&uart->tx, size);
	CHECK(ns16550_room(uart) == (size_t)(loop ? 0 : size - uart->rx.count));

	/* What a register's unused bits say, and what bits say the same. */
	CHECK(!(uart->ier & 0xf0) && !(uart->mcr & 0xe0) && !(uart->fcr & 0x06));
	CHECK((iir & 0xf0) == (fifos ? 0xc0 : 0));
	CHECK(!!(lsr & 0x01) == !!uart->rx.count);
	CHECK(!!(lsr & 0x20) == !uart->tx.count);
	CHECK(!!(lsr & 0x40) == !uart->tx.count);
	CHECK(!(lsr & 0x80) || fifos);
	CHECK(!fifos || !(lsr & 0x1c) || lsr & 0x80);
	CHECK(loop || (msr & 0xf0) == 0xb0);

	/* What the chip remembers has a reason. */
	CHECK(!uart->thre_pending || !uart->tx.count);
	CHECK(!uart->timed_out || (fifos && uart->rx.count));

	/* An interrupt is named only if it is enabled and has a reason. */
	switch (iir & 0x0f) {
	case 0x06:
		CHECK(uart->ier & 0x04 && lsr & 0x1e);
		break;
	case 0x0c:
		CHECK(uart->ier & 0x01 && fifos && lsr & 0x01);
		break;
	case 0x04:
		CHECK(uart->ier & 0x01 && lsr & 0x01);
		break;
	case 0x02:
		CHECK(uart->ier & 0x02 && lsr & 0x20);
		break;
	case 0x00:
		CHECK(uart->ier & 0x08 && msr & 0x0f);
		break;
	default:
		CHECK((iir & 0x0f) == 0x01);
	}

	CHECK(line == uart->level);
	CHECK(line == (!(iir & 0x01) && uart->mcr & 0x08 && !loop));
}

/* A deadline lies ahead, and something happens then, and not a moment before. */
static void check_deadline(const struct ns16550 *uart, u64 deadline)
{
	struct ns16550 copy = *uart;

	copy.irq.set = NULL;
	if (deadline == DEVICE_NEVER)
		return;
	CHECK(deadline > copy.now);
	CHECK(ns16550_advance(&copy, deadline - 1) == deadline && !copy.timed_out);
	CHECK(ns16550_advance(&copy, deadline) == DEVICE_NEVER && copy.timed_out);
	CHECK((peek(&copy, IIR) & 0x0f) == 0x0c || (peek(&copy, IIR) & 0x0f) == 0x06);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ns16550 told, untold;
	bool told_line = false, untold_line = false;
	u8 got[2][2 * NS16550_FIFO_SIZE], ahead[NS16550_FIFO_SIZE];
	size_t i, n, room, waiting;
	u64 now = 0, deadline = DEVICE_NEVER;

	ns16550_init(&told, (struct irq_line){ set_line, &told_line, 4 });
	ns16550_init(&untold, (struct irq_line){ set_line, &untold_line, 4 });

	/* Two bytes a step: what, and with which value. */
	for (i = 0; i + 1 < size; i += 2) {
		u8 what = data[i], value = data[i + 1];
		u16 off = what & 7;

		switch (what >> 3 & 7) {
		case 0:
		case 1:
			CHECK(ns16550_in(&told, off, now) == ns16550_in(&untold, off, now));
			break;
		case 2:
		case 3:
		case 4:
			ns16550_out(&told, off, value, now);
			ns16550_out(&untold, off, value, now);
			break;
		case 5: /* from outside: up to 31 bytes, with room for only some */
			for (n = 0; n < sizeof(got[0]); n++)
				got[0][n] = value + n;
			n = value % sizeof(got[0]);
			room = ns16550_room(&told);
			CHECK(ns16550_rx(&told, got[0], n, now) == (n < room ? n : room));
			CHECK(ns16550_rx(&untold, got[0], n, now) == (n < room ? n : room));
			break;
		case 6: /* to outside: what was first in comes first out */
			n = value % sizeof(got[0]);
			waiting = told.tx.count;
			for (room = 0; room < waiting; room++)
				ahead[room] = told.tx.data[(told.tx.first + room) % NS16550_FIFO_SIZE];
			CHECK(ns16550_tx(&told, got[0], n) == (n < waiting ? n : waiting));
			CHECK(ns16550_tx(&untold, got[1], n) == (n < waiting ? n : waiting));
			n = n < waiting ? n : waiting;
			CHECK(!memcmp(got[0], ahead, n) && !memcmp(got[1], ahead, n));
			CHECK(told.tx.count == waiting - n);
			break;
		case 7: /* time: none, a little, much, or just until the deadline */
			if (off < 6)
				now += (u64)value << 4 * off;
			else if (deadline != DEVICE_NEVER && deadline >= now)
				now = deadline - (off == 7 && deadline > now);
			break;
		}

		/* As the step left it, before anything else tidies up. */
		check(&told, told_line);
		check(&untold, untold_line);
		if (told.now == untold.now) {
			CHECK(told_line == untold_line);
			CHECK(peek(&told, IIR) == peek(&untold, IIR));
		}

		deadline = ns16550_advance(&told, now);
		check(&told, told_line);
		check_deadline(&told, deadline);
	}
	return 0;
}
