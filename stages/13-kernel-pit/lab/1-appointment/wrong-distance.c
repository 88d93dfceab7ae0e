	next = max(next, timer->woken + WAKE_NS);
	if (next == timer->deadline)
		return;
	timer->deadline = next;
	if (next == DEVICE_NEVER)
		hrtimer_try_to_cancel(&timer->hrtimer);
	else
		hrtimer_start(&timer->hrtimer, ns_to_ktime(next), HRTIMER_MODE_REL_HARD);
}
