/* SPDX-License-Identifier: GPL-2.0-only */
/* A clock that ticks a hundred times a second. */
#ifndef PIT_H
#define PIT_H

#define HZ 100

void pit_init(void);
unsigned int pit_ticks(void); /* since pit_init */

#endif /* PIT_H */
