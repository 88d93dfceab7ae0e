// SPDX-License-Identifier: GPL-2.0-only
/*
 * Suspends the machine and wakes it at once, through /dev/snapshot: the kernel
 * freezes all programs but this one, stops the devices and all CPUs but one,
 * calls the syscore hooks, copies its memory and comes back. The copy is
 * thrown away.
 */
#include <err.h>
#include <fcntl.h>
#include <linux/suspend_ioctls.h>
#include <stdio.h>
#include <sys/ioctl.h>

int main(void)
{
	int in_suspend = -1;
	int fd = open("/dev/snapshot", O_RDONLY);

	if (fd < 0)
		err(1, "/dev/snapshot");
	if (ioctl(fd, SNAPSHOT_FREEZE))
		err(1, "SNAPSHOT_FREEZE");
	if (ioctl(fd, SNAPSHOT_CREATE_IMAGE, &in_suspend))
		err(1, "SNAPSHOT_CREATE_IMAGE");
	if (ioctl(fd, SNAPSHOT_UNFREEZE))
		err(1, "SNAPSHOT_UNFREEZE");
	printf("in suspend: %d\n", in_suspend);
	return 0;
}
