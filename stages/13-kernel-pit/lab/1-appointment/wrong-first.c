	next = max(next, timer->woken + WAKE_NS);
	if (next == DEVICE_NEVER || timer->deadline != DEVICE_NEVER)
		return;
	timer->deadline = next;
	hrtimer_start(&timer->hrtimer, ns_to_ktime(next), HRTIMER_MODE_ABS_HARD);
}
