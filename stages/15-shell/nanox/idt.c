// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interrupt table: for each of 256 vectors, where the CPU is to go on
 * (SDM Vol. 3, "Interrupt Descriptor Table").
 */
#include "call.h"
#include "fault.h"
#include "idt.h"
#include "ring3.h"

#define VECTORS 256
#define GATE 0x8e00 /* present, 32-bit, interrupts off inside */
#define GATE_PRESENT 0x8000
#define GATE_FOR_ALL 0x6000 /* INT n may come here from ring 3 */
#define ENTRY_SIZE 16 /* see isr.asm */

#define BREAKPOINT 3
#define OVERFLOW 4

static struct gate {
	uint16_t offset_low, selector, type, offset_high;
} table[VECTORS];

static handler *handlers[VECTORS];

extern const char isr_entries[]; /* isr.asm */

/* From isr.asm, with interrupts off. */
void interrupt(struct frame *frame)
{
	if (handlers[frame->vector])
		handlers[frame->vector](frame);
	else
		fault(frame);
}

void idt_set(unsigned int vector, handler *handler)
{
	handlers[vector] = handler;
}

void idt_hide(unsigned int vector)
{
	table[vector].type &= ~GATE_PRESENT;
}

/* The instructions INT3, INTO and INT CALL are for programs; an INT 20h would be a lie. */
void idt_init(void)
{
	const struct {
		uint16_t limit;
		uint32_t base;
	} __attribute__((packed)) pointer = { sizeof(table) - 1, (uint32_t)table };
	unsigned int i;

	for (i = 0; i < VECTORS; i++) {
		uint32_t entry = (uint32_t)isr_entries + i * ENTRY_SIZE;

		table[i] = (struct gate){ entry & 0xffff, SEL_CODE, GATE, entry >> 16 };
	}
	table[BREAKPOINT].type |= GATE_FOR_ALL;
	table[OVERFLOW].type |= GATE_FOR_ALL;
	table[CALL_VECTOR].type |= GATE_FOR_ALL;
	asm volatile("lidt %0"
		     :
		     : "m"(pointer));
}
