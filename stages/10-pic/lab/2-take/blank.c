/*
 * What is to be injected now, if the guest can take it. Only then is it
 * acknowledged: a request may still go away, or give way to a more urgent one.
 * Return: a vector, or -1. *more: ask for a window.
 */
int irqchip_take(bool can_inject, bool *more)
{
	/* Your turn. */
	*more = false;
	return -1;
}

