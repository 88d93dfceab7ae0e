// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who keeps a VM alive, and until when? Descriptors are closed in every order,
 * duplicated, and passed to another process; makers die before their VM does.
 * Prints "what: ok", or "what: no" and VTXDRV's counters.
 */
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "fault_vm.h"

#define RAM_PAGES 16

/* What holds a VM. A step of the test lets go of one of them. */
enum holder {
	VM_FD,
#ifdef VTX_CREATE_VCPU
	VCPU_FD,
#endif
#ifdef VTX_RUN
	RUN_PAGE,
#endif
	NR_HOLDERS,
};

struct held {
	int vm, vcpu;
	void *run;
};

static void check(const char *what, bool ok)
{
	if (ok)
		printf("%s: ok\n", what);
	else
		printf("%s: no (vms %ld, pages %ld)\n", what, counter("vms"), counter("pages"));
	fflush(stdout);
}

static bool nothing_left(void)
{
#ifdef VTX_CREATE_VCPU
	if (counter("vcpus"))
		return false;
#endif
	return !counter("vms") && !counter("pages");
}

static struct held hold(void)
{
	struct held h = { .vm = open_vtx(), .vcpu = -1 };

	uint8_t *ram = pages(RAM_PAGES);

	memcpy(ram + BOOT, (const uint8_t[]){ 0xf4, 0xeb, 0xfd }, 3); /* hlt, again and again */
	must("RAM", map_memory(h.vm, 0, ram, RAM_PAGES * PAGE, 0));
	must("ROM", map_memory(h.vm, ROM_ADDR, make_rom(), PAGE, VTX_MEM_READONLY));
#ifdef VTX_CREATE_VCPU
	h.vcpu = must("VTX_CREATE_VCPU", create_vcpu(h.vm));
#endif
#ifdef VTX_RUN
	h.run = map_run(h.vcpu);
#endif
	return h;
}

static void let_go(const struct held *h, enum holder which)
{
	switch (which) {
	case VM_FD:
		close(h->vm);
		break;
#ifdef VTX_CREATE_VCPU
	case VCPU_FD:
		close(h->vcpu);
		break;
#endif
#ifdef VTX_RUN
	case RUN_PAGE:
		munmap(h->run, VTX_RUN_PAGES * PAGE);
		break;
#endif
	case NR_HOLDERS:
		break;
	}
}

/* Does what is left of it still work? */
static bool works(const struct held *h, unsigned int holders)
{
	struct vtx_translate t = { .gpa = BOOT };
	bool ok = counter("vms") == 1 && counter("pages") > RAM_PAGES;

	if (holders & 1 << VM_FD)
		ok &= !ioctl(h->vm, VTX_TRANSLATE, &t) && t.flags == VTX_TRANSLATE_PRESENT;
#ifdef VTX_CREATE_VCPU
	if (holders & 1 << VCPU_FD) {
		struct vtx_probe p = { .form = 1 };

		ok &= counter("vcpus") == 1 && !ioctl(h->vcpu, VTX_PROBE_ENTRY, &p);
	}
#endif
#ifdef VTX_RUN
	if (holders & 1 << VCPU_FD)
		ok &= !ioctl(h->vcpu, VTX_RUN, 0);
	if (holders & 1 << RUN_PAGE)
		*((uint8_t *)h->run + PAGE) = 1;
#endif
	return ok;
}

/* All orders: each holder that is left goes first, then the others. */
static bool close_in_every_order(unsigned int order, unsigned int done)
{
	struct held h;
	unsigned int i, next, holders = (1 << NR_HOLDERS) - 1;
	bool ok = true;

	if (done < NR_HOLDERS) {
		for (next = 0; next < NR_HOLDERS; next++) {
			for (i = 0; i < done; i++)
				if ((order >> 4 * i & 15) == next)
					break;
			if (i == done)
				ok &= close_in_every_order(order | next << 4 * done, done + 1);
		}
		return ok;
	}

	h = hold();
	for (i = 0; i < NR_HOLDERS; i++) {
		ok &= works(&h, holders);
		let_go(&h, order >> 4 * i & 15);
		holders &= ~(1 << (order >> 4 * i & 15));
	}
	return ok && nothing_left();
}

static void duplicated(void)
{
	struct held h = hold(), other = h;

	other.vm = dup(h.vm);
	if (h.vcpu >= 0)
		other.vcpu = dup(h.vcpu);
	close(h.vm);
	close(h.vcpu);
	check("a duplicate is as good", works(&other, (1 << NR_HOLDERS) - 1));
	close(other.vm);
	close(other.vcpu);
	if (h.run)
		munmap(h.run, 2 * PAGE);
	check("after the duplicates nothing is left", nothing_left());
}

/* Descriptors through a socket: two, or one if there is no vCPU. */
static void pass(int to, const struct held *h)
{
	char room[CMSG_SPACE(2 * sizeof(int))] = {}, byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = room };
	int fds[2] = { h->vm, h->vcpu }, n = h->vcpu < 0 ? 1 : 2;
	struct cmsghdr *c = (void *)room;

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(n * sizeof(int));
	msg.msg_controllen = CMSG_SPACE(n * sizeof(int));
	memcpy(CMSG_DATA(c), fds, n * sizeof(int));
	must("sendmsg", sendmsg(to, &msg, 0));
}

static struct held receive(int from)
{
	char room[CMSG_SPACE(2 * sizeof(int))] = {}, byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = room,
		.msg_controllen = sizeof(room),
	};
	struct held h = { .vcpu = -1 };
	int fds[2] = { -1, -1 };

	must("recvmsg", recvmsg(from, &msg, 0));
	memcpy(fds, CMSG_DATA((struct cmsghdr *)room), ((struct cmsghdr *)room)->cmsg_len - CMSG_LEN(0));
	h.vm = fds[0];
	h.vcpu = fds[1];
	return h;
}

static bool is_stranger(const struct held *h)
{
	struct vtx_translate t = {};
	bool ok = ioctl(h->vm, VTX_TRANSLATE, &t) && errno == EIO;

#ifdef VTX_CREATE_VCPU
	struct vtx_probe p = { .form = 1 };

	ok &= ioctl(h->vcpu, VTX_PROBE_ENTRY, &p) && errno == EIO;
#endif
#ifdef VTX_RUN
	ok &= ioctl(h->vcpu, VTX_RUN, 0) && errno == EIO;
#endif
	return ok;
}

/* The maker of the VM dies, and what it made is in our hands. */
static void inherited(void)
{
	struct held h;
	int pair[2];
	pid_t maker;

	must("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	maker = must("fork", fork());
	if (!maker) {
		h = hold();
		pass(pair[1], &h);
		/* Not to end before the other side has what we sent. */
		must("read", read(pair[1], &h, 1));
		kill(getpid(), SIGKILL);
	}
	h = receive(pair[0]);
	check("who did not make it is a stranger", is_stranger(&h));
	must("write", write(pair[0], "", 1));
	waitpid(maker, NULL, 0);
	check("its maker is dead, and it lives", counter("vms") == 1 && counter("pages") > RAM_PAGES);
	check("it belongs to nobody now", is_stranger(&h));
	close(h.vm);
	check("the vCPU holds it", h.vcpu < 0 || counter("vms") == 1);
	close(h.vcpu);
	check("after its last holder nothing is left", nothing_left());
	close(pair[0]);
	close(pair[1]);
}

static void forked(void)
{
	struct held h = hold();
	int status;
	pid_t pid = must("fork", fork());

	if (!pid) {
		unsigned char unused;
		bool ok = is_stranger(&h);

		/* mincore() says ENOMEM where there is no mapping. */
		if (h.run)
			ok &= mincore(h.run, PAGE, &unused) && errno == ENOMEM;
		_exit(ok);
	}
	waitpid(pid, &status, 0);
	check("a child has neither the VM nor the run page", WEXITSTATUS(status) == 1);
	check("and the parent has both", works(&h, (1 << NR_HOLDERS) - 1));

	/* The child lives longer. */
	pid = must("fork", fork());
	if (!pid) {
		raise(SIGSTOP);
		_exit(0);
	}
	waitpid(pid, NULL, WUNTRACED);
	let_go(&h, VM_FD);
	close(h.vcpu);
	if (h.run)
		munmap(h.run, 2 * PAGE);
	check("the child's copies hold it", counter("vms") == 1);
	kill(pid, SIGCONT);
	waitpid(pid, NULL, 0);
	check("after the child nothing is left", nothing_left());
}

static bool rmmod_is_refused(void)
{
	return syscall(SYS_delete_module, "vtxdrv", O_NONBLOCK) && errno == EWOULDBLOCK;
}

static void unloaded(void)
{
	unsigned int last, i;
	bool ok = true;

	for (last = 0; last < NR_HOLDERS; last++) {
		struct held h = hold();

		for (i = 0; i < NR_HOLDERS; i++)
			if (i != last)
				let_go(&h, i);
		ok &= rmmod_is_refused();
		let_go(&h, last);
	}
	check("rmmod is refused as long as anything is open", ok);
}

#ifdef VTX_RUN
/* A guest whose memory is its own run page. */
static void run_page_as_memory(void)
{
	struct held h = hold();
	struct vtx_run *run = h.run;

	check("the run page can be guest memory",
	      !map_memory(h.vm, 16 << 20, run, VTX_RUN_PAGES * PAGE, 0));
	check("and the guest runs", !ioctl(h.vcpu, VTX_RUN, 0));
	close(h.vcpu);
	munmap(h.run, VTX_RUN_PAGES * PAGE);
	check("pinned, it is no holder", counter("vms") == 1 && counter("vcpus") == 0);
	close(h.vm);
	check("and nothing is left of it", nothing_left());
}
#endif

int main(void)
{
	check("closed in every order", close_in_every_order(0, 0));
	duplicated();
	inherited();
	forked();
	unloaded();
#ifdef VTX_RUN
	run_page_as_memory();
#endif
	return 0;
}
