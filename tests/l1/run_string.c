// SPDX-License-Identifier: GPL-2.0-only
/*
 * INS and OUTS, many of them: each case is an image that ends with HLT, run in
 * a VM of its own, whose memory at first is
 *
 *   0 to 1ffff       RAM, each byte a function of its address, but for the image
 *   20000 to 20fff   the same, read-only
 *
 * The k-th byte that any IN of the case gets is 5 * k + 1. Standard input: for
 * each case the size of the image (32 bits), and the image. A line for each:
 *
 *   eax ecx edx ebx esp ebp esi edi, how many bytes went out, a sum of them, one
 *   of the memory, and the sentence, if it was ended
 */
#include "run_vm.h"

#define RAM_PAGES 32
#define ROM_PAGE (RAM_PAGES * PAGE)
#define MEMORY (ROM_PAGE + PAGE)

static uint8_t pattern[MEMORY], image[0x1000];
static uint64_t memory[MEMORY / 8], sent[1 << 15];

/* FNV-1a, but eight bytes at a time: here every instruction is an emulated one. */
static uint64_t sum(const uint64_t *data, size_t size)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (size = (size + 7) / 8; size; size--)
		hash = (hash ^ *data++) * 0x100000001b3;
	return hash;
}

static void run_case(size_t size)
{
	uint8_t *page = pages(1);
	size_t nr_in = 0, nr_sent = 0, n;
	struct vtx_regs regs;
	struct run_vm v;
	uint8_t *data;

	run_vm_open(&v, RAM_PAGES);
	must("read-only", map_memory(v.vm, ROM_PAGE, page, PAGE, VTX_MEM_READONLY));
	memcpy(v.ram, pattern, ROM_PAGE);
	memcpy(v.ram + BOOT, image, size);
	memcpy(page, pattern + ROM_PAGE, PAGE);

	do {
		must("VTX_RUN", ioctl(v.vcpu, VTX_RUN, 0));
		if (v.run->exit != VTX_EXIT_IO)
			continue;
		data = data_of(v.run);
		n = v.run->io.size * v.run->io.count;
		if (!n || n > PAGE)
			errx(1, "a piece of %zu bytes", n);
		if (v.run->io.out) {
			if (nr_sent + n > sizeof(sent))
				errx(1, "the guest sends without end");
			memcpy((uint8_t *)sent + nr_sent, data, n);
			nr_sent += n;
		} else {
			while (n--)
				*data++ = 5 * nr_in++ + 1;
		}
	} while (!run_vm_has_ended(&v));

	must("VTX_GET_REGS", ioctl(v.vcpu, VTX_GET_REGS, &regs));
	for (n = 0; n < 8; n++)
		printf("%llx ", (unsigned long long)(&regs.rax)[n]);
	memcpy(memory, v.ram, ROM_PAGE);
	memcpy((uint8_t *)memory + ROM_PAGE, page, PAGE);
	printf("%zx %llx %llx %s\n", nr_sent, (unsigned long long)sum(sent, nr_sent), (unsigned long long)sum(memory, MEMORY),
	       v.run->exit == VTX_EXIT_KILLED ? v.run->text : "");
	memset(sent, 0, nr_sent);
	run_vm_close(&v);
	munmap(page, PAGE);
}

int main(void)
{
	uint32_t size;
	size_t n;

	for (n = 0; n < MEMORY; n++)
		pattern[n] = n * 167 + (n >> 8) * 13 + 5;
	while (fread(&size, sizeof(size), 1, stdin) == 1) {
		if (size > sizeof(image) || fread(image, size, 1, stdin) != 1)
			errx(1, "an image is missing");
		run_case(size);
	}
	return 0;
}
