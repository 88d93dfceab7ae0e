// SPDX-License-Identifier: GPL-2.0-only
/* Commands that only write something. */
#include <stdio.h>

#include "args.h"
#include "shell.h"

const char *cmd_echo(const char *args)
{
	puts(args);
	return NULL;
}

/* ECMA-48: ED, "erase in page", and CUP, "cursor position". */
const char *cmd_clear(const char *args)
{
	if (*args)
		return "nothing stands behind it";
	printf("\033[2J\033[H");
	return NULL;
}

/* ECMA-48: SGR, "select graphic rendition". */
const char *cmd_color(const char *args)
{
	static const struct {
		const char *name;
		unsigned int code;
	} colors[] = {
		{ "red", 31 },
		{ "green", 32 },
		{ "yellow", 33 },
		{ "blue", 34 },
		{ "magenta", 35 },
		{ "cyan", 36 },
		{ "white", 37 },
		{ "off", 0 },
	};
	unsigned int i;

	for (i = 0; i < sizeof(colors) / sizeof(colors[0]); i++) {
		if (arg_is(args, colors[i].name)) {
			printf("\033[%um", colors[i].code);
			return NULL;
		}
	}
	return "red, green, yellow, blue, magenta, cyan, white, or off";
}
