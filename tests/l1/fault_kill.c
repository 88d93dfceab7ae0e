// SPDX-License-Identifier: GPL-2.0-only
/*
 * Starts a program again and again, and kills it at a random moment. When it
 * is dead, VTXDRV must have forgotten it.
 *
 * usage: fault_kill SEED TIMES MICROSECONDS PROGRAM ARGUMENT...
 */
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "fault_vm.h"

#define GUEST_PAGES 16 /* the least that a guest has: 64K */

static pid_t start(char **argv)
{
	pid_t pid = must("fork", fork());
	int null;

	if (pid)
		return pid;
	null = must("/dev/null", open("/dev/null", O_RDWR));
	dup2(null, 0);
	dup2(null, 1);
	execv(argv[0], argv);
	err(1, "%s", argv[0]);
}

int main(int argc, char **argv)
{
	unsigned int times, killed = 0, used = 0;
	uint64_t random;
	int status;
	pid_t pid;

	if (argc < 5)
		errx(1, "usage: fault_kill SEED TIMES MICROSECONDS PROGRAM ARGUMENT...");
	random = seed_random(atoi(argv[1]));
	for (times = atoi(argv[2]); times; times--) {
		struct timespec moment = {
			.tv_nsec = next_random(&random) % atoi(argv[3]) * 1000,
		};

		pid = start(argv + 4);
		/* This is not to wait for anything: the moment is what is tried. */
		nanosleep(&moment, NULL);
		used += counter("pages") > GUEST_PAGES;
		kill(pid, SIGKILL);
		must("waitpid", waitpid(pid, &status, 0));
		if (WIFSIGNALED(status))
			killed++;
		else if (status)
			errx(1, "%s ended with status %d", argv[4], WEXITSTATUS(status));
		if (counter("vms") || counter("pages"))
			errx(1, "after %lu us it left %ld VMs and %ld pages",
			     moment.tv_nsec / 1000, counter("vms"), counter("pages"));
	}
	tell_number("killed", killed);
	tell_number("with all its memory", used);
	return 0;
}
