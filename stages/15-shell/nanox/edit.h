/* SPDX-License-Identifier: GPL-2.0-only */
/* A line, typed and mended. */
#ifndef EDIT_H
#define EDIT_H

#include <stddef.h>

#define LINE_MAX 72 /* with the prompt it fits into a row of the terminal */

/* What to add to the first `size` characters of text, or NULL: something was printed. */
typedef const char *complete_fn(const char *text, size_t size);

/* The line, until the next call. NULL: it was too long. Without `complete` Tab does nothing. */
const char *edit_line(const char *prompt, complete_fn *complete);
void edit_remember(const char *text); /* for the keys Up and Down */

#endif /* EDIT_H */
