// SPDX-License-Identifier: GPL-2.0-only
/*
 * scanf and its family: the format says what is expected; what is found is
 * stored where the arguments point. The first thing that does not fit ends it.
 *
 *   blank   any white space, or none
 *   %       and then, in this order, all but the letter may be missing:
 *     *       read it, but store nothing
 *     width   at most so many characters
 *     length  hh  char    h  short    l  long    ll  long long    z  size_t
 *     letter  d u o x  numbers    i  one whose 0x or 0 in front says the base
 *             s  a word    [a-z]  these    [^a-z]  all but these
 *             c  one character, or width of them    n  how many were read so far
 *   else    this very character
 *
 * White space is skipped before all but %c, %[ and %n. A number has 64 bits
 * while it is read, and what is larger becomes the largest. Then its low bytes
 * are stored, as many as the length says. So does glibc where long has 64 bits.
 *
 * Where a number ends, the character behind it says. It has been read, so it is
 * held back for the next scanf(); getchar() does not see it any more.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "format.h"

#define NONE (EOF - 1)

struct scanner {
	const char *text; /* NULL: from getchar() */
	int ahead; /* seen, but not taken: a character, EOF, or NONE */
	unsigned int taken;
	int stored; /* how many values */
	const char *format; /* what is not yet read of it */
	va_list args; /* those not yet used */

	/* The % at which we are: */
	bool store;
	unsigned int width; /* what is left of it */
	size_t bytes; /* of the integer */
};

/* What is there? It fits, it is something else, or input is at its end. */
enum result {
	FITS,
	OTHER,
	NO_INPUT,
};

/* The next character. A field ends where its width is used up. */
static int peek(struct scanner *s)
{
	if (!s->width)
		return EOF;
	if (s->ahead == NONE && s->text)
		s->ahead = *s->text ? (unsigned char)*s->text++ : EOF;
	else if (s->ahead == NONE)
		s->ahead = getchar();
	return s->ahead;
}

static void take(struct scanner *s)
{
	s->ahead = NONE;
	s->taken++;
	s->width--;
}

static void skip_space(struct scanner *s)
{
	while (isspace(peek(s)))
		take(s);
}

static enum result scan_literal(struct scanner *s, unsigned char c)
{
	if (peek(s) != c)
		return peek(s) == EOF ? NO_INPUT : OTHER;
	take(s);
	return FITS;
}

static void store_number(struct scanner *s, uint64_t value)
{
	if (s->store)
		memcpy(va_arg(s->args, void *), &value, s->bytes); /* the low ones come first */
}

static enum result scan_number(struct scanner *s, unsigned int base, bool is_signed)
{
	bool negative, found, over = false;
	uint64_t n = 0, most;
	unsigned int digit;

	if (peek(s) == EOF)
		return NO_INPUT;
	negative = peek(s) == '-';
	if (negative || peek(s) == '+')
		take(s);
	found = peek(s) == '0'; /* a digit, even where 0x follows and nothing more */
	if (found)
		take(s);
	if (found && (base == 0 || base == 16) && tolower(peek(s)) == 'x') {
		take(s);
		base = 16;
	} else if (base == 0) {
		base = found ? 8 : 10;
	}
	for (; (digit = digit_value(peek(s))) < base; take(s)) {
		found = true;
		over |= __builtin_mul_overflow(n, base, &n);
		over |= __builtin_add_overflow(n, digit, &n);
	}
	if (!found)
		return OTHER;

	most = is_signed ? (uint64_t)INT64_MAX + negative : UINT64_MAX;
	if (over || n > most) {
		n = most;
		negative = negative && is_signed;
	}
	store_number(s, negative ? -n : n);
	s->stored += s->store;
	return FITS;
}

/* Which characters belong to the field? A set that does not end is none. */
static bool choose(struct scanner *s, char letter, bool set[256])
{
	const unsigned char *f = (const unsigned char *)s->format;
	bool in = *f != '^';
	int c;

	for (c = 0; c < 256; c++)
		set[c] = letter == '[' ? !in : letter == 'c' || !isspace(c);
	if (letter != '[')
		return true;

	f += !in;
	if (*f == ']' || *f == '-') /* as the first they mean themselves */
		set[*f++] = in;
	for (; *f && *f != ']'; f++) {
		if (*f == '-' && f[1] && f[1] != ']' && f[-1] <= f[1])
			memset(set + f[-1], in, f[1] - f[-1]); /* f[1] comes next */
		else
			set[*f] = in;
	}
	s->format = (const char *)f + (*f == ']');
	return *f;
}

static enum result scan_text(struct scanner *s, char letter)
{
	char *text = s->store ? va_arg(s->args, char *) : NULL;
	size_t length = 0;
	bool set[256];

	if (!choose(s, letter, set))
		return OTHER;
	if (peek(s) == EOF)
		return NO_INPUT;
	for (; peek(s) != EOF && set[peek(s)]; take(s), length++) {
		if (text)
			text[length] = peek(s);
	}
	if (!length)
		return OTHER;
	if (text && letter != 'c')
		text[length] = '\0';
	s->stored += s->store;
	return FITS;
}

static enum result convert(struct scanner *s)
{
	unsigned int width;
	char letter;

	s->format++;
	s->store = *s->format != '*';
	s->format += !s->store;
	width = format_number(&s->format);
	s->bytes = format_size(&s->format);
	letter = format_letter(&s->format);

	if (!strchr("c[n", letter)) /* nor at the end: strchr finds the 0 */
		skip_space(s);
	if (width || letter == 'c')
		s->width = width ? width : 1;
	switch (letter) {
	case 'd':
	case 'i':
		return scan_number(s, letter == 'i' ? 0 : 10, true);
	case 'u':
	case 'o':
	case 'x':
		return scan_number(s, format_base(letter), false);
	case 's':
	case 'c':
	case '[':
		return scan_text(s, letter);
	case 'n':
		store_number(s, s->taken); /* not counted, since nothing was read for it */
		return FITS;
	case '%':
		return scan_literal(s, '%');
	}
	return OTHER;
}

static int scan(struct scanner *s, const char *format, va_list args)
{
	enum result result = FITS;

	va_copy(s->args, args);
	s->format = format;
	while (*s->format && result == FITS) {
		s->width = UINT32_MAX; /* as much as there is */
		if (*s->format == '%')
			result = convert(s);
		else if (isspace(*s->format++))
			skip_space(s);
		else
			result = scan_literal(s, s->format[-1]);
	}
	va_end(s->args);
	return result == NO_INPUT && !s->stored ? EOF : s->stored;
}

int vscanf(const char *format, va_list args)
{
	static int held_back = NONE;
	struct scanner s = { .ahead = held_back };
	int stored = scan(&s, format, args);

	held_back = s.ahead == EOF ? NONE : s.ahead; /* after an end there may be more */
	return stored;
}

int vsscanf(const char *text, const char *format, va_list args)
{
	struct scanner s = { .text = text, .ahead = NONE };

	return scan(&s, format, args);
}
