// SPDX-License-Identifier: GPL-2.0-only
/*
 * The capability words, told bit by bit. The names are the SDM's, from the
 * tables of "VM-Execution Control Fields", "VM-Exit Controls" and "VM-Entry
 * Controls". A bit without a name here is reserved, or newer than this table.
 */
#include <stdint.h>
#include <stdio.h>

#include "vtxctl.h"

struct bit_name {
	int bit;
	const char *name;
};

static const struct bit_name pin_bits[] = {
	{ 0, "external-interrupt exiting" },
	{ 3, "NMI exiting" },
	{ 5, "virtual NMIs" },
	{ 6, "activate VMX-preemption timer" },
	{ 7, "process posted interrupts" },
	{},
};

static const struct bit_name proc_bits[] = {
	{ 2, "interrupt-window exiting" },
	{ 3, "use TSC offsetting" },
	{ 7, "HLT exiting" },
	{ 9, "INVLPG exiting" },
	{ 10, "MWAIT exiting" },
	{ 11, "RDPMC exiting" },
	{ 12, "RDTSC exiting" },
	{ 15, "CR3-load exiting" },
	{ 16, "CR3-store exiting" },
	{ 17, "activate tertiary controls" },
	{ 19, "CR8-load exiting" },
	{ 20, "CR8-store exiting" },
	{ 21, "use TPR shadow" },
	{ 22, "NMI-window exiting" },
	{ 23, "MOV-DR exiting" },
	{ 24, "unconditional I/O exiting" },
	{ 25, "use I/O bitmaps" },
	{ 27, "monitor trap flag" },
	{ 28, "use MSR bitmaps" },
	{ 29, "MONITOR exiting" },
	{ 30, "PAUSE exiting" },
	{ 31, "activate secondary controls" },
	{},
};

static const struct bit_name proc2_bits[] = {
	{ 0, "virtualize APIC accesses" },
	{ 1, "enable EPT" },
	{ 2, "descriptor-table exiting" },
	{ 3, "enable RDTSCP" },
	{ 4, "virtualize x2APIC mode" },
	{ 5, "enable VPID" },
	{ 6, "WBINVD exiting" },
	{ 7, "unrestricted guest" },
	{ 8, "APIC-register virtualization" },
	{ 9, "virtual-interrupt delivery" },
	{ 10, "PAUSE-loop exiting" },
	{ 11, "RDRAND exiting" },
	{ 12, "enable INVPCID" },
	{ 13, "enable VM functions" },
	{ 14, "VMCS shadowing" },
	{ 15, "enable ENCLS exiting" },
	{ 16, "RDSEED exiting" },
	{ 17, "enable PML" },
	{ 18, "EPT-violation #VE" },
	{ 19, "conceal VMX from PT" },
	{ 20, "enable XSAVES/XRSTORS" },
	{ 22, "mode-based execute control for EPT" },
	{ 23, "sub-page write permissions for EPT" },
	{ 24, "Intel PT uses guest physical addresses" },
	{ 25, "use TSC scaling" },
	{ 26, "enable user wait and pause" },
	{ 28, "enable ENCLV exiting" },
	{},
};

static const struct bit_name exit_bits[] = {
	{ 2, "save debug controls" },
	{ 9, "host address-space size (64-bit host)" },
	{ 12, "load IA32_PERF_GLOBAL_CTRL" },
	{ 15, "acknowledge interrupt on exit" },
	{ 18, "save IA32_PAT" },
	{ 19, "load IA32_PAT" },
	{ 20, "save IA32_EFER" },
	{ 21, "load IA32_EFER" },
	{ 22, "save VMX-preemption timer value" },
	{ 23, "clear IA32_BNDCFGS" },
	{ 24, "conceal VMX from PT" },
	{ 25, "clear IA32_RTIT_CTL" },
	{ 28, "load CET state" },
	{ 29, "load PKRS" },
	{},
};

static const struct bit_name entry_bits[] = {
	{ 2, "load debug controls" },
	{ 9, "IA-32e mode guest" },
	{ 10, "entry to SMM" },
	{ 11, "deactivate dual-monitor treatment" },
	{ 13, "load IA32_PERF_GLOBAL_CTRL" },
	{ 14, "load IA32_PAT" },
	{ 15, "load IA32_EFER" },
	{ 16, "load IA32_BNDCFGS" },
	{ 17, "conceal VMX from PT" },
	{ 18, "load IA32_RTIT_CTL" },
	{ 20, "load CET state" },
	{ 22, "load PKRS" },
	{},
};

/*
 * The low half of a control word holds the bits that must be 1, the high half
 * those that may be 1. So a bit is free, or always 1, or never 1.
 */
static void report_word(const char *title, uint64_t word, const struct bit_name *names)
{
	uint32_t must = word, may = word >> 32;

	printf("\n%s: must be 1: %08x, may be 1: %08x\n", title, must, may);
	if (!word) {
		puts("  this CPU does not have them");
		return;
	}
	for (; names->name; names++) {
		uint32_t bit = 1u << names->bit;
		const char *choice = "0 or 1";

		if (must & bit)
			choice = "always 1";
		else if (!(may & bit))
			choice = "always 0";
		printf("  %-9s %2d  %s\n", choice, names->bit, names->name);
	}
}

static void report_ability(const char *what, int yes)
{
	printf("  %-4s %s\n", yes ? "yes" : "no", what);
}

void caps_report(const struct vtx_caps *c)
{
	uint32_t proc = c->proc >> 32, proc2 = c->proc2 >> 32, pin = c->pin >> 32;

	printf("VMX is on, on %u CPU%s.\n", c->cpus_on, c->cpus_on == 1 ? "" : "s");
	printf("\nWhat this CPU can do:\n");
	printf("  VMCS revision %u, %u bytes; physical addresses have %u bits\n",
	       (uint32_t)c->basic & 0x7fffffff, (uint32_t)(c->basic >> 32) & 0x1fff,
	       c->maxphyaddr);
	report_ability("guest memory behind tables of its own (EPT)", proc2 >> 1 & 1);
	report_ability("EPT with pages of 2 MiB", c->ept_vpid >> 16 & 1);
	report_ability("guests in real mode (unrestricted guest)", proc2 >> 7 & 1);
	report_ability("a name for each guest's translations (VPID)", proc2 >> 5 & 1);
	report_ability("a clock that ends a guest's turn (preemption timer)", pin >> 6 & 1);
	report_ability("a choice of ports that exit (I/O bitmaps)", proc >> 25 & 1);
	report_ability("a choice of MSRs that exit (MSR bitmaps)", proc >> 28 & 1);
	report_ability("a stop after each instruction (monitor trap flag)", proc >> 27 & 1);

	printf("\nWhich controls may be chosen%s:\n",
	       c->flags & VTX_CAPS_TRUE ? " (the TRUE words)" : "");
	report_word("Pin-based controls", c->pin, pin_bits);
	report_word("Primary processor-based controls", c->proc, proc_bits);
	report_word("Secondary processor-based controls", c->proc2, proc2_bits);
	report_word("VM-exit controls", c->exit, exit_bits);
	report_word("VM-entry controls", c->entry, entry_bits);

	printf("\nBits of CR0 that must be 1: %08llx, may be 1: %08llx\n",
	       (unsigned long long)c->cr0_fixed0, (unsigned long long)c->cr0_fixed1);
	printf("Bits of CR4 that must be 1: %08llx, may be 1: %08llx\n",
	       (unsigned long long)c->cr4_fixed0, (unsigned long long)c->cr4_fixed1);
}
