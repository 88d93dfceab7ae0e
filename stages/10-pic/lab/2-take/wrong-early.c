int irqchip_take(bool can_inject, bool *more)
{
	int vector = -1;

	pthread_mutex_lock(&lock);
	if (i8259_intr(&pic))
		vector = i8259_ack(&pic);
	*more = i8259_intr(&pic);
	pthread_mutex_unlock(&lock);
	return vector;
}

