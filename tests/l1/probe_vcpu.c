// SPDX-License-Identifier: GPL-2.0-only
/*
 * What may be done with a vCPU before it can run, and what becomes of it. Each
 * word on the command line is one story; see the table at the end.
 */
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "mem_vm.h"

static int create_vcpu(int vm, uint32_t id, uint32_t flags)
{
	struct vtx_create_vcpu create = { .id = id, .flags = flags };

	return ioctl(vm, VTX_CREATE_VCPU, &create);
}

static int must_create_vcpu(int vm)
{
	return must("VTX_CREATE_VCPU", create_vcpu(vm, 0, 0));
}

static long probe_form(int vcpu, uint32_t form)
{
	struct vtx_probe probe = { .form = form };

	return ioctl(vcpu, VTX_PROBE_ENTRY, &probe);
}

static void tell_counters(const char *when)
{
	printf("%s: %ld VMs, %ld vCPUs\n", when, counter("vms"), counter("vcpus"));
	fflush(stdout);
}

static void story_forms(void)
{
	int vm = open_vtx(), vcpu = must_create_vcpu(vm);
	uint32_t form;

	for (form = 1; form < VTX_NR_FORMS; form++) {
		struct vtx_probe p = { .form = form };

		must("VTX_PROBE_ENTRY", ioctl(vcpu, VTX_PROBE_ENTRY, &p));
		printf("form %u: %u %u %#x %#x %u %#llx %#llx %#llx %u\n", form, p.error,
		       p.exit_reason, p.spoilt_field, p.field, p.rule,
		       (unsigned long long)p.spoilt_from, (unsigned long long)p.spoilt_to,
		       (unsigned long long)p.value, p.fields_filled);
	}
}

static void story_arguments(void)
{
	const struct rlimit none = { 4, 4096 }, enough = { 1024, 4096 };
	struct vtx_probe probe = { .form = VTX_FORM_PIN_ZERO, .reserved = 1 };
	struct vtx_caps caps = { .size = sizeof(caps) };
	void *readonly = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int vm = open_vtx(), vcpu;

	tell("vCPU 1", create_vcpu(vm, 1, 0));
	tell("unknown flag", create_vcpu(vm, 0, 1));
	tell("create: no pointer", ioctl(vm, VTX_CREATE_VCPU, NULL));
	must("setrlimit", setrlimit(RLIMIT_NOFILE, &none));
	tell("no descriptor left", create_vcpu(vm, 0, 0));
	must("setrlimit", setrlimit(RLIMIT_NOFILE, &enough));
	vcpu = tell("the first", create_vcpu(vm, 0, 0));
	tell("the second", create_vcpu(vm, 0, 0));

	tell("form 0", probe_form(vcpu, 0));
	tell("form after the last", probe_form(vcpu, VTX_NR_FORMS));
	tell("form all ones", probe_form(vcpu, -1));
	tell("reserved set", ioctl(vcpu, VTX_PROBE_ENTRY, &probe));
	tell("probe: no pointer", ioctl(vcpu, VTX_PROBE_ENTRY, NULL));
	tell("probe: read-only", ioctl(vcpu, VTX_PROBE_ENTRY, readonly));
	tell("probe of the VM", ioctl(vm, VTX_PROBE_ENTRY, &probe));
	tell("caps of the vCPU", ioctl(vcpu, VTX_GET_CAPS, &caps));
	tell("unknown ioctl", ioctl(vcpu, _IO(VTX_IOC_MAGIC, 0xff), 0));
	tell("form 1", probe_form(vcpu, 1));

	close(vcpu);
	tell("another, after it", create_vcpu(vm, 0, 0));
}

/* A page that is not there yet: whoever touches it waits until we bring it. */
static int absent_page(void *page)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register area = {
		.range = { (uintptr_t)page, PAGE },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	int fd = must("userfaultfd", syscall(SYS_userfaultfd, O_CLOEXEC));

	must("UFFDIO_API", ioctl(fd, UFFDIO_API, &api));
	must("UFFDIO_REGISTER", ioctl(fd, UFFDIO_REGISTER, &area));
	return fd;
}

static int busy_vcpu;

static void *first_thread(void *page)
{
	return (void *)(long)ioctl(busy_vcpu, VTX_PROBE_ENTRY, page);
}

/* One thread is stopped in the midst of the ioctl, while it reads its argument. */
static void story_busy(void)
{
	static struct {
		struct vtx_probe probe;
		uint8_t rest[PAGE - sizeof(struct vtx_probe)];
	} full = { .probe.form = 1 };
	void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct uffdio_copy copy = { (uintptr_t)page, (uintptr_t)&full, PAGE, 0, 0 };
	struct vtx_caps caps = { .size = sizeof(caps) };
	int uffd = absent_page(page), vm = open_vtx();
	struct uffd_msg waits;
	pthread_t thread;
	void *result;

	busy_vcpu = must_create_vcpu(vm);
	pthread_create(&thread, NULL, first_thread, page);
	must("read", read(uffd, &waits, sizeof(waits)));
	tell("second thread", probe_form(busy_vcpu, 1));
	tell("second thread, unknown ioctl", ioctl(busy_vcpu, _IO(VTX_IOC_MAGIC, 0xff), 0));
	tell("the VM meanwhile", ioctl(vm, VTX_GET_CAPS, &caps));
	must("UFFDIO_COPY", ioctl(uffd, UFFDIO_COPY, &copy));
	pthread_join(thread, &result);
	tell("first thread", (long)result);
	tell("second thread, after it", probe_form(busy_vcpu, 1));
}

static void story_vm_first(void)
{
	int vm = open_vtx(), vcpu = must_create_vcpu(vm);

	close(vm);
	tell_counters("VM closed");
	tell("probe", probe_form(vcpu, 1));
	close(vcpu);
	tell_counters("vCPU closed");
}

static void story_vcpu_first(void)
{
	struct vtx_caps caps = { .size = sizeof(caps) };
	int vm = open_vtx(), vcpu = must_create_vcpu(vm);

	close(vcpu);
	tell_counters("vCPU closed");
	tell("caps", ioctl(vm, VTX_GET_CAPS, &caps));
	close(vm);
	tell_counters("VM closed");
}

static void story_fork(void)
{
	int vm = open_vtx(), vcpu = must_create_vcpu(vm), status;
	pid_t child = must("fork", fork());

	if (!child) {
		tell("child: probe", probe_form(vcpu, 1));
		tell("child: probe with a bad form", probe_form(vcpu, 0));
		tell("child: create", create_vcpu(vm, 0, 0));
		exit(0);
	}
	must("waitpid", waitpid(child, &status, 0));
	tell("parent: probe", probe_form(vcpu, 1));
}

/* Until our standard input ends, or we are killed. */
static void story_hold(void)
{
	int vm = open_vtx(), vcpu = must_create_vcpu(vm);
	char byte;

	close(vm);
	tell("probe", probe_form(vcpu, 1));
	must("read", read(0, &byte, 1));
}

static void story_many(void)
{
	int vm = open_vtx(), vcpu = must_create_vcpu(vm), i, done = 0;

	for (i = 0; i < 1000; i++)
		done += !probe_form(vcpu, 1 + i % (VTX_NR_FORMS - 1));
	printf("done: %d\n", done);
}

/* Three vCPUs in a row, on one CPU: each VMCS leaves it before the next comes. */
static void story_several(void)
{
	int vcpu[3], i, round, done = 0;

	for (i = 0; i < 3; i++)
		vcpu[i] = must_create_vcpu(open_vtx());
	for (round = 0; round < 30; round++)
		for (i = 0; i < 3; i++)
			done += !probe_form(vcpu[i], 1 + round % 5);
	/* One goes, the others stay. */
	close(vcpu[1]);
	for (i = 0; i < 3; i += 2)
		done += !probe_form(vcpu[i], 1);
	printf("done: %d\n", done);
}

static atomic_bool storm_over;
static atomic_long storm_ok, storm_again, storm_other;

static void *storm_thread(void *unused)
{
	int vm = open_vtx(), vcpu = must_create_vcpu(vm);

	while (!storm_over) {
		if (!probe_form(vcpu, 5))
			storm_ok++;
		else if (errno == EAGAIN)
			storm_again++;
		else
			storm_other++;
		sched_yield();
	}
	close(vcpu);
	close(vm);
	return unused;
}

/* Probes on all CPUs, until our standard input ends. */
static void story_storm(void)
{
	pthread_t threads[2];
	char byte;
	size_t i;

	for (i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, storm_thread, NULL);
	while (!storm_ok)
		sched_yield();
	puts("storm: ok");
	fflush(stdout);
	must("read", read(0, &byte, 1));
	storm_over = true;
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	printf("ok: %ld\nagain: %ld\nother: %ld\n", storm_ok, storm_again, storm_other);
}

static const struct {
	const char *name;
	void (*tell)(void);
} stories[] = {
	{ "forms", story_forms },
	{ "arguments", story_arguments },
	{ "busy", story_busy },
	{ "vm-first", story_vm_first },
	{ "vcpu-first", story_vcpu_first },
	{ "fork", story_fork },
	{ "hold", story_hold },
	{ "many", story_many },
	{ "several", story_several },
	{ "storm", story_storm },
};

int main(int argc, char **argv)
{
	size_t i;

	for (i = 0; i < sizeof(stories) / sizeof(stories[0]); i++)
		if (argc == 2 && !strcmp(argv[1], stories[i].name)) {
			stories[i].tell();
			return 0;
		}
	errx(1, "which story?");
}
