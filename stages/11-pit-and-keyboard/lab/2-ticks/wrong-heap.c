uint64_t timer_advance(void)
{
	uint64_t now = irqchip_now(), next = i8254_advance(&pit, now), ticks = waiting();

	for (; ticks; ticks--) {
		given++;
		irqchip_pulse(IRQ_TIMER);
	}
