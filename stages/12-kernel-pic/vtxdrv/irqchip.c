// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pair of interrupt controllers (dev/i8259.c), joined to whoever pulls a
 * line on one side and to the vCPU on the other. From here an interrupt finds
 * its way into the guest, and VTXCTL need not be asked.
 *
 * One lock for all chips of a VM, never held for long: the guest's ports, a
 * thread of VTXCTL's and an interrupt of the host may all want it. While it is
 * held a chip only notes what changed. As it is given back, and the
 * controllers' INTR pin has gone up, the vCPU hears of it.
 */
#include <linux/fs.h>
#include <linux/uaccess.h>

#include "trace.h"
#include "vtxdrv.h"

#define PIC_MASTER 0x20
#define PIC_SLAVE 0xa0
#define PIC_ELCR 0x4d0 /* edge or level: one bit for each line */

#define IRQS 16

unsigned long irqchip_lock(struct vtx_vm *vm)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&vm->irqchip.lock, flags);
	return flags;
}

/*
 * Only if the pin has risen: as long as it is up, the vCPU knows, and looks
 * again by itself when the guest can be interrupted.
 */
void irqchip_unlock(struct vtx_vm *vm, unsigned long flags)
{
	struct irqchip *chip = &vm->irqchip;
	bool was = chip->intr;
	bool rose;

	chip->intr = i8259_intr(&chip->pic);
	rose = chip->intr && !was;
	raw_spin_unlock_irqrestore(&chip->lock, flags);
	if (rose)
		vcpu_kick(vm);
}

/**
 * irqchip_take() - what is to be injected now?
 * @vm: whose
 * @can_inject: the guest can take an interrupt
 * @more: out: ask for a window, something waits
 *
 * Only now is it acknowledged: until then a request may go away, or give way to
 * a more urgent one. Return: a vector, or -1.
 */
int irqchip_take(struct vtx_vm *vm, bool can_inject, bool *more)
{
	struct irqchip *chip = &vm->irqchip;
	unsigned long flags = irqchip_lock(vm);
	int vector = -1;

	if (can_inject && i8259_intr(&chip->pic))
		vector = i8259_ack(&chip->pic);
	*more = chip->intr = i8259_intr(&chip->pic);
	/* Not irqchip_unlock(): the vCPU itself is looking, no kick. */
	raw_spin_unlock_irqrestore(&chip->lock, flags);
	return vector;
}

/* Does the guest listen to line n? The slave's lines come through one of the master's. */
static bool irqchip_listens(const struct i8259 *pic, unsigned int n)
{
	if (n < 8)
		return !(pic->master.imr >> n & 1);
	return !(pic->slave.imr >> (n - 8) & 1) && !(pic->master.imr >> I8259_CASCADE & 1);
}

/* Could a line of these, bit n for line n, end the guest's HLT? */
bool irqchip_may_wake(struct vtx_vm *vm, u32 lines)
{
	unsigned long flags = irqchip_lock(vm);
	bool may = vm->irqchip.intr;
	unsigned int n;

	for (n = 0; n < IRQS; n++)
		may |= (lines >> n & 1) && irqchip_listens(&vm->irqchip.pic, n);
	irqchip_unlock(vm, flags);
	return may;
}

static void pic_out(void *ctx, u16 offset, u8 value)
{
	struct vtx_vm *vm = ctx;

	i8259_out(&vm->irqchip.pic, offset, value, 0); /* 0: it needs no time */
}

static u8 pic_in(void *ctx, u16 offset)
{
	struct vtx_vm *vm = ctx;

	return i8259_in(&vm->irqchip.pic, offset, 0);
}

/* As after power-on. Until the guest has said what it wants, it hears no line. */
static void reset(struct vtx_vm *vm)
{
	unsigned long flags = irqchip_lock(vm);

	i8259_init(&vm->irqchip.pic);
	i8259_out(&vm->irqchip.pic, 1, 0xff, 0);
	irqchip_unlock(vm, flags);
}

static const struct iodev pic_ports[] = {
	{ PIC_MASTER, 2, 0, pic_out, pic_in },
	{ PIC_SLAVE, 2, 2, pic_out, pic_in },
	{ PIC_ELCR, 2, 4, pic_out, pic_in },
};

/* VTX_CREATE_IRQCHIP. */
long irqchip_create(struct file *file, void __user *arg)
{
	struct vtx_vm *vm = file->private_data;
	struct vtx_create_irqchip create;
	int err = 0;
	size_t i;

	if (copy_from_user(&create, arg, sizeof(create)))
		return -EFAULT;
	if (create.chips != VTX_CHIP_PIC || create.flags)
		return -EINVAL;

	if (mutex_lock_killable(&vm->lock))
		return -EINTR;
	if (vm->irqchip.chips)
		err = -EEXIST;
	else if (rcu_access_pointer(vm->vcpu))
		err = -EBUSY;
	for (i = 0; i < ARRAY_SIZE(pic_ports) && !err; i++)
		err = iodev_add(vm, &pic_ports[i], vm);
	if (!err) {
		WRITE_ONCE(vm->irqchip.chips, create.chips);
		reset(vm);
	}
	mutex_unlock(&vm->lock);
	return err;
}

/* What became of the request that line n made before? */
static u32 line_status(const struct i8259 *pic, unsigned int n)
{
	const struct i8259_chip *chip = n < 8 ? &pic->master : &pic->slave;

	if (!irqchip_listens(pic, n))
		return VTX_IRQ_MASKED;
	return chip->lines & chip->armed & 1 << (n & 7) ? VTX_IRQ_WAITS : VTX_IRQ_TAKEN;
}

/* VTX_IRQ_LINE: a device of VTXCTL's pulls a line, or lets it go. */
long irqchip_line(struct file *file, void __user *arg)
{
	struct vtx_vm *vm = file->private_data;
	struct vtx_irq_line line;
	unsigned long flags;

	if (copy_from_user(&line, arg, sizeof(line)))
		return -EFAULT;
	if (line.gsi >= IRQS || line.gsi == I8259_CASCADE || line.level > 1 || line.reserved)
		return -EINVAL;
	if (!READ_ONCE(vm->irqchip.chips))
		return -ENXIO;

	flags = irqchip_lock(vm);
	line.status = line_status(&vm->irqchip.pic, line.gsi);
	trace_vtx_irq_line(line.gsi, line.level, line.status);
	i8259_set_irq(&vm->irqchip.pic, line.gsi, line.level);
	irqchip_unlock(vm, flags);
	return put_user(line.status, &((struct vtx_irq_line __user *)arg)->status);
}

/* VTX_RESET: the machine's reset wire, for the chips that are here. */
long irqchip_reset(struct file *file, void __user *arg)
{
	struct vtx_vm *vm = file->private_data;

	if (arg)
		return -EINVAL;
	if (!READ_ONCE(vm->irqchip.chips))
		return -ENXIO;
	reset(vm);
	return 0;
}
