/* SPDX-License-Identifier: GPL-2.0-only */
/* A VM that runs a guest from a file, as VTXCTL would. */
#ifndef RUN_VM_H
#define RUN_VM_H

#include "fault_vm.h"

struct run_vm {
	int vm, vcpu;
	struct vtx_run *run;
	uint8_t *ram;
	size_t ram_pages;
	uint8_t *rom;
};

/* `chips`: VTX_CHIP_*, those that VTXDRV shall have. */
static inline void run_vm_open_with(struct run_vm *v, size_t ram_pages, uint32_t chips)
{
	v->ram_pages = ram_pages;
	v->ram = pages(ram_pages);
	v->rom = make_rom();
	v->vm = open_vtx();
	must("RAM", map_memory(v->vm, 0, v->ram, ram_pages * PAGE, 0));
	must("ROM", map_memory(v->vm, ROM_ADDR, v->rom, PAGE, VTX_MEM_READONLY));
#ifdef VTX_CREATE_IRQCHIP
	struct vtx_create_irqchip create = { .chips = chips };

	if (chips)
		must("VTX_CREATE_IRQCHIP", ioctl(v->vm, VTX_CREATE_IRQCHIP, &create));
#else
	(void)chips;
#endif
	v->vcpu = must("VTX_CREATE_VCPU", create_vcpu(v->vm));
	v->run = map_run(v->vcpu);
	must("the run page", v->run == MAP_FAILED ? -1 : 0);
}

static inline void run_vm_open(struct run_vm *v, size_t ram_pages)
{
	run_vm_open_with(v, ram_pages, 0);
}

static inline void run_vm_load(struct run_vm *v, const char *path)
{
	int fd = must(path, open(path, O_RDONLY));

	must(path, read(fd, v->ram + BOOT, v->ram_pages * PAGE - BOOT));
	close(fd);
}

static inline void run_vm_close(struct run_vm *v)
{
	munmap(v->run, VTX_RUN_PAGES * PAGE);
	close(v->vcpu);
	close(v->vm);
	munmap(v->ram, v->ram_pages * PAGE);
	munmap(v->rom, PAGE);
}

/* An OUT to the exit port is the end, too. */
static inline bool run_vm_has_ended(const struct run_vm *v)
{
	switch (v->run->exit) {
	case VTX_EXIT_NONE:
	case VTX_EXIT_INTR:
		return false;
	case VTX_EXIT_IO:
		return v->run->io.out && v->run->io.port == 0xf4;
	default:
		return true;
	}
}

#endif /* RUN_VM_H */
