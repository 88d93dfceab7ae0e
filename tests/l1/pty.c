// SPDX-License-Identifier: GPL-2.0-only
/*
 * Somebody at a terminal of his own, faster than any person.
 *
 * usage: pty ring N COMMAND...    with NanoX of stage 10: rings N times, at any moment
 *        pty hang-up COMMAND...   waits for a prompt, and takes the terminal away
 *        pty lose COMMAND...      the same, where the command gets no SIGHUP for it
 *        pty stuck COMMAND...     reads nothing until all is full, and then types Ctrl-A x
 *        pty com2 COMMAND...      with a second terminal, named in the place of "COM2"
 */
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdbool.h>

#include "tell.h"

#define PATIENCE 30000 /* milliseconds without any output: that is a hang */

static int master, second;
static pid_t child;
static char output[1 << 20];
static size_t used, seen;

/* Start it at a new terminal, which is its own (ctty) or only where it reads and writes. */
static void start(char **argv, bool ctty)
{
	int slave;

	master = must("posix_openpt", posix_openpt(O_RDWR | O_NOCTTY));
	must("grantpt", grantpt(master));
	must("unlockpt", unlockpt(master));
	child = must("fork", fork());
	if (child)
		return;
	must("setsid", setsid());
	slave = must("the terminal", open(ptsname(master), O_RDWR | O_NOCTTY));
	if (ctty)
		must("TIOCSCTTY", ioctl(slave, TIOCSCTTY, 0));
	must("dup2", dup2(slave, 0));
	must("dup2", dup2(slave, 1));
	must("dup2", dup2(slave, 2));
	close(slave);
	close(master);
	execvp(argv[0], argv);
	err(127, "%s", argv[0]);
}

static void write_all(const char *text)
{
	size_t size = strlen(text);

	if (write(master, text, size) != (ssize_t)size)
		err(1, "write");
}

/* Read on until it has said this. */
static void expect(const char *text)
{
	struct pollfd fd = { .fd = master, .events = POLLIN };
	const char *found;
	ssize_t n;

	while (!(found = memmem(output + seen, used - seen, text, strlen(text)))) {
		if (used == sizeof(output)) {
			memmove(output, output + used - 4096, 4096);
			used = 4096;
			seen = 0;
		}
		if (poll(&fd, 1, PATIENCE) <= 0)
			errx(1, "it did not say \"%s\" behind \"%.*s\"", text, (int)(used - seen),
			     output + seen);
		n = read(master, output + used, sizeof(output) - used);
		if (n <= 0)
			errx(1, "it ended without \"%s\"", text);
		used += n;
	}
	seen = found - output + strlen(text);
}

/* It has said something, whatever it is. */
static void expect_any(void)
{
	struct pollfd fd = { .fd = master, .events = POLLIN };

	if (poll(&fd, 1, PATIENCE) <= 0)
		errx(1, "it says nothing");
}

static void tell_end(void)
{
	int status;

	must("waitpid", waitpid(child, &status, 0));
	if (WIFSIGNALED(status))
		printf("ended by signal: %d\n", WTERMSIG(status));
	else
		printf("status: %d\n", WEXITSTATUS(status));
}

/* Letters and Enter come in between, and nobody waits for what they cause. */
static void ring(unsigned int times)
{
	char text[32];
	unsigned int i, spin;

	srandom(10);
	expect("> ");
	for (i = 1; i <= times; i++) {
		if (random() % 4 == 0)
			write_all(random() % 8 ? "x" : "\r");
		for (spin = random() % 4000; spin; spin--)
			asm volatile("");
		write_all("\1k");
		snprintf(text, sizeof(text), "[ring %u]", i);
		expect(text);
	}
	write_all("\rbye\r");
	snprintf(text, sizeof(text), "You rang %u times.", times);
	expect(text);
	printf("rings: %u\n", times);
}

/* Until all of its threads sleep: nobody can go on any more. */
static void until_full(void)
{
	char command[128];
	int calm = 0;

	expect_any();
	snprintf(command, sizeof(command),
		 "! grep -q '^State:.[^S]' /proc/%d/task/*/status", child);
	while (calm < 10) {
		poll(NULL, 0, 50);
		calm = system(command) ? 0 : calm + 1;
	}
}

/* Nobody has read anything, and still it obeys. */
static void leave_when_stuck(void)
{
	siginfo_t end = {};
	int tries;

	until_full();
	write_all("\1x");
	for (tries = 0; tries < 200 && !end.si_pid; tries++) {
		poll(NULL, 0, 50);
		must("waitid", waitid(P_PID, child, &end, WEXITED | WNOHANG | WNOWAIT));
	}
	printf("it left: %s\n", end.si_pid ? "ok" : "no");
	if (!end.si_pid)
		kill(child, SIGKILL);
}

static char *open_second(void)
{
	second = must("posix_openpt", posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
	must("grantpt", grantpt(second));
	must("unlockpt", unlockpt(second));
	return strdup(ptsname(second));
}

/* An echo at each port, which ends at a 'Q': all other bytes come back as they were. */
static void both_ports(void)
{
	unsigned char all[255], got[sizeof(all)];
	size_t i, done = 0;
	ssize_t n;

	expect("R");
	for (i = 0; i < sizeof(all); i++)
		all[i] = i < 'Q' ? i : i + 1;
	if (write(second, all, sizeof(all)) != sizeof(all))
		err(1, "write");
	write_all("hello");
	expect("hello");
	while (done < sizeof(all)) {
		struct pollfd fd = { .fd = second, .events = POLLIN };

		if (poll(&fd, 1, PATIENCE) <= 0)
			errx(1, "COM2 gave back %zu bytes", done);
		n = read(second, got + done, sizeof(got) - done);
		must("read", n);
		done += n;
	}
	printf("COM2 gives back what it got: %s\n",
	       memcmp(got, all, sizeof(all)) ? "no" : "ok");
	if (write(second, "Q", 1) != 1)
		err(1, "write");
}

int main(int argc, char **argv)
{
	int i;

	if (argc > 3 && !strcmp(argv[1], "ring")) {
		start(argv + 3, true);
		ring(atoi(argv[2]));
		tell_end();
		return 0;
	} else if (argc > 2 && !strcmp(argv[1], "hang-up")) {
		start(argv + 2, true);
		expect("> ");
	} else if (argc > 2 && !strcmp(argv[1], "lose")) {
		start(argv + 2, false);
		expect("> ");
	} else if (argc > 2 && !strcmp(argv[1], "stuck")) {
		start(argv + 2, true);
		leave_when_stuck();
	} else if (argc > 2 && !strcmp(argv[1], "com2")) {
		for (i = 2; i < argc; i++)
			if (!strcmp(argv[i], "COM2"))
				argv[i] = open_second();
		start(argv + 2, true);
		both_ports();
		tell_end();
		return 0;
	} else {
		errx(1, "usage: see its source");
	}
	close(master);
	tell_end();
	return 0;
}
