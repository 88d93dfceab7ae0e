// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long does it take to be rid of a guest in an endless loop? Starts a
 * program on a terminal of its own, waits for its letter R, ends it, and counts
 * ticks until it is gone.
 *
 * usage: loop_end kill|leave PROGRAM ARGUMENT...
 * `leave`: by the keys Ctrl-A x. Prints the ticks, and how it ended.
 */
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdint.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include "tell.h"

int main(int argc, char **argv)
{
	struct timespec nap = { .tv_nsec = 30000000 };
	int terminal, status;
	uint64_t begin;
	char byte = 0;
	pid_t pid;

	if (argc < 3)
		errx(1, "usage: loop_end kill|leave PROGRAM ARGUMENT...");
	pid = must("forkpty", forkpty(&terminal, NULL, NULL, NULL));
	if (!pid) {
		execv(argv[2], argv + 2);
		err(1, "%s", argv[2]);
	}
	while (byte != 'R')
		if (must("its letter", read(terminal, &byte, 1)) != 1)
			errx(1, "it ended without a letter");
	/* By now it is deep in its loop. */
	nanosleep(&nap, NULL);

	begin = __rdtsc();
	if (!strcmp(argv[1], "kill"))
		must("kill", kill(pid, SIGKILL));
	else
		must("write", write(terminal, "\001x", 2));
	must("waitpid", waitpid(pid, &status, 0));
	tell_number("ticks", __rdtsc() - begin);
	tell_number("status", WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
	return 0;
}
