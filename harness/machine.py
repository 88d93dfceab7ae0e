# SPDX-License-Identifier: GPL-2.0-only
"""The test machine as tests, tools and `virtx` use it, whatever engine it runs in."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import os
import re
import shlex
import signal
import stat
import struct
import subprocess
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path

from harness.bochs import INSTRUCTIONS_PER_SECOND, Bochs
from harness.engine import Engine, EngineError, Kind, Progress, Vary, no_progress
from harness.link import JobState, Link, Lost, TimedOut
from harness.paths import KERNEL
from harness.qemu import Qemu

# A failed test shows its own lines, not ours.
__tracebackhide__ = True

# The first that works here is taken.
ENGINES: dict[str, type[Engine]] = {engine.name: engine for engine in (Qemu, Bochs)}

# What the kernel prints when something is wrong with it: [#1] numbers every oops.
TROUBLE = re.compile(
    r"^.*(\bBUG:|\[#\d+\]|\bWARNING: |UBSAN:|Kernel panic|Call Trace:|rcu.*\bstall"
    r"|blocked for more than|suspected memory leak).*$",
    re.MULTILINE,
)

CR4_VMXE = 1 << 13

# A file for `agent unpack`: mode, length of the path, number of pieces, size.
FILE = struct.Struct("<HHIQ")
# A piece of it: offset, length.
PIECE = struct.Struct("<QI")
PAGE = 4096
BOOT_LIMIT = 900.0 if KERNEL else 180.0
# The debug kernel looks at each of its steps.
DEBUG_PATIENCE = 5.0
# Measured: what a fork costs on it, against Debian's kernel.
DEBUG_STEPS = 20
# The debug kernel's search for memory that nothing points to. It believes what it finds when
# that has not changed since the scan before, and is older than five seconds.
LEAKS = "/sys/kernel/debug/kmemleak"
SCAN_LIMIT = 300.0
SCAN = f"sleep 6; echo scan >{LEAKS}; echo scan >{LEAKS}; cat {LEAKS}"
PIECE_MAX = 1 << 20


class MachineError(AssertionError):
    """Something went wrong in the test machine; the text has all that is known of it."""


@dataclasses.dataclass(frozen=True)
class Result:
    """How a command ended. `status` is as a shell says it: 128 + n for signal n."""

    status: int
    stdout: bytes
    stderr: bytes

    @property
    def text(self) -> str:
        return self.stdout.decode(errors="replace")


class Job:
    """A command that runs in the test machine."""

    def __init__(self, machine: Machine, state: JobState, command: str) -> None:
        self._machine = machine
        self._link = machine.link
        self._state = state
        self.command = command
        self._seen = 0

    @property
    def output(self) -> bytes:
        """All of its standard output so far."""
        with self._link.changed:
            return bytes(self._state.output)

    @property
    def errors(self) -> bytes:
        with self._link.changed:
            return bytes(self._state.errors)

    def write(self, data: bytes) -> None:
        """Give it input. No byte is lost, however long the job lets it wait."""
        self._link.write(self._state, data)

    def close_stdin(self) -> None:
        self._link.end_input(self._state)

    def signal(self, number: int) -> None:
        """Send a signal to the command and all its children."""
        self._link.signal(self._state, number)

    def resize(self, rows: int, columns: int) -> None:
        self._link.resize(self._state, rows, columns)

    def wait_started(self, timeout: float = 60) -> float:
        """The moment (time.monotonic) at which it started."""
        self._wait(lambda: self._state.started is not None, timeout, "did not start")
        assert self._state.started
        return self._state.started

    def expect(self, pattern: bytes | str | re.Pattern[bytes], timeout: float = 60) -> re.Match:
        """Wait until its output, after what the last expect() found, has `pattern`.

        Bytes stand for themselves; a str or a compiled pattern is a regular expression.
        """
        if isinstance(pattern, bytes):
            pattern = re.escape(pattern)
        regex = re.compile(pattern.encode() if isinstance(pattern, str) else pattern)
        found: re.Match | None = None

        def look() -> bool:
            nonlocal found
            found = regex.search(self._state.output, self._seen)
            return found is not None or self._state.status is not None

        self._wait(look, timeout, f"did not print {regex.pattern!r}")
        if not found:
            raise self._error(f"ended without printing {regex.pattern!r}")
        self._seen = found.end()
        return found

    def wait(self, timeout: float | None = 60) -> Result:
        """Wait until it ends."""
        self._wait(lambda: self._state.status is not None, timeout, "did not end")
        assert self._state.status is not None
        return Result(self._state.status, self.output, self.errors)

    def ended(self, timeout: float) -> bool:
        """Wait for its end, but not longer than that. MachineError where the machine ended."""
        with self._link.changed:
            with contextlib.suppress(TimedOut):
                self._wait_quietly(lambda: self._state.status is not None, timeout)
            return self._state.status is not None

    def take(self, timeout: float | None = None) -> tuple[bytes, bytes, int | None]:
        """For a job spawned with stream=True: output, errors, and the status when it has ended.

        Waits for some of these, but not longer than `timeout`. What is never taken makes the
        job wait.
        """
        state = self._state
        with self._link.changed:
            with contextlib.suppress(TimedOut):
                self._wait_quietly(
                    lambda: bool(state.output or state.errors or state.status is not None), timeout
                )
            output, errors = bytes(state.output), bytes(state.errors)
            state.output.clear()
            state.errors.clear()
            self._link.taken(state, len(output) + len(errors))
            return output, errors, state.status

    def wait_written(self) -> None:
        """Wait until all that was written is on its way."""
        self._wait(lambda: not self._state.input or self._state.status is not None, None, "")

    def _wait(self, happened: Callable[[], bool], timeout: float | None, what: str) -> None:
        if timeout is not None:
            timeout *= self._link.patience
        try:
            with self._link.changed:
                self._wait_quietly(happened, timeout)
        except TimedOut:
            raise self._error(f"{what} within {timeout:g} seconds") from None

    def _wait_quietly(self, happened: Callable[[], bool], timeout: float | None) -> None:
        def happened_or_lost() -> bool:
            if self._state.lost:
                raise Lost(self._state.lost)
            return happened()

        try:
            self._link.wait_for(happened_or_lost, timeout)
        except Lost as lost:
            raise self._error(f"was running when {lost}") from None

    def _error(self, what: str) -> MachineError:
        said = (self.output + self.errors).decode(errors="replace")
        return self._machine.error(f"`{self.command}` {what}", said)


class Machine:
    """One running test machine. Made by Machine.start()."""

    def __init__(self, engine: Engine, kind: Kind, vary: Vary, progress: Progress) -> None:
        self.kind = kind
        # How a person runs again what has gone wrong; part of every error.
        self.again = ""
        # After a hang or a crash nothing that it says can be trusted.
        self.broken = False
        self._engine = engine
        self._marks = 0
        self._jobs: deque[Job] = deque(maxlen=5)
        self._have: dict[str, tuple[Path, int]] = {}
        channel = engine.start(kind, vary, progress)
        self.link = Link(channel)
        # Two CPUs take turns on one of ours, and wait for each other besides.
        self.link.patience = (5.0 if kind is Kind.SMP else 1.0) * (DEBUG_PATIENCE if KERNEL else 1)
        if not channel.ready:
            progress("booting the test machine")
            self._wait_boot()

    @staticmethod
    def start(
        kind: Kind = Kind.TEST,
        engine: str | None = None,
        progress: Progress = no_progress,
        vary: Vary = Vary.NOTHING,
    ) -> Machine:
        chosen = pick_engine(engine)()
        try:
            return Machine(chosen, kind, vary, progress)
        except BaseException:
            chosen.stop()
            raise

    def __enter__(self) -> Machine:
        return self

    def __exit__(self, *unused: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End it. May be called twice."""
        self.link.close()
        self._engine.stop()

    @property
    def engine_name(self) -> str:
        return self._engine.name

    def ticks(self, instructions: int) -> int:
        """So many of its clock's ticks, at most, do these take on an idle machine."""
        slower = DEBUG_STEPS if KERNEL else 1
        return instructions * self._engine.ticks_per_instruction * slower

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The emulator's."""
        return self.link.process

    def pause(self) -> None:
        """Let it use no CPU. Nothing may be asked of it before resume()."""
        self._engine.pause()

    def resume(self) -> None:
        self._engine.resume()

    def _wait_boot(self) -> None:
        try:
            with self.link.changed:
                self.link.wait_for(lambda: self.link.booted, BOOT_LIMIT)
        except (Lost, TimedOut) as error:
            raise self.error(f"the test machine did not boot: {error}") from None

    # Commands

    def spawn(
        self,
        command: str,
        tty: bool | tuple[int, int] = False,
        stream: bool = False,
    ) -> Job:
        """Start a shell command, on a terminal of its own if `tty` (True or rows and columns)."""
        size = (24, 80) if tty is True else tty or None
        job = Job(self, self.link.start_job(command, size, stream), command)
        self._jobs.append(job)
        return job

    def run(
        self,
        command: str,
        stdin: bytes = b"",
        timeout: float = 60,
        check: bool = False,
        instructions: int | None = None,
    ) -> Result:
        """Run a shell command to its end. With `check`, anything but status 0 is an error.

        `timeout` is in our seconds. `instructions` limits what the command itself may
        execute: unlike seconds that means the same on every computer, however busy.
        """
        limit = ""
        if instructions:
            limit = f"ulimit -St {math.ceil(instructions / INSTRUCTIONS_PER_SECOND)}; "
        job = self.spawn(limit + command)
        job.write(stdin)
        job.close_stdin()
        result = job.wait(timeout)
        if instructions and result.status == 128 + signal.SIGXCPU:
            said = (result.stdout + result.stderr).decode(errors="replace")
            raise self.error(f"`{command}` took more than {instructions} instructions", said)
        if check and result.status:
            said = (result.stdout + result.stderr).decode(errors="replace")
            raise self.error(f"`{command}` ended with status {result.status}", said)
        return result

    # Files

    def put(self, files: Mapping[str, bytes | Path]) -> None:
        """Write files. A Path keeps its mode and its holes."""
        stream = b"".join(packed(name, content) for name, content in files.items())
        self.run("agent unpack", stdin=stream, check=True)

    def put_new(self, files: Mapping[str, Path]) -> None:
        """Write those files that this machine does not have as they are now."""
        now = {name: (path, path.stat().st_mtime_ns) for name, path in files.items()}
        new = {name: path for name, path in files.items() if self._have.get(name) != now[name]}
        if new:
            self.put(new)
            self._have.update(now)

    def get(self, path: str) -> bytes:
        return self.run(f"cat {shlex.quote(path)}", check=True).stdout

    def load_kvm(self) -> None:
        """KVM as a neighbour."""
        self.modprobe("kvm-intel")

    def modprobe(self, module: str) -> None:
        """Load one of Debian's modules that lie ready in the machine, with what it needs."""
        needs = {"kvm": ["irqbypass", "kvm"], "kvm-intel": ["irqbypass", "kvm", "kvm-intel"]}
        for name in needs.get(module, [module]):
            loaded = name.replace("-", "_")
            self.run(
                f"grep -q '^{loaded} ' /proc/modules || insmod /lib/virtx/{name}.ko", check=True
            )

    # What went on

    def last_output(self, lines: int) -> str:
        """The end of what the last commands printed."""
        parts = []
        for job in self._jobs:
            said = (job.output + job.errors).decode(errors="replace")
            parts += [f"$ {job.command}", end_of(said, lines)]
        return "\n".join(parts)

    def forget(self) -> None:
        """The next test begins: what was said before is none of its business."""
        self._jobs.clear()
        self.link.forget_log()

    def kernel_log(self, settle: bool = True) -> str:
        """All that the kernel has said since the machine was started.

        Its console is slower than the agent. `settle` waits until all is here that was said
        before, for which the machine must still answer.
        """
        if settle and not self.broken:
            say, mark = self._mark()
            self.run(say, check=True)
            self.wait_log(mark)
        with self.link.changed:
            text = bytes(self.link.kernel_log).decode(errors="replace").replace("\r\n", "\n")
        return re.sub(r"^.*virtx-mark \d+\.\n?", "", text, flags=re.MULTILINE)

    def telling_log(self) -> str:
        """From the kernel log: what went wrong if it says so, else its end."""
        log = self.kernel_log(settle=False)
        trouble = TROUBLE.search(log)
        return "\n".join(log[trouble.start() :].splitlines()[:60]) if trouble else end_of(log, 30)

    def _mark(self) -> tuple[str, str]:
        """A line that nobody else says, and the shell command that lets the kernel say it."""
        self._marks += 1
        mark = f"virtx-mark {self._marks}."
        return f"echo '{mark}' >/dev/kmsg", mark

    def wait_log(self, text: str, timeout: float = 60) -> None:
        """Wait until the kernel says a line that ends in `text`, if only with its last breath."""
        wanted = text.encode() + b"\r\n"
        try:
            with self.link.changed:
                limit = timeout * self.link.patience
                self.link.wait_for(lambda: wanted in self.link.kernel_log, limit)
        except (Lost, TimedOut) as error:
            raise self.error(f"the kernel did not say {text!r}: {error or 'out of time'}") from None

    def engine_log(self) -> str:
        return self._engine.log()

    def error(self, what: str, said: str = "") -> MachineError:
        """An error with the ends of all logs."""
        self.broken = True
        parts = [what]
        if said:
            parts += ["--- end of its output ---", end_of(said, 20)]
        parts += ["--- from the test machine's kernel log ---", self.telling_log()]
        parts += [f"--- end of {self._engine.name}'s log ---", end_of(self.engine_log(), 15)]
        if self.again:
            parts.append(f"run it again: {self.again}")
        return MachineError("\n".join(parts))

    def hoststate(self) -> dict[str, int]:
        """The registers that no guest may change: {"cpu0 cr0": value, ...}."""
        lines = self.get("/proc/hoststate").decode().splitlines()
        return {line.rpartition(" ")[0]: int(line.rpartition(" ")[2], 16) for line in lines}

    def check(self) -> list[str]:
        """What is wrong with the machine at its end; empty when all is well."""
        # All in one go, since it is done after each test. Each CPU keeps a rest of the counters
        # for itself until it is asked to hand it in.
        say, mark = self._mark()
        refresh = "echo 1 >/proc/sys/vm/stat_refresh"
        look = "cat /proc/modules /proc/hoststate /proc/vmstat"
        state = self.run(f"{say} && {refresh} && {look}", check=True).text
        self.wait_log(mark)
        log = self.kernel_log(settle=False)
        problems = [f"kernel: {found[0]}" for found in TROUBLE.finditer(log)]
        if problems:
            return problems
        if re.search(r"^vtxdrv ", state, re.MULTILINE):
            problems.append("vtxdrv is still loaded")
        pinned = dict(re.findall(r"^nr_foll_pin_(\w+) (\d+)$", state, re.MULTILINE))
        if pinned["acquired"] != pinned["released"]:
            problems.append(f"pinned pages: {pinned}")
        for cpu, cr4 in re.findall(r"^(cpu\d+) cr4 (\w+)$", state, re.MULTILINE):
            if int(cr4, 16) & CR4_VMXE:
                problems.append(f"{cpu}: CR4.VMXE is set")
        return problems

    def leaks(self) -> list[str]:
        """Memory that nothing points to any more, as far as the debug kernel sees."""
        return self.run(SCAN, check=True, timeout=SCAN_LIMIT).text.splitlines()


def pick_engine(name: str | None) -> type[Engine]:
    name = name or os.environ.get("ENGINE")
    if not name:
        name = next((name for name, e in ENGINES.items() if not e.missing()), Bochs.name)
    if name not in ENGINES:
        raise EngineError(f"there is no engine {name!r}: choose from {', '.join(ENGINES)}")
    engine = ENGINES[name]
    missing = engine.missing()
    if missing:
        raise EngineError(f"the engine {name} cannot work here: {missing}")
    return engine


def end_of(text: str, lines: int) -> str:
    return "\n".join(text.splitlines()[-lines:])


def packed(name: str, content: bytes | Path) -> bytes:
    """A file as `agent unpack` reads it: pages of zeros are left out."""
    mode = 0o644
    if isinstance(content, Path):
        mode = stat.S_IMODE(content.stat().st_mode)
        content = content.read_bytes()
    pieces: list[tuple[int, int]] = []
    for offset in range(0, len(content), PAGE):
        page = content[offset : offset + PAGE]
        if not any(page):
            continue
        if pieces and pieces[-1][1] == offset and offset + PAGE - pieces[-1][0] <= PIECE_MAX:
            pieces[-1] = (pieces[-1][0], offset + len(page))
        else:
            pieces.append((offset, offset + len(page)))
    path = name.encode()
    parts = [FILE.pack(mode, len(path), len(pieces), len(content)), path]
    for start, end in pieces:
        parts += [PIECE.pack(start, end - start), content[start:end]]
    return b"".join(parts)
