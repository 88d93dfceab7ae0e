# SPDX-License-Identifier: GPL-2.0-only
"""A clock that keeps time, a keyboard, a reset wire, and a ROM of one's own."""

from __future__ import annotations

import re
import struct

import pytest

from harness.effort import FULL
from harness.guest import assemble, put_guest, run_guest, with_memory
from harness.machine import Job, Result
from harness.vtx import Vtx

CLOCK = 1193182
HUNDREDTH = 11932  # pulses of the timer's clock

# Interrupts 0 to 7 come as 0x20 to 0x27, and none is listened to yet.
BEGIN = """
        xor     ax, ax
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
        mov     sp, 0x7000
        cld
        cli

%macro outb 2
        mov     al, %2
        out     %1, al
%endmacro

; the timer's counter 0, in mode MODE, with the number AX
%macro timer 1
        push    ax
        outb    0x43, 0x30 | %1 << 1
        pop     ax
        out     0x40, al
        mov     al, ah
        out     0x40, al
%endmacro

; listen to those of the interrupts 0 to 7 whose bit is 0
%macro listen 1
        outb    0x21, %1
%endmacro

%macro eoi 0
        outb    0x20, 0x20
%endmacro

; counter 0 into AX
%macro count 0
        outb    0x43, 0
        in      al, 0x40
        mov     ah, al
        in      al, 0x40
        xchg    al, ah
%endmacro

        outb    0x20, 0x11
        outb    0x21, 0x20
        outb    0x21, 4
        outb    0x21, 1
        listen  0xff
        handle  0x20, tick
        jmp     begin

ticks:  dd      0
tick:   push    ax
        inc     dword [cs:ticks]
        eoi
        pop     ax
        iret

; Until counter 0 has begun anew CX times, by looking at it.
rounds: count
        mov     bx, ax
.look:  count
        cmp     ax, bx
        mov     bx, ax
        jbe     .look
        loop    .look
        ret

; The dword EAX.
send:   mov     dx, COM1
        mov     cx, 4
.next:  out     dx, al
        shr     eax, 8
        loop    .next
        ret

; Its two digits.
show:   mov     dx, COM1
        push    ax
        shr     al, 4
        call    digit
        pop     ax
        call    digit
        mov     al, ' '
        out     dx, al
        ret
digit:  and     al, 15
        cmp     al, 10
        sbb     al, 0x69
        das                             ; a number below 16 becomes its digit
        out     dx, al
        ret
begin:
"""

PRINT_TICKS = "mov eax, [ticks]\n call send\n rest"


def content(result: Result) -> bytes:
    """What a guest sent that came to its own end."""
    assert (result.status, result.stderr) == (0, b""), result
    return result.stdout


def number(result: Result) -> int:
    return struct.unpack("<I", content(result))[0]


# The clock

SETTINGS = {
    "a thousand a second": (1193, 10_000 if FULL else 1_000),
    "a hundred a second": (HUNDREDTH, 50),
    "the slowest": (0, 8),
}


@pytest.mark.promised
@pytest.mark.quick
@pytest.mark.parametrize("speed", SETTINGS)
def test_as_many_ticks_as_there_was_time(vtx: Vtx, speed: str) -> None:
    setting, ticks = SETTINGS[speed]
    source = f"""
        handle  0x20, .tick
        listen  0xfe
        mov     ax, {setting}
        rdtsc
        mov     [begin], eax
        mov     ax, {setting}
        timer   2
.more:  sti
        hlt
        jmp     .more
.tick:  rdtsc
        inc     dword [ticks]
        cmp     dword [ticks], {ticks}
        je      .all
        eoi
        iret
.all:   sub     eax, [begin]
        call    send
        rest
    """
    cycles = number(run_guest(vtx, BEGIN + source, timeout=120))
    passed = cycles / tsc_hz(vtx) * CLOCK / (setting or 65536)
    # The last one may be late for its handler, but none is missing and none is too many.
    assert ticks - 0.1 <= passed < ticks + 2


def tsc_hz(vtx: Vtx) -> float:
    """As the kernel found it, whose CLOCK_MONOTONIC counts it."""
    log = vtx.machine.run("dmesg", check=True).text
    found = re.findall(r"tsc: .*?([0-9.]+) MHz", log)
    return float(found[-1]) * 1e6


# The rule for ticks that the guest has no time for: what it does meanwhile, how many it gets.
MISSED = {
    "interrupts off": ("listen 0xfe", 7, 7),
    "interrupts off, nearly a second": ("listen 0xfe", 95, 95),
    "interrupts off, for longer than a second": ("listen 0xfe", 130, 100),
    "masked": ("listen 0xff", 7, 1),
}


@pytest.mark.promised(without=["12"])  # there they come a millisecond apart
@pytest.mark.quick
@pytest.mark.parametrize("how", MISSED)
def test_a_missed_tick_waits_up_to_a_second_but_not_behind_a_mask(vtx: Vtx, how: str) -> None:
    meanwhile, rounds, ticks = MISSED[how]
    source = f"""
        {meanwhile}
        mov     ax, {HUNDREDTH}
        timer   2
        mov     cx, {rounds}
        call    rounds
        listen  0xfe
        sti
        mov     cx, {3 * ticks}
.all:   nop
        loop    .all
        cli
        {PRINT_TICKS}
    """
    # A hundred of them take so long that another may come.
    assert ticks <= number(run_guest(vtx, BEGIN + source)) <= ticks + ticks // 40


@pytest.mark.promised
def test_a_new_control_word_drops_what_waits(vtx: Vtx) -> None:
    source = f"""
        listen  0xfe
        mov     ax, {HUNDREDTH}
        timer   2
        mov     cx, 20
        call    rounds
        mov     ax, 1000
        timer   0
        sti
        hlt
        hlt
        cli
        {PRINT_TICKS}
    """
    # One was with the interrupt controller already.
    assert number(run_guest(vtx, BEGIN + source)) == 2


@pytest.mark.promised
@pytest.mark.quick
def test_an_alarm_wakes_every_time_and_a_halt_without_one_is_told(vtx: Vtx) -> None:
    source = """
        listen  0xfe
        mov     si, 1
.more:  mov     ax, si
        timer   0
        sti
        hlt
        cli
        inc     si
        cmp     si, {}
        jb      .more
        mov     dx, COM1
        mov     al, '.'
        out     dx, al
        sti
        hlt
        rest
    """
    result = run_guest(vtx, BEGIN + source.format(2000 if FULL else 400))
    assert (result.status, result.stdout) == (10, b".")
    assert b"waits for an interrupt, and nothing can send one" in result.stderr


@pytest.mark.promised
@pytest.mark.quick
def test_each_mode_is_read_back(vtx: Vtx) -> None:
    source = ""
    for mode in range(6):
        # Its state before and after a count; counter 2 runs while GATE is high.
        source += f"""
        outb    0x61, 0
        outb    0x43, 0xb0 | {mode} << 1
        outb    0x43, 0xe8
        in      al, 0x42
        out     dx, al
        outb    0x42, 0xff
        outb    0x42, 0xff
        outb    0x61, 1
        mov     cx, 200
.wait{mode}: in      al, 0x61
        loop    .wait{mode}
        outb    0x43, 0xe8
        in      al, 0x42
        out     dx, al
        """
    got = content(run_guest(vtx, BEGIN + "mov dx, COM1\n" + source + "rest"))
    for mode in range(6):
        before, after = got[2 * mode : 2 * mode + 2]
        # OUT, "no count was taken", and the control word.
        assert before == (0x80 if mode else 0) | 0x40 | 0x30 | mode << 1
        assert after & 0x7F == 0x30 | mode << 1
        if mode != 3:  # a square wave may be anywhere
            assert after >> 7 == (mode in (2, 4, 5))


@pytest.mark.promised
@pytest.mark.quick
def test_counter_2_runs_while_port_61h_says_so(vtx: Vtx) -> None:
    source = """
        mov     dx, COM1
        outb    0x61, 0
        outb    0x43, 0xb0
        outb    0x42, 0xff
        outb    0x42, 0x0f
        mov     cx, 100
.still: in      al, 0x61
        loop    .still
        and     al, 0x21
        out     dx, al
        outb    0x61, 1
        xor     ecx, ecx
.runs:  inc     ecx
        in      al, 0x61
        test    al, 0x20
        jz      .runs
        and     al, 0x21
        out     dx, al
        outb    0x61, 0xf2
        in      al, 0x61
        and     al, 0x0f
        out     dx, al
        rest
    """
    assert content(run_guest(vtx, BEGIN + source)) == bytes([0, 0x21, 2])


# The fastest: more ticks than any guest can take.
FLOODED = """
        handle  0x20, .flood
        listen  0xfe
        mov     ax, 2
        timer   2
        sti
        jmp     $
.flood: push    ax
        eoi
        inc     dword [ticks]
        cmp     dword [ticks], {many}
        jb      .go_on
        print   'E'
        {then}
.go_on: pop     ax
        iret
"""


@pytest.mark.promised
@pytest.mark.quick
def test_the_fastest_ticks_hurt_only_the_guest(vtx: Vtx, long: bool) -> None:
    many = 100_000 if long else 5_000
    result = run_guest(vtx, BEGIN + FLOODED.format(many=many, then="rest"), timeout=300)
    assert content(result) == b"E"
    put_guest(vtx, BEGIN + FLOODED.format(many=500, then=""))
    job = vtx.spawn("--mem", "1M", "guest.bin", tty=True)
    job.expect(b"EEE")
    job.write(b"\x01x")
    assert job.wait().status == 8


BROKEN = {
    "no table": ("lidt [.none]", rb"limit 0x0"),
    "no stack": ("mov sp, 1", rb"stack \(SP 0x1\)"),
}


@pytest.mark.promised
@pytest.mark.parametrize("what", BROKEN)
def test_a_tick_that_finds_no_way_in_is_a_triple_fault_in_words(vtx: Vtx, what: str) -> None:
    code, words = BROKEN[what]
    source = f"listen 0xfe\n mov ax, 1193\n timer 2\n {code}\n sti\n jmp $\n.none: dw 0, 0, 0"
    result = run_guest(vtx, BEGIN + source)
    assert result.status == 6 and re.search(words, result.stderr), result


# Counts hundredths, and tells how many whenever a byte comes.
COUNTING = f"""
        listen  0xfe
        mov     ax, {HUNDREDTH}
        timer   2
        print   'R'
.more:  sti
        hlt
        mov     dx, COM1_LSR
        in      al, dx
        test    al, 1
        jz      .more
        cli
        mov     dx, COM1
        in      al, dx
        mov     eax, [ticks]
        mov     bx, ax
        mov     al, bh
        call    show
        mov     al, bl
        call    show
        mov     al, '.'
        out     dx, al
        jmp     .more
"""


@pytest.mark.promised(without=["12"])  # there they come a millisecond apart
def test_after_a_long_stop_no_more_than_a_second_is_made_up_for(vtx: Vtx) -> None:
    seconds = 60 if FULL else 5
    put_guest(vtx, BEGIN + COUNTING)
    job = vtx.spawn("--mem", "1M", "guest.bin", tty=True)

    def told() -> int:
        before = len(job.output)
        job.write(b"?")
        job.expect(r"\.")
        digits = job.output[before:].decode().rstrip(".").replace(" ", "")
        return int(digits, 16)

    job.expect(b"R")
    first = told()
    vtx.machine.run(f"kill -STOP $(pidof vtxctl); sleep {seconds}", timeout=seconds * 4 + 60)
    before = uptime(vtx)
    vtx.machine.run("kill -CONT $(pidof vtxctl)", check=True)
    second = told()
    late = (uptime(vtx) - before) * 100
    assert 90 <= second - first <= 100 + late + 20 < seconds * 100
    job.write(b"\x01x")
    assert job.wait().status == 8


def uptime(vtx: Vtx) -> float:
    return float(vtx.machine.run("cat /proc/uptime", check=True).text.split()[0])


# The keyboard controller


@pytest.mark.timed
@pytest.mark.quick
def test_the_keyboard_controller_answers_as_ibm_wrote_it(vtx: Vtx) -> None:
    # What is written (a command to 64h, a byte to 60h), and what is read at 60h then.
    talks: list[tuple[str, list[int], list[int]]] = [
        ("self-test", [0xAA + 0x100], [0x55]),
        ("the wire", [0xAB + 0x100], [0x00]),
        ("command byte", [0x20 + 0x100], [0x65]),
        ("another one", [0x60 + 0x100, 0x67, 0x20 + 0x100], [0x67]),
        ("A20 is on", [0xD0 + 0x100], [0xC3]),
        ("A20 off by DDh", [0xDD + 0x100, 0xD0 + 0x100], [0xC1]),
        ("A20 on by DFh", [0xDF + 0x100, 0xD0 + 0x100], [0xC3]),
        ("A20 off by D1h", [0xD1 + 0x100, 0xC1, 0xD0 + 0x100], [0xC1]),
        ("A20 on by D1h", [0xD1 + 0x100, 0xC3, 0xD0 + 0x100], [0xC3]),
        ("echo", [0xEE], [0xEE]),
        ("who are you", [0xF2], [0xFA, 0xAB, 0x41]),
        ("lights", [0xED], [0xFA]),
        ("which", [0x02], [0xFA]),
        ("keyboard, start again", [0xFF], [0xFA, 0xAA]),
        ("nothing there", [0xA9 + 0x100], [0x01]),
    ]
    source = "mov dx, COM1\n"
    expected = b""
    for _, written, read in talks:
        for byte in written:
            source += f"outb {'0x64' if byte > 0xFF else '0x60'}, {byte & 0xFF:#x}\n"
        for byte in read:
            source += "in al, 0x64\n and al, 1\n out dx, al\n in al, 0x60\n out dx, al\n"
            expected += bytes([1, byte])
    source += "in al, 0x64\n and al, 1\n out dx, al\n rest"
    assert content(run_guest(vtx, BEGIN + source)) == expected + b"\0"


# Shows each scan code as it comes, and each byte of the serial port behind an "s".
SHOW_CODES = """
        handle  0x21, .key
        listen  0xfd
        print   'R'
.more:  sti
        nop
        nop
        cli
        mov     dx, COM1_LSR
        in      al, dx
        test    al, 1
        jz      .more
        mov     dx, COM1
        in      al, dx
        mov     bl, al
        mov     al, 's'
        out     dx, al
        mov     al, bl
        call    show
        jmp     .more
.key:   push    ax
        push    dx
        in      al, 0x60
        call    show
        eoi
        pop     dx
        pop     ax
        iret
"""

KEYS = {
    b"a": "1E 9E ",
    b"A": "2A 1E 9E AA ",
    b"1!": "02 82 2A 02 82 AA ",
    b"/?": "35 B5 2A 35 B5 AA ",
    b"\x03": "1D 2E AE 9D ",
    b"\x1a": "1D 2C AC 9D ",
    b"\x01a": "1D 1E 9E 9D ",
    b"\r": "1C 9C ",
    b"\n": "1C 9C ",
    b"\t ": "0F 8F 39 B9 ",
    b"\x7f\b": "0E 8E 0E 8E ",
    b"\x1b": "01 81 ",
    b"\x1b[A": "E0 48 E0 C8 ",
    b"\x1b[B\x1b[C\x1b[D": "E0 50 E0 D0 E0 4D E0 CD E0 4B E0 CB ",
}


def at_keyboard(vtx: Vtx, source: str, ready: bytes) -> Job:
    """A guest at a terminal whose keys are those of the guest's keyboard."""
    put_guest(vtx, source)
    job = vtx.spawn("--mem", "1M", "guest.bin", tty=True)
    job.expect(ready)
    job.write(b"\x01g")
    job.expect(r"the keys go to the keyboard now\r?\n")
    return job


@pytest.mark.timed
@pytest.mark.quick
def test_a_terminals_letters_become_keys_that_go_down_and_up(vtx: Vtx) -> None:
    job = at_keyboard(vtx, BEGIN + SHOW_CODES, b"R")
    for typed, codes in KEYS.items():
        before = len(job.output)
        job.write(typed)
        job.expect(codes.encode())
        assert job.output[before:].decode() == codes, typed
    job.write(b"\x01g")
    job.expect(r"the keys go to the serial port now\r?\n")
    job.write(b"a\x03")
    job.expect(b"s61 s03 ")
    job.write(b"\x01x")
    assert job.wait().status == 8


def test_of_too_many_keys_whole_ones_are_lost(vtx: Vtx) -> None:
    # It does not listen at all until something comes from the serial port.
    source = """
        print   'R'
        mov     dx, COM1_LSR
.wait:  in      al, dx
        test    al, 1
        jz      .wait
.more:  in      al, 0x64
        test    al, 1
        jz      .none
        in      al, 0x60
        call    show
        jmp     .more
.none:  print   'E'
        rest
    """
    job = at_keyboard(vtx, BEGIN + source, b"R")
    letters = (b"qwertyuiop" * 200)[:2000]
    before = len(job.output)
    job.write(letters)
    job.write(b"\x01g.")
    job.expect(b"E")
    assert job.wait().status == 0
    codes = [int(code, 16) for code in re.findall(rb"\b[0-9A-F]{2}\b", job.output[before:])]
    keys = list(zip(codes[::2], codes[1::2]))
    assert all(up == down | 0x80 for down, up in keys)
    assert 256 <= len(keys) <= 256 + 9
    typed = [0x10 + b"qwertyuiop".index(letter) for letter in letters]
    assert [down for down, up in keys] == typed[: len(keys)]


# The reset

# It notes in memory how often it began, and what it found as it did.
STARTS = """
        jmp     first
mark:   db      'o'
first:  xor     ax, ax
        mov     ds, ax
        mov     ss, ax
        mov     sp, 0x7000
        mov     dx, COM1
        mov     al, [mark]
        out     dx, al
        mov     byte [mark], 'x'        ; will be loaded again
        in      al, 0x21
        out     dx, al
        smsw    ax
        out     dx, al
        mov     al, [0x9004]
        out     dx, al
        inc     word [0x9000]
        cmp     word [0x9000], {starts}
        jb      again
        mov     al, '!'
        out     dx, al
        rest
gdt:    dq      0
        dw      0xffff, 0
        db      0, 0x9a, 0, 0
gdtr:   dw      15
        dd      gdt
again:  outb    0x21, 0xfb
        outb    0x43, 0x34
        outb    0x40, 0xff
        outb    0x40, 0xff
        {how}
        jmp     $
trap:   inc     byte [cs:0x9004]
        iret
"""
STARTS = BEGIN[: BEGIN.index("; the timer's")].partition("cli\n")[2] + STARTS

HOW = {
    "FEh": "outb 0x64, 0xfe",
    "F0h": "outb 0x64, 0xf0",
    "D1h": "outb 0x64, 0xd1\n outb 0x60, 0xc2",
    "many at once": "mov si, feh\n mov cx, 3\n mov dx, 0x64\n rep outsb\nfeh: db 0xfe, 0xfe, 0xfe",
    "in protected mode": """
        lgdt    [gdtr]
        mov     eax, cr0
        or      al, 1
        mov     cr0, eax
        outb    0x64, 0xfe""",
    "in single steps": """
        handle  1, trap
        pushf
        pop     ax
        or      ax, 1 << 8
        push    ax
        mov     dx, 0x64
        mov     al, 0xfe
        mov     byte [0x9004], -2       ; two steps: MOV, OUT never ends
        popf
        nop
        nop
        out     dx, al""",
}


@pytest.mark.quick
@pytest.mark.parametrize("how", HOW)
def test_a_reset_begins_anew_and_memory_stays(vtx: Vtx, how: str) -> None:
    result = run_guest(vtx, STARTS.format(starts=3, how=HOW[how]))
    # The image anew, the interrupt controllers not set, real mode; and no step too many.
    assert content(result) == b"o\xff\x10\0" * 3 + b"!"


@pytest.mark.quick
@pytest.mark.parametrize("how", ["FEh", "D1h"])
def test_without_reboots_a_reset_is_the_end(vtx: Vtx, how: str) -> None:
    result = run_guest(vtx, STARTS.format(starts=3, how=HOW[how]), "--no-reboot")
    assert (result.status, result.stdout) == (12, b"o\xff\x10\0")
    assert result.stderr == b"vtxctl: the guest asked for a reset\n"


def test_200_resets_leave_nothing_behind(vtx: Vtx) -> None:
    source = """
        xor     ax, ax
        mov     ds, ax
        mov     dx, COM1
        cmp     byte [0x9000], 0
        je      .tell
        dec     byte [0x9000]
        jnz     .reset
.tell:  mov     al, '?'
        out     dx, al
        mov     dx, COM1_LSR
.wait:  in      al, dx
        test    al, 1
        jz      .wait
        mov     dx, COM1
        in      al, dx
        mov     byte [0x9000], 201
.reset: mov     al, 0xfe
        out     0x64, al
    """
    put_guest(vtx, source)
    job = vtx.spawn("--mem", "1M", "guest.bin", tty=True)

    def held() -> list[str]:
        job.expect(b"?")
        command = "cd /proc/$(pidof vtxctl); ls fd task | wc -l; wc -l <maps; grep VmRSS status"
        return vtx.machine.run(command, check=True).text.splitlines()

    held()
    job.write(b".")
    once = held(), vtx.counters()
    job.write(b".")
    assert (held(), vtx.counters()) == once
    job.write(b"\x01x")
    assert job.wait().status == 8


# A ROM

ROM = """
start:  mov     dx, COM1
        mov     al, 'L'
        out     dx, al
        push    cs
        pop     ds
        mov     al, [text]
        out     dx, al
        mov     byte [text], 'x'        ; the low copy is memory; a reset brings it back
        mov     al, [text]
        out     dx, al
        xor     ax, ax
        mov     ds, ax
        inc     byte [0x9000]
        cmp     byte [0x9000], 2
        je      .done
        mov     al, 0xfe
        out     0x64, al
.done:  cli
        hlt
text:   db      'T'
        times   0xfff0 - ($ - $$) db 0xee
        jmp     0xf000:start
        times   0x10000 - ($ - $$) db 0
"""


def run_rom(vtx: Vtx, rom: bytes, *options: str) -> Result:
    vtx.put({"test.rom": rom})
    return vtx.run(*with_memory(["--rom", "test.rom", *options]))


@pytest.mark.quick
def test_a_rom_begins_at_its_end_and_shows_below_a_megabyte(vtx: Vtx) -> None:
    rom = assemble(ROM, 0)
    assert len(rom) == 65536
    assert content(run_rom(vtx, rom)) == b"LTx" * 2
    # Beside an image: that lies in memory, and the ROM decides.
    put_guest(vtx, "print 'G'\n rest")
    assert content(run_rom(vtx, rom, "guest.bin")) == b"LTx" * 2
    jump = rom[:0xFFF0] + assemble("jmp 0:0x7c00\n times 16 - ($ - $$) db 0", 0xFFF0)
    assert content(run_rom(vtx, jump, "guest.bin")) == b"G"
    # Where real mode could not begin, a file may lie all the same.
    assert content(run_rom(vtx, rom, "--mem", "2M", "guest.bin@0x100000")) == b"LTx" * 2


# The end of a ROM, without a jump.
LAST = "mov dx, COM1\n mov al, 'E'\n out dx, al\n cli\n hlt\n times 16 - ($ - $$) db 0"
SIZES = [16, 17, 4095, 4096, 4097, 65535, 131073, 16 << 20]
SIZES += [(16 << 20) - 1, (2 << 20) + 1] if FULL else []


@pytest.mark.quick
def test_a_rom_of_any_size_ends_at_4_gib(vtx: Vtx) -> None:
    end = assemble(LAST, 0xFFF0)
    for size in SIZES:
        vtx.put({"end.bin": end})
        vtx.machine.run(
            f"cd {vtx.dir}; rm -f test.rom; truncate -s {size - len(end)} test.rom; "
            "cat end.bin >>test.rom",
            check=True,
        )
        result = vtx.run("--rom", "test.rom", "--mem", "64K" if size < 4096 else "1M")
        assert content(result) == b"E", size
    vtx.machine.run(f"rm {vtx.dir}/test.rom")


@pytest.mark.quick
def test_a_rom_that_cannot_be_is_refused_in_words(vtx: Vtx) -> None:
    vtx.put({"empty.rom": b"", "good.rom": assemble(LAST, 0xFFF0)})
    vtx.machine.run(f"cd {vtx.dir}; truncate -s 16777217 large.rom; mkdir -p folder.rom")
    for name, words in {
        "empty.rom": "empty",
        "large.rom": "up to 16M",
        "folder.rom": "not a file",
        "nowhere.rom": "No such file",
    }.items():
        result = vtx.run("--rom", name)
        assert (result.status, result.stdout) == (2, b""), name
        assert words in result.stderr.decode(), name
    assert vtx.run("--rom", "good.rom", "--walk").status == 2


@pytest.mark.quick
def test_a_rom_cannot_be_written(vtx: Vtx) -> None:
    code = "mov byte [cs:0xff00], 1\n jmp $\n times 16 - ($ - $$) db 0"
    result = run_rom(vtx, assemble(code, 0xFFF0))
    assert result.status == 4 and b"0xffffff00" in result.stderr, result


# Bad input

# Every port from SI up to DI, in every width, read and written with random values.
PORTS = """
        mov     si, {first:#x}
        mov     ebx, {seed:#x}
.port:  mov     dx, si
        in      al, dx
        in      ax, dx
        in      eax, dx
        mov     cx, 0xf1                ; F4h ends the guest, and a dword at F1h writes it too
        sub     cx, dx
        neg     cx
        cmp     cx, 3
        jbe     .next
        imul    ebx, ebx, 1664525
        add     ebx, 1013904223
        mov     eax, ebx
        shr     eax, 8
        out     dx, al
        shr     eax, 3
        out     dx, ax
        shr     eax, 5
        out     dx, eax
.next:  inc     si
        cmp     si, {last:#x}
        jne     .port
        rest
"""


@pytest.mark.quick
def test_nonsense_at_every_port_does_no_harm(vtx: Vtx) -> None:
    rounds = [(0, 0x500, seed) for seed in (11, 12, 13)] + [(0xFF00, 0, 14)]
    if FULL:
        rounds += [(0, 0xFFFF, 0)]
    ends = set()
    for first, last, seed in rounds:
        source = BEGIN + PORTS.format(first=first, last=last, seed=seed)
        result = run_guest(vtx, source, "--no-reboot", timeout=600)
        ends.add(result.status)
        # It may have pulled the reset wire by chance.
        said = b"vtxctl: the guest asked for a reset\n" if result.status == 12 else b""
        assert result.stderr == said, result
    assert ends <= {0, 12} and 0 in ends


# NanoX


@pytest.mark.quick
def test_a_key_before_its_time_is_too_early(vtx: Vtx) -> None:
    text = content(vtx.run("nanox.bin", stdin=b"xyq")).decode()
    assert text.count("Wait... too early.\r\n") == 2
    assert "NOW!" not in text and text.endswith("Good night.\r\n")


@pytest.mark.quick
@pytest.mark.parametrize("keys", ["serial port", "keyboard"])
def test_a_reaction_is_measured(vtx: Vtx, keys: str) -> None:
    job = vtx.spawn("nanox.bin", tty=True)
    job.expect(b"Wait... ")
    if keys == "keyboard":
        job.write(b"\x01g")
        job.expect(b"the keyboard now")
    job.expect(b"NOW! ")
    before = uptime(vtx)
    vtx.machine.run("sleep 0.5", check=True)
    least = (uptime(vtx) - before) * 100
    job.write(b"k")
    (text,) = job.expect(r"(\d+) hundredths of a second.\s+Wait... ").groups()
    assert least - 2 <= int(text) <= (uptime(vtx) - before) * 100 + 100
    job.write(b"q")
    job.expect(b"Good night.")
    assert job.wait().status == 0
