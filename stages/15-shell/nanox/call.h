/* SPDX-License-Identifier: GPL-2.0-only */
/* What a program in ring 3 must ask ring 0 for: INT 30h, with a number in EAX. */
#ifndef CALL_H
#define CALL_H

#define CALL_VECTOR 0x30

void call_init(void);
void call_sleep(void); /* until an interrupt has come; call it with interrupts off */
void call_halt(void); /* for ever */
void call_regs(void); /* show the caller's registers */

#endif /* CALL_H */
