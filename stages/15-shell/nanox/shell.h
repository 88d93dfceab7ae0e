/* SPDX-License-Identifier: GPL-2.0-only */
/* The shell, and its commands. */
#ifndef SHELL_H
#define SHELL_H

/*
 * A command gets what stands behind its name, without blanks ahead. It returns NULL,
 * or a sentence that says what would have been right.
 */
typedef const char *command_fn(const char *args);

command_fn cmd_calc, cmd_clear, cmd_color, cmd_cpuid, cmd_dump, cmd_echo, cmd_fault, cmd_guess,
	cmd_halt, cmd_irq, cmd_keys, cmd_mem, cmd_peek, cmd_poke, cmd_reaction, cmd_reboot,
	cmd_regs, cmd_snake, cmd_ticks, cmd_uptime;

void shell(void); /* never ends: one line after the other */

#endif /* SHELL_H */
