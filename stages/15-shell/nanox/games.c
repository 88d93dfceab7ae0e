// SPDX-License-Identifier: GPL-2.0-only
/* Two small games. */
#include <stdio.h>

#include "args.h"
#include "dice.h"
#include "edit.h"
#include "keys.h"
#include "pit.h"
#include "shell.h"

#define QUIT 'q'
#define MOST 100

const char *cmd_guess(const char *args)
{
	const uint32_t secret = dice() % MOST + 1;
	unsigned int tries = 0;
	uint32_t n = 0;
	const char *line;

	if (*args)
		return "nothing stands behind it";
	printf("I think of a number from 1 to %u. q ends it.\n", MOST);
	while (n != secret) {
		line = edit_line("Which? ", NULL);
		line = line ? arg_next(line) : "";
		if (arg_is(line, "q")) {
			printf("It was %u.\n", secret);
			return NULL;
		}
		if (!arg_number(&line, 10, &n) || *line) {
			puts("A number, please, as 50.");
			continue;
		}
		tries++;
		if (n != secret)
			puts(n < secret ? "More." : "Less.");
	}
	printf("Yes! You needed %u %s.\n", tries, tries == 1 ? "try" : "tries");
	return NULL;
}

/* One try. Return: the key that ended it. */
static int react(void)
{
	unsigned int begin;
	int key;

	printf("Wait... ");
	key = key_wait_until(pit_ticks() + HZ + dice() % (2 * HZ));
	if (key != KEY_NONE) {
		if (key != QUIT)
			puts("too early.");
		return key;
	}
	printf("NOW! ");
	begin = pit_ticks();
	key = key_wait();
	printf("%u hundredths of a second.\n", (pit_ticks() - begin) * (100 / HZ));
	return key;
}

const char *cmd_reaction(const char *args)
{
	if (*args)
		return "nothing stands behind it";
	puts("At NOW, press a key. q ends it.");
	while (react() != QUIT)
		;
	putchar('\n');
	return NULL;
}
