// SPDX-License-Identifier: GPL-2.0-only
/*
 * An exception ends the command that caused it, and nothing more: all is told that
 * is known, and the shell begins anew, with an empty stack.
 */
#include <stdio.h>

#include "console.h"
#include "fault.h"
#include "ring3.h"
#include "shell.h"

/* SDM Vol. 3, "Protected-Mode Exceptions and Interrupts" */
static const char *const exceptions[32] = {
	"#DE, divide error",
	"#DB, debug",
	"NMI",
	"#BP, breakpoint",
	"#OF, overflow",
	"#BR, BOUND range exceeded",
	"#UD, invalid opcode",
	"#NM, device not available",
	"#DF, double fault",
	NULL,
	"#TS, invalid TSS",
	"#NP, segment not present",
	"#SS, stack-segment fault",
	"#GP, general protection",
	"#PF, page fault",
	NULL,
	"#MF, x87 floating-point error",
	"#AC, alignment check",
	"#MC, machine check",
	"#XM, SIMD floating-point exception",
};

static bool from_program(const struct frame *f)
{
	return f->cs & 3;
}

void frame_print(const struct frame *f)
{
	printf("  EAX %08x  EBX %08x  ECX %08x  EDX %08x\n", f->eax, f->ebx, f->ecx, f->edx);
	printf("  ESI %08x  EDI %08x  EBP %08x  ESP %08x\n", f->esi, f->edi, f->ebp,
	       from_program(f) ? f->esp : (uint32_t)&f->esp);
	printf("  EIP %08x  EFLAGS %08x\n", f->eip, f->eflags);
}

void fault(const struct frame *f)
{
	const char *name = f->vector < 32 ? exceptions[f->vector] : NULL;

	printf("\nNanoX: %s %u (%s), error code %#x\n",
	       f->vector < 32 ? "exception" : "interrupt", f->vector, name ?: "nobody expects it",
	       f->error);
	frame_print(f);
	if (!from_program(f)) {
		puts("NanoX itself did that, and stops.");
		console_drain();
		for (;;)
			asm volatile("cli; hlt");
	}
	puts("The command is over. The shell goes on.");
	idt_init(); /* as it was, whatever the command has made of it */
	ring3_begin(shell);
}
