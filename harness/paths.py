# SPDX-License-Identifier: GPL-2.0-only
"""Where things lie, and the lock that lets two processes build side by side."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
# Which kernel the test machine boots: none named is Debian's own, "debug" that of debug_kernel.py.
# What is built for it lies in a folder of its own, so that the two live side by side.
KERNEL = os.environ.get("VIRTX_KERNEL", "")
OUT = BUILD / KERNEL
LINUX = OUT / "linux"
L1 = OUT / "l1"
HARNESS = ROOT / "harness"


class SetupError(Exception):
    """Something is missing on this computer; the message says what to do."""


@contextlib.contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold the lock `name`, so that only one process builds this thing."""
    OUT.mkdir(parents=True, exist_ok=True)
    with open(OUT / f".{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
