// SPDX-License-Identifier: GPL-2.0-only
/*
 * How fast are you? NanoX has a clock now, and a keyboard: it waits for a time
 * that nobody knows, says NOW, and counts the ticks until you press a key.
 */
#include <stdint.h>
#include <stdio.h>

#include "console.h"
#include "idt.h"
#include "kbd.h"
#include "pic.h"
#include "pit.h"

#define QUIT 'q'

/* From the keyboard or from the serial port: whoever is first. -1: nothing yet. */
static int any_key(void)
{
	int key = kbd_key();

	return key < 0 ? console_key() : key;
}

/* Sleep until a key is pressed, or until `end`. Return: the key, or -1. */
static int wait_key(unsigned int end)
{
	int key;

	cli();
	while ((key = any_key()) < 0 && (int)(pit_ticks() - end) < 0) {
		asm volatile("sti; hlt");
		cli();
	}
	sti();
	return key;
}

/* Between one and three seconds. Nobody can foresee the CPU's own clock. */
static unsigned int dice(void)
{
	uint32_t low, high;

	asm volatile("rdtsc"
		     : "=a"(low), "=d"(high));
	return HZ + low % (2 * HZ);
}

/* One try. Return: the key that ended it. */
static int play(void)
{
	unsigned int begin;
	int key;

	printf("Wait... ");
	key = wait_key(pit_ticks() + dice());
	if (key >= 0) {
		if (key != QUIT)
			puts("too early.");
		return key;
	}
	printf("NOW! ");
	begin = pit_ticks();
	while ((key = wait_key(pit_ticks() + HZ)) < 0)
		;
	printf("%u hundredths of a second.\n", pit_ticks() - begin);
	return key;
}

int main(void)
{
	idt_init();
	pic_init();
	console_init();
	pit_init();
	kbd_init();

	puts("How fast are you? At NOW, press a key. q ends it.");
	puts("Ctrl-A g gives your keys to NanoX's keyboard, and back.");
	while (play() != QUIT)
		;
	puts("\nGood night.");
	cli();
	return 0;
}
