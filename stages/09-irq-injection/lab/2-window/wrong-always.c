static void vcpu_interrupt(struct vm *vm)
{
	struct vtx_interrupt irq = {};

	if (doorbell_rings() && vm->run->can_inject) {
		irq.vector = doorbell_answer();
		if (vm_ioctl(vm->vcpu_fd, VTX_INTERRUPT, &irq))
			die(STATUS_NO_VTX, "VTX_INTERRUPT %u: %s", irq.vector, strerror(errno));
	}
	vm->run->want_window = 1;
}

