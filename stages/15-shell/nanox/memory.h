/* SPDX-License-Identifier: GPL-2.0-only */
/* How much memory there is. */
#ifndef MEMORY_H
#define MEMORY_H

#include <stdbool.h>
#include <stdint.h>

void memory_init(void);
uint32_t memory_end(void); /* the first address without memory */
bool memory_told(void); /* did the machine say so? */

#endif /* MEMORY_H */
