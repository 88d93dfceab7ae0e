# SPDX-License-Identifier: GPL-2.0-only
"""The serial port is a descriptor of VTXDRV's: what it promises, and that no byte is lost."""

from __future__ import annotations

import json

import pytest

from harness.effort import EVERY
from harness.guest import assemble, put_guest, run_guest
from harness.machine import Machine, Result
from harness.paths import KERNEL
from harness.stage import Stage
from harness.vtx import Vtx
from tools import picture, story, tell

# Interrupts 0 to 7 come as 0x20 to 0x27, 8 to 15 as 0x28 to 0x2f; none is listened to yet.
BEGIN = """
COM2    equ     0x2f8
IER     equ     1
IIR     equ     2
FCR     equ     2
LCR     equ     3
MCR     equ     4
LSR     equ     5
MSR     equ     6

        xor     ax, ax
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
        mov     sp, 0x7000
        cld
        cli

; put PORT, BYTE: spoils AX and DX; get PORT: into AL
%macro put 2
        mov     dx, %1
        mov     al, %2
        out     dx, al
%endmacro
%macro get 1
        mov     dx, %1
        in      al, dx
%endmacro

; listen MASK: to those of the interrupts 0 to 7 whose bit is 0
%macro listen 1
        put     0x21, %1
%endmacro
%macro eoi 0
        mov     al, 0x20
        out     0x20, al
%endmacro

        put     0x20, 0x11
        put     0x21, 0x20
        put     0x21, 4
        put     0x21, 1
        put     0xa0, 0x11
        put     0xa1, 0x28
        put     0xa1, 2
        put     0xa1, 1
        put     0xa1, 0xff
        listen  0xff
        jmp     begin
        align   16
begin:
"""

# Says that it is ready, by an 'R', for to switch the FIFOs on empties the receiver. Then it gives
# back what comes at either port, in an interrupt. Ends at a 'Q'.
ECHO = (
    BEGIN
    + """
%macro open 1
        put     %1 + FCR, 1
        put     %1 + MCR, 8
        put     %1 + IER, 1
%endmacro
        handle  0x24, com1
        handle  0x23, com2
        listen  0xe7
        open    COM1
        open    COM2
        print   'R'
wait_:  sti
        hlt
        jmp     wait_

com2:   mov     bx, COM2
        jmp     got
com1:   mov     bx, COM1
got:    lea     dx, [bx + LSR]
        in      al, dx
        test    al, 1
        jz      .done
        mov     dx, bx
        in      al, dx
        cmp     al, 'Q'
        je      end
        out     dx, al
        jmp     got
.done:  eoi
        iret
end:    rest
"""
)

SINK = (
    BEGIN
    + """
.more:  get     COM1 + LSR
        test    al, 1
        jz      .more
        get     COM1
        cmp     al, 'Q'
        jne     .more
        rest
"""
)

# Sends the bytes 0 to 255 so many times, whether there is room or not. Its clock ticks.
FLOOD_ROUNDS = 40
FLOOD = (
    f"ROUNDS equ {FLOOD_ROUNDS}\n{BEGIN}"
    + """
        handle  0x20, tick
        put     0x43, 0x34
        put     0x40, 0
        put     0x40, 0x20
        listen  0xfe
        sti
        mov     cx, ROUNDS
        mov     dx, COM1
.more:  mov     al, bl
        out     dx, al
        inc     bl
        jnz     .more
        loop    .more
        rest
tick:   push    ax
        inc     dword [cs:0x6000]
        eoi
        pop     ax
        iret
"""
)


def content(result: Result) -> bytes:
    """What a guest sent that came to its own end."""
    assert (result.status, result.stderr) == (0, b""), result
    return result.stdout


@pytest.mark.quick
def test_the_chip_moved_and_did_not_change(stage: Stage) -> None:
    before = Stage.find("13").folder / "vtxctl/dev"
    for name in ("ns16550.c", "ns16550.h"):
        assert (stage.folder / "vtxdrv/dev" / name).read_bytes() == (before / name).read_bytes()
        assert not (stage.folder / "vtxctl/dev" / name).exists()


# The descriptor


@pytest.mark.promised
@pytest.mark.quick
def test_a_descriptor_reads_writes_and_waits_as_a_pipe_does(vtx: Vtx) -> None:
    vtx.put({"/echo.bin": assemble(ECHO), "/flood.bin": assemble(FLOOD)})
    vtx.put({"/sink.bin": assemble(SINK)})
    said = vtx.ask("uart.c", "/echo.bin", "/flood.bin", str(FLOOD_ROUNDS), "/sink.bin", timeout=60)
    assert {what: answer for what, answer in said.items() if answer != "ok"} == {
        "lseek": "ESPIPE",
        "pread": "ESPIPE",
        "pwrite": "ESPIPE",
        "an ioctl": "ENOTTY",
        "mmap": "ENODEV",
        "a write that a signal interrupts before its first byte": "EINTR",
        "a read that a signal interrupts": "EINTR",
        "a read that would wait": "EAGAIN",
        "a write that would wait": "EAGAIN",
        "write from a bad pointer": "EFAULT",
        "read to a bad pointer": "EFAULT",
        "O_NONBLOCK later": "EAGAIN",
    }
    assert said["port, vCPU, VM"] == "ok"


# Back-pressure: the guest gives back all that it hears. It counts down the dword at 6000h, and
# adds up what has come at 6004h.

TAKE = """
        print   'R'
; the next byte that comes, into AL
%macro next 0
%%wait: get     COM1 + LSR
        test    al, 1
        jz      %%wait
        get     COM1
        rol     dword [0x6004], 1
        movzx   ebx, al
        add     [0x6004], ebx
%endmacro
"""
GIVE_BACK = {
    "asks LSR": """
        put     COM1 + FCR, 1
        %s
more:   next
        mov     bl, al
.full:  get     COM1 + LSR
        test    al, 0x20
        jz      .full
        mov     al, bl
        mov     dx, COM1
        out     dx, al
        dec     dword [0x6000]
        jnz     more
        rest
    """,
    "ignores LSR": """
        put     COM1 + FCR, 1
        %s
more:   next
        mov     dx, COM1
        out     dx, al
        dec     dword [0x6000]
        jnz     more
        rest
    """,
    "waits for the transmitter's interrupt": """
        put     COM1 + FCR, 1
        handle  0x24, sent
        put     COM1 + MCR, 8
        listen  0xef
        %s
        put     COM1 + IER, 2           ; from now on: it is empty
more:   next
        mov     bl, al
.full:  cli
        test    byte [free], 1
        jnz     .send
        sti
        hlt
        jmp     .full
.send:  mov     byte [free], 0
        mov     al, bl
        mov     dx, COM1
        out     dx, al
        sti
        dec     dword [0x6000]
        jnz     more
        rest
free:   db      0
sent:   push    ax
        push    dx
        get     COM1 + IIR
        and     al, 15
        cmp     al, 2
        jne     .no
        mov     byte [free], 1
.no:    eoi
        pop     dx
        pop     ax
        iret
    """,
    # It learns from IIR that fourteen bytes have come, or that some were left lying.
    "takes and sends strings": """
        put     COM1 + FCR, 0xc1
        put     COM1 + IER, 1
        %s
more:   get     COM1 + IIR
        mov     cx, 14
        cmp     al, 0xc4
        je      .some
        cmp     al, 0xcc
        jne     more
        mov     cx, 1
.some:  mov     bp, cx
        mov     di, 0xa000
        mov     dx, COM1
        rep     insb
        mov     si, 0xa000
        mov     cx, bp
.sum:   lodsb
        rol     dword [0x6004], 1
        movzx   ebx, al
        add     [0x6004], ebx
        loop    .sum
        mov     si, 0xa000
        mov     cx, bp
        rep     outsb
        movzx   ebx, bp
        sub     [0x6000], ebx
        jnz     more
        rest
    """,
}
SLOW = 400  # milliseconds, in which any guest fills what it can


@pytest.mark.quick
@pytest.mark.parametrize("guest", GIVE_BACK)
def test_nothing_is_lost_when_somebody_is_slow(vtx: Vtx, guest: str, long: bool) -> None:
    # A string is one VM exit; the others take several for each byte.
    size = 256 << 10 if "strings" in guest else 12 << 10
    size *= 40 if EVERY else 3 if long else 1
    code = BEGIN + GIVE_BACK[guest] % TAKE
    vtx.put({"/guest.bin": assemble(code)})
    said = vtx.ask(
        "uart_flood.c", "/guest.bin", str(size), str(SLOW), timeout=7200 if long else 100
    )
    assert said == {
        "exit": "0x3",
        "bytes": f"{size:#x}",
        "the guest heard what was sent": "ok",
        "what came is what was sent": "ok",
    }


# Sends as fast as it can, hears what comes, and a timer ticks beside it.
UNDER_LOAD = """
        handle  0x20, tick
        listen  0xfe
        put     0x43, 0x34
        put     0x40, 169
        put     0x40, 4                 ; a thousand a second
        put     COM1 + FCR, 1
        sti
more:   mov     si, 0x7c00
        mov     cx, 200
        mov     dx, COM1
        rep     outsb
        get     COM1 + LSR
        test    al, 1
        jz      more
        get     COM1
        jmp     more
tick:   push    ax
        eoi
        pop     ax
        iret
"""


@pytest.mark.promised
def test_a_kill_while_bytes_are_under_way_leaves_nothing(vtx: Vtx, long: bool) -> None:
    path = put_guest(vtx, BEGIN + UNDER_LOAD)
    times = 300 if long else 20
    within = 2_000_000 if KERNEL else 200_000  # microseconds
    launcher = (f"{vtx.dir}/vtxctl", "--mem", "64K", path)
    told = vtx.ask(
        "fault_kill.c", vtx.stage.number, str(times), str(within), *launcher, timeout=900
    )
    assert int(told["killed"], 0) == times and int(told["with all its memory"], 0)
    assert set(vtx.counters().values()) == {0}
    assert "vtxdrv" not in vtx.machine.run("cat /proc/timer_list", check=True).text
    vtx.rmmod()
    vtx.insmod()


# The chip, from the guest's side


def typed_after_ready(vtx: Vtx, code: str, text: bytes) -> str:
    """What a guest sends in hex when, behind its 'R', so much comes at once: by one write."""
    guest = put_guest(vtx, BEGIN + code)
    vtx.machine.put({"/tmp/text": text})
    vtx.machine.run(
        f"cd {vtx.dir} && mkfifo /tmp/in && {{ ./vtxctl --mem 1M {guest} </tmp/in >/tmp/out & }};"
        "exec 3>/tmp/in; until grep -q R /tmp/out; do sleep 0.01; done;"
        "cat /tmp/text >&3; wait; rm /tmp/in",
        check=True,
    )
    return vtx.machine.get("/tmp/out").partition(b"R")[2].hex(" ")


@pytest.mark.timed
@pytest.mark.quick
def test_so_many_bytes_interrupt_and_fewer_only_after_a_while(vtx: Vtx) -> None:
    # The handler sends IIR, and then all that has come.
    code = """
        handle  0x24, come
        put     COM1 + FCR, %d << 6 | 1
        put     COM1 + MCR, 8
        put     COM1 + IER, 1
        listen  0xef
        print   'R'
        sti
        hlt
        rest
come:   get     COM1 + IIR
.all:   mov     dx, COM1
        out     dx, al
        get     COM1 + LSR
        test    al, 1
        get     COM1
        jnz     .all
        eoi
        iret
    """
    # GET spoils no flags. The last byte is read and not sent: one less comes back than had come.
    got = {}
    for trigger, level in enumerate((1, 4, 8, 14)):
        for size in {level, max(level - 1, 1)}:
            got[level, size] = typed_after_ready(vtx, code % trigger, b"abcdefghijklmn"[:size])
    text = {size: bytes(range(0x61, 0x61 + size)).hex(" ") for size in range(15)}
    assert got == {
        **{(level, level): f"c4 {text[level]}" for level in (1, 4, 8, 14)},
        **{(level, level - 1): f"cc {text[level - 1]}" for level in (4, 8, 14)},
    }


@pytest.mark.quick
def test_modem_lines_and_loopback(vtx: Vtx) -> None:
    code = """
%macro note 1
        get     %1
        stosb
%endmacro
        mov     di, 0xa000
        put     COM1 + FCR, 1
        print   'R'
        note    COM1 + MSR              ; somebody is there
        put     COM1 + MCR, 0x10
        note    COM1 + MSR              ; no output is set, and three inputs fell
        put     COM1 + MCR, 0x1f
        note    COM1 + MSR              ; all are
        put     COM1, 'z'
        note    COM1 + LSR
        note    COM1                    ; our own byte
        mov     cx, 2000
.wait:  note    COM1 + LSR              ; and none from outside, however long
        dec     di
        test    al, 1
        jnz     .bad
        loop    .wait
        put     COM1 + MCR, 0
.come:  get     COM1 + LSR
        test    al, 1
        jz      .come
        note    COM1
.bad:   mov     cx, di
        mov     si, 0xa000
        sub     cx, si
        mov     dx, COM1
        rep     outsb
        rest
    """
    assert typed_after_ready(vtx, code, b"x") == "b0 0b fb 61 7a 78"


# VTXCTL: it only copies

LAST_WORDS = {
    "a triple fault": ("lidt [none]\n int3\nnone: times 6 db 0", (), 6),
    "nothing can wake it": ("sti\n hlt", (), 10),
    "a reset": ("put 0x64, 0xfe\n jmp $", ("--no-reboot",), 12),
    "what VirtX cannot do": ("mov si, 0xffff\n mov dx, COM1\n outsw", (), 4),
}


@pytest.mark.quick
@pytest.mark.parametrize("end", LAST_WORDS)
def test_the_guests_last_words_come_before_ours(vtx: Vtx, end: str) -> None:
    code, options, status = LAST_WORDS[end]
    # So few that nobody has been told of them when the guest ends.
    speech = "speech: times 20 db 'word '\nlast:"
    say = "mov si, speech\n mov cx, last - speech\n mov dx, COM1\n rep outsb\n"
    guest = put_guest(vtx, f"{BEGIN}{say}{code}\n jmp $\n{speech}")
    command = vtx.command("--mem", "1M", *options, guest)
    both = vtx.machine.run(f"({command}) 2>&1")
    assert both.status == status
    assert both.stdout.startswith(b"word " * 20 + b"vtxctl: "), both.stdout[-300:]


# 12,000 bytes, whether there is room or not: one by one, and as the second byte of a word.
SPEECHES = {
    "byte by byte": "mov dx, COM1\n.more: mov al, cl\n out dx, al\n loop .more\n",
    "half a word": "mov dx, COM1 - 1\n.more: mov ah, cl\n out dx, ax\n loop .more\n",
    "a string": (
        "mov di, 0xa000\n.fill: mov al, cl\n stosb\n loop .fill\n mov cx, SPOKEN\n"
        "mov si, 0xa000\n mov dx, COM1\n rep outsb\n"
    ),
}
WAIT = "put COM1 + MCR, 8\n put COM1 + IER, 1\n listen 0xef\n sti\n hlt\n jmp $"


@pytest.mark.quick
@pytest.mark.parametrize("how", SPEECHES)
# Of the fewer ones the last few are in the chip when the guest halts, and leave it later.
@pytest.mark.parametrize("size", [12000, 4106])
def test_what_nobody_read_for_long_is_all_there(vtx: Vtx, how: str, size: int) -> None:
    fifos = "put COM1 + FCR, 1\n" if size == 4106 else ""
    code = f"SPOKEN equ {size}\n{BEGIN}{fifos} mov cx, SPOKEN\n{SPEECHES[how]}{WAIT}"
    vtx.put({"/guest.bin": assemble(code)})
    assert vtx.ask("uart_asleep.c", "/guest.bin", str(size)) == {
        "it sleeps": "ok",
        "wrong bytes": "0",
        "then it is told: exit": "0x3",
    }


@pytest.mark.quick
def test_a_slow_pipe_gets_every_byte_and_the_guest_its_end(vtx: Vtx) -> None:
    """More than pipe, VTXCTL and VTXDRV have room for, and no input can come."""
    code = "mov bp, 19\n.again: mov si, text\n mov cx, 4000\n mov dx, COM1\n rep outsb\n"
    guest = put_guest(
        vtx, f"{BEGIN}{code} dec bp\n jnz .again\n{WAIT}\ntext: times 400 db '0123456789'"
    )
    command = vtx.command("--mem", "1M", guest)
    reader = "{ sleep 2; cat; }"
    result = vtx.machine.run(f"((({command}) </dev/null; echo $? >/tmp/status)) | {reader}")
    assert result.stdout == b"0123456789" * 7600
    assert vtx.machine.get("/tmp/status") == b"10\n"
    assert b"nothing can send one" in result.stderr


@pytest.mark.quick
def test_an_output_that_fails_is_told(vtx: Vtx) -> None:
    guest = put_guest(vtx, f"{BEGIN}again: print 'x'\n jmp again")
    command = vtx.command("--mem", "1M", guest)
    full = vtx.machine.run(f"({command}) >/dev/full")
    assert full.status == 4
    assert full.stderr == b"vtxctl: standard output: No space left on device\n"
    gone = vtx.machine.run(f"(({command}); echo $? >/tmp/status) | true")
    assert vtx.machine.get("/tmp/status") == b"4\n"
    assert gone.stderr == b"vtxctl: standard output: Broken pipe\n"


@pytest.mark.promised
@pytest.mark.quick
def test_ctrl_a_x_leaves_although_nobody_reads(vtx: Vtx) -> None:
    # Many at a time: of some of them a terminal takes a part, and would wait with the others.
    code = "again: mov cx, 3000\n mov si, again\n mov dx, COM1\n rep outsb\n jmp again"
    guest = put_guest(vtx, BEGIN + code)
    said = vtx.ask("pty.c", "stuck", f"{vtx.dir}/vtxctl", "--mem", "1M", guest)
    assert said == {"it left": "ok", "status": "8"}


@pytest.mark.promised
@pytest.mark.quick
def test_com2_is_a_terminal_and_changes_no_byte(vtx: Vtx) -> None:
    guest = put_guest(vtx, ECHO)
    command = (f"{vtx.dir}/vtxctl", "--mem", "1M", "--com2", "COM2", guest)
    said = vtx.ask("pty.c", "com2", *command)
    assert said == {"COM2 gives back what it got": "ok", "status": "0"}
    none = vtx.run("--com2", "/nowhere", guest)
    assert (none.status, none.stderr) == (
        2,
        b"vtxctl: --com2 /nowhere: No such file or directory\n",
    )


# The idea


def exits_while_typing(vtx: Vtx) -> int:
    """How often VTX_RUN comes back while somebody types 200 letters, and each comes back."""
    job = vtx.spawn("--mem", "1M", "--trace", "/tmp/notes", put_guest(vtx, ECHO), tty=True)
    job.expect(b"R")
    for _ in range(20):
        job.write(b"abcdefghij")
        job.expect(b"abcdefghij")
    job.write(b"Q")
    assert job.wait().status == 0
    notes = map(json.loads, vtx.machine.get("/tmp/notes").decode().splitlines())
    return sum(note["times"] for note in notes if "exit" in note)


@pytest.mark.quick
def test_typing_does_not_wake_vtxctls_thread(l1: Machine, stage: Stage) -> None:
    before = Stage.find("13")
    before.build()
    counts = []
    for one in (before, stage):
        with Vtx(l1, one) as vtx:
            counts.append(exits_while_typing(vtx))
    # For each letter at least three: is there one, which, and its echo. Now only three for COM2,
    # which is not there, and the HLT that ends it.
    assert counts[0] > 3 * 200
    assert counts[1] == 4


@pytest.mark.quick
def test_what_is_carried_is_noted_and_told(vtx: Vtx, stage: Stage) -> None:
    result = run_guest(
        vtx, f"{BEGIN}mov cx, 300\n.hi: print 'i'\n loop .hi\n rest", "--trace", "/tmp/notes"
    )
    assert content(result) == b"i" * 300
    events = story.read_trace(vtx.machine.get("/tmp/notes").decode(), stage)
    text = b"".join(event.text for event in events if event.label == "read")
    assert text == b"i" * 300
    told = "\n".join(tell.tell(events))
    assert "VTXDRV  read: the serial port has sent:" in told
    assert "port 0x3f8" not in told
    assert 'read: "' in "\n".join(picture.text(picture.chart(events)))
    json.loads(tell.perfetto(events))


@pytest.mark.timed
@pytest.mark.quick
def test_a_reader_is_told_in_time_and_not_for_each_letter(vtx: Vtx) -> None:
    """200 letters, one every half a millisecond, of a guest that never needs the host."""
    drip = """
        mov     cx, 200
.more:  mov     al, cl
        mov     dx, COM1
        out     dx, al
        rdtsc
        mov     ebx, eax
.pass:  rdtsc
        sub     eax, ebx
        cmp     eax, 25000
        jb      .pass
        loop    .more
        rest
    """
    run_guest(vtx, BEGIN + drip, "--trace", "/tmp/notes")
    notes = map(json.loads, vtx.machine.get("/tmp/notes").decode().splitlines())
    assert 30 < sum(note.get("serial") == "out" for note in notes) < 120
