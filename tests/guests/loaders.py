# SPDX-License-Identifier: GPL-2.0-only
"""What starts a program that nobody here wrote: the boot protocols that it knows.

Each gives the files that VTXCTL is to have and its options. The program's own bytes stay as
they are.
"""

from __future__ import annotations

import dataclasses
import struct
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.paths import BUILD

HERE = Path(__file__).parent
MEM = 64 << 20
LOW_END, LOW_TOP = 0x9F000, 0x100000
RAM, RESERVED = 1, 2

# Where the disc of our BIOS lies in the guest's memory.
DISC = 0x1000000

# Below the programs: a few instructions, and what a boot loader hands on.
STUB, INFO = 0x7000, 0x7400
CALL = """
bits 32
org {stub}
    mov word [0x400], 0x3f8     ; the BIOS data area: COM1, 636 KiB, and where they end
    mov word [0x413], 636
    mov word [0x40e], 0x9f00
    mov esp, {stub}
    mov eax, {eax}
    mov ebx, {ebx}
    mov esi, {esi}
    xor ebp, ebp
    xor edi, edi
    lgdt [gdt]
    jmp 0x10:begin
begin:
    mov cx, 0x18
    mov ds, cx
    mov es, cx
    mov ss, cx
    jmp {entry}
table:
    dq 0, 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
gdt:
    dw 31
    dd table
"""


@dataclasses.dataclass(frozen=True)
class Start:
    """Files beside VTXCTL, and its options."""

    files: Mapping[str, bytes]
    options: Sequence[str]


def assemble(text: str, **defines: int) -> bytes:
    folder = BUILD / "guests"
    source, image = folder / "stub.asm", folder / "stub.bin"
    source.write_text(text)
    options = [f"-D{name}={value}" for name, value in defines.items()]
    subprocess.run(["nasm", "-f", "bin", *options, "-o", image, source], check=True)
    return image.read_bytes()


def memory_map() -> list[tuple[int, int, int]]:
    """Address, size and kind, as a BIOS tells it."""
    return [
        (0, LOW_END, RAM),
        (LOW_END, LOW_TOP - LOW_END, RESERVED),
        (LOW_TOP, MEM - LOW_TOP, RAM),
    ]


def elf_segments(data: bytes) -> tuple[int, dict[int, bytes]]:
    """A 32-bit ELF program: where it begins, and what lies where."""
    entry, table = struct.unpack_from("<2I", data, 24)
    segments = {}
    for i in range(struct.unpack_from("<H", data, 44)[0]):
        kind, offset, _, address, size = struct.unpack_from("<5I", data, table + 32 * i)
        if kind == 1 and size:
            segments[address] = data[offset : offset + size]
    return entry, segments


def flat(
    pieces: Mapping[int, bytes], entry: int, eax: int = 0, ebx: int = 0, esi: int = 0
) -> Start:
    """Pieces of memory; in protected mode, jump to `entry`."""
    stub = assemble(CALL.format(stub=STUB, entry=entry, eax=eax, ebx=ebx, esi=esi))
    files = {"stub": stub} | {f"{address:#x}": data for address, data in pieces.items()}
    loads = [word for address in pieces for word in ("--load", f"{address:#x}@{address:#x}")]
    return Start(files, [*loads, "--mem", str(MEM), "--entry", f"{STUB:x}", f"stub@{STUB:#x}"])


def multiboot(program: bytes, command: str) -> Start:
    """Multiboot 0.6.96: a memory map and a command line."""
    entry, segments = elf_segments(program)
    line = INFO + 256
    entries = b"".join(struct.pack("<I2QI", 20, *area) for area in memory_map())
    table = INFO + 128
    # Flags: bits 0 memory, 2 command line, 6 memory map.
    fields = [1 << 0 | 1 << 2 | 1 << 6, 636, (MEM - LOW_TOP) >> 10, 0, line, 0, 0, 0, 0, 0, 0]
    info = struct.pack("<13I", *fields, len(entries), table).ljust(128, b"\0")
    info = (info + entries).ljust(256, b"\0") + command.encode() + b"\0"
    return flat({INFO: info, **segments}, entry, eax=0x2BADB002, ebx=INFO)


def linux(program: bytes, command: str) -> Start:
    """Linux's 32-bit boot protocol (Documentation/x86/boot.rst)."""
    setup = (program[0x1F1] + 1) * 512
    header = program[0x1F1 : 0x202 + program[0x201]]
    page = bytearray(4096)
    page[0x1F1 : 0x1F1 + len(header)] = header
    page[0x210] = 0xFF  # a boot loader without a number
    struct.pack_into("<I", page, 0x228, INFO + 4096)
    page[0x1E8] = len(memory_map())
    for i, area in enumerate(memory_map()):
        struct.pack_into("<2QI", page, 0x2D0 + 20 * i, *area)
    info = bytes(page) + command.encode() + b"\0"
    return flat({INFO: info, 0x100000: program[setup:]}, 0x100000, esi=INFO)


def checksum(data: bytes) -> int:
    """As in IP: the complement of the sum of all words, with the carries added."""
    total = sum(struct.unpack(f"<{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def coreboot(program: bytes) -> Start:
    """A payload of coreboot: its table, at 500h, says where memory is."""
    entry, segments = elf_segments(program)
    areas = b"".join(struct.pack("<2QI", *area) for area in memory_map())
    records = struct.pack("<2I", 1, 8 + len(areas)) + areas
    head = struct.pack("<4s5I", b"LBIO", 24, 0, len(records), checksum(records), 1)
    head = head[:8] + struct.pack("<I", checksum(head)) + head[12:]
    return flat({0x500: head + records, **segments}, entry)


def bios(pieces: Mapping[int, bytes], disc: bytes = b"", **defines: int) -> Start:
    """Our small BIOS (bios.asm) as the ROM, and a disc for it."""
    sector = 1 << defines.get("SHIFT", 9)
    defines |= {"MEM_KB": (MEM - LOW_TOP) >> 10, "SECTORS": len(disc) // sector, "DISC": DISC}
    rom = assemble((HERE / "bios.asm").read_text(), **defines)
    pieces = dict(pieces) | ({DISC: disc} if disc else {})
    files = {"rom": rom} | {f"{address:#x}": data for address, data in pieces.items()}
    loads = [word for address in pieces for word in ("--load", f"{address:#x}@{address:#x}")]
    return Start(files, ["--rom", "rom", "--mem", str(MEM), "--no-reboot", *loads])


def el_torito(disc: bytes) -> int:
    """Which sector of a CD is read first: by its boot record and its boot catalogue."""
    catalogue = struct.unpack_from("<I", disc, 17 * 2048 + 71)[0]
    return int(struct.unpack_from("<I", disc, catalogue * 2048 + 32 + 8)[0])


def rom(data: bytes) -> Start:
    """The program is the ROM itself."""
    return Start({"rom": data}, ["--rom", "rom", "--mem", str(MEM)])
