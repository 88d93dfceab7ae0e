static void timer_out(void *ctx, u16 offset, u8 value)
{
	/* Your turn: the chip hears nothing. */
}

static u8 timer_in(void *ctx, u16 offset)
{
	return 0xff; /* and says nothing */
}
