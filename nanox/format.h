/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What printf.c and scanf.c share: pieces of a format, and digits.
 */
#ifndef NANOX_FORMAT_H
#define NANOX_FORMAT_H

#include <ctype.h>
#include <stddef.h>
#include <stdint.h>

/* The number at *f, in decimal. Without a digit it is 0. */
static inline unsigned int format_number(const char **f)
{
	unsigned int n = 0;

	while (isdigit(**f))
		n = 10 * n + (*(*f)++ - '0');
	return n;
}

/* The length at *f: hh, h, l, ll, z, or none. How many bytes has the integer? */
static inline size_t format_size(const char **f)
{
	switch (*(*f)++) {
	case 'h':
		if (**f != 'h')
			return sizeof(short);
		(*f)++;
		return sizeof(char);
	case 'l':
		if (**f != 'l')
			return sizeof(long);
		(*f)++;
		return sizeof(long long);
	case 'z':
		return sizeof(size_t);
	}
	(*f)--;
	return sizeof(int);
}

/* The letter at *f; 0 at the end of the format, where *f stays. */
static inline char format_letter(const char **f)
{
	return **f ? *(*f)++ : '\0';
}

/* In which base does this letter write numbers? */
static inline unsigned int format_base(char letter)
{
	switch (letter) {
	case 'o':
		return 8;
	case 'x':
	case 'X':
	case 'p':
		return 16;
	}
	return 10;
}

/* What a digit is worth, in bases up to 36. What is none is worth too much for all of them. */
static inline unsigned int digit_value(int c)
{
	if (isdigit(c))
		return c - '0';
	if (isalpha(c))
		return tolower(c) - 'a' + 10;
	return 99;
}

/*
 * Takes the last digit away from *n: divides it by the base and returns the
 * rest. A 32-bit CPU cannot divide 64 bits, and gcc would call a library that
 * we do not have. So it is done as at school, from left to right; only that
 * one digit of the school's has 16 bits here.
 */
static inline unsigned int take_digit(uint64_t *n, unsigned int base)
{
	uint64_t quotient = 0;
	uint32_t rest = 0;
	int shift;

	for (shift = 48; shift >= 0; shift -= 16) {
		rest = rest << 16 | (*n >> shift & 0xffff);
		quotient = quotient << 16 | rest / base;
		rest %= base;
	}
	*n = quotient;
	return rest;
}

#endif /* NANOX_FORMAT_H */
