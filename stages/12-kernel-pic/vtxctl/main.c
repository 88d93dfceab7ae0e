// SPDX-License-Identifier: GPL-2.0-only
/*
 * VTXCTL, the launcher: it owns the guest's memory, loads the guest into it
 * and asks VTXDRV to run it.
 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vtxctl.h"

static const char usage[] =
	"usage: vtxctl [OPTION]... GUEST[@ADDR], or none with --rom\n"
	"       vtxctl [--trace FILE] --caps\n"
	"  GUEST       a flat image, put at ADDR (0x7c00)\n"
	"  --mem SIZE  the guest's RAM, from 64K to 3G (64M)\n"
	"  --load ...  one more file for its memory; may be given 8 times\n"
	"  --entry ... where it begins, in hex: SEG:OFF in real mode (the guest's first\n"
	"              byte), or a flat address in protected mode\n"
	"  --rom FILE  a ROM instead of ours, where the CPU begins: up to 16M\n"
	"  --no-reboot a reset ends the guest\n"
	"  --probe     try to enter the guest, five times with a mistake\n"
	"  --walk      find the guest's letter in the host's memory\n"
	"  --trace ... note in FILE what is asked of VTXDRV, and every VM exit\n"
	"  --caps      say what this CPU can do for a hypervisor\n"
	"  --help      this text\n"
	"  --version   the name of this program\n"
	"Needs /dev/vtx, so load vtxdrv.ko first.\n"
	"The guest's serial port is standard input and output. At a terminal Ctrl-A x\n"
	"leaves, and Ctrl-A h helps.\n"
	"Exit status: 0 it halted, 2 bad usage, 4 it was ended for what it did,\n"
	"6 triple fault, 8 left by Ctrl-A x, 10 it waits for ever, 12 it asked for a\n"
	"reset (with --no-reboot), 126 no VMX here;\n"
	"(V << 1 | 1) & 255 if it wrote V to port 0xf4.\n";

static const struct option options[] = {
	{ "caps", no_argument, NULL, 'c' },
	{ "entry", required_argument, NULL, 'e' },
	{ "help", no_argument, NULL, 'h' },
	{ "load", required_argument, NULL, 'l' },
	{ "mem", required_argument, NULL, 'm' },
	{ "no-reboot", no_argument, NULL, 'n' },
	{ "probe", no_argument, NULL, 'p' },
	{ "rom", required_argument, NULL, 'r' },
	{ "trace", required_argument, NULL, 't' },
	{ "version", no_argument, NULL, 'V' },
	{ "walk", no_argument, NULL, 'w' },
	{},
};

enum mode {
	MODE_RUN,
	MODE_PROBE,
	MODE_WALK,
	MODE_CAPS,
};

/* What the command line asked for. */
struct config {
	enum mode mode;
	uint64_t mem;
	const char *entry;
	const char *rom;
	bool no_reboot;
	struct image images[9]; /* the guest comes last */
	int nr_images;
};

void die(enum vtxctl_status status, const char *fmt, ...)
{
	va_list ap;

	fputs("vtxctl: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(status);
}

static void add_image(struct config *cfg, char *arg)
{
	if (cfg->nr_images == sizeof(cfg->images) / sizeof(cfg->images[0]))
		die(STATUS_USAGE, "%s: 8 files can be loaded beside the guest, not more", arg);
	cfg->images[cfg->nr_images++] = image_parse(arg);
}

static struct config parse_args(int argc, char **argv)
{
	struct config cfg = { .mem = 64 << 20 };
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case 'c':
			cfg.mode = MODE_CAPS;
			break;
		case 'e':
			cfg.entry = optarg;
			break;
		case 'h':
			fputs(usage, stdout);
			exit(STATUS_OK);
		case 'l':
			add_image(&cfg, optarg);
			break;
		case 'm':
			cfg.mem = mem_parse_size(optarg);
			break;
		case 'n':
			cfg.no_reboot = true;
			break;
		case 'p':
			cfg.mode = MODE_PROBE;
			break;
		case 'r':
			cfg.rom = optarg;
			break;
		case 't':
			trace_open(optarg);
			break;
		case 'V':
			puts("vtxctl (VirtX)");
			exit(STATUS_OK);
		case 'w':
			cfg.mode = MODE_WALK;
			break;
		default:
			fputs(usage, stderr);
			exit(STATUS_USAGE);
		}
	}
	if (cfg.rom && cfg.mode == MODE_RUN && argc == optind)
		return cfg;
	if (argc - optind != (cfg.mode != MODE_CAPS)) {
		fputs(usage, stderr);
		exit(STATUS_USAGE);
	}
	if (cfg.mode != MODE_CAPS)
		add_image(&cfg, argv[optind]);
	return cfg;
}

/* Ask VTXDRV what this CPU can do, tell the user. */
static int report_caps(struct vm *vm)
{
	struct vtx_caps caps = { .size = sizeof(caps) };

	if (vm_ioctl(vm->fd, VTX_GET_CAPS, &caps))
		die(STATUS_NO_VTX, "VTX_GET_CAPS: %s: is vtxdrv.ko of the same stage?",
		    strerror(errno));
	caps_report(&caps);
	return STATUS_OK;
}

/*
 * Put all files into the guest's memory, as after power-on. Return: where the
 * guest begins: where --entry says, or at its first byte. A ROM knows it itself.
 */
struct entry machine_load(struct vm *vm)
{
	struct config *cfg = vm->config;
	int i;

	for (i = 0; i < cfg->nr_images; i++)
		image_load(vm, &cfg->images[i]);
	if (cfg->rom)
		mem_load_rom(vm, cfg->rom);
	if (cfg->entry)
		return image_parse_entry(cfg->entry);
	return i && !cfg->rom ? image_entry(&cfg->images[i - 1]) : (struct entry){};
}

static int run(struct vm *vm, const struct entry *entry)
{
	vm->no_reboot = vm->config->no_reboot;
	if (!vm->config->rom)
		mem_create_rom(vm, entry);
	vcpu_begin(vm, entry);
	return vcpu_run(vm);
}

int main(int argc, char **argv)
{
	struct config cfg = parse_args(argc, argv);
	struct vm vm = { .config = &cfg };
	struct entry entry;

	vm_open(&vm);
	if (cfg.mode == MODE_CAPS)
		return report_caps(&vm);

	mem_create(&vm, cfg.mem);
	entry = machine_load(&vm);

	if (cfg.mode == MODE_WALK) {
		walk_report(&vm, &cfg.images[cfg.nr_images - 1]);
		return STATUS_OK;
	}
	irqchip_create(&vm);
	vcpu_open(&vm);
	if (cfg.mode == MODE_RUN)
		return run(&vm, &entry);
	vcpu_probe(&vm);
	return STATUS_OK;
}
