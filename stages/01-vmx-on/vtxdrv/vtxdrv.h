/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of this module know of each other. */
#ifndef VTXDRV_H
#define VTXDRV_H

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

#endif /* VTXDRV_H */
