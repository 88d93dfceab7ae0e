// SPDX-License-Identifier: GPL-2.0-only
/*
 * System calls. Only ring 0 may halt the CPU or look at its control registers.
 */
#include <stddef.h>
#include <stdio.h>

#include "call.h"
#include "console.h"
#include "fault.h"
#include "idt.h"

enum call {
	CALL_SLEEP,
	CALL_HALT,
	CALL_REGS,
	NR_CALLS,
};

/*
 * What was said so far shall be seen. STI guards one instruction more, so nothing
 * can come between it and HLT, when it would be too late to be woken by it.
 */
static void do_sleep(struct frame *frame)
{
	console_flush();
	asm volatile("sti; hlt; cli" ::
			     : "memory");
}

static void do_halt(struct frame *frame)
{
	console_drain();
	for (;;)
		asm volatile("cli; hlt");
}

static void do_regs(struct frame *frame)
{
	uint32_t cr0;

	asm volatile("movl %%cr0, %0"
		     : "=r"(cr0));
	frame_print(frame);
	printf("  CS %04x  DS %04x  ES %04x  SS %04x  CR0 %08x\n", frame->cs, frame->ds, frame->es,
	       frame->ss, cr0);
}

static handler *const calls[NR_CALLS] = {
	[CALL_SLEEP] = do_sleep,
	[CALL_HALT] = do_halt,
	[CALL_REGS] = do_regs,
};

static void on_call(struct frame *frame)
{
	if (frame->eax < NR_CALLS)
		calls[frame->eax](frame);
}

void call_init(void)
{
	idt_set(CALL_VECTOR, on_call);
}

static void call(enum call number)
{
	asm volatile("int %0"
		     :
		     : "i"(CALL_VECTOR), "a"(number)
		     : "memory");
}

void call_sleep(void)
{
	call(CALL_SLEEP);
}

void call_halt(void)
{
	call(CALL_HALT);
}

void call_regs(void)
{
	call(CALL_REGS);
}
