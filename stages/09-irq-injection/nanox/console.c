// SPDX-License-Identifier: GPL-2.0-only
/*
 * The console is the serial port, a 16550: eight registers at eight ports. It
 * has no interrupt yet, so we ask it again and again.
 */
#include <stdio.h>

#include "console.h"
#include "io.h"

#define COM1 0x3f8
#define DATA (COM1 + 0) /* read: what came; write: what goes */
#define DIVISOR (COM1 + 0) /* while LCR_DLAB is set: two bytes */
#define LCR (COM1 + 3) /* line control */
#define MCR (COM1 + 4) /* modem control */
#define LSR (COM1 + 5) /* line status */

#define LCR_8N1 0x03 /* 8 bits, no parity, 1 stop bit */
#define LCR_DLAB 0x80
#define MCR_DTR_RTS 0x03 /* we are here, and you may send */
#define LSR_DR 0x01 /* data ready */
#define LSR_THRE 0x20 /* transmitter holding register empty */

#define BAUD 115200
#define CLOCK 115200 /* the chip's clock of 1.8432 MHz, divided by 16 */

void console_init(void)
{
	const unsigned int divisor = CLOCK / BAUD;

	outb(LCR, LCR_DLAB);
	outb(DIVISOR, divisor & 0xff);
	outb(DIVISOR + 1, divisor >> 8);
	outb(LCR, LCR_8N1);
	outb(MCR, MCR_DTR_RTS);
}

static void send(char c)
{
	while (!(inb(LSR) & LSR_THRE))
		;
	outb(DATA, c);
}

/* A terminal goes to the left only when it is told so. */
int putchar(int c)
{
	if (c == '\n')
		send('\r');
	send(c);
	return (unsigned char)c;
}

/* What is typed is shown. The Enter key sends a CR, and C wants to read '\n'. */
int getchar(void)
{
	int c;

	while (!(inb(LSR) & LSR_DR))
		;
	c = inb(DATA);
	if (c == '\r')
		c = '\n';
	putchar(c);
	return c;
}
