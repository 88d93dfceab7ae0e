// SPDX-License-Identifier: GPL-2.0-only
/*
 * A tap on the shoulder. NanoX says a sentence, letter by letter. At a letter
 * of your choice it rings the doorbell; at another one it opens its ears. The
 * interrupt comes as soon as both have happened, and the sentence goes on as if
 * nothing had been.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "console.h"
#include "idt.h"
#include "io.h"

#define DOORBELL 0xf5 /* write: a vector; it comes back as an interrupt */
#define TAP 0x40 /* any vector from 32 on: below are the CPU's own */

static const char sentence[] = "the quick brown fox jumps over the lazy dog";

static volatile unsigned int taps;

static void on_tap(struct frame *frame)
{
	taps++;
	printf("[tap]");
}

/* Ring before letter `ring`, listen from letter `listen` on. */
static void say(unsigned int ring, unsigned int listen)
{
	unsigned int i;

	cli();
	for (i = 0; sentence[i]; i++) {
		if (i == ring)
			outb(DOORBELL, TAP);
		if (i == listen)
			sti();
		putchar(sentence[i]);
	}
	cli();
	putchar('\n');
}

static void divide(void)
{
	volatile int zero = 0;

	printf("%d\n", 100 / zero);
}

int main(void)
{
	unsigned int ring, listen;

	console_init();
	idt_init();
	idt_set(TAP, on_tap);

	puts("NanoX can be interrupted. A word instead of numbers ends it.");
	for (;;) {
		printf("ring at letter, listen from letter: ");
		if (scanf("%u %u", &ring, &listen) != 2)
			break;
		say(ring, listen);
	}
	printf("\n%u taps. And now 100 divided by 0:\n", taps);
	divide();
	return 0;
}
