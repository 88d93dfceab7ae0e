static enum hrtimer_restart timer_expired(struct hrtimer *hrtimer)
{
	struct vtx_vm *vm = container_of(hrtimer, struct vtx_vm, timer.hrtimer);
	unsigned long flags = irqchip_lock(vm);

	vm->timer.woken = ktime_get_ns();
	vm->timer.deadline = DEVICE_NEVER;
	timer_advance(vm);
	vm->irqchip.intr = true; /* it was up before, as far as anybody knows: so it did not rise */
	irqchip_unlock(vm, flags);
	flags = irqchip_lock(vm);
	vm->irqchip.intr = false;
	raw_spin_unlock_irqrestore(&vm->irqchip.lock, flags);
	return HRTIMER_NORESTART; /* timer_advance() has seen to it */
}
