static void tell_reader(struct vtx_uart *uart, u64 now)
{
	if (!kfifo_is_empty(&uart->from_guest))
		uart->vm->irqchip.wake = true;
}
