uint64_t timer_advance(void)
{
	uint64_t now = irqchip_now(), next = i8254_advance(&pit, now), ticks = waiting();

	if (ticks && !irqchip_requested(IRQ_TIMER)) {
		given++;
		irqchip_pulse(IRQ_TIMER);
	}
