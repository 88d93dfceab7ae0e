// SPDX-License-Identifier: GPL-2.0-only
/* The VM as VTXDRV knows it: a descriptor, and memory given to it. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>

#include "vtxctl.h"

void vm_open(struct vm *vm)
{
	vm->fd = open("/dev/vtx", O_RDWR | O_CLOEXEC);
	if (vm->fd < 0)
		die(STATUS_NO_VTX,
		    "/dev/vtx: %s: load vtxdrv.ko first; `dmesg` says why it refused",
		    strerror(errno));
}

/* ioctl(), and a note of it. */
int vm_ioctl_named(int fd, unsigned long request, void *arg, const char *name)
{
	static unsigned int number;
	double begin = trace_now();
	int ret = ioctl(fd, request, arg), error = errno;

	trace_event(begin, trace_now(), "\"ioctl\":\"%s\",\"number\":%u,\"error\":\"%s\"", name,
		    ++number, ret < 0 ? strerrorname_np(error) : "");
	errno = error;
	return ret;
}

/* Let the guest see `size` bytes of ours, from `mem` on, at `gpa`. */
void vm_map(struct vm *vm, uint64_t gpa, void *mem, uint64_t size, uint32_t flags)
{
	struct vtx_memory m = {
		.gpa = gpa,
		.size = size,
		.user_addr = (uintptr_t)mem,
		.flags = flags,
	};

	if (!vm_ioctl(vm->fd, VTX_MAP_MEMORY, &m))
		return;
	if (errno == ENOMEM)
		die(STATUS_NO_VTX,
		    "no room to pin %llu KiB for the guest: give it less (--mem), or raise `ulimit -l`",
		    (unsigned long long)size >> 10);
	die(STATUS_NO_VTX, "VTX_MAP_MEMORY at %#llx: %s", (unsigned long long)gpa,
	    strerror(errno));
}
