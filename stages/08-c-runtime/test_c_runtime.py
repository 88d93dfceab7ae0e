# SPDX-License-Identifier: GPL-2.0-only
"""A guest in C, and the whole serial port: a 16550 with its registers and FIFOs."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import subprocess

import pytest

from harness.guest import run_guest
from harness.machine import Job, Result
from harness.paths import BUILD, ROOT
from harness.stage import Copy, Stage
from harness.vtx import Vtx


# The game

GREETING = b"NanoX speaks C. What is your name? "
TASK = b"I think of a number from 1 to 100. A word gives up."


def guess(job: Job, number: int) -> str:
    job.expect(r"\d> ")
    job.write(b"%d\r" % number)
    return job.expect(r"Too small|Too large|Yes! You needed \d+ guess(es)?\.")[0].decode()


@pytest.mark.quick
def test_the_number_is_found_by_halves(vtx: Vtx) -> None:
    job = vtx.spawn("--mem", "1M", "nanox.bin", tty=True)
    job.expect(GREETING)
    job.write(b"Ada\r")
    job.expect(b"Hello, Ada. " + TASK)
    low, high, count = 1, 100, 0
    while True:
        assert low <= high
        middle = (low + high) // 2
        count += 1
        answer = guess(job, middle)
        if answer.startswith("Yes"):
            break
        low, high = (middle + 1, high) if answer == "Too small" else (low, middle - 1)
    assert count <= 7 and f"needed {count} guess" in answer
    job.expect(b"Good night, Ada.")
    assert job.wait().status == 0


def talk(vtx: Vtx, *lines: bytes) -> Result:
    result = vtx.run("--mem", "1M", "nanox.bin", stdin=b"".join(line + b"\n" for line in lines))
    assert (result.status, result.stderr) == (0, b"")
    return result


@pytest.mark.quick
def test_a_word_gives_up_and_all_that_is_typed_is_shown(vtx: Vtx) -> None:
    lines = [GREETING + b"Ada", b"Hello, Ada. " + TASK]
    lines += [b" 1> 0", b"Too small.", b" 2> 101", b"Too large.", b" 3> end", b"Good night, Ada."]
    result = talk(vtx, b"Ada", b"0", b"101", b"end")
    assert result.stdout == b"".join(line + b"\r\n" for line in lines)


@pytest.mark.quick
@pytest.mark.parametrize("length", [19, 20, 1000])
def test_a_name_has_room_for_19_letters_however_long_it_is(vtx: Vtx, length: int) -> None:
    name = bytes(random.Random(length).choices(b"abcdefgh ", k=length - 2))
    said = talk(vtx, b"A" + name + b"Z", b"end").stdout
    kept = (b"A" + name + b"Z")[:19]
    assert said == b"%sA%sZ\r\nHello, %s. %s\r\n 1> end\r\nGood night, %s.\r\n" % (
        GREETING,
        name,
        kept,
        TASK,
        kept,
    )


NUMBERS = {b"-5": "small", b"+0000000000101": "large", b"\t 0": "small", b"\n\n101": "large"}
NUMBERS |= {b"9" * 40: "large", b"-" + b"9" * 40: "small", b"4294967396": "large"}


def test_a_number_is_read_as_c_reads_it(vtx: Vtx) -> None:
    said = talk(vtx, b"Ada", *NUMBERS, b"end").stdout
    assert re.findall(rb"Too (\w+)\.", said) == [word.encode() for word in NUMBERS.values()]
    # What looks like a number at first is one as far as it does.
    said = talk(vtx, b"Ada", b"101xyz and no more").stdout
    assert said.endswith(b" 1> 101xToo large.\r\n 2> yz Good night, Ada.\r\n")


def test_the_end_of_input_leaves_it_waiting(vtx: Vtx) -> None:
    job = vtx.spawn("--mem", "1M", "nanox.bin")
    job.write(b"Ada\n101\n")
    job.close_stdin()
    job.expect(b" 2> ")
    assert not job.ended(1)
    job.signal(signal.SIGTERM)
    assert job.wait().status == 128 + signal.SIGTERM


def test_it_says_the_same_on_a_bare_machine(vtx: Vtx, stage: Stage) -> None:
    typed = b"Ada\n0\n101\nend\n"
    bare = subprocess.run(
        [ROOT / "virtx", "bare", stage.number], input=typed, capture_output=True, timeout=60
    )
    assert bare.returncode == 0
    assert bare.stdout == vtx.run("nanox.bin", stdin=typed).stdout


# The kit


def kit_guest(stage: Stage) -> bytes:
    """The stage's NanoX, but with tests/nanox/kit.c for its main.c."""
    copy = Copy(stage.name, BUILD / f"kit-guest-{os.getpid()}")
    shutil.copytree(stage.folder / "nanox", copy.place / "nanox", dirs_exist_ok=True)
    shutil.copy(stage.folder / "Makefile", copy.place)
    shutil.copy(ROOT / "tests/nanox/kit.c", copy.place / "nanox/main.c")
    image = copy.build_dir / "nanox.bin"
    subprocess.run(["make", "-s", "-C", copy.place, image], check=True)
    content = image.read_bytes()
    shutil.rmtree(copy.place)
    shutil.rmtree(copy.build_dir)
    return content


PRINTED = """\
0 7 data and constants
{sum} 8 moved
-1 42 4294967295 beef BEEF 10 c text %
|    7|7    |00007|+7| 7|0x7|07|007|   7|
|     abc|abc     |ab|      ab|  x|
-9223372036854775808 18446744073709551615 ffffffffffffffff 1777777777777777777777
-2147483648 4294967295 4 -1 1 0x7c00
10 cut in 
3
"""
TYPED = b"-12 0xBeef -9223372036854775808 alpha abcabd!\n07 010 -0x10 "
# What is typed is shown, too, as far as it was read by then.
READ = """\
-12 0xBeef -9223372036854775808 alpha abcabd6: -12 beef -9223372036854775808 alpha abcab d
!0

07 010 -0x10 4: ! 7 8 -16
"""


@pytest.mark.quick
def test_the_kit_does_in_the_guest_what_c_promises(vtx: Vtx, stage: Stage) -> None:
    # What lies behind an image is not always 0, as it happens to be here.
    vtx.put({"kit.bin": kit_guest(stage) + b"\xff" * 8192})
    result = vtx.run("--mem", "1M", "kit.bin", stdin=TYPED)
    assert (result.status, result.stderr) == (0, b"")
    shown = result.stdout.replace(b"\r\n", b"\n").decode()
    printed = PRINTED.format(sum=4096 - 6 + sum(b"moved"))
    assert shown.startswith(printed)
    assert shown.removeprefix(printed) == READ


# The chip, as a guest sees it

UART = """
; put REGISTER, VALUE
%%macro put 2
        mov     dx, COM1 + %%1
        mov     al, %%2
        out     dx, al
%%endmacro

; get REGISTER...: each goes into the answer
%%macro get 1-*
%%rep %%0
        mov     dx, COM1 + %%1
        in      al, dx
        stosb
%%rotate 1
%%endrep
%%endmacro

RBR     equ 0
THR     equ 0
DLL     equ 0
IER     equ 1
DLM     equ 1
IIR     equ 2
FCR     equ 2
LCR     equ 3
MCR     equ 4
LSR     equ 5
MSR     equ 6
SCR     equ 7

        xor     ax, ax
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
        mov     sp, 0x7000
        cld
        mov     di, 0x6000
%s
        put     LCR, 3                  ; whatever it was: now it sends
        put     MCR, 3
        put     IER, 0
        mov     si, 0x6000
        mov     cx, di
        sub     cx, si
        mov     dx, COM1
        rep     outsb
        rest
"""
LETTERS = "".join(f"put THR, '{letter}'\n" for letter in "abcdefghijklmnopq")

# What is done to it, and what is read from it then, in hex. Letters in the answer were sent.
REGISTERS = {
    "after power-on": ("get IER, IIR, LCR, MCR, LSR, MSR, SCR", "00 01 00 00 60 b0 00"),
    "scratch": ("put SCR, 0xa5\n get SCR\n put SCR, 0x5a\n get SCR, SCR", "a5 5a 5a"),
    "LCR and MCR": (
        "put LCR, 0x1f\n get LCR\n put MCR, 0x0b\n get MCR\n put MCR, 0xeb\n get MCR",
        "1f 0b 0b",
    ),
    "the divisor hides two registers": (
        """put IER, 0
        put LCR, 0x83
        put DLL, 0x34
        put DLM, 0x12
        get DLL, DLM
        put LCR, 3
        get IER
        put IER, 0x05
        get IER
        put LCR, 0x83
        get DLL, DLM""",
        "34 12 00 05 34 12",
    ),
    "IER has four bits": ("put IER, 0xff\n get IER", "0f"),
    "the FIFOs can be seen": (
        "put FCR, 1\n get IIR\n put FCR, 0xc1\n get IIR\n put FCR, 0\n get IIR",
        "c1 c1 01",
    ),
    "LSR cannot be written": ("put LSR, 0\n get LSR", "60"),
    "loopback": ("put MCR, 0x10\n put THR, 'x'\n get LSR, RBR, LSR, RBR", "61 78 60 78"),
    "loopback turns outputs into inputs": (
        """put MCR, 0x1f
        get MSR, MSR
        put MCR, 0x10
        get MSR, MSR
        put MCR, 0x12
        get MSR, MSR
        put MCR, 0
        get MSR, MSR""",
        "f0 f0 0f 00 11 10 ba b0",
    ),
    "without FIFOs the newer byte wins": (
        "put MCR, 0x10\n put THR, 'a'\n put THR, 'b'\n get LSR, LSR, RBR, LSR",
        "63 61 62 60",
    ),
    "a FIFO has 16 and keeps the older": (
        f"put FCR, 1\n put MCR, 0x10\n {LETTERS} get LSR, {', '.join(['RBR'] * 16)}, LSR",
        "63 " + b"abcdefghijklmnop".hex(" ") + " 60",
    ),
    "a FIFO can be emptied": (
        f"put FCR, 1\n put MCR, 0x10\n {LETTERS} put FCR, 3\n get LSR, LSR",
        "62 60",
    ),
    "to switch FIFOs on empties them": (
        "put MCR, 0x10\n put THR, 'a'\n put FCR, 1\n get LSR",
        "60",
    ),
    "a break is a zero with a note": (
        "put MCR, 0x10\n put LCR, 0x43\n get LSR, LSR, RBR, LSR",
        "79 61 00 60",
    ),
    "in a FIFO the note waits with its byte": (
        "put FCR, 1\n put MCR, 0x10\n put THR, 'a'\n put LCR, 0x43\n get LSR, RBR, LSR, RBR, LSR",
        "e1 61 f9 00 60",
    ),
    "during a break nobody hears us": (
        "put LCR, 0x43\n put THR, 'x'\n put LCR, 3\n put THR, 'y'\n get LSR",
        "y 60",
    ),
    "a byte goes at once": (
        "put THR, 'x'\n get LSR\n put FCR, 1\n put THR, 'y'\n get LSR",
        "xy 60 60",
    ),
    "eight ports at two": ("mov dx, COM1 + 4\n in eax, dx\n stosd\n get LCR", "00 60 b0 00 00"),
    "wide out": ("mov eax, 0x5a000300\n mov dx, COM1 + 4\n out dx, eax\n get SCR, MCR", "5a 00"),
}


@pytest.mark.quick
@pytest.mark.promised
def test_its_registers_are_those_of_a_16550(vtx: Vtx) -> None:
    wrong = {}
    for what, (script, answer) in REGISTERS.items():
        result = run_guest(vtx, UART % script)
        letters = "".join(re.findall(r"^[xy]+ ", answer)).strip()
        expected = letters.encode() + bytes.fromhex(answer.removeprefix(letters))
        if (result.status, result.stdout, result.stderr) != (0, expected, b""):
            wrong[what] = (expected.hex(" "), result.stdout.hex(" "), result.stderr)
    assert not wrong


@pytest.mark.quick
@pytest.mark.promised
def test_strings_go_through_its_fifos(vtx: Vtx) -> None:
    script = """
        put     FCR, 1
        put     MCR, 0x10
        mov     si, text
        mov     cx, 16
        mov     dx, COM1
        rep     outsb                   ; into our own receiver
        mov     cx, 16
        rep     insb
        get     LSR
        mov     si, text
        mov     cx, 16
        mov     dx, COM1 + SCR
        rep     outsb                   ; the last one stays
        mov     cx, 3
        rep     insb
        jmp     on
text:   db      "sixteen letters."
on:
    """
    result = run_guest(vtx, UART % script)
    assert (result.status, result.stderr) == (0, b"")
    assert result.stdout == b"sixteen letters." + b"\x60" + b"..."


# Each byte is waited for, and waits until it may go.
POLLING = """
        put     FCR, {fifos}
        mov     ebp, {count}
        ; a byte that came before the FIFOs were on is forgotten, as by a real chip
.begin: mov     dx, COM1 + LSR
        in      al, dx
        test    al, 1
        jz      .begin
        mov     dx, COM1
        in      al, dx
        cmp     al, '!'
        jne     .begin
.next:  mov     dx, COM1 + LSR
.come:  in      al, dx
        test    al, 1
        jz      .come
        mov     dx, COM1
        in      al, dx
        mov     bl, al
        mov     dx, COM1 + LSR
.go:    in      al, dx
        test    al, 0x20
        jz      .go
        mov     dx, COM1
        mov     al, bl
        out     dx, al
        dec     ebp
        jnz     .next
"""


@pytest.mark.promised
@pytest.mark.parametrize("fifos", [0, 1], ids=["one byte", "FIFOs"])
def test_polling_loses_nothing(vtx: Vtx, fifos: int, long: bool) -> None:
    data = random.Random(fifos).randbytes(65536 if long else 4096)
    script = POLLING.format(fifos=fifos, count=len(data))
    result = run_guest(vtx, UART % script, stdin=b"...!" + data, timeout=300)
    assert (result.status, result.stderr) == (0, b"")
    assert result.stdout == data
