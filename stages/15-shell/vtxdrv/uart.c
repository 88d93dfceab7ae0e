// SPDX-License-Identifier: GPL-2.0-only
/*
 * A serial port: the chip (dev/ns16550.c) is at the guest's end of the wire, a
 * descriptor at the other. What one writes the other reads; a fifo each way
 * holds what is under way.
 *
 * Nothing is lost if one of them is slow. write() waits, or is told how much
 * found room. A guest is told by the chip: its transmitter is not empty. If it
 * sends all the same, its CPU waits before that OUT, as on a bus whose device
 * is not ready. If nobody has the descriptor, what it sends goes nowhere.
 */
#include <linux/anon_inodes.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kfifo.h>
#include <linux/ktime.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

#include "dev/ns16550.h"
#include "vtxdrv.h"

#define PORTS 8
#define FIFO_SIZE 4096
#define TELL_NS 1000000 /* the reader hears of a first byte so late: more may come by then */

/* Of the chip's registers, what says whether it takes another byte. */
#define THR 0
#define FCR_FIFOS 0x01
#define LCR_DLAB 0x80 /* the divisor is where THR was */
#define MCR_LOOP 0x10

struct vtx_uart {
	struct vtx_vm *vm;
	u32 gsi;
	bool open; /* somebody has the descriptor */
	bool held; /* the vCPU waits until something has gone */
	struct ns16550 chip;

	/* For each: one who fills it and one who empties it, so it needs no lock of its own. */
	DECLARE_KFIFO(from_guest, u8, FIFO_SIZE);
	DECLARE_KFIFO(to_guest, u8, FIFO_SIZE);
	struct mutex reader, writer;
	wait_queue_head_t wait; /* for either, and for poll */
	u64 tell; /* when a reader is to be told, 0: he knows */
	u64 deadline; /* for which the hrtimer is set */
	struct hrtimer hrtimer;
};

/* Only to an earlier time: to set it for each byte would be slow, and it may come in vain. */
static void set_timer(struct vtx_uart *uart, u64 deadline)
{
	if (deadline >= uart->deadline)
		return;
	uart->deadline = deadline;
	hrtimer_start(&uart->hrtimer, ns_to_ktime(deadline), HRTIMER_MODE_ABS);
}

/* How many bytes the chip and the fifo would take. Its chips are locked. */
static u32 room(const struct vtx_uart *uart)
{
	u32 chip = uart->chip.fcr & FCR_FIFOS ? NS16550_FIFO_SIZE : 1;

	return kfifo_avail(&uart->from_guest) + chip - uart->chip.tx.count;
}

/* There is something to read: a reader is told a little later, or when half a fifo has come. */
static void tell_reader(struct vtx_uart *uart, u64 now)
{
	u32 waits = kfifo_len(&uart->from_guest);

	if (!waits) {
		uart->tell = DEVICE_NEVER;
	} else if (uart->tell == DEVICE_NEVER) {
		uart->tell = now + TELL_NS;
	} else if (uart->tell && (uart->tell <= now || waits >= FIFO_SIZE / 2)) {
		uart->vm->irqchip.wake = true;
		uart->tell = 0;
	}
}

/*
 * Something has changed at one of the ends: move what can be moved, tell who
 * waits for it, and make the next appointment. With the chips locked.
 */
static void update(struct vtx_uart *uart, u64 now)
{
	struct irqchip *chips = &uart->vm->irqchip;
	u64 next;
	u32 waited = kfifo_len(&uart->to_guest);
	u8 byte;

	while (!kfifo_is_full(&uart->from_guest) && ns16550_tx(&uart->chip, &byte, 1))
		if (uart->open)
			kfifo_put(&uart->from_guest, byte);
	while (ns16550_room(&uart->chip) && kfifo_get(&uart->to_guest, &byte))
		ns16550_rx(&uart->chip, &byte, 1, now);
	next = ns16550_advance(&uart->chip, now);

	tell_reader(uart, now);
	if (waited > FIFO_SIZE / 2 && kfifo_len(&uart->to_guest) <= FIFO_SIZE / 2)
		chips->wake = true;
	if (uart->held && room(uart)) {
		uart->held = false;
		chips->kick = true;
	}
	set_timer(uart, uart->tell ? min(next, uart->tell) : next);
}

static enum hrtimer_restart expired(struct hrtimer *hrtimer)
{
	struct vtx_uart *uart = container_of(hrtimer, struct vtx_uart, hrtimer);
	unsigned long flags = irqchip_lock(uart->vm);

	uart->deadline = DEVICE_NEVER;
	update(uart, ktime_get_ns());
	irqchip_unlock(uart->vm, flags);
	return HRTIMER_NORESTART; /* update() has seen to it */
}

/* The guest's end. */

static void uart_out(void *ctx, u16 offset, u8 value)
{
	struct vtx_uart *uart = ctx;
	u64 now = ktime_get_ns();

	ns16550_out(&uart->chip, offset, value, now);
	update(uart, now);
}

static u8 uart_in(void *ctx, u16 offset)
{
	struct vtx_uart *uart = ctx;
	u64 now = ktime_get_ns();
	u8 value = ns16550_in(&uart->chip, offset, now);

	update(uart, now);
	return value;
}

/* If there is none, the vCPU waits, and is kicked when there is. */
static u32 uart_room(void *ctx, u16 offset)
{
	struct vtx_uart *uart = ctx;
	u32 bytes;

	if (offset != THR || uart->chip.lcr & LCR_DLAB || uart->chip.mcr & MCR_LOOP)
		return U32_MAX;
	bytes = room(uart);
	uart->held = !bytes;
	return bytes;
}

/* The other end. */

static ssize_t uart_read(struct file *file, char __user *buf, size_t size, loff_t *pos)
{
	struct vtx_uart *uart = file->private_data;
	unsigned int copied = 0;
	unsigned long flags;
	int err = 0;

	while (size && !copied && !err) {
		if (kfifo_is_empty(&uart->from_guest) && file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		err = wait_event_interruptible(uart->wait, !kfifo_is_empty(&uart->from_guest));
		if (err || mutex_lock_interruptible(&uart->reader))
			return -ERESTARTSYS;
		err = kfifo_to_user(&uart->from_guest, buf, size, &copied);
		mutex_unlock(&uart->reader);
	}

	flags = irqchip_lock(uart->vm);
	uart->tell = DEVICE_NEVER; /* what is left is news to other readers */
	update(uart, ktime_get_ns());
	irqchip_unlock(uart->vm, flags);
	return copied ? (ssize_t)copied : err; /* copied is unsigned, and err is not */
}

/* As a pipe does it: all of it, but for a signal, a bad pointer, or O_NONBLOCK. */
static ssize_t uart_write(struct file *file, const char __user *buf, size_t size, loff_t *pos)
{
	struct vtx_uart *uart = file->private_data;
	unsigned int copied;
	unsigned long flags;
	size_t done = 0;
	int err = 0;

	while (done < size && !err) {
		err = -EAGAIN;
		if (kfifo_is_full(&uart->to_guest) && file->f_flags & O_NONBLOCK)
			break;
		err = wait_event_interruptible(uart->wait, !kfifo_is_full(&uart->to_guest));
		if (!err && mutex_lock_interruptible(&uart->writer))
			err = -ERESTARTSYS;
		if (err)
			break;
		copied = 0;
		err = kfifo_from_user(&uart->to_guest, buf + done, size - done, &copied);
		mutex_unlock(&uart->writer);
		done += copied;

		flags = irqchip_lock(uart->vm);
		update(uart, ktime_get_ns());
		irqchip_unlock(uart->vm, flags);
	}
	return done ?: err;
}

static __poll_t uart_poll(struct file *file, poll_table *table)
{
	struct vtx_uart *uart = file->private_data;
	__poll_t mask = 0;

	poll_wait(file, &uart->wait, table);
	if (!kfifo_is_empty(&uart->from_guest))
		mask |= EPOLLIN | EPOLLRDNORM;
	if (!kfifo_is_full(&uart->to_guest))
		mask |= EPOLLOUT | EPOLLWRNORM;
	return mask;
}

/* From now on nobody reads: the guest does not wait for that. */
static int uart_release(struct inode *inode, struct file *file)
{
	struct vtx_uart *uart = file->private_data;
	struct vtx_vm *vm = uart->vm;
	unsigned long flags = irqchip_lock(vm);

	uart->open = false;
	kfifo_reset_out(&uart->from_guest);
	update(uart, ktime_get_ns());
	irqchip_unlock(vm, flags);
	vm_put(vm);
	return 0;
}

static const struct file_operations uart_fops = {
	.owner = THIS_MODULE,
	.read = uart_read,
	.write = uart_write,
	.poll = uart_poll,
	.release = uart_release,
};

/* irqchip_unlock() has something for those who wait. */
void uart_wake(struct vtx_vm *vm)
{
	unsigned int i, n = smp_load_acquire(&vm->nr_uarts);

	for (i = 0; i < n; i++)
		wake_up_interruptible(&vm->uarts[i]->wait);
}

/*
 * Which lines may the ports still pull, without help? The chips are locked. The
 * vCPU is about to sleep: when what is stuck has gone, it must ask again.
 */
u32 uart_lines(struct vtx_vm *vm)
{
	unsigned int i;
	u32 lines = 0;

	for (i = 0; i < vm->nr_uarts; i++) {
		struct vtx_uart *uart = vm->uarts[i];

		if (!kfifo_is_empty(&uart->to_guest) || uart->chip.tx.count ||
		    ns16550_advance(&uart->chip, ktime_get_ns()) != DEVICE_NEVER)
			lines |= 1 << uart->gsi;
		uart->held |= uart->chip.tx.count;
	}
	return lines;
}

static void line_set(void *ctx, unsigned int n, bool level)
{
	struct vtx_vm *vm = ctx;

	i8259_set_irq(&vm->irqchip.pic, n, level);
}

/* As after power-on, but for what is under way in the fifos. */
static void reset(struct vtx_uart *uart)
{
	const struct irq_line line = { .set = line_set, .ctx = uart->vm, .n = uart->gsi };

	ns16550_init(&uart->chip, line);
	update(uart, ktime_get_ns());
}

/* All of them. The chips are locked. */
void uart_reset(struct vtx_vm *vm)
{
	unsigned int i;

	for (i = 0; i < vm->nr_uarts; i++)
		reset(vm->uarts[i]);
}

/* The VM ends, and so nobody has a descriptor of it. A timer that expires may look at them all. */
void uart_destroy(struct vtx_vm *vm)
{
	unsigned int i;

	for (i = 0; i < vm->nr_uarts; i++)
		hrtimer_cancel(&vm->uarts[i]->hrtimer);
	for (i = 0; i < vm->nr_uarts; i++)
		kfree(vm->uarts[i]);
}

static struct vtx_uart *uart_alloc(struct vtx_vm *vm, u32 gsi)
{
	struct vtx_uart *uart = kzalloc(sizeof(*uart), GFP_KERNEL_ACCOUNT);

	if (!uart)
		return NULL;
	uart->vm = vm;
	uart->gsi = gsi;
	uart->open = true;
	INIT_KFIFO(uart->from_guest);
	INIT_KFIFO(uart->to_guest);
	mutex_init(&uart->reader);
	mutex_init(&uart->writer);
	init_waitqueue_head(&uart->wait);
	uart->tell = DEVICE_NEVER;
	uart->deadline = DEVICE_NEVER;
	hrtimer_init(&uart->hrtimer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS);
	uart->hrtimer.function = expired;
	return uart;
}

/* With the VM locked. Return: 0, or why it cannot have one more. */
static int may_add(struct vtx_vm *vm, const struct vtx_create_uart *create)
{
	unsigned int i;

	if (!vm->irqchip.chips)
		return -ENXIO;
	if (rcu_access_pointer(vm->vcpu))
		return -EBUSY;
	for (i = 0; i < vm->nr_uarts; i++)
		if (vm->uarts[i]->gsi == create->gsi)
			return -EEXIST;
	if (i == ARRAY_SIZE(vm->uarts))
		return -ENOSPC;
	return iodev_check(vm, create->port, PORTS);
}

/* What may fail comes first. Return: the descriptor. */
static int add(struct vtx_vm *vm, const struct vtx_create_uart *create)
{
	const struct iodev ports = {
		.port = create->port,
		.count = PORTS,
		.out = uart_out,
		.in = uart_in,
		.room = uart_room,
	};
	struct vtx_uart *uart = uart_alloc(vm, create->gsi);
	struct file *file;
	unsigned long flags;
	int fd;

	if (!uart)
		return -ENOMEM;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		goto free;
	file = anon_inode_getfile("vtx-uart", &uart_fops, uart, O_RDWR);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		fd = PTR_ERR(file);
		goto free;
	}

	kref_get(&vm->ref); /* the descriptor's */
	iodev_add(vm, &ports, uart);
	flags = irqchip_lock(vm);
	vm->uarts[vm->nr_uarts] = uart;
	smp_store_release(&vm->nr_uarts, vm->nr_uarts + 1);
	reset(uart);
	irqchip_unlock(vm, flags);
	fd_install(fd, file);
	return fd;
free:
	kfree(uart);
	return fd;
}

/* VTX_CREATE_UART: returns the descriptor of the other end. */
long uart_create(struct file *file, void __user *arg)
{
	struct vtx_vm *vm = file->private_data;
	struct vtx_create_uart create;
	int ret;

	if (copy_from_user(&create, arg, sizeof(create)))
		return -EFAULT;
	if (create.port > U16_MAX + 1 - PORTS || create.gsi >= IRQS ||
	    create.gsi == I8259_CASCADE || create.flags || create.reserved)
		return -EINVAL;

	if (mutex_lock_killable(&vm->lock))
		return -EINTR;
	ret = may_add(vm, &create);
	if (!ret)
		ret = add(vm, &create);
	mutex_unlock(&vm->lock);
	return ret;
}
