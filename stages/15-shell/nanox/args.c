// SPDX-License-Identifier: GPL-2.0-only
/* Words and numbers behind a command. */
#include <ctype.h>
#include <string.h>

#include "args.h"

const char *arg_next(const char *text)
{
	while (*text == ' ')
		text++;
	return text;
}

size_t arg_word_size(const char *text)
{
	size_t size = 0;

	while (text[size] && text[size] != ' ')
		size++;
	return size;
}

bool arg_is(const char *text, const char *word)
{
	size_t size = strlen(word);

	return !strncmp(text, word, size) && !*arg_next(text + size);
}

static unsigned int digit(int c)
{
	if (isdigit(c))
		return c - '0';
	return isalpha(c) ? (unsigned int)(tolower(c) - 'a' + 10) : 99;
}

const char *number(const char *text, unsigned int base, uint32_t *value)
{
	if (text[0] == '0' && tolower(text[1]) == 'x' && digit(text[2]) < 16) {
		base = 16;
		text += 2;
	}
	if (digit(*text) >= base)
		return NULL;
	for (*value = 0; digit(*text) < base; text++) {
		if (__builtin_mul_overflow(*value, base, value) ||
		    __builtin_add_overflow(*value, digit(*text), value))
			return NULL;
	}
	return text;
}

bool arg_number(const char **text, unsigned int base, uint32_t *value)
{
	const char *end = number(*text, base, value);

	if (!end || (*end && *end != ' '))
		return false;
	*text = arg_next(end);
	return true;
}
