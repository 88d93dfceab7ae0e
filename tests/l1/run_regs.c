// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the guest is given is what it has, and what it leaves is what we get:
 * all registers through VTX_SET_REGS, a turn that ends with an OUT, and
 * VTX_GET_REGS. Then an RFLAGS that no CPU can have, and what is said to it.
 */
#include "run_vm.h"
#include "vmentry.h"

#define RFLAGS_FIXED 2

static void fill(struct vtx_regs *regs)
{
	uint64_t *reg = (uint64_t *)regs;
	size_t i;

	for (i = 0; i < 16; i++)
		reg[i] = 0x1111111111111111ULL * i + 0xf0e1d2c3b4a59687ULL;
}

static void carry_registers(const char *guest)
{
	struct vtx_regs given, back;
	struct run_vm v;

	run_vm_open(&v, 32);
	run_vm_load(&v, guest);
	must("VTX_GET_REGS", ioctl(v.vcpu, VTX_GET_REGS, &given));
	tell_number("rip at first", given.rip);
	tell_number("rflags at first", given.rflags);
	fill(&given);
	must("VTX_SET_REGS", ioctl(v.vcpu, VTX_SET_REGS, &given));
	do
		must("VTX_RUN", ioctl(v.vcpu, VTX_RUN, 0));
	while (v.run->exit == VTX_EXIT_INTR);
	tell_number("exit", v.run->exit);
	must("VTX_GET_REGS", ioctl(v.vcpu, VTX_GET_REGS, &back));

	tell_number("rip behind the OUT", back.rip);
	printf("registers: %s\n", memcmp(&given, &back, 16 * 8) ? "not as given" : "as given");

	/* The CPU keeps what real mode does not show: the upper halves, and R8 to R15. */
	back.rax = 0xaaaabbbbccccdddd;
	must("VTX_SET_REGS", ioctl(v.vcpu, VTX_SET_REGS, &back));
	do
		must("VTX_RUN", ioctl(v.vcpu, VTX_RUN, 0));
	while (v.run->exit == VTX_EXIT_INTR);
	tell_number("the guest then sends", *(uint32_t *)data_of(v.run));
	run_vm_close(&v);
}

static const char *rule_name(uint32_t rule)
{
	switch (rule) {
	case VMENTRY_GUEST_RFLAGS_ONES:
		return "a bit that is always 1";
	case VMENTRY_GUEST_RFLAGS_ZEROS:
		return "a bit that is always 0";
	default:
		return "another rule";
	}
}

static void refuse(const char *guest, uint64_t rflags)
{
	struct vtx_regs regs;
	struct run_vm v;

	run_vm_open(&v, 32);
	run_vm_load(&v, guest);
	must("VTX_GET_REGS", ioctl(v.vcpu, VTX_GET_REGS, &regs));
	regs.rflags = rflags;
	must("VTX_SET_REGS", ioctl(v.vcpu, VTX_SET_REGS, &regs));
	must("VTX_RUN", ioctl(v.vcpu, VTX_RUN, 0));
	printf("rflags %#llx: exit %u, error %u, field %#x = %#llx, %s\n",
	       (unsigned long long)rflags, v.run->exit, v.run->fail.error, v.run->fail.field,
	       (unsigned long long)v.run->fail.value, rule_name(v.run->fail.rule));
	tell("run it again", ioctl(v.vcpu, VTX_RUN, 0));
	run_vm_close(&v);
}

int main(int argc, char **argv)
{
	if (argc != 2)
		errx(1, "usage: run_regs GUEST");
	carry_registers(argv[1]);
	refuse(argv[1], 0);
	refuse(argv[1], RFLAGS_FIXED | 1 << 3);
	return 0;
}
