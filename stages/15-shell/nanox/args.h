/* SPDX-License-Identifier: GPL-2.0-only */
/* What stands behind a command, word for word. */
#ifndef ARGS_H
#define ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

const char *arg_next(const char *text); /* the next word, or the end */
size_t arg_word_size(const char *text);
bool arg_is(const char *text, const char *word); /* this one, and nothing behind it? */

/*
 * The number at *text, with or without 0x if the base is 16. *text moves to the next
 * word. False: it is none, or has more than 32 bits.
 */
bool arg_number(const char **text, unsigned int base, uint32_t *value);

/* A number that begins here. Return: what stands behind it; NULL as above. */
const char *number(const char *text, unsigned int base, uint32_t *value);

#endif /* ARGS_H */
