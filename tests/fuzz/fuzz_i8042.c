// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any bytes as a program for the keyboard controller, and as keys. Each
 * operation is two bytes: what to do, and a value. After each:
 *
 *  - irq1 is high just when a byte from the keyboard waits, is the next to be
 *    read and may interrupt; and each read that leaves one had a new edge;
 *  - OBF is set just when something waits; the fixed status bits are fixed;
 *  - nothing waits in an enabled keyboard while the controller has room;
 *  - all counters are within their arrays;
 *  - a reset was asked for by D1h and F0h to FFh with bit 0 clear, and only so;
 *  - while no command was sent, keys come out as they went in, all or none, and
 *    what is refused would have been too much;
 *  - in the end, an enabled keyboard that is read has nothing left after at most
 *    16 keys, three answers, one reply and one byte of D2h.
 */
#include <stdint.h>
#include <stdlib.h>

#include "i8042.h"

#define CHECK(condition)          \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

static struct {
	bool level;
	unsigned int rises;
} line;

static void record(void *ctx, unsigned int n, bool level)
{
	CHECK(ctx == &line && n == 1);
	CHECK(level != line.level || !line.rises); /* only changes are told */
	line.rises += level;
	line.level = level;
}

static void check(struct i8042 *chip)
{
	const struct i8042_keyboard *kbd = &chip->kbd;
	u8 status = i8042_in(chip, 4, 0);

	CHECK(kbd->first < I8042_KEYS && kbd->keys <= I8042_KEYS && kbd->answers <= 3);
	CHECK(kbd->set >= 1 && kbd->set <= 3 && kbd->leds < 8);
	CHECK(line.level == (chip->has_data && !chip->has_reply && (chip->command_byte & 1)));
	CHECK((status & 0xf2) == 0x10);
	CHECK((status & 1) == (chip->has_data || chip->has_reply));
	CHECK(!(status & 4) == !(chip->command_byte & 4));
	CHECK((chip->command_byte & 0xa0) == 0x20);
	if (!chip->has_data && !(chip->command_byte & 0x10))
		CHECK(!kbd->keys && !kbd->answers);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);
int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct i8042 chip;
	u8 queue[32], codes[20], value, got;
	unsigned int in = 0, out = 0, rises, i, n;
	bool plain = true, took, want_reset = false, d1 = false;
	size_t left;

	line.level = false;
	line.rises = 0;
	i8042_init(&chip, (struct irq_line){ record, &line, 1 });

	for (; size >= 2; data += 2, size -= 2) {
		value = data[1];
		rises = line.rises;
		switch (data[0] % 8) {
		case 0:
		case 1:
			got = i8042_in(&chip, 0, 0);
			if (plain && in != out)
				CHECK(got == queue[out++ % 32]);
			CHECK(line.rises - rises == line.level);
			break;
		case 2:
			plain = false;
			if (d1 && !(value & 1))
				want_reset = true;
			d1 = false;
			i8042_out(&chip, 0, value, 0);
			break;
		case 3:
			plain = false;
			d1 = value == 0xd1;
			if (value >= 0xf0 && !(value & 1))
				want_reset = true;
			i8042_out(&chip, 4, value, 0);
			break;
		case 4:
		case 5:
			n = (data[0] >> 3) % 20;
			for (i = 0; i < n; i++)
				codes[i] = value + i;
			left = chip.kbd.keys;
			took = i8042_key(&chip, codes, n);
			if (!took)
				CHECK(left + n + chip.has_data > 16 && chip.kbd.keys == left);
			if (plain)
				CHECK(took == (in - out + n <= 16));
			if (plain && took)
				for (i = 0; i < n; i++)
					queue[in++ % 32] = codes[i];
			break;
		case 6:
			CHECK(i8042_take_reset(&chip) == want_reset);
			CHECK(!i8042_take_reset(&chip));
			want_reset = false;
			break;
		default:
			i8042_out(&chip, value | 1, data[0], 0);
			CHECK(i8042_in(&chip, value | 1, 0) == 0xff);
		}
		if (plain)
			CHECK((in != out) == (i8042_in(&chip, 4, 0) & 1));
		check(&chip);
	}

	CHECK(i8042_take_reset(&chip) == want_reset);
	CHECK(i8042_a20(&chip) == chip.a20);
	i8042_out(&chip, 4, 0xae, 0);
	for (i = 0; i8042_in(&chip, 4, 0) & 1; i++) {
		i8042_in(&chip, 0, 0);
		check(&chip);
		CHECK(i < 16 + 3 + 1 + 1);
	}
	CHECK(!line.level);
	return 0;
}
