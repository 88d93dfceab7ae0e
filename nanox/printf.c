// SPDX-License-Identifier: GPL-2.0-only
/*
 * printf and its family: text is copied, and for each % an argument is turned
 * into characters. They go to putchar(), or into a string.
 *
 * After a % stand, in this order, and all but the letter may be missing:
 *
 *   flags       -  to the left    0  zeros in front    #  0 or 0x in front
 *               +  a plus, too    blank  a blank instead of the plus
 *   width       at least so many characters; * takes it from the arguments
 *   .precision  at least so many digits; of a string, at most so many characters
 *   length      hh  char    h  short    l  long    ll  long long    z  size_t
 *   letter      d i  signed    u x X o  unsigned    c  s  p  and % itself
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "format.h"

struct printer {
	bool console; /* else into text, which has room for size */
	char *text;
	size_t size;
	size_t count; /* of characters so far, even where there was no room */
	const char *format; /* what is not yet read of it */
	va_list args; /* those not yet used */

	/* The % at which we are: */
	bool flag[128]; /* by its character */
	unsigned int width;
	int precision; /* less than 0: none */
	size_t bytes; /* of the integer */
	char letter;
};

/* --- characters go out --- */

static void put(struct printer *p, char c)
{
	if (p->console)
		putchar((unsigned char)c);
	else if (p->count < p->size)
		p->text[p->count] = c;
	p->count++;
}

static void put_many(struct printer *p, char c, unsigned int n)
{
	while (n--)
		put(p, c);
}

/* A sign or 0x, then zeros, then the text; and blanks until it is as wide as asked for. */
static void put_field(struct printer *p, const char *sign, unsigned int zeros, const char *text,
		      size_t length)
{
	size_t all = strlen(sign) + zeros + length;
	unsigned int blanks = p->width > all ? p->width - all : 0;

	if (!p->flag['-'])
		put_many(p, ' ', blanks);
	while (*sign)
		put(p, *sign++);
	put_many(p, '0', zeros);
	while (length--)
		put(p, *text++);
	if (p->flag['-'])
		put_many(p, ' ', blanks);
}

/* --- an argument becomes text --- */

static void put_number(struct printer *p, const char *sign, uint64_t value)
{
	const char *symbols = p->letter == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
	unsigned int base = format_base(p->letter);
	char digits[22]; /* 64 bits in octal */
	char *first = digits + sizeof(digits); /* the last digit comes out first */
	unsigned int length, least, zeros;

	while (value)
		*--first = symbols[take_digit(&value, base)];
	length = digits + sizeof(digits) - first;

	least = p->precision < 0 ? 1 : p->precision; /* 0 itself has no digit so far */
	if (p->flag['0'] && !p->flag['-'] && p->precision < 0 && p->width > strlen(sign))
		least = p->width - strlen(sign);
	zeros = least > length ? least - length : 0;
	if (p->flag['#'] && base == 8 && !zeros)
		zeros = 1;
	put_field(p, sign, zeros, first, length);
}

static void put_signed(struct printer *p, int64_t value)
{
	const char *sign = "";

	if (value < 0)
		sign = "-";
	else if (p->flag['+'])
		sign = "+";
	else if (p->flag[' '])
		sign = " ";
	put_number(p, sign, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

static void put_unsigned(struct printer *p, uint64_t value)
{
	const char *sign = "";

	if (p->flag['#'] && value && p->letter == 'x')
		sign = "0x";
	else if (p->flag['#'] && value && p->letter == 'X')
		sign = "0X";
	put_number(p, sign, value);
}

static void put_string(struct printer *p, const char *text)
{
	size_t most = p->precision; /* none: less than 0, which makes a very large size_t */
	size_t length = 0;

	if (!text)
		text = most < 6 ? "" : "(null)"; /* all of it or nothing */
	while (length < most && text[length])
		length++;
	put_field(p, "", 0, text, length);
}

/* An integer from the arguments. The caller has made an int of what is smaller. */
static uint64_t next_integer(struct printer *p, bool is_signed)
{
	unsigned int unused = 64 - 8 * p->bytes; /* bits */
	uint64_t value;

	if (p->bytes > sizeof(int))
		value = va_arg(p->args, unsigned long long);
	else
		value = va_arg(p->args, unsigned int);
	value <<= unused; /* and back: what comes in from the left is the sign, or zeros */
	return is_signed ? (uint64_t)((int64_t)value >> unused) : value >> unused;
}

/* --- the format --- */

/* A width or a precision: it stands here, or * says that it is an argument. */
static int read_number(struct printer *p)
{
	if (*p->format != '*')
		return format_number(&p->format);
	p->format++;
	return va_arg(p->args, int);
}

/* All from a % to its letter. */
static void read_spec(struct printer *p)
{
	memset(p->flag, false, sizeof(p->flag));
	while (*++p->format && strchr("-+ 0#", *p->format))
		p->flag[(int)*p->format] = true;
	p->width = read_number(p);
	if ((int)p->width < 0) {
		p->flag['-'] = true;
		p->width = -p->width;
	}
	p->precision = -1;
	if (*p->format == '.') {
		p->format++;
		p->precision = read_number(p);
	}
	p->bytes = format_size(&p->format);
	p->letter = format_letter(&p->format);
}

static void convert(struct printer *p)
{
	const char *start = p->format;
	char c;

	read_spec(p);
	switch (p->letter) {
	case 'd':
	case 'i':
		put_signed(p, next_integer(p, true));
		break;
	case 'u':
	case 'o':
	case 'x':
	case 'X':
		put_unsigned(p, next_integer(p, false));
		break;
	case 'c':
		c = va_arg(p->args, int);
		put_field(p, "", 0, &c, 1);
		break;
	case 's':
		put_string(p, va_arg(p->args, const char *));
		break;
	case 'p':
		put_number(p, "0x", (uintptr_t)va_arg(p->args, void *));
		break;
	case '%':
		put(p, '%');
		break;
	default: /* not one of ours: shown as it is */
		while (start < p->format)
			put(p, *start++);
	}
}

static int print(struct printer *p, const char *format, va_list args)
{
	va_copy(p->args, args);
	p->format = format;
	while (*p->format) {
		if (*p->format == '%')
			convert(p);
		else
			put(p, *p->format++);
	}
	va_end(p->args);
	return p->count;
}

int vprintf(const char *format, va_list args)
{
	struct printer p = { .console = true };

	return print(&p, format, args);
}

int vsnprintf(char *text, size_t size, const char *format, va_list args)
{
	struct printer p = { .text = text, .size = size };

	print(&p, format, args);
	if (size) /* if all of it is full, the last one makes room for the 0 */
		text[p.count < size ? p.count : size - 1] = '\0';
	return p.count;
}
