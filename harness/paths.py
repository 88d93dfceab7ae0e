# SPDX-License-Identifier: GPL-2.0-only
"""Where things lie, and the lock that lets two processes build side by side."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
LINUX = BUILD / "linux"
L1 = BUILD / "l1"
HARNESS = ROOT / "harness"


class SetupError(Exception):
    """Something is missing on this computer; the message says what to do."""


@contextlib.contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold the lock `name`, so that only one process builds this thing."""
    BUILD.mkdir(exist_ok=True)
    with open(BUILD / f".{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
