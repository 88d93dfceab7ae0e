// SPDX-License-Identifier: GPL-2.0-only
/* NanoX's kit, on the guest's CPU: what it prints and reads there, and what crt0 has done. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "console.h"

static char zeros[4096];
static int seven = 7;
static const char words[] = "data and constants";

static int sum(const char *bytes, size_t size)
{
	int total = 0;

	while (size--)
		total += (unsigned char)*bytes++;
	return total;
}

static void print(void)
{
	char text[8];
	int at, length;

	printf("%d %i %u %x %X %o %c %s %%\n", -1, 42, -1, 0xbeef, 0xbeef, 8, 'c', "text");
	printf("|%5d|%-5d|%05d|%+d|% d|%#x|%#o|%.3d|%*d|\n", 7, 7, 7, 7, 7, 7, 7, 7, 4, 7);
	printf("|%8s|%-8s|%.2s|%8.2s|%3c|\n", "abc", "abc", "abc", "abc", 'x');
	printf("%lld %llu %llx %llo\n", -0x7fffffffffffffffLL - 1, ~0ULL, ~0ULL, ~0ULL);
	printf("%ld %lu %zu %hhd %hu %p\n", -0x7fffffffL - 1, ~0UL, sizeof(long), 511, 65537,
	       (void *)0x7c00);
	length = snprintf(text, sizeof(text), "%s", "cut in two");
	printf("%d %s\n", length, text);
	at = 0;
	sscanf("12 monkeys", "%*d %n", &at);
	printf("%d\n", at);
}

static void read(void)
{
	int n, number, octal, negative;
	char word[6], set[6], c;
	unsigned int hex;
	long long large;

	n = scanf("%d %x %lld %5s %5[a-c]%c", &number, &hex, &large, word, set, &c);
	printf("%d: %d %x %lld %s %s %c\n", n, number, hex, large, word, set, c);
	n = scanf("%d", &number);
	printf("%d\n", n);
	n = scanf("%5s %i %i %i", word, &number, &octal, &negative);
	printf("%d: %s %d %d %d\n", n, word, number, octal, negative);
}

int main(void)
{
	console_init();
	printf("%d %d %s\n", sum(zeros, sizeof(zeros)), seven++, words);
	memset(zeros, 1, sizeof(zeros));
	memmove(zeros + 1, "moved", sizeof("moved"));
	printf("%d %d %s\n", sum(zeros, sizeof(zeros)), seven, zeros + 1);
	print();
	read();
	return 0;
}
