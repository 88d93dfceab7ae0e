// SPDX-License-Identifier: GPL-2.0-only
/*
 * A long row of random calls: several VMs at once, several threads that get in
 * each other's way, children, duplicates, memory that comes and goes. Most of
 * what is passed is nearly right.
 *
 * usage: fuzz_ioctl SEED COUNT
 *
 * Prints for each request how often it ended how, as "VTX_RUN: ok 12 EINTR 3".
 * Ends with an error if a request says what vtx.h does not document.
 */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <time.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "fault_vm.h"

#define SLOTS 6
#define THREADS 3
#define LOOK_NS 8000000 /* how often we look whether a guest is in an endless loop */
#define POOL_PAGES 64 /* from here guests get their memory */
#define MESSY_PAGES 32 /* here it changes under them */
#define NR_ERRORS 140

#ifdef VTX_CHIP_PIT
#define ALL_CHIPS (VTX_CHIP_PIC | VTX_CHIP_PIT)
#else
#define ALL_CHIPS VTX_CHIP_PIC
#endif

static uint8_t *pool, *messy, *rom, *bad;
static int noise; /* a file of random bytes */

/* Shared by all threads, without any lock: that is the point. */
static struct slot {
	atomic_int vm, vcpu, uart;
	atomic_uintptr_t run; /* an address, and in its low bits the number of pages */
} slots[SLOTS];

enum request {
	CAPS,
	MAP,
	TRANSLATE,
#ifdef VTX_CREATE_VCPU
	CREATE,
	PROBE,
#endif
#ifdef VTX_RUN
	RUN,
	GET_REGS,
	SET_REGS,
#endif
#ifdef VTX_INTERRUPT
	INTERRUPT,
#endif
#ifdef VTX_CREATE_IRQCHIP
	IRQCHIP,
	LINE,
	RESET,
#endif
#ifdef VTX_CREATE_UART
	UART,
	UART_READ,
	UART_WRITE,
#endif
	UNKNOWN,
	NR_REQUESTS,
};

/*
 * What each may say. EBADF and ENOTTY are not in the list: another thread may
 * have closed the descriptor, and opened something else with the same number.
 */
static const struct {
	const char *name;
	unsigned int cmd;
	int errors[8];
} requests[NR_REQUESTS] = {
	[CAPS] = { "VTX_GET_CAPS", VTX_GET_CAPS, { EINVAL, EFAULT } },
	[MAP] = { "VTX_MAP_MEMORY", VTX_MAP_MEMORY, { EINVAL, ERANGE, EEXIST, EFAULT, ENOMEM } },
	[TRANSLATE] = { "VTX_TRANSLATE", VTX_TRANSLATE, { ERANGE, EFAULT } },
#ifdef VTX_CREATE_VCPU
	[CREATE] = { "VTX_CREATE_VCPU", VTX_CREATE_VCPU, { EINVAL, EEXIST, EFAULT } },
	[PROBE] = { "VTX_PROBE_ENTRY", VTX_PROBE_ENTRY, { EINVAL, EFAULT, EBUSY } },
#endif
#ifdef VTX_RUN
	[RUN] = { "VTX_RUN", VTX_RUN, { EINTR, EINVAL, ENXIO, ESHUTDOWN, EBUSY } },
	[GET_REGS] = { "VTX_GET_REGS", VTX_GET_REGS, { EFAULT, EBUSY } },
	[SET_REGS] = { "VTX_SET_REGS", VTX_SET_REGS, { EFAULT, EBUSY } },
#endif
#ifdef VTX_INTERRUPT
	[INTERRUPT] = { "VTX_INTERRUPT",
			VTX_INTERRUPT,
			{ EINVAL, EAGAIN, ESHUTDOWN, EFAULT, EBUSY, ENXIO } },
#endif
#ifdef VTX_CREATE_IRQCHIP
	[IRQCHIP] = { "VTX_CREATE_IRQCHIP",
		      VTX_CREATE_IRQCHIP,
		      { EINVAL, EEXIST, EBUSY, EFAULT } },
	[LINE] = { "VTX_IRQ_LINE", VTX_IRQ_LINE, { EINVAL, ENXIO, EFAULT } },
	[RESET] = { "VTX_RESET", VTX_RESET, { EINVAL, ENXIO } },
#endif
#ifdef VTX_CREATE_UART
	[UART] = { "VTX_CREATE_UART",
		   VTX_CREATE_UART,
		   { EINVAL, ENXIO, EBUSY, EEXIST, ENOSPC, EFAULT } },
	/* Another thread may have opened a VM or a vCPU with the number of a port. */
	[UART_READ] = { "read", 0, { EAGAIN, EFAULT, EINVAL, EINTR } },
	[UART_WRITE] = { "write", 0, { EAGAIN, EFAULT, EINVAL, EINTR } },
#endif
	[UNKNOWN] = { "unknown", 0, {} },
};

static atomic_uint tally[NR_REQUESTS][NR_ERRORS];

struct fuzzer {
	uint64_t random;
	unsigned int count;
	pthread_t thread;
};

static uint32_t below(struct fuzzer *f, uint32_t n)
{
	return next_random(&f->random) % n;
}

/* Once in n times. */
static bool once_in(struct fuzzer *f, uint32_t n)
{
	return !below(f, n);
}

static struct slot *any_slot(struct fuzzer *f)
{
	return &slots[below(f, SLOTS)];
}

static void judge(enum request request, long ret)
{
	int error = ret < 0 ? errno : 0;
	size_t i;

	tally[request][error]++;
	if (!error || error == EBADF || error == ENOTTY)
		return;
	for (i = 0; i < sizeof(requests[0].errors) / sizeof(int); i++)
		if (error == requests[request].errors[i])
			return;
	errx(1, "%s says %s", requests[request].name, strerrorname_np(error));
}

/* With a good pointer, or one that is not. */
static void request(struct fuzzer *f, enum request r, int fd, void *arg)
{
	size_t size = _IOC_SIZE(requests[r].cmd);

	if (once_in(f, 20)) {
		void *const wrong[] = {
			NULL,
			bad + PAGE - below(f, size),
			(void *)0xffff888000000000,
			(void *)(1UL << 63),
		};

		arg = wrong[below(f, 4)];
	}
	judge(r, ioctl(fd, requests[r].cmd, arg));
}

/* One bit, somewhere, is not as it should be. */
static void flip(struct fuzzer *f, void *data, size_t size)
{
	if (once_in(f, 6))
		((uint8_t *)data)[below(f, size)] ^= 1 << below(f, 8);
}

/* A VM that has what a guest needs to run. */
static void renew(struct slot *s)
{
	int fd = must("open", open("/dev/vtx", O_RDWR | O_CLOEXEC));

	map_memory(fd, 0, pool, 16 * PAGE, 0);
	map_memory(fd, ROM_ADDR, rom, PAGE, VTX_MEM_READONLY);
#ifdef VTX_CREATE_IRQCHIP
	struct vtx_create_irqchip chips = { .chips = ALL_CHIPS };

	if ((s - slots) & 1)
		must("VTX_CREATE_IRQCHIP", ioctl(fd, VTX_CREATE_IRQCHIP, &chips));
#endif
	close(atomic_exchange(&s->vm, fd));
}

static void do_open(struct fuzzer *f)
{
	renew(any_slot(f));
}

static void do_close(struct fuzzer *f)
{
	close(atomic_exchange(once_in(f, 3) ? &any_slot(f)->vm : &any_slot(f)->vcpu, -1));
}

static void do_dup(struct fuzzer *f)
{
	struct slot *from = any_slot(f), *to = any_slot(f);

	if (once_in(f, 2))
		close(atomic_exchange(&to->vm, dup(from->vm)));
	else
		close(atomic_exchange(&to->vcpu, dup(from->vcpu)));
}

static void do_caps(struct fuzzer *f)
{
	struct vtx_caps caps = { .size = sizeof(caps) };

	flip(f, &caps.size, sizeof(caps.size));
	request(f, CAPS, any_slot(f)->vm, &caps);
}

static void do_map(struct fuzzer *f)
{
	static const uint64_t bases[] = { 0, 1 << 20, 2 << 20, ROM_ADDR, 1ULL << 39, 1ULL << 47 };
	struct vtx_memory m = {
		.gpa = bases[below(f, 6)] + below(f, 64) * PAGE,
		.size = (1 + below(f, once_in(f, 4) ? POOL_PAGES : 8)) * PAGE,
		.flags = below(f, 2),
	};

	if (once_in(f, 3))
		m.user_addr = (uintptr_t)messy + below(f, MESSY_PAGES) * PAGE;
	else
		m.user_addr = (uintptr_t)pool + below(f, POOL_PAGES) * PAGE;
	if (once_in(f, 50))
		m.user_addr = any_slot(f)->run & ~(PAGE - 1);
	flip(f, &m, sizeof(m));
	request(f, MAP, any_slot(f)->vm, &m);
}

static void do_translate(struct fuzzer *f)
{
	struct vtx_translate t = { .gpa = (uint64_t)next_random(&f->random) << below(f, 18) };

	request(f, TRANSLATE, any_slot(f)->vm, &t);
}

static void do_unknown(struct fuzzer *f)
{
	struct slot *s = any_slot(f);
	unsigned int cmd = next_random(&f->random);
	char arg[256];

	/* Nearly one of ours; and then its number must be none of ours. */
	if (!once_in(f, 16))
		cmd = (cmd & ~0xffffu) | VTX_IOC_MAGIC << 8 | (cmd & 7) | 0x10;
	judge(UNKNOWN, ioctl(once_in(f, 2) ? s->vm : s->vcpu, cmd, arg));
}

/* The memory of guests is unmapped, mapped, emptied, and written to. */
static void do_mess(struct fuzzer *f)
{
	uint8_t *at = messy + below(f, MESSY_PAGES) * PAGE;
	size_t size = (1 + below(f, 8)) * PAGE;
	const int rw = PROT_READ | PROT_WRITE;

	switch (below(f, 6)) {
	case 0:
		munmap(at, size);
		break;
	case 1:
		mmap(at, size, rw, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		break;
	case 2:
		mmap(at, size, PROT_READ, MAP_SHARED | MAP_FIXED, noise, 0);
		break;
	case 3:
		madvise(at, size, MADV_DONTNEED);
		break;
	case 4:
		mprotect(at, size, below(f, 8));
		break;
	default:
		memcpy(pool + BOOT, rom + below(f, 64), 64);
	}
}

static void do_children(struct fuzzer *f)
{
	struct vtx_translate t = {};
	struct slot *s = any_slot(f);
	int status;
	pid_t pid;

	if (!once_in(f, 16))
		return;
	pid = must("fork", fork());
	if (!pid) {
		/* Only what may be done after a fork with threads. */
		if (s->vm >= 0 && ioctl(s->vm, VTX_TRANSLATE, &t) >= 0)
			_exit(1);
		_exit(0);
	}
	must("waitpid", waitpid(pid, &status, 0));
	if (WEXITSTATUS(status))
		errx(1, "a child may use the VM");
}

#ifdef VTX_CREATE_VCPU
static void do_create(struct fuzzer *f)
{
	struct vtx_create_vcpu create = {};
	struct slot *s = any_slot(f);
	long fd;

	flip(f, &create, sizeof(create));
	fd = ioctl(s->vm, VTX_CREATE_VCPU, once_in(f, 20) ? (void *)(bad + PAGE - 4) : &create);
	judge(CREATE, fd);
	if (fd >= 0)
		close(atomic_exchange(&s->vcpu, fd));
}

static void do_probe(struct fuzzer *f)
{
	struct vtx_probe p = { .form = below(f, VTX_NR_FORMS + 1) };

	flip(f, &p, sizeof(p));
	request(f, PROBE, any_slot(f)->vcpu, &p);
}
#endif

#ifdef VTX_RUN
static void do_run(struct fuzzer *f)
{
	struct slot *s = any_slot(f);
	int turns = 1 + below(f, 4), fd = s->vcpu;
	long ret = 0;

	while (turns-- && !ret) {
		ret = ioctl(fd, VTX_RUN, once_in(f, 30) ? next_random(&f->random) : 0);
		judge(RUN, ret);
	}
	/* Guests do not live long: make room for the next. */
	if (ret && errno == ESHUTDOWN) {
		renew(s);
		fd = create_vcpu(s->vm);
		if (fd >= 0)
			close(atomic_exchange(&s->vcpu, fd));
	}
}

static void do_get_regs(struct fuzzer *f)
{
	struct vtx_regs regs;

	request(f, GET_REGS, any_slot(f)->vcpu, &regs);
}

static void do_set_regs(struct fuzzer *f)
{
	struct vtx_regs regs;
	size_t i;

	for (i = 0; i < sizeof(regs) / 8; i++)
		((uint64_t *)&regs)[i] = next_random(&f->random) >> below(f, 32);
	regs.rip = below(f, 1 << 16);
	regs.rflags = 2 | (next_random(&f->random) & 0xfd5);
	flip(f, &regs.rip, 16);
	request(f, SET_REGS, any_slot(f)->vcpu, &regs);
}

#ifdef VTX_INTERRUPT
static void do_interrupt(struct fuzzer *f)
{
	struct vtx_interrupt irq = { .vector = below(f, 260) };

	flip(f, &irq, sizeof(irq));
	request(f, INTERRUPT, any_slot(f)->vcpu, &irq);
}
#endif

#ifdef VTX_CREATE_IRQCHIP
static void do_irqchip(struct fuzzer *f)
{
	struct vtx_create_irqchip create = { .chips = ALL_CHIPS };

	flip(f, &create, sizeof(create));
	request(f, IRQCHIP, any_slot(f)->vm, &create);
}

/* Up and down, as a device would; and its guest, if it halts, may hope for more. */
static void do_line(struct fuzzer *f)
{
	struct vtx_irq_line line = { .gsi = below(f, 17), .level = below(f, 2) };
	struct slot *s = any_slot(f);
	uintptr_t run = s->run & ~(PAGE - 1);
	uint32_t lines = next_random(&f->random);

	flip(f, &line, sizeof(line));
	request(f, LINE, s->vm, &line);
	if (once_in(f, 4) && pwrite(noise, &lines, sizeof(lines), 0) == sizeof(lines))
		pread(noise, (void *)(run + offsetof(struct vtx_run, may_pull)), sizeof(lines), 0);
}

static void do_reset(struct fuzzer *f)
{
	judge(RESET, ioctl(any_slot(f)->vm, VTX_RESET, once_in(f, 10)));
}
#endif

#ifdef VTX_CREATE_UART
/* A VM with ports, for some; the vCPU comes later. */
static void do_uart(struct fuzzer *f)
{
	static const uint16_t ports[] = { 0x3f8, 0x2f8, 0x3e8, 0x2e8, 0x21, 0x3fc };
	struct vtx_create_uart create = { .port = ports[below(f, 6)], .gsi = below(f, 17) };
	struct slot *s = any_slot(f);
	long fd;

	flip(f, &create, sizeof(create));
	fd = ioctl(s->vm, VTX_CREATE_UART, once_in(f, 20) ? (void *)(bad + PAGE - 4) : &create);
	judge(UART, fd);
	if (fd < 0)
		return;
	fcntl(fd, F_SETFL, O_NONBLOCK);
	close(atomic_exchange(&s->uart, fd));
}

/* What the guest makes of it is its own affair. */
static void do_wire(struct fuzzer *f)
{
	struct slot *s = any_slot(f);
	struct pollfd p = { .fd = s->uart, .events = POLLIN | POLLOUT };
	size_t size = below(f, 6000);
	uint8_t *at = once_in(f, 10) ? bad + PAGE - below(f, 100) : messy + below(f, 4 * PAGE);

	switch (below(f, 8)) {
	case 0:
		close(atomic_exchange(&s->uart, -1));
		break;
	case 1:
		close(atomic_exchange(&any_slot(f)->uart, dup(s->uart)));
		break;
	case 2:
		poll(&p, 1, 0);
		break;
	case 3:
	case 4:
		judge(UART_READ, read(s->uart, at, size));
		break;
	default:
		judge(UART_WRITE, write(s->uart, at, size));
	}
}
#endif

static void do_map_run(struct fuzzer *f)
{
	struct slot *s = any_slot(f);
	size_t n = 1 + below(f, 3);
	void *run = mmap(NULL, n * PAGE, once_in(f, 4) ? PROT_READ : PROT_READ | PROT_WRITE,
			 once_in(f, 6) ? MAP_PRIVATE : MAP_SHARED, s->vcpu, below(f, 3) * PAGE);
	uintptr_t old;

	if (run == MAP_FAILED)
		return;
	old = atomic_exchange(&s->run, (uintptr_t)run | n);
	if (old)
		munmap((void *)(old & ~(PAGE - 1)), (old & (PAGE - 1)) * PAGE);
}

/* The kernel writes for us: where there is no page it says EFAULT, and we live. */
static void do_scribble(struct fuzzer *f)
{
	uintptr_t run = any_slot(f)->run & ~(PAGE - 1);

	if (once_in(f, 8))
		madvise((void *)run, PAGE, MADV_DONTNEED);
	else if (pread(noise, (void *)(run + (once_in(f, 2) ? 0 : below(f, 300))), 1 + below(f, 64), below(f, 4096)) < 0 &&
		 errno != EFAULT)
		err(1, "pread");
}

static void do_signal(struct fuzzer *f)
{
	(void)f;
	kill(getpid(), SIGUSR1);
}
#endif

static void ignore(int sig)
{
	(void)sig;
}

/* As often as it stands here. */
static void (*const deeds[])(struct fuzzer *f) = {
	do_open,
	do_open,
	do_close,
	do_dup,
	do_caps,
	do_map,
	do_map,
	do_map,
	do_map,
	do_map,
	do_translate,
	do_unknown,
	do_mess,
	do_mess,
	do_children,
#ifdef VTX_CREATE_VCPU
	do_create,
	do_create,
	do_create,
	do_probe,
#endif
#ifdef VTX_RUN
	do_run,
	do_run,
	do_run,
	do_run,
	do_get_regs,
	do_set_regs,
	do_set_regs,
	do_map_run,
	do_map_run,
	do_scribble,
	do_signal,
#endif
#ifdef VTX_INTERRUPT
	do_interrupt,
	do_interrupt,
#endif
#ifdef VTX_CREATE_IRQCHIP
	do_irqchip,
	do_line,
	do_line,
	do_line,
	do_reset,
#endif
#ifdef VTX_CREATE_UART
	do_uart,
	do_uart,
	do_wire,
	do_wire,
	do_wire,
#endif
};

static atomic_uint finished; /* threads */

static void *fuzz(void *arg)
{
	struct fuzzer *f = arg;

	while (f->count--)
		deeds[below(f, sizeof(deeds) / sizeof(deeds[0]))](f);
	finished++;
	return NULL;
}

static void prepare(uint64_t seed)
{
	static const uint8_t alive[] = {
		0x40, 0x49, 0x50, 0x58, /* inc ax, dec cx, push ax, pop ax */
		0x6c, 0x6e, 0xec, 0xee, /* insb, outsb, in al, dx, out dx, al */
		0x90, 0xaa, 0xf4, 0xfb, /* nop, stosb, hlt, sti */
	};
	struct sigaction action = { .sa_handler = ignore, .sa_flags = SA_RESTART };
	uint64_t random = seed_random(seed);
	size_t i;

	sigaction(SIGUSR1, &action, NULL);
	pool = pages(POOL_PAGES);
	messy = pages(MESSY_PAGES + 8);
	bad = pages(2);
	mprotect(bad + PAGE, PAGE, PROT_NONE);
	/* Half of a guest is anything, half is what keeps it alive for a while. */
	for (i = 0; i < POOL_PAGES * PAGE; i++) {
		uint32_t any = next_random(&random);

		pool[i] = any & 1 ? any >> 8 : alive[(any >> 8) % sizeof(alive)];
	}
	memset(pool, 0, 0x400);
	pool[0] = 0xcf; /* iret: the handler of all interrupts */
	rom = make_rom();
	noise = must("memfd_create", syscall(SYS_memfd_create, "noise", 0));
	must("write", write(noise, pool + (64 << 10), 4 * PAGE));
	for (i = 0; i < SLOTS; i++) {
		slots[i].vm = -1;
		slots[i].vcpu = -1;
		slots[i].uart = -1;
	}
}

static void report(void)
{
	int r, error;

	for (r = 0; r < NR_REQUESTS; r++) {
		printf("%s:", requests[r].name);
		for (error = 0; error < NR_ERRORS; error++)
			if (tally[r][error])
				printf(" %s %u", error ? strerrorname_np(error) : "ok",
				       tally[r][error]);
		putchar('\n');
	}
}

int main(int argc, char **argv)
{
	struct fuzzer fuzzers[THREADS];
	unsigned int i;

	if (argc != 3)
		errx(1, "usage: fuzz_ioctl SEED COUNT");
	prepare(atoi(argv[1]));
	for (i = 0; i < THREADS; i++) {
		fuzzers[i].random = seed_random(atoi(argv[1]) * THREADS + i);
		fuzzers[i].count = atoi(argv[2]) / THREADS;
		errno = pthread_create(&fuzzers[i].thread, NULL, fuzz, &fuzzers[i]);
		must("pthread_create", errno ? -1 : 0);
	}
	/* A guest in an endless loop comes back for a signal only. */
	while (finished < THREADS) {
		nanosleep(&(struct timespec){ .tv_nsec = LOOK_NS }, NULL);
		for (i = 0; i < THREADS; i++)
			pthread_kill(fuzzers[i].thread, SIGUSR1);
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(fuzzers[i].thread, NULL);
	report();
	return 0;
}
