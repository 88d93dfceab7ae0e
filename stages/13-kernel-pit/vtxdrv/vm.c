// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VM is memory first. VTXCTL owns a piece of ordinary memory and says: this
 * is the guest's RAM. Here its pages are pinned, so that Linux neither moves
 * nor swaps what the CPU will reach behind its back, and are put into the
 * guest's own tables (ept.c).
 */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "vtxdrv.h"

atomic_long_t vtx_vms = ATOMIC_LONG_INIT(0);
atomic_long_t vtx_pages = ATOMIC_LONG_INIT(0);

/* Pinned in one go at most, so that a signal need not wait for the rest. */
#define PIN_BATCH 512UL

struct vtx_vm *vm_create(void)
{
	struct vtx_vm *vm;
	int err;

	vm = kzalloc(sizeof(*vm), GFP_KERNEL_ACCOUNT);
	if (!vm)
		return ERR_PTR(-ENOMEM);

	err = ept_init(&vm->ept);
	if (err) {
		kfree(vm);
		return ERR_PTR(err);
	}

	kref_init(&vm->ref);
	mutex_init(&vm->lock);
	INIT_LIST_HEAD(&vm->slots);
	raw_spin_lock_init(&vm->irqchip.lock);
	timer_init(vm);

	/*
	 * A killed process loses its memory first and its files after. To give
	 * back what was charged to it, we must still have the mm by then.
	 */
	vm->mm = current->mm;
	mmgrab(vm->mm);

	atomic_long_inc(&vtx_vms);
	return vm;
}

/* Undo slot_pin, however far it came. The pages may have been written. */
static void slot_unpin(struct vtx_vm *vm, struct vtx_slot *slot, unsigned long pinned)
{
	unpin_user_pages_dirty_lock(slot->pages, pinned, true);
	atomic_long_sub(pinned, &vtx_pages);
	account_locked_vm(vm->mm, slot->npages, false);
	kvfree(slot->pages);
	kfree(slot);
}

static void vm_destroy(struct kref *ref)
{
	struct vtx_vm *vm = container_of(ref, struct vtx_vm, ref);
	struct vtx_slot *slot, *next;

	timer_destroy(vm);

	/* The tables first: no CPU may reach a page that is not ours any more. */
	ept_free(&vm->ept);
	list_for_each_entry_safe(slot, next, &vm->slots, link)
		slot_unpin(vm, slot, slot->npages);

	mmdrop(vm->mm);
	kfree(vm);
	atomic_long_dec(&vtx_vms);
}

void vm_put(struct vtx_vm *vm)
{
	kref_put(&vm->ref, vm_destroy);
}

/*
 * Pin the pages and charge for them. Also read-only memory is pinned for
 * writing: the kernel then gives us a page of the process's own, instead of
 * one that it shares and may replace on the next write.
 */
static struct vtx_slot *slot_pin(struct vtx_vm *vm, const struct vtx_memory *mem)
{
	unsigned long npages = mem->size >> PAGE_SHIFT, pinned = 0;
	struct vtx_slot *slot;
	long n;
	int err;

	if (npages > totalram_pages())
		return ERR_PTR(-ENOMEM);

	err = account_locked_vm(vm->mm, npages, true);
	if (err)
		return ERR_PTR(err);

	err = -ENOMEM;
	slot = kzalloc(sizeof(*slot), GFP_KERNEL_ACCOUNT);
	if (!slot)
		goto uncharge;
	slot->gpa = mem->gpa;
	slot->npages = npages;
	slot->flags = mem->flags;
	slot->pages = kvmalloc_array(npages, sizeof(*slot->pages),
				     GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!slot->pages)
		goto free_slot;

	while (pinned < npages) {
		n = pin_user_pages_fast(mem->user_addr + (pinned << PAGE_SHIFT),
					min(npages - pinned, PIN_BATCH),
					FOLL_WRITE | FOLL_LONGTERM, slot->pages + pinned);
		if (n > 0) {
			pinned += n;
			atomic_long_add(n, &vtx_pages);
		}
		err = 0;
		if (n <= 0)
			err = n ? n : -EFAULT;
		else if (fatal_signal_pending(current))
			err = -EINTR;
		if (err) {
			slot_unpin(vm, slot, pinned);
			return ERR_PTR(err);
		}
		cond_resched();
	}
	return slot;

free_slot:
	kfree(slot);
uncharge:
	account_locked_vm(vm->mm, npages, false);
	return ERR_PTR(err);
}

static bool vm_overlaps(struct vtx_vm *vm, const struct vtx_memory *mem)
{
	struct vtx_slot *slot;

	list_for_each_entry(slot, &vm->slots, link)
		if (mem->gpa < slot->gpa + ((u64)slot->npages << PAGE_SHIFT) &&
		    slot->gpa < mem->gpa + mem->size)
			return true;
	return false;
}

static int vm_check_memory(const struct vtx_memory *mem)
{
	u64 top = 1ULL << min(vtx_caps.maxphyaddr, 48u);

	if (!mem->size || (mem->flags & ~VTX_MEM_READONLY) || mem->reserved ||
	    !PAGE_ALIGNED(mem->gpa | mem->size | mem->user_addr))
		return -EINVAL;
	if (mem->gpa >= top || mem->size > top - mem->gpa)
		return -ERANGE;
	if (!access_ok((void __user *)mem->user_addr, mem->size))
		return -EFAULT;
	return 0;
}

/* VTX_MAP_MEMORY: pin, then map; if the second fails, undo the first. */
long vm_map_memory(struct file *file, void __user *arg)
{
	struct vtx_vm *vm = file->private_data;
	struct vtx_memory mem;
	struct vtx_slot *slot;
	int err;

	if (copy_from_user(&mem, arg, sizeof(mem)))
		return -EFAULT;
	err = vm_check_memory(&mem);
	if (err)
		return err;

	if (mutex_lock_killable(&vm->lock))
		return -EINTR;

	err = -EEXIST;
	if (vm_overlaps(vm, &mem))
		goto unlock;

	slot = slot_pin(vm, &mem);
	err = PTR_ERR_OR_ZERO(slot);
	if (err)
		goto unlock;

	err = ept_map(&vm->ept, slot->gpa, slot->pages, slot->npages, slot->flags);
	if (err) {
		ept_unmap(&vm->ept, slot->gpa, slot->npages);
		slot_unpin(vm, slot, slot->npages);
		goto unlock;
	}
	list_add_tail(&slot->link, &vm->slots);
unlock:
	mutex_unlock(&vm->lock);
	return err;
}

/**
 * vm_copy() - read guest memory into buf, or write buf to it
 * @vm: the VM
 * @gpa: guest-physical address
 * @buf: kernel memory
 * @len: a few bytes: may reach over the end of a page, not of a slot
 * @write: into the guest
 *
 * Return: 0; -EFAULT where there is no memory, or none that may be written.
 */
int vm_copy(struct vtx_vm *vm, u64 gpa, void *buf, size_t len, bool write)
{
	struct vtx_slot *slot;
	int err = -EFAULT;

	mutex_lock(&vm->lock);
	list_for_each_entry(slot, &vm->slots, link) {
		u64 offset = gpa - slot->gpa, size = (u64)slot->npages << PAGE_SHIFT;

		if (gpa < slot->gpa || offset >= size || len > size - offset)
			continue;
		if (write && (slot->flags & VTX_MEM_READONLY))
			break;
		for (err = 0; len; len--, offset++, buf++) {
			u8 *page = kmap_local_page(slot->pages[offset >> PAGE_SHIFT]);

			if (write)
				page[offset_in_page(offset)] = *(u8 *)buf;
			else
				*(u8 *)buf = page[offset_in_page(offset)];
			kunmap_local(page);
		}
		break;
	}
	mutex_unlock(&vm->lock);
	return err;
}

/* VTX_TRANSLATE: see ept_translate. */
long vm_translate(struct file *file, void __user *arg)
{
	struct vtx_vm *vm = file->private_data;
	struct vtx_translate t;

	if (copy_from_user(&t, arg, sizeof(t)))
		return -EFAULT;
	if (t.gpa >> 48)
		return -ERANGE;

	if (mutex_lock_killable(&vm->lock))
		return -EINTR;
	ept_translate(&vm->ept, &t);
	mutex_unlock(&vm->lock);

	return copy_to_user(arg, &t, sizeof(t)) ? -EFAULT : 0;
}
