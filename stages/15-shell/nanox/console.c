// SPDX-License-Identifier: GPL-2.0-only
/*
 * The console is the serial port, a 16550. It interrupts when something has come
 * and when it has sent what it had, so nobody waits for it in a loop: what the
 * program says goes into a ring, and the interrupt takes it on from there.
 */
#include <stdio.h>

#include "call.h"
#include "console.h"
#include "io.h"
#include "pic.h"
#include "ring.h"

#define COM1 0x3f8
#define DATA (COM1 + 0) /* read: what came; write: what goes */
#define DIVISOR (COM1 + 0) /* while LCR_DLAB is set: two bytes */
#define IER (COM1 + 1) /* interrupt enable */
#define IIR (COM1 + 2) /* read: interrupt identification */
#define FCR (COM1 + 2) /* write: FIFO control */
#define LCR (COM1 + 3) /* line control */
#define MCR (COM1 + 4) /* modem control */
#define LSR (COM1 + 5) /* line status */

#define IER_RX 0x01 /* when something has come */
#define IER_THRE 0x02 /* when the transmitter is empty */
#define IIR_NONE 0x01
#define IIR_ID 0x0f
#define IIR_THRE 0x02
#define FCR_ON_AND_EMPTY 0x07
#define LCR_8N1 0x03 /* 8 bits, no parity, 1 stop bit */
#define LCR_DLAB 0x80
#define MCR_DTR_RTS 0x03 /* we are here, and you may send */
#define MCR_LOOP 0x10 /* nothing comes in */
#define MCR_OUT2 0x08 /* in a PC: the interrupt line is joined to the controller */
#define LSR_DR 0x01 /* data ready */
#define LSR_THRE 0x20 /* transmitter holding register empty */

#define FIFO_SIZE 16
#define ENOUGH 128 /* bytes in a ring that make it worth while to begin with it */
#define BAUD 115200
#define CLOCK 115200 /* the chip's clock of 1.8432 MHz, divided by 16 */

static struct ring input, output;
static bool sending; /* the chip has bytes of ours, and will say when it has none */
static bool choked; /* we told it not to say that something came */

/*
 * A full ring takes nothing, and an interrupt that goes on would never end. So
 * what comes now waits in the chip, and the chip is told to be silent about it.
 */
static void choke(bool now)
{
	choked = now;
	outb(IER, IER_THRE | (choked ? 0 : IER_RX));
}

static void take(void)
{
	while (inb(LSR) & LSR_DR) {
		if (ring_full(&input)) {
			choke(true);
			break;
		}
		ring_put(&input, inb(DATA));
	}
}

/* The transmitter is empty: as much as it can hold. */
static void give(void)
{
	unsigned char bytes[FIFO_SIZE];
	unsigned int n = 0;

	while (n < FIFO_SIZE && !ring_empty(&output))
		bytes[n++] = ring_get(&output);
	sending = n;
	if (n)
		outsb(DATA, bytes, n);
}

/* The line must fall before we leave, or it cannot rise again: see to all that there is. */
static void on_com1(struct frame *frame)
{
	unsigned int id;

	while ((id = inb(IIR) & IIR_ID) != IIR_NONE) {
		if (id == IIR_THRE)
			give();
		else
			take();
	}
}

void console_init(void)
{
	const unsigned int divisor = CLOCK / BAUD;

	outb(LCR, LCR_DLAB);
	outb(DIVISOR, divisor & 0xff);
	outb(DIVISOR + 1, divisor >> 8);
	outb(LCR, LCR_8N1);
	outb(MCR, MCR_LOOP);
	take(); /* what was typed before we began: the FIFOs forget it */
	outb(FCR, FCR_ON_AND_EMPTY);
	outb(MCR, MCR_DTR_RTS | MCR_OUT2);
	pic_set(IRQ_COM1, on_com1);
	choke(false);
}

/* Where no interrupt can come, we must ask. */
void console_drain(void)
{
	do {
		while (!(inb(LSR) & LSR_THRE))
			;
		give();
	} while (sending);
}

void console_flush(void)
{
	if (!sending)
		give();
}

/* An interrupt for each byte would be costly: it begins when there is enough. */
static void send(char c)
{
	bool on = interrupts_on();

	cli();
	while (ring_full(&output)) {
		if (on)
			call_sleep();
		else
			console_drain();
	}
	ring_put(&output, c);
	if (!sending && ring_count(&output) >= ENOUGH)
		give();
	if (on)
		sti();
}

/* A terminal goes to the left only when it is told so. */
int putchar(int c)
{
	if (c == '\n')
		send('\r');
	send(c);
	return (unsigned char)c;
}

int console_byte(void)
{
	int byte;

	if (ring_empty(&input))
		return -1;
	byte = ring_get(&input);
	if (choked && ring_count(&input) < ENOUGH)
		choke(false);
	return byte;
}
