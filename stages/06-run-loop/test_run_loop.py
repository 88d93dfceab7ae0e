# SPDX-License-Identifier: GPL-2.0-only
"""The loop: what a guest gets answered in the kernel, and that the host can always have its CPU."""

from __future__ import annotations

import re
import signal
import struct

import pytest

from harness.effort import FULL
from harness.guest import put_guest, run_guest
from harness.vtx import Vtx


CPU1 = "/sys/devices/system/cpu/cpu1/online"

# It counts in EBX and in memory, with an exit that VTXDRV answers in each round.
COUNTING = """
        xor     esi, esi
        mov     ebx, esi
.count: inc     ebx
        inc     dword [0x1000]
        cmp     ebx, [0x1000]
        jne     .wrong
        mov     ebp, ebx
        xor     eax, eax
        cpuid
        mov     ebx, ebp
        jmp     .count
.wrong: print   '!'
        rest
"""


def dwords(data: bytes) -> list[int]:
    return list(struct.unpack(f"<{len(data) // 4}I", data))


# CPUID


def cpuid(vtx: Vtx, leaves: list[int]) -> dict[int, list[int]]:
    """What a guest is told: EAX, EBX, ECX and EDX for each leaf."""
    source = "jmp begin\n"
    source += "send: mov di, 4\n.next: out dx, al\n shr eax, 8\n dec di\n jnz .next\n ret\nbegin:\n"
    for leaf in leaves:
        source += f"mov eax, {leaf:#x}\n xor ecx, ecx\n cpuid\n mov esi, edx\n mov dx, COM1\n"
        source += "".join(f"mov eax, {reg}\n call send\n" for reg in ("eax", "ebx", "ecx", "esi"))
    result = run_guest(vtx, source + "rest")
    assert (result.status, result.stderr) == (0, b"")
    got = dwords(result.stdout)
    return {leaf: got[4 * i : 4 * i + 4] for i, leaf in enumerate(leaves)}


@pytest.mark.quick
@pytest.mark.promised(until="15")
def test_a_guest_learns_which_cpu_it_has_and_that_it_is_a_guest(vtx: Vtx) -> None:
    names = [0x80000002, 0x80000003, 0x80000004]
    unknown = [2, 4, 7, 0xD, 0x16, 0x40000000, 0x7FFFFFFF, 0x80000005, 0x80000008, 0xFFFFFFFF]
    told = cpuid(vtx, [0, 1, 0x80000000, 0x80000001, *names, *unknown])
    info = dict(
        re.findall(r"(?m)^(\S[^\t:]*)\t*: (.*)$", vtx.machine.run("cat /proc/cpuinfo").text)
    )

    last, b, c, d = told[0]
    assert (last, struct.pack("<III", b, d, c).decode()) == (1, info["vendor_id"])
    name = b"".join(struct.pack("<IIII", *told[leaf]) for leaf in names)
    assert name.rstrip(b"\0").decode().split() == info["model name"].split()

    signature, ebx, ecx, edx = told[1]
    family, model = signature >> 8 & 15, signature >> 4 & 15 | signature >> 12 & 0xF0
    assert (str(family), str(model)) == (info["cpu family"], info["model"])
    assert str(signature & 15) == info["stepping"]
    assert ebx >> 24 == 0, "the number of a local APIC"
    have = {"hypervisor": ecx >> 31 & 1, "TSC": edx >> 4 & 1, "CMOV": edx >> 15 & 1}
    assert all(have.values()), have
    not_there = {"VMX": ecx >> 5, "x2APIC": ecx >> 21, "XSAVE": ecx >> 26, "MONITOR": ecx >> 3}
    not_there |= {"FPU": edx, "APIC": edx >> 9, "MTRR": edx >> 12, "SSE": edx >> 25}
    assert not [feature for feature, bits in not_there.items() if bits & 1]

    assert told[0x80000000][0] == 0x80000004
    assert told[0x80000001][2:] == [0, 0], "long mode, and more"
    assert all(told[leaf] == [0, 0, 0, 0] for leaf in unknown)


@pytest.mark.promised(without=("07", "08"))  # there every exception ends the guest
def test_cpuid_is_one_instruction_to_a_guest_that_steps(vtx: Vtx) -> None:
    result = run_guest(
        vtx,
        """
        handle  1, trap
        xor     ebp, ebp
        pushf
        or      word [esp], 1 << 8      ; TF
        popf
        xor     eax, eax                ; 1
        cpuid                           ; 2
        nop                             ; 3
        pushf                           ; 4
        and     word [esp], ~(1 << 8)   ; 5
        popf                            ; 6
        mov     ax, bp
        out     EXIT_PORT, al
trap:   inc     bp
        iret
        """,
    )
    assert result.status == 6 << 1 | 1


# Races


@pytest.mark.quick
@pytest.mark.promised(until="06")
def test_nanox_times_both_ways_and_the_short_one_is_shorter(vtx: Vtx) -> None:
    result = vtx.run("nanox.bin", stdin=b"race\nrace\nbye\n")
    assert result.status == 0
    rounds = re.findall(
        rb"To VTXCTL and back: (\d+) ticks\. To VTXDRV and back: (\d+) ticks\. "
        rb"That is (\d+) to one\.",
        result.stdout,
    )
    assert len(rounds) == 2
    for user, kernel, ratio in ([int(number) for number in found] for found in rounds):
        # Each tick is an instruction here. A trip through the kernel has some.
        assert kernel > 50
        assert ratio == user // kernel >= 3


# The host can always have its CPU

LOOPS = {
    "jmp": "jmp $",
    "cpuid": ".l: xor eax, eax\n cpuid\n jmp .l",
    "out": ".l: out 0x80, al\n jmp .l",
}


@pytest.mark.promised
@pytest.mark.parametrize("loop", LOOPS)
def test_an_endless_loop_ends_within_five_million_instructions(vtx: Vtx, loop: str) -> None:
    for interrupts in ("sti", "cli"):
        guest = put_guest(vtx, f"{interrupts}\n print 'R'\n {LOOPS[loop]}")
        command = [f"{vtx.dir}/vtxctl", "--mem", "1M", guest]
        for how, status in (("kill", 128 + signal.SIGKILL), ("leave", 8)):
            said = vtx.ask("loop_end.c", how, *command)
            assert int(said["status"], 16) == status, (interrupts, how)
            limit = vtx.machine.ticks(instructions=5_000_000)
            assert int(said["ticks"], 16) < limit, (interrupts, how)
    assert not any(vtx.counters().values())


@pytest.mark.promised
def test_a_thousand_alarms_a_second_cost_a_guest_nothing_but_time(vtx: Vtx) -> None:
    rounds = 400_000
    guest = put_guest(
        vtx,
        f"""
        mov     ecx, {rounds}
        xor     ebx, ebx
        xor     esi, esi
.next:  add     ebx, ecx
        mov     [0x1000], ebx
        rol     ebx, 5
        xor     ebx, [0x1000]
        test    cl, cl
        jnz     .on
        push    ebx                     ; now and then, an exit for VTXDRV
        push    ecx
        xor     eax, eax
        cpuid
        add     esi, edx
        pop     ecx
        pop     ebx
.on:    dec     ecx
        jnz     .next
        add     ebx, esi
        mov     edi, 4
        mov     dx, COM1
.send:  mov     al, bl
        out     dx, al
        shr     ebx, 8
        dec     edi
        jnz     .send
        rest
        """,
    )
    helper = vtx.helper("run_alarm.c")
    quiet, loud = (vtx.machine.run(f"{helper} {guest} {us}", check=True) for us in (0, 1000))
    assert len(quiet.stdout) == 4 and loud.stdout == quiet.stdout
    assert int(quiet.stderr) == 0
    # Some 4 million instructions, of 50 million a second, and an alarm is due each 50,000.
    assert int(loud.stderr) >= 20


# More than one


@pytest.mark.quick
@pytest.mark.promised
def test_vms_that_take_turns_on_one_cpu_do_not_mistake_each_other(vtx: Vtx) -> None:
    guest = put_guest(
        vtx,
        """
        mov     dx, 0x510
        in      eax, dx
.next:  out     dx, eax
        mov     esi, eax
        xor     eax, eax
        cpuid
        mov     dx, 0x510
        lea     eax, [esi + 1]
        jmp     .next
        """,
    )
    assert vtx.ask("loop_two.c", guest, "1", "3000") == {"none mistook another": "ok"}


def test_a_vcpu_is_moved_between_two_cpus_again_and_again(vtx_smp: Vtx) -> None:
    guest = put_guest(vtx_smp, COUNTING)
    times = 1000 if FULL else 50
    said = vtx_smp.ask("loop_smp.c", guest, "swap", str(times), timeout=500)
    assert said == {"moved": hex(times)}


def test_a_vcpu_is_closed_on_another_cpu_than_it_ran_on(vtx_smp: Vtx) -> None:
    guest = put_guest(vtx_smp, COUNTING)
    assert vtx_smp.ask("loop_smp.c", guest, "close", "5", timeout=180) == {"closed": "0x5"}


def test_a_cpu_may_go_while_a_guest_runs_on_it_and_come_back(vtx_smp: Vtx) -> None:
    machine = vtx_smp.machine
    guest = put_guest(vtx_smp, COUNTING)
    job = machine.spawn(f"exec {vtx_smp.helper('loop_smp.c')} {guest} hold")
    job.expect(b"running\n", timeout=120)
    for _ in range(2):
        machine.run(f"echo 0 >{CPU1}", check=True, timeout=120)
        job.write(b"?")
        job.expect(b"counts\n", timeout=120)
        machine.run(f"echo 1 >{CPU1}", check=True, timeout=120)
        job.write(b"1")
        job.expect(b"counts\n", timeout=120)
    job.close_stdin()
    assert job.wait(timeout=120).status == 0


def test_a_guest_lives_through_suspend(vtx: Vtx) -> None:
    machine = vtx.machine
    job = machine.spawn(f"exec {vtx.helper('loop_smp.c')} {put_guest(vtx, COUNTING)} wait")
    job.expect(b"running\n")
    assert vtx.ask("probe_suspend.c", timeout=180) == {"image taken": "0x1"}
    job.write(b"?")
    job.expect(b"counts\n", timeout=60)
    job.close_stdin()
    assert job.wait().status == 0
