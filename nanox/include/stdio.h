/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef NANOX_STDIO_H
#define NANOX_STDIO_H

#include <stdarg.h>
#include <stddef.h>

#define EOF (-1)

/* console.c: one character out, as it is returned; one character in, or EOF. */
int putchar(int c);
int getchar(void);

/* How many characters it is, or would be if the string had room. */
int puts(const char *text);
int printf(const char *format, ...) __attribute__((format(__printf__, 1, 2)));
int vprintf(const char *format, va_list args);
int snprintf(char *text, size_t size, const char *format, ...)
	__attribute__((format(__printf__, 3, 4)));
int vsnprintf(char *text, size_t size, const char *format, va_list args);

/* How many values were stored, or EOF if input ended before the first. */
int scanf(const char *format, ...) __attribute__((format(__scanf__, 1, 2)));
int vscanf(const char *format, va_list args);
int sscanf(const char *text, const char *format, ...) __attribute__((format(__scanf__, 2, 3)));
int vsscanf(const char *text, const char *format, va_list args);

#endif /* NANOX_STDIO_H */
