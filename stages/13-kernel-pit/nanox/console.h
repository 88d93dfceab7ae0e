/* SPDX-License-Identifier: GPL-2.0-only */
/* One character out, one in: what printf and scanf stand on. */
#ifndef CONSOLE_H
#define CONSOLE_H

void console_init(void);
int console_key(void); /* what was typed, not shown; -1 if nothing was */

#endif /* CONSOLE_H */
