/* SPDX-License-Identifier: GPL-2.0-only */
/* One character out, one in: what printf stands on. */
#ifndef CONSOLE_H
#define CONSOLE_H

void console_init(void);
int console_byte(void); /* the next that came, with interrupts off; -1 if none did */
void console_flush(void); /* send what was said, with interrupts off */
void console_drain(void); /* wait, with interrupts off, until all is sent */

#endif /* CONSOLE_H */
