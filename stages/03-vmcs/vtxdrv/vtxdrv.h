/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of this module know of each other. */
#ifndef VTXDRV_H
#define VTXDRV_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>

#include <asm/desc_defs.h>

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

bool hw_is_on(void);

/* ept.c: the tables between guest-physical and host-physical memory. */
struct ept {
	u64 *root;
	u64 eptp; /* the root, as the VMCS wants it */
};

int ept_supported(void);
int ept_init(struct ept *ept);
void ept_free(struct ept *ept);
int ept_map(struct ept *ept, u64 gpa, struct page **pages, unsigned long npages, u32 flags);
void ept_unmap(struct ept *ept, u64 gpa, unsigned long npages);
void ept_translate(struct ept *ept, struct vtx_translate *t);
void ept_sync_this_cpu(void);

/* What a VM exit takes from the host and does not give back. */
struct host_state {
	struct desc_ptr gdt, idt; /* of this CPU */
	u16 ldt, ds, es, fs, gs; /* of the process */
	u64 fs_base;
	u64 debugctl;
	unsigned long cr2;
};

/* vm.c: a VM, its memory, and who may use it. */
struct vtx_slot {
	struct list_head link;
	u64 gpa;
	unsigned long npages;
	struct page **pages; /* pinned */
	u32 flags; /* VTX_MEM_* */
};

struct vtx_vm {
	struct kref ref; /* one for each descriptor */
	struct mm_struct *mm; /* of the process that made it: it pays */
	struct mutex lock; /* slots and ept */
	struct list_head slots;
	struct ept ept;
	struct vtx_vcpu *vcpu; /* NULL as long as there is none */
};

/* What is alive now: to be read under /sys/module/vtxdrv/parameters/. */
extern atomic_long_t vtx_vms;
extern atomic_long_t vtx_pages; /* pinned for guests, or in their tables */

struct vtx_vm *vm_create(void);
void vm_put(struct vtx_vm *vm);
long vm_map_memory(struct file *file, void __user *arg);
long vm_translate(struct file *file, void __user *arg);

/* vcpu.c: a vCPU and its descriptor. */
struct vtx_vcpu {
	struct vtx_vm *vm;
	unsigned long busy; /* bit 0: a thread is using it */
	struct vmx_region *vmcs;
	u32 fields_filled;
};

extern atomic_long_t vtx_vcpus;

long vcpu_create(struct file *file, void __user *arg);
int vcpu_load(struct vtx_vcpu *vcpu);
void vcpu_put(struct vtx_vcpu *vcpu);
bool vcpu_enter(struct vtx_vcpu *vcpu);

/* fail.c: why an entry was refused. */
long fail_probe_entry(struct vtx_vcpu *vcpu, void __user *arg);

#endif /* VTXDRV_H */
