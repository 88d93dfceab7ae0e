/* SPDX-License-Identifier: GPL-2.0-only */
/* Keys, whoever presses them: at the keyboard or at the terminal. */
#ifndef KEYS_H
#define KEYS_H

/* All that are no letters. */
enum key {
	KEY_NONE = -1,
	KEY_UP = 256,
	KEY_DOWN,
	KEY_RIGHT,
	KEY_LEFT,
	KEY_HOME,
	KEY_END,
	KEY_DELETE,
};

#define KEY_CTRL(c) ((c)&0x1f)

int key_wait(void);
int key_wait_until(unsigned int tick); /* KEY_NONE: it is that tick now */

#endif /* KEYS_H */
