/* SPDX-License-Identifier: GPL-2.0-only */
/* What test programs print for Vtx.ask(): one line for each thing tried. */
#ifndef TELL_H
#define TELL_H

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "what: ok", or the name of the error. Gives back what it got. */
static inline long tell(const char *what, long ret)
{
	printf("%s: %s\n", what, ret < 0 ? strerrorname_np(errno) : "ok");
	fflush(stdout);
	return ret;
}

/* "what: 0x123" */
static inline void tell_number(const char *what, unsigned long long number)
{
	printf("%s: %#llx\n", what, number);
	fflush(stdout);
}

/* For steps that are not what the test is about. */
static inline long must(const char *what, long ret)
{
	if (ret < 0)
		err(1, "%s", what);
	return ret;
}

static inline int open_vtx(void)
{
	return must("open /dev/vtx", open("/dev/vtx", O_RDWR | O_CLOEXEC));
}

#endif /* TELL_H */
