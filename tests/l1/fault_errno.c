// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does everything wrong, one thing at a time. Prints for each a line
 *
 *	REQUEST, what is wrong: EXPECTED GOT
 *
 * where the expected error is the one that vtx.h documents.
 */
#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "fault_block.h"
#include "fault_vm.h"

static const char *name_of(int error)
{
	return error ? strerrorname_np(error) : "ok";
}

static void expect(const char *request, const char *what, int expected, long ret)
{
	int got = ret < 0 ? errno : 0;

	printf("%s, %s: %s %s\n", request, what, name_of(expected), name_of(got));
	fflush(stdout);
}

/* All requests that take a structure, each with one that is good. */
static const struct request {
	const char *name;
	unsigned int cmd;
	bool on_vcpu;
	const void *good;
} requests[] = {
	{ "VTX_GET_CAPS", VTX_GET_CAPS, false,
	  &(const struct vtx_caps){ .size = sizeof(struct vtx_caps) } },
	{ "VTX_MAP_MEMORY", VTX_MAP_MEMORY, false, &(const struct vtx_memory){} },
	{ "VTX_TRANSLATE", VTX_TRANSLATE, false, &(const struct vtx_translate){} },
#ifdef VTX_CREATE_VCPU
	{ "VTX_CREATE_VCPU", VTX_CREATE_VCPU, false, &(const struct vtx_create_vcpu){} },
	{ "VTX_PROBE_ENTRY", VTX_PROBE_ENTRY, true, &(const struct vtx_probe){ .form = 1 } },
#endif
#ifdef VTX_RUN
	{ "VTX_GET_REGS", VTX_GET_REGS, true, &(const struct vtx_regs){} },
	{ "VTX_SET_REGS", VTX_SET_REGS, true, &(const struct vtx_regs){} },
#endif
#ifdef VTX_GET_SREGS
	{ "VTX_GET_SREGS", VTX_GET_SREGS, true, &(const struct vtx_sregs){} },
	{ "VTX_SET_SREGS", VTX_SET_SREGS, true, &(const struct vtx_sregs){} },
#endif
#ifdef VTX_INTERRUPT
	{ "VTX_INTERRUPT", VTX_INTERRUPT, true, &(const struct vtx_interrupt){} },
#endif
#ifdef VTX_CREATE_IRQCHIP
	{ "VTX_CREATE_IRQCHIP", VTX_CREATE_IRQCHIP, false,
	  &(const struct vtx_create_irqchip){ .chips = VTX_CHIP_PIC } },
	{ "VTX_IRQ_LINE", VTX_IRQ_LINE, false, &(const struct vtx_irq_line){} },
#endif
#ifdef VTX_CREATE_UART
	{ "VTX_CREATE_UART", VTX_CREATE_UART, false, &(const struct vtx_create_uart){} },
#endif
};

#define NR_REQUESTS (sizeof(requests) / sizeof(requests[0]))

static void bad_pointers(int vm, int vcpu)
{
	uint8_t *page = pages(2), *read_only = pages(1);
	size_t i;

	mprotect(page + PAGE, PAGE, PROT_NONE);
	for (i = 0; i < NR_REQUESTS; i++) {
		const struct request *r = &requests[i];
		size_t size = _IOC_SIZE(r->cmd);
		int fd = r->on_vcpu ? vcpu : vm;
		uint8_t *over = page + PAGE - size + 1;

		expect(r->name, "NULL", EFAULT, ioctl(fd, r->cmd, NULL));
		expect(r->name, "no memory there", EFAULT, ioctl(fd, r->cmd, page + PAGE));
		expect(r->name, "an address of the kernel", EFAULT,
		       ioctl(fd, r->cmd, 0xffff888000000000));
		expect(r->name, "an address that no CPU has", EFAULT,
		       ioctl(fd, r->cmd, 0x8000000000000000));
		memcpy(over, r->good, size - 1);
		expect(r->name, "its last byte has no memory", EFAULT, ioctl(fd, r->cmd, over));
		if (!(_IOC_DIR(r->cmd) & _IOC_READ))
			continue;
		mprotect(read_only, PAGE, PROT_READ | PROT_WRITE);
		memcpy(read_only, r->good, size);
		mprotect(read_only, PAGE, PROT_READ);
		expect(r->name, "the answer cannot be written", EFAULT,
		       ioctl(fd, r->cmd, read_only));
	}
}

static void unknown_requests(const char *name, int fd)
{
	expect(name, "number 0", ENOTTY, ioctl(fd, _IO(VTX_IOC_MAGIC, 0), 0));
	expect(name, "a number that nobody has", ENOTTY, ioctl(fd, _IO(VTX_IOC_MAGIC, 0x7f), 0));
	expect(name, "another size", ENOTTY, ioctl(fd, _IOWR(VTX_IOC_MAGIC, 1, char[8]), 0));
	expect(name, "another direction", ENOTTY,
	       ioctl(fd, _IOR(VTX_IOC_MAGIC, 2, struct vtx_memory), 0));
	expect(name, "another driver's", ENOTTY, ioctl(fd, 0x5401, 0));
}

/* Each descriptor knows its own requests only. */
static void wrong_descriptor(int vm, int vcpu)
{
	size_t i;

	for (i = 0; i < NR_REQUESTS; i++) {
		const struct request *r = &requests[i];
		char copy[256];

		if (vcpu < 0)
			continue;
		memcpy(copy, r->good, _IOC_SIZE(r->cmd));
		expect(r->name, "on the other descriptor", ENOTTY,
		       ioctl(r->on_vcpu ? vm : vcpu, r->cmd, copy));
	}
}

static void caps(int vm)
{
	struct vtx_caps caps = { .size = sizeof(caps) - 8 };

	expect("VTX_GET_CAPS", "another size", EINVAL, ioctl(vm, VTX_GET_CAPS, &caps));
	caps.size = 0;
	expect("VTX_GET_CAPS", "no size", EINVAL, ioctl(vm, VTX_GET_CAPS, &caps));
}

static void map_bad(int vm, const char *what, int expected, struct vtx_memory mem)
{
	expect("VTX_MAP_MEMORY", what, expected, ioctl(vm, VTX_MAP_MEMORY, &mem));
}

static void memory(int vm)
{
	uint8_t *mem = pages(4);
	uint64_t addr = (uintptr_t)mem;
	struct vtx_memory good = { .gpa = 0x10000, .size = PAGE, .user_addr = addr };
	struct vtx_memory m;

#define BAD(what, expected, ...)                \
	do {                                    \
		m = good;                       \
		__VA_ARGS__;                    \
		map_bad(vm, what, expected, m); \
	} while (0)

	mprotect(mem + 2 * PAGE, PAGE, PROT_READ);
	munmap(mem + 3 * PAGE, PAGE);

	BAD("gpa misaligned", EINVAL, m.gpa++);
	BAD("size misaligned", EINVAL, m.size--);
	BAD("user_addr misaligned", EINVAL, m.user_addr += 8);
	BAD("empty", EINVAL, m.size = 0);
	BAD("an unknown flag", EINVAL, m.flags = 2);
	BAD("every flag", EINVAL, m.flags = ~0u);
	BAD("reserved set", EINVAL, m.reserved = 1);
	BAD("begins beyond the end", ERANGE, m.gpa = 1ULL << 48);
	BAD("ends beyond the end", ERANGE, m.gpa = 0, m.size = 1ULL << 60);
	BAD("wraps round", ERANGE, m.gpa = -PAGE, m.size = 2 * PAGE);
	BAD("memory of the kernel", EFAULT, m.user_addr = 0xffff888000000000);
	BAD("memory that wraps round", EFAULT, m.user_addr = -PAGE);
	BAD("no memory", EFAULT, m.user_addr = addr + 3 * PAGE);
	BAD("read-only memory", EFAULT, m.user_addr = addr + 2 * PAGE);
	BAD("the second half is missing", EFAULT, m.user_addr = addr + PAGE, m.size = 2 * PAGE);
	BAD("more than the host has", ENOMEM, m.user_addr = PAGE, m.size = 1ULL << 38);
	BAD("good", 0, );
	BAD("there already", EEXIST, );
	BAD("a part is there already", EEXIST, m.gpa -= PAGE, m.size = 2 * PAGE);
#undef BAD
}

static void translate(int vm)
{
	struct vtx_translate t = { .gpa = 1ULL << 48 };

	expect("VTX_TRANSLATE", "more than 48 bits", ERANGE, ioctl(vm, VTX_TRANSLATE, &t));
	t.gpa = (1ULL << 48) - 1;
	expect("VTX_TRANSLATE", "48 bits", 0, ioctl(vm, VTX_TRANSLATE, &t));
}

/* Somebody who may lock 64 KiB, and who is not above the host's limits. */
static void as_nobody(void (*what)(int vm))
{
	struct rlimit limit = { .rlim_cur = 16 * PAGE, .rlim_max = 16 * PAGE };
	pid_t pid = must("fork", fork());
	int vm;

	if (!pid) {
		vm = open_vtx();
		must("setrlimit", setrlimit(RLIMIT_MEMLOCK, &limit));
		must("setuid", setuid(65534));
		what(vm);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static void beyond_memlock(int vm)
{
	expect("VTX_MAP_MEMORY", "16 pages, as many as may be locked", 0,
	       map_memory(vm, 0, pages(16), 16 * PAGE, 0));
	expect("VTX_MAP_MEMORY", "RLIMIT_MEMLOCK", ENOMEM,
	       map_memory(vm, 16 * PAGE, pages(1), PAGE, 0));
}

#ifdef VTX_CREATE_VCPU
static void beyond_file_max(int vm)
{
	expect("VTX_CREATE_VCPU", "the host has no file left", ENFILE, create_vcpu(vm));
}

/* The most files that the host may have open; gives back what it was. */
static unsigned long set_file_max(unsigned long max)
{
	FILE *file = fopen("/proc/sys/fs/file-max", "r+");
	unsigned long old;

	if (!file || fscanf(file, "%lu", &old) != 1)
		err(1, "file-max");
	rewind(file);
	fprintf(file, "%lu\n", max);
	must("file-max", fclose(file));
	return old;
}

static void create(int vm)
{
	struct vtx_create_vcpu create = { .id = 1 };
	struct rlimit none, old;
	unsigned long max;
	int vcpu;

	expect("VTX_CREATE_VCPU", "id 1", EINVAL, ioctl(vm, VTX_CREATE_VCPU, &create));
	create = (struct vtx_create_vcpu){ .flags = 1 };
	expect("VTX_CREATE_VCPU", "a flag", EINVAL, ioctl(vm, VTX_CREATE_VCPU, &create));

	getrlimit(RLIMIT_NOFILE, &old);
	none = old;
	none.rlim_cur = 0;
	setrlimit(RLIMIT_NOFILE, &none);
	expect("VTX_CREATE_VCPU", "the process has no descriptor left", EMFILE, create_vcpu(vm));
	setrlimit(RLIMIT_NOFILE, &old);

	max = set_file_max(0);
	as_nobody(beyond_file_max);
	set_file_max(max);

	/* The errors above left no vCPU behind. */
	vcpu = create_vcpu(vm);
	expect("VTX_CREATE_VCPU", "good", 0, vcpu);
	expect("VTX_CREATE_VCPU", "a second one", EEXIST, create_vcpu(vm));
	close(vcpu);
	vcpu = create_vcpu(vm);
	expect("VTX_CREATE_VCPU", "another one after the first", 0, vcpu);
	close(vcpu);
}

static void probe(int vcpu)
{
	struct vtx_probe p = {};

	expect("VTX_PROBE_ENTRY", "form 0", EINVAL, ioctl(vcpu, VTX_PROBE_ENTRY, &p));
	p.form = VTX_NR_FORMS;
	expect("VTX_PROBE_ENTRY", "a form too many", EINVAL, ioctl(vcpu, VTX_PROBE_ENTRY, &p));
	p.form = ~0u;
	expect("VTX_PROBE_ENTRY", "the last form of all", EINVAL,
	       ioctl(vcpu, VTX_PROBE_ENTRY, &p));
	p = (struct vtx_probe){ .form = 1, .reserved = 1 };
	expect("VTX_PROBE_ENTRY", "reserved set", EINVAL, ioctl(vcpu, VTX_PROBE_ENTRY, &p));
	p = (struct vtx_probe){ .form = 1 };
	expect("VTX_PROBE_ENTRY", "good", 0, ioctl(vcpu, VTX_PROBE_ENTRY, &p));
}

/*
 * A thread is in one request: its argument lies in a page that the kernel
 * waits for, so it stays there until we let it go.
 */
static void two_threads(int vcpu)
{
	struct vtx_probe p = { .form = 1 };
	struct blocked blocked;

	block_ioctl(&blocked, vcpu, VTX_PROBE_ENTRY);
	expect("VTX_PROBE_ENTRY", "another thread is using it", EBUSY,
	       ioctl(vcpu, VTX_PROBE_ENTRY, &p));
	expect("unknown", "another thread is using it", ENOTTY,
	       ioctl(vcpu, _IO(VTX_IOC_MAGIC, 0xff), 0));
#ifdef VTX_RUN
	struct vtx_regs regs = {};

	expect("VTX_RUN", "another thread is using it", EBUSY, ioctl(vcpu, VTX_RUN, 0));
	expect("VTX_GET_REGS", "another thread is using it", EBUSY,
	       ioctl(vcpu, VTX_GET_REGS, &regs));
	expect("VTX_SET_REGS", "another thread is using it", EBUSY,
	       ioctl(vcpu, VTX_SET_REGS, &regs));
#endif
#ifdef VTX_GET_SREGS
	struct vtx_sregs sregs = {};

	expect("VTX_GET_SREGS", "another thread is using it", EBUSY,
	       ioctl(vcpu, VTX_GET_SREGS, &sregs));
	expect("VTX_SET_SREGS", "another thread is using it", EBUSY,
	       ioctl(vcpu, VTX_SET_SREGS, &sregs));
#endif
#ifdef VTX_INTERRUPT
	struct vtx_interrupt irq = {};

	expect("VTX_INTERRUPT", "another thread is using it", EBUSY,
	       ioctl(vcpu, VTX_INTERRUPT, &irq));
#endif
	block_release(&blocked);
	expect("VTX_PROBE_ENTRY", "the other thread is done", 0,
	       ioctl(vcpu, VTX_PROBE_ENTRY, &p));
}
#endif /* VTX_CREATE_VCPU */

#ifdef VTX_CREATE_IRQCHIP
static void irq_line_bad(int vm, const char *what, int expected, struct vtx_irq_line line)
{
	expect("VTX_IRQ_LINE", what, expected, ioctl(vm, VTX_IRQ_LINE, &line));
}

/* Before there is a vCPU: the VM gets its interrupt controllers. */
static void irqchip(int vm)
{
	struct vtx_create_irqchip create = {};

	irq_line_bad(vm, "no interrupt controllers", ENXIO, (struct vtx_irq_line){ .gsi = 1 });
	expect("VTX_RESET", "no interrupt controllers", ENXIO, ioctl(vm, VTX_RESET, 0));
	expect("VTX_CREATE_IRQCHIP", "no chip", EINVAL, ioctl(vm, VTX_CREATE_IRQCHIP, &create));
	create.chips = VTX_CHIP_PIC | 1u << 31;
	expect("VTX_CREATE_IRQCHIP", "an unknown chip", EINVAL,
	       ioctl(vm, VTX_CREATE_IRQCHIP, &create));
#ifdef VTX_CHIP_PIT
	create.chips = VTX_CHIP_PIT;
	expect("VTX_CREATE_IRQCHIP", "a timer without controllers", EINVAL,
	       ioctl(vm, VTX_CREATE_IRQCHIP, &create));
#endif
	create = (struct vtx_create_irqchip){ .chips = VTX_CHIP_PIC, .flags = 1 };
	expect("VTX_CREATE_IRQCHIP", "a flag", EINVAL, ioctl(vm, VTX_CREATE_IRQCHIP, &create));
	create.flags = 0;
	expect("VTX_CREATE_IRQCHIP", "good", 0, ioctl(vm, VTX_CREATE_IRQCHIP, &create));
	expect("VTX_CREATE_IRQCHIP", "there already", EEXIST,
	       ioctl(vm, VTX_CREATE_IRQCHIP, &create));

	irq_line_bad(vm, "line 2", EINVAL, (struct vtx_irq_line){ .gsi = 2 });
	irq_line_bad(vm, "line 16", EINVAL, (struct vtx_irq_line){ .gsi = 16 });
	irq_line_bad(vm, "the last line of all", EINVAL, (struct vtx_irq_line){ .gsi = ~0u });
	irq_line_bad(vm, "level 2", EINVAL, (struct vtx_irq_line){ .level = 2 });
	irq_line_bad(vm, "reserved set", EINVAL, (struct vtx_irq_line){ .reserved = 1 });
	irq_line_bad(vm, "the status is not looked at", 0, (struct vtx_irq_line){ .status = ~0u });
	irq_line_bad(vm, "up", 0, (struct vtx_irq_line){ .gsi = 15, .level = 1 });
	irq_line_bad(vm, "without a vCPU", 0, (struct vtx_irq_line){ .gsi = 15 });
	expect("VTX_RESET", "an argument", EINVAL, ioctl(vm, VTX_RESET, 1));
	expect("VTX_RESET", "good", 0, ioctl(vm, VTX_RESET, 0));
}

static void irqchip_and_vcpu(int vm, int vcpu)
{
	struct vtx_create_irqchip create = { .chips = VTX_CHIP_PIC };
	struct vtx_interrupt irq = { .vector = 0x40 };
	int other = open_vtx(), other_vcpu = must("VTX_CREATE_VCPU", create_vcpu(other));

	expect("VTX_INTERRUPT", "VTXDRV has the controllers", ENXIO,
	       ioctl(vcpu, VTX_INTERRUPT, &irq));
	irq.vector = 256;
	expect("VTX_INTERRUPT", "vector 256, VTXDRV has the controllers", EINVAL,
	       ioctl(vcpu, VTX_INTERRUPT, &irq));
	expect("VTX_CREATE_IRQCHIP", "there is a vCPU", EBUSY,
	       ioctl(other, VTX_CREATE_IRQCHIP, &create));
	expect("VTX_CREATE_IRQCHIP", "there already, and a vCPU", EEXIST,
	       ioctl(vm, VTX_CREATE_IRQCHIP, &create));
	expect("VTX_RESET", "on the other descriptor", ENOTTY, ioctl(vcpu, VTX_RESET, 0));
	close(other_vcpu);
	expect("VTX_CREATE_IRQCHIP", "the vCPU has gone", 0,
	       ioctl(other, VTX_CREATE_IRQCHIP, &create));
	close(other);
}
#endif

#ifdef VTX_CREATE_UART
static long uart_bad(int vm, const char *what, int expected, struct vtx_create_uart uart)
{
	long fd = ioctl(vm, VTX_CREATE_UART, &uart);

	expect("VTX_CREATE_UART", what, expected, fd);
	return fd;
}

static void uart_beyond_file_max(int vm)
{
	struct vtx_create_irqchip chips = { .chips = VTX_CHIP_PIC };

	must("VTX_CREATE_IRQCHIP", ioctl(vm, VTX_CREATE_IRQCHIP, &chips));
	uart_bad(vm, "the host has no file left", ENFILE, (struct vtx_create_uart){ .gsi = 4 });
}

/* A VM with interrupt controllers, and no vCPU. */
static void uarts(int vm)
{
	const struct vtx_create_uart good = { .port = 0x3f8, .gsi = 4 };
	struct vtx_create_irqchip chips = { .chips = VTX_CHIP_PIC };
	struct rlimit none, old;
	unsigned long max;
	long fds[4], vcpu;
	int i;

	uart_bad(vm, "no interrupt controllers", ENXIO, good);
	must("VTX_CREATE_IRQCHIP", ioctl(vm, VTX_CREATE_IRQCHIP, &chips));
	uart_bad(vm, "its last port is none", EINVAL,
		 (struct vtx_create_uart){ .port = 0xfff9, .gsi = 4 });
	uart_bad(vm, "far off", EINVAL, (struct vtx_create_uart){ .port = ~0u, .gsi = 4 });
	uart_bad(vm, "line 2", EINVAL, (struct vtx_create_uart){ .port = 0x3f8, .gsi = 2 });
	uart_bad(vm, "line 16", EINVAL, (struct vtx_create_uart){ .port = 0x3f8, .gsi = 16 });
	uart_bad(vm, "a flag", EINVAL,
		 (struct vtx_create_uart){ .port = 0x3f8, .gsi = 4, .flags = 1 });
	uart_bad(vm, "reserved set", EINVAL,
		 (struct vtx_create_uart){ .port = 0x3f8, .gsi = 4, .reserved = 1 });
	uart_bad(vm, "the interrupt controller's ports", EEXIST,
		 (struct vtx_create_uart){ .port = 0x1a, .gsi = 4 });

	getrlimit(RLIMIT_NOFILE, &old);
	none = old;
	none.rlim_cur = 0;
	setrlimit(RLIMIT_NOFILE, &none);
	uart_bad(vm, "the process has no descriptor left", EMFILE, good);
	setrlimit(RLIMIT_NOFILE, &old);
	max = set_file_max(0);
	as_nobody(uart_beyond_file_max);
	set_file_max(max);

	/* The errors above left none behind. */
	fds[0] = uart_bad(vm, "good", 0, good);
	uart_bad(vm, "there already", EEXIST, good);
	uart_bad(vm, "another's last port", EEXIST,
		 (struct vtx_create_uart){ .port = 0x3ff, .gsi = 3 });
	uart_bad(vm, "another's line", EEXIST, (struct vtx_create_uart){ .port = 0x2f8, .gsi = 4 });
	for (i = 1; i < 4; i++)
		fds[i] = uart_bad(vm, "beside it", 0,
				  (struct vtx_create_uart){ .port = 0x3f8 + 8 * i, .gsi = 4 + i });
	uart_bad(vm, "a fifth", ENOSPC, (struct vtx_create_uart){ .port = 0x200, .gsi = 12 });
	for (i = 0; i < 4; i++)
		close(fds[i]);
	uart_bad(vm, "the port is there without a descriptor", EEXIST, good);
	vcpu = must("VTX_CREATE_VCPU", create_vcpu(vm));
	uart_bad(vm, "there is a vCPU", EBUSY, good);
	close(vcpu);
	close(vm);
}
#endif

/* A child has our descriptors, but not our memory. */
static void forked(int vm, int vcpu)
{
	pid_t pid = must("fork", fork());
	char copy[256];
	size_t i;

	if (pid) {
		waitpid(pid, NULL, 0);
		return;
	}
	for (i = 0; i < NR_REQUESTS; i++) {
		memcpy(copy, requests[i].good, _IOC_SIZE(requests[i].cmd));
		expect(requests[i].name, "from a child", EIO,
		       ioctl(requests[i].on_vcpu ? vcpu : vm, requests[i].cmd, copy));
	}
#ifdef VTX_RUN
	expect("VTX_RUN", "from a child", EIO, ioctl(vcpu, VTX_RUN, 0));
#endif
#ifdef VTX_RESET
	expect("VTX_RESET", "from a child", EIO, ioctl(vm, VTX_RESET, 0));
#endif
	_exit(0);
}

#ifdef VTX_RUN
static void map_run_bad(int vcpu, const char *what, int expected, size_t n, int prot, int flags,
			unsigned int first)
{
	void *map = mmap(NULL, n * PAGE, prot, flags, vcpu, first * PAGE);

	expect("mmap", what, expected, map == MAP_FAILED ? -1 : 0);
	if (map != MAP_FAILED)
		munmap(map, n * PAGE);
}

static void mapping(int vm, int vcpu)
{
	const int rw = PROT_READ | PROT_WRITE;
	uint8_t *run;

	map_run_bad(vcpu, "private", EINVAL, 1, rw, MAP_PRIVATE, 0);
	map_run_bad(vcpu, "private, only to read", EINVAL, 1, PROT_READ, MAP_PRIVATE, 0);
	map_run_bad(vcpu, "three pages", EINVAL, 3, rw, MAP_SHARED, 0);
	map_run_bad(vcpu, "the second page and one more", EINVAL, 2, rw, MAP_SHARED, 1);
	map_run_bad(vcpu, "behind the second page", EINVAL, 1, rw, MAP_SHARED, 2);
	map_run_bad(vcpu, "far behind", EINVAL, 1, rw, MAP_SHARED, 1u << 31);
	map_run_bad(vcpu, "both pages", 0, 2, rw, MAP_SHARED, 0);
	map_run_bad(vcpu, "the second page", 0, 1, rw, MAP_SHARED, 1);
	map_run_bad(vcpu, "only to read", 0, 2, PROT_READ, MAP_SHARED, 0);
	map_run_bad(vm, "of the VM's descriptor", ENODEV, 1, rw, MAP_SHARED, 0);

	run = (uint8_t *)map_run(vcpu);
	run[PAGE] = 42;
	expect("mmap", "made longer later", EFAULT,
	       mremap(run, 2 * PAGE, 3 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED ? -1 : 0);
	expect("mmap", "read-only later", 0, mprotect(run, 2 * PAGE, PROT_READ));
	expect("mmap", "writable again", 0, mprotect(run, 2 * PAGE, rw));
	run[0] = run[0];
	munmap(run, 2 * PAGE);
	run = (uint8_t *)map_run(vcpu);
	expect("mmap", "taken away and back: the same page", 0, run[PAGE] == 42 ? 0 : -1);
	munmap(run, 2 * PAGE);
}

static void run(int vm, int vcpu)
{
	static const uint8_t code[] = { 0xfa, 0xf4 }; /* cli; hlt */
	struct vtx_run *run = map_run(vcpu);
	struct vtx_regs regs;
	uint8_t *ram = pages(16);

	expect("VTX_RUN", "no memory yet", ENXIO, ioctl(vcpu, VTX_RUN, 0));
	memcpy(ram + BOOT, code, sizeof(code));
	must("RAM", map_memory(vm, 0, ram, 16 * PAGE, 0));
	must("ROM", map_memory(vm, ROM_ADDR, make_rom(), PAGE, VTX_MEM_READONLY));

	expect("VTX_RUN", "an argument", EINVAL, ioctl(vcpu, VTX_RUN, 1));
	expect("VTX_RUN", "a pointer", EINVAL, ioctl(vcpu, VTX_RUN, run));
	run->immediate_exit = 1;
	expect("VTX_RUN", "immediate_exit", EINTR, ioctl(vcpu, VTX_RUN, 0));
	run->immediate_exit = 0;

	expect("VTX_RUN", "good", 0, ioctl(vcpu, VTX_RUN, 0));
	while (run->exit == VTX_EXIT_INTR)
		must("VTX_RUN", ioctl(vcpu, VTX_RUN, 0));
	expect("VTX_RUN", "it halted", 0, run->exit == VTX_EXIT_HLT ? 0 : -1);

#ifdef VTX_GET_SREGS
	struct vtx_sregs sregs;

	expect("VTX_GET_SREGS", "good", 0, ioctl(vcpu, VTX_GET_SREGS, &sregs));
	expect("VTX_SET_SREGS", "good", 0, ioctl(vcpu, VTX_SET_SREGS, &sregs));
	sregs.efer = 1 << 8;
	expect("VTX_SET_SREGS", "long mode", EINVAL, ioctl(vcpu, VTX_SET_SREGS, &sregs));
#endif
#ifdef VTX_INTERRUPT
	struct vtx_interrupt irq = { .vector = 256 };

	expect("VTX_INTERRUPT", "vector 256", EINVAL, ioctl(vcpu, VTX_INTERRUPT, &irq));
	irq = (struct vtx_interrupt){ .reserved = 1 };
	expect("VTX_INTERRUPT", "reserved set", EINVAL, ioctl(vcpu, VTX_INTERRUPT, &irq));
	irq = (struct vtx_interrupt){ .vector = 255 };
	expect("VTX_INTERRUPT", "interrupts are off", EAGAIN, ioctl(vcpu, VTX_INTERRUPT, &irq));
#endif
	must("VTX_GET_REGS", ioctl(vcpu, VTX_GET_REGS, &regs));
	regs.rflags = 0; /* bit 1 of RFLAGS is 1 in every CPU */
	must("VTX_SET_REGS", ioctl(vcpu, VTX_SET_REGS, &regs));
	expect("VTX_RUN", "a state that no CPU can be in", 0, ioctl(vcpu, VTX_RUN, 0));
	expect("VTX_RUN", "it could not enter", 0, run->exit == VTX_EXIT_FAIL ? 0 : -1);
	expect("VTX_RUN", "the guest has ended", ESHUTDOWN, ioctl(vcpu, VTX_RUN, 0));
#ifdef VTX_INTERRUPT
	expect("VTX_INTERRUPT", "the guest has ended", ESHUTDOWN,
	       ioctl(vcpu, VTX_INTERRUPT, &irq));
#endif
	expect("VTX_GET_REGS", "the guest has ended", 0, ioctl(vcpu, VTX_GET_REGS, &regs));
	munmap(run, VTX_RUN_PAGES * PAGE);
}
#endif /* VTX_RUN */

/* The door that 32-bit programs use; 54 is their number for ioctl. */
static long ioctl32(int fd, unsigned int cmd, unsigned long arg)
{
	long ret;

	asm volatile("int $0x80"
		     : "=a"(ret)
		     : "a"(54L), "b"((long)fd), "c"((long)cmd), "d"(arg)
		     : "memory", "r8", "r9", "r10", "r11");
	errno = -ret;
	return ret < 0 ? -1 : 0;
}

static void from_32_bit(int vm, int vcpu)
{
	void *low = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	unsigned long arg = (unsigned long)low;
	size_t i;

	must("mmap", low == MAP_FAILED ? -1 : 0);
	for (i = 0; i < NR_REQUESTS; i++) {
		const struct request *r = &requests[i];
		int fd = r->on_vcpu ? vcpu : vm;

		/* Only those of which the good one succeeds, and can do so twice. */
		if (r->cmd == VTX_MAP_MEMORY || _IOC_NR(r->cmd) == 4)
			continue;
#ifdef VTX_INTERRUPT
		if (r->cmd == VTX_INTERRUPT)
			continue;
#endif
#ifdef VTX_CREATE_IRQCHIP
		if (r->cmd == VTX_CREATE_IRQCHIP)
			continue;
#endif
#ifdef VTX_CREATE_UART
		if (r->cmd == VTX_CREATE_UART)
			continue;
#endif
		memcpy(low, r->good, _IOC_SIZE(r->cmd));
		expect(r->name, "from a 32-bit program", 0, ioctl32(fd, r->cmd, arg));
		expect(r->name, "NULL, from a 32-bit program", EFAULT, ioctl32(fd, r->cmd, 0));
	}
	expect("of the VM", "number 0, from a 32-bit program", ENOTTY,
	       ioctl32(vm, _IO(VTX_IOC_MAGIC, 0), 0));
#ifdef VTX_RUN
	expect("VTX_RUN", "an argument, from a 32-bit program", EINVAL,
	       ioctl32(vcpu, VTX_RUN, arg));
#endif
}

int main(void)
{
	int vm = open_vtx(), vcpu = -1;

	caps(vm);
	memory(vm);
	translate(vm);
	as_nobody(beyond_memlock);
	unknown_requests("of the VM", vm);
#ifdef VTX_CREATE_IRQCHIP
	irqchip(vm);
#endif
#ifdef VTX_CREATE_VCPU
	create(vm);
	vcpu = must("VTX_CREATE_VCPU", create_vcpu(vm));
	unknown_requests("of the vCPU", vcpu);
	probe(vcpu);
	two_threads(vcpu);
#endif
#ifdef VTX_CREATE_IRQCHIP
	irqchip_and_vcpu(vm, vcpu);
#endif
#ifdef VTX_CREATE_UART
	uarts(open_vtx());
#endif
	bad_pointers(vm, vcpu);
	wrong_descriptor(vm, vcpu);
	forked(vm, vcpu);
	from_32_bit(vm, vcpu);
#ifdef VTX_RUN
	int empty = open_vtx();

	mapping(vm, vcpu);
	run(empty, must("VTX_CREATE_VCPU", create_vcpu(empty)));
#endif
	return 0;
}
