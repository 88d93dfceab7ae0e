// SPDX-License-Identifier: GPL-2.0-only
/*
 * The timer chip (dev/i8254.c) and an hrtimer that keeps its appointments. The
 * chip knows from the clock alone how often its output has risen, so nothing
 * adds up to a drift, however late we come.
 *
 * What becomes of a tick that the guest has no time for? It waits, and comes as
 * soon as the one before it is taken: a guest that counts ticks keeps time,
 * though its CPU is not always there. But no more than a second's worth waits;
 * what is beyond is lost. And while the guest does not listen to the timer, all
 * are lost but one, as in a PC. A control word for the counter ends it all.
 *
 * The clock is CLOCK_MONOTONIC: while the host is suspended, the guest's time
 * stands still, too. If the CPU that holds the hrtimer goes offline, Linux gives
 * it to another one.
 */
#include <linux/hrtimer.h>
#include <linux/ktime.h>

#include "vtxdrv.h"

#define PIT 0x40
#define PORT_61 0x61 /* odds and ends, of which we have the timer's */

#define WAKE_NS 100000 /* from one appointment to the next; faster ticks come a few together */

/* Ticks that wait. Those of more than a second ago are lost. */
static u64 waiting(struct vtx_timer *timer)
{
	u64 ticks = i8254_edges(&timer->pit), second = I8254_HZ / (timer->pit.counter[0].n ?: 1);

	if (ticks - timer->given > second)
		timer->given = ticks - second;
	return ticks - timer->given;
}

/**
 * timer_advance() - hand on the ticks that are due, and make the next appointment
 * @vm: whose; its chips are locked
 *
 * Whenever time has passed, a tick was taken, or the guest is about to change
 * something. Where the timer is VTXCTL's, there is nothing to do.
 */
void timer_advance(struct vtx_vm *vm)
{
	struct vtx_timer *timer = &vm->timer;
	u64 next, ticks;

	if (!(vm->irqchip.chips & VTX_CHIP_PIT))
		return;
	next = i8254_advance(&timer->pit, ktime_get_ns());
	ticks = waiting(timer);
	if (ticks && !irqchip_requested(vm, IRQ_TIMER)) {
		timer->given++;
		ticks--;
		irqchip_pulse(vm, IRQ_TIMER);
	}
	if (!irqchip_listens(vm, IRQ_TIMER))
		timer->given += ticks;

	next = max(next, timer->woken + WAKE_NS);
	if (next == timer->deadline)
		return;
	timer->deadline = next;
	if (next == DEVICE_NEVER)
		hrtimer_try_to_cancel(&timer->hrtimer);
	else
		hrtimer_start(&timer->hrtimer, ns_to_ktime(next), HRTIMER_MODE_ABS_HARD);
}

/* In an interrupt of the host. */
static enum hrtimer_restart timer_expired(struct hrtimer *hrtimer)
{
	struct vtx_vm *vm = container_of(hrtimer, struct vtx_vm, timer.hrtimer);
	unsigned long flags = irqchip_lock(vm);

	vm->timer.woken = ktime_get_ns();
	vm->timer.deadline = DEVICE_NEVER;
	timer_advance(vm);
	irqchip_unlock(vm, flags);
	return HRTIMER_NORESTART; /* timer_advance() has seen to it */
}

static void timer_out(void *ctx, u16 offset, u8 value)
{
	struct vtx_vm *vm = ctx;
	struct vtx_timer *timer = &vm->timer;

	timer_advance(vm);
	if (offset == I8254_CONTROL && value < 0x40 && value & 0x30) /* counter 0 begins anew */
		timer->given = i8254_edges(&timer->pit);
	i8254_out(&timer->pit, offset, value, ktime_get_ns());
	timer_advance(vm);
}

static u8 timer_in(void *ctx, u16 offset)
{
	struct vtx_vm *vm = ctx;

	return i8254_in(&vm->timer.pit, offset, ktime_get_ns());
}

const struct iodev timer_ports[TIMER_PORTS] = {
	{ PIT, 4, 0, timer_out, timer_in },
	{ PORT_61, 1, 4, timer_out, timer_in },
};

/* Does it count, or does a tick wait? Its chips are locked. */
bool timer_may_interrupt(struct vtx_vm *vm)
{
	struct vtx_timer *timer = &vm->timer;

	if (!(vm->irqchip.chips & VTX_CHIP_PIT))
		return false;
	return i8254_advance(&timer->pit, ktime_get_ns()) != DEVICE_NEVER || waiting(timer);
}

/* As after power-on: the chip does nothing. */
void timer_reset(struct vtx_vm *vm)
{
	i8254_init(&vm->timer.pit, (struct irq_line){}, ktime_get_ns());
	vm->timer.given = 0;
	timer_advance(vm);
}

void timer_init(struct vtx_vm *vm)
{
	vm->timer.deadline = DEVICE_NEVER;
	hrtimer_init(&vm->timer.hrtimer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_HARD);
	vm->timer.hrtimer.function = timer_expired;
}

void timer_destroy(struct vtx_vm *vm)
{
	hrtimer_cancel(&vm->timer.hrtimer);
}
