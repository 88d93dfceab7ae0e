static void tell_reader(struct vtx_uart *uart, u64 now)
{
	static u32 before;
	u32 waits = kfifo_len(&uart->from_guest);

	if (!waits) {
		uart->tell = DEVICE_NEVER;
	} else if (waits != before) {
		uart->tell = now + TELL_NS;
	} else if (uart->tell && (uart->tell <= now || waits >= FIFO_SIZE / 2)) {
		uart->vm->irqchip.wake = true;
		uart->tell = 0;
	}
	before = waits;
}
