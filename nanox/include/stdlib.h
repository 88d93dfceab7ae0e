/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef NANOX_STDLIB_H
#define NANOX_STDLIB_H

/*
 * What is too large becomes the largest number that there is. There is no
 * errno. Base 0: 0x and 0 in front say it, else 10. Both are in string.c.
 */
unsigned long strtoul(const char *text, char **end, int base);
long strtol(const char *text, char **end, int base);

#endif /* NANOX_STDLIB_H */
