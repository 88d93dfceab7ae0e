static void update(struct vtx_uart *uart, u64 now)
{
	struct irqchip *chips = &uart->vm->irqchip;
	u64 next;
	u32 waited = kfifo_len(&uart->to_guest);
	u8 byte;

	while (!kfifo_is_full(&uart->from_guest) && ns16550_tx(&uart->chip, &byte, 1))
		if (uart->open)
			kfifo_put(&uart->from_guest, byte);
	while (ns16550_room(&uart->chip) && kfifo_get(&uart->to_guest, &byte))
		ns16550_rx(&uart->chip, &byte, 1, now);
	next = ns16550_advance(&uart->chip, now);

	if (waited > FIFO_SIZE / 2 && kfifo_len(&uart->to_guest) <= FIFO_SIZE / 2)
		chips->wake = true;
	set_timer(uart, uart->tell ? min(next, uart->tell) : next);
}
