static void tell_reader(struct vtx_uart *uart, u64 now)
{
	/* When is he to be told, in uart->tell? Or is it time to tell him? */
}
