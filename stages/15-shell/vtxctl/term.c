// SPDX-License-Identifier: GPL-2.0-only
/*
 * The person at the keyboard. At a terminal each key goes to the guest as it
 * is pressed, Ctrl-C too; Ctrl-A is ours, and the key after it says what to
 * do. In a pipe all bytes are the guest's, and none is changed.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <termios.h>
#include <unistd.h>

#include "vtxctl.h"

#define KEY_CTRL(c) ((c)&0x1f)

static int wake_fd; /* the guest has ended */
static struct termios saved;
static bool is_terminal;
static bool escape; /* Ctrl-A was the key before */
static bool to_keyboard; /* the keys are those of the guest's keyboard */
static atomic_bool at_end; /* of the input */

static const char help[] =
	"\nCtrl-A x  leave   Ctrl-A a  send a Ctrl-A to the guest   "
	"Ctrl-A g  keys to the keyboard, and back\n"
	"Ctrl-A h  this help\n";

/* Only what a signal handler may call. */
static void term_restore(void)
{
	if (is_terminal)
		tcsetattr(STDIN_FILENO, TCSANOW, &saved);
}

/* Whatever ends us, the terminal is given back first. */
static void on_signal(int sig)
{
	term_restore();
	signal(sig, SIG_DFL);
	raise(sig);
}

void term_open(void)
{
	static const int deadly[] = {
		SIGHUP,
		SIGINT,
		SIGQUIT,
		SIGTERM,
		SIGSEGV,
		SIGBUS,
		SIGILL,
		SIGFPE,
		SIGABRT,
	};
	struct termios raw;
	size_t i;

	signal(SIGPIPE, SIG_IGN); /* a write says so, and can be told */
	wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (wake_fd < 0)
		die(STATUS_NO_VTX, "eventfd: %s", strerror(errno));

	if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &saved))
		return;
	is_terminal = true;
	atexit(term_restore);
	for (i = 0; i < sizeof(deadly) / sizeof(deadly[0]); i++)
		signal(deadly[i], on_signal);
	raw = saved;
	cfmakeraw(&raw);
	raw.c_oflag |= OPOST; /* a new line begins at the left */
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
}

/* term_loop() shall look around: from any thread. */
void term_wake(void)
{
	eventfd_write(wake_fd, 1);
}

/* Is there somebody who could press a key? */
bool term_has_keys(void)
{
	return is_terminal && !at_end;
}

/* Or does nobody read there any more? */
static bool takes(int fd)
{
	struct pollfd ready = { .fd = fd, .events = POLLOUT };

	return poll(&ready, 1, 0) > 0;
}

/* The key behind Ctrl-A. */
static void command(struct vm *vm, uint8_t key)
{
	const uint8_t ctrl_a = KEY_CTRL('a');

	switch (key) {
	case 'a':
	case KEY_CTRL('a'):
		if (to_keyboard)
			keyboard_type(vm, &ctrl_a, 1);
		else
			serial_type(&ctrl_a, 1);
		break;
	case 'g':
		to_keyboard = !to_keyboard;
		fprintf(stderr, "\nvtxctl: the keys go to %s now\n",
			to_keyboard ? "the keyboard" : "the serial port");
		break;
	case 'x':
		if (takes(STDERR_FILENO))
			fputc('\n', stderr);
		vcpu_stop(vm, STATUS_LEFT);
		break;
	default:
		fputs(help, stderr);
	}
}

/* Keys of the person, up to the next Ctrl-A. Returns how many. */
static size_t typed(struct vm *vm, const uint8_t *keys, size_t size)
{
	const uint8_t *end = is_terminal ? memchr(keys, KEY_CTRL('a'), size) : NULL;
	size_t n = end ? (size_t)(end - keys) : size;

	if (to_keyboard)
		keyboard_type(vm, keys, n);
	else
		serial_type(keys, n);
	return n;
}

/* All that was read; Ctrl-A and the key behind it are for us. */
static void received(struct vm *vm, const uint8_t *keys, size_t size)
{
	size_t i = 0;

	while (i < size) {
		if (escape) {
			escape = false;
			command(vm, keys[i++]);
		} else if (is_terminal && keys[i] == KEY_CTRL('a')) {
			escape = true;
			i++;
		} else {
			i += typed(vm, keys + i, size - i);
		}
	}
}

/* There is something to read, or nothing ever again. */
static void term_read(struct vm *vm)
{
	uint8_t buf[256];
	size_t max = serial_room();
	ssize_t n = read(STDIN_FILENO, buf, max < sizeof(buf) ? max : sizeof(buf));

	if (n > 0)
		received(vm, buf, n);
	else if (!n || (errno != EINTR && errno != EAGAIN))
		at_end = true;
	if (at_end)
		serial_end_input();
}

/* Copy for the guest until it has ended. The end of input is not its end. */
void term_loop(struct vm *vm)
{
	struct pollfd fds[2 + SERIAL_FDS] = { { .fd = wake_fd, .events = POLLIN } };
	int n;

	while (!vm->ended) {
		fds[1].fd = serial_room() && !at_end ? STDIN_FILENO : -1;
		fds[1].events = POLLIN;
		n = serial_prepare(fds + 2);
		irqchip_lock();
		irqchip_unlock(vm); /* which lines may still be pulled? */
		if (poll(fds, 2 + n, -1) < 0) {
			if (errno != EINTR)
				die(STATUS_NO_VTX, "poll: %s", strerror(errno));
			continue;
		}
		if (fds[1].revents)
			term_read(vm);
		serial_copy(fds + 2);
	}
}
