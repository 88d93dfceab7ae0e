/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The serial port of a PC: a NS16550A, as its successor's datasheet describes
 * it (National Semiconductor, PC16550D Universal Asynchronous Receiver/
 * Transmitter with FIFOs).
 */
#ifndef VTX_NS16550_H
#define VTX_NS16550_H

#include "device.h"

#define NS16550_FIFO_SIZE 16

/* Bytes leave in the order in which they came. */
struct ns16550_fifo {
	u8 data[NS16550_FIFO_SIZE];
	u8 errors[NS16550_FIFO_SIZE]; /* what was wrong with each, as LSR bits */
	u8 first, count;
};

struct ns16550 {
	struct irq_line irq;
	bool level; /* of that line */
	u8 ier, fcr, lcr, mcr, msr, scr;
	u8 lsr; /* only the errors; the rest follows from the FIFOs */
	u16 divisor; /* DLM and DLL */
	struct ns16550_fifo rx, tx;
	bool thre_pending; /* the transmitter became empty, and nobody has looked yet */
	bool timed_out; /* bytes were left lying in the receive FIFO */
	u64 now; /* of the call we are in */
	u64 rx_time; /* when a byte last came into the receive FIFO, or was read from it */
};

void ns16550_init(struct ns16550 *uart, struct irq_line irq);

/* The guest's side: off is the port's distance from the first one, 0 to 7. */
u8 ns16550_in(struct ns16550 *uart, u16 off, u64 now);
void ns16550_out(struct ns16550 *uart, u16 off, u8 value, u64 now);

/*
 * The other end of the wire. Both return how many bytes they moved. Room may
 * come with each IN or OUT of the guest, something to take with each OUT.
 */
size_t ns16550_room(const struct ns16550 *uart);
size_t ns16550_rx(struct ns16550 *uart, const u8 *data, size_t len, u64 now);
size_t ns16550_tx(struct ns16550 *uart, u8 *data, size_t len);

/* Do what is due by now. Return: when to call again. */
u64 ns16550_advance(struct ns16550 *uart, u64 now);

#endif /* VTX_NS16550_H */
