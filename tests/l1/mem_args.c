// SPDX-License-Identifier: GPL-2.0-only
/* VTX_MAP_MEMORY and VTX_TRANSLATE: what they say to bad and to borderline arguments. */
#include "mem_vm.h"

static uint64_t top; /* one more than the highest guest-physical address */

static void map(int vm, const char *what, struct vtx_memory m)
{
	tell(what, ioctl(vm, VTX_MAP_MEMORY, &m));
}

#define MEM(at, bytes, mem, ...) \
	((struct vtx_memory){ .gpa = at, .size = bytes, .user_addr = mem, ##__VA_ARGS__ })

static void bad_numbers(int vm, uint64_t mem)
{
	map(vm, "gpa misaligned", MEM(0x100, PAGE, mem));
	map(vm, "size misaligned", MEM(0, PAGE + 1, mem));
	map(vm, "user_addr misaligned", MEM(0, PAGE, mem + 8));
	map(vm, "size zero", MEM(0, 0, mem));
	map(vm, "unknown flag", MEM(0, PAGE, mem, .flags = 2));
	map(vm, "highest flag", MEM(0, PAGE, mem, .flags = 1u << 31));
	map(vm, "reserved set", MEM(0, PAGE, mem, .reserved = 1));

	map(vm, "begins beyond", MEM(top, PAGE, mem));
	map(vm, "ends beyond", MEM(top - PAGE, 2 * PAGE, mem));
	map(vm, "size beyond", MEM(0, top + PAGE, mem));
	map(vm, "end wraps round", MEM(-PAGE, 2 * PAGE, mem));
	map(vm, "size wraps round", MEM(PAGE, -PAGE, mem));

	tell("map: no pointer", ioctl(vm, VTX_MAP_MEMORY, NULL));
	tell("map: pointer into the kernel", ioctl(vm, VTX_MAP_MEMORY, 0xffff888000000000));
}

static void bad_memory(int vm, uint8_t *mem)
{
	void *readonly = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct vtx_translate t;

	map(vm, "no memory there", MEM(0, PAGE, PAGE));
	map(vm, "kernel memory", MEM(0, PAGE, 0xffff888000000000));
	map(vm, "past the end of user memory",
	    MEM(0, 2 * PAGE, 0x7ffffffff000 - PAGE));
	map(vm, "memory that we may not write",
	    MEM(0, PAGE, (uintptr_t)readonly, .flags = VTX_MEM_READONLY));

	/* 8 MiB with a hole: more than VTXDRV pins in one go. */
	must("mprotect", mprotect(mem + (6 << 20), PAGE, PROT_NONE));
	map(vm, "a hole half-way", MEM(0, 8 << 20, (uintptr_t)mem));
	t = translate(vm, 0);
	printf("what lies before the hole: %s\n", t.flags ? "mapped" : "not mapped");
	must("mprotect", mprotect(mem + (6 << 20), PAGE, PROT_READ | PROT_WRITE));
}

/* All want the pages 16 to 31 of the guest, or a part of them. */
static void overlaps(int vm, uint64_t mem)
{
	const uint64_t at = 16 * PAGE, size = 16 * PAGE;

	map(vm, "first", MEM(at, size, mem));
	map(vm, "the same again", MEM(at, size, mem));
	map(vm, "its first page", MEM(at, PAGE, mem));
	map(vm, "its last page", MEM(at + size - PAGE, PAGE, mem));
	map(vm, "over its beginning", MEM(at - PAGE, 2 * PAGE, mem));
	map(vm, "over its end", MEM(at + size - PAGE, 2 * PAGE, mem));
	map(vm, "around it", MEM(at - PAGE, size + 2 * PAGE, mem));
	map(vm, "just before it", MEM(at - PAGE, PAGE, mem));
	map(vm, "just behind it", MEM(at + size, PAGE, mem));
	map(vm, "the highest page", MEM(top - PAGE, PAGE, mem));
}

static void translations(int vm)
{
	struct vtx_translate t = { .gpa = 1ULL << 48 };

	tell("translate: 49 bits", ioctl(vm, VTX_TRANSLATE, &t));
	t.gpa = -1;
	tell("translate: 64 bits", ioctl(vm, VTX_TRANSLATE, &t));
	tell("translate: no pointer", ioctl(vm, VTX_TRANSLATE, NULL));
	t.gpa = (1ULL << 48) - 1;
	tell("translate: 48 bits", ioctl(vm, VTX_TRANSLATE, &t));
	tell_number("flags where nothing is", t.flags);
	tell_number("levels where nothing is", t.levels);
}

int main(void)
{
	struct vtx_caps caps = { .size = sizeof(caps) };
	uint8_t *mem = map_ram(8 << 20, MADV_NOHUGEPAGE);
	int vm = open_vtx();
	long before;

	must("VTX_GET_CAPS", ioctl(vm, VTX_GET_CAPS, &caps));
	top = 1ULL << caps.maxphyaddr;

	before = counter("pages");
	bad_numbers(vm, (uintptr_t)mem);
	bad_memory(vm, mem);
	tell_number("pages held after all that", counter("pages") - before);
	overlaps(vm, (uintptr_t)mem);
	translations(vm);
	return 0;
}
