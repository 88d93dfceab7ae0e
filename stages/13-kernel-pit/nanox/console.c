// SPDX-License-Identifier: GPL-2.0-only
/*
 * The console is the serial port, a 16550: eight registers at eight ports. When
 * something has come it interrupts, so we need not ask: we sleep.
 */
#include <stdio.h>

#include "console.h"
#include "io.h"
#include "pic.h"

#define COM1 0x3f8
#define DATA (COM1 + 0) /* read: what came; write: what goes */
#define DIVISOR (COM1 + 0) /* while LCR_DLAB is set: two bytes */
#define IER (COM1 + 1) /* interrupt enable */
#define LCR (COM1 + 3) /* line control */
#define MCR (COM1 + 4) /* modem control */
#define LSR (COM1 + 5) /* line status */

#define IER_RX 0x01 /* when something has come */
#define LCR_8N1 0x03 /* 8 bits, no parity, 1 stop bit */
#define LCR_DLAB 0x80
#define MCR_DTR_RTS 0x03 /* we are here, and you may send */
#define MCR_OUT2 0x08 /* in a PC: the interrupt line is joined to the controller */
#define LSR_DR 0x01 /* data ready */
#define LSR_THRE 0x20 /* transmitter holding register empty */

#define BAUD 115200
#define CLOCK 115200 /* the chip's clock of 1.8432 MHz, divided by 16 */

/* What has come and is not read yet. Only take() moves `in`, only a reader `out`. */
static struct {
	unsigned char data[256];
	volatile unsigned char in, out; /* they run round by themselves */
} input;

/* Take all that the chip has, with interrupts off. What finds no room stays there. */
static void take(void)
{
	while ((unsigned char)(input.in + 1) != input.out && inb(LSR) & LSR_DR)
		input.data[input.in++] = inb(DATA);
}

static void on_com1(struct frame *frame)
{
	take();
}

void console_init(void)
{
	const unsigned int divisor = CLOCK / BAUD;

	outb(LCR, LCR_DLAB);
	outb(DIVISOR, divisor & 0xff);
	outb(DIVISOR + 1, divisor >> 8);
	outb(LCR, LCR_8N1);
	outb(MCR, MCR_DTR_RTS | MCR_OUT2);
	outb(IER, IER_RX);
	pic_set(IRQ_COM1, on_com1);
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

/* The next byte. What found no room finds it now: its line is up already, and stays quiet. */
static unsigned char next(void)
{
	unsigned char c = input.data[input.out++];

	take();
	return c;
}

/*
 * Sleep until something is there. STI guards one instruction more, so nothing
 * can come between it and HLT, when it would be too late to be woken by it.
 */
static unsigned char receive(void)
{
	unsigned char c;

	cli();
	while (input.in == input.out) {
		asm volatile("sti; hlt");
		cli();
	}
	c = next();
	sti();
	return c;
}

int console_key(void)
{
	return input.in == input.out ? -1 : next();
}

/* What is typed is shown. The Enter key sends a CR, and C wants to read '\n'. */
int getchar(void)
{
	int c = receive();

	if (c == '\r')
		c = '\n';
	putchar(c);
	return c;
}
