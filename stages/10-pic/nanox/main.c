// SPDX-License-Identifier: GPL-2.0-only
/*
 * NanoX sleeps until it is woken: by a key that you type, or by the button,
 * which is rung from outside at any moment, even in the middle of a line.
 */
#include <stdio.h>
#include <string.h>

#include "console.h"
#include "idt.h"
#include "pic.h"

static volatile unsigned int rings;

static void on_button(struct frame *frame)
{
	printf("[ring %u]", ++rings);
}

static void print_backwards(const char *word)
{
	size_t i = strlen(word);

	while (i--)
		putchar(word[i]);
	putchar('\n');
}

int main(void)
{
	char word[41];

	idt_init();
	pic_init();
	console_init();
	pic_set(IRQ_BUTTON, on_button);

	puts("NanoX sleeps until you type a word, or ring (Ctrl-A k). \"bye\" ends it.");
	for (;;) {
		printf("> ");
		if (scanf("%40s", word) == 1 && !strcmp(word, "bye"))
			break;
		print_backwards(word);
	}
	printf("\nYou rang %u times.\n", rings);
	cli();
	return 0;
}
