// SPDX-License-Identifier: GPL-2.0-only
/* Guess the number. A program as one writes it anywhere; only, here it is all there is. */
#include <stdio.h>

#include "console.h"

#define HIGHEST 100

/* Nobody can foresee when a key is pressed: the CPU's own clock is our dice. */
static unsigned int ticks(void)
{
	unsigned int low, high;

	asm volatile("rdtsc"
		     : "=a"(low), "=d"(high));
	return low;
}

/* One game. Return: how many guesses it took, 0 if the player gave up. */
static int play(int secret)
{
	long long guess; /* there is always somebody who types twenty digits */
	int round;

	for (round = 1;; round++) {
		printf("%2d> ", round);
		if (scanf("%lld", &guess) != 1)
			return 0;
		if (guess == secret)
			return round;
		puts(guess < secret ? "Too small." : "Too large.");
	}
}

int main(void)
{
	char name[20];
	int rounds;

	console_init();
	printf("NanoX speaks C. What is your name? ");
	scanf(" %19[^\n]%*[^\n]", name); /* a line; what is too long for us is read, not kept */

	printf("Hello, %s. I think of a number from 1 to %d. A word gives up.\n", name, HIGHEST);
	rounds = play(1 + ticks() % HIGHEST);
	if (rounds)
		printf("Yes! You needed %d %s.\n", rounds, rounds == 1 ? "guess" : "guesses");
	else
		scanf("%*s"); /* the word, to its end */
	printf("Good night, %s.\n", name);
	return 0;
}
