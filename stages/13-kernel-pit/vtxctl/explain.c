// SPDX-License-Identifier: GPL-2.0-only
/*
 * Numbers into sentences. What fields, errors and rules are called stands in
 * common/words.c; here it is put together.
 */
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "vtxctl.h"
#include "words.h"

static const char *const mistakes[VTX_NR_FORMS] = {
	[VTX_FORM_PIN_ZERO] = "all pin-based controls are 0",
	[VTX_FORM_CR3_TARGETS] = "511 CR3 targets are promised",
	[VTX_FORM_EPT_WALK] = "the EPT pointer says that the tables are one level deep",
	[VTX_FORM_HOST_CR4] = "CR4 of the host lacks VMXE, though VMX is on",
	[VTX_FORM_HOST_CS] = "CS of the host has privilege 3, like a user's program",
};

void explain_probe(const struct vtx_probe *p)
{
	if (p->form == 1)
		printf("The form has %u fields so far, each read back as it was written.\n",
		       p->fields_filled);

	printf("\nMistake %u: %s.\n", p->form, mistakes[p->form]);
	printf("  we wrote:     %s = %#llx, where %#llx would be right\n",
	       vmcs_field_name(p->spoilt_field), (unsigned long long)p->spoilt_to,
	       (unsigned long long)p->spoilt_from);

	if (!p->error) {
		printf("  the CPU says: nothing; it let this pass and stopped later, at: %s\n",
		       vmx_exit_reason_words(p->exit_reason & 0xffff));
		return;
	}
	printf("  the CPU says: error %u, %s\n", p->error,
	       vm_instruction_error_words(p->error));
	if (!p->rule) {
		puts("  we say:       no rule that we know is broken");
		return;
	}
	printf("  we say:       %s = %#llx: %s\n", vmcs_field_name(p->field),
	       (unsigned long long)p->value, vmentry_rule_words(p->rule));
	printf("  the rule:     SDM Vol. 3, %s\n", vmentry_rule_section(p->rule));
}

static const char *const exceptions[32] = {
	[0] = "a division by zero, or too large a quotient (#DE)",
	[1] = "a debug exception (#DB)",
	[2] = "an NMI",
	[3] = "a breakpoint (#BP)",
	[4] = "an overflow (#OF)",
	[5] = "an index out of its bounds (#BR)",
	[6] = "an instruction that does not exist (#UD)",
	[7] = "the FPU is not to be used now (#NM)",
	[8] = "a double fault (#DF)",
	[10] = "a task state that is no good (#TS)",
	[11] = "a segment that is not present (#NP)",
	[12] = "the stack's segment (#SS)",
	[13] = "general protection (#GP)",
	[14] = "a page fault (#PF)",
	[16] = "an FPU error (#MF)",
	[17] = "an unaligned address (#AC)",
	[18] = "a machine check (#MC)",
	[19] = "a SIMD error (#XM)",
};

/* What its access rights say of a segment (SDM, "Format of Access Rights"). */
static void explain_segment(const char *name, const struct vtx_segment *seg)
{
	static const char *const types[8] = {
		"data to read",
		"data to read and write",
		"a stack to read",
		"a stack to read and write",
		"code to run",
		"code to run and read",
		"shared code to run",
		"shared code to run and read",
	};

	fprintf(stderr, "vtxctl:   %s %04x: ", name, seg->selector);
	if (seg->access & 1 << 16)
		fputs("none\n", stderr);
	else if (seg->limit == UINT32_MAX)
		fprintf(stderr, "%s, all memory\n", types[seg->access >> 1 & 7]);
	else
		fprintf(stderr, "%s, %llu bytes from %#llx\n", types[seg->access >> 1 & 7],
			seg->limit + 1ULL, (unsigned long long)seg->base);
}

static const char *mode_words(const struct vtx_sregs *s, const struct vtx_regs *regs)
{
	if (!(s->cr0 & 1))
		return "real mode";
	if (regs->rflags & 1 << 17)
		return "virtual-8086 mode";
	return s->cr0 & 1u << 31 ? "protected mode with paging" : "protected mode";
}

/* What came first, of all that led to a triple fault? An interrupt has type 0. */
static void explain_first(const struct vtx_run *run)
{
	uint32_t vector = run->shutdown.vector;

	fputs("vtxctl: it began with ", stderr);
	if (!run->shutdown.delivered)
		fputs("what the guest did itself\n", stderr);
	else if (run->shutdown.type == 0)
		fprintf(stderr, "interrupt %u, from outside\n", vector);
	else
		fprintf(stderr, "exception %u: %s\n", vector,
			(vector < 32 ? exceptions[vector] : NULL) ?: "a reserved one");
}

/* Where the guest stands and what it has, in words. */
static void explain_state(struct vm *vm, const struct vtx_regs *regs)
{
	struct vtx_sregs s = {};
	char text[128];

	vm_ioctl(vm->vcpu_fd, VTX_GET_SREGS, &s);
	disasm(vm, &s, regs->rip, text, sizeof(text));
	fprintf(stderr, "vtxctl: the instruction there, in %s: %s\n", mode_words(&s, regs), text);
	fprintf(stderr, "vtxctl:   EAX %llx  EBX %llx  ECX %llx  EDX %llx  ESI %llx  EDI %llx  EBP %llx  ESP %llx\n",
		regs->rax, regs->rbx, regs->rcx, regs->rdx, regs->rsi, regs->rdi, regs->rbp, regs->rsp);
	explain_segment("CS", &s.cs);
	explain_segment("SS", &s.ss);
	explain_segment("DS", &s.ds);
	explain_segment("ES", &s.es);
	explain_segment("FS", &s.fs);
	explain_segment("GS", &s.gs);
}

/* The guest has ended, and not because it wanted to: say why, and where. */
void explain_end(struct vm *vm)
{
	const struct vtx_run *run = vm->run;
	uint32_t reason = run->hw_reason & 0xffff;
	struct vtx_regs regs = {};

	ioctl(vm->vcpu_fd, VTX_GET_REGS, &regs);
	if (run->exit == VTX_EXIT_SHUTDOWN) {
		fprintf(stderr, "vtxctl: triple fault at IP %#llx, the guest's CPU shut down: %s\n",
			(unsigned long long)regs.rip, run->text);
		explain_first(run);
		explain_state(vm, &regs);
		return;
	}
	if (run->exit == VTX_EXIT_KILLED) {
		fprintf(stderr, "vtxctl: the guest was ended at IP %#llx: %s\n",
			(unsigned long long)regs.rip, run->text);
		fprintf(stderr, "vtxctl: the CPU says: VM exit %u, %s\n", reason,
			vmx_exit_reason_words(reason));
		return;
	}

	if (run->exit != VTX_EXIT_FAIL) {
		fprintf(stderr, "vtxctl: VTXDRV came back with %u, which VTXCTL does not know: are both of one stage?\n",
			run->exit);
		return;
	}

	fprintf(stderr, "vtxctl: the CPU refused to enter the guest: %s\n",
		run->fail.error ? vm_instruction_error_words(run->fail.error) : "its state is not one that a CPU can be in");
	if (run->fail.rule)
		fprintf(stderr, "vtxctl: %s = %#llx: %s (SDM Vol. 3, %s)\n",
			vmcs_field_name(run->fail.field), (unsigned long long)run->fail.value,
			vmentry_rule_words(run->fail.rule), vmentry_rule_section(run->fail.rule));
	else
		fputs("vtxctl: no rule that we know is broken\n", stderr);
}
