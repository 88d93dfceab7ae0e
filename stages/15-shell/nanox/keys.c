// SPDX-License-Identifier: GPL-2.0-only
/*
 * A terminal sends letters as they are, and for all other keys ESC and some
 * letters more (ECMA-48, "Control sequences"). They come one by one, and nobody
 * says whether there is more to come; so we note how far we are.
 */
#include <stdbool.h>
#include <stdio.h>

#include "call.h"
#include "console.h"
#include "idt.h"
#include "kbd.h"
#include "keys.h"
#include "pit.h"

#define ESC 0x1b

static const struct {
	unsigned char last; /* of the sequence */
	unsigned char number; /* before it, where `last` is ~ */
	enum key key;
} sequences[] = {
	{ 'A', 0, KEY_UP },
	{ 'B', 0, KEY_DOWN },
	{ 'C', 0, KEY_RIGHT },
	{ 'D', 0, KEY_LEFT },
	{ 'H', 0, KEY_HOME },
	{ 'F', 0, KEY_END },
	{ '~', 1, KEY_HOME },
	{ '~', 3, KEY_DELETE },
	{ '~', 4, KEY_END },
	{ '~', 7, KEY_HOME },
	{ '~', 8, KEY_END },
};

static int sequence_key(unsigned char last, unsigned int number)
{
	unsigned int i;

	for (i = 0; i < sizeof(sequences) / sizeof(sequences[0]); i++) {
		if (sequences[i].last == last && (last != '~' || sequences[i].number == number))
			return sequences[i].key;
	}
	return KEY_NONE;
}

/* What this byte completes, if it does. An unknown sequence ends as a known one does. */
static int terminal_key(unsigned char byte)
{
	static enum {
		OUTSIDE,
		AFTER_ESC,
		INSIDE,
	} state;
	static unsigned int number; /* the first one inside */
	static bool counting;

	if (byte == ESC) {
		state = AFTER_ESC;
		return KEY_NONE;
	}
	if (state == OUTSIDE || byte < ' ') { /* a control character ends every sequence */
		state = OUTSIDE;
		return byte;
	}
	if (state == AFTER_ESC) {
		state = byte == '[' || byte == 'O' ? INSIDE : OUTSIDE;
		number = 0;
		counting = true;
		return KEY_NONE;
	}
	if (byte >= '@') {
		state = OUTSIDE;
		return sequence_key(byte, number);
	}
	counting = counting && byte >= '0' && byte <= '9';
	if (counting)
		number = 10 * number + byte - '0';
	return KEY_NONE;
}

/* With interrupts off. */
static int next_key(void)
{
	int byte, key = KEY_NONE;

	while (key == KEY_NONE && (byte = kbd_code()) >= 0)
		key = kbd_key(byte);
	while (key == KEY_NONE && (byte = console_byte()) >= 0)
		key = terminal_key(byte);
	return key;
}

/* Asked with interrupts off: what comes from now on ends the sleep. */
int key_wait(void)
{
	int key;

	cli();
	while ((key = next_key()) == KEY_NONE)
		call_sleep();
	sti();
	return key;
}

int key_wait_until(unsigned int tick)
{
	int key;

	cli();
	while ((key = next_key()) == KEY_NONE && (int)(pit_ticks() - tick) < 0)
		call_sleep();
	sti();
	return key;
}

/* For scanf. */
int getchar(void)
{
	int key = key_wait();

	return putchar(key == '\r' ? '\n' : key);
}
