// SPDX-License-Identifier: GPL-2.0-only
/*
 * The person at the keyboard. At a terminal each key goes to the guest as it
 * is pressed, Ctrl-C too; Ctrl-A is ours, and the key after it says what to
 * do. In a pipe all bytes are the guest's, and none is changed.
 *
 * Bytes wait in a ring until the guest fetches them. When the ring is full we
 * stop reading, so nothing is lost: it waits in the pipe, or in the terminal.
 * We read on when half of it is free: to wake up for each byte would be slow.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <termios.h>
#include <unistd.h>

#include "vtxctl.h"

#define KEY_CTRL(c) ((c)&0x1f)
#define RING_SIZE 4096 /* a power of two */

static struct {
	pthread_mutex_t lock;
	uint8_t data[RING_SIZE];
	unsigned int in, out; /* run on; their difference is what waits */
	bool starved; /* the reader waits for room */
} ring = { .lock = PTHREAD_MUTEX_INITIALIZER };

static int wake_fd; /* room in the ring, or the guest has ended */
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

/* Nothing waits, and nothing more will come. */
bool term_at_end(void)
{
	return at_end && !term_has_input();
}

/* Does something wait for the guest? */
bool term_has_input(void)
{
	bool has;

	pthread_mutex_lock(&ring.lock);
	has = ring.in != ring.out;
	pthread_mutex_unlock(&ring.lock);
	return has;
}

/* The next byte for the guest, 0 if there is none. */
uint8_t term_get(void)
{
	uint8_t byte = 0;
	bool fed;

	pthread_mutex_lock(&ring.lock);
	if (ring.in != ring.out)
		byte = ring.data[ring.out++ % RING_SIZE];
	fed = ring.starved && ring.in - ring.out <= RING_SIZE / 2;
	if (fed)
		ring.starved = false;
	pthread_mutex_unlock(&ring.lock);
	if (fed)
		term_wake();
	return byte;
}

static void put(uint8_t byte)
{
	pthread_mutex_lock(&ring.lock);
	ring.data[ring.in++ % RING_SIZE] = byte;
	pthread_mutex_unlock(&ring.lock);
}

/* How many bytes may be read now. If none, term_get() will wake us. */
static size_t room(void)
{
	size_t n;

	pthread_mutex_lock(&ring.lock);
	n = RING_SIZE - (ring.in - ring.out);
	ring.starved = !n;
	pthread_mutex_unlock(&ring.lock);
	return n;
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
			put(ctrl_a);
		break;
	case 'g':
		to_keyboard = !to_keyboard;
		fprintf(stderr, "\nvtxctl: the keys go to %s now\n",
			to_keyboard ? "the keyboard" : "the serial port");
		break;
	case 'x':
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
	size_t i, n = end ? (size_t)(end - keys) : size;

	if (to_keyboard)
		keyboard_type(vm, keys, n);
	for (i = 0; i < n && !to_keyboard; i++)
		put(keys[i]);
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

/* Sleep until there is something to do, at the latest until `deadline`. */
static int wait_for(struct pollfd *fds, uint64_t deadline)
{
	uint64_t now = irqchip_now(), ns = deadline > now ? deadline - now : 0;
	struct timespec left = { ns / 1000000000, ns % 1000000000 };

	return ppoll(fds, 2, deadline == DEVICE_NEVER ? NULL : &left, NULL);
}

/* Read for the guest until it has ended. The end of input is not its end. */
void term_loop(struct vm *vm)
{
	struct pollfd fds[] = {
		{ .fd = wake_fd, .events = POLLIN },
		{ .events = POLLIN },
	};
	uint8_t buf[256];
	uint64_t deadline;
	eventfd_t unused;
	ssize_t n;
	size_t max;

	while (!vm->ended) {
		deadline = serial_feed(vm);
		max = room();
		fds[1].fd = max && !at_end ? STDIN_FILENO : -1;
		if (wait_for(fds, deadline) < 0) {
			if (errno != EINTR)
				die(STATUS_NO_VTX, "poll: %s", strerror(errno));
			continue;
		}
		if (fds[0].revents)
			eventfd_read(wake_fd, &unused);
		if (!fds[1].revents)
			continue;
		n = read(STDIN_FILENO, buf, max < sizeof(buf) ? max : sizeof(buf));
		at_end = n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN);
		if (n > 0)
			received(vm, buf, n);
	}
}
