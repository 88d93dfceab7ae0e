// SPDX-License-Identifier: GPL-2.0-only
/*
 * The keyboard controller (dev/i8042.c), and the keyboard of a terminal turned
 * into one of 1985. A terminal sends letters. A keyboard knows of no letters:
 * it says which key went down, and when it came up again. So to type an "A" we
 * press Shift, press and release the key beside Caps Lock, and release Shift.
 */
#include <string.h>

#include "dev/i8042.h"
#include "vtxctl.h"

#define KEY_CTRL 0x1d
#define KEY_SHIFT 0x2a
#define KEY_UP 0x80 /* in a code: it came up */
#define KEY_GREY 0xe0 /* ahead of the code of an arrow */
#define ESC 0x1b
#define DEL 0x7f

static struct i8042 chip;

/* Keys that wait until the keyboard has room. One too many is lost, as on a real one. */
static struct {
	struct key {
		uint8_t codes[6];
		uint8_t size;
	} keys[256];
	unsigned int in, out; /* run on; their difference is what waits */
} queue;

/* As after power-on. */
void keyboard_reset(void)
{
	i8042_init(&chip, irqchip_line(IRQ_KEYBOARD));
	queue.out = queue.in;
}

/* Was the wire to the CPU's reset pulled? */
bool keyboard_wants_reset(void)
{
	return i8042_take_reset(&chip);
}

static void pass_on(void)
{
	struct key *key;

	while (queue.in != queue.out) {
		key = &queue.keys[queue.out % 256];
		if (!i8042_key(&chip, key->codes, key->size))
			break;
		queue.out++;
	}
}

void keyboard_out(struct vm *vm, uint16_t offset, uint8_t value)
{
	i8042_out(&chip, offset, value, irqchip_now());
	pass_on();
}

uint8_t keyboard_in(struct vm *vm, uint16_t offset)
{
	uint8_t value = i8042_in(&chip, offset, irqchip_now());

	pass_on();
	return value;
}

/* Down and up again, with Shift or Ctrl held meanwhile, or an arrow's code ahead: `with`. */
static void press(uint8_t with, uint8_t code)
{
	struct key key = {};

	if (with)
		key.codes[key.size++] = with;
	key.codes[key.size++] = code;
	if (with == KEY_GREY)
		key.codes[key.size++] = with;
	key.codes[key.size++] = code | KEY_UP;
	if (with && with != KEY_GREY)
		key.codes[key.size++] = with | KEY_UP;
	if (queue.in - queue.out < 256)
		queue.keys[queue.in++ % 256] = key;
}

/* The keys of scan-code set 1 in the order of their codes, from 0 on; '\1': no letter. */
static const char plain[] = "\1\33"
			    "1234567890-="
			    "\b\t"
			    "qwertyuiop[]"
			    "\r\1"
			    "asdfghjkl;'`"
			    "\1\\"
			    "zxcvbnm,./"
			    "\1*\1 ";
static const char shifted[] = "\1\1"
			      "!@#$%^&*()_+"
			      "\1\1"
			      "QWERTYUIOP{}"
			      "\1\1"
			      "ASDFGHJKL:\"~"
			      "\1|"
			      "ZXCVBNM<>?"
			      "\1\1\1\1";

static void type(uint8_t c)
{
	const char *key;

	if (c == '\n')
		c = '\r';
	if (c == DEL)
		c = '\b';
	if (c > '\1' && (key = strchr(plain, c)))
		press(0, key - plain);
	else if (c > '\1' && (key = strchr(shifted, c)))
		press(KEY_SHIFT, key - shifted);
	else if (c > 0 && c < ' ' && (key = strchr(plain, c | 0x60)))
		press(KEY_CTRL, key - plain);
}

/* An arrow: a terminal sends ESC [ A to ESC [ D. Returns its key, or 0. */
static uint8_t arrow(const uint8_t *text, size_t size)
{
	static const uint8_t codes[] = { 0x48, 0x50, 0x4d, 0x4b }; /* up, down, right, left */

	if (size < 3 || text[0] != ESC || text[1] != '[' || text[2] < 'A' || text[2] > 'D')
		return 0;
	return codes[text[2] - 'A'];
}

/* What a terminal sent, all that was there to be read. */
void keyboard_type(struct vm *vm, const uint8_t *text, size_t size)
{
	size_t i;

	irqchip_lock();
	for (i = 0; i < size; i++) {
		uint8_t code = arrow(text + i, size - i);

		if (code) {
			press(KEY_GREY, code);
			i += 2;
		} else {
			type(text[i]);
		}
	}
	pass_on();
	irqchip_unlock(vm);
}
