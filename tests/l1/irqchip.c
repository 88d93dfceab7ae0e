// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interrupt controllers of VTXDRV, seen from outside: lines are pulled from
 * one thread or many while another is in VTX_RUN. Each guest counts at 6000h
 * what has come, a dword for each line. An OUT to port 80h comes back to us.
 *
 * usage: irqchip sleep GUEST              how a sleep in VTX_RUN begins and ends
 *        irqchip rings GUEST LINE N wait  N edges, each when the one before was heard
 *        irqchip rings GUEST LINE N free  N edges, as fast as they can be
 *        irqchip level GUEST LINE N M     the line falls when the M-th was heard
 *        irqchip chaos GUEST N            four threads pull N times each
 *        irqchip close GUEST N            the vCPU goes while lines are pulled
 *        irqchip bytes GUEST              values that are only in part VTXDRV's
 *        irqchip window GUEST             what VTXCTL may not do any more
 *        irqchip hold GUEST               a ring for each byte of the input
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#include "run_vm.h"

#define COUNTS 0x6000
#define LINES 16
#define FRESH 0x7c04 /* where the guest for `chaos` begins anew */
#define STILL_NS 300000000

static struct run_vm v;
static pthread_t thread;
static atomic_int tid;
static atomic_uint returns, outs; /* of VTX_RUN; those for an OUT */
static atomic_int last_error = -1;
static atomic_bool over;
static unsigned int fall_after, fall_line; /* a level that the guest's OUTs take away */

static void on_kick(int sig)
{
	(void)sig;
}

static void nap(long ns)
{
	nanosleep(&(struct timespec){ .tv_nsec = ns }, NULL);
}

static uint32_t heard(unsigned int line)
{
	return ((volatile uint32_t *)(v.ram + COUNTS))[line];
}

static uint32_t heard_all(void)
{
	uint32_t sum = 0;
	unsigned int line;

	for (line = 0; line < LINES; line++)
		sum += heard(line);
	return sum;
}

static enum vtx_irq_status pull(unsigned int line, unsigned int level)
{
	struct vtx_irq_line pulled = { .gsi = line, .level = level, .status = ~0u };

	must("VTX_IRQ_LINE", ioctl(v.vm, VTX_IRQ_LINE, &pulled));
	return pulled.status;
}

static void open_guest(const char *path)
{
	run_vm_open_with(&v, 32, VTX_CHIP_PIC);
	run_vm_load(&v, path);
}

/* Once. Return: 0, or the error. */
static int run_once(void)
{
	int error = ioctl(v.vcpu, VTX_RUN, 0) ? errno : 0;

	if (error && error != EINTR && error != EAGAIN)
		err(1, "VTX_RUN");
	return error;
}

/* Until it is told to stop. */
static void *keep_running(void *arg)
{
	(void)arg;
	tid = gettid();
	while (!over) {
		if (run_once())
			continue;
		if (v.run->exit != VTX_EXIT_IO)
			errx(1, "exit %u: %s", v.run->exit, v.run->text);
		outs++;
		if (fall_after && outs % fall_after == 0)
			pull(fall_line, 0);
	}
	return NULL;
}

/* Until VTX_RUN comes back, whatever for. */
static void *run_one_turn(void *arg)
{
	(void)arg;
	tid = gettid();
	do
		last_error = run_once();
	while (!last_error && v.run->exit == VTX_EXIT_INTR);
	returns++;
	return NULL;
}

static void begin(void *(*what)(void *))
{
	tid = 0;
	errno = pthread_create(&thread, NULL, what, NULL);
	must("pthread_create", errno ? -1 : 0);
	while (!tid)
		nap(100000);
}

/* It may be on its way into VTX_RUN, and miss a signal: that is what immediate_exit is for. */
static void kick(void)
{
	v.run->immediate_exit = 1;
	pthread_kill(thread, SIGUSR1);
}

static void stop_running(void)
{
	over = true;
	kick();
	pthread_join(thread, NULL);
	v.run->immediate_exit = 0;
	over = false;
}

static char state_of(int id)
{
	char path[64], state = '?';
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", id);
	file = fopen(path, "r");
	if (!file || fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
		err(1, "%s", path);
	fclose(file);
	return state;
}

static uint64_t cpu_time(void)
{
	struct timespec used;
	clockid_t clock;

	errno = pthread_getcpuclockid(thread, &clock);
	must("pthread_getcpuclockid", errno ? -1 : 0);
	must("clock_gettime", clock_gettime(clock, &used));
	return used.tv_sec * 1000000000ULL + used.tv_nsec;
}

/* It sleeps in VTX_RUN; for a while it uses no CPU at all. */
static void tell_sleep(const char *what)
{
	unsigned int before = returns;
	uint64_t used;

	while (state_of(tid) != 'S' && returns == before)
		nap(1000000);
	used = cpu_time();
	nap(STILL_NS);
	printf("%s: %s\n", what,
	       returns != before ? "came back" : cpu_time() == used ? "sleeps"
								    : "uses the CPU");
	fflush(stdout);
}

static void tell_end(const char *what)
{
	pthread_join(thread, NULL);
	if (last_error)
		printf("%s: %s\n", what, strerrorname_np(last_error));
	else
		printf("%s: exit %u, IF %u\n", what, v.run->exit, v.run->if_flag);
	fflush(stdout);
}

/* The guest listens to line 5 only, halts, and after each interrupt does an OUT. */
static void sleeping(const char *guest)
{
	open_guest(guest);
	begin(run_one_turn);
	tell_end("nothing may be pulled");
	v.run->may_pull = 0xffff & ~(1 << 5);
	begin(run_one_turn);
	tell_end("nothing to which it listens");
	v.run->may_pull = 1 << 5;

	begin(run_one_turn);
	tell_sleep("line 5 may be pulled");
	pull(6, 1);
	tell_sleep("a line to which it does not listen");
	pull(5, 1);
	tell_end("its own line");
	tell_number("heard", heard(5));
	begin(run_one_turn);
	tell_sleep("the line is still up");

	pthread_kill(thread, SIGUSR1);
	tell_end("a signal");
	begin(run_one_turn);
	tell_sleep("once more");
	v.run->immediate_exit = 1;
	pthread_kill(thread, SIGUSR1);
	tell_end("a signal, and immediate_exit");
	begin(run_one_turn);
	tell_end("immediate_exit is still set");
	v.run->immediate_exit = 0;

	begin(run_one_turn);
	tell_sleep("and again");
	v.run->may_pull = 0;
	kick();
	tell_end("told that nothing may be pulled");
	v.run->immediate_exit = 0;
	begin(run_one_turn);
	tell_end("then");
	pull(5, 0);
	pull(5, 1);
	begin(run_one_turn);
	tell_end("pulled before VTX_RUN");
	tell_number("heard by now", heard(5));
	run_vm_close(&v);
}

static void rings(const char *guest, unsigned int line, unsigned int n, bool wait)
{
	unsigned int i, merged = 0, masked = 0;
	enum vtx_irq_status before;

	open_guest(guest);
	v.run->may_pull = 1 << line;
	begin(keep_running);
	while (!outs) /* it listens */
		nap(100000);
	for (i = 0; i < n; i++) {
		before = pull(line, 0);
		merged += before == VTX_IRQ_WAITS;
		masked += before == VTX_IRQ_MASKED;
		pull(line, 1);
		while (wait && heard(line) != i + 1)
			sched_yield();
	}
	while (heard(line) < n - merged)
		nap(1000000);
	nap(20000000);
	stop_running();
	tell_number("merged", merged);
	tell_number("masked", masked);
	tell_number("heard", heard(line));
	tell_number("all that was heard", heard_all());
	run_vm_close(&v);
}

static void level(const char *guest, unsigned int line, unsigned int n, unsigned int times)
{
	unsigned int i, first;

	open_guest(guest);
	v.run->may_pull = 1 << line;
	fall_line = line;
	begin(keep_running);
	while (!outs)
		nap(100000);
	outs = 0;
	fall_after = times;
	for (i = 0; i < n; i++) {
		pull(line, 1);
		while (outs != (i + 1) * times)
			sched_yield();
		first = heard(line);
		if (first > (i + 1) * times)
			errx(1, "%u times heard, in round %u", first, i);
	}
	nap(20000000);
	stop_running();
	tell_number("heard", heard(line));
	tell_number("all that was heard", heard_all());
	run_vm_close(&v);
}

static unsigned int pulls;
static atomic_uint done;

static void *pull_any(void *arg)
{
	uint64_t state = seed_random((uintptr_t)arg);
	unsigned int i, line;

	for (i = 0; i < pulls; i++) {
		line = next_random(&state) % LINES;
		if (line != 2)
			pull(line, next_random(&state) & 1);
	}
	done++;
	return NULL;
}

/* While the guest gives its controllers one command after the other, at random. */
static void chaos(const char *guest, unsigned int n)
{
	struct vtx_regs regs;
	pthread_t threads[4];
	unsigned int i;

	open_guest(guest);
	begin(keep_running);
	while (!outs)
		nap(100000);
	pulls = n;
	for (i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, pull_any, (void *)(uintptr_t)i);
	while (done < 4) {
		nap(1000000);
		pthread_kill(thread, SIGUSR1);
	}
	for (i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	stop_running();
	tell_number("pulled", done * pulls);
	tell_number("rounds", ((volatile uint32_t *)v.ram)[COUNTS / 4 + LINES]);

	/* A fresh start of the guest's, and all is as it should be. */
	for (i = 0; i < LINES; i++)
		if (i != 2)
			pull(i, 0);
	must("VTX_GET_REGS", ioctl(v.vcpu, VTX_GET_REGS, &regs));
	regs.rip = FRESH;
	regs.rflags = 2;
	must("VTX_SET_REGS", ioctl(v.vcpu, VTX_SET_REGS, &regs));
	outs = 0;
	v.run->may_pull = 0xffff;
	begin(keep_running);
	while (!outs)
		nap(100000);
	memset(v.ram + COUNTS, 0, LINES * 4);
	for (i = 0; i < LINES; i++) {
		if (i == 2)
			continue;
		pull(i, 1);
		while (!heard(i))
			nap(100000);
	}
	stop_running();
	tell_number("heard after that", heard_all());
	run_vm_close(&v);
}

static atomic_int pulled_fd;
static atomic_uint pulled;

/*
 * Whatever becomes of the VM: a descriptor that is closed says EBADF. The next
 * VM gets the same number, and has no controllers at first (ENXIO).
 */
static void *pull_on(void *arg)
{
	struct vtx_irq_line line = { .gsi = 5 };

	(void)arg;
	while (!over) {
		line.level ^= 1;
		if (ioctl(pulled_fd, VTX_IRQ_LINE, &line) && errno != EBADF && errno != ENXIO)
			err(1, "VTX_IRQ_LINE");
		pulled++;
	}
	return NULL;
}

static void closing(const char *guest, unsigned int n)
{
	pthread_t puller;
	unsigned int i, before;

	pulled_fd = -1;
	pthread_create(&puller, NULL, pull_on, NULL);
	for (i = 0; i < n; i++) {
		open_guest(guest);
		v.run->may_pull = 1 << 5;
		pulled_fd = v.vm;
		run_once(); /* an OUT: it listens */
		before = pulled;
		while (pulled < before + 4)
			sched_yield();
		/* The vCPU goes, another one comes, and at last the VM goes. */
		munmap(v.run, VTX_RUN_PAGES * PAGE);
		close(v.vcpu);
		v.vcpu = must("VTX_CREATE_VCPU", create_vcpu(v.vm));
		before = pulled;
		while (pulled < before + 4)
			sched_yield();
		v.run = map_run(v.vcpu);
		run_vm_close(&v);
	}
	over = true;
	pthread_join(puller, NULL);
	tell_number("closed", i);
}

/* IN and OUT of words and dwords, of which some bytes are the controllers'. */
static void bytes(const char *guest)
{
	char what[64];
	unsigned int i, size;
	uint32_t value;

	open_guest(guest);
	for (i = 0; i < 16; i++) {
		while (run_once() || v.run->exit == VTX_EXIT_INTR)
			;
		if (v.run->exit != VTX_EXIT_IO)
			break;
		snprintf(what, sizeof(what), "%u. %s %#x, %u bytes, %u times", i + 1,
			 v.run->io.out ? "OUT" : "IN", v.run->io.port, v.run->io.size,
			 v.run->io.count);
		value = 0;
		size = v.run->io.size * v.run->io.count;
		memcpy(&value, data_of(v.run), size < 4 ? size : 4);
		tell_number(what, value);
		/* Of an IN, our own bytes. */
		if (!v.run->io.out && v.run->io.port == 0x20)
			memcpy((uint8_t *)data_of(v.run) + 2, "\x22\x33", 2);
		if (!v.run->io.out && v.run->io.port == 0x1f)
			*(uint8_t *)data_of(v.run) = 0x1f;
	}
	tell_number("the end", v.run->exit);
	run_vm_close(&v);
}

static void window(const char *guest)
{
	open_guest(guest);
	v.run->want_window = 1;
	while (run_once() || v.run->exit == VTX_EXIT_INTR)
		;
	tell_number("it listens, and comes back with", v.run->exit);
	tell_number("can_inject", v.run->can_inject);
	run_vm_close(&v);
}

static void hold(const char *guest)
{
	char byte;

	open_guest(guest);
	v.run->may_pull = 1 << 5;
	begin(keep_running);
	while (!outs)
		nap(100000);
	printf("thread %d\n", tid);
	fflush(stdout);
	while (read(0, &byte, 1) == 1) {
		uint32_t before = heard(5);

		while (state_of(tid) != 'S')
			nap(1000000);
		pull(5, 0);
		pull(5, 1);
		while (heard(5) == before)
			nap(1000000);
		puts("heard");
		fflush(stdout);
	}
	stop_running();
	run_vm_close(&v);
	puts("over");
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_kick };
	const char *what = argc > 2 ? argv[1] : "";

	must("sigaction", sigaction(SIGUSR1, &action, NULL));
	if (!strcmp(what, "sleep"))
		sleeping(argv[2]);
	else if (!strcmp(what, "rings") && argc == 6)
		rings(argv[2], atoi(argv[3]), atoi(argv[4]), argv[5][0] == 'w');
	else if (!strcmp(what, "level") && argc == 6)
		level(argv[2], atoi(argv[3]), atoi(argv[4]), atoi(argv[5]));
	else if (!strcmp(what, "chaos") && argc == 4)
		chaos(argv[2], atoi(argv[3]));
	else if (!strcmp(what, "close") && argc == 4)
		closing(argv[2], atoi(argv[3]));
	else if (!strcmp(what, "bytes"))
		bytes(argv[2]);
	else if (!strcmp(what, "window"))
		window(argv[2]);
	else if (!strcmp(what, "hold"))
		hold(argv[2]);
	else
		errx(1, "usage: irqchip WHAT GUEST ..., see irqchip.c");
	return 0;
}
