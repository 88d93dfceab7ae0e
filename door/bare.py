# SPDX-License-Identifier: GPL-2.0-only
"""NanoX on a plain emulated PC, with no hypervisor beneath it: QEMU without VT-x."""

from __future__ import annotations

import json
import os
import re
import select
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from door.base import Status, Stop, say
from harness.stage import Stage

QEMU = Path("/usr/bin/qemu-system-i386")
LOAD_ADDRESS = 0x7C00
DEFAULT_TIMEOUT = 10.0
# QEMU tells nobody that a processor rests, so it is asked this often.
ASK_EVERY = 0.02
INTERRUPT_FLAG = 1 << 9


def command(stage: Stage, control: int, log: Path) -> list[str]:
    """QEMU's PC with our ROM where its firmware would be, and NanoX in its memory.

    Into its log it writes each reset, and what led to it.
    """
    image = stage.build_dir / "nanox.bin"
    # At a terminal Ctrl-A x leaves, as in VTXCTL: QEMU does that where it shares the line.
    shared = ",mux=on" if stage.config.input and sys.stdin.isatty() else ""
    return [
        *("nice", "-n", "10", str(QEMU)),
        # Without a local APIC, as ours: else it would keep the 8259's interrupts from the CPU.
        *("-M", "pc", "-accel", "tcg", "-cpu", "qemu32,-apic", "-m", "16M"),
        # It waits until we listen, and stays until we let it go: so we hear why it has ended.
        # (One that goes by itself may never answer what it was asked just then.)
        *("-nodefaults", "-display", "none", "-S", "-no-reboot", "-no-shutdown"),
        *("-d", "cpu_reset", "-D", str(log)),
        *("-bios", str(stage.build_dir / "nanox.rom")),
        *("-device", f"loader,file={image},addr={LOAD_ADDRESS:#x},force-raw=on"),
        *("-chardev", f"stdio,id=line,signal=off{shared}", "-serial", "chardev:line"),
        *("-chardev", f"socket,id=control,fd={control}", "-mon", "chardev=control,mode=control"),
    ]


class Monitor:
    """QEMU's control line."""

    def __init__(self, line: socket.socket) -> None:
        self._socket = line
        self.was_reset = False  # by the guest
        self._lines = line.makefile("r", encoding="utf-8")
        self.say({"execute": "qmp_capabilities"})
        self.say({"execute": "cont"})

    def say(self, request: dict[str, object]) -> object:
        self._socket.sendall(json.dumps(request).encode() + b"\n")
        for line in self._lines:
            answer = json.loads(line)
            if answer.get("event") == "SHUTDOWN":
                self.was_reset |= answer["data"]["reason"] == "guest-reset"
            if "return" in answer:
                return answer["return"]
            if "error" in answer:
                raise Stop(f"QEMU: {answer['error']['desc']}", Status.STOPPED)
        raise ConnectionResetError

    def at_rest(self) -> bool:
        """Whether the processor has halted and no interrupt can wake it."""
        words = {"command-line": "info registers"}
        text = str(self.say({"execute": "human-monitor-command", "arguments": words}))
        flags = re.search(r"EFL=([0-9a-f]+)", text)
        assert flags
        return "HLT=1" in text and not int(flags[1], 16) & INTERRUPT_FLAG


def run_bare(stage: Stage, timeout: float | None = None) -> int:
    """Run it until it rests; the bytes of its serial port go to standard output."""
    if not stage.config.bare:
        raise Stop(f"stage {stage.number} does not run without a hypervisor: try `run`")
    if not QEMU.exists():
        raise Stop("QEMU is not installed: run `make setup`", Status.NO_MACHINE)
    if timeout is None and not stage.config.input:
        timeout = DEFAULT_TIMEOUT
    limit = None if timeout is None else time.monotonic() + timeout

    ours, theirs = socket.socketpair()
    with ours, theirs, tempfile.TemporaryDirectory(prefix="virtx-bare-") as folder:
        log = Path(folder) / "log"
        stdin = None if stage.config.input else subprocess.DEVNULL
        words = command(stage, theirs.fileno(), log)
        qemu = subprocess.Popen(words, stdin=stdin, pass_fds=[theirs.fileno()])
        theirs.close()
        gone = os.pidfd_open(qemu.pid)
        try:
            monitor = Monitor(ours)
            status = Status.OK
            while not monitor.at_rest() and not monitor.was_reset:
                if limit is not None and time.monotonic() > limit:
                    say(f"virtx: out of time: the guest did not halt within {timeout:g} seconds")
                    status = Status.OUT_OF_TIME
                    break
                if select.select([gone], [], [], ASK_EVERY)[0]:
                    return left(qemu)
            monitor.say({"execute": "quit"})
            qemu.wait()
            return after_reset(log) if monitor.was_reset else status
        except ConnectionError:
            return left(qemu)
        finally:
            # Only if we were interrupted. SIGTERM: QEMU puts the terminal back as it was.
            qemu.terminate()
            qemu.wait()
            os.close(gone)


def left(qemu: subprocess.Popen[bytes]) -> int:
    """QEMU is gone by itself: somebody typed Ctrl-A x."""
    if qemu.wait():
        raise Stop(f"QEMU ended with status {qemu.returncode}", Status.STOPPED)
    return Status.LEFT


def after_reset(log: Path) -> int:
    """The machine was reset: because its CPU could not go on, or because the guest wanted it."""
    if sys.stdout.isatty():
        print(flush=True)  # it stopped in the middle of a line
    if "Triple fault" in log.read_text(errors="replace"):
        say("virtx: NanoX's CPU gave up: a triple fault")
        return Status.TRIPLE_FAULT
    say("virtx: NanoX has reset its computer, and here that is the end")
    return Status.RESET
