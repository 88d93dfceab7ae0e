// SPDX-License-Identifier: GPL-2.0-only
/*
 * The shell: it reads a line, finds the first word in the table of commands, and
 * calls the function that stands beside it.
 */
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "edit.h"
#include "shell.h"

#define PROMPT "NanoX> "

static command_fn cmd_help;

static const struct command {
	const char *name, *args, *help;
	command_fn *run;
} commands[] = {
	{ "calc", "TERM", "reckon with 32 bits: calc (2 + 3) * 0x10", cmd_calc },
	{ "clear", "", "clear the screen", cmd_clear },
	{ "color", "NAME", "write in red, green, ...", cmd_color },
	{ "cpuid", "[LEAF]", "what the CPU says of itself", cmd_cpuid },
	{ "dump", "ADDRESS [BYTES]", "memory as numbers and letters, all in hex", cmd_dump },
	{ "echo", "TEXT", "say it again", cmd_echo },
	{ "fault", "[NAME]", "do what no program should do", cmd_fault },
	{ "guess", "", "a game: which number?", cmd_guess },
	{ "halt", "", "good night", cmd_halt },
	{ "help", "[COMMAND]", "this list", cmd_help },
	{ "irq", "", "how often each interrupt line was heard", cmd_irq },
	{ "keys", "", "what the keyboard and the terminal send", cmd_keys },
	{ "mem", "", "what lies where in memory", cmd_mem },
	{ "peek", "ADDRESS [BITS]", "read memory, 8, 16 or 32 bits of it", cmd_peek },
	{ "poke", "ADDRESS VALUE [BITS]", "write memory", cmd_poke },
	{ "reaction", "", "a game: how fast are you?", cmd_reaction },
	{ "reboot", "", "begin anew", cmd_reboot },
	{ "regs", "", "the registers of the CPU", cmd_regs },
	{ "snake", "[SPEED]", "a game: eat, and do not bite yourself", cmd_snake },
	{ "ticks", "", "how often the timer has ticked", cmd_ticks },
	{ "uptime", "", "for how long NanoX has been running", cmd_uptime },
};

#define NR_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static const struct command *find(const char *name, size_t size)
{
	unsigned int i;

	for (i = 0; i < NR_COMMANDS; i++) {
		if (!strncmp(commands[i].name, name, size) && !commands[i].name[size])
			return &commands[i];
	}
	return NULL;
}

static void help(const struct command *c)
{
	printf("  %-8s %-20s  %s\n", c->name, c->args, c->help);
}

static const char *cmd_help(const char *args)
{
	size_t size = arg_word_size(args);
	const struct command *c = find(args, size);
	unsigned int i;

	if (*args) {
		if (!c || *arg_next(args + size))
			return "the name of one command, as in help peek, or nothing";
		help(c);
		return NULL;
	}
	for (i = 0; i < NR_COMMANDS; i++)
		help(&commands[i]);
	return NULL;
}

/* How many characters do all names have in common that begin with this? */
static size_t common(const char *text, size_t size, const struct command **first,
		     unsigned int *count)
{
	size_t same = 0;
	unsigned int i;

	*count = 0;
	for (i = 0; i < NR_COMMANDS; i++) {
		if (strncmp(commands[i].name, text, size))
			continue;
		if (!(*count)++) {
			*first = &commands[i];
			same = strlen(commands[i].name);
		}
		while (strncmp(commands[i].name, (*first)->name, same))
			same--;
	}
	return same;
}

/* See edit.h. */
static const char *complete(const char *text, size_t size)
{
	static char more[16];
	const struct command *first;
	unsigned int count, i;
	size_t same = common(text, size, &first, &count);

	if (!count)
		return "";
	if (count == 1 || same > size) {
		snprintf(more, sizeof(more), "%.*s%s", (int)(same - size), first->name + size,
			 count == 1 ? " " : "");
		return more;
	}
	putchar('\n');
	for (i = 0; i < NR_COMMANDS; i++) {
		if (!strncmp(commands[i].name, text, size))
			printf("%s  ", commands[i].name);
	}
	putchar('\n');
	return NULL;
}

static void run(const char *line)
{
	const char *name = arg_next(line), *complaint;
	size_t size = arg_word_size(name);
	const struct command *c = find(name, size);

	if (!size)
		return;
	if (!c) {
		printf("%.*s: no such command; try help\n", (int)size, name);
		return;
	}
	complaint = c->run(arg_next(name + size));
	if (complaint)
		printf("%s: %s\n", c->name, complaint);
}

void shell(void)
{
	char line[LINE_MAX + 1];
	const char *typed;

	for (;;) {
		typed = edit_line(PROMPT, complete);
		if (!typed) {
			printf("a line has at most %u characters; that one had more\n", LINE_MAX);
			continue;
		}
		edit_remember(typed);
		memcpy(line, typed, sizeof(line)); /* a command may ask for lines of its own */
		run(line);
	}
}
