# SPDX-License-Identifier: GPL-2.0-only
"""The first letter: a guest runs, ends in many ways, and does the host no harm."""

from __future__ import annotations

import itertools
import json
import re
import signal
import subprocess

import pytest

from harness.effort import FULL
from harness.guest import assemble, put_guest, run_guest, run_guests
from harness.machine import TROUBLE
from harness.paths import ROOT
from harness.stage import Stage
from harness.vtx import Vtx
from tools import story, tell


# The same bytes, the same letter


@pytest.mark.quick
def test_the_image_is_the_one_of_stage_01(stage: Stage) -> None:
    first = Stage.find("01")
    first.build()
    images = [of.files()["/stage/nanox.bin"].read_bytes() for of in (first, stage)]
    assert images[0] == images[1]


@pytest.mark.quick
def test_run_prints_what_the_bare_machine_prints(stage: Stage) -> None:
    def virtx(command: str) -> tuple[int, bytes]:
        words = [ROOT / "virtx", command, stage.number]
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False, timeout=120
        )
        return done.returncode, done.stdout

    assert virtx("bare") == (0, b"N")
    assert virtx("run") == (0, b"N")


@pytest.mark.quick
def test_nanox_says_its_letter_and_nothing_else(vtx: Vtx) -> None:
    result = vtx.run("nanox.bin")
    assert (result.status, result.stdout, result.stderr) == (0, b"N", b"")


@pytest.mark.promised
def test_what_is_sent_comes_out_unchanged_and_nothing_else(vtx: Vtx) -> None:
    every_byte, wide = run_guests(
        vtx,
        [
            """
            mov     dx, COM1
            xor     al, al
    .next:  out     dx, al
            inc     al
            jnz     .next
            rest
            """,
            """
            mov     eax, 'abc3'         ; a wide OUT is for as many ports; 3 is harmless to LCR
            mov     dx, COM1
            out     dx, eax             ; a
            mov     dx, COM1 - 1
            out     dx, ax              ; b
            mov     dx, COM1 - 3
            out     dx, eax             ; 3
            out     0x80, al            ; nobody is there
            mov     dx, COM1 - 2
            out     dx, ax              ; nor there
            rest
            """,
        ],
    )
    assert (every_byte.status, every_byte.stdout, every_byte.stderr) == (0, bytes(range(256)), b"")
    assert (wide.status, wide.stdout, wide.stderr) == (0, b"ab3", b"")


# How a guest ends


@pytest.mark.quick
@pytest.mark.promised
def test_the_exit_port_gives_the_status(vtx: Vtx) -> None:
    values = [0, 1, 42, 127, 128, 255]
    guests = [f"mov al, {value}\n out EXIT_PORT, al\n print 'x'\n rest" for value in values]
    for value, result in zip(values, run_guests(vtx, guests)):
        assert (result.status, result.stdout) == ((value << 1 | 1) % 256, b""), value


@pytest.mark.promised(until="09")
def test_a_halt_is_the_end(vtx: Vtx) -> None:
    off, on = run_guests(vtx, ["cli\n hlt\n print 'x'\n rest", "sti\n hlt\n print 'x'\n rest"])
    assert (off.status, off.stdout, off.stderr) == (0, b"", b"")
    assert (on.status, on.stdout) == (10, b"")
    assert on.stderr == b"vtxctl: the guest waits for an interrupt, and nothing can send one\n"


# What the CPU stops the guest for, and nobody has an answer yet: its number for it, the code.
UNKNOWN = {
    "CPUID": (10, "cpuid"),
    "INVD": (13, "invd"),
    "INVLPG": (14, "invlpg [0]"),
    "RDPMC": (15, "rdpmc"),
    "VMCALL": (18, "vmcall"),
    "MOV to CR0, PE": (28, "mov eax, cr0\n or al, 1\n mov cr0, eax"),
    "MOV to CR0, CD": (28, "mov eax, cr0\n xor eax, 1 << 30\n mov cr0, eax"),
    "MOV to CR4": (28, "mov eax, cr4\n or al, 1\n mov cr4, eax"),
    "LMSW": (28, "smsw ax\n or al, 1\n lmsw ax"),
    "MOV to DR7": (29, "mov eax, 0x455\n mov dr7, eax"),
    "MOV from DR0": (29, "mov eax, dr0"),
    "RDMSR": (31, "mov ecx, 0x1b\n rdmsr"),
    "WRMSR": (32, "mov ecx, 0x1b\n wrmsr"),
    "MWAIT": (36, "mwait"),
    "MONITOR": (39, "xor ax, ax\n monitor"),
    "WBINVD": (54, "wbinvd"),
}


@pytest.mark.promised(until="05")
def test_an_exit_without_an_answer_ends_the_guest_with_a_sentence(vtx: Vtx) -> None:
    guests = [f"print 'a'\n {code}\n print 'b'\n rest" for _, code in UNKNOWN.values()]
    for (name, (reason, _)), result in zip(UNKNOWN.items(), run_guests(vtx, guests)):
        said = result.stderr.decode()
        assert (result.status, result.stdout) == (4, b"a"), f"{name}: {said}"
        assert re.fullmatch(
            r"vtxctl: the guest was ended at IP 0x7c[0-9a-f]{2}: "
            rf"VirtX has no answer to this yet \(VM exit {reason}\)\n"
            rf"vtxctl: the CPU says: VM exit {reason}, \w.*\n",
            said,
        ), f"{name}: {said}"


def test_what_comes_in_later_stages_is_refused_in_words(vtx: Vtx) -> None:
    refused = {
        "in al, 0x60": "IN from port 0x60: VirtX knows only OUT yet",
        "mov dx, COM1\n outsb": "INS or OUTS at port 0x3f8: VirtX knows only plain OUT yet",
        "mov dx, COM1\n rep insw": "INS or OUTS at port 0x3f8: VirtX knows only plain OUT yet",
        "xor ax, ax\n mov ds, ax\n lidt [none]\n int3\nnone: dw 0, 0, 0": "VM exit 2, ",
    }
    guests = [f"{code}\n print 'x'\n rest" for code in refused]
    for sentence, result in zip(refused.values(), run_guests(vtx, guests)):
        assert (result.status, result.stdout) == (4, b""), sentence
        assert sentence in result.stderr.decode()


@pytest.mark.promised(until="15")
def test_the_fpu_is_not_the_guests(vtx: Vtx) -> None:
    codes = ["fninit", "fld1", "fxsave [0x600]", "movd mm0, eax", "wait"]
    guests = [f"xor ax, ax\n mov ds, ax\n {code}\n print 'x'\n rest" for code in codes]
    for code, result in zip(codes, run_guests(vtx, guests)):
        assert (result.status, result.stdout) == (4, b""), code
        assert b": it used the FPU, and VirtX has none for it yet\n" in result.stderr, code


# A guest of 128 KiB, ES 0x2000: what it does there, and what is said of it.
BEYOND = {
    "mov al, [es:0]": "it read from 0x20000, where it has no memory",
    "mov [es:5], al": "it wrote to 0x20005, where it has no memory",
    "push es\n pop ss\n push ax": "it wrote to 0x2fffe, where it has no memory",
    "jmp 0x2000:0x123": "it ran to 0x20123, where it has no memory",
    # MOV AX at the very end, and the number behind it is missing.
    "mov bx, 0x1000\n mov ds, bx\n mov byte [0xffff], 0xb8\n jmp 0x1fff:0xf": (
        "it ran to 0x20000, where it has no memory"
    ),
}


@pytest.mark.promised(until="18")
def test_what_lies_beyond_its_memory_ends_the_guest(vtx: Vtx) -> None:
    guests = [
        f"print 'a'\n mov bx, 0x2000\n mov es, bx\n {code}\n print 'b'\n rest" for code in BEYOND
    ]
    results = run_guests(vtx, guests, "--mem", "128K")
    for (code, sentence), result in zip(BEYOND.items(), results):
        assert (result.status, result.stdout) == (4, b"a"), code
        assert sentence in result.stderr.decode(), code


@pytest.mark.promised(until="18")
def test_a_write_to_read_only_memory_ends_the_guest(vtx: Vtx) -> None:
    guest = put_guest(
        vtx,
        """
        mov     ax, 0x2000
        mov     ds, ax
        mov     al, [0]
        mov     dx, COM1
        out     dx, al
        mov     byte [1], 0x77
        print   'x'
        rest
        """,
    )
    said = vtx.ask("run_rom.c", guest)
    assert said["it sent"] == "0x5a"
    assert said["ended"] == "it wrote to 0x20001, where it may not"
    assert said["there now"] == "0xa5"


# Where the guest begins, and how much it has

WHERE_AM_I = """
        times 32 nop
        call    .here
.here:  pop     ax
        sub     ax, .here - $$
        mov     dx, COM1
        out     dx, al
        mov     al, ah
        out     dx, al
        mov     ax, cs
        out     dx, al
        mov     al, ah
        out     dx, al
        rest
        """


@pytest.mark.promised(until="06")
def test_the_guest_begins_where_it_is_told_to(vtx: Vtx) -> None:
    vtx.put({"where.bin": assemble(WHERE_AM_I), "filler.bin": b"\xf4" * 512})
    places = {
        ("where.bin",): (0, 0x7C00),
        ("where.bin@0x500",): (0, 0x500),
        ("where.bin@65536",): (0x1000, 0),
        ("where.bin@0xffff0",): (0xFFFF, 0),
        ("--entry", "0000:7c00", "where.bin"): (0, 0x7C00),
        ("--entry", "7c0:0", "where.bin"): (0x7C0, 0),
        ("--entry", "0x0700:0x0c1f", "where.bin"): (0x700, 0xC00),
        ("--entry=1000:0", "--load=where.bin@0x10000", "filler.bin"): (0x1000, 0),
        # What is named later lies on top of what was named before.
        ("--load", "filler.bin", "where.bin"): (0, 0x7C00),
    }
    for words, place in places.items():
        result = vtx.run("--mem", "2M", *words)
        ip, cs = (int.from_bytes(result.stdout[i : i + 2], "little") for i in (0, 2))
        assert (result.status, result.stderr) == (0, b""), words
        assert (cs, ip) == place, words


@pytest.mark.promised(until="06")
def test_the_guest_has_as_much_memory_as_it_is_given(vtx: Vtx) -> None:
    # It looks at the last byte below 64K, 128K and 1M, and says which is there.
    probe = """
        cli
        xor     bx, bx
        print   'a'
        mov     al, [bx + 0xffff]
        print   'b'
        mov     bx, 0x1000
        mov     ds, bx
        mov     al, [0xffff]
        print   'c'
        mov     bx, 0xf000
        mov     ds, bx
        mov     al, [0xffff]
        print   'd'
        rest
        """
    put_guest(vtx, probe)
    for size, found in {"64K": b"ab", "0x20000": b"abc", "1m": b"abcd", "3G": None}.items():
        result = vtx.run("--mem", size, "guest.bin")
        if found:
            assert result.stdout == found, size
        else:
            # More than the test machine has: refused, in one line.
            assert result.status == 126
            assert re.fullmatch(rb"vtxctl: .*--mem.*\n", result.stderr)


BAD_USAGE = {
    ("none.bin",): "none.bin: No such file or directory: give the guest's image",
    ("empty.bin",): "empty.bin: empty: was it built?",
    ("/",): "/: not a file: give the guest's image",
    ("guest.bin@nowhere",): "give the address behind @ as a number, as 0x7c00",
    ("guest.bin@",): "give the address behind @ as a number, as 0x7c00",
    ("guest.bin@-1",): "give the address behind @ as a number, as 0x7c00",
    ("guest.bin@0x100000000000000000",): "give the address behind @ as a number, as 0x7c00",
    ("--mem", "64K", "guest.bin@65536"): "do not fit into 64 KiB: another address, or more --mem",
    ("--mem", "64K", "big.bin"): "do not fit into 64 KiB: another address, or more --mem",
    ("guest.bin@0x3000000",): "real mode does not reach 0x3000000: say where to begin (--entry)",
    ("--mem", "60K", "guest.bin"): "--mem 60K: give a size from 64K to 3G in steps of 4K, as 64M",
    ("--mem", "4G", "guest.bin"): "--mem 4G: give a size from 64K to 3G in steps of 4K, as 64M",
    ("--mem", "-1M", "guest.bin"): "--mem -1M: give a size from 64K to 3G",
    ("--mem", "much", "guest.bin"): "--mem much: give a size from 64K to 3G",
    ("--mem", "1000001", "guest.bin"): "--mem 1000001: give a size from 64K to 3G in steps of 4K",
    ("--entry", "7c00", "guest.bin"): "--entry 7c00: give segment:offset in hex, as 0000:7c00",
    ("--entry", "10000:0", "guest.bin"): "--entry 10000:0: give segment:offset in hex",
    ("--entry", "0:7c00x", "guest.bin"): "--entry 0:7c00x: give segment:offset in hex",
    ("--load", "none.bin", "guest.bin"): "none.bin: No such file or directory",
    (*["--load", "guest.bin"] * 9, "guest.bin"): "8 files can be loaded beside the guest",
    ("--trace", "/no/where", "guest.bin"): "--trace /no/where: No such file or directory",
}


@pytest.mark.promised(until="06")
def test_bad_usage_is_one_line_that_says_what_to_do(vtx: Vtx) -> None:
    guest = assemble("print 'x'\n rest")
    vtx.put({"guest.bin": guest, "empty.bin": b"", "big.bin": bytes(65536)})
    for words, sentence in BAD_USAGE.items():
        memory = () if "--mem" in words or "0x3000000" in sentence else ("--mem", "1M")
        result = vtx.run(*memory, *words)
        assert (result.status, result.stdout) == (2, b""), words
        assert re.fullmatch(r"vtxctl: [^\n]*\n", result.stderr.decode()), words
        assert sentence in result.stderr.decode(), words
    for words in [(), ("guest.bin", "guest.bin"), ("--no-such", "guest.bin"), ("--mem",)]:
        result = vtx.run(*words)
        assert (result.status, result.stdout) == (2, b""), words
        assert b"usage: vtxctl " in result.stderr, words


# Every exit, told and drawn

TALKER = """
        mov     cx, 300
        mov     dx, COM1
        mov     al, 'h'
        out     dx, al
        mov     al, 'i'
.more:  out     dx, al
        loop    .more
        out     0x80, al
        mov     ax, 0x0a01
        mov     dx, COM1 - 1
        out     dx, ax
        rest
        """


@pytest.mark.promised(until="13")  # then VTXCTL hears no more of the serial port's OUTs
@pytest.mark.quick
def test_each_exit_is_noted_and_what_repeats_once(vtx: Vtx) -> None:
    result = run_guest(vtx, TALKER, "--trace", "/tmp/notes")
    assert (result.status, result.stdout) == (0, b"h" + b"i" * 300 + b"\n")
    notes = [json.loads(line) for line in vtx.machine.get("/tmp/notes").decode().splitlines()]
    asked = [note["ioctl"] for note in notes if "ioctl" in note]
    # Later stages ask for registers and for chips, too.
    asked = [name for name in asked if name in ("VTX_CREATE_VCPU", "VTX_MAP_MEMORY")]
    assert sorted(asked) == ["VTX_CREATE_VCPU", "VTX_MAP_MEMORY", "VTX_MAP_MEMORY"]
    exits = [note for note in notes if "exit" in note]
    for one, next_one in itertools.pairwise(exits):
        assert one["begin"] <= one["end"] <= next_one["begin"], (one, next_one)
    told = [(note["times"], note.get("port"), note.get("data")) for note in exits]
    assert told == [
        (1, 0x3F8, "68"),
        (300, 0x3F8, "69"),
        (1, 0x80, "69"),
        (1, 0x3F7, "010a"),
        (1, None, None),
    ]


@pytest.mark.promised(until="13")
def test_notes_are_told_in_sentences_and_fit_perfetto(vtx: Vtx, stage: Stage) -> None:
    run_guest(vtx, TALKER, "--trace", "/tmp/notes")
    events = story.read_trace(vtx.machine.get("/tmp/notes").decode(), stage)
    told = [line.split(maxsplit=1)[1] for line in tell.tell(events) if "NanoX" in line]
    letters = "h" + "i" * 39 + "..."
    assert told[0] == "NanoX   OUT of 1 byte to port 0x3f8, the serial port:"
    assert f'"{letters}" (×301)' in "\n".join(tell.tell(events))
    assert told[1:] == [
        "NanoX   OUT of 1 byte to port 0x80, nothing there",
        "NanoX   OUT of 2 bytes to port 0x3f7, nothing there",
        "NanoX   HLT with interrupts off",
    ]
    spans = json.loads(tell.perfetto(events))
    lanes = {span["args"]["name"] for span in spans if span["ph"] == "M"}
    assert lanes == {"NanoX", "VTXDRV", "VTXCTL"}
    for span in (span for span in spans if span["ph"] == "X"):
        assert span["name"] and span["ts"] > 0 and span["dur"] >= 0, span


# The world switch


@pytest.mark.promised
def test_registers_go_in_and_come_back_and_nonsense_is_decoded(vtx: Vtx) -> None:
    guest = put_guest(vtx, "out dx, eax\n" * 2)
    said = vtx.machine.run(f"{vtx.helper('run_regs.c')} {guest}", check=True).text
    assert said.splitlines() == [
        "rip at first: 0xfff0",
        "rflags at first: 0x2",
        "exit: 0x2",
        "rip behind the OUT: 0x7c02",
        "registers: as given",
        "the guest then sends: 0xccccdddd",
        "rflags 0: exit 4, error 0, field 0x6820 = 0, a bit that is always 1",
        "run it again: ESHUTDOWN",
        "rflags 0xa: exit 4, error 0, field 0x6820 = 0xa, a bit that is always 0",
        "run it again: ESHUTDOWN",
    ]


# Loads all that real mode lets it load, then says whether it is still there after a while in
# which it went out and in many times.
KEEPER = """
        cli
        xor     ax, ax
        mov     ds, ax
        lgdt    [gdt]
        lidt    [idt]
        mov     ax, 0x1234
        mov     es, ax
        mov     fs, ax
        mov     gs, ax
        mov     ss, ax
        mov     esp, 0x89abcdef
        mov     ebx, 0x55aa1100
        mov     ebp, 0x55aa1101
        mov     esi, 0x55aa1102
        mov     edi, 0x55aa1103
        mov     eax, 0xdead1000
        mov     cr2, eax
        mov     dx, COM1
        mov     al, '.'
        std
        stc
        out     dx, al
        mov     ecx, 1000000
        a32 loop $
        pushfd                          ; wraps: 0x12340 + 0xcdeb
        pop     eax
        and     eax, 0xcd5
        cmp     eax, 0x445              ; DF and CF; ZF and PF of the XOR
        mov     al, '1'
        jne     .wrong
        mov     eax, cr2
        cmp     eax, 0xdead1000
        mov     al, '2'
        jne     .wrong
        mov     al, '3'
        cmp     esp, 0x89abcdef
        jne     .wrong
        mov     al, '4'
        cmp     ebx, 0x55aa1100
        jne     .wrong
        cmp     ebp, 0x55aa1101
        jne     .wrong
        cmp     esi, 0x55aa1102
        jne     .wrong
        cmp     edi, 0x55aa1103
        jne     .wrong
        mov     cx, es
        cmp     cx, 0x1234
        mov     al, '5'
        jne     .wrong
        mov     cx, fs
        cmp     cx, 0x1234
        jne     .wrong
        mov     cx, gs
        cmp     cx, 0x1234
        jne     .wrong
        sgdt    [seen]
        mov     ecx, [seen]
        cmp     ecx, [gdt]
        mov     al, '6'
        jne     .wrong
        sidt    [seen]
        mov     ecx, [seen]
        cmp     ecx, [idt]
        mov     al, '7'
        jne     .wrong
        mov     al, '+'
.wrong: out     dx, al
        rest

gdt:    dw      0x0123, 0x5678, 0x009a
idt:    dw      0x037f, 0x4321, 0x0012
seen:   dw      0, 0, 0
        """


@pytest.mark.promised
def test_the_guest_keeps_what_it_loaded(vtx: Vtx) -> None:
    result = run_guest(vtx, KEEPER)
    assert (result.status, result.stdout, result.stderr) == (0, b".+", b"")


# The host stays as it is. First a guest makes its CPU as different as it can, then it leaves in
# one of many ways.
HOSTILE = """
        xor     ax, ax
        mov     ds, ax
        mov     ss, ax
        mov     sp, 0x7000
        handle  1, step
        handle  6, fault
        handle  13, fault
        lgdt    [gdt]
        lidt    [idt]
        mov     eax, 0xdead1000
        mov     cr2, eax
        mov     ax, 0x1234
        mov     es, ax
        mov     fs, ax
        mov     gs, ax
%macro faults 1+                        ; an instruction that real mode does not have
        mov     bp, %%on
        %1
        hlt                             ; not reached
%%on:
%endmacro
        faults  lldt ax
        faults  ltr ax
        faults  sysenter
        faults  db 0x0f, 0x05           ; SYSCALL
        faults  mov ax, [0xffff]        ; beyond the segment
        clts
        smsw    ax
        db      0xf1                    ; INT1
        pushf
        or      word [0x6ffe], 0x100    ; trap flag: DR6.BS with every step
        popf
        nop
        mov     dx, 0x80
        out     dx, al
        pushf
        and     word [0x6ffe], ~0x100
        popf
        mov     eax, cr2                ; still its own
        cmp     eax, 0xdead1000
        jne     $
        mov     ax, [0x1000]
"""

HOSTILE_END = """
        rest
step:   iret
fault:  add     sp, 6
        jmp     bp
gdt:    dw      0x0123, 0x5678, 0
idt:    dw      0x037f, 0, 0
none:   dw      0, 0, 0
"""

# The last thing that it does, and how its turns end: ours, and the number that the CPU gives.
LAST = {
    "OUT": ("mov al, 0\n out EXIT_PORT, al", "io 30"),
    "HLT": ("hlt", "hlt 12"),
    "HLT with interrupts on": ("sti\n hlt", "hlt 12"),
    "CPUID": ("cpuid", "killed 10"),
    "an exception": ("fninit", "killed 0"),
    "an EPT violation": ("mov ax, 0x8000\n mov ds, ax\n mov al, [0]", "killed 48"),
    "a triple fault": ("lidt [none]\n int3", "killed 2"),
    "MOV to CR0": ("mov eax, cr0\n xor eax, 1 << 29\n mov cr0, eax", "killed 28"),
    "MOV to DR7": ("mov eax, 0xffff07ff\n mov dr7, eax", "killed 29"),
    "WRMSR": ("mov ecx, 0x174\n wrmsr", "killed 32"),
    "a host interrupt, interrupts on": ("sti\n mov ecx, 900000\n a32 loop $", "host 1"),
    "a host interrupt, interrupts off": ("cli\n mov ecx, 900000\n a32 loop $", "host"),
}


@pytest.mark.promised(without=("07", "08"))  # there every exception ends the guest
def test_nothing_of_the_host_changes_under_a_hostile_guest(vtx: Vtx) -> None:
    helper = vtx.helper("run_host.c")
    guests = [HOSTILE + last + HOSTILE_END for last, _ in LAST.values()]
    files = {f"guest{number}.bin": assemble(guest) for number, guest in enumerate(guests)}
    vtx.put(files)
    for (name, (_, turn)), file in zip(LAST.items(), files):
        for process in ("plain", "rich"):
            result = vtx.machine.run(f"{helper} {process} {vtx.dir}/{file}")
            said = (result.stdout + result.stderr).decode()
            assert result.status == 0, f"{name}, in a {process} process:\n{said}"
            assert re.match(r"(host \d+\n)*io 30\n", said), f"{name}: {said}"
            # Later stages have answers to some of these.
            if vtx.stage.number == "04":
                assert f"\n{turn}" in said, f"{name}: {said}"


@pytest.mark.promised
def test_nothing_of_the_host_changes_when_the_guest_cannot_be_entered(vtx: Vtx) -> None:
    helper, guest = vtx.helper("run_host.c"), put_guest(vtx, "rest")
    for process in ("plain", "rich"):
        result = vtx.machine.run(f"{helper} {process} {guest} 0", check=True)
        assert result.text == "fail 33\n"


# A guest that never ends


@pytest.mark.promised
def test_an_endless_guest_dies_with_its_launcher_and_the_machine_goes_on(vtx: Vtx) -> None:
    for interrupts in ("sti", "cli"):
        put_guest(vtx, f"{interrupts}\n print 'R'\n jmp $")
        for number in (signal.SIGKILL, signal.SIGALRM, signal.SIGTERM):
            job = vtx.spawn("--mem", "1M", "guest.bin")
            job.expect(b"R")
            assert vtx.machine.run("echo alive", timeout=20).stdout == b"alive\n"
            job.signal(number)
            assert job.wait(timeout=20).status == 128 + number, interrupts
    assert not any(vtx.counters().values())


@pytest.mark.promised
def test_a_signal_ends_the_guests_turn_however_early_it_comes(vtx: Vtx) -> None:
    for interrupts in ("sti", "cli"):
        guest = put_guest(vtx, f"{interrupts}\n print 'R'\n jmp $")
        assert vtx.ask("run_signal.c", guest, timeout=20) == {
            "immediate_exit": "EINTR",
            "then the exit is": "0",
            "then the guest is at": "0xfff0",
            "a signal just before": "EINTR",
            "without": "ok",
            "its letter": hex(ord("R")),
            "a signal meanwhile": "EINTR",
            "once more": "EINTR",
            "it still loops": "yes",
        }


@pytest.mark.promised(until=None if FULL else "04")  # two CPUs are slow
def test_an_nmi_in_the_guest_is_handled_by_the_host(vtx_smp: Vtx) -> None:
    machine = vtx_smp.machine
    put_guest(vtx_smp, "cli\n print 'R'\n jmp $")
    job = machine.spawn(f"taskset 2 {vtx_smp.dir}/vtxctl --mem 64K {vtx_smp.dir}/guest.bin")
    job.expect(b"R")
    for _ in range(3):
        machine.run("taskset 1 sh -c 'echo l >/proc/sysrq-trigger'", check=True)
    job.signal(signal.SIGKILL)
    assert job.wait().status == 128 + signal.SIGKILL
    log = machine.kernel_log()
    assert log.count("NMI backtrace for cpu 1") == 3
    assert "vcpu_run" in log
    # A backtrace is what we asked for.
    trouble = [found[0] for found in TROUBLE.finditer(log) if "Call Trace" not in found[0]]
    assert not trouble
    machine.forget()
