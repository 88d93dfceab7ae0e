// SPDX-License-Identifier: GPL-2.0-only
/*
 * One VM for each open /dev/vtx: it belongs to the process that opened it, and
 * ends when the last descriptor is closed, whoever holds that.
 */
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tell.h"
#include "vtx.h"

static long ask(int fd)
{
	struct vtx_caps caps = { .size = sizeof(caps) };

	return ioctl(fd, VTX_GET_CAPS, &caps);
}

static void tell_vms(const char *when)
{
	FILE *file = fopen("/sys/module/vtxdrv/parameters/vms", "r");
	unsigned long vms;

	if (!file || fscanf(file, "%lu", &vms) != 1)
		err(1, "vms");
	tell_number(when, vms);
	fclose(file);
}

int main(void)
{
	int first, second, copy;

	tell_vms("VMs at first");
	first = open_vtx();
	second = open_vtx();
	copy = must("dup", dup(first));
	tell_vms("VMs after two were opened");
	tell("the process that opened it", ask(first));
	if (!must("fork", fork())) {
		tell("its child", ask(first));
		return 0;
	}
	wait(NULL);
	tell("the process, after its child", ask(copy));
	close(first);
	tell_vms("VMs with one of two descriptors closed");
	close(copy);
	tell_vms("VMs with both closed");
	close(second);
	tell_vms("VMs at last");
	return 0;
}
