// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interrupt table: for each of 256 vectors, where the CPU is to go on
 * (SDM Vol. 3, "Interrupt Descriptor Table").
 */
#include <stddef.h>
#include <stdio.h>

#include "idt.h"

#define VECTORS 256
#define CODE 8 /* the selector of our code, see boot.asm */
#define GATE 0x8e00 /* present, for us only, 32-bit, interrupts off inside */
#define ENTRY_SIZE 16 /* see isr.asm */

static struct gate {
	uint16_t offset_low, selector, type, offset_high;
} table[VECTORS];

static handler *handlers[VECTORS];

extern const char isr_entries[]; /* isr.asm */

static const char *const exceptions[32] = {
	"division",
	"debug",
	"NMI",
	"breakpoint",
	"overflow",
	"bounds",
	"no such instruction",
	"no FPU",
	"double fault",
	NULL,
	"task state",
	"segment not present",
	"stack segment",
	"general protection",
	"page fault",
	NULL,
	"FPU error",
	"alignment",
	"machine check",
	"SIMD error",
};

/* Nobody takes it: say so, with all that is known, and stop. */
static void unexpected(const struct frame *f)
{
	const char *name = f->vector < 32 ? exceptions[f->vector] : NULL;

	printf("\nNanoX: %s %u (%s), error code %#x, at EIP %#x\n",
	       f->vector < 32 ? "exception" : "interrupt", f->vector, name ?: "nobody expects it",
	       f->error, f->eip);
	printf("  EAX %08x  EBX %08x  ECX %08x  EDX %08x\n", f->eax, f->ebx, f->ecx, f->edx);
	printf("  ESI %08x  EDI %08x  EBP %08x  ESP %08x\n", f->esi, f->edi, f->ebp,
	       f->esp + 20); /* what the CPU and the entry pushed */
	printf("  EFLAGS %08x\n", f->eflags);
	for (;;)
		asm volatile("cli; hlt");
}

/* From isr.asm, with interrupts off. */
void interrupt(struct frame *frame)
{
	if (handlers[frame->vector])
		handlers[frame->vector](frame);
	else
		unexpected(frame);
}

void idt_set(unsigned int vector, handler *handler)
{
	handlers[vector] = handler;
}

void idt_init(void)
{
	const struct {
		uint16_t limit;
		uint32_t base;
	} __attribute__((packed)) pointer = { sizeof(table) - 1, (uint32_t)table };
	unsigned int i;

	for (i = 0; i < VECTORS; i++) {
		uint32_t entry = (uint32_t)isr_entries + i * ENTRY_SIZE;

		table[i] = (struct gate){ entry & 0xffff, CODE, GATE, entry >> 16 };
	}
	asm volatile("lidt %0"
		     :
		     : "m"(pointer));
}
