// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is an edge ever lost? VTXCTL's own vCPU thread, its interrupt controllers and
 * their lock, under the thread sanitizer, with a stand-in for VTXDRV and its
 * guest. One thread pulls lines at random; each edge must reach the guest, once.
 *
 * The stand-in keeps to what vtx.h promises and to nothing more: left alone, its
 * guest halts or spins for ever. Only a signal, immediate_exit or a window that
 * was asked for ends its turn. A kick that is lost is a hang, and a hang is told.
 *
 * usage: wakeup EDGES SEED
 */
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <stdio.h>
#include <unistd.h>

#include "vtxctl.h"

#define LINES 0xfa /* all of the first controller, but the timer and the cascade */
#define FIRST_VECTOR 0x20
#define PATIENCE 30 /* seconds without any edge: that is a hang */

static unsigned long edges;
static unsigned int dice_of_lines;
static atomic_ulong rung[8], taken[8];
static atomic_ulong halts, kicks, windows;

static unsigned int dice(unsigned int *state, unsigned int sides)
{
	*state = *state * 1664525 + 1013904223;
	return (*state >> 8) % sides;
}

/* --- The guest, and VTXDRV. All of it is the vCPU thread's. --- */

static struct {
	enum { DEAF,
	       SPIN,
	       HALT } life; /* until the next interrupt */
	bool interrupts; /* IF */
	int vector; /* VTX_INTERRUPT has brought it; -1: nothing */
	int serving; /* in a handler: an EOI is due */
	bool answer; /* the OUT of the EOI was handled: IRET comes next */
	unsigned int dice;
} guest = { .life = SPIN, .interrupts = true, .vector = -1, .serving = -1 };

static bool can_inject(void)
{
	return guest.interrupts && guest.vector < 0;
}

/* As the kernel sees it: SIGUSR1 is blocked in here, so it stays pending. */
static bool interrupted(void)
{
	sigset_t pending;

	sigpending(&pending);
	if (!sigismember(&pending, SIGUSR1))
		return false;
	kicks++;
	return true;
}

/* One piece of the guest's life. Return: why its turn ends, or VTX_EXIT_NONE. */
static enum vtx_exit guest_step(struct vtx_run *run)
{
	if (guest.vector >= 0) {
		guest.serving = guest.vector - FIRST_VECTOR;
		taken[guest.serving]++;
		guest.vector = -1;
		guest.interrupts = false;
	}
	if (run->want_window && can_inject()) {
		windows++;
		return VTX_EXIT_WINDOW;
	}
	if (guest.serving >= 0 && !guest.answer) {
		guest.answer = true;
		return VTX_EXIT_IO; /* the EOI */
	}
	if (guest.serving >= 0) {
		guest.serving = -1;
		guest.answer = false;
		guest.life = dice(&guest.dice, 3);
		guest.interrupts = guest.life != DEAF;
		return VTX_EXIT_NONE;
	}
	if (dice(&guest.dice, 8))
		return VTX_EXIT_NONE;
	switch (guest.life) {
	case DEAF:
		guest.interrupts = true; /* STI */
		guest.life = SPIN;
		return VTX_EXIT_NONE;
	case SPIN:
		sched_yield();
		return VTX_EXIT_NONE;
	case HALT:
		halts++;
		return VTX_EXIT_HLT;
	}
	abort();
}

static int stand_in_run(struct vtx_run *run)
{
	sigset_t kick;
	bool stop;

	sigemptyset(&kick);
	sigaddset(&kick, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &kick, NULL); /* from here on we are in the kernel */
	/* Only at the door: a CPU in the guest does not look at the run page. */
	stop = __atomic_load_n(&run->immediate_exit, __ATOMIC_SEQ_CST);
	run->exit = VTX_EXIT_NONE;
	while (!stop && run->exit == VTX_EXIT_NONE) {
		run->exit = guest_step(run);
		stop = interrupted();
	}
	pthread_sigmask(SIG_UNBLOCK, &kick, NULL);

	run->if_flag = guest.interrupts;
	run->can_inject = can_inject();
	errno = EINTR;
	return stop && run->exit == VTX_EXIT_NONE ? -1 : 0;
}

static struct vm *the_vm;

int vm_ioctl_named(int fd, unsigned long request, void *arg, const char *name)
{
	const struct vtx_interrupt *irq = arg;

	if (request != VTX_INTERRUPT)
		errx(1, "%s: not of this test", name);
	if (!can_inject())
		errx(1, "VTX_INTERRUPT %u, and the guest cannot take it", irq->vector);
	if (irq->vector < FIRST_VECTOR || irq->vector >= FIRST_VECTOR + 8)
		errx(1, "VTX_INTERRUPT %u: no line has that", irq->vector);
	guest.vector = irq->vector;
	the_vm->run->can_inject = false;
	return 0;
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	if (request != VTX_RUN)
		errx(1, "ioctl %#lx: not of this test", request);
	return stand_in_run(the_vm->run);
}

int __real_pthread_mutex_unlock(pthread_mutex_t *mutex);

/* Just here the other thread might get its turn. Now it does so often. */
int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex)
{
	static _Thread_local unsigned int state;
	int ret = __real_pthread_mutex_unlock(mutex);
	volatile unsigned int i;

	switch (dice(&state, 16)) {
	case 0:
		sched_yield();
		break;
	case 1:
		for (i = dice(&state, 5000); i; i--)
			;
	}
	return ret;
}

static void outb(uint16_t offset, uint8_t value)
{
	irqchip_out(the_vm, offset, value);
}

/* The only OUT of this guest: the EOI of the line that it serves. */
void iobus_handle(struct vm *vm)
{
	irqchip_lock();
	outb(0, 0x60 | guest.serving);
	irqchip_unlock(vm);
}

/* As the guest's first instructions would: four words, and no line is masked. */
void serial_open(void)
{
	static const struct {
		uint16_t offset;
		uint8_t value;
	} words[] = { { 0, 0x11 }, { 1, FIRST_VECTOR }, { 1, 4 }, { 1, 1 }, { 1, 0 } };
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		outb(words[i].offset, words[i].value);
}

/* --- The one who pulls the lines: he has the place of the reader. --- */

static void hang(void)
{
	unsigned int n;

	for (n = 0; n < 8; n++)
		fprintf(stderr, "line %u: %lu edges, %lu taken\n", n, rung[n], taken[n]);
	fprintf(stderr, "an edge was lost: no interrupt for %d seconds\n", PATIENCE);
	_exit(1);
}

static bool is_taken(unsigned int n)
{
	if (taken[n] > rung[n])
		errx(1, "line %u: %lu edges, %lu taken", n, rung[n], taken[n]);
	return taken[n] == rung[n];
}

static void wait_taken(unsigned int n)
{
	time_t begin = time(NULL);

	while (!is_taken(n)) {
		if (time(NULL) - begin > PATIENCE)
			hang();
		sched_yield();
	}
}

/* An edge on a line whose last one is still under way would be the same edge. */
void term_loop(struct vm *vm)
{
	unsigned long i;
	unsigned int n, all;

	for (i = 0; i < edges; i++) {
		do
			n = dice(&dice_of_lines, 8);
		while (!(LINES >> n & 1));
		wait_taken(n);
		rung[n]++;
		irqchip_ring(vm, n);
		/* Sometimes all is quiet, so that the guest falls asleep. */
		if (!dice(&dice_of_lines, 3))
			for (all = 0; all < 8; all++)
				wait_taken(all);
	}
	for (all = 0; all < 8; all++)
		wait_taken(all);
	vcpu_stop(vm, STATUS_LEFT);
}

/* --- What else vcpu.c and irqchip.c call, and this test does not need. --- */

void term_open(void)
{
}

void term_wake(void)
{
}

bool term_has_keys(void)
{
	return true;
}

bool serial_may_interrupt(void)
{
	return true;
}

bool trace_wanted(void)
{
	return false;
}

double trace_now(void)
{
	return 0;
}

void trace_event(double begin, double end, const char *fmt, ...)
{
}

void explain_end(struct vm *vm)
{
	errx(1, "exit %u: not of this test", vm->run->exit);
}

void explain_probe(const struct vtx_probe *p)
{
}

void die(enum vtxctl_status status, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	verrx(1, fmt, args);
}

int main(int argc, char **argv)
{
	static struct vtx_run run;
	struct vm vm = { .run = &run, .ending = ATOMIC_FLAG_INIT };
	unsigned long all = 0;
	unsigned int n;
	int status;

	if (argc != 3)
		errx(1, "usage: wakeup EDGES SEED");
	edges = strtoul(argv[1], NULL, 10);
	guest.dice = strtoul(argv[2], NULL, 10);
	dice_of_lines = guest.dice + 1;
	the_vm = &vm;

	status = vcpu_run(&vm);
	for (n = 0; n < 8; n++)
		all += taken[n];
	printf("status %d: %lu edges, %lu taken\n", status, edges, all);
	printf("%lu halts, %lu kicks, %lu windows\n", halts, kicks, windows);
	return 0;
}
