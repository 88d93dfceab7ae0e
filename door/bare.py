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


def command(stage: Stage, control: int) -> list[str]:
    """QEMU's PC with our ROM where its firmware would be, and NanoX in its memory."""
    image = stage.build_dir / "nanox.bin"
    # At a terminal Ctrl-A x leaves, as in VTXCTL: QEMU does that where it shares the line.
    shared = ",mux=on" if stage.config.input and sys.stdin.isatty() else ""
    return [
        *("nice", "-n", "10", str(QEMU)),
        # Without a local APIC, as ours: else it would keep the 8259's interrupts from the CPU.
        *("-M", "pc", "-accel", "tcg", "-cpu", "qemu32,-apic", "-m", "16M"),
        *("-nodefaults", "-display", "none", "-no-reboot"),
        *("-bios", str(stage.build_dir / "nanox.rom")),
        *("-device", f"loader,file={image},addr={LOAD_ADDRESS:#x},force-raw=on"),
        *("-chardev", f"stdio,id=line,signal=off{shared}", "-serial", "chardev:line"),
        *("-chardev", f"socket,id=control,fd={control}", "-mon", "chardev=control,mode=control"),
    ]


class Monitor:
    """QEMU's control line."""

    def __init__(self, line: socket.socket) -> None:
        self._socket = line
        self._lines = line.makefile("r", encoding="utf-8")
        self.say({"execute": "qmp_capabilities"})

    def say(self, request: dict[str, object]) -> object:
        self._socket.sendall(json.dumps(request).encode() + b"\n")
        for line in self._lines:
            answer = json.loads(line)
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
    with ours, theirs:
        stdin = None if stage.config.input else subprocess.DEVNULL
        words = command(stage, theirs.fileno())
        qemu = subprocess.Popen(words, stdin=stdin, pass_fds=[theirs.fileno()])
        theirs.close()
        gone = os.pidfd_open(qemu.pid)
        status = Status.OK
        try:
            monitor = Monitor(ours)
            while not monitor.at_rest():
                if limit is not None and time.monotonic() > limit:
                    say(f"virtx: out of time: the guest did not halt within {timeout:g} seconds")
                    status = Status.OUT_OF_TIME
                    break
                if select.select([gone], [], [], ASK_EVERY)[0]:
                    return ended(qemu)
            monitor.say({"execute": "quit"})
            qemu.wait()
            return status
        except ConnectionError:
            return ended(qemu)
        finally:
            # Only if we were interrupted. SIGTERM: QEMU puts the terminal back as it was.
            qemu.terminate()
            qemu.wait()
            os.close(gone)


def ended(qemu: subprocess.Popen[bytes]) -> int:
    """QEMU is gone by itself: somebody typed Ctrl-A x, or the guest reset the machine."""
    if qemu.wait():
        raise Stop(f"QEMU ended with status {qemu.returncode}", Status.STOPPED)
    return Status.LEFT if sys.stdin.isatty() else Status.TRIPLE_FAULT
