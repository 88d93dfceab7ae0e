// SPDX-License-Identifier: GPL-2.0-only
/* VTX_GET_SREGS and VTX_SET_SREGS: what is refused, and that nothing has changed then. */
#include "run_vm.h"

static struct run_vm v;
static struct vtx_sregs first;

static struct vtx_sregs get(void)
{
	struct vtx_sregs s = {};

	must("VTX_GET_SREGS", ioctl(v.vcpu, VTX_GET_SREGS, &s));
	return s;
}

static void try(const char *what, const struct vtx_sregs *s)
{
	tell(what, ioctl(v.vcpu, VTX_SET_SREGS, s));
}

int main(int argc, char **argv)
{
	struct vtx_probe probe = { .form = VTX_FORM_HOST_CS };
	struct vtx_sregs s, now;

	run_vm_open(&v, 16);
	run_vm_load(&v, argv[1]);
	first = get();
	printf("at first: CS: %x %llx %x\n", first.cs.selector, first.cs.base, first.cs.limit);
	printf("at first: CR0: %llx\n", first.cr0);

	s = first;
	s.cr0 = 0x80000010;
	try("CR0 with PG alone", &s);
	s = first;
	s.cr4 = 0x2000;
	try("CR4 with VMXE", &s);
	s = first;
	s.efer = 0x500;
	try("EFER", &s);
	s = first;
	s.cr3 = 1ULL << 32;
	try("CR3 beyond 32 bits", &s);
	try("a bad pointer", (void *)1);
	now = get();
	printf("after the refusals: %s\n", memcmp(&now, &first, sizeof(now)) ? "changed" : "the same");

	s = first;
	s.cr0 = 0x11;
	s.cr3 = 0x3000;
	s.cr4 = 0x10;
	s.gs.base = 0x12345;
	s.gdt.base = 0x777;
	s.idt.limit = 0x3f;
	must("VTX_SET_SREGS", ioctl(v.vcpu, VTX_SET_SREGS, &s));
	now = get();
	printf("what is written: %s\n", memcmp(&now, &s, sizeof(now)) ? "is not read" : "read again");
	must("VTX_PROBE_ENTRY", ioctl(v.vcpu, VTX_PROBE_ENTRY, &probe));
	now = get();
	printf("after a probe: %s\n", memcmp(&now, &s, sizeof(now)) ? "changed" : "the same");

	s = first;
	s.tr.access = 0x93;
	must("VTX_SET_SREGS", ioctl(v.vcpu, VTX_SET_SREGS, &s));
	must("VTX_RUN", ioctl(v.vcpu, VTX_RUN, 0));
	printf("nonsense in a segment: %s\n",
	       v.run->exit == VTX_EXIT_FAIL ? "refused by the CPU" : "went in");
	run_vm_close(&v);
	return 0;
}
