/*
 * A byte has come in. If there is no room, it is an overrun: a full FIFO keeps
 * what it has, but the one byte of a 16450 is replaced.
 */
static void receive(struct ns16550 *uart, u8 byte, u8 errors)
{
	bool on = uart->fcr & FCR_ENABLE;

	if (on && uart->rx.count == NS16550_FIFO_SIZE) {
		uart->lsr |= LSR_OE;
		return;
	}
	if (!on && uart->rx.count) {
		uart->lsr |= LSR_OE;
		fifo_get(&uart->rx);
	}
	fifo_put(&uart->rx, byte, errors);
	show_errors(uart);
}

