// SPDX-License-Identifier: GPL-2.0-only
/*
 * The descriptor of a serial port: read, write, poll, O_NONBLOCK, signals, and
 * in which order things may be closed.
 *
 * usage: uart ECHO FLOOD COUNT SINK
 *
 * ECHO says 'R', gives back each byte, and ends at a 'Q'. FLOOD sends the bytes 0 to 255
 * COUNT times and ends; each tick of its clock counts at 6000h. SINK reads, says
 * nothing, and ends at a 'Q'.
 */
#include <poll.h>
#include <sys/epoll.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "uart_vm.h"

#define FIFO 4096
#define TICKS 0x6000

static const char *echo, *flood, *sink;
static unsigned int flood_size;
static struct uart_vm u;

static void set_nonblock(int fd, bool on)
{
	must("O_NONBLOCK", fcntl(fd, F_SETFL, on ? O_NONBLOCK : 0));
}

static void alarm_in(long us)
{
	struct itimerval timer = { .it_value.tv_usec = us };

	must("setitimer", setitimer(ITIMER_REAL, &timer, NULL));
}

static void on_alarm(int sig)
{
	(void)sig;
}

/* It cures what the read waits for. */
static void on_alarm_write(int sig)
{
	(void)sig;
	if (write(u.uart[0], "r", 1) != 1)
		_exit(3);
}

static void handle_alarm(void (*handler)(int), int flags)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };

	must("sigaction", sigaction(SIGALRM, &action, NULL));
}

static void expect(const char *what, bool good)
{
	printf("%s: %s\n", what, good ? "ok" : "no");
	fflush(stdout);
}

/* Exactly this comes. */
static bool comes(int fd, const void *data, size_t size)
{
	uint8_t got[2 * FIFO];
	size_t done = 0;
	ssize_t n;

	while (done < size) {
		n = read(fd, got + done, size - done);
		if (n <= 0)
			return false;
		done += n;
	}
	return !memcmp(got, data, size);
}

static bool comes_text(const char *text)
{
	return comes(u.uart[0], text, strlen(text));
}

static short polled(int fd, short events, int ms)
{
	struct pollfd p = { .fd = fd, .events = events };

	must("poll", poll(&p, 1, ms));
	return p.revents;
}

/* It says 'R' when it is ready. */
static void start_echo(int ports)
{
	uart_vm_open(&u, echo, ports);
	uart_vm_start(&u);
	if (!comes_text("R"))
		errx(1, "the guest is not ready");
}

static void end_echo(void)
{
	must("write", write(u.uart[0], "Q", 1));
	expect("it ends", uart_vm_wait(&u) == VTX_EXIT_HLT);
	uart_vm_close(&u);
}

/* Without a guest that runs: what a descriptor is. */
static void descriptor(void)
{
	static const struct itimerval never;
	uint8_t data[3 * FIFO] = {}, byte;
	int fd;

	uart_vm_open(&u, echo, 1);
	fd = u.uart[0];
	expect("it closes on exec", fcntl(fd, F_GETFD) == FD_CLOEXEC);
	tell("lseek", lseek(fd, 0, SEEK_CUR));
	tell("pread", pread(fd, &byte, 1, 0));
	tell("pwrite", pwrite(fd, &byte, 1, 0));
	tell("an ioctl", ioctl(fd, VTX_RESET, 0));
	tell("mmap", mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0);
	expect("read of nothing", read(fd, &byte, 0) == 0);
	expect("poll before all", polled(fd, POLLIN | POLLOUT, 0) == POLLOUT);

	/* The chip has room for one as long as its FIFOs are off. */
	handle_alarm(on_alarm, 0);
	alarm_in(20000);
	expect("a write that a signal interrupts in the middle",
	       write(fd, data, sizeof(data)) == FIFO + 1);
	alarm_in(20000);
	tell("a write that a signal interrupts before its first byte", write(fd, data, 1));
	expect("poll when all is full", polled(fd, POLLIN | POLLOUT, 0) == 0);
	alarm_in(20000);
	tell("a read that a signal interrupts", read(fd, &byte, 1));
	setitimer(ITIMER_REAL, &never, NULL);

	set_nonblock(fd, true);
	tell("a read that would wait", read(fd, &byte, 1));
	tell("a write that would wait", write(fd, data, sizeof(data)));
	uart_vm_close(&u);

	uart_vm_open(&u, echo, 1);
	set_nonblock(u.uart[0], true);
	expect("a write that does not wait",
	       write(u.uart[0], data, sizeof(data)) == FIFO + 1);
	uart_vm_close(&u);
}

static void pointers(void)
{
	uint8_t *page = pages(2);
	char text[] = "abcdefghij";
	int fd;

	mprotect(page + PAGE, PAGE, PROT_NONE);
	start_echo(1);
	fd = u.uart[0];
	memcpy(page + PAGE - 10, text, 10);
	tell("write from a bad pointer", write(fd, page + PAGE, 10));
	expect("write of which a part is there", write(fd, page + PAGE - 4, 10) == 4);
	expect("which part", comes_text("ghij"));

	must("write", write(fd, text, 10));
	uart_vm_until_it_sleeps(&u);
	tell("read to a bad pointer", read(fd, page + PAGE, 10));
	expect("read of which a part has room", read(fd, page + PAGE - 4, 10) == 4);
	expect("it got the first ones", !memcmp(page + PAGE - 4, "abcd", 4));
	expect("and the others are still there", comes_text("efghij"));
	end_echo();
	munmap(page, 2 * PAGE);
}

static void polls(void)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int epoll = must("epoll_create1", epoll_create1(0)), i;
	bool good = true;

	start_echo(1);
	expect("poll of a guest that is silent", !polled(u.uart[0], POLLIN, 10));
	must("write", write(u.uart[0], "a", 1));
	expect("poll wakes up", polled(u.uart[0], POLLIN, 10000) == POLLIN);
	expect("poll for both", polled(u.uart[0], POLLIN | POLLOUT, 0) == (POLLIN | POLLOUT));
	expect("what it says is true", comes_text("a"));
	expect("poll afterwards", polled(u.uart[0], POLLIN | POLLOUT, 0) == POLLOUT);

	must("epoll_ctl", epoll_ctl(epoll, EPOLL_CTL_ADD, u.uart[0], &event));
	for (i = 0; i < 20 && good; i++) {
		must("write", write(u.uart[0], "e", 1));
		good = epoll_wait(epoll, &event, 1, 10000) == 1 && comes_text("e");
	}
	expect("each edge is told", good);
	/* What is left in the middle is news, too. */
	must("write", write(u.uart[0], "xy", 2));
	good = epoll_wait(epoll, &event, 1, 10000) == 1;
	uart_vm_until_it_sleeps(&u);
	good = good && comes_text("x") && epoll_wait(epoll, &event, 1, 10000) == 1;
	expect("what a reader leaves is told again", good && comes_text("y"));
	close(epoll);

	handle_alarm(on_alarm_write, SA_RESTART);
	alarm_in(20000);
	expect("a signal comes, and the read goes on", comes_text("r"));
	set_nonblock(u.uart[0], true);
	tell("O_NONBLOCK later", read(u.uart[0], &event, 1));
	set_nonblock(u.uart[0], false);
	end_echo();
}

static atomic_int readers_done;

static void *read_one(void *arg)
{
	*(ssize_t *)arg = read(u.uart[0], (uint8_t *)arg + 8, 1);
	readers_done++;
	return NULL;
}

/* Each byte has one reader, and no reader is forgotten. */
static void several_readers(unsigned int rounds)
{
	struct {
		ssize_t n;
		uint8_t byte;
	} got[3];
	pthread_t threads[3];
	unsigned int i, round, sum, good = 0;
	struct timespec limit;

	start_echo(1);
	for (round = 0; round < rounds; round++) {
		readers_done = 0;
		for (i = 0; i < 3; i++)
			pthread_create(&threads[i], NULL, read_one, &got[i]);
		for (i = 0; i < 3; i++)
			must("write", write(u.uart[0], &"abc"[i], 1));
		for (i = 0, sum = 0; i < 3; i++) {
			clock_gettime(CLOCK_REALTIME, &limit);
			limit.tv_sec += 20;
			errno = pthread_timedjoin_np(threads[i], NULL, &limit);
			if (errno)
				errx(1, "round %u: a reader sleeps, and %d have read", round,
				     readers_done);
			sum += got[i].n == 1 ? got[i].byte : 0;
		}
		good += sum == 'a' + 'b' + 'c';
	}
	expect("three readers at once", good == rounds);
	end_echo();
}

static void child(void)
{
	int status;
	pid_t pid;

	start_echo(1);
	must("write", write(u.uart[0], "from the parent", 15));
	pid = must("fork", fork());
	if (!pid) {
		if (!comes_text("from the parent") || write(u.uart[0], "to it", 5) != 5)
			_exit(1);
		_exit(0);
	}
	must("waitpid", waitpid(pid, &status, 0));
	expect("a child reads and writes", status == 0);
	expect("and we are heard", comes_text("to it"));
	end_echo();
}

/* More than finds room, for a guest that never sends: only its taking wakes the writer. */
static void write_only(void)
{
	static uint8_t zeros[5 * FIFO];

	uart_vm_open(&u, sink, 1);
	uart_vm_start(&u);
	alarm(20); /* it kills */
	signal(SIGALRM, SIG_DFL);
	expect("a long write", write(u.uart[0], zeros, sizeof(zeros)) == sizeof(zeros));
	alarm(0);
	end_echo();
}

/* A guest that sends more than anybody takes. */
static void held(void)
{
	uint8_t round[256];
	uint32_t before, ticks;
	unsigned int i, good, returns;

	for (i = 0; i < 256; i++)
		round[i] = i;
	uart_vm_open(&u, flood, 1);
	uart_vm_start(&u);
	/* Its clock wakes it each time: it never sleeps for long, and never gets on. */
	expect("it waits to be read", polled(u.uart[0], POLLIN, 10000) == POLLIN);
	nap(200000000);
	before = *(volatile uint32_t *)(u.v.ram + TICKS);
	nap(300000000);
	ticks = *(volatile uint32_t *)(u.v.ram + TICKS) - before;
	expect("its interrupts come while it waits", ticks > 5);
	returns = u.returns;
	pthread_kill(u.thread, SIGUSR1);
	while (u.returns == returns)
		nap(1000000);
	expect("a signal ends its wait", true);
	for (i = good = 0; i < flood_size; i++)
		good += comes(u.uart[0], round, 256);
	expect("nothing is lost", good == flood_size);
	expect("it came to its end", uart_vm_wait(&u) == VTX_EXIT_HLT);
	uart_vm_close(&u);

	uart_vm_open(&u, flood, 1);
	uart_vm_start(&u);
	expect("once more", polled(u.uart[0], POLLIN, 10000) == POLLIN);
	uart_vm_stop(&u);
	expect("it can be stopped", u.v.run->exit == VTX_EXIT_NONE);
	uart_vm_close(&u);
}

/* Nobody listens any more. */
static void closed(void)
{
	uart_vm_open(&u, flood, 1);
	close(u.uart[0]);
	u.uart[0] = -1;
	uart_vm_start(&u);
	expect("closed before", uart_vm_wait(&u) == VTX_EXIT_HLT);
	uart_vm_close(&u);

	uart_vm_open(&u, flood, 1);
	uart_vm_start(&u);
	polled(u.uart[0], POLLIN, 10000);
	nap(100000000); /* it waits by now */
	close(u.uart[0]);
	u.uart[0] = -1;
	expect("closed while it waits", uart_vm_wait(&u) == VTX_EXIT_HLT);
	uart_vm_close(&u);
}

/* The VM's three kinds of descriptors, in each order. */
static void orders(void)
{
	static const char *const names[] = { "VM, vCPU, port", "VM, port, vCPU", "vCPU, VM, port",
					     "vCPU, port, VM", "port, VM, vCPU", "port, vCPU, VM" };
	static const int order[][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 }, { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
	int i, j, fds[3];
	bool good;

	for (i = 0; i < 6; i++) {
		uart_vm_open(&u, flood, 2);
		uart_vm_start(&u);
		polled(u.uart[0], POLLIN, 10000);
		uart_vm_stop(&u);
		munmap(u.v.run, VTX_RUN_PAGES * PAGE);
		close(u.uart[1]);
		fds[0] = u.v.vm;
		fds[1] = u.v.vcpu;
		fds[2] = u.uart[0];
		for (j = 0, good = true; j < 3; j++) {
			good = good && counter("vms") == 1;
			close(fds[order[i][j]]);
			if (j == 1 && order[i][2] == 2)
				good = good && write(u.uart[0], "x", 1) == 1;
		}
		expect(names[i], good && counter("vms") == 0 && counter("pages") == 0);
		munmap(u.v.ram, u.v.ram_pages * PAGE);
		munmap(u.v.rom, PAGE);
	}
}

/* Each reads and writes of its own. */
static void two_ports(unsigned int rounds)
{
	char one[16], two[16];
	unsigned int i, good = 0;

	start_echo(2);
	for (i = 0; i < rounds; i++) {
		snprintf(one, sizeof(one), "one %u", i);
		snprintf(two, sizeof(two), "two %u", i);
		must("write", write(u.uart[1], two, strlen(two)));
		must("write", write(u.uart[0], one, strlen(one)));
		good += comes(u.uart[0], one, strlen(one)) && comes(u.uart[1], two, strlen(two));
	}
	expect("two ports at once", good == rounds);
	end_echo();
}

int main(int argc, char **argv)
{
	if (argc != 5)
		errx(1, "usage: uart ECHO FLOOD COUNT SINK");
	echo = argv[1];
	flood = argv[2];
	flood_size = atoi(argv[3]);
	sink = argv[4];
	descriptor();
	pointers();
	polls();
	several_readers(50);
	child();
	two_ports(50);
	write_only();
	held();
	closed();
	orders();
	return 0;
}
