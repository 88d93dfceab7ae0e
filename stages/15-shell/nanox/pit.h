/* SPDX-License-Identifier: GPL-2.0-only */
/* A clock. Each tick wakes a sleeping host, so there are no more than the games need. */
#ifndef PIT_H
#define PIT_H

#define HZ 50 /* ticks in a second */

void pit_init(void);
unsigned int pit_ticks(void); /* since pit_init */

#endif /* PIT_H */
