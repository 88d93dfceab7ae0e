# SPDX-License-Identifier: GPL-2.0-only
"""A computer that listens: IN and its string forms, the terminal, and triple faults in words."""

from __future__ import annotations

import dataclasses
import functools
import os
import random
import re
import signal
import struct
import subprocess
from pathlib import Path

import pytest

from harness.guest import assemble, put_guest, run_guest, run_guests
from harness.machine import Job
from harness.paths import ROOT
from harness.stage import Stage
from harness.vtx import Vtx

FULL = bool(os.environ.get("VIRTX_FULL"))

# What guests here have in common: registers in order, and a way to send EAX as four bytes.
BEGIN = """
        xor     ax, ax
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
        mov     sp, 0x7000
        cld
        jmp     begin

send:   pushad
        mov     cx, 4
        mov     dx, COM1
.next:  out     dx, al
        shr     eax, 8
        loop    .next
        popad
        ret
begin:
"""


def dwords(data: bytes) -> list[int]:
    return list(struct.unpack(f"<{len(data) // 4}I", data))


# IN


@pytest.mark.promised
def test_in_changes_as_much_of_the_register_as_it_reads(vtx: Vtx) -> None:
    reads = ["in al, 0x71", "in ax, 0x71", "in eax, 0x71", "in al, dx", "in ax, dx", "in eax, dx"]
    code = "".join(f"mov eax, 0x11223344\n mov dx, 0x7171\n {read}\n call send\n" for read in reads)
    result = run_guest(vtx, BEGIN + code + "rest")
    expected = [0x112233FF, 0x1122FFFF, 0xFFFFFFFF] * 2
    assert (result.status, dwords(result.stdout), result.stderr) == (0, expected, b"")


@pytest.mark.promised(until="07")
def test_the_serial_port_says_whether_something_has_come(vtx: Vtx) -> None:
    job = vtx.spawn(
        "--mem",
        "1M",
        put_guest(
            vtx,
            BEGIN
            + """
        mov     dx, COM1_LSR
        xor     eax, eax
        in      al, dx
        call    send                    ; nothing yet
        mov     dx, COM1
        in      al, dx
        call    send                    ; so this is 0
        mov     dx, COM1_LSR
.wait:  in      al, dx
        test    al, 1
        jz      .wait
        call    send
        in      al, dx                  ; to look takes nothing away
        call    send
        mov     dx, COM1
        in      al, dx
        call    send                    ; what came
        mov     dx, COM1_LSR
        in      al, dx
        call    send                    ; nothing more
        rest
        """,
        ),
    )
    job.expect(struct.pack("<II", 0x60, 0))
    job.write(b"\xa5")
    result = job.wait()
    assert (result.status, result.stderr) == (0, b"")
    assert dwords(result.stdout) == [0x60, 0, 0x61, 0x61, 0xA5, 0x60]


@pytest.mark.promised(until="07")
def test_a_wide_in_is_from_as_many_ports(vtx: Vtx) -> None:
    source = BEGIN + "mov dx, COM1_LSR\n.wait: in al, dx\n test al, 1\n jz .wait\n"
    ports = [*range(0x3F9, 0x400), 0, 0x60, 0xF4, 0xFFFC]
    for port in ports:
        source += f"mov dx, {port}\n in eax, dx\n call send\n"
    for size in ("ax", "eax"):
        source += f"xor eax, eax\n mov dx, COM1 - 1\n in {size}, dx\n call send\n"
    source += "mov dx, COM1 - 3\n in eax, dx\n call send\n rest"
    result = run_guest(vtx, source, stdin=b"xyz")

    def read(port: int) -> int:
        """With something to be read, and nobody else there."""
        return int.from_bytes(
            bytes(0x61 if port + i == 0x3FD else 0xFF for i in range(4)), "little"
        )

    x, y, z = b"xyz"
    got = [0xFF | x << 8, 0xFFFF00FF | y << 8, 0x00FFFFFF | z << 24]
    assert (result.status, result.stderr) == (0, b"")
    assert dwords(result.stdout) == [read(port) for port in ports] + got


# INS and OUTS

CASES = 2000 if FULL else 150
SEED = 5
MEMORY = 0x21000
ROM = 0x20000
SEGMENTS = ("es", "cs", "ss", "ds", "fs", "gs")
PREFIX = {"es": 0x26, "cs": 0x2E, "ss": 0x36, "ds": 0x3E, "fs": 0x64, "gs": 0x65}
OPCODE = {"INS": {1: 0x6C, 2: 0x6D, 4: 0x6D}, "OUTS": {1: 0x6E, 2: 0x6F, 4: 0x6F}}

# Loads its registers from a table, and has room for one instruction.
CARRIER = """
        jmp     short .begin
        align   4
.table: times   13 dd 0                 ; EAX to EDI; ES SS DS FS GS
.begin: cli
        mov     ebp, [cs:.table + 20]
        mov     esi, [cs:.table + 24]
        mov     edi, [cs:.table + 28]
        mov     ecx, [cs:.table + 4]
        mov     edx, [cs:.table + 8]
        mov     ebx, [cs:.table + 12]
        mov     es, [cs:.table + 32]
        mov     ss, [cs:.table + 36]
        mov     esp, [cs:.table + 16]
        mov     fs, [cs:.table + 44]
        mov     gs, [cs:.table + 48]
        mov     ds, [cs:.table + 40]
        mov     eax, [cs:.table]
        cld                             ; or STD
.here:  times   8 nop                   ; the instruction
        hlt
"""
TABLE = 4
INSTRUCTION = len(assemble(CARRIER)) - 9


@dataclasses.dataclass
class Case:
    """One INS or OUTS, and all that it depends on."""

    kind: str
    size: int
    rep: bool
    down: bool
    wide: bool  # 32-bit addresses
    segment: str  # the prefix, or none
    registers: list[int]
    bases: dict[str, int]

    @staticmethod
    def random(rng: random.Random) -> Case:
        kind, size = rng.choice(("INS", "OUTS")), rng.choice((1, 2, 4))
        wide = rng.random() < 0.3
        edges = [0, 1, 2, 3, 4, 0xFFFF, 0xFFFE, 0xFFFD, 0xFFFC, 0x7FFF, 0x8000]
        index = rng.choice([*edges, *(rng.randrange(0x10000) for _ in edges)])
        counts = [0, 1, 2, 3, 300, 4096 // size, 4096 // size + 1, rng.randrange(10000)]
        count = rng.choice([*counts, 0x18000 // size if wide else 0xFFFF // size])
        upper = 0 if wide and rng.random() < 0.8 else rng.randrange(0x10000) << 16
        registers = [rng.getrandbits(32) for _ in range(8)]
        registers[1] = count if wide else count | upper
        registers[6] = registers[7] = index | upper
        segments = [0x1000, 0x1000, 0x1000, 0x1234, 0x1800]
        bases = {name: rng.choice(segments) for name in SEGMENTS if name != "cs"}
        return Case(
            kind=kind,
            size=size,
            rep=rng.random() < 0.8,
            down=rng.random() < 0.5,
            wide=wide,
            segment=rng.choice((*SEGMENTS, "", "", "")),
            registers=registers,
            bases={"cs": 0, **bases},
        )

    def image(self) -> bytes:
        code = bytearray(assemble(CARRIER))
        selectors = [self.bases[name] for name in ("es", "ss", "ds", "fs", "gs")]
        struct.pack_into("<13I", code, TABLE, *self.registers, *selectors)
        prefixes = [0xF3] * self.rep + [0x66] * (self.size == 4) + [0x67] * self.wide
        if self.segment:
            prefixes.append(PREFIX[self.segment])
        instruction = bytes([*prefixes, OPCODE[self.kind][self.size]])
        code[INSTRUCTION - 1] = 0xFD if self.down else 0xFC
        code[INSTRUCTION : INSTRUCTION + len(instruction)] = instruction
        return bytes(code)


@dataclasses.dataclass
class Outcome:
    registers: list[int]
    sent: tuple[int, int]  # how many bytes, and a sum of them
    memory: int  # a sum
    ended: str


@functools.cache
def pattern() -> bytes:
    return bytes(n * 167 + (n >> 8) * 13 + 5 & 0xFF for n in range(MEMORY))


def checksum(data: bytes) -> int:
    """As the test program has it."""
    padded = bytes(data) + bytes(-len(data) % 8)
    total = 0xCBF29CE484222325
    for (word,) in struct.iter_unpack("<Q", padded):
        total = (total ^ word) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return total


def model(case: Case) -> Outcome:
    """What the SDM says of INS and OUTS, value by value."""
    mask = 0xFFFFFFFF if case.wide else 0xFFFF
    which = 6 if case.kind == "OUTS" else 7
    base = case.bases[case.segment or "ds" if case.kind == "OUTS" else "es"] << 4
    image = case.image()
    registers, memory, sent = list(case.registers), bytearray(pattern()), bytearray()
    memory[0x7C00 : 0x7C00 + len(image)] = image
    received, ended = 0, ""
    count = registers[1] & mask if case.rep else 1
    index = registers[which] & mask
    left = piece = 0
    while count:
        # VTXDRV works in pieces of a page that end where the segment does; of the piece in
        # which the guest is ended nothing is sent.
        if not left:
            left, piece = 4096 // case.size, len(sent)
        address = base + index
        if index + case.size - 1 > 0xFFFF:
            ended = f"{case.kind} at offset {index:#x}, beyond the segment's limit 0xffff"
            break
        # A value lies in one of the two memories; see the test program.
        in_ram, in_rom = address + case.size <= ROM, ROM <= address <= MEMORY - case.size
        if case.kind == "OUTS":
            if not in_ram and not in_rom:
                ended = f"OUTS at {address:#x}, where it has no memory"
                del sent[piece:]
                break
            sent += memory[address : address + case.size]
        else:
            if not in_ram:
                ended = f"INS at {address:#x}, where it may not write"
                break
            memory[address : address + case.size] = bytes(
                5 * k + 1 & 0xFF for k in range(received, received + case.size)
            )
            received += case.size
        step = -case.size if case.down else case.size
        left = left - 1 if 0 <= index + step <= mask else 0
        index = index + step & mask
        count -= 1
    registers[which] = registers[which] & ~mask | index
    if case.rep:
        registers[1] = registers[1] & ~mask | count
    return Outcome(registers, (len(sent), checksum(sent)), checksum(memory), ended)


def outcome(line: str) -> Outcome:
    *numbers, ended = line.split(" ", 11)
    values = [int(number, 16) for number in numbers]
    return Outcome(values[:8], (values[8], values[9]), values[10], ended)


@pytest.mark.promised
def test_ins_and_outs_do_what_the_manual_says(vtx: Vtx) -> None:
    rng = random.Random(SEED)
    cases = [Case.random(rng) for _ in range(CASES)]
    images = [case.image() for case in cases]
    stream = b"".join(struct.pack("<I", len(image)) + image for image in images)
    said = vtx.machine.run(vtx.helper("run_string.c"), stdin=stream, timeout=600, check=True)
    lines = said.text.splitlines()
    assert len(lines) == len(cases)
    kinds = set()
    for case, line in zip(cases, lines):
        got, expected = outcome(line), model(case)
        if expected.ended:
            # Its registers are not told any more.
            got.registers = expected.registers
        assert got == expected, case
        kinds.add(re.sub(r"0x\w+", "", got.ended))
    # All ways to end were seen.
    assert len(kinds) == 5, kinds
