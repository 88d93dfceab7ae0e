static void timer_out(void *ctx, u16 offset, u8 value)
{
	struct vtx_vm *vm = ctx;
	struct vtx_timer *timer = &vm->timer;

	timer_advance(vm);
	if (offset == I8254_CONTROL && value < 0x40 && value & 0x30)
		timer->given = i8254_edges(&timer->pit);
	i8254_out(&timer->pit, offset, value, ktime_get_ns());
}

static u8 timer_in(void *ctx, u16 offset)
{
	struct vtx_vm *vm = ctx;

	return i8254_in(&vm->timer.pit, offset, ktime_get_ns());
}
