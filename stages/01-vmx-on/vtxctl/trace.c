// SPDX-License-Identifier: GPL-2.0-only
/*
 * What we did, as a file: one JSON object a line. `make stage-NN explain` tells
 * it in sentences and `picture` draws it; here it is only noted.
 *
 * Who waits asks the same again and again, a million times in a row. So events
 * that repeat, also two that take turns, are one line that says how often.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "vtxctl.h"

static FILE *trace;

static struct event {
	char what[512];
	double begin, end, took; /* of the first, of the last, of all */
	unsigned long times;
} events[2];

static void trace_write(void)
{
	size_t i;

	for (i = 0; i < 2 && events[i].times; i++)
		fprintf(trace, "{\"begin\":%.3f,\"end\":%.3f,\"took\":%.3f,\"times\":%lu,%s}\n",
			events[i].begin, events[i].end, events[i].took, events[i].times,
			events[i].what);
	memset(events, 0, sizeof(events));
}

static void trace_close(void)
{
	trace_write();
	if (fclose(trace))
		fprintf(stderr, "vtxctl: the trace is not complete: %s\n", strerror(errno));
}

void trace_open(const char *path)
{
	trace = fopen(path, "we");
	if (!trace)
		die(STATUS_USAGE, "--trace %s: %s", path, strerror(errno));
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

void trace_event(double begin, const char *fmt, ...)
{
	struct event new = { .begin = begin, .end = trace_now(), .times = 1 };
	va_list ap;
	size_t i;

	if (!trace)
		return;
	new.took = new.end - begin;
	va_start(ap, fmt);
	vsnprintf(new.what, sizeof(new.what), fmt, ap);
	va_end(ap);

	for (i = 0; i < 2 && events[i].times; i++) {
		if (!strcmp(events[i].what, new.what)) {
			events[i].end = new.end;
			events[i].took += new.took;
			events[i].times++;
			return;
		}
	}
	if (i == 2) {
		trace_write();
		i = 0;
	}
	events[i] = new;
}
