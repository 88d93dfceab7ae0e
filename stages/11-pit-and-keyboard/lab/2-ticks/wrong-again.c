uint64_t timer_advance(void)
{
	uint64_t now = irqchip_now(), next = i8254_advance(&pit, now), ticks = waiting();

	if (ticks && !irqchip_requested(IRQ_TIMER))
		irqchip_pulse(IRQ_TIMER);
	if (!irqchip_listens(IRQ_TIMER))
		given += ticks;
