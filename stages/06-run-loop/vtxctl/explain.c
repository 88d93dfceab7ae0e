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

bool explain_wanted;

/*
 * What is being told: up to two sentences that take turns, as "may I send?" and
 * "send" do. Each is told once, with how often it came.
 */
static struct line {
	char what[128];
	char bytes[64]; /* what went through the port, if that is text */
	unsigned long times;
} lines[2];

static unsigned long exits; /* told so far */

const char *exit_name(const struct vtx_run *run)
{
	static const char *const names[] = {
		[VTX_EXIT_NONE] = "not entered",
		[VTX_EXIT_INTR] = "host interrupt",
		[VTX_EXIT_IO] = "port I/O",
		[VTX_EXIT_HLT] = "HLT",
		[VTX_EXIT_FAIL] = "entry refused",
		[VTX_EXIT_KILLED] = "ended",
		[VTX_EXIT_SHUTDOWN] = "triple fault",
	};

	return run->exit < sizeof(names) / sizeof(names[0]) ? names[run->exit] : "?";
}

void explain_flush(void)
{
	size_t i;

	for (i = 0; i < 2 && lines[i].times; i++) {
		fprintf(stderr, "%5lu  %s%s%s%s", exits + 1, lines[i].what,
			lines[i].bytes[0] ? ": \"" : "", lines[i].bytes,
			lines[i].bytes[0] ? "\"" : "");
		if (lines[i].times > 1)
			fprintf(stderr, "  (%lu times)", lines[i].times);
		fputc('\n', stderr);
		exits += lines[i].times;
	}
	memset(lines, 0, sizeof(lines));
}

/* The line of this sentence. A third sentence ends the two before it. */
static struct line *line_find(const char *what)
{
	size_t i;

	for (i = 0; i < 2 && lines[i].times; i++)
		if (!strcmp(lines[i].what, what))
			return &lines[i];
	if (i == 2) {
		explain_flush();
		i = 0;
	}
	strcpy(lines[i].what, what);
	return &lines[i];
}

static void add_bytes(struct line *line, const uint8_t *data, unsigned int size)
{
	size_t used = strlen(line->bytes);
	unsigned int i;

	for (i = 0; i < size && used + 8 < sizeof(line->bytes); i++)
		used += snprintf(line->bytes + used, sizeof(line->bytes) - used,
				 data[i] >= ' ' && data[i] < 0x7f ? "%c" : "\\x%02x", data[i]);
	if (i < size && !strstr(line->bytes, "..."))
		strcat(line->bytes, "...");
}

static void describe(const struct vtx_run *run, char *what, size_t size)
{
	switch (run->exit) {
	case VTX_EXIT_IO:
		snprintf(what, size, "%s of %u byte%s %s port %#x, %s",
			 run->io.out ? "OUT" : "IN", run->io.size, run->io.size > 1 ? "s" : "",
			 run->io.out ? "to" : "from", run->io.port, iobus_name(run->io.port));
		break;
	case VTX_EXIT_HLT:
		snprintf(what, size, "HLT with interrupts %s", run->if_flag ? "on" : "off");
		break;
	default:
		snprintf(what, size, "%s", exit_name(run));
	}
}

/* Tell this exit, or count it with the ones before if it is the same. */
void explain_exit(struct vm *vm)
{
	struct vtx_run *run = vm->run;
	char what[sizeof(lines[0].what)];
	struct line *line;

	if (!explain_wanted)
		return;

	describe(run, what, sizeof(what));
	line = line_find(what);
	line->times++;
	if (run->exit == VTX_EXIT_IO && iobus_is_text(run->io.port))
		add_bytes(line, (uint8_t *)run + run->io.data_offset, run->io.size * run->io.count);
}

/* The guest has ended, and not because it wanted to: say why, and where. */
void explain_end(struct vm *vm)
{
	const struct vtx_run *run = vm->run;
	uint32_t reason = run->hw_reason & 0xffff;
	struct vtx_regs regs = {};

	explain_flush();
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

	fprintf(stderr, "vtxctl: the CPU refused to enter the guest: %s\n",
		run->fail.error ? vm_instruction_error_words(run->fail.error) : "its state is not one that a CPU can be in");
	if (run->fail.rule)
		fprintf(stderr, "vtxctl: %s = %#llx: %s (SDM Vol. 3, %s)\n",
			vmcs_field_name(run->fail.field), (unsigned long long)run->fail.value,
			vmentry_rule_words(run->fail.rule), vmentry_rule_section(run->fail.rule));
	else
		fputs("vtxctl: no rule that we know is broken\n", stderr);
}
