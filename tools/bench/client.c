// SPDX-License-Identifier: GPL-2.0-only
/*
 * What does a VM exit cost? One guest, one way to measure, two hypervisors.
 *
 * usage: client kvm|kvm-chips|vtx NAME SAMPLES [GUEST]
 *
 * kvm-chips is KVM with its interrupt controllers and its timer in the kernel.
 * Else they are models in user space, here. VTXDRV has in the kernel what its
 * ABI has.
 *
 *   exit-user    the guest loops over OUT; RDTSC around each call that runs it
 *   exit-kernel  the guest takes RDTSC around CPUID, again and again, and keeps
 *                the differences in its memory
 *   ioctl-null   an ioctl that is unknown: the way in and out of the kernel alone
 *   wake-up      a thread that sleeps: from when its time has come until it runs
 *   device-out   an OUT to the 8259, around which the guest takes RDTSC (device.asm)
 *   uart-out     an OUT to the serial port, likewise
 *   interrupt    an interrupt, from the line to behind its handler, likewise
 *   eoi          the OUT in that handler, likewise
 *   irq-line     the ioctl that pulls a line of controllers in the kernel
 *   tick         the guest notes when each tick came (tick.asm); what it sends is
 *                printed as it is. kvm-chips only; for others there is VTXCTL
 *
 * Prints one number of ticks a line, a sample each. The first ones, which warm
 * up caches and page tables, are not printed. Status 3: this hypervisor has no
 * answer to CPUID in the kernel.
 */
#include <err.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include "vtx.h"

#ifdef HAVE_I8259
#include "dev/i8259.h"
#endif

#define WARM_UP 200
#define MAX_SAMPLES 10000
#define NO_ANSWER 3

#define RAM_SIZE (1 << 20)
#define ENTRY 0x7c00
#define RESULTS 0x10000
#define PORT 0x80

/* again: out PORT, al; jmp again */
static const uint8_t guest_user[] = { 0xe6, PORT, 0xeb, 0xfc };

/*
 * mov ax, RESULTS >> 4; mov es, ax; xor di, di; mov bp, rounds; cld
 * again: rdtsc; mov esi, eax; xor eax, eax; cpuid; rdtsc; sub eax, esi; stosd
 *        dec bp; jnz again; out PORT, al
 */
static const uint8_t guest_kernel[] = {
	0xb8,
	RESULTS >> 4 & 0xff,
	RESULTS >> 12,
	0x8e,
	0xc0,
	0x31,
	0xff,
	0xbd,
	0,
	0,
	0xfc,
	0x0f,
	0x31,
	0x66,
	0x89,
	0xc6,
	0x66,
	0x31,
	0xc0,
	0x0f,
	0xa2,
	0x0f,
	0x31,
	0x66,
	0x29,
	0xf0,
	0x66,
	0xab,
	0x4d,
	0x75,
	0xec,
	0xe6,
	PORT,
};
#define ROUNDS 8 /* where the operand of mov bp lies */

#define GUEST_ROUNDS 2 /* where device.asm and tick.asm have them */
#define ASK 0x80
#define DONE 0x81
#define LET_GO 0x82
#define DEBUG_EXIT 0xf4
#define COM1 0x3f8
#define COM1_LINE 4
#define LINE 3
#define PERIOD_NS 4000000

static uint8_t *ram;
static int vm_fd, vcpu_fd, rounds;
static bool chips; /* in the kernel */
static unsigned long run_request;
static struct vtx_run *vtx_run; /* one of these two */
static struct kvm_run *kvm_run;

static void load(const uint8_t *guest, size_t size)
{
	ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE,
		   -1, 0);
	if (ram == MAP_FAILED)
		err(1, "mmap");
	memcpy(ram + ENTRY, guest, size);
}

/*
 * A launcher has another thread, and that makes each system call a bit slower. It
 * takes what the guest sends by a serial port in the kernel, if there is one.
 */
static void *read_all(void *fd)
{
	char buffer[4096];

	while (read((intptr_t)fd, buffer, sizeof(buffer)) > 0)
		;
	return NULL;
}

static void start_reader(intptr_t fd)
{
	pthread_t reader;

	if (fd < 0 || pthread_create(&reader, NULL, read_all, (void *)fd))
		err(1, "the reader");
}

/* All that VTXDRV has itself. */
static void create_chips(int vm)
{
#ifdef VTX_CREATE_IRQCHIP
	struct vtx_create_irqchip create = { .chips = VTX_CHIP_PIC };

#ifdef VTX_CHIP_PIT
	create.chips |= VTX_CHIP_PIT;
#endif
	if (ioctl(vm, VTX_CREATE_IRQCHIP, &create))
		err(1, "VTX_CREATE_IRQCHIP");
	chips = true;
#endif
#ifdef VTX_CREATE_UART
	struct vtx_create_uart uart = { .port = COM1, .gsi = COM1_LINE };

	start_reader(ioctl(vm, VTX_CREATE_UART, &uart));
#else
	start_reader(eventfd(0, 0)); /* there is nothing to read */
#endif
	(void)vm;
}

static void open_vtx(void)
{
	int vm = open("/dev/vtx", O_RDWR);
	struct vtx_memory memory = { .size = RAM_SIZE, .user_addr = (uintptr_t)ram };
	struct vtx_create_vcpu create = {};
	uint8_t *rom = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct vtx_memory rom_memory = {
		.gpa = 0xfffff000,
		.size = 4096,
		.user_addr = (uintptr_t)rom,
		.flags = VTX_MEM_READONLY,
	};

	if (vm < 0)
		err(1, "/dev/vtx");
	memcpy(rom + 0xff0, (const uint8_t[]){ 0xea, 0x00, 0x7c, 0x00, 0x00 }, 5);
	if (ioctl(vm, VTX_MAP_MEMORY, &memory) || ioctl(vm, VTX_MAP_MEMORY, &rom_memory))
		err(1, "VTX_MAP_MEMORY");
	create_chips(vm);
	vcpu_fd = ioctl(vm, VTX_CREATE_VCPU, &create);
	if (vcpu_fd < 0)
		err(1, "VTX_CREATE_VCPU");
	vtx_run = mmap(NULL, VTX_RUN_PAGES * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu_fd, 0);
	if (vtx_run == MAP_FAILED)
		err(1, "the run page");
	vm_fd = vm;
	run_request = VTX_RUN;
}

static void open_kvm(void)
{
	int kvm = open("/dev/kvm", O_RDWR), vm;
	struct kvm_userspace_memory_region region = {
		.memory_size = RAM_SIZE,
		.userspace_addr = (uintptr_t)ram,
	};
	struct kvm_pit_config pit = {};
	struct kvm_sregs sregs;
	struct kvm_regs regs = { .rip = ENTRY, .rflags = 2 };

	if (kvm < 0)
		err(1, "/dev/kvm");
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	if (vm < 0 || ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region))
		err(1, "KVM_CREATE_VM");
	vm_fd = vm;
	start_reader(eventfd(0, 0)); /* there is nothing to read */
	if (chips && (ioctl(vm, KVM_SET_TSS_ADDR, 0xfffbd000) || ioctl(vm, KVM_CREATE_IRQCHIP, 0) ||
		      ioctl(vm, KVM_CREATE_PIT2, &pit)))
		err(1, "KVM_CREATE_IRQCHIP");
	vcpu_fd = ioctl(vm, KVM_CREATE_VCPU, 0);
	if (vcpu_fd < 0 || ioctl(vcpu_fd, KVM_GET_SREGS, &sregs))
		err(1, "KVM_CREATE_VCPU");
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	if (ioctl(vcpu_fd, KVM_SET_SREGS, &sregs) || ioctl(vcpu_fd, KVM_SET_REGS, &regs))
		err(1, "KVM_SET_SREGS");
	kvm_run = mmap(NULL, ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), PROT_READ | PROT_WRITE,
		       MAP_SHARED, vcpu_fd, 0);
	if (kvm_run == MAP_FAILED)
		err(1, "the run page");
	run_request = KVM_RUN;
}

/*
 * Did the guest come back with its OUT? false: the host had something to do,
 * and it wants to be called again. Anything else is an error.
 */
static bool is_out(void)
{
	if (kvm_run) {
		if (kvm_run->exit_reason != KVM_EXIT_IO || kvm_run->io.port != PORT)
			errx(1, "KVM: exit %u", kvm_run->exit_reason);
		return true;
	}
	if (vtx_run->exit == VTX_EXIT_KILLED)
		errx(NO_ANSWER, "%s", vtx_run->text);
	if (vtx_run->exit == VTX_EXIT_INTR)
		return false;
	if (vtx_run->exit != VTX_EXIT_IO || vtx_run->io.port != PORT)
		errx(1, "VTX_RUN: exit %u", vtx_run->exit);
	return true;
}

static void run(void)
{
	if (ioctl(vcpu_fd, run_request, 0))
		err(1, "run");
}

static void exit_user(void)
{
	int done = 0;

	while (done < rounds) {
		uint64_t begin = __rdtsc(), end;

		run();
		end = __rdtsc();
		if (is_out() && ++done > WARM_UP)
			printf("%lu\n", end - begin);
	}
}

static void exit_kernel(void)
{
	do
		run();
	while (!is_out());
}

static void ioctl_null(void)
{
	int i;

	for (i = 0; i < rounds; i++) {
		uint64_t begin = __rdtsc(), end;
		int ret = ioctl(vcpu_fd, _IO('?', 0), 0);

		end = __rdtsc();
		if (!ret)
			errx(1, "somebody knows this ioctl");
		if (i >= WARM_UP)
			printf("%lu\n", end - begin);
	}
}

/* The guest has come back with an OUT of a byte to this port. */
static uint16_t out_port(uint8_t *value)
{
	if (kvm_run) {
		if (kvm_run->exit_reason != KVM_EXIT_IO)
			errx(1, "KVM: exit %u", kvm_run->exit_reason);
		*value = *((uint8_t *)kvm_run + kvm_run->io.data_offset);
		return kvm_run->io.port;
	}
	if (vtx_run->exit != VTX_EXIT_IO)
		errx(1, "VTX_RUN: exit %u", vtx_run->exit);
	*value = *((uint8_t *)vtx_run + vtx_run->io.data_offset);
	return vtx_run->io.port;
}

/* Until an OUT; what the host wanted meanwhile is its own affair. */
static uint16_t run_to_out(uint8_t *value)
{
	do
		run();
	while (vtx_run && vtx_run->exit == VTX_EXIT_INTR);
	return out_port(value);
}

static void load_file(const char *path)
{
	uint8_t guest[512];
	FILE *file = fopen(path, "r");
	size_t size = file ? fread(guest, 1, sizeof(guest), file) : 0;

	if (!size)
		err(1, "%s", path);
	fclose(file);
	load(guest, size);
	*(uint16_t *)(ram + ENTRY + GUEST_ROUNDS) = rounds;
}

/* A line of the controllers in the kernel. */
static void set_kernel_line(bool level)
{
	struct kvm_irq_level kvm_line = { .irq = LINE, .level = level };

#ifdef VTX_IRQ_LINE
	struct vtx_irq_line vtx_line = { .gsi = LINE, .level = level };

	if (vtx_run) {
		if (ioctl(vm_fd, VTX_IRQ_LINE, &vtx_line))
			err(1, "VTX_IRQ_LINE");
		return;
	}
#endif
	if (ioctl(vm_fd, KVM_IRQ_LINE, &kvm_line))
		err(1, "KVM_IRQ_LINE");
}

static void print_ticks(void)
{
	const uint32_t *ticks = (const uint32_t *)(ram + RESULTS);
	int i;

	for (i = WARM_UP; i < rounds; i++)
		printf("%u\n", ticks[i]);
}

static void wake_up(void)
{
	uint64_t *ticks = calloc(rounds, sizeof(*ticks));
	struct timespec begin, end, due;
	uint64_t begin_tick, end_tick;
	double ticks_per_ns;
	int i;

	prctl(PR_SET_TIMERSLACK, 1);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	begin_tick = __rdtsc();
	due = begin;
	for (i = 0; i < rounds; i++) {
		due.tv_nsec += PERIOD_NS;
		due.tv_sec += due.tv_nsec / 1000000000;
		due.tv_nsec %= 1000000000;
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
		ticks[i] = __rdtsc();
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	end_tick = __rdtsc();

	ticks_per_ns = (end_tick - begin_tick) /
		       ((end.tv_sec - begin.tv_sec) * 1e9 + (end.tv_nsec - begin.tv_nsec));
	for (i = 0; i < rounds; i++)
		printf("%.0f\n",
		       ticks[i] - begin_tick - (double)PERIOD_NS * (i + 1) * ticks_per_ns);
}

#ifdef HAVE_I8259
/* A device pulls its line, and the request goes on to the CPU. */
static void pull(struct i8259 *pic)
{
	struct kvm_interrupt kvm_irq;
	struct vtx_interrupt vtx_irq = {};

	if (chips) {
		set_kernel_line(true);
		return;
	}
	i8259_set_irq(pic, LINE, true);
	if (!i8259_intr(pic))
		errx(1, "the controller does not ask for an interrupt");
	if (kvm_run) {
		kvm_irq.irq = i8259_ack(pic);
		if (ioctl(vcpu_fd, KVM_INTERRUPT, &kvm_irq))
			err(1, "KVM_INTERRUPT");
		return;
	}
	if (!vtx_run->can_inject)
		errx(1, "the guest takes no interrupt");
	vtx_irq.vector = i8259_ack(pic);
	if (ioctl(vcpu_fd, VTX_INTERRUPT, &vtx_irq))
		err(1, "VTX_INTERRUPT");
}

static void let_go(struct i8259 *pic)
{
	if (chips)
		set_kernel_line(false);
	else
		i8259_set_irq(pic, LINE, false);
}

static void device(void)
{
	struct i8259 pic;
	uint16_t port;
	uint8_t value;

	i8259_init(&pic);
	while ((port = run_to_out(&value)) != DONE) {
		if (port == ASK)
			pull(&pic);
		else if (port == LET_GO)
			let_go(&pic);
		else if (port == 0x20 || port == 0x21)
			i8259_out(&pic, port - 0x20, value, 0);
		else if (port != COM1)
			errx(1, "an OUT to port %#x", port);
	}
}

/* The guest has told its controllers to hear the line. */
static void irq_line(void)
{
	int i;

	device();
	for (i = 0; i < rounds; i++) {
		uint64_t begin = __rdtsc(), end;

		set_kernel_line(true);
		end = __rdtsc();
		set_kernel_line(false);
		if (i >= WARM_UP)
			printf("%lu\n", end - begin);
	}
}

static void tick(void)
{
	uint16_t port;
	uint8_t value;

	while ((port = run_to_out(&value)) != DEBUG_EXIT)
		if (port == COM1)
			putchar(value);
}
#endif

static const struct {
	const char *name;
	void (*measure)(void);
	bool guest_notes; /* the ticks, in its memory */
} measurements[] = {
	{ "exit-user", exit_user },
	{ "exit-kernel", exit_kernel, true },
	{ "ioctl-null", ioctl_null },
#ifdef HAVE_I8259
	{ "device-out", device, true },
	{ "uart-out", device, true },
	{ "interrupt", device, true },
	{ "eoi", device, true },
	{ "irq-line", irq_line },
	{ "tick", tick },
#endif
};

int main(int argc, char **argv)
{
	static char buffer[1 << 20];
	bool kernel;
	size_t i;

	if (argc < 4 || argc > 5 || atoi(argv[3]) < 1 || atoi(argv[3]) > MAX_SAMPLES)
		errx(2, "usage: client kvm|kvm-chips|vtx NAME SAMPLES [GUEST]");
	rounds = atoi(argv[3]);

	/* Printing while it is measured must not be a system call each time. */
	setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
	if (!strcmp(argv[2], "wake-up")) {
		wake_up();
		return 0;
	}
	for (i = 0; strcmp(measurements[i].name, argv[2]); i++)
		if (i + 1 == sizeof(measurements) / sizeof(measurements[0]))
			errx(2, "no such measurement: %s", argv[2]);

	if (strcmp(argv[2], "tick"))
		rounds += WARM_UP;
	kernel = !strcmp(argv[2], "exit-kernel");
	if (argc == 5)
		load_file(argv[4]);
	else if (kernel)
		load(guest_kernel, sizeof(guest_kernel));
	else
		load(guest_user, sizeof(guest_user));
	if (kernel)
		*(uint16_t *)(ram + ENTRY + ROUNDS) = rounds;

	chips = !strcmp(argv[1], "kvm-chips");
	if (chips || !strcmp(argv[1], "kvm"))
		open_kvm();
	else
		open_vtx();
	measurements[i].measure();
	if (measurements[i].guest_notes)
		print_ticks();
	return 0;
}
