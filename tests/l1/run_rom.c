// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest with 128 KiB of RAM, and behind it a page that it may only read:
 * 5a a5, and zeros. It reads from it and sends what it read; then it writes.
 *
 * usage: run_rom GUEST
 */
#include "run_vm.h"

int main(int argc, char **argv)
{
	struct run_vm v;
	uint8_t *page = pages(1);

	if (argc != 2)
		errx(1, "usage: run_rom GUEST");
	run_vm_open(&v, 32);
	run_vm_load(&v, argv[1]);
	page[0] = 0x5a;
	page[1] = 0xa5;
	must("the page", map_memory(v.vm, 32 * PAGE, page, PAGE, VTX_MEM_READONLY));

	do {
		must("VTX_RUN", ioctl(v.vcpu, VTX_RUN, 0));
		if (v.run->exit == VTX_EXIT_IO && v.run->io.out)
			tell_number("it sent", *(uint8_t *)data_of(v.run));
	} while (!run_vm_has_ended(&v));
	printf("ended: %s\n", v.run->exit == VTX_EXIT_KILLED ? v.run->text : "otherwise");
	tell_number("there now", page[1]);
	run_vm_close(&v);
	return 0;
}
