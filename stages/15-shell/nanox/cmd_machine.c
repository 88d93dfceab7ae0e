// SPDX-License-Identifier: GPL-2.0-only
/* Commands that show the machine, or end it. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "call.h"
#include "console.h"
#include "idt.h"
#include "kbd.h"
#include "keys.h"
#include "pic.h"
#include "pit.h"
#include "shell.h"

#define NO_ARGS "nothing stands behind it"

const char *cmd_ticks(const char *args)
{
	if (*args)
		return NO_ARGS;
	printf("%u ticks, %u in each second\n", pit_ticks(), HZ);
	return NULL;
}

const char *cmd_uptime(const char *args)
{
	unsigned int seconds = pit_ticks() / HZ;

	if (*args)
		return NO_ARGS;
	printf("up %u:%02u:%02u\n", seconds / 3600, seconds / 60 % 60, seconds % 60);
	return NULL;
}

const char *cmd_irq(const char *args)
{
	static const struct {
		enum irq irq;
		const char *name;
	} lines[] = {
		{ IRQ_TIMER, "timer" },
		{ IRQ_KEYBOARD, "keyboard" },
		{ IRQ_COM1, "serial port" },
	};
	unsigned int i;

	if (*args)
		return NO_ARGS;
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		printf("  %2u  %-11s  %8u\n", lines[i].irq, lines[i].name,
		       pic_count(lines[i].irq));
	return NULL;
}

const char *cmd_regs(const char *args)
{
	if (*args)
		return NO_ARGS;
	call_regs();
	return NULL;
}

struct cpuid {
	uint32_t eax, ebx, ecx, edx;
};

static struct cpuid cpuid(uint32_t leaf)
{
	struct cpuid c;

	asm volatile("cpuid"
		     : "=a"(c.eax), "=b"(c.ebx), "=c"(c.ecx), "=d"(c.edx)
		     : "a"(leaf), "c"(0));
	return c;
}

/* The letters lie in the registers as in memory, four in each. */
static void print_vendor(void)
{
	const struct cpuid c = cpuid(0);

	printf("  %.4s%.4s%.4s, leaves up to %x\n", (const char *)&c.ebx, (const char *)&c.edx,
	       (const char *)&c.ecx, c.eax);
}

#define BRAND_FIRST 0x80000002
#define BRAND_LAST 0x80000004

static void print_brand(void)
{
	struct cpuid brand[3];
	uint32_t leaf;

	if (cpuid(0x80000000).eax < BRAND_LAST)
		return;
	for (leaf = BRAND_FIRST; leaf <= BRAND_LAST; leaf++)
		brand[leaf - BRAND_FIRST] = cpuid(leaf);
	printf("  %.*s\n", (int)sizeof(brand), arg_next((const char *)brand));
}

const char *cmd_cpuid(const char *args)
{
	struct cpuid c;
	uint32_t leaf;

	if (!*args) {
		print_vendor();
		print_brand();
		return NULL;
	}
	if (!arg_number(&args, 16, &leaf) || *args)
		return "the number of a leaf in hex, as in cpuid 80000000, or nothing";
	c = cpuid(leaf);
	printf("  EAX %08x  EBX %08x  ECX %08x  EDX %08x\n", c.eax, c.ebx, c.ecx, c.edx);
	return NULL;
}

#define SCAN_CODE_Q 0x10

/* What came next from one of the two, shown. Return: whether it was a q. */
static bool show_key(void)
{
	int code, byte;

	cli();
	while ((code = kbd_code()) < 0 && (byte = console_byte()) < 0)
		call_sleep();
	sti();
	if (code >= 0) {
		printf("  key %02x, %s\n", code & 0x7f, code & 0x80 ? "up" : "down");
		return code == SCAN_CODE_Q;
	}
	if (isprint(byte))
		printf("  byte %02x, %c\n", byte, byte);
	else
		printf("  byte %02x\n", byte);
	return byte == 'q';
}

const char *cmd_keys(const char *args)
{
	if (*args)
		return NO_ARGS;
	puts("Press keys; q ends it.");
	while (!show_key())
		;
	return NULL;
}

const char *cmd_reboot(const char *args)
{
	if (*args)
		return NO_ARGS;
	puts("See you.");
	cli();
	console_drain();
	kbd_reset_cpu();
	for (;;)
		call_sleep();
}

const char *cmd_halt(const char *args)
{
	if (*args)
		return NO_ARGS;
	puts("Good night.");
	call_halt();
	return NULL;
}
