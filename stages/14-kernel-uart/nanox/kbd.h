/* SPDX-License-Identifier: GPL-2.0-only */
/* The keyboard, as letters. */
#ifndef KBD_H
#define KBD_H

void kbd_init(void);
int kbd_key(void); /* the next letter that was typed, or -1 */

#endif /* KBD_H */
