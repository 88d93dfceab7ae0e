/*
 * An interrupt waits: send it, if the guest can take one now. If not, or if
 * more wait, VTX_RUN shall come back as soon as it can.
 */
static void vcpu_interrupt(struct vm *vm)
{
	/* Your turn: look whether the doorbell rings, and send what waits. */
	vm->run->want_window = 0;
}

