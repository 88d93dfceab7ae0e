// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guests that count for ever, each with a thread of its own, on a machine with
 * two CPUs. A guest counts in a register and in memory, and sends a letter if
 * the two ever differ: so it notices when its registers or its place in the
 * code come back wrong.
 *
 * usage: loop_smp GUEST swap TIMES   two guests, each on a CPU; they change
 *                                    places again and again
 *        loop_smp GUEST hold|wait    one guest, on CPU1 or anywhere; asked on standard
 *                                    input, a byte each: `?` does it still
 *                                    count? `1` back to CPU1
 *        loop_smp GUEST close TIMES  it runs on CPU1, and is closed on CPU0
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <time.h>

#include "run_vm.h"

#define COUNTER 0x1000 /* in the guest's memory */

struct counting {
	struct run_vm vm;
	pthread_t thread;
	pid_t tid;
	volatile bool over;
};

static void on_kick(int sig)
{
	(void)sig;
}

static uint32_t counter_of(const struct counting *c)
{
	return *(volatile uint32_t *)(c->vm.ram + COUNTER);
}

static void nap(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 200000 }, NULL);
}

/* It never comes back but for us: whatever else ends VTX_RUN is a failure. */
static void *counting_thread(void *arg)
{
	struct counting *c = arg;

	c->tid = gettid();
	while (!c->over) {
		if (!ioctl(c->vm.vcpu, VTX_RUN, 0) && c->vm.run->exit != VTX_EXIT_INTR)
			errx(1, "after %u rounds it ended: exit %u", counter_of(c),
			     c->vm.run->exit);
		else if (errno != EINTR && errno != EAGAIN)
			err(1, "VTX_RUN");
	}
	return NULL;
}

static void counting_open(struct counting *c, const char *guest)
{
	c->over = false;
	c->tid = 0;
	run_vm_open(&c->vm, 32);
	run_vm_load(&c->vm, guest);
	if (pthread_create(&c->thread, NULL, counting_thread, c))
		errx(1, "no thread");
	while (!counter_of(c))
		nap();
}

static void pin(pid_t tid, int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	must("sched_setaffinity", sched_setaffinity(tid, sizeof(set), &set));
}

/* Until it has counted on, wherever it is now. */
static void counts_on(const struct counting *c)
{
	uint32_t before = counter_of(c);

	while (counter_of(c) == before)
		nap();
}

static void counting_stop(struct counting *c)
{
	c->over = true;
	c->vm.run->immediate_exit = 1;
	pthread_kill(c->thread, SIGUSR1);
	pthread_join(c->thread, NULL);
}

/* EBP is a copy of its register that CPUID leaves alone. */
static void check_count(const struct counting *c)
{
	struct vtx_regs regs;

	must("VTX_GET_REGS", ioctl(c->vm.vcpu, VTX_GET_REGS, &regs));
	if (counter_of(c) - (uint32_t)regs.rbp > 1)
		errx(1, "it has %u in EBP and %u in memory", (uint32_t)regs.rbp, counter_of(c));
}

static void swap(const char *guest, unsigned int times)
{
	struct counting c[2] = {};
	unsigned int i, moved = 0;

	for (i = 0; i < 2; i++)
		counting_open(&c[i], guest);
	for (i = 0; i < times; i++) {
		pin(c[0].tid, i & 1);
		pin(c[1].tid, !(i & 1));
		counts_on(&c[0]);
		counts_on(&c[1]);
		moved++;
	}
	for (i = 0; i < 2; i++) {
		counting_stop(&c[i]);
		check_count(&c[i]);
		run_vm_close(&c[i].vm);
	}
	tell_number("moved", moved);
}

static void hold(const char *guest, bool on_cpu1)
{
	struct counting c = {};
	char what;

	counting_open(&c, guest);
	if (on_cpu1)
		pin(c.tid, 1);
	counts_on(&c);
	puts("running");
	fflush(stdout);
	while (read(0, &what, 1) == 1) {
		if (what == '1')
			pin(c.tid, 1);
		counts_on(&c);
		puts("counts");
		fflush(stdout);
	}
	counting_stop(&c);
	check_count(&c);
	run_vm_close(&c.vm);
	puts("over");
}

static void closing(const char *guest, unsigned int times)
{
	struct counting c = {};
	unsigned int i;

	pin(0, 0);
	for (i = 0; i < times; i++) {
		counting_open(&c, guest);
		pin(c.tid, 1);
		counts_on(&c);
		counting_stop(&c);
		run_vm_close(&c.vm);
	}
	tell_number("closed", i);
}

int main(int argc, char **argv)
{
	struct sigaction kick = { .sa_handler = on_kick };

	must("sigaction", sigaction(SIGUSR1, &kick, NULL));
	if (argc == 4 && !strcmp(argv[2], "swap"))
		swap(argv[1], atoi(argv[3]));
	else if (argc == 4 && !strcmp(argv[2], "close"))
		closing(argv[1], atoi(argv[3]));
	else if (argc == 3 && (!strcmp(argv[2], "hold") || !strcmp(argv[2], "wait")))
		hold(argv[1], argv[2][0] == 'h');
	else
		errx(1, "usage: loop_smp GUEST swap TIMES | hold | wait | close TIMES");
	return 0;
}
