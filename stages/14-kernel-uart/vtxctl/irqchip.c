// SPDX-License-Identifier: GPL-2.0-only
/*
 * The devices' way to the interrupt controllers, which VTXDRV has: each line
 * ends in an ioctl. What is left here is the lock of our own devices, and to
 * say which lines may still be pulled.
 *
 * Two threads meet here: the vCPU's own, for which the guest speaks to its
 * devices, and the one that reads for it.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#include "vtxctl.h"

static int vm_fd;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Before there is a vCPU. */
void irqchip_create(struct vm *vm)
{
	struct vtx_create_irqchip create = { .chips = VTX_CHIP_PIC | VTX_CHIP_PIT };

	vm_fd = vm->fd;
	if (vm_ioctl(vm->fd, VTX_CREATE_IRQCHIP, &create))
		die(STATUS_NO_VTX, "VTX_CREATE_IRQCHIP: %s", strerror(errno));
}

void irqchip_reset(void)
{
	if (vm_ioctl(vm_fd, VTX_RESET, 0))
		die(STATUS_NO_VTX, "VTX_RESET: %s", strerror(errno));
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

/*
 * Which lines may still be pulled. A guest that halts and listens to none of
 * them would sleep for ever, so VTXDRV gives up on it. If it sleeps already and
 * there are fewer now, it must look again.
 */
void irqchip_unlock(struct vm *vm)
{
	uint32_t before = vm->run->may_pull;
	uint32_t now = term_has_keys() << IRQ_KEYBOARD | serial_lines();

	__atomic_store_n(&vm->run->may_pull, now, __ATOMIC_SEQ_CST);
	if (before & ~now)
		vcpu_kick(vm);
	pthread_mutex_unlock(&lock);
}

/* A wire from a device to input n. Pulled with the lock held. */
static void line_set(void *ctx, unsigned int n, bool level)
{
	struct vtx_irq_line line = { .gsi = n, .level = level };
	double begin = trace_now();

	if (ioctl(vm_fd, VTX_IRQ_LINE, &line))
		die(STATUS_NO_VTX, "VTX_IRQ_LINE %u: %s", n, strerror(errno));
	/* A note of our own: it says which line, and whether it is up. */
	trace_event(begin, trace_now(),
		    "\"ioctl\":\"VTX_IRQ_LINE\",\"gsi\":%u,\"level\":%u,\"error\":\"\"", n, level);
}

struct irq_line irqchip_line(unsigned int n)
{
	return (struct irq_line){ .set = line_set, .n = n };
}
