// SPDX-License-Identifier: GPL-2.0-only
/*
 * The vCPU as VTXCTL knows it: a second descriptor, a run page, and a thread
 * that says "run" again and again and does what each exit asks for.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "vtxctl.h"

void vcpu_open(struct vm *vm)
{
	struct vtx_create_vcpu create = { .id = 0 };

	do
		vm->vcpu_fd = ioctl(vm->fd, VTX_CREATE_VCPU, &create);
	while (vm->vcpu_fd < 0 && errno == EAGAIN);
	if (vm->vcpu_fd < 0)
		die(STATUS_NO_VTX, "VTX_CREATE_VCPU: %s", strerror(errno));

	vm->run = mmap(NULL, VTX_RUN_PAGES * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, vm->vcpu_fd,
		       0);
	if (vm->run == MAP_FAILED)
		die(STATUS_NO_VTX, "the run page: %s", strerror(errno));
}

/* Hand the CPU the form five times, each time with another mistake. */
void vcpu_probe(struct vm *vm)
{
	__u32 form;

	for (form = 1; form < VTX_NR_FORMS; form++) {
		struct vtx_probe p = { .form = form };

		while (ioctl(vm->vcpu_fd, VTX_PROBE_ENTRY, &p))
			if (errno != EAGAIN)
				die(STATUS_NO_VTX, "VTX_PROBE_ENTRY: %s: see `dmesg`",
				    strerror(errno));
		explain_probe(&p);
	}
}

/* The first to end the guest says with which status. */
void vcpu_end(struct vm *vm, int status)
{
	if (!atomic_flag_test_and_set(&vm->ending))
		vm->status = status;
	vm->ended = true;
}

/* Only to interrupt VTX_RUN. */
static void on_kick(int sig)
{
}

/*
 * The guest may be in an endless loop, so the thread is interrupted. If it is
 * not in VTX_RUN just now, immediate_exit catches it at the door.
 */
void vcpu_stop(struct vm *vm, int status)
{
	vcpu_end(vm, status);
	vm->run->immediate_exit = 1;
	pthread_kill(vm->vcpu_thread, SIGUSR1);
}

/* Do what this exit asks for. */
static void vcpu_handle_exit(struct vm *vm)
{
	struct vtx_run *run = vm->run;

	switch (run->exit) {
	case VTX_EXIT_NONE:
		break;
	case VTX_EXIT_IO:
		iobus_handle(vm);
		break;
	case VTX_EXIT_HLT:
		if (run->if_flag)
			fputs("vtxctl: the guest waits for an interrupt, and nothing can send one\n",
			      stderr);
		vcpu_end(vm, run->if_flag ? STATUS_HUNG : STATUS_OK);
		break;
	case VTX_EXIT_SHUTDOWN:
		explain_end(vm);
		vcpu_end(vm, STATUS_SHUTDOWN);
		break;
	default:
		explain_end(vm);
		vcpu_end(vm, STATUS_KILLED);
	}
}

static void *vcpu_thread(void *arg)
{
	struct vm *vm = arg;
	double begin, end;
	int err;

	while (!vm->ended) {
		begin = trace_now();
		err = ioctl(vm->vcpu_fd, VTX_RUN, 0) ? errno : 0;
		if (err && err != EINTR && err != EAGAIN)
			die(STATUS_NO_VTX, "VTX_RUN: %s", strerror(err));
		end = trace_now();
		trace_span(1, "guest", begin, end);
		if (err)
			continue;

		vcpu_handle_exit(vm);
		explain_exit(vm);
		trace_span(2, exit_name(vm->run), end, trace_now());
	}
	term_stop();
	return NULL;
}

/*
 * Let the guest run to its end, and read for it meanwhile. Return: the exit
 * status it earned.
 */
int vcpu_run(struct vm *vm)
{
	struct sigaction kick = { .sa_handler = on_kick };
	int err;

	sigaction(SIGUSR1, &kick, NULL);
	term_open();
	err = pthread_create(&vm->vcpu_thread, NULL, vcpu_thread, vm);
	if (err)
		die(STATUS_NO_VTX, "no thread for the vCPU: %s", strerror(err));
	term_loop(vm);
	pthread_join(vm->vcpu_thread, NULL);
	explain_flush();
	trace_close();
	return vm->status;
}
