	bool none = next == DEVICE_NEVER;
	s64 distance;

	if (none)
		hrtimer_try_to_cancel(&timer->hrtimer);
	if (!none && next < timer->woken + WAKE_NS)
		next = timer->woken + WAKE_NS;
	if (!none && next != timer->deadline) {
		distance = next - ktime_get_ns();
		hrtimer_start(&timer->hrtimer, ns_to_ktime(distance), HRTIMER_MODE_REL_HARD);
	}
	timer->deadline = next;
}
