int irqchip_take(bool can_inject, bool *more)
{
	int vector = -1;

	irqchip_lock();
	*more = i8259_intr(&pic);
	if (*more && can_inject) {
		vector = i8259_ack(&pic);
		*more = i8259_intr(&pic);
	}
	pthread_mutex_unlock(&lock);
	return vector;
}

