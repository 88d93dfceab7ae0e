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
