// SPDX-License-Identifier: GPL-2.0-only
/*
 * A calculator. What is bound more tightly is reckoned first: expression(n) reads
 * all that is bound at least as tightly as n, and calls itself for the rest.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "shell.h"

static const char *at; /* what is not yet read */
static const char *complaint; /* the first thing that was wrong */

static int32_t wrong(const char *sentence)
{
	if (!complaint)
		complaint = sentence;
	return 0;
}

/* As unsigned numbers they begin anew at 0 where they overflow. */
static uint32_t multiply(uint32_t a, uint32_t b)
{
	return a * b;
}

static uint32_t divide(uint32_t a, uint32_t b)
{
	if (!b)
		return wrong("nothing can be divided by 0");
	return (int32_t)b == -1 ? -a : (uint32_t)((int32_t)a / (int32_t)b);
}

static uint32_t rest(uint32_t a, uint32_t b)
{
	if (!b)
		return wrong("nothing can be divided by 0");
	return (int32_t)b == -1 ? 0 : (uint32_t)((int32_t)a % (int32_t)b);
}

static uint32_t add(uint32_t a, uint32_t b)
{
	return a + b;
}

static uint32_t subtract(uint32_t a, uint32_t b)
{
	return a - b;
}

static uint32_t shift_left(uint32_t a, uint32_t b)
{
	return b < 32 ? a << b : 0;
}

static uint32_t shift_right(uint32_t a, uint32_t b)
{
	return b < 32 ? a >> b : 0;
}

static uint32_t bit_and(uint32_t a, uint32_t b)
{
	return a & b;
}

static uint32_t bit_xor(uint32_t a, uint32_t b)
{
	return a ^ b;
}

static uint32_t bit_or(uint32_t a, uint32_t b)
{
	return a | b;
}

static const struct infix {
	const char *name;
	unsigned int binds; /* how tightly, as in C */
	uint32_t (*of)(uint32_t a, uint32_t b);
} infixes[] = {
	{ "*", 6, multiply },
	{ "/", 6, divide },
	{ "%", 6, rest },
	{ "+", 5, add },
	{ "-", 5, subtract },
	{ "<<", 4, shift_left },
	{ ">>", 4, shift_right },
	{ "&", 3, bit_and },
	{ "^", 2, bit_xor },
	{ "|", 1, bit_or },
};

static const struct infix *infix_here(void)
{
	unsigned int i;

	at = arg_next(at);
	for (i = 0; i < sizeof(infixes) / sizeof(infixes[0]); i++) {
		if (!strncmp(at, infixes[i].name, strlen(infixes[i].name)))
			return &infixes[i];
	}
	return NULL;
}

static uint32_t expression(unsigned int least);

/* A number, a bracket, or one of these with - or ~ before it. */
static uint32_t operand(void)
{
	uint32_t value = 0;
	const char *end;

	at = arg_next(at);
	switch (*at) {
	case '-':
		at++;
		return -operand();
	case '~':
		at++;
		return ~operand();
	case '(':
		at++;
		value = expression(1);
		at = arg_next(at);
		if (*at != ')')
			return wrong("a bracket is not closed");
		at++;
		return value;
	}
	end = number(at, 10, &value);
	if (!end)
		return wrong("a term of numbers of 32 bits, as in calc (2 + 3) * 0x10");
	at = end;
	return value;
}

static uint32_t expression(unsigned int least)
{
	uint32_t value = operand();
	const struct infix *op;

	while (!complaint && (op = infix_here()) && op->binds >= least) {
		at += strlen(op->name);
		value = op->of(value, expression(op->binds + 1));
	}
	return value;
}

const char *cmd_calc(const char *args)
{
	uint32_t value;

	at = args;
	complaint = NULL;
	value = expression(1);
	if (!complaint && *at)
		wrong("a term ends there, and something stands behind it");
	if (!complaint)
		printf("%d = %#x\n", (int32_t)value, value);
	return complaint;
}
