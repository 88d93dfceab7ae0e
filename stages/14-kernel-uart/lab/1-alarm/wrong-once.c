static void tell_reader(struct vtx_uart *uart, u64 now)
{
	static bool told;
	u32 waits = kfifo_len(&uart->from_guest);

	if (!waits || told) {
		uart->tell = told ? 0 : DEVICE_NEVER;
	} else if (uart->tell == DEVICE_NEVER) {
		uart->tell = now + TELL_NS;
	} else if (uart->tell <= now || waits >= FIFO_SIZE / 2) {
		uart->vm->irqchip.wake = true;
		uart->tell = 0;
		told = true;
	}
}
