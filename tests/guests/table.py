# SPDX-License-Identifier: GPL-2.0-only
"""The programs: which package, how each is started, what is typed, what must be seen."""

from __future__ import annotations

import dataclasses
import gzip
import shutil
from collections.abc import Callable

from tests.guests import loaders
from tests.guests.loaders import Start, assemble
from tests.guests.packages import FOLDER, fetch, run

# Of ours: an OUT of 42 to the exit port.
ENDED_ITSELF = 42 << 1 | 1
HALTED, KILLED = 0, 4

NO_FPU = "it used the FPU, and VirtX has none for it yet"


@dataclasses.dataclass(frozen=True)
class Guest:
    """`talk`: what is waited for (a regular expression), and what is typed then."""

    name: str
    packages: tuple[str, ...]
    start: Callable[[], Start]
    talk: tuple[tuple[str, bytes], ...] = ()
    status: int = ENDED_ITSELF
    says: str = ""  # VTXCTL, on standard error
    keys: bool = False  # typed at the keyboard, not at the serial port


def content(package: str, path: str) -> bytes:
    return (fetch(package) / path).read_bytes()


def grub() -> Start:
    """GRUB 2 for coreboot, with its own tests of its own arithmetic in it."""
    modules = fetch("grub-coreboot-bin") / "usr/lib/grub/i386-coreboot"
    early = FOLDER / "grub.cfg"
    early.write_text("serial --speed=115200\nterminal_input serial\nterminal_output serial\n")
    wanted = "serial terminal echo lsmmap normal iorw hashsum functional_test bswap_test cmp_test"
    wanted += " mul_test shift_test setjmp_test strtoull_test"
    image = FOLDER / "grub.elf"
    options = ["-O", "i386-coreboot", "-d", modules, "-p", "(memdisk)", "-c", early, "-o", image]
    run("grub-mkimage", *options, *wanted.split())
    return loaders.coreboot(image.read_bytes())


def grub_legacy() -> Start:
    """Its second stage, as its first one would have loaded it."""
    stage2 = content("grub-legacy", "usr/lib/grub/x86_64-pc/stage2")
    return loaders.bios({0x8000: stage2}, BOOT_CS=0, BOOT_IP=0x8200, BOOT_DS=0)


def isolinux() -> Start:
    """A CD with ISOLINUX, and some programs of its own kind."""
    folder, image = FOLDER / "iso", FOLDER / "cd.iso"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    modules = fetch("syslinux-common") / "usr/lib/syslinux/modules/bios"
    for name in ("ldlinux", "libcom32", "libutil", "meminfo", "ls", "reboot"):
        shutil.copy(modules / f"{name}.c32", folder)
    shutil.copy(fetch("isolinux") / "usr/lib/ISOLINUX/isolinux.bin", folder)
    (folder / "isolinux.cfg").write_text("SERIAL 0 115200\nPROMPT 1\nSAY its file was read\n")
    boot = ["-b", "isolinux.bin", "-no-emul-boot", "-boot-load-size", "4", "-boot-info-table"]
    run("xorriso", "-as", "mkisofs", "-quiet", "-o", image, *boot, folder)
    disc = image.read_bytes()
    return loaders.bios({}, disc, DRIVE=0xE0, SHIFT=11, LBA=loaders.el_torito(disc))


PARTITION = """
bits 16
org 0x7c00
    mov ax, 0x0e00 + 'P'
    int 0x10
    mov al, 42
    out 0xf4, al
    times 510 - ($ - $$) db 0
    dw 0xaa55
"""


def mbr() -> Start:
    """A disc with the MBR of the package mbr, and one partition of one sector, ours."""
    image = FOLDER / "disc.img"
    table = bytearray(64)
    # Active, from cylinder 0, head 0, sector 2 on; LBA 1.
    table[0:16] = bytes([0x80, 0, 2, 0, 0x83, 0, 2, 0, 1, 0, 0, 0, 1, 0, 0, 0])
    sector = bytes(446) + bytes(table) + b"\x55\xaa"
    image.write_bytes(sector + assemble(PARTITION) + bytes(62 * 512))
    install = fetch("mbr") / "sbin/install-mbr"
    run(install, "--force", "-e", "1234FA", "-i", "k", "-p", "1", "-t", "182", image)
    return loaders.bios({}, image.read_bytes(), LBA=0)


def xen() -> Start:
    program = gzip.decompress(
        next((fetch("xen-hypervisor-4.17-amd64") / "boot").glob("*.gz")).read_bytes()
    )
    return loaders.multiboot(program, "xen com1=115200,8n1 console=com1")


def invaders() -> Start:
    return loaders.multiboot(content("grub-invaders", "boot/invaders.exec"), "invaders")


def memtest() -> Start:
    return loaders.linux(content("memtest86+", "boot/memtest86+ia32.bin"), "console=ttyS0,115200")


def ipxe() -> Start:
    """A kernel in real mode, as Linux's boot protocol has it."""
    program = bytearray(content("ipxe", "boot/ipxe.lkrn"))
    program[0x210] = 0xFF
    setup = (program[0x1F1] + 1) * 512
    pieces = {0x10000: bytes(program[:setup]), 0x100000: bytes(program[setup:])}
    return loaders.bios(pieces, BOOT_CS=0x1020, BOOT_IP=0, BOOT_DS=0x1000)


def u_boot() -> Start:
    return loaders.rom(content("u-boot-qemu", "usr/lib/u-boot/qemu-x86/u-boot.rom"))


def seabios() -> Start:
    return loaders.rom(content("seabios", "usr/share/seabios/bios.bin"))


GRUB, BOOT = "grub> ", "boot: $"

GUESTS = (
    Guest(
        "GRUB",
        ("grub-coreboot-bin",),
        grub,
        (
            ("GNU GRUB  version 2", b""),
            (GRUB, b"lsmmap\r"),
            ("base_addr = 0x100000, length = 0x3f00000, available RAM", b""),
            (GRUB, b"functional_test\r"),
            ("mul_test: PASS", b""),
            ("ALL TESTS PASSED", b""),
            (GRUB, b"outb 0xf4 42\r"),
        ),
    ),
    Guest(
        "GRUB Legacy",
        ("grub-legacy",),
        grub_legacy,
        (
            (r"GNU GRUB  version 0\.97  \(639K lower / 64512K upper memory\)", b""),
            (GRUB, b"displaymem\r"),
            (r"Length:   0x0 X 4GB \+ 0x3f00000 bytes", b""),
            (GRUB, b"serial --unit=0 --speed=115200\r"),
            (GRUB, b"terminal --dumb serial\r"),
            (r"GNU GRUB  version 0\.97", b""),
            (GRUB, b"reboot\r"),
        ),
    ),
    Guest(
        "ISOLINUX",
        ("isolinux", "syslinux-common"),
        isolinux,
        (
            (r"ISOLINUX 6\.04", b""),
            ("its file was read", b""),
            (BOOT, b"meminfo.c32\r"),
            (r"0000000000100000x 0000000003f00000x .* usable", b""),
            (BOOT, b"ls.c32\r"),
            (r"meminfo\.c32", b""),
            (BOOT, b"reboot.c32\r"),
        ),
    ),
    Guest(
        "MBR",
        ("mbr",),
        mbr,
        (("MBR ", b" "), ("MBR 1234FA?:", b"1"), ("P", b"")),
    ),
    Guest(
        "Xen",
        ("xen-hypervisor-4.17-amd64",),
        xen,
        (("ERR: Not a 64-bit CPU!", b""),),
        status=HALTED,
    ),
    Guest("GRUB Invaders", ("grub-invaders",), invaders, keys=True),
)

# What stops them; when VirtX has it, a test fails here and a row above can be written.
NOT_YET = (
    Guest("Memtest86+", ("memtest86+",), memtest, status=KILLED, says=NO_FPU),
    Guest("iPXE", ("ipxe",), ipxe, status=KILLED, says=NO_FPU),
    Guest("U-Boot", ("u-boot-qemu",), u_boot, status=KILLED, says=NO_FPU),
    Guest(
        "SeaBIOS",
        ("seabios",),
        seabios,
        status=KILLED,
        says="it read from 0xfee00030, where it has no memory",
    ),
)
