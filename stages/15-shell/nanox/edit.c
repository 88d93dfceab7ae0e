// SPDX-License-Identifier: GPL-2.0-only
/*
 * A line is typed, and mended before it counts. On the screen there is the same as
 * in memory; to go to the left we send a backspace, to go to the right the letter
 * that stands there. So any terminal will do, and a pipe, too.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "edit.h"
#include "keys.h"

#define HISTORY 16

static struct {
	char text[LINE_MAX + 1];
	size_t length, cursor;
	bool lost; /* more was typed than finds room */
	const char *prompt;
	complete_fn *complete;
} line;

static struct {
	char text[HISTORY][LINE_MAX + 1];
	unsigned int count; /* of all that ever were; the last HISTORY are kept */
	unsigned int age; /* 0: the line that is being typed, 1: the one before it */
	char typed[LINE_MAX + 1]; /* that line, while another one is shown */
} history;

static void beep(void)
{
	putchar('\a');
}

static void move_to(size_t place)
{
	for (; line.cursor > place; line.cursor--)
		putchar('\b');
	for (; line.cursor < place; line.cursor++)
		putchar(line.text[line.cursor]);
}

/* Every change is this one: `cut` characters go, `size` others come, the cursor stands behind. */
static void replace(size_t place, size_t cut, const char *with, size_t size)
{
	size_t old = line.length, i;

	if (old - cut + size > LINE_MAX) {
		line.lost = true;
		beep();
		return;
	}
	move_to(place);
	memmove(line.text + place + size, line.text + place + cut, old - place - cut);
	memcpy(line.text + place, with, size);
	line.length = old - cut + size;
	line.lost = false;

	move_to(line.length);
	for (i = line.length; i < old; i++)
		putchar(' ');
	for (; i > line.length; i--)
		putchar('\b');
	move_to(place + size);
}

/* --- what the keys do --- */

static void left(void)
{
	if (line.cursor)
		move_to(line.cursor - 1);
}

static void right(void)
{
	if (line.cursor < line.length)
		move_to(line.cursor + 1);
}

static void home(void)
{
	move_to(0);
}

static void end(void)
{
	move_to(line.length);
}

static void backspace(void)
{
	if (line.cursor)
		replace(line.cursor - 1, 1, "", 0);
}

static void erase(void)
{
	if (line.cursor < line.length)
		replace(line.cursor, 1, "", 0);
}

static void kill_to_end(void)
{
	replace(line.cursor, line.length - line.cursor, "", 0);
}

static void kill_to_begin(void)
{
	replace(0, line.cursor, "", 0);
}

static void kill_word(void)
{
	size_t begin = line.cursor;

	while (begin && line.text[begin - 1] == ' ')
		begin--;
	while (begin && line.text[begin - 1] != ' ')
		begin--;
	replace(begin, line.cursor - begin, "", 0);
}

static void show_age(unsigned int age)
{
	const char *text = history.typed;

	if (!history.age) {
		memcpy(history.typed, line.text, line.length);
		history.typed[line.length] = '\0';
	}
	history.age = age;
	if (age)
		text = history.text[(history.count - age) % HISTORY];
	replace(0, line.length, text, strlen(text));
}

static void up(void)
{
	if (history.age < history.count && history.age < HISTORY)
		show_age(history.age + 1);
	else
		beep();
}

static void down(void)
{
	if (history.age)
		show_age(history.age - 1);
	else
		beep();
}

static void complete(void)
{
	const char *more = line.complete ? line.complete(line.text, line.cursor) : "";
	size_t place = line.cursor;

	if (more) {
		replace(place, 0, more, strlen(more));
		return;
	}
	line.cursor = 0; /* what was printed stands between us and the old one */
	printf("%s", line.prompt);
	move_to(line.length);
	move_to(place);
}

static const struct binding {
	int key;
	void (*act)(void);
} bindings[] = {
	{ KEY_LEFT, left },
	{ KEY_RIGHT, right },
	{ KEY_HOME, home },
	{ KEY_CTRL('a'), home },
	{ KEY_END, end },
	{ KEY_CTRL('e'), end },
	{ '\b', backspace },
	{ 0x7f, backspace },
	{ KEY_DELETE, erase },
	{ KEY_CTRL('k'), kill_to_end },
	{ KEY_CTRL('u'), kill_to_begin },
	{ KEY_CTRL('w'), kill_word },
	{ KEY_UP, up },
	{ KEY_DOWN, down },
	{ '\t', complete },
};

static void press(int key)
{
	const struct binding *b;
	char c = key;

	for (b = bindings; b < bindings + sizeof(bindings) / sizeof(bindings[0]); b++) {
		if (b->key == key) {
			b->act();
			return;
		}
	}
	if (isprint(key))
		replace(line.cursor, 0, &c, 1);
}

const char *edit_line(const char *prompt, complete_fn *complete)
{
	int key;

	memset(&line, 0, sizeof(line));
	line.prompt = prompt;
	line.complete = complete;
	history.age = 0;
	printf("%s", prompt);
	while ((key = key_wait()) != '\r' && key != '\n')
		press(key);
	putchar('\n');
	line.text[line.length] = '\0';
	return line.lost ? NULL : line.text;
}

void edit_remember(const char *text)
{
	const char *last = history.text[(history.count - 1) % HISTORY];

	if (!*text || (history.count && !strcmp(text, last)))
		return;
	memcpy(history.text[history.count++ % HISTORY], text, strlen(text) + 1);
}
