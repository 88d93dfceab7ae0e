/*
 * A byte has come in. If there is no room, it is an overrun: a full FIFO keeps
 * what it has, but the one byte of a 16450 is replaced.
 */
static void receive(struct ns16550 *uart, u8 byte, u8 errors)
{
	/* Your turn: is there room? If not, what is lost, and who is told? */
	show_errors(uart);
}

