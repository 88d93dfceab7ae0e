// SPDX-License-Identifier: GPL-2.0-only
/*
 * Several VMs of one process, on one CPU. Each guest asks for a number, and
 * then sends it, one more each time. Whose turn it is comes by lot: so a
 * register of one that shows up in another is seen.
 *
 * usage: loop_two GUEST SEED TURNS
 */
#include "run_vm.h"

#define VMS 3

int main(int argc, char **argv)
{
	struct run_vm v[VMS];
	uint32_t expected[VMS];
	uint64_t random;
	int i, turns;

	if (argc != 4)
		errx(1, "usage: loop_two GUEST SEED TURNS");
	random = seed_random(atoi(argv[2]));
	for (i = 0; i < VMS; i++) {
		run_vm_open(&v[i], 32);
		run_vm_load(&v[i], argv[1]);
		expected[i] = next_random(&random);
	}

	for (turns = atoi(argv[3]); turns; turns--) {
		struct run_vm *now = &v[i = next_random(&random) % VMS];
		uint32_t *data;

		do
			must("VTX_RUN", ioctl(now->vcpu, VTX_RUN, 0));
		while (now->run->exit == VTX_EXIT_INTR);
		if (now->run->exit != VTX_EXIT_IO)
			errx(1, "guest %d ended: exit %u", i, now->run->exit);
		data = data_of(now->run);
		if (!now->run->io.out)
			*data = expected[i];
		else if (*data != expected[i]++)
			errx(1, "guest %d sent %#x, not %#x", i, *data, expected[i] - 1);
	}
	for (i = 0; i < VMS; i++)
		run_vm_close(&v[i]);
	tell("none mistook another", 0);
	return 0;
}
