// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VM is what one open /dev/vtx stands for. It belongs to the process that
 * opened it and ends with the last descriptor. So far it is only that.
 */
#include <linux/err.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "vtxdrv.h"

atomic_long_t vtx_vms = ATOMIC_LONG_INIT(0);

struct vtx_vm *vm_create(void)
{
	struct vtx_vm *vm;

	vm = kzalloc(sizeof(*vm), GFP_KERNEL_ACCOUNT);
	if (!vm)
		return ERR_PTR(-ENOMEM);

	kref_init(&vm->ref);

	/* Whose memory it is: a process that got the descriptor has another. */
	vm->mm = current->mm;
	mmgrab(vm->mm);

	atomic_long_inc(&vtx_vms);
	return vm;
}

static void vm_destroy(struct kref *ref)
{
	struct vtx_vm *vm = container_of(ref, struct vtx_vm, ref);

	mmdrop(vm->mm);
	kfree(vm);
	atomic_long_dec(&vtx_vms);
}

void vm_put(struct vtx_vm *vm)
{
	kref_put(&vm->ref, vm_destroy);
}
