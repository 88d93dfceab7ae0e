// SPDX-License-Identifier: GPL-2.0-only
/*
 * What we did, as a file: one JSON object a line. `make stage-NN explain` tells
 * it in sentences and `picture` draws it; here it is only noted.
 *
 * Who waits asks the same again and again, a million times in a row: that is
 * one line, which says how often. A guest that never ends would still fill the
 * disc, so after some thousand lines we only count.
 */
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "vtxctl.h"

static FILE *trace;

#define LINES_MAX 50000

/* The last event, not yet written: the next may be the same. */
static struct event {
	char what[512];
	double begin, end;
	unsigned long times;
} last;

static unsigned long lines, lost;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* two threads have something to note */

static void trace_write(void)
{
	if (!last.times)
		return;
	if (lines++ < LINES_MAX)
		fprintf(trace, "{\"begin\":%.3f,\"end\":%.3f,\"times\":%lu,%s}\n", last.begin,
			last.end, last.times, last.what);
	else
		lost += last.times;
}

static void trace_close(void)
{
	trace_write();
	if (lost)
		fprintf(trace, "{\"lost\":%lu}\n", lost);
	if (fclose(trace))
		fprintf(stderr, "vtxctl: the trace is not complete: %s\n", strerror(errno));
}

void trace_open(const char *path)
{
	trace = fopen(path, "we");
	if (!trace)
		die(STATUS_USAGE, "--trace %s: %s", path, strerror(errno));
	setvbuf(trace, NULL, _IOLBF, 0); /* whatever becomes of us, a line is whole */
	atexit(trace_close);
}

bool trace_wanted(void)
{
	return trace;
}

double trace_now(void)
{
	struct timespec now;

	if (!trace)
		return 0;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e6 + now.tv_nsec / 1e3;
}

void trace_event(double begin, double end, const char *fmt, ...)
{
	struct event new = { .begin = begin, .end = end, .times = 1 };
	va_list ap;

	if (!trace)
		return;
	va_start(ap, fmt);
	vsnprintf(new.what, sizeof(new.what), fmt, ap);
	va_end(ap);

	pthread_mutex_lock(&lock);
	if (!strcmp(last.what, new.what)) {
		last.end = end;
		last.times++;
	} else {
		trace_write();
		last = new;
	}
	pthread_mutex_unlock(&lock);
}
