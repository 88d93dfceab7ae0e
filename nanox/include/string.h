/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef NANOX_STRING_H
#define NANOX_STRING_H

#include <stddef.h>

/* gcc calls these four by itself, for instance to copy a structure. */
void *memcpy(void *to, const void *from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);

size_t strlen(const char *text);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t most);
char *strchr(const char *text, int c);

#endif /* NANOX_STRING_H */
