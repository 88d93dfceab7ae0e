// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs a guest, and after each of its turns looks whether anything of the
 * host is not as it was: all that /proc/hoststate shows, and all that this
 * process has for itself:
 *
 *   plain  FPU and SSE registers full of a pattern, FS and GS bases of its
 *          own, and a hardware breakpoint, which needs DR0 and DR7
 *   rich   beside that an LDT, with DS, ES, FS and GS loaded from it, and a
 *          port that it may use (ioperm), which needs the whole TSS
 *
 * Linux itself mends some things for a rich process, and leaves others alone
 * in a plain one: so a test runs both.
 *
 * usage: run_host plain|rich GUEST [rflags]
 * `rflags`: those of the guest at its start, in hex. Prints a line for each
 * turn, how it ended, and what differs then. Status: 0 nothing, 1 something.
 */
#include <asm/hwcap2.h>
#include <asm/ldt.h>
#include <asm/prctl.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <sys/auxv.h>
#include <sys/io.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sys/syscall.h>

#include "run_vm.h"

#define MAX_TURNS 200
#define POST_PORT 0x80 /* writing to it harms nothing */
#define GS_BASE 0x123456789000 /* leads nowhere */

/* What FXSAVE writes, as far as we look at it. */
#define FXSAVE_MXCSR 24
#define FXSAVE_ST 32 /* ST0-7, then XMM0-15 */
#define FXSAVE_END 416

#define SELECTOR(n) ((n) << 3 | 4 | 3) /* of the LDT, for user mode */

static struct run_vm vm;
static char host_before[8192], host_after[8192];
static uint8_t fpu_before[512] __attribute__((aligned(16)));
static uint8_t fpu_after[512] __attribute__((aligned(16)));
static volatile long watched; /* the hardware breakpoint lies here */
static unsigned int differences;
static bool rich;

/* What a process has of segments. */
struct segments {
	uint16_t ds, es, fs, gs;
	unsigned long fs_base, gs_base;
};

#define differs(...)                         \
	do {                                 \
		if (differences++ < 20)      \
			printf(__VA_ARGS__); \
	} while (0)

static unsigned long base(int code)
{
	unsigned long value = 0;

	must("arch_prctl", syscall(SYS_arch_prctl, code, &value));
	return value;
}

static void add_segment(unsigned int n)
{
	struct user_desc desc = {
		.entry_number = n,
		.base_addr = 0x5a5a000,
		.limit = 0xfffff,
		.seg_32bit = 1,
		.limit_in_pages = 1,
	};

	must("modify_ldt", syscall(SYS_modify_ldt, 0x11, &desc, sizeof(desc)));
}

/* From an LDT; but FS and GS get bases that do not come from there. */
static void load_selectors(unsigned long fs_base, unsigned long gs_base)
{
	if (!(getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE))
		errx(1, "this kernel does not let us set FS and GS bases");
	add_segment(1);
	add_segment(2);
	asm volatile("mov	%0, %%ds" ::"r"(SELECTOR(1)));
	asm volatile("mov	%0, %%es" ::"r"(SELECTOR(2)));
	/* libc has its variables behind FS: its base is back at once. */
	asm volatile("mov	%0, %%fs\n\t"
		     "wrfsbase	%1" ::"r"(SELECTOR(1)),
		     "r"(fs_base));
	asm volatile("mov	%0, %%gs\n\t"
		     "wrgsbase	%1" ::"r"(SELECTOR(2)),
		     "r"(gs_base));
}

static struct segments read_segments(void)
{
	struct segments s = {
		.fs_base = base(ARCH_GET_FS),
		.gs_base = base(ARCH_GET_GS),
	};

	asm volatile("mov %%ds, %0"
		     : "=r"(s.ds));
	asm volatile("mov %%es, %0"
		     : "=r"(s.es));
	asm volatile("mov %%fs, %0"
		     : "=r"(s.fs));
	asm volatile("mov %%gs, %0"
		     : "=r"(s.gs));
	return s;
}

static int watch(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_BREAKPOINT,
		.size = sizeof(attr),
		.bp_type = HW_BREAKPOINT_W,
		.bp_addr = (uintptr_t)&watched,
		.bp_len = HW_BREAKPOINT_LEN_8,
		.exclude_kernel = 1,
	};

	return must("perf_event_open", syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0));
}

static void read_host(int fd, char *text)
{
	text[must("/proc/hoststate", pread(fd, text, sizeof(host_before) - 1, 0))] = '\0';
}

static void fill_fpu(void)
{
	uint8_t *image = fpu_before;
	size_t i;

	for (i = FXSAVE_ST; i < FXSAVE_END; i++)
		image[i] = i * 37 + 11;
	for (i = 0; i < 8; i++) /* of 16 bytes for each ST, 6 are reserved */
		memset(image + FXSAVE_ST + 16 * i + 10, 0, 6);
	*(uint16_t *)image = 0x027f; /* control word: all masked, 53 bits */
	image[4] = 0xff; /* tags: no register is empty */
	*(uint32_t *)(image + FXSAVE_MXCSR) = 0x9f80; /* all masked, flush to zero */
}

/* VTX_RUN with our pattern in the FPU, and what is in it afterwards. */
static long run_with_fpu(void)
{
	long ret = SYS_ioctl;

	asm volatile("fxrstor64	%[before]\n\t"
		     "syscall\n\t"
		     "fxsave64	%[after]"
		     : "+a"(ret), [after] "+m"(fpu_after)
		     : "D"((long)vm.vcpu), "S"((long)VTX_RUN), "d"(0L), [before] "m"(fpu_before)
		     : "rcx", "r11", "memory", "cc");
	return ret;
}

static void compare_fpu(void)
{
	size_t i;

	memcpy(fpu_after + FXSAVE_MXCSR + 4, fpu_before + FXSAVE_MXCSR + 4, 4); /* MXCSR_MASK */
	for (i = 0; i < FXSAVE_END; i++)
		if (fpu_after[i] != fpu_before[i])
			differs("  FPU: byte %zu of FXSAVE was %02x, is %02x\n", i, fpu_before[i],
				fpu_after[i]);
}

static void compare_host(void)
{
	char *b = host_before, *a = host_after, *end_b, *end_a;

	for (; *b && *a; b = end_b + 1, a = end_a + 1) {
		end_b = strchr(b, '\n');
		end_a = strchr(a, '\n');
		if (end_b - b != end_a - a || memcmp(b, a, end_b - b))
			differs("  was %.*s, is %.*s\n", (int)(end_b - b), b, (int)(end_a - a), a);
	}
}

static void compare_segments(const struct segments *b)
{
	struct segments a = read_segments();

	if (a.ds != b->ds || a.es != b->es || a.fs != b->fs || a.gs != b->gs)
		differs("  selectors: were %x %x %x %x, are %x %x %x %x\n", b->ds, b->es, b->fs,
			b->gs, a.ds, a.es, a.fs, a.gs);
	if (a.fs_base != b->fs_base || a.gs_base != b->gs_base)
		differs("  FS and GS base: were %#lx %#lx, are %#lx %#lx\n", b->fs_base,
			b->gs_base, a.fs_base, a.gs_base);
}

/* Each write to `watched` is to be seen. */
static void compare_hits(int fd)
{
	static uint64_t writes;
	uint64_t hits = 0;

	watched = ++writes;
	must("the breakpoint", read(fd, &hits, sizeof(hits)));
	if (hits != writes)
		differs("  the hardware breakpoint hit %d times of %d\n", (int)hits, (int)writes);
}

static void set_rflags(uint64_t rflags)
{
	struct vtx_regs regs;

	must("VTX_GET_REGS", ioctl(vm.vcpu, VTX_GET_REGS, &regs));
	regs.rflags = rflags;
	must("VTX_SET_REGS", ioctl(vm.vcpu, VTX_SET_REGS, &regs));
}

/*
 * What may change between two turns: the process forbids itself RDTSC, a bit in
 * CR4, and runs after so many others that its address space gets another
 * number (PCID) in CR3.
 */
static void change_control_registers(void)
{
	int i;

	must("PR_SET_TSC", prctl(PR_SET_TSC, PR_TSC_SIGSEGV));
	for (i = 0; i < 7; i++) {
		pid_t pid = must("fork", fork());

		if (!pid)
			_exit(0);
		must("waitpid", waitpid(pid, NULL, 0));
	}
}

static void get_rich(void)
{
	must("ioperm", ioperm(POST_PORT, 1, 1));
	load_selectors(base(ARCH_GET_FS), GS_BASE);
}

/* One turn of the guest, and all that is to be the same after it. */
static void turn(int host_fd, int watch_fd)
{
	static const char *const exits[] = {
		[VTX_EXIT_NONE] = "none",
		[VTX_EXIT_INTR] = "host",
		[VTX_EXIT_IO] = "io",
		[VTX_EXIT_HLT] = "hlt",
		[VTX_EXIT_FAIL] = "fail",
		[VTX_EXIT_KILLED] = "killed",
	};
	struct segments segments = read_segments();
	long ret;

	read_host(host_fd, host_before);
	ret = run_with_fpu();
	read_host(host_fd, host_after);
	if (ret)
		errx(1, "VTX_RUN: %s", strerror(-ret));

	printf("%s %u\n",
	       vm.run->exit < sizeof(exits) / sizeof(exits[0]) ? exits[vm.run->exit] : "other",
	       vm.run->hw_reason & 0xffff);
	compare_host();
	compare_fpu();
	compare_segments(&segments);
	compare_hits(watch_fd);
	if (rich)
		outb(0, POST_PORT); /* dies of SIGSEGV if the TSS is cut off */
}

int main(int argc, char **argv)
{
	int turns, host_fd, watch_fd;

	if (argc < 3)
		errx(1, "usage: run_host plain|rich GUEST [rflags]");
	rich = !strcmp(argv[1], "rich");
	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	run_vm_open(&vm, 32);
	run_vm_load(&vm, argv[2]);
	if (argc > 3)
		set_rflags(strtoul(argv[3], NULL, 16));

	watch_fd = watch();
	host_fd = must("/proc/hoststate", open("/proc/hoststate", O_RDONLY));
	fill_fpu();
	change_control_registers();
	mlockall(MCL_CURRENT | MCL_FUTURE); /* a page fault would change CR2 */
	if (rich)
		get_rich();
	else
		must("ARCH_SET_GS", syscall(SYS_arch_prctl, ARCH_SET_GS, GS_BASE));

	for (turns = 0; turns < MAX_TURNS; turns++) {
		turn(host_fd, watch_fd);
		if (differences)
			return 1;
		if (run_vm_has_ended(&vm))
			return 0;
	}
	errx(1, "the guest did not end in %d turns", MAX_TURNS);
}
