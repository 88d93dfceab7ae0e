// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs a guest while SIGALRM comes every so many microseconds (0: never).
 * What it sends to the serial port is our output; an IN from there gets the
 * bytes 1, 2, 3 and so on, and one from elsewhere ones.
 *
 * usage: run_alarm GUEST MICROSECONDS
 * On standard error: how many signals came.
 */
#include <signal.h>
#include <sys/time.h>

#include "run_vm.h"

#define COM1 0x3f8

static volatile sig_atomic_t signals;

static void count(int sig)
{
	(void)sig;
	signals++;
}

static void serve(struct vtx_run *run, uint8_t *data)
{
	static uint8_t next = 1;
	uint32_t i;

	for (i = 0; i < run->io.count; i++, data += run->io.size) {
		if (run->io.out && run->io.port == COM1)
			putchar(*data);
		else if (!run->io.out && run->io.port == COM1)
			*data = next++;
	}
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = count };
	struct itimerval often = {};
	struct run_vm v;
	long ret;

	if (argc != 3)
		errx(1, "usage: run_alarm GUEST MICROSECONDS");
	often.it_value.tv_usec = often.it_interval.tv_usec = atoi(argv[2]);
	run_vm_open(&v, 32);
	run_vm_load(&v, argv[1]);
	must("sigaction", sigaction(SIGALRM, &action, NULL));
	must("setitimer", setitimer(ITIMER_REAL, &often, NULL));

	do {
		ret = ioctl(v.vcpu, VTX_RUN, 0);
		if (ret && errno != EINTR)
			err(1, "VTX_RUN");
		if (!ret && v.run->exit == VTX_EXIT_IO)
			serve(v.run, data_of(v.run));
	} while (ret || !run_vm_has_ended(&v));

	often.it_value.tv_usec = 0;
	must("setitimer", setitimer(ITIMER_REAL, &often, NULL));
	fprintf(stderr, "%d\n", (int)signals);
	if (v.run->exit != VTX_EXIT_HLT)
		errx(1, "exit %u", v.run->exit);
	run_vm_close(&v);
	return 0;
}
