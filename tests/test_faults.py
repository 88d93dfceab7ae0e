# SPDX-License-Identifier: GPL-2.0-only
"""Bad input and faults: each gets its documented error, and nothing is left behind.

That nothing complains in the kernel's log, and that no page stays pinned, is checked by
the harness after each of these tests.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

import pytest

from harness.guest import assemble
from harness.machine import DEBUG_STEPS
from harness.paths import KERNEL
from harness.stage import Stage
from harness.vtx import Vtx


# The comment before a request documents its errors, if it has any of its own.
REQUESTS = re.compile(r"(/\*(?:[^*]|\*(?!/))*\*/\n)?((?:#define VTX_\w+ _IO\w*\(.*\)\n)+)")
ERRORS = re.compile(r"^/?[\s*]*((?:E[A-Z]+, )*E[A-Z]+):", re.MULTILINE)

# Documented, and seen by another test than the one that does everything wrong.
SEEN_ELSEWHERE = {
    ("VTX_CREATE_VCPU", "EAGAIN"): "test_where_vmx_is_off_a_vcpu_says_try_again",
    ("VTX_PROBE_ENTRY", "EAGAIN"): "test_where_vmx_is_off_a_vcpu_says_try_again",
    ("VTX_RUN", "EAGAIN"): "test_where_vmx_is_off_a_vcpu_says_try_again",
    ("VTX_GET_SREGS", "EAGAIN"): "test_where_vmx_is_off_a_vcpu_says_try_again",
    ("VTX_SET_SREGS", "EAGAIN"): "test_where_vmx_is_off_a_vcpu_says_try_again",
    ("VTX_CREATE_VCPU", "ENOMEM"): "test_whatever_the_host_has_no_memory_for_is_refused",
    ("VTX_CREATE_UART", "ENOMEM"): "test_whatever_the_host_has_no_memory_for_is_refused",
}
# Documented, and nobody can see it here.
NOT_TO_BE_SEEN = {
    ("VTX_MAP_MEMORY", "EINTR"): "its caller is dead by then",
    ("VTX_PROBE_ENTRY", "EIO"): "no CPU forgets what VMWRITE wrote",
}


def everything_wrong(vtx: Vtx) -> dict[str, str]:
    return vtx.ask("fault_errno.c")


@pytest.mark.promised(since="02")
def test_each_mistake_gets_its_own_error(vtx: Vtx) -> None:
    answers = everything_wrong(vtx)
    wrong = {what: answer for what, answer in answers.items() if len(set(answer.split())) != 1}
    assert len(answers) > 50
    assert not wrong, "(expected, got)"


@pytest.mark.promised(since="02")
def test_every_documented_error_is_seen_in_a_test(vtx: Vtx, stage: Stage) -> None:
    seen = defaultdict(set)
    for what, answer in everything_wrong(vtx).items():
        seen[what.partition(",")[0]].add(answer.split()[1])
    documented = documented_errors(stage)
    missing = {
        (request, error)
        for request, errors in documented.items()
        for error in errors - seen[request]
    }
    assert documented.keys() >= {"VTX_GET_CAPS", "VTX_MAP_MEMORY", "VTX_TRANSLATE"}
    assert documented["VTX_TRANSLATE"] == {"EFAULT", "EIO", "ERANGE"}
    assert missing <= SEEN_ELSEWHERE.keys() | NOT_TO_BE_SEEN.keys()
    assert {test for test in SEEN_ELSEWHERE.values()} <= globals().keys()
    assert "ENOTTY" in seen["of the VM"]
    if "VTX_CREATE_VCPU" in documented:
        assert "ENOTTY" in seen["of the vCPU"]
        assert "EBUSY" in seen["VTX_PROBE_ENTRY"]
        assert "ENXIO" in seen["VTX_RUN"] or "VTX_RUN" not in documented


def documented_errors(stage: Stage) -> dict[str, set[str]]:
    """Which errors vtx.h promises, by request."""
    text = (stage.folder / "include/vtx.h").read_text()
    found = {}
    for comment, defines in REQUESTS.findall(text):
        errors = {e for group in ERRORS.findall(comment) for e in group.split(", ")}
        for request, direction in re.findall(r"#define (VTX_\w+) _IO(\w*)", defines):
            found[request] = errors | {"EIO"} | ({"EFAULT"} if direction else set())
    return found


@pytest.mark.promised(since="02")
def test_a_vm_lives_until_its_last_holder_lets_go(vtx: Vtx) -> None:
    answers = vtx.ask("fault_lifetime.c")
    assert len(answers) >= 12
    assert {what: answer for what, answer in answers.items() if answer != "ok"} == {}


@pytest.fixture
def cgroup(vtx: Vtx) -> Iterator[str]:
    """A folder that limits the memory of those whose number is written into it."""
    run = vtx.machine.run
    run("mkdir /cgroup && mount -t cgroup -o memory none /cgroup && mkdir /cgroup/few", check=True)
    yield "/cgroup/few"
    if not vtx.machine.broken:
        run("rmdir /cgroup/few && umount /cgroup && rmdir /cgroup", check=True)


@pytest.mark.promised(since="02")
def test_whatever_the_host_has_no_memory_for_is_refused(
    vtx: Vtx, stage: Stage, cgroup: str
) -> None:
    refused = vtx.ask("fault_memory.c", cgroup)
    assert refused["end"] == "ok"
    assert int(refused["VTX_MAP_MEMORY"]) and int(refused["VTX_MAP_MEMORY far up"])
    if stage.number >= "03":
        assert int(refused["VTX_CREATE_VCPU"])
    if stage.number >= "14":
        assert int(refused["VTX_CREATE_UART"])


@pytest.mark.promised(since="03")
def test_where_vmx_is_off_a_vcpu_says_try_again(vtx: Vtx, stage: Stage) -> None:
    """As on a CPU that is just going offline: here a reboot has begun, and never ends."""
    answers = vtx.ask("fault_vmx_off.c", vtx.module("fault_reboot"))
    vtx.machine.run("rmmod fault_reboot", check=True)
    assert answers == {
        "CPUs with VMX on": "0",
        "VTX_CREATE_VCPU": "EAGAIN" if stage.number >= "04" else "ok",
        "VTX_PROBE_ENTRY": "EAGAIN",
        "VTX_MAP_MEMORY": "ok",
        **({"VTX_RUN": "EAGAIN"} if stage.number >= "04" else {}),
        **(
            {f"VTX_{what}_SREGS": "EAGAIN" for what in ("GET", "SET")}
            if stage.number >= "07"
            else {}
        ),
    }


def kill_often(vtx: Vtx, guest: str, seed: int, times: int) -> None:
    """Within 20 ms, longer where each step takes longer: on its way into the guest, and in it."""
    within = 20_000 * (DEBUG_STEPS if KERNEL else 1)
    helper = f"{vtx.helper('fault_kill.c')} {seed} {times} {within}"
    killed = vtx.machine.run(f"cd {vtx.dir} && {helper} ./vtxctl --mem 64K {guest}", check=True)
    used = re.search(r"with all its memory: (\w+)", killed.text)[1]
    # Some before its memory was there, some after.
    assert 0 < int(used, 0) < times


@pytest.mark.promised(since="02", until="03")
def test_killed_at_any_moment_it_leaves_nothing(vtx: Vtx, long: bool) -> None:
    kill_often(vtx, "nanox.bin", seed=2, times=400 if long else 50)


ENDLESS = {
    "interrupts-off": "cli\n jmp $",
    "interrupts-on": "sti\n jmp $",
    "always-an-exit": "again: mov al, 'x'\n mov dx, COM1\n out dx, al\n jmp again",
}


@pytest.mark.promised(since="04")
@pytest.mark.parametrize("guest", ENDLESS)
def test_a_guest_killed_at_any_moment_leaves_nothing(vtx: Vtx, guest: str, long: bool) -> None:
    vtx.put({"guest.bin": assemble(ENDLESS[guest])})
    before = host(vtx)
    kill_often(vtx, "guest.bin", seed=3, times=400 if long else 50)
    assert host(vtx) == before


def host(vtx: Vtx) -> dict[str, int]:
    """What no guest may change. FS base belongs to whoever reads, and is new each time."""
    state = vtx.machine.hoststate()
    return {name: value for name, value in state.items() if not name.endswith(" fs_base")}


ALPHABET = """
again:  mov     al, 'a'
next:   mov     dx, COM1
        out     dx, al
        mov     cx, 2000
        loop    $
        inc     al
        cmp     al, 'z'
        jbe     next
        jmp     again
"""


@pytest.mark.promised(since="04")
def test_a_guest_goes_on_when_its_cpu_goes_offline(vtx_smp: Vtx) -> None:
    vtx, run = vtx_smp, vtx_smp.machine.run
    vtx.put({"guest.bin": assemble(ALPHABET)})
    job = vtx.machine.spawn(f"cd {vtx.dir} && exec taskset 2 ./vtxctl --mem 1M guest.bin")
    online = "/sys/devices/system/cpu/cpu1/online"
    job.expect("z.*z")
    run(f"echo 0 >{online}", check=True)
    job.expect("z.*z")
    run(f"echo 1 >{online}", check=True)
    run("taskset -ap 2 $(pidof vtxctl)", check=True)
    job.expect("z.*z")
    job.signal(9)
    said = job.wait().stdout.decode()
    alphabet = "abcdefghijklmnopqrstuvwxyz"
    assert said == (alphabet * (len(said) // 26 + 1))[: len(said)]
