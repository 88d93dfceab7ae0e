/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the launcher know of each other. */
#ifndef VTXCTL_H
#define VTXCTL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "device.h"
#include "vtx.h"

/* Exit statuses that are our own; see --help. */
enum vtxctl_status {
	STATUS_OK = 0,
	STATUS_USAGE = 2,
	STATUS_KILLED = 4, /* it did what VirtX cannot do, or could not go on */
	STATUS_SHUTDOWN = 6, /* a triple fault */
	STATUS_LEFT = 8, /* Ctrl-A x */
	STATUS_HUNG = 10, /* it waits for what cannot come */
	STATUS_RESET = 12, /* it asked for a reset, and --no-reboot was given */
	STATUS_NO_VTX = 126,
};

/* Say what went wrong and how to go on, as "vtxctl: ...", and end. */
void __attribute__((noreturn, format(printf, 2, 3))) die(enum vtxctl_status status,
							 const char *fmt, ...);

/* caps.c: the capability report, in words, on stdout. */
void caps_report(const struct vtx_caps *caps);

/* vm.c: the descriptor of /dev/vtx, which is the VM. */
struct vm {
	int fd;
	int vcpu_fd;
	pthread_t vcpu_thread;
	struct vtx_run *run; /* the run page, and the data page behind it */
	atomic_flag ending; /* somebody has set the status */
	atomic_bool ended;
	int status; /* how it ended: the exit status */
	const char *why; /* and a sentence to say at the end, if it did not end by itself */
	bool no_reboot; /* a reset ends it */
	struct config *config; /* main.c: what the command line asked for */
	uint8_t *ram; /* the guest's memory from 0 on, as we see it */
	uint64_t ram_size;
};

void vm_open(struct vm *vm);

int vm_ioctl_named(int fd, unsigned long request, void *arg, const char *name);
#define vm_ioctl(fd, request, arg) vm_ioctl_named(fd, request, arg, #request)

void vm_map(struct vm *vm, uint64_t gpa, void *mem, uint64_t size, uint32_t flags);

/* Where the guest begins: in real mode, or in protected mode with flat segments. */
struct entry {
	bool flat;
	uint16_t segment; /* real mode */
	uint32_t offset; /* flat: the address */
};

/* main.c: what the command line names, once more, after a reset. */
struct entry machine_load(struct vm *vm);

/* mem.c: RAM and ROM of the guest. */
#define RAM_MAX (3ULL << 30) /* above are devices and the ROM */

void mem_create(struct vm *vm, uint64_t size);
void mem_create_rom(struct vm *vm, const struct entry *entry);
void mem_load_rom(struct vm *vm, const char *path);
uint64_t mem_parse_size(const char *text);

/* load_flat.c: an image without any format, and where it goes. */
struct image {
	const char *path;
	uint64_t addr;
	size_t size; /* bytes, known once it is loaded */
};

#define BOOT_ADDR 0x7c00 /* where a PC puts what it boots */

struct image image_parse(char *arg);
struct entry image_parse_entry(const char *text);
struct entry image_entry(const struct image *image);
void image_load(struct vm *vm, struct image *image);
int image_open(struct image *image);
void image_read(int fd, const struct image *image, uint8_t *to);

/* walk.c: find a byte of the guest in the memory of the host. */
void walk_report(struct vm *vm, const struct image *image);

/* vcpu.c: the descriptor of the VM's vCPU. */
void vcpu_open(struct vm *vm);
void vcpu_probe(struct vm *vm);
void vcpu_begin(struct vm *vm, const struct entry *entry);
int vcpu_run(struct vm *vm);
void vcpu_end(struct vm *vm, int status); /* from the vCPU's own thread */
void vcpu_stop(struct vm *vm, int status); /* from another one */
void vcpu_kick(struct vm *vm); /* VTX_RUN shall return, and be called again */

/* iobus.c: the devices, by port. */
void iobus_handle(struct vm *vm);

/* wire.c: COM1, which is standard input and output, and COM2. */
#define COM1 0x3f8
#define COM2 0x2f8
#define SERIAL_FDS 8

struct pollfd;

void serial_create(struct vm *vm);
void serial_open_com2(struct vm *vm, const char *path);
size_t serial_room(void);
void serial_type(const uint8_t *data, size_t size);
void serial_end_input(void);
uint32_t serial_lines(void);
int serial_prepare(struct pollfd *fds);
void serial_copy(const struct pollfd *fds);
void serial_drain(bool left);

/* irqchip.c: the lines to the interrupt controllers, and the lock of all devices. */
#define IRQ_KEYBOARD 1
#define IRQ_COM2 3
#define IRQ_COM1 4

void irqchip_create(struct vm *vm);
void irqchip_reset(void);
void irqchip_lock(void);
void irqchip_unlock(struct vm *vm);
uint64_t irqchip_now(void);
struct irq_line irqchip_line(unsigned int n);

/* keyboard.c: the 8042, and a keyboard that is played by the terminal's keys. */
void keyboard_reset(void);
void keyboard_out(struct vm *vm, uint16_t offset, uint8_t value);
uint8_t keyboard_in(struct vm *vm, uint16_t offset);
void keyboard_type(struct vm *vm, const uint8_t *text, size_t size);
bool keyboard_wants_reset(void);

/* cmos.c: how much memory there is, as a PC's firmware notes it. */
void cmos_out(struct vm *vm, uint16_t offset, uint8_t value);
uint8_t cmos_in(struct vm *vm, uint16_t offset);

/* term.c: standard input, for the guest. */
void term_open(void);
void term_loop(struct vm *vm);
void term_wake(void);
bool term_has_keys(void);

/* explain.c: what happened, in words. */
void explain_probe(const struct vtx_probe *p);
void explain_end(struct vm *vm);

/* disasm.c: an instruction of the guest, in words. */
void disasm(struct vm *vm, const struct vtx_sregs *s, uint64_t ip, char *text, size_t size);

/* trace.c: what we did, as a file. Does nothing as long as it is not opened. */
void trace_open(const char *path);
bool trace_wanted(void);
double trace_now(void); /* microseconds */
void __attribute__((format(printf, 3, 4))) trace_event(double begin, double end, const char *fmt, ...);

#endif /* VTXCTL_H */
