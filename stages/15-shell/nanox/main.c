// SPDX-License-Identifier: GPL-2.0-only
/* A little operating system: devices first, then the shell, in ring 3. */
#include <stdio.h>

#include "call.h"
#include "console.h"
#include "idt.h"
#include "kbd.h"
#include "memory.h"
#include "pic.h"
#include "pit.h"
#include "ring3.h"
#include "shell.h"

int main(void)
{
	memory_init();
	ring3_init();
	idt_init();
	call_init();
	pic_init();
	console_init();
	pit_init();
	kbd_init();

	puts("NanoX. Try help, snake or fault stack. Tab and the arrow keys work.");
	puts("halt ends it. Ctrl-A g gives your keys to NanoX's keyboard, and back.");
	ring3_begin(shell);
}
