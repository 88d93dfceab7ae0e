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

#define MASK 1 /* offset of the master's OCW1 */

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
	bool was = chip->intr, kick, wake;

	chip->intr = i8259_intr(&chip->pic);
	kick = chip->kick || (chip->intr && !was);
	wake = chip->wake;
	chip->kick = chip->wake = false;
	raw_spin_unlock_irqrestore(&chip->lock, flags);
	if (kick)
		vcpu_kick(vm);
	if (wake)
		uart_wake(vm);
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

	if (can_inject && i8259_intr(&chip->pic)) {
		vector = i8259_ack(&chip->pic);
		timer_advance(vm); /* the next tick may have waited for that */
	}
	*more = chip->intr = i8259_intr(&chip->pic);
	/* Not irqchip_unlock(): the vCPU itself is looking, no kick. */
	raw_spin_unlock_irqrestore(&chip->lock, flags);
	return vector;
}

/* Does the guest listen to line n? The slave's lines come through one of the master's. */
bool irqchip_listens(struct vtx_vm *vm, unsigned int n)
{
	const struct i8259 *pic = &vm->irqchip.pic;

	if (n < 8)
		return !(pic->master.imr >> n & 1);
	return !(pic->slave.imr >> (n - 8) & 1) && !(pic->master.imr >> I8259_CASCADE & 1);
}

/* Does a request wait there that nobody has taken? */
bool irqchip_requested(struct vtx_vm *vm, unsigned int n)
{
	const struct i8259_chip *chip = n < 8 ? &vm->irqchip.pic.master : &vm->irqchip.pic.slave;

	return chip->lines & chip->armed & 1 << (n & 7);
}

/* A request at input n, for which the line stays up until the next. */
void irqchip_pulse(struct vtx_vm *vm, unsigned int n)
{
	i8259_set_irq(&vm->irqchip.pic, n, false);
	i8259_set_irq(&vm->irqchip.pic, n, true);
}

/* Could one of our devices, or a line of these, bit n for line n, end the guest's HLT? */
bool irqchip_may_wake(struct vtx_vm *vm, u32 lines)
{
	unsigned long flags = irqchip_lock(vm);
	unsigned int n;
	bool may;

	lines |= uart_lines(vm);
	if (timer_may_interrupt(vm))
		lines |= 1 << IRQ_TIMER;
	may = i8259_intr(&vm->irqchip.pic); /* they may have pulled one just now */
	for (n = 0; n < IRQS; n++)
		may |= (lines >> n & 1) && irqchip_listens(vm, n);
	irqchip_unlock(vm, flags);
	return may;
}

/* Does it mask the timer, or unmask it? What is due is due by the old mask. */
static void pic_out(void *ctx, u16 offset, u8 value)
{
	struct vtx_vm *vm = ctx;
	struct i8259 *pic = &vm->irqchip.pic;
	bool timer = offset == MASK && (value ^ pic->master.imr) & (1 << IRQ_TIMER);

	if (timer)
		timer_advance(vm);
	i8259_out(pic, offset, value, 0); /* 0: it needs no time */
	if (timer)
		timer_advance(vm);
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
	i8259_out(&vm->irqchip.pic, MASK, 0xff, 0);
	if (vm->irqchip.chips & VTX_CHIP_PIT)
		timer_reset(vm);
	uart_reset(vm);
	irqchip_unlock(vm, flags);
}

static const struct iodev pic_ports[] = {
	{ PIC_MASTER, 2, 0, pic_out, pic_in },
	{ PIC_SLAVE, 2, 2, pic_out, pic_in },
	{ PIC_ELCR, 2, 4, pic_out, pic_in },
};

static int add_ports(struct vtx_vm *vm, const struct iodev *ports, size_t count)
{
	int err = 0;

	while (count-- && !err)
		err = iodev_add(vm, ports++, vm);
	return err;
}

/* VTX_CREATE_IRQCHIP. */
long irqchip_create(struct file *file, void __user *arg)
{
	struct vtx_vm *vm = file->private_data;
	struct vtx_create_irqchip create;
	int err = 0;

	if (copy_from_user(&create, arg, sizeof(create)))
		return -EFAULT;
	if (!(create.chips & VTX_CHIP_PIC) || (create.chips & ~(VTX_CHIP_PIC | VTX_CHIP_PIT)) ||
	    create.flags)
		return -EINVAL;

	if (mutex_lock_killable(&vm->lock))
		return -EINTR;
	if (vm->irqchip.chips)
		err = -EEXIST;
	else if (rcu_access_pointer(vm->vcpu))
		err = -EBUSY;
	if (!err)
		err = add_ports(vm, pic_ports, ARRAY_SIZE(pic_ports));
	if (!err && create.chips & VTX_CHIP_PIT)
		err = add_ports(vm, timer_ports, TIMER_PORTS);
	if (!err) {
		WRITE_ONCE(vm->irqchip.chips, create.chips);
		reset(vm);
	}
	mutex_unlock(&vm->lock);
	return err;
}

/* What became of the request that line n made before? */
static u32 line_status(struct vtx_vm *vm, unsigned int n)
{
	if (!irqchip_listens(vm, n))
		return VTX_IRQ_MASKED;
	return irqchip_requested(vm, n) ? VTX_IRQ_WAITS : VTX_IRQ_TAKEN;
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
	line.status = line_status(vm, line.gsi);
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
