// SPDX-License-Identifier: GPL-2.0-only
/*
 * Signals and VTX_RUN. The guest never ends by itself: it says one letter, so
 * that we know that it runs, and then it loops.
 *
 * usage: run_signal GUEST
 */
#include <signal.h>
#include <sys/time.h>

#include "run_vm.h"

static struct run_vm vm;

/* The way in which a program stops its own vCPU. */
static void stop(int sig)
{
	(void)sig;
	vm.run->immediate_exit = 1;
}

static uint64_t rip(void)
{
	struct vtx_regs regs;

	must("VTX_GET_REGS", ioctl(vm.vcpu, VTX_GET_REGS, &regs));
	return regs.rip;
}

/* Until the next thing that is not just the host at work. */
static long run(void)
{
	long ret;

	do
		ret = ioctl(vm.vcpu, VTX_RUN, 0);
	while (!ret && vm.run->exit == VTX_EXIT_INTR);
	return ret;
}

int main(int argc, char **argv)
{
	struct itimerval soon = { .it_value.tv_usec = 20000 };
	struct sigaction action = { .sa_handler = stop };
	uint64_t before;

	if (argc != 2)
		errx(1, "usage: run_signal GUEST");
	run_vm_open(&vm, 32);
	run_vm_load(&vm, argv[1]);
	must("sigaction", sigaction(SIGALRM, &action, NULL));

	vm.run->immediate_exit = 1;
	tell("immediate_exit", ioctl(vm.vcpu, VTX_RUN, 0));
	tell_number("then the exit is", vm.run->exit);
	tell_number("then the guest is at", rip());

	/* A signal that was handled before the ioctl began. */
	vm.run->immediate_exit = 0;
	raise(SIGALRM);
	tell("a signal just before", run());

	vm.run->immediate_exit = 0;
	tell("without", run());
	tell_number("its letter", *(uint8_t *)data_of(vm.run));

	/* Now it loops. */
	must("setitimer", setitimer(ITIMER_REAL, &soon, NULL));
	tell("a signal meanwhile", run());
	before = rip();
	vm.run->immediate_exit = 0;
	must("setitimer", setitimer(ITIMER_REAL, &soon, NULL));
	tell("once more", run());
	printf("it still loops: %s\n", rip() == before ? "yes" : "no");
	run_vm_close(&vm);
	return 0;
}
