// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory runs out when a guest's tables are half-way built: a memory cgroup
 * allows one page more at each try.
 *
 * usage: mem_short CGROUP	a folder below a mounted memory cgroup
 */
#include "mem_vm.h"

#define SIZE (12UL << 20)
/* Off the boundary of 2 MiB: each page has an entry of its own. */
#define GPA PAGE
/* Linux charges so many pages in advance. */
#define ADVANCE 64
/* More than the VM needs. */
#define MOST_PAGES 300

static const char *cgroup;

static int cgroup_open(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", cgroup, name);
	return must(path, open(path, O_WRONLY | O_CLOEXEC));
}

static int cgroup_write(int file, long value)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%ld", value);

	return pwrite(file, text, n, 0) == n ? 0 : -1;
}

static long cgroup_usage(void)
{
	char path[256];
	FILE *file;
	long bytes;

	snprintf(path, sizeof(path), "%s/memory.usage_in_bytes", cgroup);
	file = fopen(path, "r");
	if (!file || fscanf(file, "%ld", &bytes) != 1)
		err(1, "%s", path);
	fclose(file);
	return bytes;
}

/* Much address space over little memory, so that the tables are the larger part. */
static uint8_t *thin_memory(void)
{
	int file = must("memfd_create", memfd_create("thin", MFD_CLOEXEC));
	uint8_t *mem = map_ram(SIZE, 0), *at;

	must("ftruncate", ftruncate(file, LARGE));
	for (at = mem; at < mem + SIZE; at += LARGE)
		if (mmap(at, LARGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_POPULATE,
			 file, 0) == MAP_FAILED)
			err(1, "mmap");
	return mem;
}

static unsigned long present(int vm, unsigned long step)
{
	unsigned long offset, n = 0;

	for (offset = 0; offset < SIZE; offset += step)
		n += translate(vm, GPA + offset).flags == VTX_TRANSLATE_PRESENT;
	return n;
}

static unsigned long wrong(int vm, const uint8_t *mem)
{
	uint64_t *where = physical_pages(mem, SIZE);
	unsigned long offset, n = 0;

	for (offset = 0; offset < SIZE; offset += PAGE)
		n += translate(vm, GPA + offset).hpa != where[offset / PAGE];
	free(where);
	return n;
}

int main(int argc, char **argv)
{
	unsigned long refused = 0, half_way = 0, left = 0;
	uint8_t *mem;
	long start, limit, err = -1;
	int vm, limit_file, reason;

	if (argc != 2)
		errx(1, "usage: mem_short CGROUP");
	cgroup = argv[1];
	must("cgroup.procs", cgroup_write(cgroup_open("cgroup.procs"), getpid()));
	/* Refuse, do not kill. */
	must("memory.oom_control", cgroup_write(cgroup_open("memory.oom_control"), 1));
	/* Opened before it is short: an open file is memory, too. */
	limit_file = cgroup_open("memory.limit_in_bytes");
	mem = thin_memory();
	must("mlockall", mlockall(MCL_CURRENT | MCL_FUTURE));
	vm = open_vtx();
	present(vm, LARGE);
	close(vm);

	start = cgroup_usage() / PAGE - ADVANCE;
	for (limit = 0; limit < MOST_PAGES && err; limit++) {
		vm = open_vtx();
		/* Refused as long as we have more than that. */
		if (cgroup_write(limit_file, (start + limit) * PAGE)) {
			close(vm);
			continue;
		}
		err = map_memory(vm, GPA, mem, SIZE, 0);
		reason = errno;
		must("no limit", cgroup_write(limit_file, -1));
		errno = reason;
		if (err && errno != ENOMEM)
			tell("not ENOMEM, but", err);
		if (err) {
			refused++;
			left += present(vm, LARGE);
			/* PML4, PDPT, PD, PT: with more than one PT it had come somewhere. */
			half_way += counter("pages") > 5;
			/* What is left of the tables is no hindrance. */
			if (limit % 4 == 0)
				left += map_memory(vm, GPA, mem, SIZE, 0) ? 1 : wrong(vm, mem);
		}
		close(vm);
		if (counter("vms") || counter("pages"))
			errx(1, "%ld VMs and %ld pages are left", counter("vms"), counter("pages"));
	}
	printf("refused: %lu\n", refused);
	printf("refused half-way: %lu\n", half_way);
	printf("mistakes: %lu\n", left);
	printf("in the end: %s\n", err ? "never enough" : "ok");
	return 0;
}
