# SPDX-License-Identifier: GPL-2.0-only
"""Protected mode: CR0 and CR4, exceptions told in words, and all that a guest may change."""

from __future__ import annotations

import random
import re
import struct

import pytest

from harness.guest import put_guest, run_guest, run_guests
from harness.machine import Result
from harness.vtx import Vtx

SEED = 7

# Segments for 32-bit code, and the way there and back. DS, ES and SS are flat in between.
SEGMENTS = """
        xor     ax, ax
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
        mov     sp, 0x7000
        cld
        cli
        jmp     begin

        align 8
gdt:    dq      0
code32: dw      0xffff, 0
        db      0, 0x9a, 0xcf, 0
data32: dw      0xffff, 0
        db      0, 0x92, 0xcf, 0
code16: dw      0xffff, 0
        db      0, 0x9a, 0, 0
data16: dw      0xffff, 0
        db      0, 0x92, 0, 0
absent: dw      0xffff, 0
        db      0, 0x12, 0xcf, 0
tss32:  dw      0x67, 0x6000
        db      0, 0x89, 0, 0
gdt_end:
gdtr:   dw      gdt_end - gdt - 1
        dd      gdt
idt_none: dw    0
        dd      0

send:   push    dx
        push    cx
        mov     dx, COM1
        mov     cx, 4
.next:  out     dx, al
        shr     eax, 8
        loop    .next
        pop     cx
        pop     dx
        ret

%macro protect 0
        lgdt    [gdtr]
        mov     eax, cr0
        or      al, 1
        mov     cr0, eax
        jmp     dword 8:%%in
        bits    32
%%in:   mov     ax, 16
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
        movzx   esp, sp
%endmacro

%macro unprotect 0
        jmp     24:%%half
        bits    16
%%half: mov     ax, 32
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
        mov     eax, cr0
        and     al, 0xfe
        mov     cr0, eax
        jmp     0:%%out
%%out:  xor     ax, ax
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
%endmacro

; 32-bit: paging with 4 MiB pages, each at its own place but the second, which shows the first
%macro page_by_pse 0
        mov     eax, cr4
        or      al, 0x10
        mov     cr4, eax
        mov     dword [0x10000], 0x83
        mov     dword [0x10004], 0x83
        mov     eax, 0x10000
        mov     cr3, eax
        mov     eax, cr0
        or      eax, 0x80000000
        mov     cr0, eax
%endmacro

; 32-bit: the same with PAE, whose top table the CPU reads at once, and pages of 2 MiB
%macro page_by_pae 0
        mov     eax, cr4
        or      al, 0x20
        mov     cr4, eax
        mov     dword [0x12000], 0x13001
        mov     dword [0x12004], 0
        mov     dword [0x12008], 0
        mov     dword [0x1200c], 0
        mov     dword [0x12010], 0
        mov     dword [0x12014], 0
        mov     dword [0x12018], 0
        mov     dword [0x1201c], 0
        mov     dword [0x13000], 0x83
        mov     dword [0x13004], 0
        mov     dword [0x13010], 0x83
        mov     dword [0x13014], 0
        mov     eax, 0x12000
        mov     cr3, eax
        mov     eax, cr0
        or      eax, 0x80000000
        mov     cr0, eax
%endmacro

%macro unpage 0
        mov     eax, cr0
        and     eax, 0x7fffffff
        mov     cr0, eax
        xor     eax, eax
        mov     cr3, eax
        mov     cr4, eax
%endmacro

begin:
"""


def dwords(data: bytes) -> list[int]:
    return list(struct.unpack(f"<{len(data) // 4}I", data))


def ended(result: Result) -> str:
    """What was said of a guest that was ended."""
    assert result.status == 4, result
    return result.stderr.decode()


# The window


@pytest.mark.quick
def test_the_window_shows_each_of_its_bytes(vtx: Vtx) -> None:
    typed = "".join(f"{n}\n" for n in range(16)) + "bye\n"
    result = vtx.run("nanox.bin", stdin=typed.encode())
    shown = re.findall(rb"There is: (.)\r\n", result.stdout)
    assert (result.status, b"".join(shown)) == (0, b"Look through me!")
    assert result.stdout.endswith(b"Good night.\r\n")


@pytest.mark.quick
@pytest.mark.parametrize("number", [16, 17, 4096, 4294967295])
def test_behind_its_edge_the_cpu_says_no_and_we_say_why(vtx: Vtx, number: int) -> None:
    said = ended(vtx.run("nanox.bin", stdin=f"{number}\n".encode()))
    assert "by exception 13: general protection (#GP), error code 0\n" in said
    assert "the instruction there, in protected mode: mov al, byte ptr fs:[ebx]\n" in said
    assert re.search(r"FS 0004: data to read, 16 bytes from 0x7\w+\n", said)
    assert f"EBX {number:x} " in said


# CR0 and CR4


@pytest.mark.quick
@pytest.mark.promised
def test_a_guest_reads_what_it_wrote_into_cr0(vtx: Vtx) -> None:
    values = [0x60000010, 0x10, 0x12, 0x40010018, 0x6005003A, 0x60000010]
    source = SEGMENTS + "mov eax, cr0\n call send\n"
    for value in values:
        source += f"mov eax, {value:#x}\n mov cr0, eax\n mov eax, cr0\n call send\n"
        source += "smsw eax\n call send\n"
    result = run_guest(vtx, source + "rest")
    assert (result.status, result.stderr) == (0, b"")
    got = dwords(result.stdout)
    # ET is always 1; SMSW of a 32-bit register shows all of it.
    told = [value | 0x10 for value in values for _ in range(2)]
    assert got == [0x60000010, *told]


@pytest.mark.promised
def test_lmsw_sets_four_bits_and_never_clears_pe(vtx: Vtx) -> None:
    source = SEGMENTS + "mov ax, 0xe\n lmsw ax\n mov eax, cr0\n call send\n"
    source += "clts\n mov eax, cr0\n call send\n xor ax, ax\n lmsw ax\n mov eax, cr0\n call send\n"
    source += "protect\n xor eax, eax\n lmsw ax\n mov ebx, cr0\n unprotect\n"
    source += "mov eax, ebx\n call send\n rest"
    result = run_guest(vtx, source)
    assert (result.status, result.stderr) == (0, b"")
    assert dwords(result.stdout) == [0x6000001E, 0x60000016, 0x60000010, 0x60000011]


@pytest.mark.promised
def test_cr4_has_the_bits_that_cpuid_offers(vtx: Vtx) -> None:
    source = SEGMENTS + "".join(
        f"mov eax, {value:#x}\n mov cr4, eax\n mov eax, cr4\n call send\n"
        for value in (0, 0xBF & ~0x40, 0x10, 0)
    )
    result = run_guest(vtx, source + "rest")
    assert (result.status, dwords(result.stdout)) == (0, [0, 0xBF & ~0x40, 0x10, 0])


REFUSED = {
    "paging without protection": ("mov eax, 0x80000010\n mov cr0, eax", "mov cr0, eax"),
    "NW without CD": ("mov eax, 0x20000010\n mov cr0, eax", "mov cr0, eax"),
    "VMXE": ("mov eax, 0x2000\n mov cr4, eax", "mov cr4, eax"),
    "OSFXSR": ("mov eax, 0x200\n mov cr4, eax", "mov cr4, eax"),
    "a bit that nobody knows": ("mov eax, 0x80000000\n mov cr4, eax", "mov cr4, eax"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_a_cpu_refuses_is_general_protection(vtx: Vtx, what: str) -> None:
    code, instruction = REFUSED[what]
    said = ended(run_guest(vtx, f"{SEGMENTS}{code}\n rest"))
    assert "exception 13: general protection (#GP)\n" in said
    assert f"in real mode: {instruction}\n" in said


def test_pae_entries_that_are_not_sound_are_refused(vtx: Vtx) -> None:
    code = "mov dword [0x12000], 0x13007\n"  # bits 1 and 2 are reserved
    body = SEGMENTS + "protect\n page_by_pae\n"
    body = body.replace("mov     dword [0x12000], 0x13001", code)
    said = ended(run_guest(vtx, body + "unpage\n unprotect\n rest"))
    assert "exception 13: general protection (#GP), error code 0\n" in said
    assert "in protected mode: mov cr0, eax\n" in said


# Exceptions, each with its name


EXCEPTIONS = {
    "div": ("xor edx, edx\n xor ecx, ecx\n div ecx", 0, "div ecx"),
    "breakpoint": ("int3", 3, "int3"),
    "overflow": ("mov al, 0x7f\n add al, 1\n into", 4, "into"),
    "bound": (
        "mov dword [0x5000], 1\n mov dword [0x5004], 2\n mov eax, 9\n bound eax, [0x5000]",
        5,
        "bound",
    ),
    "undefined": ("ud2", 6, "ud2"),
    "no fpu": ("mov eax, cr0\n or al, 8\n mov cr0, eax\n fnop", 7, "fnop"),
    "not present": ("mov ax, 40\n mov ds, ax", 11, "mov ds, eax"),
    "stack": ("mov ax, 40\n mov ss, ax", 12, "mov ss, eax"),
    "beyond the table": ("mov ax, 0x100\n mov ds, ax", 13, "mov ds, eax"),
    "no idt": ("lidt [idt_none]\n int 0x40", 13, "int 0x40"),
}


@pytest.mark.quick
@pytest.mark.parametrize("kind", EXCEPTIONS)
def test_an_exception_is_told_with_its_name_and_instruction(vtx: Vtx, kind: str) -> None:
    code, vector, instruction = EXCEPTIONS[kind]
    said = ended(run_guest(vtx, f"{SEGMENTS}protect\n {code}\n unprotect\n rest"))
    assert f"by exception {vector}: " in said
    assert f"in protected mode: {instruction}" in said


def test_the_fpu_is_nobodys_yet(vtx: Vtx) -> None:
    said = ended(run_guest(vtx, SEGMENTS + "fninit\n rest"))
    assert "it used the FPU, and VirtX has none for it yet" in said


@pytest.mark.promised
def test_the_caches_are_the_hosts_and_a_guest_may_ask(vtx: Vtx) -> None:
    """Firmware does so before it does anything else."""
    source = "mov byte [0x600], 'W'\n wbinvd\n invd\n print [0x600]\n rest"
    result = run_guest(vtx, "xor ax, ax\n mov ds, ax\n" + source)
    assert (result.status, result.stdout) == (0, b"W")


def test_a_task_switch_is_refused_with_a_sentence(vtx: Vtx) -> None:
    said = ended(run_guest(vtx, SEGMENTS + "protect\n jmp 48:0\n unprotect\n rest"))
    assert "a task switch to 0x30, and VirtX does none" in said


@pytest.mark.parametrize("tables", ["pse", "pae"])
def test_a_page_fault_is_told_with_its_address(vtx: Vtx, tables: str) -> None:
    code = f"protect\n page_by_{tables}\n mov eax, [0x12345678]\n unpage\n unprotect\n rest"
    said = ended(run_guest(vtx, SEGMENTS + code, "--mem", "8M"))
    assert "exception 14: a page fault (#PF), error code 0, address 0x12345678\n" in said
    # The instruction was found through the guest's own tables.
    assert "in protected mode with paging: mov eax, dword ptr [0x12345678]\n" in said


@pytest.mark.promised
def test_outs_behind_the_guests_own_tables_is_refused_with_a_sentence(vtx: Vtx) -> None:
    code = (
        "protect\n page_by_pse\n mov dx, COM1\n mov esi, 0x5000\n outsb\n unpage\n unprotect\n rest"
    )
    said = ended(run_guest(vtx, SEGMENTS + code, "--mem", "8M"))
    assert "INS or OUTS with paging on, and VirtX does not go its tables yet" in said


# From one mode to the other


@pytest.mark.quick
@pytest.mark.promised
@pytest.mark.parametrize("tables", ["pse", "pae"])
def test_a_guest_may_have_page_tables_of_its_own(vtx: Vtx, tables: str) -> None:
    alias = 0x400000
    code = f"""
        protect
        page_by_{tables}
        mov     dword [{alias} + 0x5000], 0x600dcafe
        mov     ebx, [0x5000]
        invlpg  [{alias}]
        unpage
        unprotect
        mov     eax, ebx
        call    send
        rest
    """
    result = run_guest(vtx, SEGMENTS + code, "--mem", "8M")
    assert (result.status, result.stderr) == (0, b"")
    assert dwords(result.stdout) == [0x600DCAFE]


# Each takes a number, leaves it in EBX if all went well, and is in real mode at both ends.
WAYS = {
    "protected": "protect\n mov ebx, {n}\n unprotect\n",
    "pse": "protect\n page_by_pse\n mov dword [0x405000], {n}\n mov ebx, [0x5000]\n unpage\n unprotect\n",
    "pae": "protect\n page_by_pae\n mov dword [0x405000], {n}\n mov ebx, [0x5000]\n unpage\n unprotect\n",
    # A segment keeps its limit when protected mode is left.
    "unreal": """
        protect
        jmp     24:%%half
        bits    16
%%half: mov     eax, cr0
        and     al, 0xfe
        mov     cr0, eax
        jmp     0:%%out
%%out:  mov     edi, 0x180000
        mov     dword [edi], {n}
        mov     ebx, [edi]
        xor     ax, ax
        mov     ss, ax
        protect
        unprotect
""",
    # Virtual-8086 mode ends with an INT, for which the task's segment has a stack.
    "virtual 8086": """
        protect
        mov     dword [0x6004], 0x6f00
        mov     dword [0x6008], 16
        mov     word [0x6066], 0x68
        mov     byte [tss32 + 5], 0x89
        mov     ax, 48
        ltr     ax
        mov     eax, %%back
        mov     [0x14000 + 0x40 * 8], ax
        mov     word [0x14000 + 0x40 * 8 + 2], 8
        mov     word [0x14000 + 0x40 * 8 + 4], 0xee00
        mov     word [0x14000 + 0x40 * 8 + 6], 0
        mov     word [0x15000], 0x7ff
        mov     dword [0x15002], 0x14000
        lidt    [0x15000]
        mov     [0x15010], esp
        push    0
        push    0
        push    0
        push    0
        push    0
        push    dword 0x6e00
        push    dword 0x23002
        push    0
        push    dword %%v86
        iretd
        bits    16
%%v86:  mov     ax, 0x1000
        mov     es, ax
        mov     dword [es:0x20], {n}
        int     0x40
        bits    32
%%back: mov     ax, 16
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
        mov     esp, [0x15010]
        mov     ebx, [0x10020]
        unprotect
""",
    "machine status word": "smsw ax\n or ax, 0xa\n lmsw ax\n clts\n mov ebx, {n}\n mov ax, 0\n lmsw ax\n",
}


def way(name: str, number: int, place: int) -> str:
    """The lines of one way, with labels that are its own."""
    return WAYS[name].format(n=f"{number:#x}").replace("%%", f"way{place}_")


@pytest.mark.quick
@pytest.mark.promised
@pytest.mark.parametrize("name", WAYS)
def test_a_guest_may_go_there_and_come_back(vtx: Vtx, name: str) -> None:
    code = SEGMENTS
    for place in range(2):
        code += way(name, 0x1000 + place, place) + "mov eax, ebx\n call send\n"
    result = run_guest(vtx, code + "rest", "--mem", "8M")
    assert (result.status, result.stderr) == (0, b"")
    assert dwords(result.stdout) == [0x1000, 0x1001]


@pytest.mark.promised
def test_random_guests_go_all_these_ways(vtx: Vtx, long: bool) -> None:
    dice = random.Random(SEED)
    sources, expected = [], []
    for _ in range(500 if long else 20):
        numbers = [dice.getrandbits(32) for _ in range(dice.randint(3, 12))]
        names = [dice.choice(list(WAYS)) for _ in numbers]
        code = SEGMENTS
        for place, (name, number) in enumerate(zip(names, numbers)):
            code += way(name, number, place) + "mov eax, ebx\n call send\n"
        sources.append(code + "rest")
        expected.append((names, numbers))
    for result, (names, numbers) in zip(run_guests(vtx, sources, "--mem", "8M"), expected):
        assert (result.status, result.stderr, dwords(result.stdout)) == (0, b"", numbers), names


# Where it begins


@pytest.mark.quick
@pytest.mark.promised
def test_a_32_bit_program_begins_at_a_flat_address(vtx: Vtx) -> None:
    source = """
        bits    32
        mov     esp, 0x7000
        mov     dx, COM1
        mov     al, 'F'
        out     dx, al
        mov     eax, cr0
        test    al, 1
        jz      .no
        mov     al, 'P'
        out     dx, al
.no:    mov     eax, [0x200000 - 4]
        cli
        hlt
    """
    result = run_guest(vtx, source, "--mem", "2M", "--entry", "7c00")
    assert (result.status, result.stdout, result.stderr) == (0, b"FP", b"")


def test_what_sregs_refuses_and_keeps(vtx: Vtx) -> None:
    assert vtx.ask("sregs.c", put_guest(vtx, "rest")) == {
        "at first: CS": "f000 ffff0000 ffff",
        "at first: CR0": "60000010",
        "CR0 with PG alone": "EINVAL",
        "CR4 with VMXE": "EINVAL",
        "EFER": "EINVAL",
        "CR3 beyond 32 bits": "EINVAL",
        "a bad pointer": "EFAULT",
        "after the refusals": "the same",
        "what is written": "read again",
        "after a probe": "the same",
        "nonsense in a segment": "refused by the CPU",
    }
