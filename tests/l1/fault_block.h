/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stops a thread in the middle of an ioctl: its argument lies in a page
 * that is not there, and that we are asked for (userfaultfd). The driver waits
 * until we give the page.
 */
#ifndef FAULT_BLOCK_H
#define FAULT_BLOCK_H

#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tell.h"

struct blocked {
	int uffd;
	void *page;
	int fd;
	unsigned int cmd;
	pthread_t thread;
};

/* A page that nobody can read until block_release(). */
static inline void block_page(struct blocked *b)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };

	b->page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must("mmap", b->page == MAP_FAILED ? -1 : 0);
	b->uffd = must("userfaultfd", syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK));
	must("UFFDIO_API", ioctl(b->uffd, UFFDIO_API, &api));
	reg.range.start = (unsigned long)b->page;
	reg.range.len = 4096;
	must("UFFDIO_REGISTER", ioctl(b->uffd, UFFDIO_REGISTER, &reg));
}

static inline void *block_thread(void *arg)
{
	struct blocked *b = arg;

	ioctl(b->fd, b->cmd, b->page);
	return NULL;
}

/* Returns when the thread is in its ioctl, and waits there. */
static inline void block_ioctl(struct blocked *b, int fd, unsigned int cmd)
{
	struct pollfd asked = { .events = POLLIN };

	block_page(b);
	b->fd = fd;
	b->cmd = cmd;
	errno = pthread_create(&b->thread, NULL, block_thread, b);
	must("pthread_create", errno ? -1 : 0);
	asked.fd = b->uffd;
	must("poll", poll(&asked, 1, -1));
}

static inline void block_release(struct blocked *b)
{
	struct uffdio_zeropage zero = { .range = { .start = (unsigned long)b->page, .len = 4096 } };

	must("UFFDIO_ZEROPAGE", ioctl(b->uffd, UFFDIO_ZEROPAGE, &zero));
	pthread_join(b->thread, NULL);
	close(b->uffd);
	munmap(b->page, 4096);
}

#endif /* FAULT_BLOCK_H */
