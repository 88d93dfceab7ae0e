// SPDX-License-Identifier: GPL-2.0-only
/*
 * The run as a picture: a file of trace events, one for each turn of the guest
 * and one for each answer to it. Perfetto and Chrome's about:tracing open it
 * ("Trace Event Format": ph X is a span, ts and dur are microseconds).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "vtxctl.h"

static FILE *trace;
static const char *separator = "[\n";

void trace_open(const char *path)
{
	trace = fopen(path, "we");
	if (!trace)
		die(STATUS_USAGE, "--trace %s: %s", path, strerror(errno));
}

double trace_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e6 + now.tv_nsec / 1e3;
}

/* One span on one of the two lanes, 1 for the guest, 2 for VTXCTL. */
void trace_span(int lane, const char *name, double begin, double end)
{
	if (!trace)
		return;
	fprintf(trace,
		"%s{\"name\":\"%s\",\"ph\":\"X\",\"ts\":%.3f,\"dur\":%.3f,\"pid\":1,\"tid\":%d}",
		separator, name, begin, end - begin, lane);
	separator = ",\n";
}

void trace_close(void)
{
	if (!trace)
		return;
	fprintf(trace,
		"%s{\"name\":\"thread_name\",\"ph\":\"M\",\"pid\":1,\"tid\":1,\"args\":{\"name\":\"guest\"}}"
		",\n{\"name\":\"thread_name\",\"ph\":\"M\",\"pid\":1,\"tid\":2,\"args\":{\"name\":\"VTXCTL\"}}\n]\n",
		separator);
	if (fclose(trace))
		fprintf(stderr, "vtxctl: the trace is not complete: %s\n", strerror(errno));
	trace = NULL;
}
