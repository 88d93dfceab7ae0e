// SPDX-License-Identifier: GPL-2.0-only
/*
 * The timer chip (dev/i8254.c) and a thread that keeps its appointments. The
 * chip knows from the clock alone how often its output has risen, so nothing
 * adds up to a drift, however late we come.
 *
 * What becomes of a tick that the guest has no time for? It waits, and comes
 * soon after the one before it is taken: a guest that counts ticks keeps time,
 * though its CPU is not always there. But no more than a second's worth waits;
 * what is beyond is lost. And while the guest does not listen to the timer, all
 * are lost but one, as in a PC. A control word for the counter ends it all.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "dev/i8254.h"
#include "vtxctl.h"

#define CLOCK_HZ 1193182
#define WAKE_NS 100000 /* faster ticks come a few together */
#define AGAIN_NS 1000000 /* when a tick waits */

static struct i8254 pit;
static uint64_t given; /* rising edges of its output that the PIC has had, or never will */
static uint64_t deadline = DEVICE_NEVER; /* when the thread wakes up */
static pthread_t thread;
static pthread_cond_t sooner;

/* Ticks that wait. Those of more than a second ago are lost. */
static uint64_t waiting(void)
{
	uint64_t ticks = i8254_edges(&pit), second = CLOCK_HZ / (pit.counter[0].n ?: 1);

	if (ticks - given > second)
		given = ticks - second;
	return ticks - given;
}

/*
 * Hand on the ticks that are due. Whether the guest has taken one we hear only
 * as we bring the next, so while some wait we come again and again.
 */
static void advance(void)
{
	uint64_t now = irqchip_now(), next = i8254_advance(&pit, now), ticks = waiting();
	enum vtx_irq_status before;

	if (ticks) {
		before = irqchip_pulse(IRQ_TIMER);
		if (before == VTX_IRQ_MASKED)
			given += ticks;
		else if (before == VTX_IRQ_TAKEN)
			given++;
		if (waiting() && next > now + AGAIN_NS)
			next = now + AGAIN_NS;
	}
	/* The thread looks after it soon in any case? Then let it sleep. */
	if (next < deadline && deadline > now + WAKE_NS) {
		deadline = next;
		pthread_cond_signal(&sooner);
	}
}

/* Does it count, or does a tick wait? */
bool timer_may_interrupt(void)
{
	return waiting() || i8254_advance(&pit, irqchip_now()) != DEVICE_NEVER;
}

void timer_out(struct vm *vm, uint16_t offset, uint8_t value)
{
	advance();
	if (offset == I8254_CONTROL && value < 0x40 && value & 0x30) /* counter 0 begins anew */
		given = i8254_edges(&pit);
	i8254_out(&pit, offset, value, irqchip_now());
	advance();
}

uint8_t timer_in(struct vm *vm, uint16_t offset)
{
	return i8254_in(&pit, offset, irqchip_now());
}

static void *timer_thread(void *arg)
{
	struct vm *vm = arg;
	uint64_t soon;

	irqchip_lock();
	while (!vm->ended) {
		deadline = DEVICE_NEVER;
		advance();
		soon = irqchip_now() + WAKE_NS;
		if (deadline < soon)
			deadline = soon;
		irqchip_sleep(vm, &sooner, deadline);
	}
	irqchip_unlock(vm);
	return NULL;
}

/* As after power-on: the chip does nothing. */
void timer_reset(void)
{
	i8254_init(&pit, (struct irq_line){}, irqchip_now());
	given = 0;
}

void timer_open(struct vm *vm)
{
	pthread_condattr_t monotonic;
	int err;

	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&sooner, &monotonic);
	err = pthread_create(&thread, NULL, timer_thread, vm);
	if (err)
		die(STATUS_NO_VTX, "no thread for the timer: %s", strerror(err));
}

/* The guest has ended: so does the thread. */
void timer_close(struct vm *vm)
{
	irqchip_lock();
	pthread_cond_signal(&sooner);
	irqchip_unlock(vm);
	pthread_join(thread, NULL);
}
