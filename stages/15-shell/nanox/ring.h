/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bytes on their way between an interrupt handler and the program. One side puts,
 * the other takes; only the one moves `in`, only the other `out`.
 */
#ifndef RING_H
#define RING_H

#include <stdbool.h>

struct ring {
	volatile unsigned char data[256];
	volatile unsigned char in, out; /* they run round by themselves */
};

static inline bool ring_empty(const struct ring *ring)
{
	return ring->in == ring->out;
}

static inline bool ring_full(const struct ring *ring)
{
	return (unsigned char)(ring->in + 1) == ring->out;
}

static inline unsigned int ring_count(const struct ring *ring)
{
	return (unsigned char)(ring->in - ring->out);
}

static inline void ring_put(struct ring *ring, unsigned char byte)
{
	ring->data[ring->in] = byte;
	ring->in++;
}

static inline unsigned char ring_get(struct ring *ring)
{
	unsigned char byte = ring->data[ring->out];

	ring->out++;
	return byte;
}

#endif /* RING_H */
