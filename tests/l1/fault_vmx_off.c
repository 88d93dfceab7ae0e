// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMX goes off while a VM is there, as at the beginning of a reboot.
 *
 * usage: fault_vmx_off MODULE	a kernel module that switches it off
 */
#include <sys/syscall.h>

#include "fault_vm.h"

static void switch_off(const char *module)
{
	int fd = must(module, open(module, O_RDONLY));

	must(module, syscall(SYS_finit_module, fd, "", 0));
	close(fd);
}

int main(int argc, char **argv)
{
	struct vtx_caps caps = { .size = sizeof(caps) };
	struct vtx_probe p = { .form = 1 };
	int vm = open_vtx(), other = open_vtx(), vcpu;

	if (argc != 2)
		errx(1, "usage: fault_vmx_off MODULE");
	vcpu = must("VTX_CREATE_VCPU", create_vcpu(vm));
	must("RAM", map_memory(vm, 0, pages(16), 16 * PAGE, 0));
	switch_off(argv[1]);

	must("VTX_GET_CAPS", ioctl(vm, VTX_GET_CAPS, &caps));
	tell_number("CPUs with VMX on", caps.cpus_on);
	tell("VTX_CREATE_VCPU", create_vcpu(other));
	tell("VTX_PROBE_ENTRY", ioctl(vcpu, VTX_PROBE_ENTRY, &p));
#ifdef VTX_RUN
	tell("VTX_RUN", ioctl(vcpu, VTX_RUN, 0));
#endif
#ifdef VTX_GET_SREGS
	struct vtx_sregs s = {};

	tell("VTX_GET_SREGS", ioctl(vcpu, VTX_GET_SREGS, &s));
	tell("VTX_SET_SREGS", ioctl(vcpu, VTX_SET_SREGS, &s));
#endif
	tell("VTX_MAP_MEMORY", map_memory(other, 0, pages(1), PAGE, 0));
	return 0;
}
