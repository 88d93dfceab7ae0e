	/* Your turn. As it stands, we look again 200 times a second, whatever is due. */
	next = ktime_get_ns() + NSEC_PER_SEC / 200;
	if (timer->deadline == DEVICE_NEVER) {
		timer->deadline = next;
		hrtimer_start(&timer->hrtimer, ns_to_ktime(next), HRTIMER_MODE_ABS_HARD);
	}
}
