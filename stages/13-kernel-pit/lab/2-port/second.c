/* Counter 0 has forgotten its count: so it shall begin anew, and what waits is void. */
static void begin_anew(struct vtx_timer *timer)
{
	timer->given = i8254_edges(&timer->pit);
}

static void timer_out(void *ctx, u16 offset, u8 value)
{
	struct vtx_vm *vm = ctx;
	const u8 counter = value >> 6, access = value >> 4 & 3;

	timer_advance(vm);
	switch (offset) {
	case I8254_CONTROL:
		if (!counter && access)
			begin_anew(&vm->timer);
		fallthrough;
	default:
		i8254_out(&vm->timer.pit, offset, value, ktime_get_ns());
	}
	timer_advance(vm);
}

static u8 timer_in(void *ctx, u16 offset)
{
	struct vtx_timer *timer = &((struct vtx_vm *)ctx)->timer;
	u64 now = ktime_get_ns();

	return i8254_in(&timer->pit, offset, now);
}
