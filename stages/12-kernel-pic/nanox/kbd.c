// SPDX-License-Identifier: GPL-2.0-only
/*
 * A keyboard knows of no letters. It says the number of the key that went down,
 * and the same number plus 128 when it came up. Which letter that is, with Shift
 * held or not, is our affair.
 */
#include <stdbool.h>

#include "io.h"
#include "kbd.h"
#include "pic.h"

#define DATA 0x60
#define STATUS 0x64
#define STATUS_FULL 0x01 /* a byte waits in DATA */

#define CAME_UP 0x80
#define LEFT_SHIFT 0x2a
#define RIGHT_SHIFT 0x36

/* By the number of the key; '\0': none that is a letter. */
static const char plain[] =
	"\0\0331234567890-=\b\tqwertyuiop[]\n\0asdfghjkl;'`\0\\zxcvbnm,./\0*\0 ";
static const char shifted[] =
	"\0\033!@#$%^&*()_+\b\tQWERTYUIOP{}\n\0ASDFGHJKL:\"~\0|ZXCVBNM<>?\0*\0 ";

static bool shift;
static volatile int key = -1; /* the last one that was typed */

static void pressed(unsigned int code)
{
	bool up = code & CAME_UP;

	code &= ~CAME_UP;
	if (code == LEFT_SHIFT || code == RIGHT_SHIFT)
		shift = !up;
	else if (!up && code < sizeof(plain) - 1 && plain[code])
		key = shift ? shifted[code] : plain[code];
}

static void on_keyboard(struct frame *frame)
{
	while (inb(STATUS) & STATUS_FULL)
		pressed(inb(DATA));
}

/* What was typed before belongs to nobody. */
void kbd_init(void)
{
	while (inb(STATUS) & STATUS_FULL)
		inb(DATA);
	pic_set(IRQ_KEYBOARD, on_keyboard);
}

int kbd_key(void)
{
	int last = key;

	key = -1;
	return last;
}
