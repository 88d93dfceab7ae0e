// SPDX-License-Identifier: GPL-2.0-only
/* Commands that show and change memory. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "memory.h"
#include "shell.h"

#define ROW 16 /* bytes */
#define DUMP_DEFAULT 0x80
#define DUMP_MAX 0x1000

extern char __text_end[], __rodata_end[], __bss_start[], __bss_end[], __stack_bottom[],
	__stack_top[]; /* addresses: see nanox.ld */

#define IMAGE_BEGIN 0x7c00

static bool is_memory(uint32_t address, uint32_t size)
{
	return address < memory_end() && memory_end() - address >= size;
}

static const char *no_memory(uint32_t address)
{
	static char sentence[64];

	snprintf(sentence, sizeof(sentence), "memory goes up to %x, and %x lies beyond it",
		 memory_end() - 1, address);
	return sentence;
}

static void row(const char *what, uint32_t begin, uint32_t end)
{
	if (begin < end)
		printf("  %08x to %08x  %7u KiB  %s\n", begin, end - 1, (end - begin + 1023) >> 10,
		       what);
}

const char *cmd_mem(const char *args)
{
	if (*args)
		return "nothing stands behind it";
	row("free", 0, IMAGE_BEGIN);
	row("code", IMAGE_BEGIN, (uint32_t)__text_end);
	row("constants", (uint32_t)__text_end, (uint32_t)__rodata_end);
	row("data", (uint32_t)__rodata_end, (uint32_t)__bss_start);
	row("data that begins as 0", (uint32_t)__bss_start, (uint32_t)__bss_end);
	row("free", (uint32_t)__bss_end, (uint32_t)__stack_bottom);
	row("stack; a push below it is a fault", (uint32_t)__stack_bottom,
	    (uint32_t)__stack_top);
	row("free", (uint32_t)__stack_top, memory_end());
	if (!memory_told())
		puts("This machine has no CMOS that tells how much there is: there may be more.");
	return NULL;
}

/* "8", "16", "32" or nothing, then the end. Return: bytes, or 0. */
static uint32_t bytes(const char *args)
{
	uint32_t bits = 8;

	if (*args && (!arg_number(&args, 10, &bits) || *args))
		return 0;
	return bits == 8 || bits == 16 || bits == 32 ? bits / 8 : 0;
}

const char *cmd_peek(const char *args)
{
	uint32_t address, value = 0, size;

	if (!arg_number(&args, 16, &address))
		return "an address in hex, as in peek 7c00";
	size = bytes(args);
	if (!size)
		return "8, 16 or 32 bits, as in peek 7c00 32";
	if (!is_memory(address, size))
		return no_memory(address);
	memcpy(&value, (void *)address, size);
	printf("  %08x: %0*x\n", address, (int)size * 2, value);
	return NULL;
}

const char *cmd_poke(const char *args)
{
	uint32_t address, value, size;

	if (!arg_number(&args, 16, &address) || !arg_number(&args, 16, &value))
		return "an address and a value in hex, as in poke 600 2a";
	size = bytes(args);
	if (!size)
		return "8, 16 or 32 bits, as in poke 600 12345678 32";
	if (size < 4 && value >> 8 * size)
		return "the value needs more bits, as in poke 600 1234 16";
	if (!is_memory(address, size))
		return no_memory(address);
	if (address + size > IMAGE_BEGIN && address < (uint32_t)__stack_top)
		return "NanoX itself lies there; mem tells what is free";
	memcpy((void *)address, &value, size);
	return NULL;
}

static void dump_row(const unsigned char *at, uint32_t size)
{
	uint32_t i;

	printf("  %08x ", (uint32_t)at);
	for (i = 0; i < ROW; i++) {
		if (i < size)
			printf(" %02x", at[i]);
		else
			printf("   ");
	}
	printf("  ");
	for (i = 0; i < size; i++)
		putchar(isprint(at[i]) ? at[i] : '.');
	putchar('\n');
}

const char *cmd_dump(const char *args)
{
	uint32_t address, size = DUMP_DEFAULT, n;

	if (!arg_number(&args, 16, &address))
		return "an address in hex, as in dump 7c00";
	if (*args && (!arg_number(&args, 16, &size) || *args || !size || size > DUMP_MAX))
		return "1 to 1000 bytes, in hex, as in dump 7c00 40";
	if (!is_memory(address, size))
		return no_memory(address);
	for (; size; size -= n, address += n) {
		n = size < ROW ? size : ROW;
		dump_row((const unsigned char *)address, n);
	}
	return NULL;
}
