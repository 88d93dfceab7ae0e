// SPDX-License-Identifier: GPL-2.0-only
/*
 * A keyboard knows of no letters. It says the number of the key that went down,
 * and the same number plus 128 when it came up. Keys that came later than 1985
 * have an E0h ahead of it. Which letter that is, with Shift held or not, is our
 * affair.
 */
#include <stdbool.h>

#include "io.h"
#include "kbd.h"
#include "keys.h"
#include "pic.h"
#include "ring.h"

#define DATA 0x60
#define STATUS 0x64
#define STATUS_FULL 0x01 /* a byte waits in DATA */
#define COMMAND 0x64
#define PULSE_RESET 0xfe /* the CPU's reset wire hangs on this chip, too */

#define CAME_UP 0x80
#define GREY 0xe0 /* one of the later keys follows */
#define CTRL 0x1d
#define LEFT_SHIFT 0x2a
#define RIGHT_SHIFT 0x36

/* By the number of the key; '\0': none that is a letter. */
static const char plain[] =
	"\0\0331234567890-=\b\tqwertyuiop[]\n\0asdfghjkl;'`\0\\zxcvbnm,./\0*\0 ";
static const char shifted[] =
	"\0\033!@#$%^&*()_+\b\tQWERTYUIOP{}\n\0ASDFGHJKL:\"~\0|ZXCVBNM<>?\0*\0 ";

static struct ring codes;

static void take(void)
{
	while (!ring_full(&codes) && inb(STATUS) & STATUS_FULL)
		ring_put(&codes, inb(DATA));
}

static void on_keyboard(struct frame *frame)
{
	take();
}

/* What was typed before belongs to nobody. */
void kbd_init(void)
{
	while (inb(STATUS) & STATUS_FULL)
		inb(DATA);
	pic_set(IRQ_KEYBOARD, on_keyboard);
}

void kbd_reset_cpu(void)
{
	outb(COMMAND, PULSE_RESET);
}

/* What found no room finds it now: its line is up already, and stays quiet. */
int kbd_code(void)
{
	int code;

	if (ring_empty(&codes))
		return -1;
	code = ring_get(&codes);
	take();
	return code;
}

static const struct {
	unsigned char code;
	enum key key;
} grey_keys[] = {
	{ 0x47, KEY_HOME },
	{ 0x48, KEY_UP },
	{ 0x4b, KEY_LEFT },
	{ 0x4d, KEY_RIGHT },
	{ 0x4f, KEY_END },
	{ 0x50, KEY_DOWN },
	{ 0x53, KEY_DELETE },
};

static int grey_key(unsigned int code)
{
	unsigned int i;

	for (i = 0; i < sizeof(grey_keys) / sizeof(grey_keys[0]); i++) {
		if (grey_keys[i].code == code)
			return grey_keys[i].key;
	}
	return KEY_NONE;
}

static int letter(unsigned int code, bool shift, bool ctrl)
{
	int c = code < sizeof(plain) - 1 ? plain[code] : '\0';

	if (c && shift)
		c = shifted[code];
	if (ctrl && c >= 'a' && c <= 'z')
		c = KEY_CTRL(c);
	return c ? c : KEY_NONE;
}

int kbd_key(unsigned int code)
{
	static bool shift, ctrl, grey;
	bool up = code & CAME_UP, was_grey = grey;

	grey = code == GREY;
	if (grey)
		return KEY_NONE;
	code &= ~CAME_UP;
	if (code == CTRL)
		ctrl = !up;
	else if (!was_grey && (code == LEFT_SHIFT || code == RIGHT_SHIFT))
		shift = !up;
	else if (!up)
		return was_grey ? grey_key(code) : letter(code, shift, ctrl);
	return KEY_NONE;
}
