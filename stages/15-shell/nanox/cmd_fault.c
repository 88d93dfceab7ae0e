// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every exception that a program can cause by an instruction. Of the others #PF
 * needs paging, #MF and #XM an FPU, and NMI and #MC are none of a program's doing.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "idt.h"
#include "memory.h"
#include "ring3.h"
#include "shell.h"

#define EFLAGS_TF (1 << 8) /* trap: a step at a time */
#define EFLAGS_NT (1 << 14) /* nested task */
#define EFLAGS_AC (1 << 18) /* alignment check */

static void divide(void)
{
	asm volatile("divl %0"
		     :
		     : "r"(0), "a"(1), "d"(0)
		     : "cc");
}

static uint32_t eflags(void)
{
	uint32_t flags;

	asm volatile("pushfl; popl %0"
		     : "=r"(flags));
	return flags;
}

static void set_eflags(uint32_t flags)
{
	asm volatile("pushl %0; popfl"
		     :
		     : "r"(flags)
		     : "cc", "memory");
}

/* After the next instruction. */
static void debug(void)
{
	set_eflags(eflags() | EFLAGS_TF);
}

static void breakpoint(void)
{
	asm volatile("int3");
}

static void overflow(void)
{
	int32_t most = INT32_MAX;

	asm volatile("addl $1, %0; into"
		     : "+r"(most)
		     :
		     : "cc");
}

static void bounds(void)
{
	static const int32_t from_to[] = { 0, 9 };

	asm volatile("bound %0, %1"
		     :
		     : "r"(10), "m"(from_to));
}

static void opcode(void)
{
	asm volatile("ud2");
}

static void fpu(void)
{
	asm volatile("fnop");
}

/* The exception of a division finds no way in: that is one more. */
static void twice(void)
{
	idt_hide(0);
	divide();
}

/* With EFLAGS.NT an IRET goes back to the task that called us, and there was none. */
static void task(void)
{
	set_eflags(eflags() | EFLAGS_NT);
	asm volatile("iret");
}

static void absent(void)
{
	asm volatile("movw %w0, %%es"
		     :
		     : "r"(SEL_ABSENT));
}

/* It calls itself, until the stack is full. */
static uint32_t dig(uint32_t depth)
{
	volatile char room[100];

	room[0] = depth;
	return depth ? dig(depth + 1) + room[0] : 0;
}

static void stack(void)
{
	dig(1);
}

static void privilege(void)
{
	asm volatile("hlt");
}

static void limit(void)
{
	*(volatile uint8_t *)memory_end();
}

static void align(void)
{
	static uint32_t words[2];
	uint32_t before = eflags();

	set_eflags(before | EFLAGS_AC);
	*(volatile uint32_t *)((uint8_t *)words + 1);
	set_eflags(before);
}

static const struct {
	const char *name, *help;
	void (*cause)(void);
} faults[] = {
	{ "divide", "a division by zero", divide },
	{ "debug", "one single step", debug },
	{ "breakpoint", "INT3, as debuggers put it", breakpoint },
	{ "overflow", "INTO behind an addition that was too large", overflow },
	{ "bounds", "an index that is none", bounds },
	{ "opcode", "no instruction", opcode },
	{ "fpu", "an instruction of an FPU that is not there", fpu },
	{ "double", "a division by zero that nobody takes", twice },
	{ "task", "back to a task that never was", task },
	{ "absent", "a segment that is not there", absent },
	{ "stack", "a function that calls itself for ever", stack },
	{ "privilege", "HLT, which is not for programs", privilege },
	{ "limit", "the first byte behind all memory", limit },
	{ "align", "a word at an odd address, where that was forbidden", align },
};

#define NR_FAULTS (sizeof(faults) / sizeof(faults[0]))

const char *cmd_fault(const char *args)
{
	unsigned int i;

	for (i = 0; i < NR_FAULTS; i++) {
		if (!*args)
			printf("  %-10s  %s\n", faults[i].name, faults[i].help);
		if (!arg_is(args, faults[i].name))
			continue;
		faults[i].cause();
		puts("The CPU did not mind.");
		return NULL;
	}
	return *args ? "the name of one; fault alone lists them" : NULL;
}
