// SPDX-License-Identifier: GPL-2.0-only
/*
 * Suspends the machine and wakes it at once, through /dev/snapshot: the kernel
 * freezes all programs but this one, stops the devices and all CPUs but one,
 * calls the syscore hooks, copies its memory and comes back. The copy is
 * thrown away.
 */
#include <linux/suspend_ioctls.h>
#include <sys/ioctl.h>

#include "tell.h"

int main(void)
{
	int fd = must("open /dev/snapshot", open("/dev/snapshot", O_RDONLY | O_CLOEXEC));
	int in_suspend = 0;

	must("SNAPSHOT_FREEZE", ioctl(fd, SNAPSHOT_FREEZE));
	must("SNAPSHOT_CREATE_IMAGE", ioctl(fd, SNAPSHOT_CREATE_IMAGE, &in_suspend));
	must("SNAPSHOT_UNFREEZE", ioctl(fd, SNAPSHOT_UNFREEZE));
	tell_number("image taken", in_suspend);
	return 0;
}
