# SPDX-License-Identifier: GPL-2.0-only
"""The same timer chip, in VTXDRV: each tick comes by itself, wherever the guest is."""

from __future__ import annotations

import re
import struct

import pytest

from harness.effort import FULL
from harness.guest import put_guest, run_guest
from harness.machine import Result
from harness.paths import KERNEL
from harness.stage import Stage
from harness.vtx import Vtx

CLOCK = 1193182
CPU1 = "/sys/devices/system/cpu/cpu1/online"

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

; counter 0 begins anew, in mode 2, with this number
%macro timer 1
        outb    0x43, 0x34
        outb    0x40, (%1) & 255
        outb    0x40, (%1) >> 8
%endmacro

%macro listen 1
        outb    0x21, %1
%endmacro

%macro eoi 0
        outb    0x20, 0x20
%endmacro

; so many cycles go by; spoils EAX, EDX and EBX
%macro pass 1
        rdtsc
        mov     ebx, eax
%%more: rdtsc
        sub     eax, ebx
        cmp     eax, %1
        jb      %%more
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

; The dword EAX.
send:   mov     dx, COM1
        mov     cx, 4
.next:  out     dx, al
        shr     eax, 8
        loop    .next
        ret
begin:
"""


def numbers(result: Result) -> list[int]:
    """What a guest sent that came to its own end."""
    assert (result.status, result.stderr) == (0, b""), result
    return [number for (number,) in struct.iter_unpack("<I", result.stdout)]


def tsc_hz(vtx: Vtx) -> float:
    """As the kernel found it, whose CLOCK_MONOTONIC counts it."""
    log = vtx.machine.run("dmesg", check=True).text
    return float(re.findall(r"tsc: .*?([0-9.]+) MHz", log)[-1]) * 1e6


def timers(vtx: Vtx) -> list[int]:
    """The CPUs on which an hrtimer of VTXDRV's waits."""
    listing = vtx.machine.run("grep -e ^cpu: -e vtxdrv /proc/timer_list", check=True).text
    cpu, found = -1, set()
    for line in listing.splitlines():
        if line.startswith("cpu:"):
            cpu = int(line.split()[1])
        else:
            found.add(cpu)
    return sorted(found)


# The move


@pytest.mark.quick
@pytest.mark.parametrize("name", ["i8254.c", "i8254.h"])
def test_the_chip_moves_with_not_a_byte_changed(name: str) -> None:
    before, now = Stage.find("12").folder / "vtxctl/dev", Stage.find("13").folder / "vtxdrv/dev"
    assert (before / name).read_bytes() == (now / name).read_bytes()
    assert not (Stage.find("13").folder / "vtxctl/dev" / name).exists()


@pytest.mark.quick
def test_vtxctl_hears_nothing_of_the_timer(vtx: Vtx) -> None:
    source = """
        listen  0xfe
        timer   1193
        sti
.more:  hlt
        in      al, 0x61
        cmp     dword [ticks], 20
        jb      .more
        print   'E'
        rest
    """
    result = run_guest(vtx, BEGIN + source, "--trace", "/tmp/notes")
    assert (result.status, result.stdout) == (0, b"E"), result
    notes = vtx.machine.run("cat /tmp/notes", check=True).text
    # Every port that it is asked about is the serial port's.
    assert set(re.findall(r'"port":(\d+)', notes)) == {str(0x3F8)}, notes


# The ticks

LOOPS = {"in an endless loop": "jmp $", "asleep": "hlt\n jmp $ - 1"}


@pytest.mark.timed
@pytest.mark.quick
@pytest.mark.parametrize("how", LOOPS)
def test_every_tick_comes_to_a_guest(vtx: Vtx, how: str) -> None:
    many = 10_000 if FULL else 1_000
    source = f"""
        handle  0x20, .tick
        listen  0xfe
        timer   1193
        sti
        {LOOPS[how]}
.first: dd      0
.tick:  rdtsc
        cmp     dword [ticks], 0
        jne     .later
        mov     [.first], eax
.later: inc     dword [ticks]
        cmp     dword [ticks], {many}
        je      .all
        eoi
        iret
.all:   sub     eax, [.first]
        call    send
        rest
    """
    (cycles,) = numbers(run_guest(vtx, BEGIN + source, timeout=120))
    assert abs(cycles / tsc_hz(vtx) * CLOCK / 1193 - (many - 1)) < 1


# What the guest does, how many seconds after it has set the timer, how many ticks it gets of them.
MISSED = {
    "masked": ("listen 0xff", 3.005, 1),
    "interrupts off": ("listen 0xfe", 0.502, 50),
}


@pytest.mark.timed
@pytest.mark.quick
@pytest.mark.parametrize("how", MISSED)
def test_a_tick_that_is_missed(vtx: Vtx, how: str) -> None:
    meanwhile, seconds, ticks = MISSED[how]
    hz = tsc_hz(vtx)
    source = f"""
        {meanwhile}
        timer   11932
        pass    {int(seconds * hz)}
        listen  0xfe
        sti
        pass    {int(0.0045 * hz)}
        cli
        mov     eax, [ticks]
        call    send
        rest
    """
    assert numbers(run_guest(vtx, BEGIN + source)) == [ticks]


@pytest.mark.quick
def test_a_mask_that_is_written_just_before_a_tick_makes_it_no_later(vtx: Vtx) -> None:
    hz = tsc_hz(vtx)
    period, before = int(11932 / CLOCK * hz), int(130e-6 * hz)
    # It notes when the first tick came, and by how much the others are late.
    source = f"""
        handle  0x20, .tick
        mov     di, 0x9000
        listen  0xfe
        timer   11932
        sti
.first: cmp     di, 0x9000
        je      .first
.early: rdtsc
        sub     eax, [.due]
        cmp     eax, {-before}
        jl      .early
        listen  0xff
        listen  0xfe
        mov     si, di
.soon:  cmp     si, di
        je      .soon
        jmp     .early
.due:   dd      0
.tick:  rdtsc
        sub     eax, [.due]
        stosd
        cmp     di, 0x9004
        jne     .next
        mov     [.due], eax
.next:  add     dword [.due], {period}
        cmp     di, 0x9000 + 30 * 4
        je      .all
        eoi
        iret
.all:   mov     si, 0x9004
.send:  lodsd
        call    send
        cmp     si, di
        jne     .send
        rest
    """
    late = [n - (n >> 31 << 32) for n in numbers(run_guest(vtx, BEGIN + source))]
    assert sorted(late)[len(late) // 2] / hz < 20e-6, late


@pytest.mark.timed
@pytest.mark.quick
def test_the_fastest_ticks_leave_the_host_its_time(vtx: Vtx) -> None:
    source = """
        handle  0x20, .flood
        listen  0xfe
        timer   2
        print   'R'
        sti
        jmp     $
.flood: push    ax
        eoi
        pop     ax
        iret
    """
    put_guest(vtx, BEGIN + source)
    job = vtx.spawn("--mem", "1M", "guest.bin", tty=True)
    job.expect(b"R")
    look = "cat /proc/uptime; grep LOC: /proc/interrupts"
    found = vtx.machine.run(f"{look}; sleep 0.5; {look}", check=True).text
    uptimes = [float(time) for time in re.findall(r"^([0-9.]+) ", found, re.MULTILINE)]
    interrupts = [int(count) for count in re.findall(r"LOC: +([0-9]+)", found)]
    # Ten thousand a second are ours, and a few the host's own.
    rate = (interrupts[1] - interrupts[0]) / (uptimes[1] - uptimes[0])
    assert 1_000 < rate < 12_000
    job.write(b"\x01x")
    assert job.wait().status == 8


# Two CPUs. Each 128 ticks at 1000 Hz it tells how many of them came at the heels of another.


def in_groups(vtx: Vtx) -> str:
    return f"""
        handle  0x20, .tick
        listen  0xfe
        timer   1193
        sti
        jmp     $
.last:  dd      0
.tick:  rdtsc
        mov     ebx, eax
        xchg    ebx, [.last]
        sub     eax, ebx
        cmp     eax, {int(tsc_hz(vtx) / 2000)}
        ja      .alone
        inc     byte [ticks + 1]
.alone: inc     byte [ticks]
        jns     .go_on
        mov     byte [ticks], 0
        print   '<'
        print   [ticks + 1]
        print   '>'
        mov     byte [ticks + 1], 0
.go_on: eoi
        iret
    """


def test_a_tick_finds_the_guest_on_another_cpu(vtx_smp: Vtx) -> None:
    run = vtx_smp.machine.run
    put_guest(vtx_smp, BEGIN + in_groups(vtx_smp))
    job = vtx_smp.machine.spawn(f"cd {vtx_smp.dir} && exec taskset 2 ./vtxctl --mem 1M guest.bin")
    job.expect(r"(?s)<.>", timeout=120)
    assert timers(vtx_smp) == [1]
    # The guest moves, the appointments stay: from now on it is told by another CPU.
    run("taskset -ap 1 $(pidof vtxctl)", check=True)
    job.expect(r"(?s)<.>", timeout=120)
    (late,) = job.expect(r"(?s)<(.)>", timeout=120).groups()
    assert late[0] < 32
    assert timers(vtx_smp) == [1]
    # And when that one goes, Linux takes the hrtimer elsewhere.
    run(f"echo 0 >{CPU1}", check=True, timeout=120)
    try:
        assert timers(vtx_smp) == [0]
        for _ in range(2):
            job.expect(r"(?s)<.>", timeout=120)
    finally:
        run(f"echo 1 >{CPU1}", check=True, timeout=120)
    run("kill $(pidof vtxctl)", check=True)
    job.wait(timeout=60)


# The guest tells how many ticks it had, when it is asked.
ASKED = """
        listen  0xfe
        timer   11932
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
        print   '<'
        mov     eax, [ticks]
        call    send
        print   '>'
        jmp     .more
"""


def test_the_clock_stands_still_while_the_machine_sleeps(vtx: Vtx) -> None:
    job = vtx.machine.spawn(vtx.command("--mem", "1M", put_guest(vtx, BEGIN + ASKED)))

    def told() -> int:
        job.write(b"?")
        (number,) = job.expect(r"(?s)<(....)>", timeout=60).groups()
        return struct.unpack("<I", number)[0]

    def monotonic() -> float:
        listing = vtx.machine.run("grep '^now at' /proc/timer_list", check=True).text
        return int(listing.split()[2]) / 1e9

    job.expect(b"R")
    first, before = told(), monotonic()
    assert vtx.ask("probe_suspend.c", timeout=180) == {"image taken": "0x1"}
    after, second = monotonic(), told()
    # Frozen programs are like stopped ones: no more than a second is made up for.
    assert min((after - before) * 100, 100) - 2 <= second - first
    assert second - first <= (monotonic() - before) * 100 + 20
    before, first = monotonic(), told()
    vtx.machine.run("sleep 0.3", check=True)
    assert told() - first >= 28
    job.close_stdin()
    vtx.machine.run("kill $(pidof vtxctl)", check=True)
    job.wait()


# The end

TICKS_ON = "listen 0xfe\n timer 1193\n print 'R'\n sti\n jmp $"


@pytest.mark.parametrize("guest", ["in an endless loop", "asleep"])
def test_a_kill_leaves_no_timer(vtx: Vtx, guest: str) -> None:
    times = 150 if FULL else 25
    within = 2_000_000 if KERNEL else 200_000  # microseconds
    path = put_guest(vtx, BEGIN + TICKS_ON.replace("jmp $", LOOPS[guest]))
    told = vtx.ask(
        "fault_kill.c",
        "13",
        str(times),
        str(within),
        f"{vtx.dir}/vtxctl",
        "--mem",
        "64K",
        path,
        timeout=600,
    )
    assert int(told["killed"], 0) == times and int(told["with all its memory"], 0)
    assert set(vtx.counters().values()) == {0}
    assert timers(vtx) == []
    vtx.rmmod()
    vtx.insmod()


@pytest.mark.quick
def test_a_reset_stops_the_clock(vtx: Vtx) -> None:
    hz = tsc_hz(vtx)
    source = f"""
        cmp     byte [0x9000], 1
        je      .again
        mov     byte [0x9000], 1
        listen  0xfe
        timer   1193
        sti
.wait:  cmp     dword [ticks], 5
        jb      .wait
        outb    0x64, 0xfe
        jmp     $
.again: mov     dword [ticks], 0
        listen  0xfe
        sti
        pass    {int(0.02 * hz)}
        print   [ticks]
        print   'E'
        jmp     $
    """
    put_guest(vtx, BEGIN + source)
    job = vtx.spawn("--mem", "1M", "guest.bin", tty=True)
    job.expect(b"\0E")
    assert timers(vtx) == []
    job.write(b"\x01x")
    assert job.wait().status == 8
