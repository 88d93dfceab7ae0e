// SPDX-License-Identifier: GPL-2.0-only
/*
 * Intel 8042, the keyboard controller: a small computer of its own between the
 * keyboard's wire and the CPU. A byte written to port 64h is a command to the
 * controller, a byte written to port 60h goes on to the keyboard, or is a
 * command's parameter. Whatever comes back is read at port 60h. As it had pins
 * to spare, the PC's builders let it reset the CPU and hold address line A20.
 *
 * The keyboard sends scan codes of set 2, which the controller translates into
 * those of set 1: every PC starts like this, and so nothing here knows other
 * sets. We are given codes of set 1 and hand them out, whatever is chosen.
 *
 * Sections named below are those of the IBM Personal System/2 Hardware
 * Interface Technical Reference: "Controller" means Keyboard and Auxiliary
 * Device Controller, "Keyboard" means Keyboards (101- and 102-Key).
 */
#include "i8042.h"

/* Port 64h, read ("Controller", Status Register). The others are 0 here, IBF too: we are fast. */
#define STATUS_OBF 0x01 /* output buffer full */
#define STATUS_SYS 0x04 /* the system flag */
#define STATUS_COMMAND 0x08
#define STATUS_UNLOCKED 0x10 /* the key in the PC's front */

/* "Controller", Controller Command Byte. */
#define BYTE_IRQ1 0x01
#define BYTE_SYS 0x04
#define BYTE_KBD_OFF 0x10
#define BYTE_AUX_OFF 0x20
#define BYTE_TRANSLATE 0x40

/* "Controller", Output Port. */
#define PORT_NO_RESET 0x01
#define PORT_A20 0x02
#define PORT_IRQ1 0x10
#define PORT_LINES 0xc0 /* the keyboard's wire, at rest */

#define INPUT_UNLOCKED 0x80

/* Commands to the controller. */
#define READ_BYTE 0x20
#define WRITE_BYTE 0x60
#define AUX_OFF 0xa7
#define AUX_ON 0xa8
#define AUX_TEST 0xa9
#define SELF_TEST 0xaa
#define KBD_TEST 0xab
#define KBD_OFF 0xad
#define KBD_ON 0xae
#define READ_INPUT 0xc0
#define READ_OUTPUT 0xd0
#define WRITE_OUTPUT 0xd1
#define WRITE_KBD_BUFFER 0xd2
#define WRITE_AUX_BUFFER 0xd3
#define WRITE_AUX 0xd4
#define A20_OFF 0xdd
#define A20_ON 0xdf
#define PULSE 0xf0

#define SELF_TEST_OK 0x55
#define TEST_OK 0x00
#define TEST_CLOCK_LOW 0x01

/* Commands to the keyboard, and its answers. */
#define KBD_LEDS 0xed
#define KBD_ECHO 0xee
#define KBD_SET 0xf0
#define KBD_IDENTIFY 0xf2
#define KBD_RATE 0xf3
#define KBD_SCAN 0xf4
#define KBD_STOP 0xf5
#define KBD_DEFAULTS 0xf6
#define KBD_RESEND 0xfe
#define KBD_RESET 0xff

#define KBD_ACK 0xfa
#define KBD_TESTED 0xaa
#define KBD_AGAIN 0xfe
#define KBD_ID1 0xab
#define KBD_ID2 0x83

/* What the controller's translation makes of the few answers that it changes. */
static u8 translate(u8 byte)
{
	switch (byte) {
	case 1:
		return 0x43;
	case 2:
		return 0x41;
	case 3:
		return 0x3f;
	case KBD_ID2:
		return 0x41;
	default:
		return byte;
	}
}

/*
 * The real output buffer is one byte, and what is written last is what is read.
 * Here the controller's replies have a byte of their own, which is read first:
 * so a key pressed at the wrong moment is not lost. A reply does not interrupt.
 */
static void show_irq1(struct i8042 *chip)
{
	bool level = chip->has_data && !chip->has_reply && chip->command_byte & BYTE_IRQ1;

	if (level != chip->level)
		irq_line_set(&chip->irq1, level);
	chip->level = level;
}

/* May the keyboard send its next byte? What it has sent stays when it is switched off. */
static void fetch(struct i8042 *chip)
{
	struct i8042_keyboard *kbd = &chip->kbd;

	if (chip->has_data || chip->command_byte & BYTE_KBD_OFF)
		return;
	if (kbd->answers) {
		chip->data = kbd->answer[--kbd->answers];
	} else if (kbd->keys) {
		chip->data = kbd->key[kbd->first];
		kbd->first = (kbd->first + 1) % I8042_KEYS;
		kbd->keys--;
	} else {
		return;
	}
	chip->has_data = true;
	if (chip->data != KBD_AGAIN)
		kbd->last = chip->data;
}

static void answer(struct i8042_keyboard *kbd, u8 byte)
{
	kbd->answer[2] = kbd->answer[1];
	kbd->answer[1] = kbd->answer[0];
	kbd->answer[0] = byte;
	kbd->answers++;
}

static void defaults(struct i8042_keyboard *kbd)
{
	kbd->keys = 0;
	kbd->set = 2;
	kbd->scanning = true;
}

/* "Keyboard", Commands from the System. */
static void kbd_command(struct i8042 *chip, u8 value)
{
	struct i8042_keyboard *kbd = &chip->kbd;
	bool scanning = kbd->scanning;
	bool translated = chip->command_byte & BYTE_TRANSLATE;

	switch (value) {
	case KBD_ECHO:
		answer(kbd, KBD_ECHO);
		return;
	case KBD_RESEND:
		answer(kbd, kbd->last);
		return;
	case KBD_LEDS:
	case KBD_SET:
	case KBD_RATE:
		kbd->command = value;
		break;
	case KBD_IDENTIFY:
		answer(kbd, KBD_ACK);
		answer(kbd, KBD_ID1);
		answer(kbd, translated ? translate(KBD_ID2) : KBD_ID2);
		return;
	case KBD_SCAN:
		kbd->keys = 0;
		kbd->scanning = true;
		break;
	case KBD_STOP:
		defaults(kbd);
		kbd->scanning = false;
		break;
	case KBD_DEFAULTS:
		defaults(kbd);
		kbd->scanning = scanning;
		break;
	case KBD_RESET:
		defaults(kbd);
		kbd->leds = 0;
		answer(kbd, KBD_ACK);
		answer(kbd, KBD_TESTED);
		return;
	default:
		answer(kbd, KBD_AGAIN);
		return;
	}
	answer(kbd, KBD_ACK);
}

static void kbd_parameter(struct i8042 *chip, u8 command, u8 value)
{
	struct i8042_keyboard *kbd = &chip->kbd;

	if (command == KBD_SET && value > 3) {
		answer(kbd, KBD_AGAIN);
		return;
	}

	answer(kbd, KBD_ACK);
	if (command == KBD_LEDS)
		kbd->leds = value & 7;
	else if (command == KBD_SET && value)
		kbd->set = value;
	else if (command == KBD_SET)
		answer(kbd, chip->command_byte & BYTE_TRANSLATE ? translate(kbd->set) : kbd->set);
}

/* Whatever the keyboard still had to answer, it is a new command that counts. */
static void to_keyboard(struct i8042 *chip, u8 value)
{
	u8 command = chip->kbd.command;

	chip->command_byte &= ~BYTE_KBD_OFF; /* being spoken to switches it on */
	chip->kbd.answers = 0;
	chip->kbd.command = 0;
	if (command && value < 0x80) /* a command instead of a parameter is a command */
		kbd_parameter(chip, command, value);
	else
		kbd_command(chip, value);
}

static void reply(struct i8042 *chip, u8 value)
{
	chip->reply = value;
	chip->has_reply = true;
}

/* "Controller", Controller Commands. There is no second port: its commands change nothing. */
static void command(struct i8042 *chip, u8 value)
{
	chip->command = 0;
	switch (value) {
	case WRITE_BYTE:
	case WRITE_OUTPUT:
	case WRITE_KBD_BUFFER:
	case WRITE_AUX_BUFFER:
	case WRITE_AUX:
		chip->command = value;
		break;
	case READ_BYTE:
		reply(chip, chip->command_byte);
		break;
	case AUX_TEST:
		reply(chip, TEST_CLOCK_LOW); /* no wire */
		break;
	case SELF_TEST:
		chip->command_byte |= BYTE_SYS;
		reply(chip, SELF_TEST_OK);
		break;
	case KBD_TEST:
		reply(chip, TEST_OK);
		break;
	case KBD_OFF:
		chip->command_byte |= BYTE_KBD_OFF;
		break;
	case KBD_ON:
		chip->command_byte &= ~BYTE_KBD_OFF;
		break;
	case READ_INPUT:
		reply(chip, INPUT_UNLOCKED);
		break;
	case READ_OUTPUT:
		reply(chip, PORT_LINES | PORT_NO_RESET | (chip->a20 ? PORT_A20 : 0) |
				    (chip->has_data ? PORT_IRQ1 : 0));
		break;
	case A20_OFF:
	case A20_ON:
		chip->a20 = value == A20_ON;
		break;
	default:
		/* For a moment the output port's bits are low that are 0 here. */
		if (value >= PULSE && !(value & PORT_NO_RESET))
			chip->reset = true;
	}
}

static void parameter(struct i8042 *chip, u8 value)
{
	u8 command = chip->command;

	chip->command = 0;
	switch (command) {
	case WRITE_BYTE:
		chip->command_byte = (value & 0x7f) | BYTE_AUX_OFF;
		break;
	case WRITE_OUTPUT:
		chip->a20 = value & PORT_A20;
		if (!(value & PORT_NO_RESET))
			chip->reset = true;
		break;
	case WRITE_KBD_BUFFER: /* as if typed, and in place of what is there */
		chip->data = value;
		chip->has_data = true;
		break;
	case WRITE_AUX_BUFFER:
	case WRITE_AUX: /* nobody takes it; a guest need not wait for that */
		reply(chip, KBD_AGAIN);
		break;
	default:
		to_keyboard(chip, value);
	}
}

/* As firmware leaves it, which a guest that we start may expect. */
void i8042_init(struct i8042 *chip, struct irq_line irq1)
{
	*chip = (struct i8042){
		.command_byte = BYTE_IRQ1 | BYTE_SYS | BYTE_AUX_OFF | BYTE_TRANSLATE,
		.a20 = true,
		.kbd.last = KBD_TESTED,
		.irq1 = irq1,
	};
	defaults(&chip->kbd);
	irq_line_set(&chip->irq1, false);
}

static u8 read_data(struct i8042 *chip)
{
	if (chip->has_reply) {
		chip->last = chip->reply;
		chip->has_reply = false;
	} else if (chip->has_data) {
		chip->last = chip->data;
		chip->has_data = false;
	}

	/* Low, and with the next byte high: each has its own edge. */
	show_irq1(chip);
	fetch(chip);
	show_irq1(chip);
	return chip->last;
}

u8 i8042_in(struct i8042 *chip, u16 off, u64 now)
{
	(void)now;
	switch (off) {
	case I8042_DATA:
		return read_data(chip);
	case I8042_STATUS:
		return (chip->has_reply || chip->has_data ? STATUS_OBF : 0) |
		       (chip->command_byte & BYTE_SYS ? STATUS_SYS : 0) |
		       (chip->was_command ? STATUS_COMMAND : 0) | STATUS_UNLOCKED;
	default:
		return 0xff;
	}
}

void i8042_out(struct i8042 *chip, u16 off, u8 value, u64 now)
{
	(void)now;
	if (off != I8042_DATA && off != I8042_COMMAND)
		return;
	chip->was_command = off == I8042_COMMAND;
	if (chip->was_command)
		command(chip, value);
	else
		parameter(chip, value);
	fetch(chip);
	show_irq1(chip);
}

/*
 * A key was pressed or released: its codes, all of them or none. False: the
 * keyboard is full, as nobody reads. A real one would say so with a code of its
 * own and forget the key; we leave it to the caller to wait or to forget. What
 * the controller has fetched counts too: Linux believes in no controller that
 * has more than 16 bytes.
 */
bool i8042_key(struct i8042 *chip, const u8 *codes, size_t n)
{
	struct i8042_keyboard *kbd = &chip->kbd;
	unsigned int taken = kbd->keys + chip->has_data;
	size_t i;

	if (!kbd->scanning)
		return true;
	if (taken > I8042_KEYS || n > I8042_KEYS - taken)
		return false;
	for (i = 0; i < n; i++)
		kbd->key[(kbd->first + kbd->keys++) % I8042_KEYS] = codes[i];
	fetch(chip);
	show_irq1(chip);
	return true;
}

/* Was the CPU's reset asked for since we were last asked? */
bool i8042_take_reset(struct i8042 *chip)
{
	bool reset = chip->reset;

	chip->reset = false;
	return reset;
}

bool i8042_a20(const struct i8042 *chip)
{
	return chip->a20;
}
