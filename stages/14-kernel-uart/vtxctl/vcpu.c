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

/* As it was when it was new: what a reset brings back. */
static struct vtx_sregs new_sregs;
static struct vtx_regs new_regs;

void vcpu_open(struct vm *vm)
{
	struct vtx_create_vcpu create = { .id = 0 };

	do
		vm->vcpu_fd = vm_ioctl(vm->fd, VTX_CREATE_VCPU, &create);
	while (vm->vcpu_fd < 0 && errno == EAGAIN);
	if (vm->vcpu_fd < 0)
		die(STATUS_NO_VTX, "VTX_CREATE_VCPU: %s", strerror(errno));

	vm->run = mmap(NULL, VTX_RUN_PAGES * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, vm->vcpu_fd,
		       0);
	if (vm->run == MAP_FAILED)
		die(STATUS_NO_VTX, "the run page: %s", strerror(errno));
	if (vm_ioctl(vm->vcpu_fd, VTX_GET_SREGS, &new_sregs) ||
	    vm_ioctl(vm->vcpu_fd, VTX_GET_REGS, &new_regs))
		die(STATUS_NO_VTX, "the guest's registers: %s", strerror(errno));
}

/* Hand the CPU the form five times, each time with another mistake. */
void vcpu_probe(struct vm *vm)
{
	__u32 form;

	for (form = 1; form < VTX_NR_FORMS; form++) {
		struct vtx_probe p = { .form = form };

		while (vm_ioctl(vm->vcpu_fd, VTX_PROBE_ENTRY, &p))
			if (errno != EAGAIN)
				die(STATUS_NO_VTX, "VTX_PROBE_ENTRY: %s: see `dmesg`",
				    strerror(errno));
		explain_probe(&p);
	}
}

/*
 * As a boot loader leaves a CPU to a 32-bit kernel: protected mode, all of
 * memory in each segment. In real mode the CPU is new, and begins in the ROM.
 */
void vcpu_begin(struct vm *vm, const struct entry *entry)
{
	const struct vtx_segment data = { .limit = UINT32_MAX, .access = 0xc093, .selector = 16 };
	struct vtx_sregs s = new_sregs;
	struct vtx_regs regs = new_regs;

	if (entry->flat) {
		s.cr0 |= 1;
		s.ds = s.es = s.fs = s.gs = s.ss = data;
		s.cs = data;
		s.cs.access = 0xc09b;
		s.cs.selector = 8;
		regs.rip = entry->offset;
	}
	if (vm_ioctl(vm->vcpu_fd, VTX_SET_SREGS, &s) || vm_ioctl(vm->vcpu_fd, VTX_SET_REGS, &regs))
		die(STATUS_NO_VTX, "--entry %x: %s", entry->offset, strerror(errno));
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

static _Thread_local bool is_vcpu_thread;

/*
 * The guest may be in an endless loop, so the thread is interrupted. If it is
 * not in VTX_RUN just now, immediate_exit catches it at the door. One kick is
 * enough until the thread has seen it. To itself it need not say anything.
 */
void vcpu_kick(struct vm *vm)
{
	if (!is_vcpu_thread && !__atomic_exchange_n(&vm->run->immediate_exit, 1, __ATOMIC_SEQ_CST))
		pthread_kill(vm->vcpu_thread, SIGUSR1);
}

void vcpu_stop(struct vm *vm, int status)
{
	vcpu_end(vm, status);
	vcpu_kick(vm);
}

static void devices_reset(void)
{
	irqchip_reset();
	keyboard_reset();
}

/* The guest has pulled the reset wire: all begins anew, but for what memory holds. */
static void vcpu_reset(struct vm *vm)
{
	struct entry entry;

	if (vm->no_reboot) {
		vm->why = "the guest asked for a reset";
		vcpu_end(vm, STATUS_RESET);
		return;
	}
	irqchip_lock();
	devices_reset();
	irqchip_unlock(vm);
	entry = machine_load(vm);
	vcpu_begin(vm, &entry);
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
		if (keyboard_wants_reset())
			vcpu_reset(vm);
		break;
	case VTX_EXIT_HLT:
		if (run->if_flag)
			vm->why = "the guest waits for an interrupt, and nothing can send one";
		vcpu_end(vm, run->if_flag ? STATUS_HUNG : STATUS_OK);
		break;
	case VTX_EXIT_SHUTDOWN:
		vcpu_end(vm, STATUS_SHUTDOWN);
		break;
	default:
		vcpu_end(vm, STATUS_KILLED);
	}
}

/* What went through the port, as a part of the note; of much only the beginning. */
static void note_io(const struct vtx_run *run, char *text, size_t size)
{
	const uint8_t *data = (const uint8_t *)run + run->io.data_offset;
	size_t i, n = run->io.size * run->io.count;
	int used;

	used = snprintf(text, size, ",\"out\":%u,\"port\":%u,\"size\":%u,\"count\":%u,\"data\":\"",
			run->io.out, run->io.port, run->io.size, run->io.count);
	for (i = 0; i < n && i < 64; i++)
		used += snprintf(text + used, size - used, "%02x", data[i]);
	snprintf(text + used, size - used, "\"");
}

/* Note an exit and where the guest was. */
static void note_exit(struct vm *vm, double begin, double end)
{
	const struct vtx_run *run = vm->run;
	struct vtx_regs regs = {};
	char io[256] = "";

	/* The host's own turns are no doing of the guest's. */
	if (!trace_wanted() || run->exit == VTX_EXIT_INTR)
		return;
	if (run->exit == VTX_EXIT_IO)
		note_io(run, io, sizeof(io));
	ioctl(vm->vcpu_fd, VTX_GET_REGS, &regs);
	trace_event(begin, end,
		    "\"exit\":%u,\"reason\":%u,\"qualification\":%llu,\"rip\":%llu,\"if\":%u%s",
		    run->exit, run->hw_reason, (unsigned long long)run->hw_qualification,
		    (unsigned long long)regs.rip, run->if_flag, io);
}

static void *vcpu_thread(void *arg)
{
	struct vm *vm = arg;
	double begin, end;
	int err;

	is_vcpu_thread = true;
	for (;;) {
		/* A kick up to here has been heard: one from here on is still set in VTX_RUN. */
		__atomic_store_n(&vm->run->immediate_exit, 0, __ATOMIC_SEQ_CST);
		if (vm->ended)
			break;
		begin = trace_now();
		err = ioctl(vm->vcpu_fd, VTX_RUN, 0) ? errno : 0;
		if (err && err != EINTR && err != EAGAIN)
			die(STATUS_NO_VTX, "VTX_RUN: %s", strerror(err));
		end = trace_now();
		if (err)
			continue;

		vcpu_handle_exit(vm);
		note_exit(vm, begin, end);
	}
	term_wake();
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
	irqchip_lock();
	devices_reset();
	irqchip_unlock(vm);
	err = pthread_create(&vm->vcpu_thread, NULL, vcpu_thread, vm);
	if (err)
		die(STATUS_NO_VTX, "no thread for the vCPU: %s", strerror(err));
	term_loop(vm);
	pthread_join(vm->vcpu_thread, NULL);
	serial_drain(vm->status == STATUS_LEFT);
	if (vm->why)
		fprintf(stderr, "vtxctl: %s\n", vm->why);
	else if (vm->status == STATUS_KILLED || vm->status == STATUS_SHUTDOWN)
		explain_end(vm);
	return vm->status;
}
