// SPDX-License-Identifier: GPL-2.0-only
/*
 * VTXCTL, the launcher: it opens the door that VTXDRV made and asks. For now
 * there is one question: what can this CPU do?
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "vtxctl.h"

static const char usage[] =
	"usage: vtxctl --caps\n"
	"  --caps      say what this CPU can do for a hypervisor\n"
	"  --help      this text\n"
	"  --version   the name of this program\n"
	"Needs /dev/vtx, so load vtxdrv.ko first.\n"
	"Exit status: 0 done, 2 bad usage, 126 no VMX here.\n";

static const struct option options[] = {
	{ "caps", no_argument, NULL, 'c' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{},
};

/* Ask VTXDRV, tell the user. */
static int report(void)
{
	struct vtx_caps caps = { .size = sizeof(caps) };
	int fd;

	fd = open("/dev/vtx", O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		fprintf(stderr, "vtxctl: /dev/vtx: %s: load vtxdrv.ko first; `dmesg` says why it refused\n",
			strerror(errno));
		return STATUS_NO_VTX;
	}
	if (ioctl(fd, VTX_GET_CAPS, &caps)) {
		fprintf(stderr, "vtxctl: VTX_GET_CAPS: %s: is vtxdrv.ko of the same stage?\n",
			strerror(errno));
		return STATUS_NO_VTX;
	}

	caps_report(&caps);
	close(fd);
	return STATUS_OK;
}

int main(int argc, char **argv)
{
	int opt, want_caps = 0;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case 'c':
			want_caps = 1;
			break;
		case 'h':
			fputs(usage, stdout);
			return STATUS_OK;
		case 'V':
			puts("vtxctl (VirtX)");
			return STATUS_OK;
		default:
			fputs(usage, stderr);
			return STATUS_USAGE;
		}
	}
	if (!want_caps || optind < argc) {
		fputs(usage, stderr);
		return STATUS_USAGE;
	}
	return report();
}
