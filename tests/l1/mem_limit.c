// SPDX-License-Identifier: GPL-2.0-only
/*
 * A process without CAP_IPC_LOCK and with RLIMIT_MEMLOCK at 1 MiB: what it
 * gives to a guest is charged to it, and given back.
 */
#include <sys/resource.h>
#include <sys/wait.h>

#include "mem_vm.h"

#define LIMIT (1UL << 20)
#define NOBODY 65534

/* What Linux says that this process has locked, in KiB. */
static long locked(void)
{
	FILE *status = fopen("/proc/self/status", "r");
	char line[200];
	long kib = -1;

	while (status && fgets(line, sizeof(line), status))
		sscanf(line, "VmLck: %ld", &kib);
	if (kib < 0)
		err(1, "/proc/self/status");
	fclose(status);
	return kib;
}

static void tell_locked(const char *what)
{
	printf("%s: %ld KiB locked\n", what, locked());
}

int main(void)
{
	const struct rlimit limit = { LIMIT, LIMIT };
	uint8_t *ram = map_ram(4 * LIMIT, MADV_NOHUGEPAGE);
	int vm = open_vtx(), other = open_vtx();
	long pages = counter("pages");

	must("setrlimit", setrlimit(RLIMIT_MEMLOCK, &limit));
	must("setuid", setuid(NOBODY));
	tell_locked("at first");

	tell("more than the limit", map_memory(vm, 0, ram, LIMIT + PAGE, 0));
	tell_locked("after that");
	printf("pages held after that: %ld\n", counter("pages") - pages);

	tell("three quarters", map_memory(vm, 0, ram, LIMIT / 4 * 3, 0));
	tell_locked("after three quarters");
	tell("half of the limit, in another VM", map_memory(other, 0, ram, LIMIT / 2, 0));
	tell_locked("after the second refusal");
	tell("a failure of another kind", map_memory(vm, 0, ram, LIMIT / 4, 0));
	tell("a failure while pinning", map_memory(vm, LIMIT, (void *)PAGE, LIMIT / 4, 0));
	tell_locked("after the failures");
	tell("the last quarter", map_memory(vm, LIMIT, ram + LIMIT, LIMIT / 4, 0));
	tell_locked("after the last quarter");
	tell("one page more", map_memory(vm, 2 * LIMIT, ram, PAGE, 0));

	close(vm);
	tell_locked("after its end");
	tell("all of it, in the other VM", map_memory(other, 0, ram, LIMIT, 0));
	close(other);
	tell_locked("at the end");
	return 0;
}
