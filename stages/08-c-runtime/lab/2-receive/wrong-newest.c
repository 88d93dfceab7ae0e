/*
 * A byte has come in. If there is no room, it is an overrun: a full FIFO keeps
 * what it has, but the one byte of a 16450 is replaced.
 */
static void receive(struct ns16550 *uart, u8 byte, u8 errors)
{
	if (uart->rx.count == fifo_size(uart)) {
		uart->lsr |= LSR_OE;
		uart->rx.count = 0;
	}
	fifo_put(&uart->rx, byte, errors);
	show_errors(uart);
}

