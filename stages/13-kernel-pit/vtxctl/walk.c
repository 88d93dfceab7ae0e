// SPDX-License-Identifier: GPL-2.0-only
/*
 * One byte, three addresses. NanoX's letter has a place in our own memory, a
 * place in the guest's, and a place in the machine's. VTXDRV walks from the
 * second to the third; then we look there, past all tables, through the window
 * that Linux gives root on the whole memory (/proc/kcore).
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "vtxctl.h"

static const char *const table_names[] = {
	"PML4, bits 47:39",
	"PDPT, bits 38:30",
	"PD,   bits 29:21",
	"PT,   bits 20:12",
};

/* Read one byte of host-physical memory. -1 and errno if Linux will not. */
static int read_physical(uint64_t hpa)
{
	int fd = open("/proc/kcore", O_RDONLY | O_CLOEXEC);
	Elf64_Ehdr eh;
	Elf64_Phdr ph;
	uint8_t byte;
	int i, got = -1;

	if (fd < 0)
		return -1;
	errno = ENOENT;
	if (pread(fd, &eh, sizeof(eh), 0) != sizeof(eh))
		goto out;
	for (i = 0; i < eh.e_phnum && got < 0; i++) {
		if (pread(fd, &ph, sizeof(ph), eh.e_phoff + i * sizeof(ph)) != sizeof(ph))
			break;
		if (ph.p_type == PT_LOAD && hpa >= ph.p_paddr && hpa - ph.p_paddr < ph.p_filesz &&
		    pread(fd, &byte, 1, ph.p_offset + hpa - ph.p_paddr) == 1)
			got = byte;
	}
out:
	close(fd);
	return got;
}

static void report_entries(const struct vtx_translate *t)
{
	unsigned int level, index;

	for (level = 0; level < t->levels; level++) {
		index = t->gpa >> (39 - 9 * level) & 511;
		printf("  %s choose entry %3u of the table at %#011llx: %#018llx\n",
		       table_names[level], index, (unsigned long long)t->table[level],
		       (unsigned long long)t->entry[level]);
	}
	if (t->levels < 4)
		puts("  that entry is a page already, of 2 MiB: no fourth table is needed");
}

/* Where is the image's first letter, in all three memories? */
void walk_report(struct vm *vm, const struct image *image)
{
	struct vtx_translate t = {};
	const uint8_t *p = vm->ram + image->addr;
	size_t i;
	int byte;

	for (i = 0; i + 1 < image->size && p[i] != 0xb0; i++) /* mov al, imm8 */
		;
	i = i + 1 < image->size ? i + 1 : 0;
	t.gpa = image->addr + i;

	printf("%s is %zu bytes, loaded at %#llx of the guest's memory.\n", image->path,
	       image->size, (unsigned long long)image->addr);
	printf("Its letter '%c' has three addresses:\n", p[i]);
	printf("  in this program:        %p\n", (void *)(p + i));
	printf("  in the guest:           %#llx\n", (unsigned long long)t.gpa);

	if (vm_ioctl(vm->fd, VTX_TRANSLATE, &t))
		die(STATUS_NO_VTX, "VTX_TRANSLATE: %s", strerror(errno));
	if (!(t.flags & VTX_TRANSLATE_PRESENT))
		die(STATUS_NO_VTX, "VTX_TRANSLATE: the guest has no memory at %#llx",
		    (unsigned long long)t.gpa);
	printf("  in the machine:         %#llx\n", (unsigned long long)t.hpa);
	puts("The way from the second to the third, as the CPU goes it:");
	report_entries(&t);

	byte = read_physical(t.hpa);
	if (byte < 0)
		printf("Linux does not let us look there: /proc/kcore: %s\n", strerror(errno));
	else
		printf("And there, at %#llx of the machine, stands: '%c'\n",
		       (unsigned long long)t.hpa, byte);
}
