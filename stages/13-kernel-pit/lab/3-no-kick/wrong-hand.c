static enum hrtimer_restart timer_expired(struct hrtimer *hrtimer)
{
	struct vtx_vm *vm = container_of(hrtimer, struct vtx_vm, timer.hrtimer);
	unsigned long flags = irqchip_lock(vm);

	vm->timer.woken = ktime_get_ns();
	vm->timer.deadline = DEVICE_NEVER;
	raw_spin_unlock_irqrestore(&vm->irqchip.lock, flags);
	return HRTIMER_NORESTART; /* timer_advance() has seen to it */
}
