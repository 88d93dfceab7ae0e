uint64_t timer_advance(void)
{
	uint64_t now = irqchip_now(), next = i8254_advance(&pit, now);
	bool one = waiting() && !irqchip_requested(IRQ_TIMER);

	if (one)
		irqchip_pulse(IRQ_TIMER);
	given = irqchip_listens(IRQ_TIMER) ? given + one : i8254_edges(&pit);
