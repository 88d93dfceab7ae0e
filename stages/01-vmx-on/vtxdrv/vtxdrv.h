/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of this module know of each other. */
#ifndef VTXDRV_H
#define VTXDRV_H

#include <linux/kref.h>
#include <linux/types.h>

#include "vtx.h"

/* caps.c: what this CPU can do. Filled once, before VMX is switched on. */
extern struct vtx_caps vtx_caps;

void caps_read(void);

/* How a page begins that is given to the CPU (SDM, "Format of the VMCS Region"). */
struct vmx_region {
	u32 revision_id; /* as IA32_VMX_BASIC says; bit 31 is 0 */
	u32 abort; /* why a VM exit could not be finished */
	u8 data[]; /* the CPU's own */
};

/* hw.c: VMX on and off, on every CPU. */
int hw_init(void);
void hw_exit(void);
unsigned int hw_cpus_on(void);

/* vm.c: a VM, and who may use it. */
struct vtx_vm {
	struct kref ref; /* one for each descriptor */
	struct mm_struct *mm; /* of the process that made it */
};

/* What is alive now: to be read under /sys/module/vtxdrv/parameters/. */
extern atomic_long_t vtx_vms;

struct vtx_vm *vm_create(void);
void vm_put(struct vtx_vm *vm);

#endif /* VTXDRV_H */
