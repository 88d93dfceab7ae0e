int irqchip_take(bool can_inject, bool *more)
{
	int vector;

	pthread_mutex_lock(&lock);
	*more = i8259_intr(&pic);
	if (!*more || !can_inject)
		return -1;
	vector = i8259_ack(&pic);
	*more = i8259_intr(&pic);
	pthread_mutex_unlock(&lock);
	return vector;
}

