	next = timer->woken + WAKE_NS;
	if (next == timer->deadline)
		return;
	timer->deadline = next;
	hrtimer_start(&timer->hrtimer, ns_to_ktime(next), HRTIMER_MODE_ABS_HARD);
}
