/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * What VTXCTL and VTXDRV say to each other: the ioctls of /dev/vtx.
 *
 * open("/dev/vtx") makes a VM; it ends when the last descriptor is closed.
 * Beside each ioctl stand the errors it can give; whatever the ioctl, EFAULT
 * means a bad pointer, ENOTTY an unknown request, and EIO that the caller is
 * not the process that made the VM (a fork is not). Reserved fields must be
 * zero.
 */
#ifndef VTX_H
#define VTX_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define VTX_IOC_MAGIC 0xB7

/*
 * What this CPU can do: its VMX capability MSRs, unchanged
 * (SDM Vol. 3, appendix "VMX Capability Reporting Facility").
 *
 * The control words give two masks. Low half: bits that must be 1. High half:
 * bits that may be 1. Where the CPU has the TRUE form of a word, this is it.
 * A word that the CPU does not have is 0.
 */
struct vtx_caps {
	__u32 size; /* in: sizeof(struct vtx_caps) */
	__u32 flags; /* out: VTX_CAPS_* */
	__u64 feature_control; /* IA32_FEATURE_CONTROL */
	__u64 basic; /* IA32_VMX_BASIC */
	__u64 pin; /* pin-based controls */
	__u64 proc; /* primary processor-based controls */
	__u64 proc2; /* secondary processor-based controls */
	__u64 exit; /* VM-exit controls */
	__u64 entry; /* VM-entry controls */
	__u64 misc; /* IA32_VMX_MISC */
	__u64 cr0_fixed0; /* bits of CR0 that VMX wants as 1 */
	__u64 cr0_fixed1; /* bits of CR0 that may be 1 */
	__u64 cr4_fixed0;
	__u64 cr4_fixed1;
	__u64 ept_vpid; /* IA32_VMX_EPT_VPID_CAP */
	__u64 vmfunc; /* IA32_VMX_VMFUNC */
	__u32 cpus_on; /* out: CPUs with VMX on, now */
	__u32 maxphyaddr; /* out: bits of a physical address */
	__u64 reserved[2]; /* out: 0 */
};

#define VTX_CAPS_TRUE (1u << 0) /* the words are the TRUE form */

/* EINVAL: size is not that of this structure. */
#define VTX_GET_CAPS _IOWR(VTX_IOC_MAGIC, 0x01, struct vtx_caps)

/*
 * Give the guest memory: what this process has at user_addr is what the guest
 * sees at gpa. The pages stay where they are until the VM ends ("pinned"), so
 * they count against RLIMIT_MEMLOCK.
 */
struct vtx_memory {
	__u64 gpa; /* in: guest-physical address, a multiple of 4096 */
	__u64 size; /* in: bytes, a multiple of 4096 */
	__u64 user_addr; /* in: writable memory, a multiple of 4096 */
	__u32 flags; /* in: VTX_MEM_* */
	__u32 reserved;
};

#define VTX_MEM_READONLY (1u << 0) /* the guest may not write */

/*
 * EINVAL: misaligned, empty, an unknown flag, or reserved is not 0.
 * ERANGE: the end lies beyond what EPT or this CPU can address.
 * EEXIST: a part of it has memory already.
 * EFAULT: not all of user_addr is writable memory.
 * ENOMEM: RLIMIT_MEMLOCK would be passed, or the host has no memory left.
 * EINTR: a signal that kills came first.
 */
#define VTX_MAP_MEMORY _IOW(VTX_IOC_MAGIC, 0x02, struct vtx_memory)

/*
 * Walk the guest's EPT by hand, as the CPU would. Four tables at most: index 0
 * is the top one (PML4), index 3 the last (PT).
 */
struct vtx_translate {
	__u64 gpa; /* in: guest-physical address */
	__u64 table[4]; /* out: host-physical address of each table met */
	__u64 entry[4]; /* out: the entry found in it */
	__u64 hpa; /* out: where gpa lies in host memory, if present */
	__u32 levels; /* out: tables met, 1 to 4 */
	__u32 flags; /* out: VTX_TRANSLATE_* */
};

#define VTX_TRANSLATE_PRESENT (1u << 0)

/* ERANGE: gpa has more bits than four tables translate (48). */
#define VTX_TRANSLATE _IOWR(VTX_IOC_MAGIC, 0x03, struct vtx_translate)

/*
 * A vCPU. The ioctl returns a descriptor for it; closing that ends the vCPU.
 * It holds its VM: the VM lives until both descriptors are closed.
 */
struct vtx_create_vcpu {
	__u32 id; /* in: 0, a VM has one vCPU */
	__u32 flags; /* in: 0 */
};

/*
 * EINVAL: id or flags is not 0.
 * EEXIST: the VM has its vCPU already.
 * EAGAIN: this CPU is just going offline; try again.
 * EIO: a field did not keep what was written (the kernel log says which).
 * ENOMEM, EMFILE, ENFILE: no memory, or no descriptor left.
 */
#define VTX_CREATE_VCPU _IOW(VTX_IOC_MAGIC, 0x04, struct vtx_create_vcpu)

/*
 * On a vCPU's descriptor: EBUSY means that another thread is using it.
 *
 * mmap of it, shared, gives two pages: the run page (struct vtx_run), and
 * behind it the data page. EINVAL: private, or beyond these two.
 */
#define VTX_RUN_PAGES 2

/*
 * Fill in the VMCS, spoil one field, try to enter the guest, and say why the
 * CPU refused. No guest runs.
 */
enum vtx_form {
	VTX_FORM_PIN_ZERO = 1, /* pin-based controls: all bits 0 */
	VTX_FORM_CR3_TARGETS, /* 511 CR3 targets, where 4 are too many for most */
	VTX_FORM_EPT_WALK, /* EPT pointer: tables one level deep */
	VTX_FORM_HOST_CR4, /* host CR4 without VMXE */
	VTX_FORM_HOST_CS, /* host CS with RPL 3 */
	VTX_NR_FORMS,
};

struct vtx_probe {
	__u32 form; /* in: enum vtx_form */
	__u32 reserved;
	__u32 fields_filled; /* out: fields written and read back the same */
	__u32 error; /* out: VM-instruction error, 0 if not refused */
	__u32 exit_reason; /* out: raw exit reason, if not refused */
	__u32 rule; /* out: the broken rule (vmentry.h), 0 if none is known */
	__u32 spoilt_field; /* out: VMCS encoding of the field we spoilt */
	__u32 field; /* out: VMCS encoding of the field to blame */
	__u64 spoilt_from; /* out: its good value */
	__u64 spoilt_to; /* out: its bad value */
	__u64 value; /* out: what the field to blame holds */
};

/*
 * EINVAL: no such form, or reserved is not 0.
 * EAGAIN: this CPU is just going offline; try again.
 * EIO: a field did not keep what was written (the kernel log says which).
 */
#define VTX_PROBE_ENTRY _IOWR(VTX_IOC_MAGIC, 0x05, struct vtx_probe)

/* Why VTX_RUN returned. */
enum vtx_exit {
	VTX_EXIT_NONE, /* nothing: EINTR, or another error */
	VTX_EXIT_INTR, /* the host needed the CPU: VTXDRV sees to it by itself */
	VTX_EXIT_IO, /* see io; of an IN, leave the values in the data page */
	VTX_EXIT_HLT, /* the guest waits for an interrupt, and VTXDRV has none: see if_flag */
	VTX_EXIT_FAIL, /* the CPU refused to enter: see fail. It ends here. */
	VTX_EXIT_KILLED, /* it did what VirtX cannot do: see text. It ends here. */
	VTX_EXIT_SHUTDOWN, /* a triple fault: see text. It ends here. */
	VTX_EXIT_WINDOW, /* want_window was set, and now an interrupt can be taken */
};

struct vtx_run {
	__u8 immediate_exit; /* in: not 0: return EINTR instead of entering */
	__u8 want_window; /* in: not 0: return as soon as can_inject would be 1 */
	__u8 padding1[2];
	__u32 may_pull; /* in: bit n: VTXCTL may still pull line n (with VTX_CREATE_IRQCHIP) */

	__u32 exit; /* out: enum vtx_exit */
	__u32 if_flag; /* out: RFLAGS.IF of the guest */
	__u32 hw_reason; /* out, to explain: the raw VM-exit reason */
	__u32 can_inject; /* out: VTX_INTERRUPT would be heard now */
	__u64 hw_qualification; /* out, to explain: the exit qualification */

	union {
		struct {
			__u8 out; /* 1: OUT, 0: IN */
			__u8 size; /* 1, 2 or 4 bytes */
			__u16 port;
			__u32 count; /* values, one after the other */
			__u64 data_offset; /* of the first, from the run page */
		} io;
		struct {
			__u32 error; /* VM-instruction error; 0: guest state */
			__u32 rule; /* vmentry.h; 0: none known */
			__u32 field; /* VMCS encoding */
			__u32 padding;
			__u64 value; /* what the field holds */
		} fail;
		struct {
			char text[128];
			__u32 delivered; /* 1: it began with an event that VTXDRV delivered */
			__u32 vector; /* of that event */
			__u32 type; /* SDM, "Event Injection": 0 interrupt, 3 exception... */
		} shutdown;
		char text[128];
		__u8 padding3[256];
	};
};

/*
 * Let the guest run until something ends its turn. No argument (0). An IN is
 * completed first: the guest gets what is in the data page by then.
 *
 * With VTX_CREATE_IRQCHIP a guest that halts sleeps in here, as long as a line to
 * which it listens may still be pulled.
 *
 * EINTR: a signal came, or immediate_exit is set; call again if you like.
 * EAGAIN: this CPU is just going offline; call again.
 * EINVAL: the argument is not 0.
 * ENXIO: the VM has no memory yet.
 * ESHUTDOWN: the guest has ended; make a new VM.
 */
#define VTX_RUN _IO(VTX_IOC_MAGIC, 0x06)

/* The registers of the guest, in the order in which the CPU numbers them. */
struct vtx_regs {
	__u64 rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi;
	__u64 r8, r9, r10, r11, r12, r13, r14, r15;
	__u64 rip, rflags;
};

#define VTX_GET_REGS _IOR(VTX_IOC_MAGIC, 0x07, struct vtx_regs)
#define VTX_SET_REGS _IOW(VTX_IOC_MAGIC, 0x08, struct vtx_regs)

/* Those that say what kind of computer it is: segments, tables, modes. */
struct vtx_segment {
	__u64 base;
	__u32 limit;
	__u32 access; /* SDM, "Format of Access Rights"; bit 16: unusable */
	__u16 selector;
	__u16 padding[3];
};

struct vtx_table {
	__u64 base;
	__u32 limit;
	__u32 padding;
};

struct vtx_sregs {
	struct vtx_segment es, cs, ss, ds, fs, gs, ldtr, tr;
	struct vtx_table gdt, idt;
	__u64 cr0, cr2, cr3, cr4; /* as the guest reads them */
	__u64 efer; /* 0 */
};

/* EAGAIN: this CPU is just going offline; try again. */
#define VTX_GET_SREGS _IOR(VTX_IOC_MAGIC, 0x09, struct vtx_sregs)

/*
 * EAGAIN: this CPU is just going offline; try again.
 * EINVAL: CR0 or CR4 is one that a CPU refuses, or efer is not 0. Segments that
 * make no sense are found by VTX_RUN.
 */
#define VTX_SET_SREGS _IOW(VTX_IOC_MAGIC, 0x0a, struct vtx_sregs)

/* An interrupt, as a chip outside the CPU sends one. */
struct vtx_interrupt {
	__u32 vector; /* in: 0 to 255, the entry of the guest's interrupt table */
	__u32 reserved;
};

/*
 * The guest takes it as its next turn begins. One at a time.
 *
 * EINVAL: no such vector, or reserved is not 0.
 * EAGAIN: it cannot be taken now (can_inject): set want_window, and let it run.
 * ENXIO: VTXDRV has the interrupt controllers.
 * ESHUTDOWN: the guest has ended.
 */
#define VTX_INTERRUPT _IOW(VTX_IOC_MAGIC, 0x0b, struct vtx_interrupt)

/*
 * Devices that VTXDRV has itself. Their ports come to VTXCTL no more. want_window
 * means nothing then, and can_inject is 0.
 */
struct vtx_create_irqchip {
	__u32 chips; /* in: VTX_CHIP_* */
	__u32 flags; /* in: 0 */
};

#define VTX_CHIP_PIC (1u << 0) /* the pair of 8259, with all lines masked; always */
#define VTX_CHIP_PIT (1u << 1) /* the 8254, at line 0, and port 61h */

/*
 * EINVAL: chips or flags has an unknown bit, or there is no PIC among the chips.
 * EEXIST: it has them already.
 * EBUSY: the VM has a vCPU.
 */
#define VTX_CREATE_IRQCHIP _IOW(VTX_IOC_MAGIC, 0x0c, struct vtx_create_irqchip)

/* What had become of the request that a line made before. */
enum vtx_irq_status {
	VTX_IRQ_TAKEN, /* the guest has it, or there was none */
	VTX_IRQ_WAITS, /* the guest has not taken it: another one adds nothing */
	VTX_IRQ_MASKED, /* the guest does not listen to this line */
};

/* A device of VTXCTL's pulls its line, or lets it go. From any thread. */
struct vtx_irq_line {
	__u32 gsi; /* in: which line, 0 to 15, but for 2, at which the second chip is */
	__u32 level; /* in: 1 or 0 */
	__u32 status; /* out: enum vtx_irq_status */
	__u32 reserved;
};

/*
 * EINVAL: no such line or level, or reserved is not 0.
 * ENXIO: VTXCTL has the interrupt controllers.
 */
#define VTX_IRQ_LINE _IOWR(VTX_IOC_MAGIC, 0x0d, struct vtx_irq_line)

/*
 * All devices that VTXDRV has are as after power-on. No argument (0).
 *
 * EINVAL: the argument is not 0.
 * ENXIO: it has none.
 */
#define VTX_RESET _IO(VTX_IOC_MAGIC, 0x0e)

/* A serial port, a 16550. */
struct vtx_create_uart {
	__u32 port; /* in: the first of its eight */
	__u32 gsi; /* in: its interrupt line, as in VTX_IRQ_LINE; no other port's */
	__u32 flags; /* in: 0 */
	__u32 reserved;
};

/*
 * Returns the other end of its wire, for read, write, poll and O_NONBLOCK. It
 * holds its VM. If it is closed, what the guest sends goes nowhere. VTX_RESET
 * leaves alone what is under way.
 *
 * EINVAL: no such port or line, or flags or reserved is not 0.
 * ENXIO: no VTX_CREATE_IRQCHIP came before.
 * EBUSY: the VM has a vCPU.
 * EEXIST: another device has one of these ports, or another serial port that line.
 * ENOSPC: the VM has four of them.
 * ENOMEM, EMFILE, ENFILE: no memory, or no descriptor left.
 */
#define VTX_CREATE_UART _IOW(VTX_IOC_MAGIC, 0x0f, struct vtx_create_uart)

#endif /* VTX_H */
