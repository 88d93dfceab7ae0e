# SPDX-License-Identifier: GPL-2.0-only
"""The packages of Debian 12 that VirtX needs, each with its reason. `make setup` reads this."""

PACKAGES = (
    # To build
    ("gcc", "compiles the launcher, the agent and the tests"),
    ("gcc-12", "the compiler that Debian built the test machine's kernel with"),
    ("libc6-dev", "the C library, static too: the test machine has none"),
    ("make", "runs every build"),
    ("binutils", "objcopy and strip, for modules"),
    ("nasm", "assembles NanoX"),
    ("libcapstone-dev", "knows all x86 instructions by name"),
    ("linux-kbuild-6.1", "the build programs of the test machine's kernel"),
    # The test machine
    ("bochs", "emulates a PC with VT-x"),
    ("bochsbios", "its firmware"),
    ("bochs-term", "its text display"),
    ("vgabios", "its video firmware"),
    ("busybox-static", "the programs of the test machine"),
    ("cpio", "packs its first file system"),
    ("grub-common", "makes its boot disc"),
    ("grub-pc-bin", "boots that disc"),
    ("mtools", "needed by grub-mkrescue"),
    ("xorriso", "writes the disc's image"),
    ("qemu-system-x86", "a plain PC without VT-x, for `make stage-01 bare`"),
    # To read
    ("git", "compares and merges the stages"),
    ("universal-ctags", "knows where a function begins"),
    ("less", "shows a long difference page by page"),
    # To test
    ("python3-pytest", "runs the tests"),
    ("python3-pytest-xdist", "runs them on every CPU"),
    ("python3-pexpect", "plays the person at the terminal"),
    ("libcmocka-dev", "unit tests in C"),
    # To check the style
    ("clang-format", "C"),
    ("black", "Python"),
    ("shellcheck", "shell"),
    ("codespell", "prose"),
)

# Only `make test-all` asks for these.
TEST_ALL_PACKAGES = (("clang", "libFuzzer, which looks for what breaks a device model"),)

# Only `make debug-kernel` asks for these.
DEBUG_KERNEL_PACKAGES = (
    ("bc", "computes the kernel's clock constants"),
    ("bison", "reads its settings"),
    ("flex", "reads its settings"),
    ("libelf-dev", "its build looks into object files"),
    ("xz-utils", "unpacks its source"),
)
