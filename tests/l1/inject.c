// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts a guest at random instructions, very often. A timer's signal ends
 * its turn; then a random vector is sent, at once or as soon as there is a
 * window. The guest counts what comes, for each vector; it does the same sums
 * again and again, and counts those that come out otherwise.
 *
 * usage: inject GUEST COUNT
 */
#include <signal.h>
#include <time.h>

#include "run_vm.h"

#define COUNTS 0x10000 /* of the guest: 256 times 4 bytes */
#define STACK 0x20000 /* its second stack, 256 bytes */
#define STACK_END 0x30000 /* of that segment: it is to stay as it is */
#define ROUNDS 0x9004
#define WRONG 0x9008
#define FILLING 0xa5
#define TABLE_SIZE 1024
#define EXCEPTIONS 32

static struct run_vm v;
static uint64_t state;
static uint32_t sent[256];
static unsigned long at_once, off, guard;

static void on_alarm(int sig)
{
	(void)sig;
	v.run->immediate_exit = 1;
}

static uint32_t word(uint32_t address)
{
	uint32_t value;

	memcpy(&value, v.ram + address, sizeof(value));
	return value;
}

/* Until a signal, or a window. */
static void run(bool window)
{
	for (;;) {
		if (ioctl(v.vcpu, VTX_RUN, 0)) {
			if (errno != EINTR)
				err(1, "VTX_RUN");
			v.run->immediate_exit = 0;
			if (!window)
				return;
			continue;
		}
		if (v.run->exit == VTX_EXIT_WINDOW && window)
			return;
		if (v.run->exit != VTX_EXIT_IO && v.run->exit != VTX_EXIT_INTR)
			errx(1, "exit %u: %s", v.run->exit, v.run->text);
	}
}

static void inject(void)
{
	struct vtx_interrupt irq = {
		.vector = EXCEPTIONS + next_random(&state) % (256 - EXCEPTIONS),
	};

	if (!ioctl(v.vcpu, VTX_INTERRUPT, &irq)) {
		at_once++;
	} else {
		must("VTX_INTERRUPT", errno == EAGAIN ? 0 : -1);
		off += !v.run->if_flag;
		guard += v.run->if_flag;
		v.run->want_window = 1;
		run(true);
		v.run->want_window = 0;
		must("VTX_INTERRUPT in a window", ioctl(v.vcpu, VTX_INTERRUPT, &irq));
	}
	sent[irq.vector]++;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct itimerspec once = {};
	unsigned long i, stray = 0;
	uint8_t table[TABLE_SIZE];
	bool whole = true;
	timer_t timer;
	uint32_t rounds;

	if (argc != 3)
		errx(1, "usage: inject GUEST COUNT");
	state = seed_random(9);
	run_vm_open(&v, 64);
	run_vm_load(&v, argv[1]);
	memset(v.ram + STACK + 256, FILLING, STACK_END - STACK - 256);
	must("sigaction", sigaction(SIGALRM, &action, NULL));
	must("timer_create", timer_create(CLOCK_MONOTONIC, NULL, &timer));

	for (i = 0; i < strtoul(argv[2], NULL, 0); i++) {
		once.it_value.tv_nsec = 20000 + next_random(&state) % 180000;
		must("timer_settime", timer_settime(timer, 0, &once, NULL));
		run(false);
		inject();
		if (!i) /* it listens, so it has laid its table */
			memcpy(table, v.ram, TABLE_SIZE);
	}

	/* Time for the last to come, and for another look at the sums. */
	rounds = word(ROUNDS);
	once.it_value.tv_nsec = 1000000;
	while (word(ROUNDS) < rounds + 2) {
		must("timer_settime", timer_settime(timer, 0, &once, NULL));
		run(false);
	}

	for (i = 0; i < EXCEPTIONS; i++)
		stray += word(COUNTS + 4 * i);
	for (i = STACK + 256; i < STACK_END; i++)
		whole &= v.ram[i] == FILLING;
	whole &= !memcmp(table, v.ram, TABLE_SIZE);
	tell_number("injected", at_once + off + guard);
	tell_number("at once", at_once);
	tell_number("interrupts off", off);
	tell_number("a guard", guard);
	printf("each vector as often as it was sent: %s\n",
	       memcmp(v.ram + COUNTS, sent, sizeof(sent)) ? "no" : "yes");
	tell_number("stray events", stray);
	printf("the two stacks: %s\n", whole ? "whole" : "torn");
	tell_number("rounds", word(ROUNDS));
	tell_number("rounds that went wrong", word(WRONG));
	run_vm_close(&v);
	return 0;
}
