// SPDX-License-Identifier: GPL-2.0-only
/* The VM as VTXDRV knows it: a descriptor. */
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
