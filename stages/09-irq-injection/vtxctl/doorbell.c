// SPDX-License-Identifier: GPL-2.0-only
/*
 * In place of an interrupt controller: whoever writes to this port gets what he
 * writes, as an interrupt of that number. No PC has such a thing; it lets the
 * guest be surprised by itself.
 */
#include "vtxctl.h"

#define QUEUE_SIZE 256 /* a power of two */

static struct {
	uint8_t vectors[QUEUE_SIZE];
	unsigned int in, out; /* run on; their difference is what waits */
} queue;

/* One too many is dropped, as by any doorbell. */
void doorbell_out(struct vm *vm, uint16_t offset, uint8_t vector)
{
	if (queue.in - queue.out < QUEUE_SIZE)
		queue.vectors[queue.in++ % QUEUE_SIZE] = vector;
}

bool doorbell_rings(void)
{
	return queue.in != queue.out;
}

/* Which one? It does, so ask only then. */
uint8_t doorbell_answer(void)
{
	return queue.vectors[queue.out++ % QUEUE_SIZE];
}
