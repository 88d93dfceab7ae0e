/* SPDX-License-Identifier: GPL-2.0-only */
/* The interrupt table, and what a handler is given. */
#ifndef IDT_H
#define IDT_H

#include <stdbool.h>
#include <stdint.h>

#define EFLAGS_IF (1 << 9) /* interrupts on */

/* All of the program that was interrupted, as isr.asm and the CPU have pushed it. */
struct frame {
	uint32_t es, ds;
	uint32_t edi, esi, ebp, unused, ebx, edx, ecx, eax;
	uint32_t vector, error;
	uint32_t eip, cs, eflags;
	uint32_t esp, ss; /* only of ring 3: ring 0 goes on with its own stack */
};

typedef void handler(struct frame *frame);

void idt_init(void);
void idt_set(unsigned int vector, handler *handler);
void idt_hide(unsigned int vector); /* until the next idt_init() nobody finds it */

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

static inline bool interrupts_on(void)
{
	uint32_t eflags;

	asm volatile("pushfl; popl %0"
		     : "=r"(eflags));
	return eflags & EFLAGS_IF;
}

#endif /* IDT_H */
