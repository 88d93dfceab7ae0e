// SPDX-License-Identifier: GPL-2.0-only
/* VTX_GET_CAPS: what it gives, and what it says to bad arguments. */
#include <linux/types.h>
#include <sys/ioctl.h>

#include "tell.h"
#include "vtx.h"

#define FIELD(name) tell_number(#name, caps.name)

int main(void)
{
	struct vtx_caps caps = { .size = sizeof(caps) };
	int fd = open_vtx();

	must("VTX_GET_CAPS", ioctl(fd, VTX_GET_CAPS, &caps));
	FIELD(size);
	FIELD(flags);
	FIELD(feature_control);
	FIELD(basic);
	FIELD(pin);
	FIELD(proc);
	FIELD(proc2);
	FIELD(exit);
	FIELD(entry);
	FIELD(misc);
	FIELD(cr0_fixed0);
	FIELD(cr0_fixed1);
	FIELD(cr4_fixed0);
	FIELD(cr4_fixed1);
	FIELD(ept_vpid);
	FIELD(vmfunc);
	FIELD(cpus_on);
	FIELD(maxphyaddr);
	tell_number("reserved", caps.reserved[0] | caps.reserved[1]);

	caps.size--;
	tell("size too small", ioctl(fd, VTX_GET_CAPS, &caps));
	caps.size = 0;
	tell("size zero", ioctl(fd, VTX_GET_CAPS, &caps));
	caps.size = sizeof(caps) + 1;
	tell("size too large", ioctl(fd, VTX_GET_CAPS, &caps));
	tell("no pointer", ioctl(fd, VTX_GET_CAPS, NULL));
	tell("pointer into the kernel", ioctl(fd, VTX_GET_CAPS, 0xffff888000000000));
	tell("unknown ioctl", ioctl(fd, _IO(VTX_IOC_MAGIC, 0xff), &caps));
	tell("known number, other size", ioctl(fd, _IOWR(VTX_IOC_MAGIC, 0x01, int), &caps));
	tell("other driver's ioctl", ioctl(fd, _IO('T', 0x01), &caps));
	return 0;
}
