// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long a VM lives, and its memory with it. Each word on the command line
 * is one story; see the table at the end.
 */
#include <elf.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "mem_vm.h"

#define SIZE (1UL << 20)
#define MANY 200

static int vm_with_memory(void)
{
	int vm = open_vtx();

	must("VTX_MAP_MEMORY", map_memory(vm, 0, map_ram(SIZE, MADV_NOHUGEPAGE), SIZE, 0));
	return vm;
}

static void tell_counters(const char *when)
{
	printf("%s: %ld VMs, %s\n", when, counter("vms"), counter("pages") ? "pages" : "no pages");
	fflush(stdout);
}

static void must_end_well(pid_t child)
{
	int status;

	must("waitpid", waitpid(child, &status, 0));
	if (status)
		errx(1, "the child ended with status %#x", status);
}

static void ask_as_stranger(int vm)
{
	struct vtx_caps caps = { .size = sizeof(caps) };
	struct vtx_translate t = {};

	tell("child: VTX_GET_CAPS", ioctl(vm, VTX_GET_CAPS, &caps));
	tell("child: VTX_MAP_MEMORY", map_memory(vm, SIZE, map_ram(SIZE, 0), SIZE, 0));
	tell("child: VTX_TRANSLATE", ioctl(vm, VTX_TRANSLATE, &t));
}

/* A child has the descriptor, but its memory is another. */
static void story_fork(void)
{
	int vm = vm_with_memory();
	pid_t child = must("fork", fork());

	if (!child) {
		ask_as_stranger(vm);
		exit(0);
	}
	must_end_well(child);
	tell_counters("after the child");
	printf("parent: %s\n", translate(vm, 0).flags ? "has its memory" : "lost its memory");
}

/* The process that made the VM is gone, and all its memory; the VM is not. */
static void story_heir(void)
{
	int go[2], vm;
	pid_t maker, heir;
	char byte;

	must("prctl", prctl(PR_SET_CHILD_SUBREAPER, 1));
	must("pipe", pipe(go));
	maker = must("fork", fork());
	if (!maker) {
		close(go[1]);
		vm = vm_with_memory();
		heir = must("fork", fork());
		if (heir)
			_exit(0);
		must("read", read(go[0], &byte, 1));
		tell_counters("after its maker");
		ask_as_stranger(vm);
		close(vm);
		tell_counters("after its heir");
		exit(0);
	}
	must_end_well(maker);
	close(go[1]);
	must_end_well(-1);
}

/* One byte of the machine's memory, as in vtxctl/walk.c; -1 if Linux will not. */
static int read_physical(uint64_t hpa)
{
	int fd = must("/proc/kcore", open("/proc/kcore", O_RDONLY | O_CLOEXEC));
	int i, got = -1;
	uint8_t byte;
	Elf64_Ehdr eh;
	Elf64_Phdr ph;

	must("ELF header", pread(fd, &eh, sizeof(eh), 0));
	for (i = 0; i < eh.e_phnum && got < 0; i++) {
		must("program header", pread(fd, &ph, sizeof(ph), eh.e_phoff + i * sizeof(ph)));
		if (ph.p_type == PT_LOAD && hpa >= ph.p_paddr && hpa - ph.p_paddr < ph.p_filesz &&
		    pread(fd, &byte, 1, ph.p_offset + hpa - ph.p_paddr) == 1)
			got = byte;
	}
	close(fd);
	return got;
}

/* What the guest has it keeps, whatever becomes of our view of it. */
static void story_munmap(void)
{
	int vm = open_vtx();
	uint8_t *ram = map_ram(SIZE, MADV_NOHUGEPAGE);
	struct vtx_translate before, after;
	void *other;

	memset(ram, 'N', SIZE);
	must("VTX_MAP_MEMORY", map_memory(vm, 0, ram, SIZE, 0));
	before = translate(vm, SIZE / 2);
	must("munmap", munmap(ram, SIZE));
	/* Had Linux got the pages back, they would soon be somebody else's. */
	other = mmap(NULL, 32 * SIZE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	memset(other, 'x', 32 * SIZE);
	after = translate(vm, SIZE / 2);
	printf("it lies: %s\n", after.hpa == before.hpa ? "where it lay" : "elsewhere");
	printf("and holds: %c\n", read_physical(after.hpa));
	tell_counters("still");
	close(vm);
	tell_counters("in the end");
}

static void story_duplicate(void)
{
	int vm = vm_with_memory(), twin = must("dup", dup(vm));

	close(vm);
	tell_counters("one closed");
	printf("the other: %s\n", translate(twin, 0).flags ? "has its memory" : "lost its memory");
	close(twin);
	tell_counters("both closed");
}

static void story_many(void)
{
	int vms[MANY], i, j, swap;
	void *ram = map_ram(SIZE, MADV_NOHUGEPAGE);

	/* All have the same memory of ours: that is no overlap. */
	for (i = 0; i < MANY; i++) {
		vms[i] = open_vtx();
		must("VTX_MAP_MEMORY", map_memory(vms[i], (uint64_t)i << 24, ram, SIZE, 0));
	}
	tell_counters("all open");
	srand(1);
	for (i = MANY - 1; i > 0; i--) {
		j = rand() % (i + 1);
		swap = vms[i];
		vms[i] = vms[j];
		vms[j] = swap;
	}
	for (i = 0; i < MANY; i++)
		close(vms[i]);
	tell_counters("all closed");
}

/* Until somebody kills us. */
static void story_hold(void)
{
	vm_with_memory();
	tell_counters("held");
	pause();
}

static void story_busy(void)
{
	const unsigned long size = 16UL << 20;
	uint8_t *ram = map_ram(size, MADV_NOHUGEPAGE);
	int vm;

	for (;;) {
		vm = open_vtx();
		must("VTX_MAP_MEMORY", map_memory(vm, 0, ram, size, 0));
		close(vm);
		puts("round: ok");
		fflush(stdout);
	}
}

static const struct {
	const char *name;
	void (*tell)(void);
} stories[] = {
	{ "fork", story_fork },
	{ "heir", story_heir },
	{ "munmap", story_munmap },
	{ "duplicate", story_duplicate },
	{ "many", story_many },
	{ "hold", story_hold },
	{ "busy", story_busy },
};

int main(int argc, char **argv)
{
	size_t i;

	for (i = 0; i < sizeof(stories) / sizeof(stories[0]); i++)
		if (argc == 2 && !strcmp(argv[1], stories[i].name)) {
			stories[i].tell();
			return 0;
		}
	errx(1, "which story?");
}
