# SPDX-License-Identifier: GPL-2.0-only
"""What all engines share: one process of an emulator, in a folder of its own."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.engine import Engine


class Emulator(Engine):
    """A process that is started once. What it logs lies in the file `log_name` of its folder."""

    log_name: str

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._open = contextlib.ExitStack()
        self._last_log = ""

    def pause(self) -> None:
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            if self._process:
                os.killpg(self._process.pid, number)

    def log(self) -> str:
        if self._folder:
            with contextlib.suppress(FileNotFoundError):
                self._last_log = self._lean(tail(self._folder / self.log_name))
        return self._last_log

    def _lean(self, log: str) -> str:
        """Without the lines that mean nothing."""
        return log

    def stop(self) -> None:
        if self._process:
            self._signal(signal.SIGKILL)
            self._process.wait()
            self._process = None
        self.log()
        self._open.close()
        self._folder = None

    def _new_folder(self) -> Path:
        self._folder = self._open.enter_context(private_folder())
        return self._folder

    def _spawn(
        self, command: list[Any], environment: Mapping[str, str], **files: Any
    ) -> subprocess.Popen[bytes]:
        # nice: it is somebody's laptop. pdeathsig: no way out leaves an emulator behind.
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "nice", "-n", "10", *command],
            cwd=self._folder,
            env={"PATH": os.defpath, **environment},
            start_new_session=True,
            **files,
        )
        return self._process

    def _fifo(self, path: Path) -> int:
        """What the emulator takes for a file; we are at its other end, and it waits for us."""
        os.mkfifo(path)
        # For reading and writing: then it has no end when the emulator closes it.
        end = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        self._open.callback(os.close, end)
        return end


@contextlib.contextmanager
def open_pidfd(process: subprocess.Popen[bytes]) -> Iterator[int]:
    descriptor = os.pidfd_open(process.pid)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def private_folder() -> Iterator[Path]:
    """A folder for one machine. What a killed harness left is taken away by the next."""
    prefix = f"virtx-{os.getuid()}-"
    for old in Path(tempfile.gettempdir()).glob(prefix + "*"):
        # A folder in use has a lock file, and that is locked.
        with contextlib.suppress(BlockingIOError):
            with contextlib.suppress(FileNotFoundError), open(old / "lock") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(old, ignore_errors=True)
    new = Path(tempfile.mkdtemp(prefix=f".{prefix}"))
    with open(new / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Only now by its name: without the lock another harness might take it away.
        folder = new.rename(new.with_name(new.name.removeprefix(".")))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def tail(path: Path, length: int = 1 << 18) -> str:
    with open(path, "rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - length))
        return file.read().decode(errors="replace")
