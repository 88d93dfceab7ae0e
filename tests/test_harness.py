# SPDX-License-Identifier: GPL-2.0-only
"""The test machine itself: nothing is lost, nothing is left, every failure is told."""

from __future__ import annotations

import os
import random
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness import bochs, emulator
from harness.engine import EngineError, Kind, Vary
from harness.link import OUTPUT_WINDOW
from harness.machine import Machine, MachineError, pick_engine
from harness.paths import BUILD, ROOT

RANDOM = random.Random(1)
BYTES_64K = RANDOM.randbytes(1 << 16)
BYTES_1M = RANDOM.randbytes(1 << 20)


# Commands and their bytes


def test_64_kilobytes_pass_each_way(l1):
    assert l1.run("cat", stdin=BYTES_64K).stdout == BYTES_64K


def test_short_input_passes_in_pieces_of_every_length(l1):
    job = l1.spawn("cat")
    pieces = [RANDOM.randbytes(length) for length in range(1, 80)]
    for piece in pieces:
        job.write(piece)
    job.close_stdin()
    assert job.wait().stdout == b"".join(pieces)


def test_output_and_errors_stay_apart(l1):
    result = l1.run("echo out; echo err >&2")
    assert (result.stdout, result.stderr) == (b"out\n", b"err\n")


def test_input_waits_for_a_late_reader(l1):
    l1.run("mkfifo /tmp/gate", check=True)
    late = l1.spawn("cat /tmp/gate >/dev/null; cat")
    late.write(BYTES_64K)
    late.close_stdin()
    l1.run("echo >/tmp/gate; rm /tmp/gate", check=True)
    assert late.wait().stdout == BYTES_64K


def test_output_waits_for_a_slow_reader(l1):
    l1.put({"/tmp/long": BYTES_1M})
    slow = l1.spawn("cat /tmp/long", stream=True)
    state = slow._state
    with l1.link.changed:
        l1.link.wait_for(lambda: len(state.output) == OUTPUT_WINDOW, 60)
    # It has stopped there, and does not stand in others' way.
    assert l1.run("echo here").text == "here\n"
    assert len(state.output) == OUTPUT_WINDOW
    got, status = b"", None
    while status is None:
        output, _, status = slow.take(60)
        got += output
    assert got == BYTES_1M


@pytest.mark.parametrize(
    "command, status",
    [("true", 0), ("exit 3", 3), ("exit 255", 255), ("kill -9 $$", 137), ("no-such-program", 127)],
)
def test_exit_status(l1, command, status):
    assert l1.run(command).status == status


def test_status_comes_after_the_last_byte(l1):
    for _ in range(10):
        assert len(l1.run("head -c 10000 /dev/zero; exit 7").stdout) == 10000


def test_children_that_live_on_do_not_hold_the_status(l1):
    l1.run("mkfifo /tmp/never", check=True)
    child = l1.run("cat /tmp/never & echo $!").text
    l1.run(f"kill {child}", check=True)


def test_many_jobs_at_once(l1):
    jobs = [l1.spawn(f"read line; echo {n} $line; exit {n}") for n in range(30)]
    for number, job in reversed(list(enumerate(jobs))):
        job.write(b"told %d\n" % number)
    for number, job in enumerate(jobs):
        result = job.wait()
        assert (result.status, result.text) == (number, f"{number} told {number}\n")


def test_signal_reaches_a_job_and_its_children(l1):
    job = l1.spawn("echo ready; cat")
    job.expect(b"ready")
    job.signal(signal.SIGTERM)
    assert job.wait().status == 128 + signal.SIGTERM


def test_terminal_of_a_job(l1):
    job = l1.spawn("tty; stty size; cat", tty=(30, 100))
    job.expect(r"/dev/pts/\d+\r\n30 100\r\n")
    job.resize(11, 22)
    job.write(b"typed\n")
    job.expect(b"typed\r\ntyped\r\n")
    job.close_stdin()
    assert job.wait().status == 0
    assert l1.spawn("stty size", tty=True).wait().stdout == b"24 80\r\n"


def test_ctrl_c_on_the_terminal_of_a_job(l1):
    job = l1.spawn("echo ready; cat", tty=True)
    job.expect(b"ready")
    job.write(b"\x03")
    assert job.wait().status == 128 + signal.SIGINT


# Files


def test_file_in_and_out(l1):
    l1.put({"/tmp/new/folder/file": BYTES_1M, "/tmp/empty": b""})
    assert l1.get("/tmp/new/folder/file") == BYTES_1M
    assert l1.get("/tmp/empty") == b""


def test_put_keeps_mode_and_replaces_what_runs(l1, tmp_path):
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\necho one; cat\n")
    program.chmod(0o755)
    l1.put({"/tmp/program": program})
    job = l1.spawn("/tmp/program")
    job.expect(b"one")
    l1.put({"/tmp/program": b"two"})
    assert l1.run("ls -l /tmp/program").text.startswith("-rw-r--r--")
    job.close_stdin()
    assert job.wait().status == 0


def test_sparse_file_of_64_megabytes(l1, tmp_path):
    image = tmp_path / "image"
    with open(image, "wb") as file:
        file.truncate(64 << 20)
        file.seek(40_000_000)
        file.write(b"in the middle")
    l1.put({"/tmp/image": image})
    assert l1.run("stat -c %s /tmp/image").text == f"{64 << 20}\n"
    found = l1.run("dd if=/tmp/image bs=1 skip=39999999 count=15 2>/dev/null").stdout
    assert found == b"\0in the middle\0"
    # It takes no more memory than what is in it; a guest of 64 MB fits beside it.
    assert int(l1.run("du -k /tmp/image").text.split()[0]) <= 16
    l1.run("rm /tmp/image", check=True)


# Failures


def test_hang_ends_by_its_limit_and_tells_all(l1_fresh):
    machine = l1_fresh(check=False)
    machine.run("echo the kernel said this >/dev/kmsg", check=True)
    job = machine.spawn("echo the job said this; cat")
    with pytest.raises(MachineError) as caught:
        job.wait(timeout=2)
    text = str(caught.value)
    assert "did not end within 2 seconds" in text
    assert "the job said this" in text
    assert "the kernel said this" in text
    assert "end of bochs's log" in text
    assert "run it again: /usr/bin/python3 -m pytest" in text
    assert machine.broken


def test_endless_loop_ends_by_its_instructions(l1_fresh):
    machine = l1_fresh(check=False)
    with pytest.raises(MachineError, match="more than 50000000 instructions"):
        machine.run("while :; do :; done", instructions=50_000_000)


def test_job_that_ends_without_the_expected_text(l1_fresh):
    machine = l1_fresh(check=False)
    with pytest.raises(MachineError, match="ended without printing"):
        machine.spawn("echo something else").expect(b"this")


@pytest.mark.parametrize(
    "line",
    [
        "WARNING: CPU: 0 PID: 1 at somewhere",
        "BUG: unable to handle page fault",
        "general protection fault: 0000 [#1] PREEMPT SMP",
        "WARNING: possible circular locking dependency detected",
        "UBSAN: shift-out-of-bounds in vtxdrv/memory.c:1:2",
        "kmemleak: 1 new suspected memory leaks (see /sys/kernel/debug/kmemleak)",
    ],
)
def test_check_finds_trouble_in_the_kernel_log(l1_fresh, line):
    machine = l1_fresh(check=False)
    assert machine.check() == []
    machine.run(f"echo '<4>{line}' >/dev/kmsg", check=True)
    problems = machine.check()
    assert len(problems) == 1 and line in problems[0]


def test_panic_is_noticed_at_once(l1_fresh):
    machine = l1_fresh(check=False)
    with pytest.raises(MachineError, match="its kernel panicked") as caught:
        machine.run("echo c >/proc/sysrq-trigger")
    assert "Kernel panic - not syncing: sysrq triggered crash" in str(caught.value)


def test_engine_that_ends_is_noticed_at_once(l1_fresh):
    machine = l1_fresh(check=False)
    job = machine.spawn("cat")
    machine._engine._process.kill()
    with pytest.raises(MachineError, match="the engine has ended"):
        job.wait()


def test_missing_engine_says_what_is_missing(monkeypatch):
    monkeypatch.setattr(bochs, "BOCHS", Path("/nowhere/bochs"))
    monkeypatch.setattr(bochs, "BIOS", Path("/nowhere/bios"))
    with pytest.raises(EngineError, match="bochs and bochsbios not installed: run `make setup`"):
        pick_engine("bochs")


def test_unknown_engine_says_which_there_are(monkeypatch):
    monkeypatch.setenv("ENGINE", "steam")
    with pytest.raises(EngineError, match="no engine 'steam': choose from qemu, bochs"):
        pick_engine(None)


# Machines of all kinds


def test_two_machines_side_by_side(l1, l1_fresh):
    other = l1_fresh()
    l1.run("echo mine >/tmp/which", check=True)
    other.run("echo other >/tmp/which", check=True)
    assert l1.get("/tmp/which") == b"mine\n"
    assert other.get("/tmp/which") == b"other\n"


def test_two_cpus(l1_smp):
    assert l1_smp.run("nproc").text == "2\n"
    assert {name.split()[0] for name in l1_smp.hoststate()} == {"cpu0", "cpu1"}


def test_a_second_is_a_second_for_people(l1_fresh):
    def uptime() -> float:
        return float(machine.get("/proc/uptime").split()[0])

    machine = l1_fresh(Kind.PEOPLE)
    # It starts up to two seconds ahead of our clock, and waits until ours is there.
    machine.run("sleep 4", check=True)
    before, slept = time.monotonic(), uptime()
    machine.run("sleep 3", check=True)
    slept, passed = uptime() - slept, time.monotonic() - before
    # A busy computer may keep it behind, but its clock does not run ahead of ours.
    assert 3 <= slept < passed + 0.5


@pytest.mark.parametrize(
    "vary, vmx, feature_control",
    [
        (Vary.NOTHING, True, 5),
        (Vary.NO_VMX, False, None),
        (Vary.LOCKED, True, 1),
        (Vary.UNLOCKED, True, 0),
    ],
)
def test_machines_that_must_refuse_vmx(l1_fresh, vary, vmx, feature_control):
    machine = l1_fresh(vary=vary)
    assert (machine.run("grep -qw vmx /proc/cpuinfo").status == 0) == vmx
    if feature_control is not None:
        assert machine.hoststate()["cpu0 feature_control"] == feature_control


@pytest.mark.full
def test_plain_boot_where_saving_is_not_possible(l1_fresh, monkeypatch):
    monkeypatch.setattr(bochs, "saved_state", lambda *arguments: None)
    machine = l1_fresh()
    assert machine.run("echo up").text == "up\n"


def test_kvm_as_a_neighbour(l1_fresh):
    machine = l1_fresh()
    machine.load_kvm()
    assert machine.run("test -c /dev/kvm").status == 0


# Nothing is left, nobody can reach in


def bochs_of(machine: Machine) -> int:
    return machine._engine._process.pid


def test_stopped_machine_leaves_nothing(l1_fresh):
    machine = l1_fresh(check=False)
    pid, folder = bochs_of(machine), machine._engine._folder
    machine.stop()
    assert not Path(f"/proc/{pid}").exists()
    assert not folder.exists()


def test_no_port_listens_and_priority_is_low(l1):
    process = Path(f"/proc/{bochs_of(l1)}")
    assert not [fd for fd in process.glob("fd/*") if os.readlink(fd).startswith("socket:")]
    assert os.getpriority(os.PRIO_PROCESS, bochs_of(l1)) >= 10


def test_paused_machine_uses_no_cpu(l1):
    l1.pause()
    # What is paused takes a moment to stop: wait for the kernel to say that it has.
    os.waitid(os.P_PID, bochs_of(l1), os.WSTOPPED | os.WNOWAIT)
    l1.resume()
    assert l1.run("echo awake").text == "awake\n"


START_AND_TELL = """
from harness.machine import Machine
machine = Machine.start()
print(machine._engine._process.pid, machine._engine._folder, flush=True)
machine.spawn("cat").wait(None)
"""


def test_killed_harness_leaves_no_engine():
    command = [sys.executable, "-c", START_AND_TELL]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as harness:
        pid, folder = harness.stdout.readline().split()
        engine = os.pidfd_open(int(pid))
        harness.kill()
    assert select.select([engine], [], [], 30)[0], "bochs lives on"
    os.close(engine)
    # Its folder is taken away by the next that starts.
    with emulator.private_folder():
        assert not Path(folder).exists()


# The pytest plugin

BAD_TESTS = """
import pytest

def test_failed(l1):
    l1.run("touch /tmp/left-behind; echo '<6>kernel words' >/dev/kmsg")
    assert l1.run("echo shown to you").text == "something else"

def test_next_has_a_fresh_machine(l1):
    assert l1.run("test -e /tmp/left-behind").status == 1

def test_leaves_trouble(l1):
    l1.run("echo '<4>BUG: made up' >/dev/kmsg")

def test_after_trouble(l1):
    assert "made up" not in l1.kernel_log()
"""


def test_failed_test_shows_logs_and_gets_a_fresh_machine():
    folder = BUILD / "tests"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"test_bad_{os.getpid()}.py"
    path.write_text(BAD_TESTS)
    command = ["/usr/bin/python3", "-m", "pytest", str(path)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    path.unlink()
    said = ended.stdout
    assert re.search(r"1 failed, 3 passed, 1 error", said), said
    assert "shown to you" in said and "kernel words" in said
    assert "after the test, in the test machine:" in said and "BUG: made up" in said
    assert f"/usr/bin/python3 -m pytest build/tests/{path.name}::test_failed" in said
