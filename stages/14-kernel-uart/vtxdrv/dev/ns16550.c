// SPDX-License-Identifier: GPL-2.0-only
/*
 * The serial port: it sends bytes over a wire, bit after bit, and receives
 * those that the other end sends. Each direction has a FIFO of 16 bytes, so
 * the CPU need not come running for every single one. While the FIFOs are off,
 * each holds one byte, as in the 16450 before it.
 *
 * Our wire is not made of bits. Bytes cross it whole, whatever format the
 * guest has chosen, and none is ever damaged. A byte that the guest sends lies
 * in the transmitter until the other end takes it by ns16550_tx(); one that it
 * receives comes by ns16550_rx(). Neither takes time. Only the interrupt for
 * bytes left lying has a clock: it comes when the guest's format and speed say.
 *
 * Section titles below are those of the PC16550D datasheet.
 */
#include "ns16550.h"

/*
 * "Summary of Registers". Two lie at one port if one of them is only read and
 * the other only written. DLL and DLM hide 0 and 1 while LCR's DLAB is set.
 */
enum {
	RBR = 0, /* receiver buffer, read */
	THR = 0, /* transmitter holding, written */
	DLL = 0, /* divisor latch, low byte */
	IER = 1, /* interrupt enable */
	DLM = 1, /* divisor latch, high byte */
	IIR = 2, /* interrupt identification, read */
	FCR = 2, /* FIFO control, written */
	LCR = 3, /* line control */
	MCR = 4, /* modem control */
	LSR = 5, /* line status, read */
	MSR = 6, /* modem status, read; not one of the CPU's MSRs */
	SCR = 7, /* scratch: for the guest to write something down */
};

#define IER_ERBFI 0x01 /* received data available, or time-out */
#define IER_ETBEI 0x02 /* transmitter holding register empty */
#define IER_ELSI 0x04 /* line status */
#define IER_EDSSI 0x08 /* modem status */
#define IER_ALL 0x0f

#define IIR_MODEM_STATUS 0x00
#define IIR_NONE 0x01
#define IIR_THRE 0x02
#define IIR_RECEIVED_DATA 0x04
#define IIR_LINE_STATUS 0x06
#define IIR_TIMEOUT 0x0c
#define IIR_FIFOS_ON 0xc0

#define FCR_ENABLE 0x01
#define FCR_RCVR_RESET 0x02
#define FCR_XMIT_RESET 0x04
#define FCR_TRIGGER_SHIFT 6

#define LCR_WLS 0x03 /* word length: 5 to 8 bits */
#define LCR_STB 0x04 /* two stop bits, or one and a half behind 5 bits */
#define LCR_PEN 0x08 /* with a parity bit */
#define LCR_EPS 0x10 /* an even one */
#define LCR_BREAK 0x40
#define LCR_DLAB 0x80

#define MCR_DTR 0x01
#define MCR_RTS 0x02
#define MCR_OUT1 0x04
#define MCR_OUT2 0x08
#define MCR_LOOP 0x10
#define MCR_ALL 0x1f

#define LSR_DR 0x01 /* data ready */
#define LSR_OE 0x02 /* overrun */
#define LSR_PE 0x04 /* parity */
#define LSR_FE 0x08 /* framing: no stop bit where one is due */
#define LSR_BI 0x10 /* break */
#define LSR_THRE 0x20 /* transmitter holding register empty */
#define LSR_TEMT 0x40 /* transmitter empty */
#define LSR_RCVR_ERROR 0x80 /* some byte in the receive FIFO is a bad one */

#define MSR_DELTAS 0x0f /* each says that the input 4 bits higher has changed */
#define MSR_CTS 0x10
#define MSR_DSR 0x20
#define MSR_RI 0x40
#define MSR_DCD 0x80

#define BAUD_MAX 115200 /* a clock of 1.8432 MHz, and 16 ticks a bit */

static void fifo_put(struct ns16550_fifo *fifo, u8 byte, u8 errors)
{
	u8 last = (fifo->first + fifo->count++) % NS16550_FIFO_SIZE;

	fifo->data[last] = byte;
	fifo->errors[last] = errors;
}

/* An empty one gives once more what it gave before. */
static u8 fifo_get(struct ns16550_fifo *fifo)
{
	if (fifo->count) {
		fifo->first = (fifo->first + 1) % NS16550_FIFO_SIZE;
		fifo->count--;
	}
	return fifo->data[(fifo->first + NS16550_FIFO_SIZE - 1) % NS16550_FIFO_SIZE];
}

static u8 fifo_size(const struct ns16550 *uart)
{
	return uart->fcr & FCR_ENABLE ? NS16550_FIFO_SIZE : 1;
}

/* From how many bytes on the receiver asks to be read ("FIFO Control Register"). */
static u8 trigger_level(const struct ns16550 *uart)
{
	static const u8 levels[] = { 1, 4, 8, 14 };

	return uart->fcr & FCR_ENABLE ? levels[uart->fcr >> FCR_TRIGGER_SHIFT] : 1;
}

/*
 * For how long bytes may lie in the receive FIFO: as long as four characters
 * take ("FIFO Interrupt Mode Operation"). We count in half bits, since there
 * may be one and a half stop bits.
 */
static u64 four_characters(const struct ns16550 *uart)
{
	u64 divisor = uart->divisor ? uart->divisor : 0x10000;
	u64 half_bits = 2 * (1 + 5 + (uart->lcr & LCR_WLS)); /* start, data */

	if (uart->lcr & LCR_PEN)
		half_bits += 2;
	if (!(uart->lcr & LCR_STB))
		half_bits += 2;
	else if (uart->lcr & LCR_WLS)
		half_bits += 4;
	else
		half_bits += 3;
	return 4 * half_bits * divisor * 1000000000 / (2 * BAUD_MAX);
}

/* The most urgent interrupt ("Interrupt Identification Register"). */
static u8 interrupt_id(const struct ns16550 *uart)
{
	if (uart->ier & IER_ELSI && uart->lsr)
		return IIR_LINE_STATUS;
	if (uart->ier & IER_ERBFI && uart->timed_out)
		return IIR_TIMEOUT;
	if (uart->ier & IER_ERBFI && uart->rx.count >= trigger_level(uart))
		return IIR_RECEIVED_DATA;
	if (uart->ier & IER_ETBEI && uart->thre_pending)
		return IIR_THRE;
	if (uart->ier & IER_EDSSI && uart->msr & MSR_DELTAS)
		return IIR_MODEM_STATUS;
	return IIR_NONE;
}

/*
 * A PC leads the chip's interrupt pin through a gate that OUT2 opens. In
 * loopback the chip holds OUT2 off, so the gate is closed.
 */
static void update_irq(struct ns16550 *uart)
{
	bool open = (uart->mcr & (MCR_OUT2 | MCR_LOOP)) == MCR_OUT2;
	bool level = open && interrupt_id(uart) != IIR_NONE;

	if (level == uart->level)
		return;
	uart->level = level;
	irq_line_set(&uart->irq, level);
}

u64 ns16550_advance(struct ns16550 *uart, u64 now)
{
	u64 deadline = DEVICE_NEVER;

	uart->now = now;
	if (uart->fcr & FCR_ENABLE && uart->ier & IER_ERBFI && uart->rx.count &&
	    !uart->timed_out) {
		deadline = uart->rx_time + four_characters(uart);
		if (now >= deadline) {
			uart->timed_out = true;
			deadline = DEVICE_NEVER;
		}
	}
	update_irq(uart);
	return deadline;
}

/* The errors of a byte show when it is the next to be read ("Line Status Register"). */
static void show_errors(struct ns16550 *uart)
{
	if (uart->rx.count) {
		uart->lsr |= uart->rx.errors[uart->rx.first];
		uart->rx.errors[uart->rx.first] = 0;
	}
}

/*
 * A byte has come in. If there is no room, it is an overrun: a full FIFO keeps
 * what it has, but the one byte of a 16450 is replaced.
 */
static void receive(struct ns16550 *uart, u8 byte, u8 errors)
{
	if (uart->rx.count == fifo_size(uart)) {
		uart->lsr |= LSR_OE;
		if (!(uart->fcr & FCR_ENABLE))
			uart->rx.count = 0;
	}
	if (uart->rx.count < fifo_size(uart))
		fifo_put(&uart->rx, byte, errors);
	show_errors(uart);
	uart->rx_time = uart->now;
}

/*
 * The guest sends a byte. A transmitter that is full loses it. In loopback our
 * own receiver has it at once. During a break the wire does not move: the byte
 * takes its turn, and nobody hears it.
 */
static void send(struct ns16550 *uart, u8 byte)
{
	/* The line falls, if only for a moment: the PIC waits for it to rise. */
	uart->thre_pending = false;
	update_irq(uart);

	if (!(uart->lcr & LCR_BREAK)) {
		if (uart->mcr & MCR_LOOP)
			receive(uart, byte, 0);
		else if (uart->tx.count < fifo_size(uart))
			fifo_put(&uart->tx, byte, 0);
	}

	uart->thre_pending = !uart->tx.count;
}

static u8 read_rbr(struct ns16550 *uart)
{
	u8 byte = fifo_get(&uart->rx);

	show_errors(uart);
	uart->timed_out = false;
	uart->rx_time = uart->now;
	return byte;
}

static u8 read_iir(struct ns16550 *uart)
{
	u8 id = interrupt_id(uart);

	if (id == IIR_THRE)
		uart->thre_pending = false;
	return id | (uart->fcr & FCR_ENABLE ? IIR_FIFOS_ON : 0);
}

/* "Line Status Register". Reading it forgets the errors. */
static u8 read_lsr(struct ns16550 *uart)
{
	u8 value = uart->lsr, bad = uart->lsr & ~LSR_OE, i;

	for (i = 0; i < uart->rx.count; i++)
		bad |= uart->rx.errors[(uart->rx.first + i) % NS16550_FIFO_SIZE];
	if (bad && uart->fcr & FCR_ENABLE)
		value |= LSR_RCVR_ERROR;
	if (uart->rx.count)
		value |= LSR_DR;
	if (!uart->tx.count)
		value |= LSR_THRE | LSR_TEMT;
	uart->lsr = 0;
	return value;
}

/* "Modem Status Register". Reading it forgets the deltas. */
static u8 read_msr(struct ns16550 *uart)
{
	u8 value = uart->msr;

	uart->msr &= ~MSR_DELTAS;
	return value;
}

static void write_ier(struct ns16550 *uart, u8 value)
{
	if (value & ~uart->ier & IER_ETBEI && !uart->tx.count)
		uart->thre_pending = true;
	uart->ier = value & IER_ALL;
}

/* "FIFO Control Register". Without bit 0 the others are not programmed. */
static void write_fcr(struct ns16550 *uart, u8 value)
{
	if (!(value & FCR_ENABLE))
		value = uart->fcr & ~FCR_ENABLE;
	if ((value ^ uart->fcr) & FCR_ENABLE)
		value |= FCR_RCVR_RESET | FCR_XMIT_RESET;
	if (value & FCR_RCVR_RESET) {
		uart->rx.count = 0;
		uart->timed_out = false;
	}
	if (value & FCR_XMIT_RESET && uart->tx.count) {
		uart->tx.count = 0;
		uart->thre_pending = true;
	}
	uart->fcr = value & ~(FCR_RCVR_RESET | FCR_XMIT_RESET);
}

/*
 * "Modem Control Register" and "Modem Status Register". At the other end of
 * our wire somebody always listens. In loopback the outputs are the inputs. RI
 * has a delta only when it goes off: the phone has rung.
 */
static void write_mcr(struct ns16550 *uart, u8 value)
{
	u8 inputs = MSR_CTS | MSR_DSR | MSR_DCD, changed;

	uart->mcr = value & MCR_ALL;
	if (uart->mcr & MCR_LOOP) {
		inputs = uart->mcr & MCR_RTS ? MSR_CTS : 0;
		inputs |= uart->mcr & MCR_DTR ? MSR_DSR : 0;
		inputs |= uart->mcr & MCR_OUT1 ? MSR_RI : 0;
		inputs |= uart->mcr & MCR_OUT2 ? MSR_DCD : 0;
	}
	changed = (uart->msr ^ inputs) & ~MSR_DELTAS;
	if (inputs & MSR_RI)
		changed &= ~MSR_RI;
	uart->msr = inputs | changed >> 4 | (uart->msr & MSR_DELTAS);
}

static bool hears_break(const struct ns16550 *uart)
{
	return uart->mcr & MCR_LOOP && uart->lcr & LCR_BREAK;
}

/*
 * However long a break lasts, it arrives as one byte: zeros in all bits, also
 * where the stop bit and an odd parity would be ones.
 */
static void receive_break(struct ns16550 *uart)
{
	bool odd = (uart->lcr & (LCR_PEN | LCR_EPS)) == LCR_PEN;

	receive(uart, 0, LSR_BI | LSR_FE | (odd ? LSR_PE : 0));
}

/*
 * "Reset Configuration of Registers". The divisor is not part of a reset: we
 * begin with the fastest.
 */
void ns16550_init(struct ns16550 *uart, struct irq_line irq)
{
	*uart = (struct ns16550){
		.irq = irq,
		.divisor = 1,
		.msr = MSR_CTS | MSR_DSR | MSR_DCD,
	};
}

u8 ns16550_in(struct ns16550 *uart, u16 off, u64 now)
{
	bool dlab = uart->lcr & LCR_DLAB;
	u8 value = 0;

	ns16550_advance(uart, now);
	switch (off % 8) {
	case RBR:
		value = dlab ? uart->divisor & 0xff : read_rbr(uart);
		break;
	case IER:
		value = dlab ? uart->divisor >> 8 : uart->ier;
		break;
	case IIR:
		value = read_iir(uart);
		break;
	case LCR:
		value = uart->lcr;
		break;
	case MCR:
		value = uart->mcr;
		break;
	case LSR:
		value = read_lsr(uart);
		break;
	case MSR:
		value = read_msr(uart);
		break;
	case SCR:
		value = uart->scr;
		break;
	}
	ns16550_advance(uart, now);
	return value;
}

void ns16550_out(struct ns16550 *uart, u16 off, u8 value, u64 now)
{
	bool dlab = uart->lcr & LCR_DLAB;
	bool in_break = hears_break(uart);

	ns16550_advance(uart, now);
	switch (off % 8) {
	case THR:
		if (dlab)
			uart->divisor = (uart->divisor & 0xff00) | value;
		else
			send(uart, value);
		break;
	case IER:
		if (dlab)
			uart->divisor = (uart->divisor & 0x00ff) | value << 8;
		else
			write_ier(uart, value);
		break;
	case FCR:
		write_fcr(uart, value);
		break;
	case LCR:
		uart->lcr = value;
		break;
	case MCR:
		write_mcr(uart, value);
		break;
	case SCR:
		uart->scr = value;
		break;
	}
	if (!in_break && hears_break(uart))
		receive_break(uart);
	ns16550_advance(uart, now);
}

/*
 * In loopback the receiver is cut off from the wire. A real other end would
 * not know and talk on; ours waits.
 */
size_t ns16550_room(const struct ns16550 *uart)
{
	return uart->mcr & MCR_LOOP ? 0 : fifo_size(uart) - uart->rx.count;
}

size_t ns16550_rx(struct ns16550 *uart, const u8 *data, size_t len, u64 now)
{
	size_t n;

	ns16550_advance(uart, now);
	for (n = 0; n < len && ns16550_room(uart); n++)
		receive(uart, data[n], 0);
	ns16550_advance(uart, now);
	return n;
}

size_t ns16550_tx(struct ns16550 *uart, u8 *data, size_t len)
{
	size_t n;

	for (n = 0; n < len && uart->tx.count; n++)
		data[n] = fifo_get(&uart->tx);
	if (n && !uart->tx.count)
		uart->thre_pending = true;
	update_irq(uart);
	return n;
}
