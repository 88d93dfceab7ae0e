// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which instruction stands where the guest was? Its bytes are in our memory; a
 * library that knows all x86 instructions (Capstone) turns them into words.
 */
#include <capstone/capstone.h>
#include <stdio.h>
#include <string.h>

#include "vtxctl.h"

#define CR0_PG 0x80000000
#define CR4_PSE 0x10
#define CR4_PAE 0x20
#define PRESENT 0x01
#define LARGE 0x80
#define CS_32BIT (1 << 14) /* in the access rights of CS: the D bit */
#define LONGEST 15 /* bytes of an instruction */

static bool guest_read(struct vm *vm, uint64_t gpa, void *to, size_t size)
{
	if (gpa >= vm->ram_size || size > vm->ram_size - gpa)
		return false;
	memcpy(to, vm->ram + gpa, size);
	return true;
}

/*
 * The guest may have tables of its own. Go them as its CPU does (SDM Vol. 3,
 * "32-Bit Paging" and "PAE Paging").
 */
static bool to_physical(struct vm *vm, const struct vtx_sregs *s, uint32_t linear, uint64_t *gpa)
{
	bool pae = s->cr4 & CR4_PAE;
	int bits = pae ? 9 : 10, size = pae ? 8 : 4, shift = pae ? 30 : 22;
	uint64_t table = s->cr3 & (pae ? ~0x1fULL : ~0xfffULL), entry = 0;

	*gpa = linear;
	for (; (s->cr0 & CR0_PG) && shift >= 12; shift -= bits) {
		uint32_t index = linear >> shift & ((1u << bits) - 1);

		entry = 0;
		if (!guest_read(vm, table + index * size, &entry, size) || !(entry & PRESENT))
			return false;
		table = entry & 0xffffffffff000;
		*gpa = table + (linear & ((1u << shift) - 1));
		if ((entry & LARGE) && (shift == 21 || (shift == 22 && s->cr4 & CR4_PSE))) {
			*gpa &= ~((1ULL << shift) - 1);
			*gpa |= linear & ((1u << shift) - 1);
			break;
		}
	}
	return true;
}

/* Bytes up to where there is no more memory. Returns how many. */
static size_t fetch(struct vm *vm, const struct vtx_sregs *s, uint32_t linear, uint8_t *to)
{
	uint64_t gpa;
	size_t n = 0;

	while (n < LONGEST && to_physical(vm, s, linear + n, &gpa) &&
	       guest_read(vm, gpa, to + n, 1))
		n++;
	return n;
}

/**
 * disasm() - the instruction at which the guest stands
 * @vm: whose vCPU has ended
 * @s: its segments and modes
 * @ip: its instruction pointer
 * @text: "mov al, byte ptr fs:[ebx]", or what stands in the way
 * @size: room there
 */
void disasm(struct vm *vm, const struct vtx_sregs *s, uint64_t ip, char *text, size_t size)
{
	uint8_t bytes[LONGEST];
	size_t n = fetch(vm, s, s->cs.base + ip, bytes);
	cs_insn *insn = NULL;
	csh handle;

	snprintf(text, size, n ? "(no instruction of this CPU)" : "(there is no memory)");
	if (cs_open(CS_ARCH_X86, s->cs.access & CS_32BIT ? CS_MODE_32 : CS_MODE_16, &handle))
		return;
	if (cs_disasm(handle, bytes, n, ip, 1, &insn)) {
		snprintf(text, size, "%s %s", insn->mnemonic, insn->op_str);
		cs_free(insn, 1);
	}
	cs_close(&handle);
}
