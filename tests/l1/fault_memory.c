// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host runs out of memory, in turn at each place where VTXDRV asks for
 * some: a memory cgroup allows one page more at each try. Nobody is killed for
 * it; whoever asks the kernel for memory is refused instead.
 *
 * usage: fault_memory CGROUP		a folder below a mounted memory cgroup
 *
 * Prints "REQUEST: TIMES" for each that was refused with ENOMEM, and "end: ok"
 * when there was memory enough for all.
 */
#include "fault_vm.h"

#define RAM_PAGES 16
#define MOST_PAGES 1000

static int limit_fd;

static void cgroup_write(const char *cgroup, const char *name, long value)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", cgroup, name);
	file = fopen(path, "w");
	if (!file)
		err(1, "%s", path);
	fprintf(file, "%ld", value);
	must(path, fclose(file));
}

/* To open a file takes memory, so this one is open. */
static int set_limit(long bytes)
{
	char text[24];

	return pwrite(limit_fd, text, snprintf(text, sizeof(text), "%ld", bytes), 0);
}

enum step {
	OPEN,
	MAP_RAM,
	MAP_ROM,
	CREATE_UART,
	CREATE_VCPU,
	ALL_DONE,
};

static const char *const names[] = {
	"open",
	"VTX_MAP_MEMORY",
	"VTX_MAP_MEMORY far up",
	"VTX_CREATE_UART",
	"VTX_CREATE_VCPU",
};

/* A VM, as far as we get; how far is the return value. */
static enum step try(void *ram, void *rom)
{
	int vm = open("/dev/vtx", O_RDWR | O_CLOEXEC), vcpu = -1, uart = -1;
	enum step step = OPEN;

	if (vm < 0)
		goto out;
	step = MAP_RAM;
	if (map_memory(vm, 0, ram, RAM_PAGES * PAGE, 0))
		goto out;
	step = MAP_ROM;
	if (map_memory(vm, ROM_ADDR, rom, PAGE, VTX_MEM_READONLY))
		goto out;
	step = CREATE_UART;
#ifdef VTX_CREATE_UART
	struct vtx_create_irqchip chips = { .chips = VTX_CHIP_PIC };
	struct vtx_create_uart create = { .port = 0x3f8, .gsi = 4 };

	must("VTX_CREATE_IRQCHIP", ioctl(vm, VTX_CREATE_IRQCHIP, &chips));
	uart = ioctl(vm, VTX_CREATE_UART, &create);
	if (uart < 0)
		goto out;
#endif
	step = CREATE_VCPU;
#ifdef VTX_CREATE_VCPU
	vcpu = create_vcpu(vm);
	if (vcpu < 0)
		goto out;
#endif
	step = ALL_DONE;
out:
	if (step != ALL_DONE && errno != ENOMEM) {
		int error = errno;

		set_limit(-1); /* to say so takes memory, too */
		errno = error;
		err(1, "%s", names[step]);
	}
	close(vcpu);
	close(uart);
	close(vm);
	return step;
}

int main(int argc, char **argv)
{
	long refused[ALL_DONE] = {}, limit;
	void *ram = pages(RAM_PAGES), *rom = make_rom();
	enum step step = OPEN;
	char path[256];
	int i;

	if (argc != 2)
		errx(1, "usage: fault_memory CGROUP");
	cgroup_write(argv[1], "cgroup.procs", getpid());
	cgroup_write(argv[1], "memory.oom_control", 1);
	snprintf(path, sizeof(path), "%s/memory.limit_in_bytes", argv[1]);
	limit_fd = must(path, open(path, O_WRONLY));

	/* All of our own memory must be there before memory becomes scarce. */
	memset(ram, 0, RAM_PAGES * PAGE);
	must("mlockall", mlockall(MCL_CURRENT | MCL_FUTURE));
	try(ram, rom);

	for (limit = 0; limit < MOST_PAGES && step != ALL_DONE; limit++) {
		/* Refused as long as we have more than that. */
		if (set_limit(limit * PAGE) < 0)
			continue;
		step = try(ram, rom);
		must("no limit", set_limit(-1));
		if (step != ALL_DONE)
			refused[step]++;
		if (counter("vms") || counter("pages"))
			errx(1, "refused at %s, it left %ld VMs and %ld pages", names[step],
			     counter("vms"), counter("pages"));
	}
	for (i = 0; i < ALL_DONE; i++)
		printf("%s: %ld\n", names[i], refused[i]);
	printf("end: %s\n", step == ALL_DONE ? "ok" : "never enough");
	return 0;
}
