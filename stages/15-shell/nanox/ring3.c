// SPDX-License-Identifier: GPL-2.0-only
/*
 * When a command does something wrong, NanoX must live on. So commands run in
 * ring 3: with segments that end where memory ends, and a stack of their own. Any
 * exception there brings the CPU back to ring 0, on another stack (esp0 of the
 * TSS), however broken theirs is (SDM Vol. 3, "Protection"). They can still write
 * over NanoX's own memory: to hide that from them, it would need paging.
 */
#include <stdint.h>

#include "idt.h"
#include "memory.h"
#include "ring3.h"

#define EFLAGS_IOPL_3 (3 << 12) /* ports, CLI and STI are for programs, too */
#define CR0_EM (1 << 2) /* there is no FPU: its instructions are exceptions */
#define CR0_AM (1 << 18) /* with EFLAGS.AC, a program asks to hear of odd addresses */

#define PAGE_SHIFT 12

/* SDM, "Segment Descriptors" */
struct descriptor {
	uint16_t limit, base_low;
	uint8_t base_mid, access, flags, base_high; /* flags: with bits 19:16 of the limit */
};

/* Each is all of the 4 GiB, until its limit is set. */
static struct descriptor gdt[] = {
	{},
	[SEL_CODE / 8] = { 0xffff, .access = 0x9a, .flags = 0xcf },
	[SEL_DATA / 8] = { 0xffff, .access = 0x92, .flags = 0xcf },
	[SEL_PROGRAM_CODE / 8] = { 0xffff, .access = 0xfa, .flags = 0xcf },
	[SEL_PROGRAM_DATA / 8] = { 0xffff, .access = 0xf2, .flags = 0xcf },
	[SEL_PROGRAM_STACK / 8] = { 0xffff, .access = 0xf6, .flags = 0xcf }, /* expand-down */
	[SEL_ABSENT / 8] = { 0xffff, .access = 0x72, .flags = 0xcf },
	[SEL_TSS / 8] = { .access = 0x89 },
};

/* Of all that can be in one, the CPU needs to know the stack of ring 0. */
static struct tss {
	uint32_t link, esp0, ss0, unused[22];
	uint16_t trap, io_map;
} tss;

static uint8_t ring0_stack[8192] __attribute__((aligned(16)));

extern char __stack_bottom[], __stack_top[]; /* addresses: see nanox.ld */

/* The last page that belongs to it; of an expand-down segment, the last that does not. */
static void set_limit(struct descriptor *segment, uint32_t page)
{
	segment->limit = page & 0xffff;
	segment->flags = 0xc0 | (page >> 16);
}

void ring3_init(void)
{
	const struct {
		uint16_t limit;
		uint32_t base;
	} __attribute__((packed)) pointer = { sizeof(gdt) - 1, (uint32_t)gdt };
	struct descriptor *segment = &gdt[SEL_TSS / 8];
	uint32_t cr0;

	set_limit(&gdt[SEL_PROGRAM_DATA / 8], (memory_end() - 1) >> PAGE_SHIFT);
	set_limit(&gdt[SEL_PROGRAM_STACK / 8], ((uint32_t)__stack_bottom - 1) >> PAGE_SHIFT);
	tss.esp0 = (uint32_t)ring0_stack + sizeof(ring0_stack);
	tss.ss0 = SEL_DATA;
	tss.io_map = sizeof(tss); /* none */
	segment->limit = sizeof(tss) - 1;
	segment->base_low = (uint32_t)&tss & 0xffff;
	segment->base_mid = (uint32_t)&tss >> 16;

	asm volatile("lgdt %0; ltr %w1"
		     :
		     : "m"(pointer), "r"(SEL_TSS));
	asm volatile("movl %%cr0, %0"
		     : "=r"(cr0));
	asm volatile("movl %0, %%cr0"
		     :
		     : "r"(cr0 | CR0_EM | CR0_AM));
}

/*
 * There is no instruction that goes to ring 3, only one that goes back there. So
 * we push what an interrupt of the program would have pushed just before it began.
 */
void ring3_begin(void (*program)(void))
{
	asm volatile("movw %w0, %%ds\n\t"
		     "movw %w0, %%es\n\t"
		     "pushl %1\n\t"
		     "pushl %2\n\t"
		     "pushl %3\n\t"
		     "pushl %4\n\t"
		     "pushl %5\n\t"
		     "iret"
		     :
		     : "r"(SEL_PROGRAM_DATA), "i"(SEL_PROGRAM_STACK), "i"(__stack_top),
		       "i"(EFLAGS_IF | EFLAGS_IOPL_3), "i"(SEL_PROGRAM_CODE), "r"(program)
		     : "memory");
	__builtin_unreachable();
}
