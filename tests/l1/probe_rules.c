// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tries one way after the other to break a VMCS, with the help of the module
 * probe_spoil: on standard input a number of struct spoil, then these, and so
 * on. Of each it tells what the CPU and VTXDRV said.
 */
#include <stdint.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tell.h"
#include "vtx.h"

struct spoil {
	uint32_t field, how;
	uint64_t value;
};

int main(void)
{
	struct vtx_create_vcpu create = {};
	struct spoil spoils[16];
	uint32_t count;
	int vm = open_vtx(), n;

	for (n = 0; fread(&count, sizeof(count), 1, stdin) == 1; n++) {
		struct vtx_probe probe = { .form = VTX_FORM_HOST_CS };
		int spoil = must("/proc/spoil", open("/proc/spoil", O_WRONLY));
		/* A fresh VMCS each time: the one before may have left something. */
		int vcpu = must("VTX_CREATE_VCPU", ioctl(vm, VTX_CREATE_VCPU, &create));

		if (count > 16 || fread(spoils, sizeof(spoils[0]), count, stdin) != count)
			errx(1, "bad input");
		must("write", write(spoil, spoils, count * sizeof(spoils[0])));
		close(spoil);
		must("VTX_PROBE_ENTRY", ioctl(vcpu, VTX_PROBE_ENTRY, &probe));
		printf("%d: %u %#x %u %#x\n", n, probe.error, probe.exit_reason, probe.rule,
		       probe.field);
		fflush(stdout);
		close(vcpu);
	}
	return 0;
}
