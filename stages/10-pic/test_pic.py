# SPDX-License-Identifier: GPL-2.0-only
"""The interrupt controllers: who may tap, when, in which order, and that no tap is lost."""

from __future__ import annotations

import random
import signal
import subprocess
from pathlib import Path

import pytest

from harness.effort import FULL
from harness.guest import put_guest, run_guest
from harness.machine import Job, Result
from harness.paths import ROOT
from harness.stage import Stage
from harness.vtx import Vtx

EDGES = 1_000_000 if FULL else 100_000
RINGS = 10_000 if FULL else 500
SEED = 10

HUNG = b"vtxctl: the guest waits for an interrupt, and nothing can send one\n"

# Real mode. Each interrupt notes its vector; then `hook` is called, which ends it for the PIC.
GUEST = """
IER     equ     0x3f9
IIR     equ     0x3fa
FCR     equ     0x3fa
MCR     equ     0x3fc

        xor     ax, ax
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
        mov     sp, 0x7000
        cld
        cli
        mov     bx, entries
        mov     si, 0x20 * 4
        mov     cx, 16
.table: mov     [si], bx
        mov     [si + 2], ax
        add     bx, 8
        add     si, 4
        loop    .table
        mov     di, notes
        jmp     begin

        align   8
entries:
%assign vector 0x20
%rep    16
        push    ax
        mov     al, vector
        jmp     near noted
        align   8
%assign vector vector + 1
%endrep
noted:  stosb
        call    [hook]
        pop     ax
        iret
hook:   dw      eoi
eoi:    mov     al, 0x20
        out     0x20, al
keep:   ret

; put PORT, BYTE: spoils AX and DX; get PORT: notes it
%macro put 2
        mov     dx, %1
        mov     al, %2
        out     dx, al
%endmacro
%macro get 1
        mov     dx, %1
        in      al, dx
        stosb
%endmacro

; pic ICW4, MASK: both controllers, vectors 20h and 28h
%macro pic 2
        put     0x20, 0x11
        put     0x21, 0x20
        put     0x21, 4
        put     0x21, %1
        put     0xa0, 0x11
        put     0xa1, 0x28
        put     0xa1, 2
        put     0xa1, 1
        put     0x21, %2
        put     0xa1, 0xff
%endmacro

; irr, isr: note one of these registers of the master
%macro irr 0
        put     0x20, 0x0a
        get     0x20
%endmacro
%macro isr 0
        put     0x20, 0x0b
        get     0x20
%endmacro

; pull: the serial port's line goes up (its transmitter is empty); drop: it goes down
%macro pull 0
        put     MCR, 8
        put     IER, 0
        put     IER, 2
%endmacro
%macro drop 0
        put     IER, 0
%endmacro

; listen: for some instructions
%macro listen 0
        sti
        nop
        nop
        cli
%endmacro

; the end: send the notes
%macro tell 0
        cli
        put     IER, 0
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


def content(result: Result) -> bytes:
    """What a guest sent that came to its own end."""
    assert (result.status, result.stderr) == (0, b""), result
    return result.stdout


def noted(vtx: Vtx, code: str, stdin: bytes = b"") -> str:
    """What a guest noted, in hex."""
    return content(run_guest(vtx, f"{GUEST}{code}\n tell", stdin=stdin)).hex(" ")


def at_terminal(vtx: Vtx, code: str) -> Job:
    return vtx.spawn("--mem", "1M", put_guest(vtx, GUEST + code), tty=True)


# NanoX


@pytest.mark.quick
def test_the_button_rings_at_the_prompt_and_in_mid_line(vtx: Vtx) -> None:
    job = vtx.spawn("--mem", "1M", "nanox.bin", tty=True)
    job.expect(b"> ")
    job.write(b"\x01k")
    job.expect(b"[ring 1]")
    job.write(b"hel")
    job.expect(b"hel")
    job.write(b"\x01k")
    job.expect(b"[ring 2]")
    job.write(b"lo\r")
    job.expect(b"olleh")
    job.write(b"bye\r")
    job.expect(b"You rang 2 times.")
    assert job.wait().status == 0


@pytest.mark.quick
def test_nanox_gives_every_word_back_however_fast_they_come(vtx: Vtx) -> None:
    # More than NanoX keeps, all at once.
    words = [f"word{number}" for number in range(150)]
    typed = " ".join([*words, "bye"]) + "\n"
    text = content(vtx.run("--mem", "1M", "nanox.bin", stdin=typed.encode())).decode()
    answers = "".join(f"> {word} {word[::-1]}\r\n" for word in words)
    assert text.endswith(f"\r\n{answers}> bye\r\n\r\nYou rang 0 times.\r\n")


def test_every_ring_is_heard(vtx: Vtx) -> None:
    command = (f"{vtx.dir}/vtxctl", "--mem", "1M", f"{vtx.dir}/nanox.bin")
    said = vtx.ask("pty.c", "ring", str(RINGS), *command, timeout=1200)
    assert said == {"rings": str(RINGS), "status": "0"}


# The serial port's line


@pytest.mark.quick
def test_the_serial_port_interrupts_when_it_has_sent(vtx: Vtx) -> None:
    code = """
        pic     1, 0xef
        put     MCR, 8
        mov     word [hook], next
        sti
        put     IER, 2
.wait:  cmp     word [left], 0
        jne     .wait
        cli
        jmp     done
left:   dw      3
next:   push    dx
        get     IIR                     ; 2, and the line falls
        dec     word [left]
        jz      .last
        put     COM1, '.'               ; sent at once: it rises again
.last:  pop     dx
        jmp     eoi
done:   get     IIR
    """
    assert noted(vtx, code) == "2e 2e 24 02 24 02 24 02 01"


@pytest.mark.quick
def test_the_serial_port_interrupts_when_something_has_come(vtx: Vtx) -> None:
    code = """
        pic     1, 0xef
        put     MCR, 8
        put     IER, 1
        mov     word [hook], one
.sleep: cli
        cmp     di, notes + 4 * 5
        je      done
        sti
        hlt
        jmp     .sleep
one:    push    dx
        get     IIR
        get     COM1
        get     IIR                     ; there is the next one, or not
        mov     al, 0x20
        out     0x20, al
        mov     dx, COM1 + 7
        mov     al, 'x'
        out     dx, al
        pop     dx
        ret
done:
    """
    told = bytes.fromhex(noted(vtx, code, stdin=b"virtx"))
    calls = [told[at : at + 4] for at in range(0, len(told), 4)]
    assert [call[:3] for call in calls] == [bytes([0x24, 4, byte]) for byte in b"virtx"]


@pytest.mark.quick
def test_bytes_left_lying_interrupt_after_a_while(vtx: Vtx) -> None:
    # Three, where the receiver is to say so only from 14 on.
    code = """
        pic     1, 0xef
        put     MCR, 8
        put     FCR, 0xc1
        mov     word [hook], all
        put     IER, 1
        sti
        hlt
        cli
        jmp     done
all:    get     IIR
.more:  get     COM1
        mov     dx, COM1_LSR
        in      al, dx
        test    al, 1
        jnz     .more
        jmp     eoi
done:
    """
    code = code.replace("sti\n", "print 'R'\n sti\n", 1)
    job = vtx.spawn("--mem", "1M", put_guest(vtx, f"{GUEST}{code}\n tell"))
    job.expect(b"R")
    job.write(b"abc")
    assert content(job.wait()).hex(" ") == "52 24 cc 61 62 63"


@pytest.mark.quick
def test_bytes_that_wait_come_in_when_the_guest_makes_room(vtx: Vtx) -> None:
    # To switch the FIFOs on empties the receiver: the first byte is gone, the others come.
    code = """
.wait:  mov     dx, COM1_LSR
        in      al, dx
        test    al, 1
        jz      .wait
        pic     1, 0xef
        put     MCR, 8
        put     IER, 1
        put     FCR, 1
        sti
        hlt
        cli
        get     COM1
        get     COM1
    """
    assert noted(vtx, code, stdin=b"abc") == "24 62 63"


# Masks, priorities, ends. `pull` makes a request of line 4.

SCRIPTS = {
    "a masked line waits": ("pic 1, 0xff\n pull\n listen\n irr\n put 0x21, 0xef\n listen", "10 24"),
    "a mask is read again": ("pic 1, 0xa5\n get 0x21\n get 0xa1", "a5 ff"),
    "the vector is where ICW2 says": (
        "handle 0x74, other\n pic 1, 0xef\n put 0x20, 0x11\n put 0x21, 0x77\n put 0x21, 4\n"
        "put 0x21, 1\n pull\n listen\n jmp done\nother: mov al, 0x74\n stosb\n put 0x20, 0x20\n"
        "iret\ndone:",
        "74",
    ),
    "what goes away before it is taken never was": (
        "pic 1, 0xef\n pull\n irr\n get IIR\n irr\n listen",
        "10 02 00",
    ),
    "without EOI nothing more": (
        "pic 1, 0xef\n mov word [hook], keep\n pull\n listen\n pull\n listen\n irr\n isr",
        "24 10 10",
    ),
    "an EOI later lets it in": (
        "pic 1, 0xef\n mov word [hook], keep\n pull\n listen\n pull\n listen\n"
        "put 0x20, 0x20\n listen\n isr",
        "24 24 10",
    ),
    "an EOI that names the line": (
        "pic 1, 0xef\n mov word [hook], keep\n pull\n listen\n isr\n put 0x20, 0x61\n isr\n"
        "put 0x20, 0x64\n isr",
        "24 10 10 00",
    ),
    "automatic EOI": (
        "pic 3, 0xef\n mov word [hook], look\n pull\n listen\n pull\n listen\n jmp done\n"
        "look: isr\n ret\ndone: drop\n irr",
        "24 00 24 00 00",
    ),
    "automatic EOI with rotation": (
        # Line 4 becomes the last one: a poll sees 5, 6, 7, 0 ... before it.
        "pic 3, 0xef\n put 0x20, 0x80\n mov word [hook], keep\n pull\n listen\n put 0x20, 0\n"
        "pull\n listen",
        "24 24",
    ),
    "special mask: others may come while it serves": (
        "pic 1, 0xef\n mov word [hook], keep\n pull\n listen\n put 0x20, 0x68\n put 0x21, 0xff\n"
        "pull\n put 0x20, 0x20\n isr\n put 0x20, 0x48\n put 0x20, 0x20\n isr",
        "24 10 00",
    ),
    "an edge comes once": ("pic 1, 0xef\n pull\n listen\n listen\n listen\n irr", "24 00"),
    "a level comes until it is gone": (
        "pic 1, 0xef\n put 0x4d0, 0x10\n get 0x4d0\n mov word [hook], third\n pull\n sti\n nop\n"
        "nop\n nop\n nop\n jmp done\ntimes_left: db 3\nthird: dec byte [times_left]\n jnz eoi\n"
        "push dx\n drop\n pop dx\n jmp eoi\ndone: cli\n irr",
        "10 24 24 24 00",
    ),
    "some lines can only be edges": (
        "put 0x4d0, 0xff\n put 0x4d1, 0xff\n get 0x4d0\n get 0x4d1",
        "f8 de",
    ),
    "a poll with nobody there": ("pic 1, 0xef\n put 0x20, 0x0c\n get 0x20\n isr", "07 00"),
    "a poll takes a request": (
        "pic 1, 0xef\n pull\n put 0x20, 0x0c\n get 0x20\n isr\n listen\n put 0x20, 0x64\n isr",
        "84 10 00",
    ),
    "a poll of the second": ("pic 1, 0xef\n put 0xa0, 0x0c\n get 0xa0", "07"),
    "ICW1 forgets": (
        "pic 1, 0xef\n mov word [hook], keep\n pull\n listen\n isr\n put 0x20, 0x11\n isr\n"
        "get 0x21\n irr",
        "24 10 00 00 00",
    ),
    "half an initialisation is none": (
        "put 0x20, 0x11\n put 0x21, 0x20\n pull\n listen\n put 0x21, 4\n put 0x21, 1\n"
        "put 0x21, 0xef\n listen",
        "24",
    ),
}


@pytest.mark.quick
def test_masks_ends_and_modes_as_an_8259_has_them(vtx: Vtx) -> None:
    wrong = {}
    for what, (code, answer) in SCRIPTS.items():
        got = noted(vtx, code)
        if got != answer:
            wrong[what] = (answer, got)
    assert not wrong


# Both lines, the button and the serial port: 1 comes before 4.

# Waits until both ask, with interrupts off.
BOTH = """
        pic     %s, 0xed
        pull
        print   'R'
        pull
        put     0x20, 0x0a
.both:  in      al, 0x20
        and     al, 0x12
        cmp     al, 0x12
        jne     .both
        %s
        tell
"""
ORDERS = {
    "as it begins": ("1", "listen", "21 24"),
    "line 1 made the last": ("1", "put 0x20, 0xc1\n listen", "24 21"),
    "line 3 made the last": ("1", "put 0x20, 0xc3\n listen", "24 21"),
    "line 4 made the last": ("1", "put 0x20, 0xc4\n listen", "21 24"),
    "the button masked": ("1", "put 0x21, 0xef\n listen", "24"),
    "a handler that listens, in the wrong order": (
        # The serial port's first, and in its midst the button's.
        "1",
        "mov word [hook], deep\n put 0x21, 0xef\n sti\n nop\n jmp out\n"
        "deep: mov word [hook], eoi\n put 0x21, 0xed\n sti\n nop\n nop\n cli\n mov al, 0xaa\n stosb\n"
        "jmp eoi\nout: cli",
        "24 21 aa",
    ),
    "a handler that listens, in the right order": (
        # The button's goes on to its end, and then it is the other's turn.
        "1",
        "mov word [hook], deep\n sti\n nop\n jmp out\n"
        "deep: mov word [hook], eoi\n sti\n nop\n nop\n cli\n mov al, 0xaa\n stosb\n"
        "jmp eoi\nout: cli",
        "21 aa 24",
    ),
    "an EOI ends the one that is more urgent": (
        "1",
        "mov word [hook], keep\n put 0x21, 0xef\n listen\n put 0x21, 0xed\n listen\n isr\n"
        "put 0x20, 0x20\n isr\n put 0x20, 0x20\n isr",
        "24 21 12 10 00",
    ),
    "an EOI that rotates": (
        # Line 1 was the first. Its end makes it the last.
        "1",
        "put 0x21, 0xfd\n mov word [hook], turn\n listen\n put 0x21, 0xed\n put 0x20, 0x0c\n"
        "get 0x20\n jmp out\nturn: put 0x20, 0xa0\n ret\nout:",
        "21 84",
    ),
}


@pytest.mark.quick
def test_the_more_urgent_comes_first(vtx: Vtx) -> None:
    wrong = {}
    for what, (icw4, code, answer) in ORDERS.items():
        job = vtx.spawn("--mem", "1M", put_guest(vtx, GUEST + BOTH % (icw4, code)), tty=True)
        job.expect(b"R")
        job.write(b"\x01k")
        result = job.wait()
        got = result.stdout.partition(b"R")[2].hex(" ")
        if (result.status, got) != (0, answer):
            wrong[what] = (answer, got, result)
    assert not wrong


# A line that is pulled while the guest is busy


@pytest.mark.quick
def test_a_guest_that_never_exits_is_interrupted(vtx: Vtx) -> None:
    job = at_terminal(
        vtx,
        """
        pic     1, 0xfd
        mov     word [hook], seen
        print   'R'
        sti
        jmp     $
seen:   print   'k'
        jmp     eoi
        """,
    )
    job.expect(b"R")
    for _ in range(20):
        job.write(b"\x01k")
        job.expect(b"k")
    job.write(b"\x01x")
    assert job.wait().status == 8


@pytest.mark.quick
def test_a_guest_that_does_not_listen_is_interrupted_when_it_does(vtx: Vtx) -> None:
    job = at_terminal(
        vtx,
        """
        pic     1, 0xfd
        print   'R'
        put     0x20, 0x0a
.asks:  in      al, 0x20
        test    al, 2
        jz      .asks
        mov     ecx, 100000
        a32 loop $
        mov     al, 0x11
        stosb
        listen
        tell
        """,
    )
    job.expect(b"R")
    job.write(b"\x01k")
    result = job.wait()
    assert (result.status, result.stdout.partition(b"R")[2].hex(" ")) == (0, "11 21")


@pytest.mark.quick
def test_a_halt_behind_sti_is_always_woken(vtx: Vtx) -> None:
    # The request is there before the HLT, and the handler finds the guest behind it.
    code = """
        pic     1, 0xef
        mov     word [hook], where
        mov     ecx, 3000
again:  cli
        pull
        sti
        hlt
behind: dec     ecx
        jnz     again
        jmp     done
where:  mov     bp, sp
        cmp     word [bp + 4], behind
        jne     wrong
        dec     di
        inc     dword [woken]
        push    dx
        drop
        pop     dx
        jmp     eoi
wrong:  mov     al, 0xee
        stosb
        jmp     eoi
woken:  dd      0
done:   mov     eax, [woken]
        stosd
    """
    assert noted(vtx, code) == (3000).to_bytes(4, "little").hex(" ")


# Guests that misbehave

WILD = {
    "floods it with commands": """
        mov     esi, 0x12345678
.more:  mov     dx, [.ports]
.ports  equ     $ - 2
        imul    esi, esi, 1664525
        add     esi, 1013904223
        mov     eax, esi
        shr     eax, 13
        mov     bx, ax
        and     bx, 7
        shl     bx, 1
        mov     dx, [bx + list]
        shr     eax, 8
        out     dx, al
        in      al, dx
        jmp     .more
list:   dw      0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1, 0x21, 0x20
    """,
    "never sends an EOI": "pic 1, 0xec\n mov word [hook], keep\n sti\n.l: pull\n jmp .l",
    "masks all": "pic 1, 0xff\n sti\n.l: pull\n jmp .l",
    "halts in its handler": "pic 1, 0xed\n mov word [hook], stay\n sti\n jmp $\nstay: sti\n hlt\n jmp stay",
    "is interrupted for ever": "pic 1, 0xed\n put 0x4d0, 0x10\n pull\n sti\n.l: mov di, notes\n jmp .l",
}


@pytest.mark.parametrize("what", WILD)
def test_ctrl_a_x_ends_a_guest_that(vtx: Vtx, what: str) -> None:
    job = at_terminal(vtx, f"print 'R'\n{WILD[what]}")
    job.expect(b"R")
    for _ in range(30):
        job.write(b"\x01k")
    job.write(b"\x01h")
    job.expect(b"Ctrl-A k  ring IRQ 1")
    job.write(b"\x01x")
    assert job.wait().status == 8


@pytest.mark.quick
def test_any_commands_leave_a_controller_that_can_begin_anew(vtx: Vtx) -> None:
    dice = random.Random(SEED)
    ports = (0x20, 0x21, 0xA0, 0xA1, 0x4D0, 0x4D1)
    table = b"".join(
        bytes([dice.choice(ports) & 0xFF, dice.choice((0, 4)), dice.randrange(256)])
        for _ in range(6000)
    )
    rows = "\n".join(
        "db " + ", ".join(map(str, table[at : at + 30])) for at in range(0, len(table), 30)
    )
    code = f"""
        mov     si, list
        mov     cx, 6000
.next:  lodsw
        and     ah, 4
        mov     dx, ax
        cmp     dl, 0xd0
        jae     .elcr
        xor     dh, dh
        jmp     .do
.elcr:  mov     dh, 4
.do:    lodsb
        out     dx, al
        in      al, dx
        loop    .next
        put     0x4d0, 0
        pic     1, 0xef
        pull
        listen
        jmp     done
list:
{rows}
done:
    """
    assert noted(vtx, code) == "24"


# What nothing can wake

NOTHING = {
    "everything masked": "pic 1, 0xff\n",
    "only the second controller": "pic 1, 0xfb\n",
    "never initialised": "",
    "only the timer, which is not there yet": "pic 1, 0xfe\n",
}


@pytest.mark.quick
def test_a_halt_that_nothing_can_end_is_told(vtx: Vtx) -> None:
    for what, code in NOTHING.items():
        if not what.startswith("only the timer"):
            result = at_terminal(vtx, f"{code} sti\n hlt").wait()
            assert result.status == 10, what
            assert b"nothing can send one" in result.stdout, what
        result = run_guest(vtx, f"{GUEST}{code} sti\n hlt", stdin=b"more than it ever reads")
        assert (result.status, result.stdout, result.stderr) == (10, b"", HUNG), what


# Takes a byte at each interrupt, and gives it back.
ECHO = """
        pic     1, 0xef
        put     MCR, 8
        put     IER, 1
        mov     word [hook], back
        sti
.sleep: hlt
        jmp     .sleep
back:   push    dx
        mov     dx, COM1
        in      al, dx
        out     dx, al
        pop     dx
        jmp     eoi
"""


@pytest.mark.quick
def test_at_the_end_of_a_pipe_who_only_listens_to_that_is_told(vtx: Vtx) -> None:
    data = random.Random(SEED).randbytes(3000)
    result = run_guest(vtx, GUEST + ECHO, stdin=data)
    assert (result.status, result.stdout, result.stderr) == (10, data, HUNG)
    # The end may come while it sleeps.
    job = vtx.spawn("--mem", "1M", put_guest(vtx, GUEST + ECHO))
    job.write(b"abc")
    job.expect(b"abc")
    job.close_stdin()
    result = job.wait()
    assert (result.status, result.stderr) == (10, HUNG)
    # And what it never fetches cannot wake it either.
    deaf = "pic 1, 0xef\n sti\n hlt"
    result = run_guest(vtx, GUEST + deaf, stdin=b"x" * 100)
    assert (result.status, result.stderr) == (10, HUNG)


# VTXCTL as a process


def ticks(vtx: Vtx) -> int:
    """Of VTXCTL's CPU time, in hundredths of a second."""
    stat = vtx.machine.run("cat /proc/$(pidof vtxctl)/stat", check=True).text
    return sum(map(int, stat.rpartition(")")[2].split()[11:13]))


@pytest.mark.quick
def test_a_guest_that_waits_costs_nothing(vtx: Vtx) -> None:
    job = vtx.spawn("--mem", "1M", "nanox.bin", tty=True)
    job.expect(b"> ")
    vtx.machine.run("sleep 0.2")
    before = ticks(vtx)
    vtx.machine.run("sleep 3")
    assert ticks(vtx) - before <= 3
    job.write(b"\x01k")
    job.expect(b"[ring 1]")
    job.write(b"\x01x")
    assert job.wait().status == 8


@pytest.mark.quick
def test_a_guest_goes_on_after_its_launcher_was_stopped(vtx: Vtx) -> None:
    job = vtx.spawn("--mem", "1M", "nanox.bin", tty=True)
    job.expect(b"> ")
    for n in range(1, 4):
        vtx.machine.run("kill -STOP $(pidof vtxctl)", check=True)
        vtx.machine.run("until grep -q 'State:.T' /proc/$(pidof vtxctl)/status; do :; done")
        job.write(b"a\x01kb")
        vtx.machine.run("kill -CONT $(pidof vtxctl)", check=True)
        job.expect(f"[ring {n}]".encode())
        job.write(b"\r")
        job.expect(r"ba\s+> ")
    job.write(b"bye\r")
    assert job.wait().status == 0


@pytest.mark.quick
def test_a_terminal_that_goes_away_takes_its_guest_along(vtx: Vtx) -> None:
    command = (f"{vtx.dir}/vtxctl", "--mem", "1M", f"{vtx.dir}/nanox.bin")
    assert vtx.ask("pty.c", "hang-up", *command) == {"ended by signal": str(int(signal.SIGHUP))}
    # Nobody tells it, but it can see that nobody is there any more.
    assert vtx.ask("pty.c", "lose", *command) == {"status": "10"}
    assert vtx.machine.run("pidof vtxctl").status != 0
    assert set(vtx.counters().values()) == {0}


# No lost wake-up: this stage's own threads on this computer, with a stand-in for VTXDRV


def test_no_edge_is_lost_and_the_threads_do_not_race(stage: Stage, tmp_path: Path) -> None:
    ctl = stage.folder / "vtxctl"
    sources = [ROOT / "tests/tsan/wakeup.c"]
    sources += [ctl / name for name in ("vcpu.c", "irqchip.c", "dev/i8259.c")]
    folders = (stage.folder / "include", ctl, ROOT / "common", ROOT / "common/shim")
    program = tmp_path / "wakeup"
    subprocess.run(
        [
            *("gcc", "-std=gnu11", "-O1", "-g", "-fsanitize=thread", "-pthread", "-D_GNU_SOURCE"),
            *(f"-I{folder}" for folder in folders),
            "-Wl,--wrap=ioctl,--wrap=pthread_mutex_unlock",
            *("-o", program, *sources),
        ],
        check=True,
    )
    done = subprocess.run(
        [program, str(EDGES), str(SEED)], capture_output=True, text=True, timeout=900, check=False
    )
    assert (done.returncode, done.stderr) == (0, ""), done
    assert f"status 8: {EDGES} edges, {EDGES} taken\n" in done.stdout
