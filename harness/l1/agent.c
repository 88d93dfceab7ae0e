// SPDX-License-Identifier: GPL-2.0-only
/*
 * The agent: process 1 of the test machine. It runs shell commands for the
 * harness, many at a time, and carries their input, output and exit status.
 *
 * Three ways lead in and out, because no single one is quick and safe:
 *
 *   serial port ttyS1, in	every frame from the harness. The port's FIFO
 *				holds 16 bytes and drops what does not fit, so
 *				the harness never has more than 16 bytes under
 *				way: we acknowledge what we have handled.
 *   second CD-ROM, in		the payload of a bulk frame, too long for the
 *				serial port; the harness rewrites the disc.
 *   parallel port, out		every frame to the harness: three OUT a byte,
 *				a hundred times quicker than the serial port.
 *
 * A frame is: type, job, length (16 bit, little endian), payload. The host's
 * side is harness/link.py, where the types are explained.
 *
 * Run as "agent unpack" it is the other half of Machine.put().
 */
#define _GNU_SOURCE
#include <endian.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define PARALLEL_DATA 0x378
#define PARALLEL_CONTROL 0x37a
#define PARALLEL_IDLE 0x0c /* selected, not in reset */
#define PARALLEL_STROBE 0x0d

/* The size of the disc, and what a job may leave unread of its input. */
#define BULK_MAX (1 << 20)
#define OUTPUT_MAX 4096

enum from_host {
	EXEC = 'x',
	INPUT = 'i',
	INPUT_END = 'e',
	SIGNAL = 's',
	WINDOW_SIZE = 'w',
	CREDIT = 'c',
	BULK = 'b',
};

enum to_host {
	HELLO = 'H',
	ACK = 'A',
	STARTED = 'S',
	OUTPUT = 'O',
	ERRORS = 'E',
	INPUT_CREDIT = 'C',
	EXITED = 'X',
};

struct header {
	uint8_t type;
	uint8_t job;
	uint16_t length;
} __attribute__((packed));

struct exec {
	uint32_t credit;
	uint8_t tty;
	uint16_t rows;
	uint16_t columns;
	char command[];
} __attribute__((packed));

struct bulk {
	uint8_t type;
	uint32_t length;
} __attribute__((packed));

struct job {
	pid_t pid; /* 0: this slot is free */
	bool tty;
	bool dead;
	int status;
	int in, out, err; /* our ends; -1 when closed */
	int64_t credit; /* bytes of output that the host will take */
	bool input_end;
	uint8_t *input; /* not yet written to the job */
	size_t input_length;
	size_t input_done;
};

static struct job jobs[256];
static int line, disc;

/* To the harness */

static void out_bytes(const void *data, size_t length)
{
	const uint8_t *byte = data;

	while (length--) {
		outb(*byte++, PARALLEL_DATA);
		outb(PARALLEL_STROBE, PARALLEL_CONTROL);
		outb(PARALLEL_IDLE, PARALLEL_CONTROL);
	}
}

static void send_frame(enum to_host type, int job, const void *data, size_t length)
{
	struct header header = {
		.type = type,
		.job = job,
		.length = htole16(length),
	};

	out_bytes(&header, sizeof(header));
	out_bytes(data, length);
}

static void send_number(enum to_host type, int job, uint32_t number)
{
	number = htole32(number);
	send_frame(type, job, &number, sizeof(number));
}

/* Jobs */

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* In the child: as if the agent had changed nothing, in a session of its own. */
static void run_shell(const char *command, int in, int out, int err, bool tty)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	ioperm(PARALLEL_DATA, 3, 0);
	setsid();
	if (tty)
		ioctl(in, TIOCSCTTY, 0);
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	close_range(STDERR_FILENO + 1, ~0U, 0);
	execl("/bin/sh", "sh", "-c", command, NULL);
	_exit(127);
}

static void start_on_tty(struct job *job, const struct exec *exec, const char *command)
{
	struct winsize size = {
		.ws_row = le16toh(exec->rows),
		.ws_col = le16toh(exec->columns),
	};
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	int slave;

	grantpt(master);
	unlockpt(master);
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
	ioctl(slave, TIOCSWINSZ, &size);
	job->pid = fork();
	if (!job->pid)
		run_shell(command, slave, slave, slave, true);
	close(slave);
	job->in = master;
	job->out = fcntl(master, F_DUPFD_CLOEXEC, 0);
	job->err = -1;
}

static void start_on_pipes(struct job *job, const char *command)
{
	int in[2], out[2], err[2];

	pipe2(in, O_CLOEXEC);
	pipe2(out, O_CLOEXEC);
	pipe2(err, O_CLOEXEC);
	job->pid = fork();
	if (!job->pid)
		run_shell(command, in[0], out[1], err[1], false);
	close(in[0]);
	close(out[1]);
	close(err[1]);
	job->in = in[1];
	job->out = out[0];
	job->err = err[0];
	/* Only our ends: the job's own must block as pipes do. */
	fcntl(job->in, F_SETFL, O_NONBLOCK);
	fcntl(job->out, F_SETFL, O_NONBLOCK);
	fcntl(job->err, F_SETFL, O_NONBLOCK);
}

static void start_job(int number, const uint8_t *data, size_t length)
{
	const struct exec *exec = (const void *)data;
	struct job *job = &jobs[number];
	char *command = strndup(exec->command, length - sizeof(*exec));

	memset(job, 0, sizeof(*job));
	job->tty = exec->tty;
	job->credit = le32toh(exec->credit);
	job->input = malloc(BULK_MAX);
	if (exec->tty)
		start_on_tty(job, exec, command);
	else
		start_on_pipes(job, command);
	free(command);
	if (job->pid < 0) {
		static const uint8_t no_process[2] = { 0, 126 };

		close_fd(&job->in);
		close_fd(&job->out);
		close_fd(&job->err);
		free(job->input);
		job->pid = 0;
		send_frame(EXITED, number, no_process, sizeof(no_process));
		return;
	}
	send_number(STARTED, number, job->pid);
}

static void read_output(int number, int *fd, enum to_host type)
{
	static uint8_t buffer[OUTPUT_MAX];
	struct job *job = &jobs[number];
	ssize_t got;

	if (*fd < 0 || job->credit <= 0)
		return;
	got = read(*fd, buffer, job->credit < OUTPUT_MAX ? job->credit : OUTPUT_MAX);
	if (got > 0) {
		job->credit -= got;
		send_frame(type, number, buffer, got);
	} else if (got == 0 || errno != EAGAIN) {
		/* EIO is how a terminal says that nobody is left. */
		close_fd(fd);
	} else if (job->dead) {
		/* What the job wrote is all read; its children may live on. */
		close_fd(fd);
	}
}

static void write_input(int number)
{
	struct job *job = &jobs[number];
	ssize_t put = write(job->in, job->input + job->input_done,
			    job->input_length - job->input_done);

	if (put < 0 && errno != EAGAIN) {
		/* Nobody reads any more: the rest goes the same way. */
		put = job->input_length - job->input_done;
		close_fd(&job->in);
	}
	if (put > 0) {
		job->input_done += put;
		send_number(INPUT_CREDIT, number, put);
	}
	if (job->input_done == job->input_length)
		job->input_done = job->input_length = 0;
}

static void take_input(int number, const uint8_t *data, size_t length)
{
	struct job *job = &jobs[number];

	if (!job->pid)
		return; /* it has ended; the host does not know yet */
	if (job->in < 0) {
		send_number(INPUT_CREDIT, number, length);
		return;
	}
	memmove(job->input, job->input + job->input_done,
		job->input_length - job->input_done);
	job->input_length -= job->input_done;
	job->input_done = 0;
	if (length > BULK_MAX - job->input_length)
		errx(1, "job %d was sent more input than it has room for", number);
	memcpy(job->input + job->input_length, data, length);
	job->input_length += length;
	write_input(number);
}

static void end_input(struct job *job)
{
	static const char end_of_file = 4;

	/* A terminal has no end; Ctrl-D is what a person would type. */
	if (job->tty && job->in >= 0)
		write(job->in, &end_of_file, 1);
	else
		close_fd(&job->in);
}

static void reap(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (int i = 0; i < 256; i++) {
			if (jobs[i].pid == pid) {
				jobs[i].dead = true;
				jobs[i].status = status;
			}
		}
	}
}

/* When the last byte is on its way, the exit status follows. */
static void finish_job(int number)
{
	struct job *job = &jobs[number];
	uint8_t how[2] = { 0, WEXITSTATUS(job->status) };

	if (WIFSIGNALED(job->status)) {
		how[0] = 1;
		how[1] = WTERMSIG(job->status);
	}
	close_fd(&job->in);
	free(job->input);
	job->pid = 0;
	send_frame(EXITED, number, how, sizeof(how));
}

/* From the harness */

static uint8_t *read_disc(size_t length)
{
	static uint8_t data[BULK_MAX] __attribute__((aligned(4096)));
	size_t whole = (length + 2047) & ~2047UL;
	ssize_t got = pread(disc, data, whole, 0);

	if (got != (ssize_t)whole)
		err(1, "the payload disc gave %zd bytes of %zu", got, whole);
	return data;
}

static void handle(uint8_t type, int number, const uint8_t *data, size_t length)
{
	struct job *job = &jobs[number];
	const struct bulk *bulk = (const void *)data;
	uint32_t credit;

	switch (type) {
	case EXEC:
		start_job(number, data, length);
		break;
	case INPUT:
		take_input(number, data, length);
		break;
	case INPUT_END:
		job->input_end = true;
		break;
	case SIGNAL:
		/* A child that has not yet run has no session of its own. */
		if (job->pid && kill(-job->pid, data[0]))
			kill(job->pid, data[0]);
		break;
	case WINDOW_SIZE:
		if (job->pid && job->tty)
			ioctl(job->in, TIOCSWINSZ, data);
		break;
	case CREDIT:
		memcpy(&credit, data, sizeof(credit));
		job->credit += le32toh(credit);
		break;
	case BULK:
		length = le32toh(bulk->length);
		handle(bulk->type, number, read_disc(length), length);
		break;
	default:
		errx(1, "frame of unknown type %#x", type);
	}
}

static void read_line(void)
{
	static uint8_t buffer[sizeof(struct header) + UINT16_MAX];
	static size_t have;
	static uint32_t done;
	struct header header;
	ssize_t got = read(line, buffer + have, sizeof(buffer) - have);
	size_t whole, used = 0;

	if (got <= 0)
		return;
	have += got;
	while (have - used >= sizeof(header)) {
		memcpy(&header, buffer + used, sizeof(header));
		whole = sizeof(header) + le16toh(header.length);
		if (have - used < whole)
			break;
		handle(header.type, header.job, buffer + used + sizeof(header),
		       whole - sizeof(header));
		used += whole;
	}
	memmove(buffer, buffer + used, have - used);
	have -= used;
	/* Only now, for the harness takes this as leave to rewrite the disc. */
	done += got;
	send_number(ACK, 0, done);
}

static void watch(struct pollfd *polls, int *count, int fd, short events, bool wanted)
{
	if (fd >= 0 && wanted)
		polls[(*count)++] = (struct pollfd){ .fd = fd, .events = events };
}

static bool ready(const struct pollfd *polls, int count, int fd)
{
	for (int i = 0; fd >= 0 && i < count; i++) {
		if (polls[i].fd == fd)
			return polls[i].revents;
	}
	return false;
}

static void serve_job(int number, const struct pollfd *polls, int count)
{
	struct job *job = &jobs[number];

	if (job->dead || ready(polls, count, job->out))
		read_output(number, &job->out, OUTPUT);
	if (job->dead || ready(polls, count, job->err))
		read_output(number, &job->err, ERRORS);
	if (job->input_length && job->in >= 0)
		write_input(number);
	if (job->input_end && !job->input_length) {
		job->input_end = false;
		end_input(job);
	}
	if (job->dead && job->out < 0 && job->err < 0)
		finish_job(number);
}

static void open_line(void)
{
	struct termios termios;

	line = open("/dev/ttyS1", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (line < 0)
		err(1, "/dev/ttyS1");
	tcgetattr(line, &termios);
	cfmakeraw(&termios);
	cfsetspeed(&termios, B115200);
	termios.c_cflag |= CLOCAL;
	tcsetattr(line, TCSANOW, &termios);
}

static void serve(void)
{
	struct sched_param first = { .sched_priority = 1 };
	struct pollfd polls[2 + 3 * 256];
	struct signalfd_siginfo info;
	sigset_t children;
	int count, died;
	bool dying;

	/* A guest that never rests must not keep us from answering. */
	sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &first);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&children);
	sigaddset(&children, SIGCHLD);
	sigprocmask(SIG_BLOCK, &children, NULL);
	died = signalfd(-1, &children, SFD_NONBLOCK | SFD_CLOEXEC);

	if (ioperm(PARALLEL_DATA, 3, 1))
		err(1, "the parallel port");
	disc = open("/dev/sr1", O_RDONLY | O_DIRECT | O_CLOEXEC);
	if (disc < 0)
		err(1, "/dev/sr1");
	open_line();
	send_frame(HELLO, 0, NULL, 0);

	for (;;) {
		count = 0;
		dying = false;
		watch(polls, &count, line, POLLIN, true);
		watch(polls, &count, died, POLLIN, true);
		for (int i = 0; i < 256; i++) {
			struct job *job = &jobs[i];

			if (!job->pid)
				continue;
			/* No event tells that a dead job's last byte is read. */
			dying |= job->dead && job->credit > 0;
			watch(polls, &count, job->out, POLLIN, job->credit > 0);
			watch(polls, &count, job->err, POLLIN, job->credit > 0);
			watch(polls, &count, job->in, POLLOUT, job->input_length);
		}
		poll(polls, count, dying ? 0 : -1);
		if (ready(polls, count, died)) {
			while (read(died, &info, sizeof(info)) > 0)
				;
			reap();
		}
		if (ready(polls, count, line))
			read_line();
		for (int i = 0; i < 256; i++) {
			if (jobs[i].pid)
				serve_job(i, polls, count);
		}
	}
}

/* The other half of Machine.put(): files from standard input. */

struct file {
	uint16_t mode;
	uint16_t path_length;
	uint32_t pieces; /* what lies between them is zero */
	uint64_t size;
} __attribute__((packed));

struct piece {
	uint64_t offset;
	uint32_t length;
} __attribute__((packed));

static bool read_all(void *data, size_t length)
{
	size_t have = fread(data, 1, length, stdin);

	if (have && have != length)
		errx(1, "unpack: the input ends early");
	return have == length;
}

static void make_parents(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		mkdir(path, 0755);
		*slash = '/';
	}
}

static int unpack(void)
{
	static char path[UINT16_MAX + 1];
	static uint8_t data[BULK_MAX];
	struct piece piece;
	struct file file;
	int fd;

	while (read_all(&file, sizeof(file))) {
		read_all(path, file.path_length);
		path[file.path_length] = 0;
		make_parents(path);
		/* A program that runs cannot be written, but it can be replaced. */
		unlink(path);
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL, file.mode);
		if (fd < 0 || ftruncate(fd, file.size))
			err(1, "%s", path);
		while (file.pieces--) {
			read_all(&piece, sizeof(piece));
			read_all(data, piece.length);
			if (pwrite(fd, data, piece.length, piece.offset) != piece.length)
				err(1, "%s", path);
		}
		close(fd);
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "unpack"))
		return unpack();
	serve();
}
