# SPDX-License-Identifier: GPL-2.0-only
"""A stage run for a person or a pipe: what `virtx run` does.

The guest's serial line is standard input and output, byte for byte. At a terminal VTXCTL
has a terminal of its own in the test machine, and ours is only a wire to it: Ctrl-A,
Ctrl-C and all other keys are VTXCTL's.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import shlex
import signal
import sys
import termios
import threading
import time
import tty
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Protocol

from harness.engine import EngineError, Kind, Progress, no_progress
from harness.machine import TROUBLE, Job, Machine, MachineError
from harness.paths import SetupError
from harness.stage import Stage, StageError

STDIN, STDOUT, STDERR = 0, 1, 2

BAD_USAGE = 2
STOPPED = 4
LEFT = 8
OUT_OF_TIME = 124
NO_MACHINE = 126
BROKEN_PIPE = 128 + signal.SIGPIPE

GUEST_MAX = 64 << 20
# How long VTXCTL may take to obey Ctrl-A x before the whole machine is stopped.
PATIENCE = 5.0
CTRL_A = b"\x01"


class Watcher(Protocol):
    """Looks on from the test machine's kernel: from when VTXDRV is there to the end of a run."""

    def begin(self, machine: Machine) -> None:
        ...

    def end(self, machine: Machine) -> None:
        ...


def run_stage(
    stage: Stage,
    argv: Sequence[str] | None = None,
    guest: Path | None = None,
    rom: Path | None = None,
    options: Sequence[str] = (),
    engine: str | None = None,
    timeout: float | None = None,
    watcher: Watcher | None = None,
) -> int:
    """Run a stage and return VTXCTL's exit status, or one of those above.

    `argv` is what is typed in the test machine, by default what stage.toml says. `guest`
    takes the place of NanoX in it, `rom` lies beside it, `options` follow the word vtxctl. `timeout` is in
    seconds of our time from the start of VTXCTL.
    """
    at_terminal = os.isatty(STDIN) and os.isatty(STDOUT)
    kind = Kind.PEOPLE if os.isatty(STDIN) else Kind.TEST
    words = list(argv or stage.config.run)
    problem = problem_with(guest)
    if problem:
        say(problem)
        return BAD_USAGE
    files = stage.files()
    if guest:
        files[f"/guest/{guest.name}"] = guest
        words = [f"/guest/{guest.name}" if word == "nanox.bin" else word for word in words]
    if rom:
        files[f"/rom/{rom.name}"] = rom
    options, trace = redirect_trace(options)
    words[1:1] = options

    try:
        with signals_raise(), progress_line() as progress:
            with Machine.start(kind, engine, progress) as machine:
                machine.again = shlex.join(sys.argv)
                machine.put(files)
                status = run_on(machine, stage, words, at_terminal, timeout, progress, watcher)
                if trace:
                    trace.write_bytes(machine.get("/tmp/trace"))
        return status
    except (EngineError, SetupError, StageError) as error:
        say(str(error))
        return NO_MACHINE
    except MachineError as error:
        say(f"the test machine crashed; your computer did not\n{error}")
        return NO_MACHINE
    except BrokenPipeError:
        return BROKEN_PIPE
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def say(text: str) -> None:
    print(f"virtx: {text}", file=sys.stderr, flush=True)


def problem_with(guest: Path | None) -> str | None:
    if not guest:
        return None
    if not guest.is_file():
        return f"{guest}: no such file; name a flat image, as `make new-guest` makes one"
    if guest.stat().st_size > GUEST_MAX:
        return f"{guest}: larger than 64 MB, the most that the test machine has room for"
    return None


def redirect_trace(options: Sequence[str]) -> tuple[list[str], Path | None]:
    """--trace names a file of ours, VTXCTL writes one in the test machine."""
    words, trace = list(options), None
    for index, word in enumerate(words):
        if word == "--trace" and index + 1 < len(words):
            trace, words[index + 1] = Path(words[index + 1]), "/tmp/trace"
        elif word.startswith("--trace="):
            trace, words[index] = Path(word.removeprefix("--trace=")), "--trace=/tmp/trace"
    return words, trace


def run_on(
    machine: Machine,
    stage: Stage,
    words: list[str],
    at_terminal: bool,
    timeout: float | None,
    progress: Progress,
    watcher: Watcher | None = None,
) -> int:
    show = KernelLog(machine) if stage.config.show_kernel_log else None
    loaded = machine.run("insmod /stage/vtxdrv.ko")
    progress("")
    if show:
        show.new_lines()
    if loaded.status:
        KernelLog(machine).new_lines()
        say(f"vtxdrv.ko was not loaded: {loaded.stderr.decode().strip()}")
        return STOPPED

    if watcher:
        watcher.begin(machine)
    command = f"cd /stage && PATH=/stage:$PATH exec {shlex.join(words)}"
    if at_terminal:
        size = os.get_terminal_size(STDIN)
        job = machine.spawn(command, tty=(size.lines, size.columns), stream=True)
        with raw_terminal():
            status = carry(job, timeout, at_terminal, words[0] == "vtxctl")
    else:
        job = machine.spawn(command, stream=True)
        status = carry(job, timeout, at_terminal, False)

    if watcher:
        watcher.end(machine)
    if show and status not in (LEFT, OUT_OF_TIME):
        machine.run("rmmod vtxdrv")
        show.new_lines()
    if TROUBLE.search(machine.kernel_log(settle=False)):
        say("the test machine's kernel stumbled; your computer did not. From its log:")
        print(machine.telling_log(), file=sys.stderr)
    return status


class KernelLog:
    """Shows VTXDRV's own lines of the kernel log, each once."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._shown = 0

    def new_lines(self) -> None:
        log = self._machine.kernel_log()
        for line in log[self._shown :].splitlines():
            if "vtxdrv: " in line:
                print(line, file=sys.stderr, flush=True)
        self._shown = len(log)


def carry(job: Job, timeout: float | None, at_terminal: bool, obeys_ctrl_a: bool) -> int:
    """Carry bytes both ways until the job ends; VTXCTL obeys Ctrl-A x, a shell does not."""
    wire = Wire(job, at_terminal, obeys_ctrl_a)
    limit = None if timeout is None else job.wait_started() + timeout
    while True:
        now = time.monotonic()
        if limit is not None and now >= limit:
            say(f"out of time: the guest ran for {timeout:g} seconds")
            return OUT_OF_TIME
        if wire.left_at is not None and now >= wire.left_at + PATIENCE:
            say("VTXCTL did not answer Ctrl-A x: the test machine was stopped")
            return LEFT
        output, errors, status = job.take(wire.next_look(limit, now))
        write_all(STDOUT, output)
        write_all(STDERR, errors)
        if status is not None:
            return status


class Wire:
    """Reads our standard input for the job, in a thread that ends with the process.

    The end of our input is the end of the job's: what follows from it is VTXCTL's to say.
    """

    def __init__(self, job: Job, at_terminal: bool, obeys_ctrl_a: bool) -> None:
        self._job = job
        self._at_terminal = at_terminal
        self._obeys_ctrl_a = at_terminal and obeys_ctrl_a
        # When Ctrl-A x was typed: VTXCTL should end soon.
        self.left_at: float | None = None
        threading.Thread(target=self._run, daemon=True).start()
        if at_terminal:
            signal.signal(signal.SIGWINCH, self._resize)

    def next_look(self, limit: float | None, now: float) -> float | None:
        """How long the loop may wait for output."""
        if self._at_terminal:
            # Ctrl-A x is noticed by the thread; look after it now and then.
            limit = min(limit or now + 1, now + 1)
        return None if limit is None else max(limit - now, 0)

    def _run(self) -> None:
        last = b""
        with contextlib.suppress(MachineError):
            while data := os.read(STDIN, 65536):
                self._job.write(data)
                # No more is read than finds room: a long file need not lie in memory.
                self._job.wait_written()
                if self._obeys_ctrl_a and CTRL_A + b"x" in last + data:
                    self.left_at = time.monotonic()
                last = data[-1:]
            self._job.close_stdin()

    def _resize(self, number: int, frame: FrameType | None) -> None:
        size = os.get_terminal_size(STDIN)
        self._job.resize(size.lines, size.columns)


def write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


@contextlib.contextmanager
def raw_terminal() -> Iterator[None]:
    """Our terminal as a mere wire; as it was before on every way out."""
    before = termios.tcgetattr(STDIN)

    def restore() -> None:
        termios.tcsetattr(STDIN, termios.TCSADRAIN, before)

    atexit.register(restore)
    try:
        # TCSANOW: what was typed while the machine started is not thrown away.
        tty.setraw(STDIN, termios.TCSANOW)
        yield
    finally:
        restore()
        atexit.unregister(restore)


@contextlib.contextmanager
def signals_raise() -> Iterator[None]:
    """Let signals that would end us take the way through every `finally`."""

    def leave(number: int, frame: FrameType | None) -> None:
        sys.exit(128 + number)

    caught = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
    before = {number: signal.signal(number, leave) for number in caught}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def progress_line() -> Iterator[Progress]:
    """A line on standard error that tells what we wait for, if that is a terminal."""
    if not os.isatty(STDERR):
        yield no_progress
        return

    shown = False

    def show(text: str) -> None:
        nonlocal shown
        # The line is ours until it is wiped once; then it is the guest's.
        if text or shown:
            print(f"\r\033[K{text and text + ' ...'}", end="", file=sys.stderr, flush=True)
        shown = bool(text)

    show("starting the test machine")
    try:
        yield show
    finally:
        show("")
