# SPDX-License-Identifier: GPL-2.0-only
"""Interrupts and exceptions: each comes once, at its time, and nothing else changes."""

from __future__ import annotations

import random
import re
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

import pytest

from harness.effort import FULL
from harness.guest import put_guest, run_guest, run_guests
from harness.machine import Result
from harness.paths import BUILD
from harness.stage import Copy, Stage
from harness.vtx import Vtx
from tools.changes import read_tree, write_tree

PAIRS = 400 if FULL else 25
SEED = 9

SENTENCE = "the quick brown fox jumps over the lazy dog"


def words(data: bytes) -> list[int]:
    return list(struct.unpack(f"<{len(data) // 2}H", data))


def dwords(data: bytes) -> list[int]:
    return list(struct.unpack(f"<{len(data) // 4}I", data))


def content(result: Result) -> bytes:
    """What a guest sent that came to its own end."""
    assert (result.status, result.stderr) == (0, b""), result
    return result.stdout


# NanoX


def said(pairs: list[tuple[int, int]]) -> tuple[list[str], int]:
    """The sentences that NanoX is to say, and how often it was tapped."""
    lines, waiting, taps = [], 0, 0
    for ring, listen in pairs:
        line = ""
        for place, letter in enumerate(SENTENCE):
            waiting += place == ring
            if place >= listen:
                line += "[tap]" * waiting
                taps += waiting
                waiting = 0
            line += letter
        lines.append(line)
    return lines, taps


@pytest.mark.quick
def test_a_tap_comes_when_it_was_rung_for_and_is_listened_for(vtx: Vtx) -> None:
    dice = random.Random(SEED)
    last = len(SENTENCE)  # never rung, never heard
    pairs = [(4, 10), (10, 4), (7, 7), (0, 0), (0, last), (1, last), (last, 0), (last - 1, 0)]
    pairs += [(dice.randint(0, last), dice.randint(0, last)) for _ in range(PAIRS)]
    typed = "".join(f"{ring} {listen}\n" for ring, listen in pairs) + "end\n"
    result = vtx.run("nanox.bin", stdin=typed.encode(), timeout=200)
    lines, taps = said(pairs)
    text = content(result).decode()
    got = re.findall(r"(?m)^((?:\[tap\])*t.*g)\r$", text)
    assert got == lines
    assert f"\n{taps} taps." in text


@pytest.mark.quick
def test_nanox_tells_of_an_exception_that_nobody_expects(vtx: Vtx) -> None:
    text = content(vtx.run("nanox.bin", stdin=b"end\n")).decode()
    assert "And now 100 divided by 0:\r\n\r\nNanoX: exception 0 (division), error code 0" in text
    assert re.search(r"  EFLAGS 000\d\d\d\d\d\r\n$", text)


# NanoX with another main: it causes what it is told to. At `there` stands what does it, `behind`
# is where the CPU goes on after a trap.
MAIN = """
#include <stdint.h>
#include <stdio.h>

#include "console.h"
#include "idt.h"

asm(".section .data\\n.balign 4096\\n"
    "directory: .long 0x83\\n.fill 1023, 4, 0\\n"
    "gdt: .quad 0, 0x00cf9a000000ffff, 0x00cf92000000ffff, 0x00cf12000000ffff\\n"
    ".quad 0x0040920000000fff, 0x00cffa000000ffff, 0x00cff2000000ffff\\n"
    "tss_at: .quad 0x0000890000000067\\ngdt_end:\\n"
    "tss: .long 0, 0x60000, 16\\n.fill 23, 4, 0\\n"
    "pointer: .word gdt_end - gdt - 1\\n.long gdt\\n"
    "idtr: .fill 6\\nbounds: .long 0, 0\\n"
    ".text\\n");

%(causes)s

int main(void)
{
	unsigned int cause;

	console_init();
	idt_init();
	scanf("%%u", &cause);
	switch (cause) {
%(cases)s
	}
	return 0;
}
"""
CAUSE = """
extern const char there_{n}[], behind_{n}[];
void cause_{n}(void);
asm("cause_{n}:\\nlgdt pointer\\nmov $0xb0b, %ebx\\nmov $0x51, %esi\\nmov $0xd1, %edi\\n"
    "mov $0xbeb, %ebp\\nmov $0x70000, %esp\\n"
    "{before}\\nthere_{n}: {it}\\nbehind_{n}: cli\\nhlt\\n");
"""
CASE = """	case {n}:
		printf("%x %x\\n", (uint32_t)there_{n}, (uint32_t)behind_{n});
		cause_{n}();
"""
PAGED = (
    "mov %cr4, %eax; or $0x10, %eax; mov %eax, %cr4; mov $directory, %eax; mov %eax, %cr3;"
    "mov %cr0, %eax; or $0x80000000, %eax; mov %eax, %cr0"
)
# To privilege 3: the CPU takes the stack for the way back from a TSS.
LOWERED = (
    "mov $tss, %eax; mov %ax, tss_at + 2; shr $16, %eax; mov %al, tss_at + 4; mov $56, %ax; ltr %ax;"
    "mov %cr0, %eax; or $0x40000, %eax; mov %eax, %cr0; mov $51, %ax; mov %ax, %ds; mov %ax, %es;"
    "push $51; push $0x70000; push $0x43002; push $43; push $1f; iret; 1:"
)
# Each that a program can cause here, as NanoX calls it; its error code; where; what leads to it.
# An invalid TSS takes a task switch, which is refused; what the FPU causes takes an FPU.
CAUSES = {
    "0 (division)": ("0", "there", "xor %ecx, %ecx", "div %ecx"),
    "1 (debug)": ("0", "behind", "", ".byte 0xf1"),
    "3 (breakpoint)": ("0", "behind", "", "int3"),
    "4 (overflow)": ("0", "behind", "mov $0x7f, %al; add $1, %al", "into"),
    "5 (bounds)": ("0", "there", "mov $9, %eax", ".byte 0x62, 5; .long bounds"),
    "6 (no such instruction)": ("0", "there", "", "ud2"),
    "7 (no FPU)": ("0", "there", "mov %cr0, %eax; or $8, %al; mov %eax, %cr0", "fnop"),
    "8 (double fault)": (
        "0",
        "there",
        "sidt idtr; mov idtr + 2, %eax; movb $0, 13 * 8 + 5(%eax); mov $0x100, %eax",
        "mov %ax, %fs",
    ),
    "11 (segment not present)": ("0x18", "there", "mov $0x18, %eax", "mov %ax, %fs"),
    "12 (stack segment)": ("0x18", "there", "mov $0x18, %eax", "mov %ax, %ss"),
    "13 (general protection)": ("0x100", "there", "mov $0x100, %eax", "mov %ax, %fs"),
    "14 (page fault)": ("0x2", "there", PAGED, "mov %eax, 0x600004"),
    "17 (alignment)": ("0", "there", LOWERED, "mov 0x60001, %eax"),
}


def nanox_that_causes(stage: Stage) -> bytes:
    """NanoX's own way to C, its table and its words, with that main."""
    causes = enumerate(CAUSES.values())
    code = "".join(CAUSE.format(n=n, before=before, it=it) for n, (_, _, before, it) in causes)
    cases = "".join(CASE.format(n=n) for n in range(len(CAUSES)))
    tree = read_tree(stage.folder)
    tree["nanox/main.c"] = MAIN % {"causes": code, "cases": cases}
    with tempfile.TemporaryDirectory(prefix="causes-", dir=BUILD) as name:
        copy = Copy(stage.name, Path(name))
        write_tree(tree, copy.place)
        image = copy.build_dir / "nanox.bin"
        try:
            subprocess.run(["make", "-s", "-C", copy.place, image], check=True)
            return image.read_bytes()
        finally:
            shutil.rmtree(copy.build_dir, ignore_errors=True)


@pytest.mark.quick
def test_nanox_names_each_exception_that_a_program_can_cause(vtx: Vtx) -> None:
    vtx.put({"causes.bin": nanox_that_causes(vtx.stage)})
    for number, (name, (error, where, *_)) in enumerate(CAUSES.items()):
        text = content(vtx.run("causes.bin", stdin=b"%d\n" % number)).decode()
        found = re.search(r"(\w+) (\w+)\r\n\r\nNanoX: (.*), error code (\w+), at EIP 0x(\w+)", text)
        assert found, (name, text)
        places = {"there": found[1], "behind": found[2]}
        assert found.groups()[2:] == (f"exception {name}", error, places[where]), text
        registers = re.search(r"EBX 00000b0b [\s\S]*ESI 00000051  EDI 000000d1  EBP 00000beb", text)
        assert registers, (name, text)
        # The alignment's stack is that of privilege 3, on which NanoX's frame does not lie.
        assert "ESP 00070000" in text or name.startswith("17"), (name, text)


# Real mode. Each event notes its vector, how much it pushed, and all of that.

REAL = """
        xor     ax, ax
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
        mov     sp, 0x7000
        cld
        xor     di, di
        mov     bx, entries
        mov     cx, 256
.table: mov     [di], bx
        mov     [di + 2], ax
        add     bx, 4
        add     di, 4
        loop    .table
        mov     di, notes
        jmp     begin

        align   4
entries:
%rep    256
        call    note                    ; pushes which entry it was
        nop
%endrep

note:   mov     [cs:.ax], ax
        mov     [cs:.bp], bp
        pop     ax
        sub     ax, entries + 3
        shr     ax, 2
        push    word [cs:.bp]
        mov     bp, sp
        stosw                           ; the vector
        mov     ax, [cs:base]
        sub     ax, bp
        sub     ax, 2
        stosw                           ; so many bytes
        mov     ax, [bp + 2]
        stosw                           ; IP
        mov     ax, [bp + 4]
        stosw                           ; CS
        mov     ax, [bp + 6]
        stosw                           ; FLAGS
        mov     ax, [cs:resume]
        test    ax, ax
        jz      .back
        mov     [bp + 2], ax
.back:  pop     bp
        mov     ax, [cs:.ax]
        iret
.ax:    dw      0
.bp:    dw      0

base:   dw      0x7000                  ; SP without an event
resume: dw      0                       ; not 0: go on there, not where it was

%macro rings 1
        mov     al, %1
        out     0xf5, al
%endmacro

; the end: send the notes
%macro tell 0
        cli
        mov     cx, di
        mov     si, notes
        sub     cx, si
        mov     dx, COM1
        rep     outsb
        hlt
%endmacro

notes   equ     0xa000
begin:
"""

Note = tuple[int, int, int, int, int]


def notes(result: Result) -> list[Note]:
    """vector, bytes pushed, IP, CS, FLAGS of each event."""
    return list(struct.iter_unpack("<5H", content(result)))


def runs(vtx: Vtx, sources: dict[str, str]) -> dict[str, Result]:
    return dict(zip(sources, run_guests(vtx, sources.values())))


def vectors(result: Result) -> list[int]:
    return [note[0] for note in notes(result)]


@pytest.mark.quick
def test_an_interrupt_waits_until_the_guest_listens(vtx: Vtx) -> None:
    source = """
        cli
        rings   0x40
        stosw
        nop
        sti
        nop
        nop
        stosw
        tell
    """
    marks = words(content(run_guest(vtx, REAL + source)))
    assert (marks[0] & 0xFF, marks[1:3], marks[6] & 0xFF) == (0x40, [0x40, 6], 0x40)
    assert len(marks) == 7


# After STI: the instruction that it guards, and those behind which the handler may come.
GUARDED = {
    "an ordinary instruction": ("inc bx", ["behind"]),
    "CPUID": ("cpuid", ["behind"]),
    "OUT": ("out 0x80, al", ["behind"]),
    "IN": ("in al, 0x80", ["behind"]),
    "MOV to CR0": ("mov cr0, eax", ["behind"]),
    "HLT": ("hlt", ["behind"]),
    "REP MOVSB": ("rep movsb", ["behind"]),
    "CALL": ("call away", ["away"]),
    "INT": ("int 0x41", ["behind"]),
    # The guard of these counts too, or does not: a CPU may choose, behind another guard.
    "MOV SS": ("mov ss, cx", ["behind", "beyond"]),
    "POP SS": ("pop ss", ["behind", "beyond"]),
}


@pytest.mark.quick
def test_the_instruction_behind_sti_is_done_first(vtx: Vtx) -> None:
    sources = {
        kind: f"""
        cli
        rings   0x40
        mov     word [resume], 0
        mov     si, 0x9000
        push    word 0
        mov     eax, cr0
        xor     cx, cx
        sti
        {code}
behind: nop
beyond: nop
        cli
        jmp     last
away:   nop
        cli
last:   mov     bx, places
        mov     cx, 3
.copy:  mov     ax, [bx]
        stosw
        add     bx, 2
        loop    .copy
        tell
places: dw      behind, beyond, away
    """
        for kind, (code, _) in GUARDED.items()
    }
    for kind, result in runs(vtx, {kind: REAL + code for kind, code in sources.items()}).items():
        got = words(content(result))
        places = dict(zip(("behind", "beyond", "away"), got[-3:]))
        events = [(got[at], got[at + 2]) for at in range(0, len(got) - 3, 5)]
        if kind == "INT":
            # Its handler runs with interrupts off; the other comes when that is done.
            assert events.pop(0) == (0x41, places["behind"])
        assert events in [[(0x40, places[name])] for name in GUARDED[kind][1]], kind


@pytest.mark.quick
def test_sti_and_cli_at_once_let_nothing_in(vtx: Vtx) -> None:
    source = "cli\n rings 0x40\n" + "sti\n cli\n nop\n" * 50 + "mov ax, 0x1111\n stosw\n"
    got = words(content(run_guest(vtx, REAL + source + "sti\n nop\n nop\n tell")))
    assert (got[0], got[1], len(got)) == (0x1111, 0x40, 6)


@pytest.mark.quick
def test_a_halt_wakes_and_the_guest_is_behind_it(vtx: Vtx) -> None:
    source = """
        cli
        rings   0x40
        rings   0x41
        rings   0x42
        sti
        hlt
        nop
        tell
    """
    off, on, woken = run_guests(vtx, ["cli\n hlt\n rest", "sti\n hlt\n rest", REAL + source])
    assert vectors(woken) == [0x40, 0x41, 0x42]
    # And a halt that nothing can end is told.
    assert (off.status, off.stderr) == (0, b"")
    assert on.status == 10
    assert b"waits for an interrupt, and nothing can send one" in on.stderr


@pytest.mark.quick
def test_what_was_rung_first_comes_first_and_each_once(vtx: Vtx) -> None:
    dice = random.Random(SEED)
    order = [dice.randint(0x20, 0xFF) for _ in range(120)]
    source = "cli\n" + "".join(f"rings {vector}\n" for vector in order) + "sti\n nop\n nop\n tell"
    many = "cli\n mov cx, 300\n.more: rings 0x40\n loop .more\n sti\n nop\n nop\n tell"
    first, second = (notes(result) for result in run_guests(vtx, [REAL + source, REAL + many]))
    assert [note[0] for note in first] == order
    # With no instruction in between: each returned, and the next came at once.
    assert len({note[2] for note in first}) == 1
    # A doorbell forgets what is too much.
    assert [note[0] for note in second] == [0x40] * 256


@pytest.mark.quick
def test_a_handler_that_listens_is_interrupted_itself(vtx: Vtx) -> None:
    source = """
        handle  0x50, deep
        cli
        rings   0x50
        rings   0x50
        rings   0x50
        sti
        nop
        nop
        tell
depth:  db      0
deep:   inc     byte [depth]
        mov     al, [depth]
        stosb
        sti
        nop
        nop
        mov     al, [depth]
        or      al, 0x80
        stosb
        dec     byte [depth]
        iret
    """
    assert content(run_guest(vtx, REAL + source)) == bytes([1, 2, 3, 0x83, 0x82, 0x81])


@pytest.mark.quick
def test_all_256_vectors_in_real_mode(vtx: Vtx) -> None:
    source = """
        mov     bx, 0
        mov     cx, 256
        sti
more:   mov     al, bl
        out     0xf5, al
behind: inc     bx
        loop    more
        cli
        mov     ax, behind
        stosw
        tell
    """
    got = content(run_guest(vtx, REAL + source))
    (behind,) = words(got[-2:])
    events = list(struct.iter_unpack("<5H", got[:-2]))
    assert [event[:4] for event in events] == [(n, 6, behind, 0) for n in range(256)]


@pytest.mark.quick
def test_the_stack_holds_flags_cs_and_ip_exactly(vtx: Vtx) -> None:
    patterns = [0x0202, 0x0AD7, 0x0293, 0x3246]
    sources = [
        f"""
        jmp     0x100:there - 0x1000
there:  mov     al, 0x40
        push    word {flags:#x}
        popf
        out     0xf5, al
behind: pushf
        pop     cx
        mov     ax, behind - 0x1000
        stosw
        mov     ax, cx
        stosw
        jmp     0:end
end:    tell
    """
        for flags in patterns
    ]
    for flags, result in zip(patterns, run_guests(vtx, [REAL + source for source in sources])):
        got = words(content(result))
        behind, after = got[-2:]
        assert got[:5] == [0x40, 6, behind, 0x100, flags]
        assert after == flags, "the program does not notice"


@pytest.mark.quick
def test_an_int_of_the_guests_own_comes_to_its_handler(vtx: Vtx) -> None:
    source = """
        mov     bx, from
        sti
from:   int     0x80
        int3
        mov     al, 0x7f
        add     al, 1
        into
        int     13
        db      0xf1                    ; INT1
        add     al, 1
        into
        cli
        mov     ax, from
        stosw
        tell
    """
    got = content(run_guest(vtx, REAL + source))
    (at,) = words(got[-2:])
    events = struct.iter_unpack("<5H", got[:-2])
    # Each goes on behind itself.
    assert [(vector, size, ip - at) for vector, size, ip, _, _ in events] == [
        (0x80, 6, 2),
        (3, 6, 3),
        (4, 6, 8),
        (13, 6, 10),
        (1, 6, 11),
    ]


REAL_FAULTS = {
    "div": (0, "xor cx, cx", "div cx"),
    "bound": (5, "mov dword [0x5000], 0x20001\n mov ax, 9", "bound ax, [0x5000]"),
    "undefined": (6, "", "ud2"),
    "no fpu": (7, "mov eax, cr0\n or al, 8\n mov cr0, eax", "fnop"),
    "stack": (12, "mov bp, 0xffff", "mov ax, [bp]"),
    "segment": (13, "mov bx, 0xffff", "mov ax, [bx]"),
    "paging without protection": (13, "mov eax, 0x80000010", "mov cr0, eax"),
    "NW without CD": (13, "mov eax, 0x20000010", "mov cr0, eax"),
    "CR4 that CPUID does not offer": (13, "mov eax, 0x200", "mov cr4, eax"),
    "behind STI": (13, "mov eax, 0x200\n cli\n sti", "mov cr4, eax"),
    "a double fault": (8, "lidt [small]", "int 0x40"),
}


@pytest.mark.quick
def test_a_fault_in_real_mode_comes_to_the_guest_without_an_error_code(vtx: Vtx) -> None:
    sources = {
        kind: f"""{REAL}
        jmp     go
small:  dw      8 * 4 + 3               ; up to the double fault
        dd      0
go:     mov     word [resume], behind
        {before}
there:  {instruction}
        ud2
behind: cli
        mov     ax, there
        stosw
        tell
    """
        for kind, (_, before, instruction) in REAL_FAULTS.items()
    }
    for kind, result in runs(vtx, sources).items():
        got = words(content(result))
        assert (got[:4], len(got)) == ([REAL_FAULTS[kind][0], 6, got[-1], 0], 6), kind


# Steps through itself: notes each IP at which its trap comes.
STEPPED = """
        handle  1, trap
        mov     bp, sp
        sti
        pushf
        or      word [bp - 2], 1 << 8
        popf
        nop
        mov     al, 0x40
        out     PORT, al
        inc     bx
        mov     cx, 3
        mov     si, 0x9000
        rep     lodsb
        sti
        cli
        mov     al, 0x41
        out     PORT, al
        cpuid
        sti
        nop
        in      al, 0x80
        mov     al, 0x42
        out     PORT, al
        nop
        pushf
        and     word [bp - 2], ~(1 << 8)
        popf
        nop
        cli
        mov     si, 0xb000
        mov     cx, [steps]
        sub     cx, si
        mov     ax, cx
        stosw
        rep     movsb
        tell

trap:   push    bp
        mov     bp, sp
        push    ax
        push    di
        mov     di, [steps]
        mov     ax, [bp + 2]
        stosw
        mov     [steps], di
        pop     di
        pop     ax
        pop     bp
        iret
steps:  dw      0xb000
"""


@pytest.mark.quick
def test_a_guest_that_steps_through_itself_misses_no_step_and_no_interrupt(vtx: Vtx) -> None:
    # The same with a port at which nobody is.
    sources = [REAL + STEPPED.replace("PORT", port) for port in ("0xf6", "0xf5")]
    found = []
    for result in run_guests(vtx, sources):
        got = words(content(result))
        at = 0
        while got[at] >= 0x40 and got[at + 1] == 6:
            at += 5
        assert got[at] == 2 * len(got[at + 1 :])
        found.append(([got[n] for n in range(0, at, 5)], got[at + 1 :]))
    assert [vectors for vectors, _ in found] == [[], [0x40, 0x41, 0x42]]
    assert found[0][1] == found[1][1]
    assert len(found[0][1]) > 20


# Protected mode. A note is: vector, bytes pushed, error code, EIP, CS, EFLAGS, CR2.

PROTECTED = """
        xor     ax, ax
        mov     ds, ax
        cli
        lgdt    [gdtr]
        mov     eax, cr0
        or      al, 1
        mov     cr0, eax
        jmp     dword 8:in32

        align   8
gdt:    dq      0
        dq      0x00cf9a000000ffff      ; 8: code
        dq      0x00cf92000000ffff      ; 16: data
        dq      0x00cffa000000ffff      ; 24: code of privilege 3
        dq      0x00cff2000000ffff      ; 32: its data
        dw      0xffff, 0, 0x1200, 0xcf ; 40: data that is not present
tss:    dw      0x67, 0x6000, 0x8900, 0 ; 48: a task state
        dw      0x0fff, 0, 0x9200, 0x40 ; 56: the first 4 KiB
gdt_end:
gdtr:   dw      gdt_end - gdt - 1
        dd      gdt

        bits    32
in32:   mov     ax, 16
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
        mov     esp, 0x7000
        cld
        mov     dword [0x6004], 0x7000
        mov     dword [0x6008], 16
        mov     ax, 48
        ltr     ax
        mov     edi, 0x10000            ; the interrupt table
        mov     ebx, entries
        mov     ecx, 256
.gate:  mov     [edi], bx
        mov     dword [edi + 2], 0xee000008 ; present, for all, 32-bit, interrupts off
        mov     word [edi + 6], 0
        add     ebx, 16
        add     edi, 8
        loop    .gate
        mov     word [0x10000 + 0xff * 8], top
        lidt    [idtr]
        mov     edi, notes
        jmp     begin

; INT 0xff: privilege 0 again
top:    mov     ax, 16
        mov     ds, ax
        mov     es, ax
        pop     dword [resume]
        mov     esp, 0x7000
        jmp     [resume]

idtr:   dw      256 * 8 - 1
        dd      0x10000

        align   16
entries:
%assign n 0
%rep    256
        align   16
        push    dword n
        jmp     note
%assign n n + 1
%endrep

note:   pushad
        lea     ebp, [esp + 36]
        mov     eax, [ebp - 4]
        stosd
        mov     ecx, [base]
        sub     ecx, ebp
        mov     eax, ecx
        stosd
        mov     [pushed], ecx
        or      eax, -1
        test    cl, 4                   ; 16 or 24 bytes: with an error code
        jnz     .none
        mov     eax, [ebp]
        add     ebp, 4
.none:  stosd
        mov     eax, [ebp]
        stosd
        mov     eax, [ebp + 4]
        stosd
        mov     eax, [ebp + 8]
        stosd
        mov     eax, cr2
        stosd
        mov     eax, [resume]
        test    eax, eax
        jz      .stay
        mov     [ebp], eax
.stay:  mov     [esp], edi
        popad
        add     esp, 4
        test    dword [pushed], 4
        jnz     .back
        add     esp, 4
.back:  iretd

        align   4
base:   dd      0x7000                  ; ESP without an event
resume: dd      0
pushed: dd      0

%macro rings 1
        mov     al, %1
        out     0xf5, al
%endmacro

; the end, of privilege 0 and without paging
%macro tell 0
        cli
        mov     ecx, edi
        mov     esi, notes
        sub     ecx, esi
        mov     dx, COM1
        rep     outsb
        hlt
%endmacro

; pages of 4 MiB, each at its own place
%macro page_on 0
        mov     eax, cr4
        or      al, 0x10
        mov     cr4, eax
        mov     dword [0x20000], 0x83
        mov     eax, 0x20000
        mov     cr3, eax
        mov     eax, cr0
        or      eax, 0x80010000         ; WP, too
        mov     cr0, eax
%endmacro

%macro page_off 0
        mov     eax, cr0
        and     eax, 0x7fffffff
        mov     cr0, eax
%endmacro

; on with privilege 3
%macro lower 0
        mov     ax, 35
        mov     ds, ax
        mov     es, ax
        push    dword 35
        push    dword 0x6e00
        push    dword 0x43202           ; AC, ports, interrupts
        push    dword 27
        push    dword %%on
        iretd
%%on:
%endmacro

notes   equ     0x30000
begin:
"""

NONE = 0xFFFFFFFF
RF = 1 << 16

# Its vector, its error code, CR2 if it sets that, where it says it was; what leads to it, and it.
FAULTS = {
    "divide": (0, NONE, "there", "xor ecx, ecx", "div ecx"),
    "breakpoint": (3, NONE, "behind", "", "int3"),
    "overflow": (4, NONE, "behind", "mov al, 0x7f\n add al, 1", "into"),
    "bound": (5, NONE, "there", "mov eax, 9", "bound eax, [zeros]"),
    "undefined": (6, NONE, "there", "", "ud2"),
    "no fpu": (7, NONE, "there", "mov eax, cr0\n or al, 8\n mov cr0, eax", "fnop"),
    "a double fault": (8, 0, "there", "mov byte [0x10000 + 13 * 8 + 5], 0", "mov fs, [bad]"),
    "not present": (11, 40, "there", "mov ax, 40", "mov fs, ax"),
    "stack": (12, 40, "there", "mov ax, 40", "mov ss, ax"),
    "beyond the table": (13, 0x100, "there", "", "mov fs, [bad]"),
    "beyond the limit": (13, 0, "there", "mov ax, 56\n mov fs, ax", "mov al, [fs:0x1000]"),
    "INT without a gate": (
        11,
        0x40 * 8 + 2,
        "there",
        "mov byte [0x10000 + 0x40 * 8 + 5], 0x6e",
        "int 0x40",
    ),
    "CR0": (13, 0, "there", "mov eax, 0x20000011", "mov cr0, eax"),
    "CR4": (13, 0, "there", "mov eax, 0x200", "mov cr4, eax"),
    "CR4 behind STI": (13, 0, "there", "mov eax, 0x200\n sti", "mov cr4, eax"),
    "INT1": (1, NONE, "behind", "", "db 0xf1"),
    "INT 13 has no error code": (13, NONE, "behind", "", "int 13"),
    "a step": (1, NONE, "behind", "pushfd\n or dword [esp], 0x100\n popfd", "nop"),
}


def frames(result: Result) -> tuple[list[tuple[int, ...]], dict[str, int]]:
    """The notes, and what the guest said of its places."""
    got = dwords(content(result))
    events = [tuple(got[at : at + 7]) for at in range(0, len(got) - 2, 7)]
    return events, {"there": got[-2], "behind": got[-1]}


def faulting(before: str, instruction: str, after: str = "") -> str:
    return f"""{PROTECTED}
        mov     dword [resume], behind
        {before}
there:  {instruction}
behind: {after}
        mov     eax, there
        stosd
        mov     eax, behind
        stosd
        tell
bad:    dw      0x100
zeros:  dd      0, 0
    """


@pytest.mark.quick
def test_an_exception_in_protected_mode_comes_to_the_guests_own_handler(vtx: Vtx) -> None:
    # A trap has gone on already; RESUME takes the guest behind all others. A step's handler
    # would be stepped through for ever, so TF is taken away.
    sources = {
        kind: faulting(before, it, "and dword [esp - 4], ~0x100\n" if kind == "a step" else "")
        for kind, (_, _, _, before, it) in FAULTS.items()
    }
    sources["a step"] = sources["a step"].replace(
        ".stay:  mov", ".stay:  and dword [ebp + 8], ~0x100\n mov"
    )
    for kind, result in runs(vtx, sources).items():
        vector, error, where, *_ = FAULTS[kind]
        events, places = frames(result)
        size = 12 if error == NONE else 16
        (event,) = events
        assert event[:5] == (vector, size, error, places[where], 8), (kind, event, places)
        # A fault is to be done again, so its flags have RF; but an abort, and one that went
        # through VTXDRV, where Bochs forgets it.
        if where == "there" and vector not in (7, 8):
            assert event[5] & RF, kind


@pytest.mark.quick
@pytest.mark.parametrize(
    "access, error", [("mov eax, [0x600004]", 0), ("mov [0x600004], eax", 2), ("jmp eax", 0)]
)
def test_a_page_fault_comes_with_its_address(vtx: Vtx, access: str, error: int) -> None:
    before = "page_on\n mov eax, 0x600004"
    source = faulting(before, access, "page_off\n")
    events, places = frames(run_guest(vtx, source, "--mem", "1M"))
    (event,) = events
    assert (event[0], event[2], event[6]) == (14, error, 0x600004)
    assert event[3] == (0x600004 if "jmp" in access else places["there"])


@pytest.mark.quick
def test_an_unaligned_address_is_an_exception_at_privilege_3_only(vtx: Vtx) -> None:
    source = f"""{PROTECTED}
        mov     eax, cr0
        or      eax, 0x40000            ; AM
        mov     cr0, eax
        pushfd
        or      dword [esp], 0x40000    ; AC
        popfd
        mov     eax, [0x5001]           ; nobody minds
        lower
        mov     dword [resume], behind
        nop
there:  mov     eax, [0x5001]
behind: int     0xff
        mov     eax, there
        stosd
        mov     eax, behind
        stosd
        tell
    """
    (event,), places = frames(run_guest(vtx, source))
    assert event[:5] == (17, 24, 0, places["there"], 27)


@pytest.mark.quick
def test_all_vectors_in_protected_mode_and_none_with_an_error_code(vtx: Vtx) -> None:
    source = f"""{PROTECTED}
        mov     ebx, 0
        mov     ecx, 255                ; the last is ours
        sti
more:   mov     al, bl
there:  out     0xf5, al
behind: inc     ebx
        loop    more
        cli
        mov     eax, there
        stosd
        mov     eax, behind
        stosd
        tell
    """
    events, places = frames(run_guest(vtx, source))
    expected = [(n, 12, NONE, places["behind"], 8) for n in range(255)]
    assert [event[:5] for event in events] == expected


@pytest.mark.quick
def test_an_interrupt_at_privilege_3_goes_to_the_stack_of_privilege_0(vtx: Vtx) -> None:
    source = f"""{PROTECTED}
        lower
        mov     al, 0x40
there:  out     0xf5, al
behind: int     0xff
        mov     eax, there
        stosd
        mov     eax, behind
        stosd
        tell
    """
    (event,), places = frames(run_guest(vtx, source))
    assert event[:5] == (0x40, 20, NONE, places["behind"], 27)


# Triple faults

EMPTY = "lidt [empty]\n"
DATA = "\n rest\nempty: dw 0\n dd 0\nsmall: dw 0x3ff\n dd 0\n"
TRIPLE = {
    "INT": (EMPTY + "int 0x40", "itself", "int 0x40", "interrupt table (limit 0x0)"),
    "an exception": (EMPTY + "ud2", "itself", "ud2", "interrupt table (limit 0x0)"),
    "CR4": (
        EMPTY + "mov eax, 0x200\n mov cr4, eax",
        "exception 13: general protection (#GP)",
        "mov cr4, eax",
        "interrupt table (limit 0x0)",
    ),
    "from outside": (
        EMPTY + "cli\n mov al, 0x40\n out 0xf5, al\n sti\n nop\n inc cx",
        "interrupt 64, from outside",
        "inc cx",
        "interrupt table (limit 0x0)",
    ),
    "a stack without room": (
        "xor ax, ax\n mov ss, ax\n mov sp, 1\n ud2",
        "itself",
        "ud2",
        "SP 0x1",
    ),
    "from outside, no room": (
        "xor ax, ax\n mov ss, ax\n mov sp, 1\n sti\n mov al, 0x41\n out 0xf5, al\n inc cx",
        "interrupt 65, from outside",
        "inc cx",
        "SP 0x1",
    ),
    "an interrupt that went well, and then": (
        "mov word [0x100], back\n mov word [0x102], 0\n sti\n mov al, 0x40\n out 0xf5, al\n"
        + "lidt [empty]\n ud2\nback: iret",
        "itself",
        "ud2",
        "interrupt table (limit 0x0)",
    ),
}


@pytest.mark.quick
def test_a_triple_fault_is_told_with_what_came_first(vtx: Vtx) -> None:
    sources = {kind: code + DATA for kind, (code, *_) in TRIPLE.items()}
    for kind, result in runs(vtx, sources).items():
        _, first, instruction, why = TRIPLE[kind]
        text = result.stderr.decode()
        assert result.status == 6, (kind, text)
        assert re.search(rf"began with .*{re.escape(first)}\n", text), (kind, text)
        assert f"the instruction there, in real mode: {instruction}" in text, (kind, text)
        assert why in text, (kind, text)


@pytest.mark.quick
def test_a_triple_fault_in_protected_mode(vtx: Vtx) -> None:
    sources = {
        "no table": "lidt [empty]\n int 0x40",
        "no gate": "".join(f"mov byte [0x10000 + {n} * 8 + 5], 0x6e\n" for n in (6, 8, 11)) + "ud2",
        "no stack": "mov ax, 56\n mov ss, ax\n mov esp, 0x7000\n ud2",
    }
    guests = {
        kind: f"{PROTECTED}{code}\n cli\n hlt\nempty: dw 0\n dd 0" for kind, code in sources.items()
    }
    for kind, result in runs(vtx, guests).items():
        text = result.stderr.decode()
        assert (result.status, result.stdout) == (6, b""), (kind, text)
        assert "the guest's CPU shut down" in text and "in protected mode: " in text, kind
        assert ("has no entry for it" in text) == (kind == "no table"), (kind, text)


# The ABI


@pytest.mark.quick
@pytest.mark.promised
def test_what_vtx_interrupt_refuses(vtx: Vtx) -> None:
    assert vtx.ask("interrupt.c", put_guest(vtx, INTERRUPTED)) == {
        "before the first turn": "EAGAIN",
        "vector 256": "EINVAL",
        "reserved": "EINVAL",
        "a bad pointer": "EFAULT",
        "interrupts off": "EAGAIN",
        "it may not: can_inject": "0",
        "with want_window it comes back with": "0x7",
        "it may: can_inject": "0x1",
        "now": "ok",
        "and a second one": "EAGAIN",
        "after that: can_inject": "0",
        "the handler has run": "0x1",
        "it waits in HLT": "0x3",
        "can be woken": "0x1",
        "by an interrupt": "ok",
        "the end": "0x6",
        "by then the handler has run": "0x2",
        "after the end": "ESHUTDOWN",
    }


INTERRUPTED = """
        xor     ax, ax
        mov     ds, ax
        mov     ss, ax
        mov     sp, 0x7000
        handle  0x40, hit
        cli
        out     0x80, al                ; 1: interrupts are off
        nop
        sti
        nop
        nop
        out     0x80, al                ; 2: the handler has run
        hlt
        lidt    [none]
        int     3
hit:    inc     byte [0x6000]
        iret
none:   dw      0
        dd      0
"""


@pytest.mark.quick
@pytest.mark.promised
def test_random_injections_come_once_each_and_disturb_nothing(vtx: Vtx, long: bool) -> None:
    many = 100_000 if long else 2_000
    told = vtx.ask("inject.c", put_guest(vtx, DISTURBED), str(many), timeout=300)
    assert told["injected"] == hex(many)
    assert told["each vector as often as it was sent"] == "yes"
    assert told["stray events"] == "0"
    assert told["the two stacks"] == "whole"
    assert told["rounds that went wrong"] == "0"
    # Some could be sent at once, some had to wait; some of these for STI or MOV SS only.
    ways = {kind: int(told[kind], 0) for kind in ("at once", "interrupts off", "a guard")}
    assert all(count > many // 1000 for count in ways.values()), ways


DISTURBED = """
        xor     ax, ax
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
        mov     sp, 0x7000
        cld
        xor     di, di
        mov     bx, entries
        mov     cx, 256
.table: mov     [di], bx
        mov     [di + 2], ax
        add     bx, 4
        add     di, 4
        loop    .table
        jmp     round

        align   4
entries:
%rep    256
        call    count
        nop
%endrep

; One more of this vector; nothing else changes.
count:  push    bp
        mov     bp, sp
        push    bx
        push    ds
        push    word 0x1000
        pop     ds
        mov     bx, [bp + 2]
        sub     bx, entries + 3
        inc     dword [bx]              ; 4 bytes for each, as the entries have
        pop     ds
        pop     bx
        pop     bp
        add     sp, 2
        iret

expected equ 0x9000                     ; what a round is to find, from the first, undisturbed
rounds  equ     0x9004
wrong   equ     0x9008

round:  cli
        mov     ebx, 0x12345678
        mov     esi, 0x9e3779b9
        sti
        mov     cx, 40
.loop:  add     ebx, esi
        rol     ebx, 5
        push    bx
        pushf
        sti
        cli
        xor     bx, [.number]
        sti
        popf
        pop     dx
        adc     bx, dx
        call    .sub
%rep    12
        cli
        sti
        nop
        mov     dx, ss
        mov     ss, dx
        nop
%endrep
        ; To another stack and back: between MOV SS and MOV SP there is none.
        mov     bp, sp
        mov     ax, 0x2000
        mov     ss, ax
        mov     sp, 0x100
        push    bx
        pop     dx
        xor     ax, ax
        mov     ss, ax
        mov     sp, bp
        sub     bx, dx
        add     bx, dx
        push    cx
        push    si
        mov     si, entries
        mov     di, 0xc000
        mov     cx, 16
        rep     movsb
        pop     si
        pop     cx
        add     bx, [0xc000 + 9]
        imul    ebx, ebx, 0x10001
        test    cl, 15
        jnz     .quiet
        mov     al, cl
        out     0x80, al
        in      al, 0x81                ; nobody answers: ones
        add     bl, al
.quiet: dec     cx
        jnz     .loop
        cli
        inc     dword [rounds]
        cmp     dword [rounds], 1
        jne     .check
        mov     [expected], ebx
.check: cmp     ebx, [expected]
        je      .same
        inc     dword [wrong]
.same:  sti
        jmp     round
.number: dw     0xbeef
.sub:   xor     ebx, 0x55aa
        inc     si
        lodsb
        sub     si, 2
        test    si, si
        ret
"""
