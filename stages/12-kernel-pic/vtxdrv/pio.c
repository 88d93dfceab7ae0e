// SPDX-License-Identifier: GPL-2.0-only
/*
 * Port I/O. The guest spoke to a device, and there is none: the CPU stops it
 * before the instruction. A device of our own answers at once (iodev.c). For
 * all others we tell VTXCTL what the guest wanted, and let the guest go on
 * behind the instruction, as if a device had taken it.
 *
 * An OUT is done when VTXCTL has heard of it. An IN waits for an answer: what
 * VTXCTL leaves in the data page is put into AL, AX or EAX as the guest's next
 * turn begins. If it leaves nothing, the guest reads ones, as from a real bus
 * on which nobody answers.
 *
 * INS and OUTS move values between a port and memory, with REP many of them.
 * They come here in pieces of at most a page; the instruction is not skipped
 * until the last piece, so the guest itself asks for the next.
 */
#include <linux/bits.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/string.h>

#include <asm/processor-flags.h>

#include "vmcs.h"
#include "vtxdrv.h"

static void *data_page(struct vtx_vcpu *vcpu)
{
	return (void *)vcpu->run + PAGE_SIZE;
}

/* The part of a register that an instruction of this address size uses. */
static u64 merge(u64 old, u64 value, u64 mask)
{
	return mask == U32_MAX ? (u32)value : (old & ~mask) | (value & mask);
}

/*
 * INS and OUTS: which memory, and how much of it in this piece? (SDM,
 * "Information for VM Exits Due to Instruction Execution", and for what the
 * instruction does, INS and OUTS in Vol. 2.) Return: the number of values.
 */
static u32 string_piece(struct vtx_vcpu *vcpu, bool rep)
{
	static const struct {
		u32 base, limit;
	} segments[] = {
		{ GUEST_ES_BASE, GUEST_ES_LIMIT },
		{ GUEST_CS_BASE, GUEST_CS_LIMIT },
		{ GUEST_SS_BASE, GUEST_SS_LIMIT },
		{ GUEST_DS_BASE, GUEST_DS_LIMIT },
		{ GUEST_FS_BASE, GUEST_FS_LIMIT },
		{ GUEST_GS_BASE, GUEST_GS_LIMIT },
	};
	struct pio *pio = &vcpu->pio;
	u32 info = vmcs_read(VMX_INSTRUCTION_INFO);
	u32 seg = pio->out ? info >> 15 & 7 : 0; /* INS: always ES */
	u64 *index = pio->out ? &vcpu->regs.rsi : &vcpu->regs.rdi;
	u64 count, fit, top;

	if (!(vtx_caps.basic & VMX_BASIC_INOUT) || seg >= ARRAY_SIZE(segments)) {
		vtx_kill(vcpu, "INS or OUTS, and this CPU does not say which memory is meant");
		return 0;
	}
	if (vmcs_read(CR0_READ_SHADOW) & X86_CR0_PG) {
		vtx_kill(vcpu, "INS or OUTS with paging on, and VirtX does not go its tables yet");
		return 0;
	}

	pio->mask = info >> 7 & 7 ? U32_MAX : U16_MAX;
	pio->base = vmcs_read(segments[seg].base);
	pio->offset = *index & pio->mask;
	pio->down = vcpu->regs.rflags & X86_EFLAGS_DF;
	count = rep ? vcpu->regs.rcx & pio->mask : 1;

	/* Up to the segment's end, or down to its beginning; then once more. */
	top = min_t(u64, vmcs_read(segments[seg].limit), pio->mask);
	if (count && (u64)pio->offset + pio->size - 1 > top) {
		vtx_kill(vcpu, "%s at offset %#x, beyond the segment's limit %#llx",
			 pio->out ? "OUTS" : "INS", pio->offset, top);
		return 0;
	}
	fit = pio->down ? pio->offset / pio->size + 1 : (top - pio->offset + 1) / pio->size;
	count = min3(count, fit, (u64)PAGE_SIZE / pio->size);
	if (vcpu->regs.rflags & X86_EFLAGS_TF) /* it wants to see each step */
		count = min_t(u64, count, 1);

	*index = merge(*index, pio->offset + (pio->down ? -count : count) * pio->size, pio->mask);
	if (rep)
		vcpu->regs.rcx = merge(vcpu->regs.rcx, vcpu->regs.rcx - count, pio->mask);
	return count;
}

/* Return: whether something moves. */
static noinline bool string_exit(struct vtx_vcpu *vcpu, bool rep)
{
	struct pio *pio = &vcpu->pio;

	pio->count = string_piece(vcpu, rep);
	if (vcpu->ended)
		return false;
	if (rep && vcpu->regs.rcx & pio->mask)
		exit_step_done(vcpu);
	else
		exit_skip_instruction(vcpu);

	/* REP with a count of 0: the CPU asks all the same. */
	if (!pio->count)
		vcpu->exit = VTX_EXIT_INTR;
	return pio->count;
}

/* An IN is done: its value goes into AL, AX or EAX. */
static void pio_answer(struct vtx_vcpu *vcpu, u64 value)
{
	vcpu->regs.rax = merge(vcpu->regs.rax, value, GENMASK_ULL(vcpu->pio.size * 8 - 1, 0));
}

/* SDM, "Exit Qualification for I/O Instructions". */
void pio_exit(struct vtx_vcpu *vcpu)
{
	u64 q = vcpu->exit_qualification;
	struct vtx_run *run = vcpu->run;
	struct pio *pio = &vcpu->pio;
	bool out = !(q & BIT(3));
	u32 value;

	pio->out = out;
	pio->size = (q & 7) + 1;
	pio->port = q >> 16;
	pio->string = q & BIT(4);
	pio->count = 1;
	if (pio->string) {
		if (!string_exit(vcpu, q & BIT(5)))
			return;
	} else {
		value = out ? vcpu->regs.rax : U32_MAX;
		exit_skip_instruction(vcpu);
		if (iodev_access(vcpu->vm, q >> 16, &value, pio->size, 1, out)) {
			if (!out)
				pio_answer(vcpu, value);
			return;
		}
		*(u32 *)data_page(vcpu) = value;
	}

	pio->pending = !out;
	vcpu->exit = VTX_EXIT_IO;
	run->io.out = out;
	run->io.size = (q & 7) + 1;
	run->io.port = q >> 16;
	run->io.count = pio->count;
	run->io.data_offset = PAGE_SIZE;
}

/* Between guest memory and the data page, value by value. */
static void string_copy(struct vtx_vcpu *vcpu)
{
	struct pio *pio = &vcpu->pio;
	void *data = data_page(vcpu);
	u32 offset = pio->offset, i;

	for (i = 0; i < pio->count; i++) {
		u64 gpa = (u32)(pio->base + offset);

		if (vm_copy(vcpu->vm, gpa, data, pio->size, !pio->out)) {
			vtx_kill(vcpu, "%s at %#llx, where it %s", pio->out ? "OUTS" : "INS", gpa,
				 pio->out ? "has no memory" : "may not write");
			return;
		}
		data += pio->size;
		offset += pio->down ? -pio->size : pio->size;
	}
}

/* Before the next entry: what the guest is to receive. */
void pio_complete(struct vtx_vcpu *vcpu)
{
	struct pio *pio = &vcpu->pio;
	u64 value = 0;

	if (!pio->pending)
		return;
	pio->pending = false;
	if (pio->string) {
		string_copy(vcpu);
		return;
	}
	memcpy(&value, data_page(vcpu), pio->size);
	pio_answer(vcpu, value);
}

/*
 * After the exit, with interrupts on again, which copying may need: the values
 * of an OUTS are fetched, and our own devices answer.
 */
void pio_begin(struct vtx_vcpu *vcpu)
{
	struct pio *pio = &vcpu->pio;

	if (vcpu->exit != VTX_EXIT_IO || !pio->string)
		return;
	if (pio->out)
		string_copy(vcpu);
	else
		memset(data_page(vcpu), 0xff, pio->count * pio->size);
	if (vcpu->ended || !iodev_access(vcpu->vm, pio->port, data_page(vcpu), pio->size,
					 pio->count, pio->out))
		return;
	vcpu->exit = VTX_EXIT_NONE;
	pio_complete(vcpu);
}
