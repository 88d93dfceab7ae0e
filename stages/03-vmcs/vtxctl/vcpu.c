// SPDX-License-Identifier: GPL-2.0-only
/* The vCPU as VTXCTL knows it: a second descriptor. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "vtxctl.h"

void vcpu_open(struct vm *vm)
{
	struct vtx_create_vcpu create = { .id = 0 };

	vm->vcpu_fd = vm_ioctl(vm->fd, VTX_CREATE_VCPU, &create);
	if (vm->vcpu_fd < 0)
		die(STATUS_NO_VTX, "VTX_CREATE_VCPU: %s", strerror(errno));
}

/* Hand the CPU the form five times, each time with another mistake. */
void vcpu_probe(struct vm *vm)
{
	__u32 form;

	for (form = 1; form < VTX_NR_FORMS; form++) {
		struct vtx_probe p = { .form = form };

		while (vm_ioctl(vm->vcpu_fd, VTX_PROBE_ENTRY, &p))
			if (errno != EAGAIN)
				die(STATUS_NO_VTX, "VTX_PROBE_ENTRY: %s: see `dmesg`",
				    strerror(errno));
		explain_probe(&p);
	}
}
