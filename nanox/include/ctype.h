/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kinds of characters, of ASCII only. Any int may be asked about.
 */
#ifndef NANOX_CTYPE_H
#define NANOX_CTYPE_H

static inline int isdigit(int c)
{
	return c >= '0' && c <= '9';
}

static inline int isupper(int c)
{
	return c >= 'A' && c <= 'Z';
}

static inline int islower(int c)
{
	return c >= 'a' && c <= 'z';
}

static inline int isalpha(int c)
{
	return isupper(c) || islower(c);
}

static inline int isprint(int c)
{
	return c >= ' ' && c <= '~';
}

/* Blank, tab, new line, vertical tab, form feed, carriage return. */
static inline int isspace(int c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static inline int tolower(int c)
{
	return isupper(c) ? c - 'A' + 'a' : c;
}

static inline int toupper(int c)
{
	return islower(c) ? c - 'a' + 'A' : c;
}

#endif /* NANOX_CTYPE_H */
