# SPDX-License-Identifier: GPL-2.0-only
"""What `virtx run` does with pipes, terminals and signals, shown with programs of busybox."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import termios
import time

import pexpect
import pytest

from harness.paths import ROOT
from harness.stage import Stage

RUN = """
import os
import sys
from pathlib import Path
from harness.session import run_stage
from harness.stage import Stage
stage = Stage.all()[0]
if "VTXCTL" in os.environ:
    files = Stage.files
    Stage.files = lambda stage: files(stage) | {"/stage/vtxctl": Path(os.environ["VTXCTL"])}
sys.exit(run_stage(stage, argv=sys.argv[3:], timeout=float(sys.argv[1]) or None,
                   guest=Path(sys.argv[2]) if sys.argv[2] else None))
"""
ALL_BYTES = bytes(range(256)) * 64


@pytest.fixture(autouse=True, scope="module")
def built():
    Stage.all()[0].build()


def command(*argv: str, timeout: float = 0, guest: str = "") -> list[str]:
    return [sys.executable, "-c", RUN, str(timeout), guest, *argv]


def run(*argv: str, stdin: bytes = b"", timeout: float = 0, guest: str = "", env=None):
    return subprocess.run(
        command(*argv, timeout=timeout, guest=guest),
        input=stdin,
        cwd=ROOT,
        capture_output=True,
        env={**os.environ, **(env or {})},
        check=False,
    )


@pytest.fixture
def terminal():
    """Starts a program at a terminal of its own."""
    started = []

    def start(*argv: str, timeout: float = 0) -> pexpect.spawn:
        words = command(*argv, timeout=timeout)
        child = pexpect.spawn(words[0], words[1:], cwd=ROOT, timeout=90, dimensions=(30, 100))
        child.delaybeforesend = None
        child.before_all = termios.tcgetattr(child.child_fd)
        started.append(child)
        return child

    yield start
    for child in started:
        child.close(force=True)


def is_as_before(child: pexpect.spawn) -> bool:
    return termios.tcgetattr(child.child_fd) == child.before_all


# Pipes


def test_every_byte_passes_unchanged_through_pipes():
    done = run("head", "-c", str(len(ALL_BYTES)), stdin=ALL_BYTES)
    assert (done.returncode, done.stdout) == (0, ALL_BYTES)


def test_the_end_of_input_comes_behind_all_of_it_and_ends_nothing_by_itself():
    done = run(
        "sh", "-c", "cat; echo the end came; exec yes >/dev/null", stdin=ALL_BYTES, timeout=4
    )
    assert (done.returncode, done.stdout) == (124, ALL_BYTES + b"the end came\n")
    assert b"out of time: the guest ran for 4 seconds" in done.stderr


def test_a_guest_that_nothing_can_wake_ends_with_the_input():
    """What VTXCTL says of it by itself: status 10, and no waiting for ever."""
    for stdin in (b"", b"hello\n"):
        done = subprocess.run(
            [ROOT / "virtx", "run", "10", "--timeout", "60"],
            input=stdin,
            cwd=ROOT,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 10, done
        assert b"the guest waits for an interrupt, and nothing can send one" in done.stderr
    assert b"olleh" in done.stdout


@pytest.mark.parametrize("status", [0, 1, 4, 255])
def test_exit_status_is_passed_on(status):
    assert run("sh", "-c", f"exit {status}").returncode == status


def test_errors_go_to_our_standard_error():
    done = run("sh", "-c", "echo out; echo err >&2")
    assert done.stdout == b"out\n"
    assert b"err\n" in done.stderr


def test_reader_that_goes_away_ends_it():
    with subprocess.Popen(
        command("yes"), cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout.readline() == b"y\n"
        child.stdout.close()
        assert child.wait(60) == 128 + signal.SIGPIPE


def test_guest_takes_the_place_of_nanox(tmp_path):
    guest = tmp_path / "my guest.bin"
    guest.write_bytes(b"not much of a guest")
    assert run("cat", "nanox.bin", guest=str(guest)).stdout == b"not much of a guest"


def test_missing_guest_is_bad_usage(tmp_path):
    done = run("cat", "nanox.bin", guest=str(tmp_path / "none.bin"))
    assert done.returncode == 2
    assert b"none.bin: no such file" in done.stderr


def test_missing_engine_is_no_machine():
    done = run("true", env={"ENGINE": "steam"})
    assert done.returncode == 126
    assert b"there is no engine 'steam'" in done.stderr


def test_crash_of_the_machine_is_told():
    done = run("sh", "-c", "echo c >/proc/sysrq-trigger")
    assert done.returncode == 126
    assert b"the test machine crashed; your computer did not" in done.stderr
    assert b"Kernel panic" in done.stderr


# Terminals


def test_terminal_is_a_wire_and_is_restored(terminal):
    child = terminal("sh", "-c", "stty size; stty raw -echo; echo ready; head -c 4 | od -tx1")
    child.expect("30 100")
    child.expect("ready")
    # Ctrl-C, Ctrl-Z and Ctrl-D are keys like others.
    child.send("\x03\x1a\x04q")
    child.expect("03 1a 04 71")
    child.expect(pexpect.EOF)
    assert is_as_before(child)
    child.close()
    assert child.exitstatus == 0


def test_keys_typed_while_the_machine_starts_are_not_lost(terminal):
    child = terminal("sh", "-c", "read line; echo told $line")
    child.send("early\r")
    child.expect("told early")


def test_window_follows_ours(terminal):
    child = terminal("sh", "-c", "trap 'stty size' WINCH; echo ready; while :; do read x; done")
    child.expect("ready")
    child.setwinsize(12, 34)
    child.expect("12 34")


def test_ctrl_a_x_ends_even_a_vtxctl_that_does_not_answer(terminal, tmp_path, monkeypatch):
    mute = tmp_path / "vtxctl"
    mute.write_text("#!/bin/sh\nstty raw; echo ready; cat >/dev/null\n")
    mute.chmod(0o755)
    monkeypatch.setenv("VTXCTL", str(mute))
    child = terminal("vtxctl")
    child.expect("ready")
    child.send("\x01x")
    child.expect("did not answer Ctrl-A x")
    child.expect(pexpect.EOF)
    assert is_as_before(child)
    child.close()
    assert child.exitstatus == 8


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_terminal_is_restored_after_a_signal(terminal, number):
    child = terminal("sh", "-c", "echo ready; cat")
    child.expect("ready")
    child.kill(number)
    child.expect(pexpect.EOF)
    assert is_as_before(child)
    child.close()
    assert child.exitstatus == 128 + number


def test_time_is_counted_from_the_start_of_the_guest(terminal):
    child = terminal("sh", "-c", "echo ready; cat", timeout=3)
    child.expect("ready")
    before = time.monotonic()
    child.expect("out of time")
    assert 2 < time.monotonic() - before < 6
    child.expect(pexpect.EOF)
    assert is_as_before(child)
    child.close()
    assert child.exitstatus == 124


def test_ctrl_c_before_the_guest_runs_ends_it(terminal):
    child = terminal("cat")
    child.expect("starting the test machine")
    child.sendintr()
    child.expect(pexpect.EOF)
    assert is_as_before(child)
    child.close()
    assert child.exitstatus == 130
