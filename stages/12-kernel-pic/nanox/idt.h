/* SPDX-License-Identifier: GPL-2.0-only */
/* The interrupt table, and what a handler is given. */
#ifndef IDT_H
#define IDT_H

#include <stdint.h>

/* All of the program that was interrupted, as isr.asm and the CPU have pushed it. */
struct frame {
	uint32_t edi, esi, ebp, esp, ebx, edx, ecx, eax;
	uint32_t vector, error;
	uint32_t eip, cs, eflags;
};

typedef void handler(struct frame *frame);

void idt_init(void);
void idt_set(unsigned int vector, handler *handler);

static inline void sti(void)
{
	asm volatile("sti" ::
			     : "memory");
}

static inline void cli(void)
{
	asm volatile("cli" ::
			     : "memory");
}

#endif /* IDT_H */
