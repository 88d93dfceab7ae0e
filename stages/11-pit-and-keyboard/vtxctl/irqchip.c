// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pair of interrupt controllers, joined to the devices on one side and to
 * the vCPU on the other. The chips are a model (dev/i8259.c).
 *
 * Two threads meet here: the vCPU's own, for which the guest speaks to its
 * devices, and the one that reads for it, which pulls a device's line at any
 * time. So there is one lock for all devices. When it is given back, and the
 * controllers have something for the CPU, the vCPU is kicked out of the guest
 * or woken from its sleep.
 */
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "dev/i8259.h"
#include "vtxctl.h"

static struct i8259 pic;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

/* As after power-on. Until the guest has said what it wants, it hears no line. */
void irqchip_reset(void)
{
	i8259_init(&pic);
	i8259_out(&pic, 1, 0xff, 0);
}

/* Nanoseconds, for the models. */
uint64_t irqchip_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

void irqchip_lock(void)
{
	pthread_mutex_lock(&lock);
}

/* Something may have changed for the vCPU, which may be in the guest or asleep. */
static void notify(struct vm *vm)
{
	pthread_cond_signal(&changed);
	if (i8259_intr(&pic))
		vcpu_kick(vm);
}

void irqchip_unlock(struct vm *vm)
{
	notify(vm);
	pthread_mutex_unlock(&lock);
}

/* Give the lock back until `cond` is signalled, or until it is `deadline`. */
void irqchip_sleep(struct vm *vm, pthread_cond_t *cond, uint64_t deadline)
{
	const struct timespec until = { deadline / 1000000000, deadline % 1000000000 };

	notify(vm);
	if (deadline == DEVICE_NEVER)
		pthread_cond_wait(cond, &lock);
	else
		pthread_cond_timedwait(cond, &lock, &until);
}

/* A request at input n, for which the line stays up until the next. With the lock held. */
void irqchip_pulse(unsigned int n)
{
	i8259_set_irq(&pic, n, false);
	i8259_set_irq(&pic, n, true);
}

/* Does a request wait there that nobody has taken? */
bool irqchip_requested(unsigned int n)
{
	return pic.master.lines & pic.master.armed & 1 << n;
}

bool irqchip_listens(unsigned int n)
{
	return !(pic.master.imr >> n & 1);
}

/* A wire from a device to input n. Pulled with the lock held. */
static void line_set(void *ctx, unsigned int n, bool level)
{
	i8259_set_irq(&pic, n, level);
}

struct irq_line irqchip_line(unsigned int n)
{
	return (struct irq_line){ .set = line_set, .n = n };
}

void irqchip_out(struct vm *vm, uint16_t offset, uint8_t value)
{
	timer_advance(); /* what is due is due by the old mask */
	i8259_out(&pic, offset, value, irqchip_now());
	timer_advance();
}

uint8_t irqchip_in(struct vm *vm, uint16_t offset)
{
	return i8259_in(&pic, offset, irqchip_now());
}

/*
 * What is to be injected now, if the guest can take it. Only then is it
 * acknowledged: a request may still go away, or give way to a more urgent one.
 * Return: a vector, or -1. *more: ask for a window.
 */
int irqchip_take(bool can_inject, bool *more)
{
	int vector = -1;

	pthread_mutex_lock(&lock);
	if (can_inject && i8259_intr(&pic)) {
		vector = i8259_ack(&pic);
		timer_advance(); /* the next tick may have waited for that */
	}
	*more = i8259_intr(&pic);
	pthread_mutex_unlock(&lock);
	return vector;
}

/* Is there anything left that could still pull a line to which the guest listens? */
static bool may_come(uint64_t next_tick)
{
	return (irqchip_listens(IRQ_TIMER) && next_tick != DEVICE_NEVER) ||
	       (irqchip_listens(IRQ_KEYBOARD) && term_has_keys()) ||
	       (irqchip_listens(IRQ_COM1) && serial_may_interrupt());
}

/* The guest has halted: sleep, at no cost, until there is an interrupt for it. */
void irqchip_wait(struct vm *vm)
{
	uint64_t next_tick;

	pthread_mutex_lock(&lock);
	for (;;) {
		next_tick = timer_advance();
		if (i8259_intr(&pic) || vm->ended)
			break;
		if (!may_come(next_tick)) {
			fputs("vtxctl: the guest waits for an interrupt, and nothing can send one\n",
			      stderr);
			vcpu_end(vm, STATUS_HUNG);
			break;
		}
		pthread_cond_wait(&changed, &lock);
	}
	pthread_mutex_unlock(&lock);
}
