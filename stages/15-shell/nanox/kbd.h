/* SPDX-License-Identifier: GPL-2.0-only */
/* The keyboard: numbers of keys, and what they mean. */
#ifndef KBD_H
#define KBD_H

void kbd_init(void);
int kbd_code(void); /* the next that came, with interrupts off; -1 if none did */
int kbd_key(unsigned int code); /* what that is: a letter, a KEY_..., or KEY_NONE */
void kbd_reset_cpu(void);

#endif /* KBD_H */
