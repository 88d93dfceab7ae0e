/* SPDX-License-Identifier: GPL-2.0-only */
/* A VM with serial ports, whose guest runs in a thread of its own. */
#ifndef UART_VM_H
#define UART_VM_H

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#include "run_vm.h"

#define COM1_PORT 0x3f8
#define COM2_PORT 0x2f8
#define RAM_PAGES 64

struct uart_vm {
	struct run_vm v;
	int uart[2];
	pthread_t thread;
	atomic_int tid;
	atomic_uint returns; /* of VTX_RUN */
	atomic_bool over; /* it shall not go on */
};

static inline int create_uart(int vm, uint32_t port, uint32_t gsi)
{
	struct vtx_create_uart create = { .port = port, .gsi = gsi };

	return ioctl(vm, VTX_CREATE_UART, &create);
}

/* With so many serial ports, up to two. */
static inline void uart_vm_open(struct uart_vm *u, const char *path, int ports)
{
	static const uint32_t port[] = { COM1_PORT, COM2_PORT }, gsi[] = { 4, 3 };
	struct vtx_create_irqchip chips = { .chips = VTX_CHIP_PIC | VTX_CHIP_PIT };
	struct run_vm *v = &u->v;
	int i;

	*u = (struct uart_vm){ .uart = { -1, -1 } };
	v->ram_pages = RAM_PAGES;
	v->ram = pages(v->ram_pages);
	v->rom = make_rom();
	v->vm = open_vtx();
	must("RAM", map_memory(v->vm, 0, v->ram, v->ram_pages * PAGE, 0));
	must("ROM", map_memory(v->vm, ROM_ADDR, v->rom, PAGE, VTX_MEM_READONLY));
	must("VTX_CREATE_IRQCHIP", ioctl(v->vm, VTX_CREATE_IRQCHIP, &chips));
	for (i = 0; i < ports; i++)
		u->uart[i] = must("VTX_CREATE_UART", create_uart(v->vm, port[i], gsi[i]));
	v->vcpu = must("VTX_CREATE_VCPU", create_vcpu(v->vm));
	v->run = map_run(v->vcpu);
	must("the run page", v->run == MAP_FAILED ? -1 : 0);
	v->run->may_pull = 1 << 4 | 1 << 3; /* a guest that halts may hope for more */
	run_vm_load(v, path);
}

static inline void uart_vm_close(struct uart_vm *u)
{
	int i;

	for (i = 0; i < 2; i++)
		if (u->uart[i] >= 0)
			close(u->uart[i]);
	run_vm_close(&u->v);
}

static inline void *uart_vm_thread(void *arg)
{
	struct uart_vm *u = arg;

	u->tid = gettid();
	do {
		if (ioctl(u->v.vcpu, VTX_RUN, 0) && errno != EINTR && errno != EAGAIN)
			err(1, "VTX_RUN");
		u->returns++;
	} while (!u->over && !run_vm_has_ended(&u->v));
	return NULL;
}

static inline void uart_vm_nudge(int sig)
{
	(void)sig;
}

/* Its thread begins to run the guest. SIGUSR1 interrupts it. */
static inline void uart_vm_start(struct uart_vm *u)
{
	struct sigaction action = { .sa_handler = uart_vm_nudge };
	sigset_t alarm;

	sigaction(SIGUSR1, &action, NULL);
	/* Alarms are for the thread that set them. */
	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &alarm, NULL);
	errno = pthread_create(&u->thread, NULL, uart_vm_thread, u);
	must("pthread_create", errno ? -1 : 0);
	pthread_sigmask(SIG_UNBLOCK, &alarm, NULL);
}

/* The guest comes to its own end. Return: the exit. */
static inline unsigned int uart_vm_wait(struct uart_vm *u)
{
	errno = pthread_join(u->thread, NULL);
	must("pthread_join", errno ? -1 : 0);
	return u->v.run->exit;
}

/* Whatever it does. */
static inline void uart_vm_stop(struct uart_vm *u)
{
	u->over = true;
	u->v.run->immediate_exit = 1;
	pthread_kill(u->thread, SIGUSR1);
	uart_vm_wait(u);
	u->v.run->immediate_exit = 0;
}

/* One letter: 'S' if a thread of ours sleeps. */
static inline char state_of(int tid)
{
	char path[64], text[256], *end;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	file = fopen(path, "r");
	if (!file || !fgets(text, sizeof(text), file))
		err(1, "%s", path);
	fclose(file);
	end = strrchr(text, ')');
	return end[2];
}

static inline void nap(long ns)
{
	nanosleep(&(struct timespec){ .tv_nsec = ns }, NULL);
}

/* Until the vCPU's thread sleeps in VTX_RUN. */
static inline void uart_vm_until_it_sleeps(struct uart_vm *u)
{
	int calm = 0;

	while (calm < 5) {
		nap(2000000);
		calm = u->tid && state_of(u->tid) == 'S' ? calm + 1 : 0;
	}
}

#endif /* UART_VM_H */
