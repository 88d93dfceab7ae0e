/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of this module know of each other. */
#ifndef VTXDRV_H
#define VTXDRV_H

#include <linux/hrtimer.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rcuwait.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include <asm/desc_defs.h>

#include "dev/i8254.h"
#include "dev/i8259.h"
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
	u64 debugctl;
	unsigned long cr2;

	/* What the VMCS says, so as not to write it again. */
	u64 cr3, cr4, fs_base;
};

struct vtx_vm;

/* iodev.c: a device that VTXDRV has itself, by its ports. */
struct iodev {
	u16 port, count;
	u16 offset; /* of the first, among those of its device */
	void (*out)(void *ctx, u16 offset, u8 value);
	u8 (*in)(void *ctx, u16 offset);
	u32 (*room)(void *ctx, u16 offset); /* bytes that an OUT may bring now; NULL: any */
	void *ctx;
};

int iodev_check(struct vtx_vm *vm, u16 port, u16 count);
int iodev_add(struct vtx_vm *vm, const struct iodev *dev, void *ctx);
u32 iodev_room(struct vtx_vm *vm, u16 port, unsigned int size);
bool iodev_access(struct vtx_vm *vm, u16 port, void *data, unsigned int size, u32 count, bool out);

/* irqchip.c: the interrupt controllers, and the lock of all chips. */
struct irqchip {
	raw_spinlock_t lock;
	u32 chips; /* VTX_CHIP_*, 0: VTXCTL has them */
	struct i8259 pic;
	bool intr; /* its INTR pin, as the vCPU knows it */
	bool kick, wake; /* as the lock is given back: the vCPU, who waits for a serial port */
};

#define IRQS 16
#define IRQ_TIMER 0

unsigned long irqchip_lock(struct vtx_vm *vm);
void irqchip_unlock(struct vtx_vm *vm, unsigned long flags);
int irqchip_take(struct vtx_vm *vm, bool can_inject, bool *more);
bool irqchip_listens(struct vtx_vm *vm, unsigned int n);
bool irqchip_requested(struct vtx_vm *vm, unsigned int n);
void irqchip_pulse(struct vtx_vm *vm, unsigned int n);
bool irqchip_may_wake(struct vtx_vm *vm, u32 lines);
long irqchip_create(struct file *file, void __user *arg);
long irqchip_line(struct file *file, void __user *arg);
long irqchip_reset(struct file *file, void __user *arg);

/* timer.c: the 8254, and what wakes us for it. */
struct vtx_timer {
	struct i8254 pit;
	u64 given; /* rising edges of its output that the PIC has had, or never will */
	u64 deadline; /* for which the hrtimer is set, or DEVICE_NEVER */
	u64 woken; /* when it rang last */
	struct hrtimer hrtimer;
};

#define TIMER_PORTS 2

extern const struct iodev timer_ports[TIMER_PORTS];

void timer_init(struct vtx_vm *vm);
void timer_reset(struct vtx_vm *vm);
void timer_destroy(struct vtx_vm *vm);
void timer_advance(struct vtx_vm *vm);
bool timer_may_interrupt(struct vtx_vm *vm);

/* uart.c: the serial ports. */
struct vtx_uart;

long uart_create(struct file *file, void __user *arg);
void uart_destroy(struct vtx_vm *vm);
void uart_reset(struct vtx_vm *vm);
void uart_wake(struct vtx_vm *vm);
u32 uart_lines(struct vtx_vm *vm);

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
	struct vtx_vcpu __rcu *vcpu; /* NULL as long as there is none */
	struct iodev iodevs[12]; /* all that it ever has, before there is a vCPU */
	unsigned int nr_iodevs;
	struct irqchip irqchip;
	struct vtx_timer timer;
	struct vtx_uart *uarts[4];
	unsigned int nr_uarts;
};

/* What is alive now: to be read under /sys/module/vtxdrv/parameters/. */
extern atomic_long_t vtx_vms;
extern atomic_long_t vtx_pages; /* pinned for guests, or in their tables */

struct vtx_vm *vm_create(void);
void vm_put(struct vtx_vm *vm);
int vm_copy(struct vtx_vm *vm, u64 gpa, void *buf, size_t len, bool write);
long vm_map_memory(struct file *file, void __user *arg);
long vm_translate(struct file *file, void __user *arg);

/* An IN, OUT, INS or OUTS between the exit and the answer. */
struct pio {
	bool pending;
	bool out, string, down;
	u8 size;
	u16 port; /* ours: what stands in the run page, VTXCTL may change */
	u32 count; /* values in this piece */
	u32 offset, mask; /* string: the index register, and its width */
	u64 base; /* string: of the segment */
};

/* vcpu.c: a vCPU and its descriptor. */
struct vtx_vcpu {
	struct vtx_vm *vm;
	struct rcu_head rcu; /* who kicks it may still look at it */
	unsigned long busy; /* bit 0: a thread is using it */
	struct vmx_region *vmcs;
	struct list_head active; /* among those whose VMCS `cpu` holds */
	int cpu; /* which CPU holds the VMCS, -1: none */
	bool launched; /* since it holds it */
	u32 fields_filled;
	struct vtx_run *run; /* two pages, shared with VTXCTL */
	struct vtx_regs regs;
	unsigned long cr2; /* the one register of the guest that nobody switches */
	bool ended;
	u32 exit; /* enum vtx_exit; VTXCTL may write its own at any time */
	struct pio pio;

	/* What the guest is to take as its next turn begins, in the VMCS's own form. */
	struct event {
		u32 info; /* 0: nothing */
		u32 error;
		u32 length; /* of the instruction that it comes from */
		u32 delivered; /* as this turn began, 0: nothing */
		u64 delivered_at; /* RIP then */
	} event;
	u64 shadow; /* not 0: an interrupt must wait, whatever RFLAGS.IF says */
	bool window; /* its turn ends as soon as it could take an interrupt */

	/* With our own interrupt controllers. */
	bool request; /* look at them before the next turn */
	bool halted; /* the guest sleeps until an interrupt is injected */
	bool held; /* it stands before an OUT whose device is not ready */
	int running_on; /* the CPU on which turns are taken, or -1 */
	struct rcuwait wait; /* where the thread sleeps meanwhile */

	/* Of the last exit. */
	u32 exit_reason;
	u64 exit_qualification;
	struct host_state host;
};

extern atomic_long_t vtx_vcpus;

long vcpu_create(struct file *file, void __user *arg);
void vcpu_init_cpus(void);
void vcpu_flush_cpu(void);
int vcpu_load(struct vtx_vcpu *vcpu);
void vcpu_put(struct vtx_vcpu *vcpu);
bool vcpu_enter(struct vtx_vcpu *vcpu);

/* sleep.c: where a vCPU sleeps, and who wakes it. */
void vcpu_kick(struct vtx_vm *vm);
int vcpu_halt(struct vtx_vcpu *vcpu);
int vcpu_hold(struct vtx_vcpu *vcpu);

/* exit.c: what a VM exit means. */
void exit_handle(struct vtx_vcpu *vcpu);
void exit_step_done(struct vtx_vcpu *vcpu);
void exit_skip_instruction(struct vtx_vcpu *vcpu);
void __printf(2, 3) vtx_kill(struct vtx_vcpu *vcpu, const char *fmt, ...);

/* event.c: interrupts and exceptions for the guest. */
void event_exception(struct vtx_vcpu *vcpu, u32 vector, bool has_error, u32 error);
void event_again(struct vtx_vcpu *vcpu, u32 info, u32 error);
void event_deliver(struct vtx_vcpu *vcpu);
void event_end(struct vtx_vcpu *vcpu);
void event_report(struct vtx_vcpu *vcpu);
void event_attend(struct vtx_vcpu *vcpu);
long event_interrupt(struct vtx_vcpu *vcpu, void __user *arg);

/* cr.c: which kind of computer is it just now? */
bool cr_set(struct vtx_vcpu *vcpu, u64 cr0, u64 cr4);
void cr_exit(struct vtx_vcpu *vcpu);

/* sregs.c: the registers that lie in the VMCS. */
long sregs_get(struct vtx_vcpu *vcpu, void __user *arg);
long sregs_set(struct vtx_vcpu *vcpu, void __user *arg);

/* cpuid.c: which CPU does the guest think it has? */
void cpuid_exit(struct vtx_vcpu *vcpu);

/* pio.c: the guest and its ports. */
void pio_exit(struct vtx_vcpu *vcpu);
void pio_begin(struct vtx_vcpu *vcpu);
void pio_complete(struct vtx_vcpu *vcpu);

/* fail.c: why an entry was refused. */
void fail_refused(struct vtx_vcpu *vcpu);
void fail_guest_state(struct vtx_vcpu *vcpu);
long fail_probe_entry(struct vtx_vcpu *vcpu, void __user *arg);

#endif /* VTXDRV_H */
