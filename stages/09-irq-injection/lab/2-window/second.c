static void vcpu_interrupt(struct vm *vm)
{
	vm->run->want_window = 0;
	if (!doorbell_rings())
		return;
	if (!vm->run->can_inject) {
		vm->run->want_window = 1;
		return;
	}

	uint8_t vector = doorbell_answer();

	if (vm_ioctl(vm->vcpu_fd, VTX_INTERRUPT, &(struct vtx_interrupt){ .vector = vector }))
		die(STATUS_NO_VTX, "VTX_INTERRUPT %u: %s", vector, strerror(errno));
	if (doorbell_rings())
		vm->run->want_window = 1;
}

