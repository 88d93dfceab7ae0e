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

/* Until the guest has said what it wants, it hears no line. */
void irqchip_open(void)
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

void irqchip_unlock(struct vm *vm)
{
	bool interrupt = i8259_intr(&pic);

	pthread_cond_signal(&changed);
	pthread_mutex_unlock(&lock);
	if (interrupt)
		vcpu_kick(vm);
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

/* Somebody presses a button that is wired to input n, and lets it go the next time. */
void irqchip_ring(struct vm *vm, unsigned int n)
{
	irqchip_lock();
	line_set(NULL, n, false);
	line_set(NULL, n, true);
	irqchip_unlock(vm);
}

void irqchip_out(struct vm *vm, uint16_t offset, uint8_t value)
{
	i8259_out(&pic, offset, value, irqchip_now());
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
	if (can_inject && i8259_intr(&pic))
		vector = i8259_ack(&pic);
	*more = i8259_intr(&pic);
	pthread_mutex_unlock(&lock);
	return vector;
}

static bool listens(unsigned int n)
{
	return !(pic.master.imr >> n & 1);
}

/* Is there anything left that could still pull a line to which the guest listens? */
static bool may_come(void)
{
	return (listens(IRQ_KEYBOARD) && term_has_keys()) ||
	       (listens(IRQ_COM1) && serial_may_interrupt());
}

/* The guest has halted: sleep, at no cost, until there is an interrupt for it. */
void irqchip_wait(struct vm *vm)
{
	pthread_mutex_lock(&lock);
	while (!i8259_intr(&pic) && !vm->ended) {
		if (!may_come()) {
			fputs("vtxctl: the guest waits for an interrupt, and nothing can send one\n",
			      stderr);
			vcpu_end(vm, STATUS_HUNG);
			break;
		}
		pthread_cond_wait(&changed, &lock);
	}
	pthread_mutex_unlock(&lock);
}
