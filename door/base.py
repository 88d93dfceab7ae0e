# SPDX-License-Identifier: GPL-2.0-only
"""What all commands share: exit statuses, how they say no, and a clean environment."""

from __future__ import annotations

import ctypes
import enum
import os
import sys

from harness.paths import ROOT

WORK = ROOT / "work"
PYTHON = "/usr/bin/python3"

PR_CAPBSET_DROP = 24
CAP_SYS_MODULE = 16

# Make hands these down in the environment; our own makes must not take them for theirs.
FROM_MAKE = (
    "MAKEFLAGS",
    "MFLAGS",
    "MAKEOVERRIDES",
    "MAKELEVEL",
    "GUEST",
    "LOAD",
    "ENTRY",
    "ROM",
    "NO_REBOOT",
    "MEM",
    "TIMEOUT",
    "NAME",
    "STEP",
    "PART",
    "ALL",
    "KERNEL",
    "PLAIN",
    "FOLLOW",
    "EX",
    "GUESS",
)


class Status(enum.IntEnum):
    """How a guest's run ended. An odd status is (v << 1) | 1: it wrote v to port 0xF4."""

    OK = 0
    FAILED = 1
    USAGE = 2
    STOPPED = 4
    TRIPLE_FAULT = 6
    LEFT = 8
    HALTED_FOR_EVER = 10
    RESET = 12
    OUT_OF_TIME = 124
    NO_MACHINE = 126
    INTERRUPTED = 130


WORDS = {
    Status.OK: "it halted with interrupts off",
    Status.USAGE: "bad usage",
    Status.STOPPED: "the guest was stopped for what it did",
    Status.TRIPLE_FAULT: "triple fault",
    Status.LEFT: "left with Ctrl-A x",
    Status.HALTED_FOR_EVER: "it halted and nothing can wake it",
    Status.RESET: "the guest asked for a reset",
    Status.OUT_OF_TIME: "out of time",
    Status.NO_MACHINE: "no test machine",
    Status.INTERRUPTED: "interrupted",
}


def status_in_words(status: int) -> str:
    """An exit status of `run`, for people."""
    if status in WORDS:
        return f"{status} ({WORDS[Status(status)]})"
    if status % 2:
        return f"{status} (the guest wrote {status >> 1} to port 0xF4)"
    return str(status)


class Stop(Exception):
    """A command cannot go on; the message says what to do."""

    def __init__(self, message: str, status: int = Status.USAGE) -> None:
        super().__init__(message)
        self.status = status


def say(text: str) -> None:
    """For people: standard output belongs to the guest."""
    print(text, file=sys.stderr, flush=True)


def clean_environment() -> None:
    """Every tool is Debian's own, whatever else comes first on somebody's PATH."""
    for name in FROM_MAKE:
        os.environ.pop(name, None)
    for name in list(os.environ):
        if name.startswith("PYTHON"):
            del os.environ[name]
    os.environ["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin"
    os.environ["PYTHONNOUSERSITE"] = "1"
    os.environ["PYTHONPYCACHEPREFIX"] = str(sys.pycache_prefix or ROOT / "build/pycache")


def forbid_kernel_modules() -> None:
    """From here on neither we nor any child can load a module into this computer's kernel.

    Even a mistake of ours cannot: root without CAP_SYS_MODULE is refused. Who is not root
    could not load one anyway, and has no right to this call, either.
    """
    ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_SYS_MODULE, 0, 0, 0)
