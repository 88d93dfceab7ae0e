// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory and strings.
 *
 * gcc knows what a loop looks like that copies or clears memory, and puts a
 * call of memcpy() or memset() in its place. In memcpy() itself that would be a
 * call without end. So these three do not loop: an x86 has instructions that do
 * the whole of it, with the count in ECX and the addresses in ESI and EDI.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"

void *memset(void *to, int byte, size_t size)
{
	void *at = to;

	asm volatile("rep stosb"
		     : "+D"(at), "+c"(size)
		     : "a"(byte)
		     : "memory");
	return to;
}

void *memcpy(void *to, const void *from, size_t size)
{
	void *at = to;

	asm volatile("rep movsb"
		     : "+D"(at), "+S"(from), "+c"(size)
		     :
		     : "memory");
	return to;
}

/* As memcpy, but the two places may share bytes: none is written before it is read. */
void *memmove(void *to, const void *from, size_t size)
{
	const char *from_last;
	char *last;

	if (to <= from)
		return memcpy(to, from, size);
	last = (char *)to + size - 1;
	from_last = (const char *)from + size - 1;
	asm volatile("std; rep movsb; cld" /* from the end to the beginning */
		     : "+D"(last), "+S"(from_last), "+c"(size)
		     :
		     : "memory");
	return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
	const unsigned char *p = a, *q = b;

	for (; size; p++, q++, size--) {
		if (*p != *q)
			return *p - *q;
	}
	return 0;
}

size_t strlen(const char *text)
{
	const char *end = text;

	while (*end)
		end++;
	return end - text;
}

int strcmp(const char *a, const char *b)
{
	return strncmp(a, b, (size_t)-1);
}

int strncmp(const char *a, const char *b, size_t most)
{
	for (; most && *a && *a == *b; most--) {
		a++;
		b++;
	}
	return most ? (unsigned char)*a - (unsigned char)*b : 0;
}

/* The 0 at the end can be searched for, too. */
char *strchr(const char *text, int c)
{
	while (*text != (char)c) {
		if (!*text++)
			return NULL;
	}
	return (char *)text;
}

/* --- numbers in text: see stdlib.h --- */

static unsigned long parse(const char *text, char **end, unsigned int base, bool is_signed)
{
	bool negative, over = false;
	const char *p = text, *first;
	unsigned long n = 0, most;
	unsigned int digit;

	while (isspace(*p))
		p++;
	negative = *p == '-';
	if (negative || *p == '+')
		p++;
	if (base == 0 || base == 16) {
		if (*p == '0' && tolower(p[1]) == 'x' && digit_value(p[2]) < 16) {
			p += 2;
			base = 16;
		} else if (base == 0) {
			base = *p == '0' ? 8 : 10;
		}
	}
	for (first = p; (digit = digit_value(*p)) < base; p++) {
		over |= __builtin_mul_overflow(n, base, &n);
		over |= __builtin_add_overflow(n, digit, &n);
	}
	if (end)
		*end = (char *)(p > first ? p : text);

	most = is_signed ? (~0UL >> 1) + negative : ~0UL;
	if (over || n > most) {
		n = most;
		negative = negative && is_signed;
	}
	return negative ? -n : n;
}

unsigned long strtoul(const char *text, char **end, int base)
{
	return parse(text, end, base, false);
}

long strtol(const char *text, char **end, int base)
{
	return parse(text, end, base, true);
}
