# SPDX-License-Identifier: GPL-2.0-only
"""A computer that listens: IN and its string forms, the terminal, and triple faults in words."""

from __future__ import annotations

import dataclasses
import functools
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
from tools import story, tell


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


@pytest.mark.quick
@pytest.mark.promised
def test_in_changes_as_much_of_the_register_as_it_reads(vtx: Vtx) -> None:
    reads = ["in al, 0xe1", "in ax, 0xe1", "in eax, 0xe1", "in al, dx", "in ax, dx", "in eax, dx"]
    code = "".join(f"mov eax, 0x11223344\n mov dx, 0x7171\n {read}\n call send\n" for read in reads)
    result = run_guest(vtx, BEGIN + code + "rest")
    expected = [0x112233FF, 0x1122FFFF, 0xFFFFFFFF] * 2
    assert (result.status, dwords(result.stdout), result.stderr) == (0, expected, b"")


@pytest.mark.quick
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
def test_ins_and_outs_do_what_the_manual_says(vtx: Vtx, long: bool) -> None:
    rng = random.Random(SEED)
    cases = [Case.random(rng) for _ in range(2000 if long else 100)]
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


# It steps through itself, and notes where each step ended. Behind its notes it sends what they
# should be: POPF sets the trap flag for the instruction behind it, MOV SS keeps a trap away
# until the next one is done, and of a REP each round is a step.
STEPPER = (
    BEGIN
    + """
        handle  1, step
        mov     bx, notes
        mov     dx, 0x80
        mov     si, notes
        mov     di, 0x6000
        mov     cx, 3
        pushf
        pushf
        or      word [0x6ffc], 0x100
        popf
        in      al, dx
a:      out     dx, al
b:      rep     outsb
c:      insw
d:      mov     ax, ss
e:      mov     ss, ax
        out     dx, al
f:      mov     cx, 2
g:      mov     ss, ax
h:      rep     outsb
i:      rep     insb                    ; CX is 0
j:      popf
k:      mov     cx, bx
        mov     bx, notes
        sub     cx, bx
        mov     si, bx
        mov     dx, COM1
        rep     outsb
        mov     si, steps
        mov     cx, steps_end - steps
        rep     outsb
        rest

step:   push    bp
        mov     bp, sp
        push    word [bp + 2]
        pop     word [bx]
        add     bx, 2
        pop     bp
        iret

steps:  dw      a, b, b, b, c, d, e, f, g, h, i, j, k
steps_end:
notes:
"""
)


@pytest.mark.promised(without=("07", "08"))  # there every exception ends the guest
def test_a_guest_may_step_through_in_and_out(vtx: Vtx) -> None:
    result = run_guest(vtx, STEPPER)
    assert (result.status, result.stderr) == (0, b"")
    steps = struct.unpack(f"<{len(result.stdout) // 2}H", result.stdout)
    assert [hex(ip) for ip in steps[:-13]] == [hex(ip) for ip in steps[-13:]]


# Signals

# Asks, thinks, answers, again and again.
DILIGENT = (
    BEGIN
    + """
        mov     bp, 30
.round: mov     di, 0x6000
        mov     cx, 300
        mov     dx, COM1
        rep     insb
        mov     si, 0x6000
        mov     cx, 300
        xor     ebx, ebx
.add:   lodsb
        movzx   eax, al
        rol     ebx, 3
        add     ebx, eax
        loop    .add
        mov     ecx, 200000
        a32 loop $
        mov     eax, ebx
        call    send
        mov     si, 0x6000
        mov     cx, 300
        rep     outsb
        dec     bp
        jnz     .round
        xor     eax, eax
        in      ax, 0xe1                ; nobody answers
        call    send
        rest
"""
)


@pytest.mark.promised
def test_sigalrm_every_millisecond_disturbs_no_guest(vtx: Vtx) -> None:
    helper, guest = vtx.helper("run_alarm.c"), put_guest(vtx, DILIGENT)
    calm = vtx.machine.run(f"{helper} {guest} 0", check=True)
    hasty = vtx.machine.run(f"{helper} {guest} 1000", check=True)
    assert int(calm.stderr) == 0 and int(hasty.stderr) > 50
    assert len(calm.stdout) == 30 * 304 + 4
    assert calm.stdout.endswith(b"\xff\xff\0\0")
    assert calm.stdout == hasty.stdout


# Through a pipe

ECHO = (
    BEGIN
    + """
        mov     ebp, %d                 ; so many blocks
.block: mov     di, 0x6000
        mov     cx, 256
.next:  mov     dx, COM1_LSR
.wait:  in      al, dx
        test    al, 1
        jz      .wait
        mov     dx, COM1
        insb
        loop    .next
        mov     si, 0x6000
        mov     cx, 256
        rep     outsb
        dec     ebp
        jnz     .block
        rest
"""
)


# Takes what there is without asking: where nothing is, it gets a 0, and leaves that out.
GULP = (
    BEGIN
    + """
        mov     ebp, %d                 ; so many bytes
.gulp:  mov     di, 0x6000
        mov     cx, 1024
        mov     dx, COM1
        rep     insb
        mov     si, 0x6000
        mov     di, si
        mov     cx, 1024
.look:  lodsb
        test    al, al
        jz      .none
        stosb
        dec     ebp
.none:  loop    .look
        mov     si, 0x6000
        mov     cx, di
        sub     cx, si
        rep     outsb
        test    ebp, ebp
        jnz     .gulp
        rest
"""
)


@pytest.mark.promised(until="07")
def test_64_kilobytes_pass_through_a_pipe_without_loss(vtx: Vtx) -> None:
    data = bytes(random.Random(64).choices(range(1, 256), k=65536))
    result = run_guest(vtx, GULP % len(data), stdin=data)
    assert (result.status, result.stderr) == (0, b"")
    assert result.stdout == data


@pytest.mark.promised
def test_every_byte_passes_through_a_pipe_unchanged(vtx: Vtx) -> None:
    data = bytes(range(256)) + bytes(reversed(range(256)))
    result = run_guest(vtx, ECHO % 2, stdin=data)
    assert (result.status, result.stdout, result.stderr) == (0, data, b"")


@pytest.mark.promised
def test_input_is_not_lost_however_early_it_comes(vtx: Vtx) -> None:
    # More than VTXCTL keeps, long before the guest looks; and then no more comes.
    data = random.Random(8).randbytes(20 * 256)
    slow = (ECHO % 20).replace("mov     ebp", "mov ecx, 3000000\n a32 loop $\n mov ebp")
    result = run_guest(vtx, slow, stdin=data)
    assert (result.status, result.stderr, result.stdout) == (0, b"", data)


@pytest.mark.promised
def test_the_end_of_input_is_not_the_end_of_the_guest(vtx: Vtx) -> None:
    code = """
        mov     ecx, 2000000
        a32 loop $
        mov     dx, COM1_LSR
        in      al, dx
        mov     dx, COM1
        out     dx, al
        in      al, dx
        out     dx, al
        rest
        """
    result = run_guest(vtx, code, stdin=b"")
    assert (result.status, result.stdout, result.stderr) == (0, b"\x60\0", b"")


@pytest.mark.promised
def test_a_reader_that_goes_away_ends_the_guest(vtx: Vtx) -> None:
    put_guest(vtx, "again: print 'x'\n jmp again")
    result = vtx.machine.run(
        f"cd {vtx.dir}; (./vtxctl --mem 1M guest.bin; echo status $? >&2) | head -c 3"
    )
    assert result.stdout == b"xxx"
    assert result.stderr == b"vtxctl: standard output: Broken pipe\nstatus 4\n"


# NanoX

HELLO = b"NanoX is listening. Type a line, or bye.\r\n"
NIGHT = b"Good night.\r\n"
TALKS = {
    "two lines": (
        b"hello\nNanoX\nbye\n",
        b"> hello\r\n1: olleh\r\n> NanoX\r\n2: XonaN\r\n> bye\r\n",
    ),
    "all ends of lines": (
        b"a\rb\nc\r\n\n\r\rbye\r",
        b"> a\r\n1: a\r\n> b\r\n2: b\r\n> c\r\n3: c\r\n"
        b"> \r\n4: \r\n> \r\n5: \r\n> \r\n6: \r\n> bye\r\n",
    ),
    "rubbing out": (
        b"\b\x7fhelp\b\x7fro\nbyes\b\n",
        b"> help\b \b\b \bro\r\n1: oreh\r\n> byes\b \b\r\n",
    ),
    "no control characters": (b"\x01a\x03\x1b\tb\x00c\nbye\n", b"> abc\r\n1: cba\r\n> bye\r\n"),
    "no longer than its memory": (
        b"x" * 70 + b"yzEND\n" + b"bye\n",
        b"> " + b"x" * 70 + b"yz\a\a\a\r\n1: zy" + b"x" * 70 + b"\r\n> bye\r\n",
    ),
    "no word but bye": (
        b"by\nbyee\nBye\nbye\n",
        b"> by\r\n1: yb\r\n> byee\r\n2: eeyb\r\n> Bye\r\n3: eyB\r\n> bye\r\n",
    ),
    "counts beyond nine": (
        b"\n" * 10 + b"bye\n",
        b"".join(b"> \r\n%d: \r\n" % n for n in range(1, 11)) + b"> bye\r\n",
    ),
}


def test_nanox_gives_every_line_back(vtx: Vtx) -> None:
    for name, (typed, answer) in TALKS.items():
        result = vtx.run("--mem", "1M", "nanox.bin", stdin=typed)
        assert (result.status, result.stderr) == (0, b""), name
        assert result.stdout == HELLO + answer + NIGHT, name


def test_nanox_says_the_same_on_a_bare_machine(vtx: Vtx, stage: Stage) -> None:
    typed = b"hello\nNanoX\b\b\nbye\n"
    bare = subprocess.run(
        [ROOT / "virtx", "bare", stage.number], input=typed, capture_output=True, timeout=60
    )
    result = vtx.run("nanox.bin", stdin=typed)
    assert bare.returncode == 0
    assert bare.stdout == result.stdout


@pytest.mark.promised(until="07")
def test_explain_folds_asking_and_sending(vtx: Vtx, stage: Stage) -> None:
    vtx.run("--mem", "1M", "--trace", "/tmp/notes", "nanox.bin", stdin=b"bye\n")
    notes = vtx.machine.get("/tmp/notes").decode()
    lines = list(tell.tell(story.read_trace(notes, stage, story.Listing.of(stage))))
    told = "\n".join(lines)
    assert re.search(r"^ +\d+  NanoX   IN of 1 byte from port 0x3fd, ", told, re.M)
    assert 'IN of 1 byte from port 0x3f8, the serial port: "bye\\n" (×4)' in told
    assert re.search(r"boot\.asm:\d+: in al, dx$", told, re.M)
    assert re.search(r"boot\.asm:\d+: hlt$", told, re.M)
    # One line for each of the guest's hundreds of steps would be no explanation.
    assert len(lines) < 50 and max(map(len, lines)) <= 80


# A triple fault, in words

SHORT_TABLE = "xor ax, ax\n mov ds, ax\n lidt [table]\n {}\ntable: dw {}, 0, 0"
TRIPLE_FAULTS = {
    SHORT_TABLE.format("int3", "0"): r"its interrupt table \(limit 0x0\) has no entry for it",
    SHORT_TABLE.format(
        "int 0x80", "0x22"
    ): r"its interrupt table \(limit 0x22\) has no entry for it",
    SHORT_TABLE.format("dw 0x0b0f", "5"): r"its interrupt table \(limit 0x5\) has no entry for it",
    "mov sp, 1\n int3": r"its stack \(SP 0x1\) has no room for it",
    "mov sp, 5\n int3": r"its stack \(SP 0x5\) has no room for it",
    # The table is short, but not too short for a double fault: it was the stack.
    "mov sp, 3\n" + SHORT_TABLE.format("int3", "0x3f"): r"its stack \(SP 0x3\) has no room for it",
}


@pytest.mark.quick
@pytest.mark.promised(until="06")
def test_a_triple_fault_is_told_in_words(vtx: Vtx) -> None:
    guests = [f"print 'a'\n {code}" for code in TRIPLE_FAULTS]
    for (code, words), result in zip(TRIPLE_FAULTS.items(), run_guests(vtx, guests)):
        said = result.stderr.decode()
        assert (result.status, result.stdout) == (6, b"a"), f"{code}: {said}"
        assert re.fullmatch(
            r"vtxctl: triple fault at IP 0x7c[0-9a-f]{2}, the guest's CPU shut down: "
            rf"an event came, and {words}\n",
            said,
        ), f"{code}: {said}"


# At a terminal

# It shows each byte that it gets, in hex.
SHOW_KEYS = (
    BEGIN
    + """
        print   'R'
.next:  mov     dx, COM1_LSR
.wait:  in      al, dx
        test    al, 1
        jz      .wait
        mov     dx, COM1
        in      al, dx
        mov     ah, al
        shr     al, 4
        call    digit
        mov     al, ah
        call    digit
        mov     al, ' '
        out     dx, al
        jmp     .next
digit:  and     al, 15
        cmp     al, 10
        sbb     al, 0x69
        das                             ; a number below 16 becomes its digit
        out     dx, al
        ret
"""
)


def at_terminal(vtx: Vtx, source: str) -> Job:
    """vtxctl and a guest, and what the settings of the terminal are before and after."""
    put_guest(vtx, source)
    command = f"cd {vtx.dir}; tty; stty -g; ./vtxctl --mem 1M guest.bin; echo status=$?; stty -g"
    return vtx.machine.spawn(command, tty=True)


def settings_after(job: Job) -> tuple[bool, int]:
    """Whether the terminal's settings were restored, and the status."""
    text = job.wait().stdout.decode()
    settings = re.findall(r"^[0-9a-f]+(?::[0-9a-f]+){10,}", text, re.M)
    status = re.search(r"status=(\d+)", text)
    assert len(settings) == 2 and status, text
    return settings[0] == settings[1], int(status[1])


@pytest.mark.promised
def test_at_a_terminal_every_key_is_the_guests_but_ctrl_a(vtx: Vtx) -> None:
    job = at_terminal(vtx, SHOW_KEYS)
    job.write(b"abc")  # earlier than VTXCTL
    job.expect(b"61 62 63 ")
    job.write(b"\x03\x1a\x1c\x04\x13\x11\r\n\x7f\xff\x00")
    job.expect(b"03 1A 1C 04 13 11 0D 0A 7F FF 00 ")
    job.write(b"\x01a\x01\x01x")
    job.expect(b"01 01 78 ")
    job.write(b"\x01hy")
    job.expect(r"(?s)Ctrl-A x +leave .* Ctrl-A a .*Ctrl-A h .*\s79 ")
    job.write(b"\x01")
    job.write(b"x")
    assert settings_after(job) == (True, 8)


@pytest.mark.promised
def test_at_a_terminal_there_is_no_echo_but_the_guests(vtx: Vtx) -> None:
    job = at_terminal(vtx, SHOW_KEYS)
    terminal = job.expect(r"(/dev/pts/\d+)")[1].decode()
    job.expect(b"R")
    modes = vtx.machine.run(f"stty -a <{terminal}", check=True).text
    assert {"-icanon", "-echo", "-isig", "-ixon", "-icrnl"} <= set(modes.replace(";", "").split())
    job.write(b"abc")
    job.expect(b"61 62 63 ")
    job.write(b"\x01x")
    assert settings_after(job) == (True, 8)
    assert b"R61 62 63 " in job.output


# How it ends at a terminal: what the guest does, what is typed or sent then, the status.
WAYS_OUT = {
    "HLT": ("rest", None, 0),
    "exit port": ("mov al, 3\n out EXIT_PORT, al", None, 7),
    "ended": ("mov eax, dr0", None, 4),
    "triple fault": ("lidt [zero]\n int3\nzero: dw 0, 0, 0", None, 6),
    "HLT for ever": ("sti\n hlt", None, 10),
    "Ctrl-A x": ("jmp $", b"\x01x", 8),
    "Ctrl-A x, interrupts off": ("cli\n jmp $", b"\x01x", 8),
    **{
        number.name: ("jmp $", number, 128 + number)
        for number in (
            signal.SIGHUP,
            signal.SIGINT,
            signal.SIGQUIT,
            signal.SIGABRT,
            signal.SIGSEGV,
            signal.SIGTERM,
        )
    },
}


@pytest.mark.promised(until="06")
def test_the_terminal_is_given_back_on_every_way_out(vtx: Vtx) -> None:
    for name, (code, cause, status) in WAYS_OUT.items():
        job = at_terminal(vtx, f"{BEGIN} print 'R'\n {code}")
        job.expect(b"R")
        if isinstance(cause, bytes):
            job.write(cause)
        elif cause:
            vtx.machine.run(f"kill -{int(cause)} $(pidof vtxctl)", check=True)
        assert settings_after(job) == (True, status), name


def test_at_a_terminal_every_line_begins_at_the_left(vtx: Vtx) -> None:
    job = at_terminal(vtx, "mov eax, dr0")
    job.wait()
    lines = job.output.split(b"\n")
    assert any(line.startswith(b"vtxctl: the CPU says: ") for line in lines)
    assert all(line.endswith(b"\r") for line in lines[:-1]), job.output


@pytest.mark.quick
def test_a_talk_with_nanox_at_a_terminal(vtx: Vtx) -> None:
    job = vtx.spawn("--mem", "1M", "nanox.bin", tty=True)
    job.expect(b"> ")
    for key in b"helo":
        job.write(bytes([key]))
        job.expect(bytes([key]))
    job.write(b"\x7f\x7flo\r")
    job.expect(b"\b \b\b \blo")
    job.expect(r"1: oleh\s+> ")
    job.write(b"bye\r")
    job.expect(b"Good night.")
    assert job.wait().status == 0


# Through the door


def test_virtx_run_is_a_pipe_with_an_exact_status(tmp_path: Path, stage: Stage) -> None:
    guest = tmp_path / "echo.bin"
    guest.write_bytes(assemble((ECHO % 2).replace("rest", "mov al, 21\n out EXIT_PORT, al")))
    data = bytes(range(256)) * 2
    done = subprocess.run(
        [ROOT / "virtx", "run", stage.number, "--guest", guest, "--mem", "1M"],
        input=data,
        capture_output=True,
        timeout=120,
    )
    assert (done.returncode, done.stdout, done.stderr) == (43, data, b"")


def test_virtx_run_ends_a_guest_that_is_out_of_time(tmp_path: Path, stage: Stage) -> None:
    guest = tmp_path / "endless.bin"
    guest.write_bytes(assemble("cli\n print 'R'\n jmp $"))
    done = subprocess.run(
        [ROOT / "virtx", "run", stage.number, "--guest", guest, "--mem", "1M", "--timeout", "2"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=120,
    )
    # Two seconds are enough for its letter, but not on a machine that has much else to do.
    assert done.returncode == 124 and b"R".startswith(done.stdout)
    assert b"out of time" in done.stderr
