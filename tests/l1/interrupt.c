// SPDX-License-Identifier: GPL-2.0-only
/* VTX_INTERRUPT, can_inject and want_window: what is refused, and what comes when. */
#include "run_vm.h"

static struct run_vm v;

static void interrupt(const char *what, uint32_t vector, uint32_t reserved)
{
	struct vtx_interrupt irq = { .vector = vector, .reserved = reserved };

	tell(what, ioctl(v.vcpu, VTX_INTERRUPT, &irq));
}

static unsigned int run(void)
{
	do
		must("VTX_RUN", ioctl(v.vcpu, VTX_RUN, 0));
	while (v.run->exit == VTX_EXIT_INTR || v.run->exit == VTX_EXIT_NONE);
	return v.run->exit;
}

int main(int argc, char **argv)
{
	(void)argc;
	run_vm_open(&v, 16);
	run_vm_load(&v, argv[1]);
	interrupt("before the first turn", 0x40, 0);
	interrupt("vector 256", 256, 0);
	interrupt("reserved", 0x40, 1);
	tell("a bad pointer", ioctl(v.vcpu, VTX_INTERRUPT, (void *)1));

	run(); /* OUT, interrupts are off */
	interrupt("interrupts off", 0x40, 0);
	tell_number("it may not: can_inject", v.run->can_inject);
	v.run->want_window = 1;
	tell_number("with want_window it comes back with", run());
	tell_number("it may: can_inject", v.run->can_inject);
	v.run->want_window = 0;
	interrupt("now", 0x40, 0);
	interrupt("and a second one", 0x40, 0);
	tell_number("after that: can_inject", v.run->can_inject);

	run(); /* OUT */
	tell_number("the handler has run", v.ram[0x6000]);
	tell_number("it waits in HLT", run());
	tell_number("can be woken", v.run->can_inject);
	interrupt("by an interrupt", 0x40, 0);
	tell_number("the end", run());
	tell_number("by then the handler has run", v.ram[0x6000]);
	interrupt("after the end", 0x40, 0);
	run_vm_close(&v);
	return 0;
}
