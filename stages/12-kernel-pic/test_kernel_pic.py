# SPDX-License-Identifier: GPL-2.0-only
"""Interrupt controllers in VTXDRV: the same chip, fewer trips, and no wake-up is lost."""

from __future__ import annotations

import re

import pytest

from harness.effort import FULL
from harness.guest import put_guest, run_guest
from harness.machine import Machine, Result
from harness.stage import Stage
from harness.vtx import Vtx
from tests.guests.packages import NotHere, fetch

TRACING = "/sys/kernel/tracing"

HUNG = b"vtxctl: the guest waits for an interrupt, and nothing can send one\n"

# Real mode. Counts at 6000h what comes on each line, a dword for each; then `hook` ends it.
GUEST = """
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
        jmp     begin

        align   8
entries:
%assign line 0
%rep    16
        push    ax
        mov     al, line
        jmp     near count
        align   8
%assign line line + 1
%endrep
count:  push    bx
        movzx   bx, al
        shl     bx, 2
        inc     dword [bx + 0x6000]
        call    [hook]
        pop     bx
        pop     ax
        iret
hook:   dw      eoi
tell:   out     0x80, al                ; the device hears of it, and its line may fall
eoi:    cmp     bx, 8 * 4
        mov     al, 0x20
        jb      .first
        out     0xa0, al
.first: out     0x20, al
        ret

%macro outb 2
        mov     al, %2
        out     %1, al
%endmacro
%macro outd 2
        mov     dx, %1
        mov     al, %2
        out     dx, al
%endmacro

; pic MASK, MASK: both controllers, vectors 20h and 28h
%macro pic 2
        outb    0x20, 0x11
        outb    0x21, 0x20
        outb    0x21, 4
        outb    0x21, 1
        outb    0xa0, 0x11
        outb    0xa1, 0x28
        outb    0xa1, 2
        outb    0xa1, 1
        outb    0x21, %1
        outb    0xa1, %2
%endmacro

; timer MODE, NUMBER: counter 0
%macro timer 2
        outb    0x43, 0x30 | %1 << 1
        outb    0x40, (%2) & 255
        outb    0x40, (%2) >> 8
%endmacro

; The dword EAX.
send:   mov     dx, COM1
        mov     cx, 4
.next:  out     dx, al
        shr     eax, 8
        loop    .next
        ret
begin:
"""


def content(result: Result) -> bytes:
    """What a guest sent that came to its own end."""
    assert (result.status, result.stderr) == (0, b""), result
    return result.stdout


# The same chip


@pytest.mark.quick
def test_the_chip_is_the_same_file_in_another_folder(stage: Stage) -> None:
    before = Stage.find("11").folder / "vtxctl/dev"
    after = stage.folder / "vtxdrv/dev"
    for name in ("i8259.c", "i8259.h"):
        assert (after / name).read_bytes() == (before / name).read_bytes()
        assert not (stage.folder / "vtxctl/dev" / name).exists()


# Fewer trips: how often VTXCTL says "run" for the very same guest

TICKS = 300
COUNT_TICKS = f"""{GUEST}
        pic     0xfe, 0xff
        timer   2, 1193
.more:  sti
        hlt
        cli
        cmp     dword [0x6000], {TICKS}
        jb      .more
        print   '.'
        rest
"""


@pytest.fixture
def tracing(l1: Machine) -> str:
    """The folder in which the test machine's kernel tells what it does."""
    l1.run(f"test -e {TRACING}/trace || mount -t tracefs trace {TRACING}", check=True)
    return TRACING


def requests(machine: Machine, tracing: str, stage: Stage) -> dict[str, int]:
    """How often VTXCTL asks for what while that guest runs, as the kernel counts it."""
    numbers = re.findall(
        r"#define (VTX_\w+) _IO\w*\(VTX_IOC_MAGIC, (0x\w+)",
        (stage.folder / "include/vtx.h").read_text(),
    )
    names = {int(number, 0): name for name, number in numbers}
    trigger = f"{tracing}/events/syscalls/sys_enter_ioctl/trigger"
    if machine.run(f"test -e {trigger.replace('trigger', 'hist')}").status:
        pytest.skip("this kernel counts no events")  # the debug kernel: CONFIG_HIST_TRIGGERS
    with Vtx(machine, stage) as vtx:
        machine.run(f"echo hist:keys=cmd >{trigger}", check=True)
        assert content(run_guest(vtx, COUNT_TICKS)) == b"."
        table = machine.run(f"cat {trigger.replace('trigger', 'hist')}", check=True).text
        machine.run(f"echo '!hist:keys=cmd' >{trigger}", check=True)
    counts = re.findall(r"cmd:\s+(\w+) } hitcount:\s+(\d+)", table)
    return {
        names[int(cmd, 0) & 0xFF]: int(count)
        for cmd, count in counts
        if int(cmd, 0) >> 8 & 0xFF == 0xB7
    }


@pytest.mark.quick
def test_for_the_same_ticks_vtxctl_runs_the_guest_far_less_often(
    l1: Machine, stage: Stage, tracing: str
) -> None:
    before = Stage.find("11")
    before.build()
    old, new = (requests(l1, tracing, which) for which in (before, stage))
    # Each tick was a trip for the HLT at least, and one for the EOI.
    assert old["VTX_RUN"] >= 2 * TICKS
    assert old["VTX_INTERRUPT"] == TICKS
    # Now none is: what remains is what sets up the timer.
    assert new["VTX_RUN"] <= TICKS // 10
    assert "VTX_INTERRUPT" not in new
    assert new["VTX_IRQ_LINE"] >= 2 * TICKS
    assert sum(new.values()) < sum(old.values())


# HLT sleeps in VTX_RUN

SLEEPER = f"""{GUEST}
        pic     0xdf, 0xff
.more:  sti
        hlt
        cli
        out     0x80, al
        jmp     .more
"""


@pytest.mark.quick
def test_a_halt_sleeps_in_vtx_run_and_all_that_may_wake_it_does(vtx: Vtx) -> None:
    assert vtx.ask("irqchip.c", "sleep", put_guest(vtx, SLEEPER)) == {
        "nothing may be pulled": "exit 3, IF 1",
        "nothing to which it listens": "exit 3, IF 1",
        "line 5 may be pulled": "sleeps",
        "a line to which it does not listen": "sleeps",
        "its own line": "exit 2, IF 0",
        "heard": "0x1",
        "the line is still up": "sleeps",
        "a signal": "EINTR",
        "once more": "sleeps",
        "a signal, and immediate_exit": "EINTR",
        "immediate_exit is still set": "EINTR",
        "and again": "sleeps",
        "told that nothing may be pulled": "EINTR",
        "then": "exit 3, IF 1",
        "pulled before VTX_RUN": "exit 2, IF 0",
        "heard by now": "0x2",
    }


# To which lines it listens, and whether one that VTXCTL still has could wake it.
HALTS = {
    "the timer, which does not count": ("pic 0xfe, 0xff", False),
    "the second controller, with the way to it masked": ("pic 0xff, 0x00", False),
    "the first one's other lines": ("pic 0x13, 0xff\n timer 2, 1193", False),
    "the timer": ("pic 0xfe, 0xff\n timer 2, 1193", True),
    "an alarm": ("pic 0xfe, 0xff\n timer 0, 1193", True),
}


@pytest.mark.quick
@pytest.mark.parametrize("listens_to", HALTS)
def test_a_halt_that_none_of_vtxctls_lines_can_end_is_told(vtx: Vtx, listens_to: str) -> None:
    code, wakes = HALTS[listens_to]
    result = run_guest(vtx, f"{GUEST}{code}\n sti\n hlt\n print '!'\n rest")
    expected = (0, b"!", b"") if wakes else (10, b"", HUNG)
    assert (result.status, result.stdout, result.stderr) == expected


@pytest.mark.quick
def test_a_guest_that_steps_through_itself_does_not_sleep(vtx: Vtx) -> None:
    # The trap behind the HLT ends it, whether an interrupt waits or not.
    source = f"""{GUEST}
        handle  1, trap
        pic     0xfe, 0xff
        timer   0, {{number}}
        mov     ecx, {{patience}}
        a32 loop $
        pushf
        pop     ax
        or      ax, 1 << 8 | 1 << 9
        push    ax
        popf
        hlt
        pushf
        pop     ax
        and     ax, ~(1 << 8)
        push    ax
        popf
        cli
        print   '.'
        rest
trap:   inc     word [0x9000]
        iret
"""
    assert content(run_guest(vtx, source.format(number=0, patience=1))) == b"."
    assert content(run_guest(vtx, source.format(number=100, patience=20000))) == b"."


# Rings from another thread: each is heard, or is one with the one before

BUSY = {
    "asleep": "sti\n out 0x80, al\n.more: sti\n hlt\n jmp .more",
    "busy": "sti\n out 0x80, al\n jmp $",
    "often deaf": """
        sti
        out     0x80, al
.more:  cli
        mov     cx, 300
        loop    $
        sti
        nop
        nop
        jmp     .more""",
}
LINES = {5: "pic 0xdf, 0xff", 11: "pic 0xfb, 0xf7"}


def rung(vtx: Vtx, guest: str, line: int, times: int, how: str) -> int:
    """Ring, and find each heard or merged. How many were merged."""
    source = GUEST + LINES[line] + "\n" + BUSY[guest]
    told = vtx.ask(
        *("irqchip.c", "rings", put_guest(vtx, source), str(line), str(times), how), timeout=600
    )
    got = {what: int(number, 0) for what, number in told.items()}
    assert got["heard"] == got["all that was heard"] == times - got["merged"], got
    assert got["masked"] == 0
    return got["merged"]


@pytest.mark.quick
@pytest.mark.parametrize("guest", BUSY)
def test_of_ten_thousand_rings_none_is_lost(vtx: Vtx, guest: str) -> None:
    rung(vtx, guest, 5, 10_000, "free")
    # Who waits for each loses none at all.
    assert rung(vtx, guest, 11, 2_000 if FULL else 100, "wait") == 0


@pytest.mark.parametrize("guest", BUSY)
def test_of_rings_on_another_cpu_none_is_lost(vtx_smp: Vtx, guest: str) -> None:
    rung(vtx_smp, guest, 5, 10_000 if FULL else 2_000, "free")
    assert rung(vtx_smp, guest, 11, 10_000 if FULL else 100, "wait") == 0


@pytest.mark.quick
@pytest.mark.parametrize("line", LINES)
def test_a_level_is_heard_until_its_device_lets_go(vtx: Vtx, line: int) -> None:
    times, rounds = 3, 2_000 if FULL else 100
    source = f"""{GUEST}
        {LINES[line]}
        outd    0x4d0, 0x20
        outd    0x4d1, 0x08
        mov     word [hook], tell
        {BUSY["asleep"]}
    """
    guest = put_guest(vtx, source)
    told = vtx.ask("irqchip.c", "level", guest, str(line), str(rounds), str(times), timeout=600)
    assert told == {"heard": hex(rounds * times), "all that was heard": hex(rounds * times)}


# First, any commands to the controllers for ever; at 7C04h a fresh start.
CHAOS = f"""
        jmp     near wild
        nop
        jmp     near fresh
wild:   xor     ax, ax
        mov     ds, ax
        mov     ss, ax
        mov     sp, 0x7000
        xor     di, di
        mov     cx, 256
.table: mov     word [di], nobody
        mov     [di + 2], ax
        add     di, 4
        loop    .table
        mov     esi, 0x12345678
        out     0x80, al
.more:  cli
        imul    esi, esi, 1664525
        add     esi, 1013904223
        mov     eax, esi
        shr     eax, 13
        mov     bx, ax
        and     bx, 7
        shl     bx, 1
        mov     dx, [bx + ports]
        shr     eax, 8
        out     dx, al
        in      al, dx
        sti
        inc     dword [0x6040]
        jmp     .more
nobody: iret
ports:  dw      0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1, 0x21, 0x20
fresh:
{GUEST}
        outd    0x4d0, 0
        outd    0x4d1, 0
        pic     0, 0
        {BUSY["asleep"]}
"""


def chaos(vtx: Vtx, pulls: int) -> None:
    told = vtx.ask("irqchip.c", "chaos", put_guest(vtx, CHAOS), str(pulls), timeout=900)
    assert int(told["pulled"], 0) == 4 * pulls
    assert int(told["rounds"], 0) > 100
    assert told["heard after that"] == "0xf"


@pytest.mark.quick
def test_four_threads_pull_while_the_guest_gives_any_commands(vtx: Vtx) -> None:
    chaos(vtx, 200_000 if FULL else 5_000)


def test_four_threads_pull_on_two_cpus(vtx_smp: Vtx) -> None:
    chaos(vtx_smp, 200_000 if FULL else 2_000)


CLOSED = GUEST + LINES[5] + "\n" + BUSY["asleep"]


@pytest.mark.quick
def test_a_vcpu_is_closed_while_a_line_is_pulled(vtx: Vtx) -> None:
    times = 1_000 if FULL else 40
    told = vtx.ask("irqchip.c", "close", put_guest(vtx, CLOSED), str(times), timeout=300)
    assert told == {"closed": hex(times)}
    assert set(vtx.counters().values()) == {0}


def test_a_vcpu_is_closed_while_a_line_is_pulled_on_another_cpu(vtx_smp: Vtx) -> None:
    times = 1_000 if FULL else 40
    told = vtx_smp.ask("irqchip.c", "close", put_guest(vtx_smp, CLOSED), str(times), timeout=300)
    assert told == {"closed": hex(times)}


def test_a_guest_that_sleeps_is_woken_where_its_cpu_went_offline(vtx_smp: Vtx) -> None:
    vtx, run = vtx_smp, vtx_smp.machine.run
    guest = put_guest(vtx, CLOSED)
    job = vtx.machine.spawn(f"exec taskset 2 {vtx.helper('irqchip.c')} hold {guest}")
    thread = job.expect(r"thread (\d+)\n")[1].decode()
    online = "/sys/devices/system/cpu/cpu1/online"

    def ring() -> None:
        job.write(b"r")
        job.expect(b"heard")

    ring()
    for state in ("0", "1") * (20 if FULL else 2):
        run(f"echo {state} >{online}", check=True)
        ring()
        if state == "1":
            run(f"taskset -p 2 {thread}", check=True)
            ring()
    job.close_stdin()
    job.expect(b"over")
    assert job.wait().status == 0


# What VTXCTL may not do any more, and what it may as before


@pytest.mark.quick
def test_with_controllers_of_its_own_vtxdrv_asks_for_no_window(vtx: Vtx) -> None:
    guest = put_guest(vtx, f"{GUEST}pic 0xff, 0xff\n sti\n nop\n nop\n nop\n hlt")
    assert vtx.ask("irqchip.c", "window", guest) == {
        "it listens, and comes back with": "0x3",
        "can_inject": "0",
    }


# Ports: who answers

MIXED = f"""{GUEST}
        pic     0xdf, 0xff
        mov     dx, 0x20
        in      eax, dx
        out     0x80, eax
        mov     dx, 0x1f
        in      ax, dx
        out     0x80, ax
        mov     dx, 0x4ce
        mov     eax, 0xffffaabb
        out     dx, eax
        mov     dx, 0x4d0
        in      ax, dx                  ; all of it VTXDRV's
        out     0x80, ax
        mov     dx, 0x21
        mov     ax, 0x1155
        out     dx, ax
        in      al, 0x21
        out     0x80, al
        mov     di, 0x9000
        mov     dx, 0x21
        mov     cx, 2
        rep     insw
        mov     eax, [0x9000]
        out     0x80, eax
        rest
"""


@pytest.mark.quick
def test_of_a_value_each_byte_goes_to_its_own_device(vtx: Vtx) -> None:
    told = vtx.ask("irqchip.c", "bytes", put_guest(vtx, MIXED))
    assert list(told.items()) == [
        # What VTXDRV knows is there already; the rest is ones.
        ("1. IN 0x20, 4 bytes, 1 times", "0xffffdf00"),
        ("2. OUT 0x80, 4 bytes, 1 times", "0x3322df00"),
        ("3. IN 0x1f, 2 bytes, 1 times", "0xff"),
        ("4. OUT 0x80, 2 bytes, 1 times", "0x1f"),
        ("5. OUT 0x4ce, 4 bytes, 1 times", "0xffffaabb"),
        ("6. OUT 0x80, 2 bytes, 1 times", "0xdef8"),
        ("7. OUT 0x21, 2 bytes, 1 times", "0x1155"),
        ("8. OUT 0x80, 1 bytes, 1 times", "0x55"),
        ("9. IN 0x21, 2 bytes, 2 times", "0xff55ff55"),
        ("10. OUT 0x80, 4 bytes, 1 times", "0xff55ff55"),
        ("the end", "0x3"),
    ]


@pytest.mark.quick
def test_strings_to_and_from_the_controllers(vtx: Vtx) -> None:
    # The mask takes each byte; what is read is what the last one left.
    source = f"""{GUEST}
        pic     0xff, 0xff
        mov     si, list
        mov     dx, 0x21
        mov     cx, 5
        rep     outsb
        mov     di, 0x9000
        mov     cx, 5000
        rep     insb
        mov     dx, 0xa1
        std
        mov     cx, 2
        rep     insb
        mov     dx, 0x21
        mov     cx, 0
        rep     outsb                   ; nothing
        outsb                           ; the byte behind the list
        cld
        mov     al, 0x11
        stosb
        in      al, 0x21
        mov     [0x9000 + 5003], al
        mov     si, 0x9000
        mov     cx, 5004
        mov     dx, COM1
        rep     outsb
        rest
list:   db      1, 2, 3, 4, 0x55, 0x66
    """
    got = content(run_guest(vtx, source))
    assert got[:4998] == b"\x55" * 4998 and len(got) == 5004
    # Down from behind the last: the other mask, twice; STOSB; and what OUTSB left.
    assert got[4998:].hex(" ") == "11 ff ff 00 00 66"


@pytest.mark.quick
def test_a_port_with_nobody_behind_it_floats_high(vtx: Vtx) -> None:
    ports = (0x1F, 0x22, 0x9F, 0xA2, 0x300, 0x4CF, 0x4D2, 0xFFFF)
    source = (
        f"{GUEST} pic 0, 0\n mov bx, list\n"
        + f"""
        mov     cx, {len(ports)}
.more:  mov     dx, [bx]
        mov     al, 0x11
        out     dx, al
        in      al, dx
        mov     dx, COM1
        out     dx, al
        add     bx, 2
        loop    .more
        rest
list:   dw      {", ".join(map(hex, ports))}
    """
    )
    assert content(run_guest(vtx, source)) == b"\xff" * len(ports)


# Reads masks, levels and what is in service; spoils them all, and resets.
RESET = f"""{GUEST}
        mov     dx, COM1
%assign n 0
%rep    6
        push    dx
        mov     dx, [regs + 2 * n]
        in      al, dx
        pop     dx
        out     dx, al
%assign n n + 1
%endrep
        inc     byte [0x9000]
        cmp     byte [0x9000], 2
        je      .done
        pic     0xfe, 0x5a
        outd    0x4d0, 0x20
        outd    0x4d1, 0x08
        outb    0x20, 0x0b              ; read what is in service
        mov     word [hook], .keep
        timer   0, 100
        sti
        hlt
.keep:  outb    0x64, 0xfe
        jmp     $
.done:  rest
regs:   dw      0x21, 0x20, 0xa1, 0xa0, 0x4d0, 0x4d1
"""


@pytest.mark.quick
def test_a_reset_reaches_the_chips_in_vtxdrv(vtx: Vtx) -> None:
    assert content(run_guest(vtx, RESET)) == b"\xff\0\0\0\0\0" * 2


# To look on

ONE_TICK = f"""{GUEST}
        pic     0xfe, 0xff
        timer   0, 11932
        sti
        hlt
        rest
"""
EVENT = re.compile(r": vtx_(\w+): (.*)")


@pytest.mark.quick
def test_tracepoints_tell_of_one_tick_in_its_order(vtx: Vtx, tracing: str) -> None:
    run = vtx.machine.run
    run(f"echo >{tracing}/trace && echo 1 >{tracing}/events/vtx/enable", check=True)
    content(run_guest(vtx, ONE_TICK))
    run(f"echo 0 >{tracing}/events/vtx/enable", check=True)
    events = EVENT.findall(run(f"cat {tracing}/trace", check=True).text)
    # The devices let go of their lines, before there is a guest to hear of it.
    while events[0][0] == "irq_line":
        assert re.fullmatch(r"gsi \d level 0 before: masked", events.pop(0)[1])
    # In and out by turns, from the first instruction to the last.
    turns = [name for name, _ in events if name in ("entry", "exit")]
    assert turns == ["entry", "exit"] * (len(turns) // 2) and len(turns) > 20
    assert events[0] == ("entry", "rip 0xfff0 event 0x0")
    assert events[-1][1].startswith("reason HLT ")
    # The guest halts; its tick is pulled, sent, and goes in.
    at = next(n for n, (_, text) in enumerate(events) if text.startswith("reason HLT"))
    pulled = [text for name, text in events[at:] if name == "irq_line"]
    assert pulled == ["gsi 0 level 0 before: taken", "gsi 0 level 1 before: taken"]
    names = [name for name, _ in events[at:]]
    assert names[:5] == ["exit", "irq_line", "irq_line", "inject", "entry"]
    assert events[at + 3] == ("inject", "vector 0x20")
    assert re.fullmatch(r"rip 0x\w+ event 0x80000020", events[at + 4][1])


# Debian's trace-cmd, with all that it needs.
TRACE_CMD = ("trace-cmd", "libtracecmd1", "libtracefs1", "libtraceevent1", "libzstd1", "libc6")


@pytest.mark.skipif(not FULL, reason="trace-cmd is tried in `make test-all`")
def test_trace_cmd_of_debian_knows_our_events(vtx: Vtx, tracing: str) -> None:
    try:
        folders = [fetch(package) for package in TRACE_CMD]
    except NotHere as reason:
        pytest.skip(str(reason))
    vtx.put(
        {
            f"/trace-cmd/{path.name}": path.resolve()
            for folder in folders
            for path in [*folder.glob("usr/bin/trace-cmd"), *folder.glob("**/*.so.*")]
            # A link that is absolute leads to a file of this computer's.
            if path.is_file() and folder in path.resolve().parents
        }
    )
    trace_cmd = "/trace-cmd/ld-linux-x86-64.so.2 --library-path /trace-cmd /trace-cmd/trace-cmd"
    guest = put_guest(vtx, ONE_TICK)
    run = vtx.machine.run
    record = f"{trace_cmd} record -q -e vtx -o /tmp/trace.dat ./vtxctl --mem 1M {guest}"
    run(f"cd {vtx.dir} && {record}", timeout=300, check=True)
    told = run(f"{trace_cmd} report -i /tmp/trace.dat", timeout=120, check=True).text
    run("rm /tmp/trace.dat", check=True)
    # It reads the formats from the kernel, and does the printing itself.
    assert re.search(r"vtx_entry: +rip 0xfff0 event 0\n", told), told[:2000]
    assert re.search(r"vtx_exit: +reason HLT qualification ", told)
    assert re.search(r"vtx_inject: +vector 0x20\n", told)
    assert re.search(r"vtx_irq_line: +gsi 0 level 1 before: taken\n", told)
