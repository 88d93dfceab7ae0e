// SPDX-License-Identifier: GPL-2.0-only
/*
 * A flat image has no header and no format: its bytes are put into memory as
 * they are. So somebody must say where; 0x7C00 if nobody does.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vtxctl.h"

/* "FILE" or "FILE@ADDR". The address is cut off `arg`. */
struct image image_parse(char *arg)
{
	struct image image = { .path = arg, .addr = BOOT_ADDR };
	char *at = strrchr(arg, '@'), *end;

	if (!at)
		return image;

	errno = 0;
	image.addr = strtoull(at + 1, &end, 0);
	if (errno || end == at + 1 || *end || at[1] == '-')
		die(STATUS_USAGE, "%s: give the address behind @ as a number, as 0x7c00", arg);
	*at = '\0';
	return image;
}

/* "SEG:OFF", both in hex, as 0000:7c00; or ADDR alone, for protected mode. */
struct entry image_parse_entry(const char *text)
{
	struct entry e = {};
	unsigned int seg, off;
	unsigned long long addr;
	char rest;

	if (sscanf(text, "%x:%x%c", &seg, &off, &rest) == 2 && seg <= 0xffff && off <= 0xffff) {
		e.segment = seg;
		e.offset = off;
	} else if (sscanf(text, "%llx%c", &addr, &rest) == 1 && addr <= UINT32_MAX) {
		e.flat = true;
		e.offset = addr;
	} else {
		die(STATUS_USAGE,
		    "--entry %s: give segment:offset in hex, as 0000:7c00, or a flat address, as 100000",
		    text);
	}
	return e;
}

/* Where nobody says, the guest begins at its first byte. */
struct entry image_entry(const struct image *image)
{
	uint64_t seg = image->addr > 0xffff ? image->addr >> 4 : 0;

	if (seg > 0xffff)
		die(STATUS_USAGE, "%s: real mode does not reach %#llx: say where to begin (--entry)",
		    image->path, (unsigned long long)image->addr);
	return (struct entry){ .segment = seg, .offset = image->addr - (seg << 4) };
}

/* Open it, and note its size; it must be a file. */
int image_open(struct image *image)
{
	int fd = open(image->path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		die(STATUS_USAGE, "%s: %s: give the guest's image", image->path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		die(STATUS_USAGE, "%s: not a file: give the guest's image", image->path);
	if (!st.st_size)
		die(STATUS_USAGE, "%s: empty: was it built?", image->path);
	image->size = st.st_size;
	return fd;
}

/* Read what image_open() has opened, and close it. */
void image_read(int fd, const struct image *image, uint8_t *to)
{
	size_t done = 0;
	ssize_t n;

	while (done < image->size) {
		n = read(fd, to + done, image->size - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			die(STATUS_USAGE, "%s: %s", image->path,
			    n ? strerror(errno) : "became shorter while it was read");
		done += n;
	}
	close(fd);
}

void image_load(struct vm *vm, struct image *image)
{
	int fd = image_open(image);

	if (image->addr >= vm->ram_size || image->size > vm->ram_size - image->addr)
		die(STATUS_USAGE,
		    "%s: %llu bytes at %#llx do not fit into %llu KiB: another address, or more --mem",
		    image->path, (unsigned long long)image->size, (unsigned long long)image->addr,
		    (unsigned long long)vm->ram_size >> 10);
	image_read(fd, image, vm->ram + image->addr);
}
