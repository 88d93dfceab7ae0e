// SPDX-License-Identifier: GPL-2.0-only
/*
 * Several VMs of one process, on one CPU. Each guest asks for a number, and
 * then sends it, one more each time. Whose turn it is comes by lot: so a
 * register of one that shows up in another is seen. Another thread than the one
 * that made them lets them run: so its own FS base shall be there after each turn.
 *
 * usage: loop_two GUEST SEED TURNS
 */
#include <asm/prctl.h>
#include <pthread.h>
#include <sys/syscall.h>

#include "run_vm.h"

#define VMS 3

static struct run_vm v[VMS];
static uint32_t expected[VMS];
static uint64_t random_state;
static int turns;

static unsigned long fs_base(void)
{
	unsigned long base = 0;

	must("arch_prctl", syscall(SYS_arch_prctl, ARCH_GET_FS, &base));
	return base;
}

static void *run_them(void *unused)
{
	unsigned long base = fs_base();
	int i;

	(void)unused;
	for (; turns; turns--) {
		struct run_vm *now = &v[i = next_random(&random_state) % VMS];
		uint32_t *data;

		do
			must("VTX_RUN", ioctl(now->vcpu, VTX_RUN, 0));
		while (now->run->exit == VTX_EXIT_INTR);
		if (fs_base() != base)
			errx(1, "guest %d: FS base was %#lx, is %#lx", i, base, fs_base());
		if (now->run->exit != VTX_EXIT_IO)
			errx(1, "guest %d ended: exit %u", i, now->run->exit);
		data = data_of(now->run);
		if (!now->run->io.out)
			*data = expected[i];
		else if (*data != expected[i]++)
			errx(1, "guest %d sent %#x, not %#x", i, *data, expected[i] - 1);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	int i;

	if (argc != 4)
		errx(1, "usage: loop_two GUEST SEED TURNS");
	random_state = seed_random(atoi(argv[2]));
	turns = atoi(argv[3]);
	for (i = 0; i < VMS; i++) {
		run_vm_open(&v[i], 32);
		run_vm_load(&v[i], argv[1]);
		expected[i] = next_random(&random_state);
	}
	if (pthread_create(&thread, NULL, run_them, NULL) || pthread_join(thread, NULL))
		errx(1, "no thread");
	for (i = 0; i < VMS; i++)
		run_vm_close(&v[i]);
	tell("none mistook another", 0);
	return 0;
}
