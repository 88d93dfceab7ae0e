# SPDX-License-Identifier: GPL-2.0-only
"""Debian's packages that VirtX needs, and what for. `make setup` installs what is missing."""

PACKAGES: dict[str, str] = {
    # To build
    "make": "builds everything",
    "gcc": "the kernel module, the launcher, the guests in C",
    "libc6-dev": "static programs for the test machine",
    "nasm": "the guests in assembly",
    "linux-kbuild-6.1": "programs that build kernel modules",
    # The test machine
    "bochs": "emulates a computer with VT-x",
    "bochsbios": "its firmware",
    "bochs-term": "its display, which nobody looks at",
    "vgabios": "its display's firmware",
    "busybox-static": "the test machine's commands",
    "cpio": "the test machine's initramfs",
    "grub-common": "the disc that the test machine boots from",
    "grub-pc-bin": "its boot loader; your own stays as it is",
    "xorriso": "writes the disc",
    "qemu-system-x86": "a plain PC without VT-x, for `bare`",
    # The tests
    "python3": "the harness and the tests",
    "python3-pytest": "the tests",
    "python3-pytest-xdist": "two tests at a time",
    "python3-pexpect": "tests that type at a terminal",
    "libcmocka-dev": "unit tests in C",
    # `make lint`
    "black": "checks Python",
    "clang-format": "checks C",
    "codespell": "checks spelling",
    "shellcheck": "checks shell scripts",
}
