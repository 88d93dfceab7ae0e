static void tell_reader(struct vtx_uart *uart, u64 now)
{
	u32 waits = kfifo_len(&uart->from_guest);
	bool is_set = uart->tell != 0 && uart->tell != DEVICE_NEVER;

	if (waits && uart->tell == 0)
		return;
	if (is_set && waits && (now >= uart->tell || 2 * waits >= FIFO_SIZE)) {
		uart->tell = 0;
		uart->vm->irqchip.wake = true;
		return;
	}
	if (!waits)
		uart->tell = DEVICE_NEVER;
	else if (!is_set)
		uart->tell = now + TELL_NS;
}
