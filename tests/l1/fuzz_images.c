// SPDX-License-Identifier: GPL-2.0-only
/*
 * Real-mode images that nobody in his right mind would write: half of them are
 * random bytes, half are random rows of instructions that are hard to get
 * right. Each runs on a new vCPU, in memory that is zero but for it, until it
 * ends, or has had so many turns, or two that only the host ended: then it
 * loops.
 *
 * usage: fuzz_images SEED FIRST COUNT TURNS
 *
 * An image depends on SEED and its number only: so one alone can be run again.
 * Prints how they ended, as "killed: 123".
 */
#include <signal.h>
#include <sys/time.h>

#include "run_vm.h"

#define RAM_PAGES 0x110 /* as far as real mode reaches: 0x10ffef */
#define IMAGE_SIZE 2048
#define LOOK_US 8000 /* how often we look whether a guest is in an endless loop */
#define NR_EXITS (VTX_EXIT_KILLED + 3) /* the last two are not known to all stages */

static uint64_t random_state;

static uint32_t below(uint32_t n)
{
	return next_random(&random_state) % n;
}

/*
 * An instruction, or a few that belong together. Where it has an operand, "?"
 * in the comment, that is random: `operand` bytes at its end.
 */
struct snippet {
	uint8_t size, operand, code[10];
};

static const struct snippet snippets[] = {
	{ 1, 0, { 0xfa } }, /* cli */
	{ 1, 0, { 0xfb } }, /* sti */
	{ 1, 0, { 0xf4 } }, /* hlt */
	{ 2, 0, { 0xfb, 0xf4 } }, /* sti; hlt */
	{ 2, 0, { 0x16, 0x17 } }, /* push ss; pop ss */
	{ 3, 0, { 0x16, 0x17, 0xf4 } }, /* push ss; pop ss; hlt */
	{ 4, 0, { 0x16, 0x17, 0xe6, 0x80 } }, /* push ss; pop ss; out 0x80, al */
	{ 5, 0, { 0x8c, 0xd0, 0x8e, 0xd0, 0xcc } }, /* mov ax, ss; mov ss, ax; int3 */
	{ 5, 2, { 0xb8, 0, 0, 0x8e, 0xd0 } }, /* below: mov ax, ?; mov ss, ax */
	{ 2, 1, { 0xcd } }, /* int ? */
	{ 1, 0, { 0xcf } }, /* iret */
	{ 1, 0, { 0xcc } }, /* int3 */
	{ 1, 0, { 0xce } }, /* into */
	{ 1, 0, { 0xf1 } }, /* int1 */
	{ 4, 2, { 0x62, 0x06 } }, /* bound ax, [?] */
	{ 3, 0, { 0x9c, 0x58, 0x50 } }, /* pushf; pop ax; push ax */
	{ 6, 0, { 0x9c, 0x58, 0x80, 0xcc, 0x01, 0x50 } }, /* ...; or ah, TF; push ax */
	{ 1, 0, { 0x9d } }, /* popf */
	{ 4, 2, { 0x68, 0, 0, 0x9d } }, /* below: push ?; popf */
	{ 6, 2, { 0x66, 0x9c, 0x66, 0x9d, 0x8b, 0xe0 } }, /* pushfd; popfd; mov sp, ax */
	{ 3, 2, { 0xbc } }, /* mov sp, ? */
	{ 6, 4, { 0x66, 0xbc } }, /* mov esp, ? */
	{ 2, 0, { 0x60, 0x61 } }, /* pusha; popa */
	{ 4, 2, { 0xc8 } }, /* enter ?, ? */
	{ 5, 2, { 0x0f, 0x01, 0x1e } }, /* lidt [?] */
	{ 5, 2, { 0x0f, 0x01, 0x16 } }, /* lgdt [?] */
	{ 5, 2, { 0x0f, 0x01, 0x0e } }, /* sidt [?] */
	{ 3, 0, { 0x0f, 0x01, 0xe0 } }, /* smsw ax */
	{ 2, 0, { 0x0f, 0x06 } }, /* clts */
	{ 3, 0, { 0x0f, 0x22, 0xd0 } }, /* mov cr2, eax */
	{ 3, 0, { 0x0f, 0x20, 0xd0 } }, /* mov eax, cr2 */
	{ 3, 0, { 0x0f, 0x22, 0xd8 } }, /* mov cr3, eax */
	{ 2, 0, { 0x0f, 0x31 } }, /* rdtsc */
	{ 1, 0, { 0xec } }, /* in al, dx */
	{ 2, 0, { 0x66, 0xed } }, /* in eax, dx */
	{ 1, 0, { 0xef } }, /* out dx, ax */
	{ 2, 1, { 0xe4 } }, /* in al, ? */
	{ 2, 1, { 0xe7 } }, /* out ?, ax */
	{ 1, 0, { 0x6c } }, /* insb */
	{ 2, 0, { 0xf3, 0x6d } }, /* rep insw */
	{ 3, 0, { 0xf3, 0x66, 0x6d } }, /* rep insd */
	{ 3, 0, { 0x67, 0xf3, 0x6c } }, /* rep insb, with EDI and ECX */
	{ 2, 0, { 0xf3, 0x6e } }, /* rep outsb */
	{ 4, 0, { 0x2e, 0xf3, 0x66, 0x6f } }, /* rep outsd from CS */
	{ 4, 0, { 0x64, 0x67, 0xf3, 0x6f } }, /* rep outsw from FS, with ESI and ECX */
	{ 1, 0, { 0xfd } }, /* std */
	{ 1, 0, { 0xfc } }, /* cld */
	{ 5, 0, { 0xb9, 0xff, 0xff, 0xf3, 0xaa } }, /* mov cx, 0xffff; rep stosb */
	{ 5, 0, { 0xb9, 0xff, 0xff, 0xf3, 0xa4 } }, /* mov cx, 0xffff; rep movsb */
	{ 5, 0, { 0xb9, 0xff, 0xff, 0xf2, 0xae } }, /* mov cx, 0xffff; repne scasb */
	{ 3, 2, { 0xb9 } }, /* mov cx, ? */
	{ 3, 2, { 0xba } }, /* mov dx, ? */
	{ 3, 2, { 0xbe } }, /* mov si, ? */
	{ 3, 2, { 0xbf } }, /* mov di, ? */
	{ 6, 4, { 0x66, 0xbf } }, /* mov edi, ? */
	{ 6, 4, { 0x66, 0xbe } }, /* mov esi, ? */
	{ 6, 4, { 0x66, 0xb8 } }, /* mov eax, ? */
	{ 2, 0, { 0x8e, 0xd8 } }, /* mov ds, ax */
	{ 2, 0, { 0x8e, 0xc0 } }, /* mov es, ax */
	{ 2, 0, { 0x8e, 0xe0 } }, /* mov fs, ax */
	{ 4, 2, { 0xc5, 0x06 } }, /* lds ax, [?] */
	{ 5, 2, { 0x0f, 0xb2, 0x06 } }, /* lss ax, [?] */
	{ 6, 2, { 0xf0, 0x87, 0x06 } }, /* lock xchg [?], ax, and more */
	{ 4, 0, { 0xf0, 0x90, 0x87, 0xc0 } }, /* lock nop: a wrong one */
	{ 5, 4, { 0xea } }, /* jmp far ? */
	{ 5, 4, { 0x9a } }, /* call far ? */
	{ 2, 1, { 0xeb } }, /* jmp ? */
	{ 2, 1, { 0xe2 } }, /* loop ? */
	{ 1, 0, { 0xcb } }, /* retf */
	{ 2, 0, { 0x0f, 0x0b } }, /* ud2 */
	{ 2, 0, { 0xf6, 0xf0 } }, /* div al */
	{ 1, 0, { 0xd7 } }, /* xlat */
};

/* Of these most end the guest, so they come seldom. */
static const struct snippet deadly[] = {
	{ 3, 0, { 0x0f, 0x01, 0xf0 } }, /* lmsw ax */
	{ 3, 1, { 0x0f, 0x20 } }, /* mov ?, cr? */
	{ 3, 1, { 0x0f, 0x22 } }, /* mov cr?, ? */
	{ 3, 1, { 0x0f, 0x21 } }, /* mov ?, dr? */
	{ 3, 1, { 0x0f, 0x23 } }, /* mov dr?, ? */
	{ 2, 0, { 0x0f, 0xa2 } }, /* cpuid */
	{ 2, 0, { 0x0f, 0x30 } }, /* wrmsr */
	{ 2, 0, { 0x0f, 0x32 } }, /* rdmsr */
	{ 2, 0, { 0x0f, 0x33 } }, /* rdpmc */
	{ 2, 0, { 0x0f, 0x08 } }, /* invd */
	{ 2, 0, { 0x0f, 0x09 } }, /* wbinvd */
	{ 3, 0, { 0x0f, 0x01, 0xc1 } }, /* vmcall */
	{ 3, 0, { 0x0f, 0x01, 0xd1 } }, /* xsetbv */
	{ 3, 0, { 0x0f, 0x01, 0xc8 } }, /* monitor */
	{ 2, 0, { 0xd9, 0xe8 } }, /* fld1 */
	{ 1, 0, { 0x9b } }, /* fwait */
	{ 3, 0, { 0x0f, 0xae, 0x07 } }, /* fxsave [bx] */
	{ 2, 0, { 0x0f, 0xaa } }, /* rsm */
};

#define ANY(array) (&(array)[below(sizeof(array) / sizeof((array)[0]))])

static size_t put_snippet(uint8_t *at)
{
	const struct snippet *s = below(30) ? ANY(snippets) : ANY(deadly);
	uint32_t operand = next_random(&random_state);

	memcpy(at, s->code, s->size);
	memcpy(at + s->size - s->operand, &operand, s->operand);
	return s->size;
}

static void make_nasty(uint8_t *image)
{
	size_t i = 0;

	while (i < IMAGE_SIZE - sizeof(snippets[0].code))
		i += put_snippet(image + i);
}

static void make_random(uint8_t *image)
{
	size_t i;

	for (i = 0; i < IMAGE_SIZE; i += 4)
		*(uint32_t *)(image + i) = next_random(&random_state);
}

/*
 * Most interrupts come to a handler that skips a byte, so that no image faults
 * in one place for ever, and that costs a turn; the others lead anywhere.
 */
static void make_vectors(uint8_t *ram)
{
	static const uint8_t handler[] = {
		0x55, /* push bp */
		0x89, 0xe5, /* mov bp, sp */
		0xff, 0x46, 0x02, /* inc word [bp+2] */
		0x5d, /* pop bp */
		0xe6, 0x80, /* out 0x80, al */
		0xcf, /* iret */
	};
	uint16_t *vectors = (uint16_t *)ram;
	bool astray = !below(4);
	unsigned int i;

	memcpy(ram + 0x500, handler, sizeof(handler));
	for (i = 0; i < 256; i++) {
		vectors[2 * i] = astray && !below(4) ? below(1 << 16) : 0x500;
		vectors[2 * i + 1] = astray && !below(4) ? below(1 << 16) : 0;
	}
}

static void complain(unsigned int number, const char *what)
{
	errx(1, "image %u: %s", number, what);
}

/* Whatever the driver says must make sense. */
static void check_exit(unsigned int number, const struct vtx_run *run)
{
	switch (run->exit) {
	case VTX_EXIT_IO:
		if (run->io.data_offset != PAGE || !run->io.count ||
		    run->io.count * run->io.size > PAGE ||
		    (run->io.size != 1 && run->io.size != 2 && run->io.size != 4))
			complain(number, "an I/O exit that cannot be");
		break;
	case VTX_EXIT_FAIL:
		/* It began in a good state, and no guest can leave those that are. */
		complain(number, "the CPU refused to enter it");
		break;
	case VTX_EXIT_NONE:
		complain(number, "it did not run");
		break;
	case VTX_EXIT_INTR:
	case VTX_EXIT_HLT:
		break;
#if defined(VTX_GET_SREGS) && !defined(VTX_INTERRUPT)
	case VTX_EXIT_EXCEPTION:
		if (run->exception.vector > 31 || (run->exception.has_error & ~1) ||
		    (!run->exception.has_error && run->exception.error))
			complain(number, "an exception that cannot be");
		break;
#endif
	default:
		if (!run->text[0] || strnlen(run->text, sizeof(run->text)) == sizeof(run->text))
			complain(number, "no sentence");
	}
}

/* Memory and registers as they are when a machine is switched on. */
static void reset(struct run_vm *v)
{
	size_t i;

	/* In small pieces: for big ones memset() takes an instruction for each byte. */
	for (i = 0; i < RAM_PAGES * PAGE; i += 1024)
		memset(v->ram + i, 0, 1024);
	munmap(v->run, VTX_RUN_PAGES * PAGE);
	close(v->vcpu);
	v->vcpu = must("VTX_CREATE_VCPU", create_vcpu(v->vm));
	v->run = map_run(v->vcpu);
	must("the run page", v->run == MAP_FAILED ? -1 : 0);
}

/* Its only purpose is to end VTX_RUN. */
static void on_alarm(int sig)
{
	(void)sig;
}

/* Returns how it ended; VTX_EXIT_NONE: it did not, in so many turns. */
static unsigned int run_image(struct run_vm *v, unsigned int number, unsigned int turns)
{
	const struct itimerval look = { { 0, LOOK_US }, { 0, LOOK_US } };
	unsigned int loops = 0;

	reset(v);
	make_vectors(v->ram);
	if (number & 1)
		make_nasty(v->ram + BOOT);
	else
		make_random(v->ram + BOOT);

	must("setitimer", setitimer(ITIMER_REAL, &look, NULL));
	while (turns-- && loops < 2) {
		if (ioctl(v->vcpu, VTX_RUN, 0)) {
			if (errno == EINTR) {
				loops++;
				continue;
			}
			complain(number, strerrorname_np(errno));
		}
		check_exit(number, v->run);
		loops += v->run->exit == VTX_EXIT_INTR;
		/* An end only if no interrupt could wake it up. */
		if (v->run->exit == VTX_EXIT_HLT && v->run->if_flag)
			continue;
		if (run_vm_has_ended(v))
			return v->run->exit;
		if (v->run->exit == VTX_EXIT_IO && !v->run->io.out)
			memset(data_of(v->run), below(256), v->run->io.count * v->run->io.size);
	}
	return VTX_EXIT_NONE;
}

int main(int argc, char **argv)
{
	static const char *const names[NR_EXITS] = {
		[VTX_EXIT_NONE] = "still running",
		[VTX_EXIT_IO] = "exit port",
		[VTX_EXIT_HLT] = "HLT",
		[VTX_EXIT_KILLED] = "killed",
		[VTX_EXIT_KILLED + 1] = "shutdown",
		[VTX_EXIT_KILLED + 2] = "exception",
	};
	struct sigaction action = { .sa_handler = on_alarm };
	unsigned int ends[NR_EXITS] = {}, i, first, count;
	struct run_vm v;

	if (argc != 5)
		errx(1, "usage: fuzz_images SEED FIRST COUNT TURNS");
	run_vm_open(&v, RAM_PAGES);
	must("sigaction", sigaction(SIGALRM, &action, NULL));
	first = atoi(argv[2]);
	count = atoi(argv[3]);
	for (i = first; i < first + count; i++) {
		random_state = seed_random((uint64_t)atoi(argv[1]) << 32 | i);
		ends[run_image(&v, i, atoi(argv[4]))]++;
	}
	run_vm_close(&v);
	for (i = 0; i < NR_EXITS; i++)
		if (names[i])
			printf("%s: %u\n", names[i], ends[i]);
	return 0;
}
