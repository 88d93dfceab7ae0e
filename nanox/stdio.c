// SPDX-License-Identifier: GPL-2.0-only
/*
 * The functions that end in dots. What the dots stand for can only be reached
 * through a va_list, so each hands one to its sister with a v in front.
 */
#include <stdarg.h>
#include <stdio.h>

int printf(const char *format, ...)
{
	va_list args;
	int count;

	va_start(args, format);
	count = vprintf(format, args);
	va_end(args);
	return count;
}

int snprintf(char *text, size_t size, const char *format, ...)
{
	va_list args;
	int count;

	va_start(args, format);
	count = vsnprintf(text, size, format, args);
	va_end(args);
	return count;
}

int scanf(const char *format, ...)
{
	va_list args;
	int stored;

	va_start(args, format);
	stored = vscanf(format, args);
	va_end(args);
	return stored;
}

int sscanf(const char *text, const char *format, ...)
{
	va_list args;
	int stored;

	va_start(args, format);
	stored = vsscanf(text, format, args);
	va_end(args);
	return stored;
}

int puts(const char *text)
{
	return printf("%s\n", text);
}
