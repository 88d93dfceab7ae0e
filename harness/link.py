# SPDX-License-Identifier: GPL-2.0-only
"""The line to the agent in the test machine: frames, jobs and flow control.

harness/l1/agent.c is the other side and tells which way carries what. One thread, the
pump, does all reading and writing; everybody else waits on one condition.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import selectors
import struct
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable

from harness.engine import Channel

# To the agent. Each frame belongs to a job.
EXEC = b"x"  # credit for output, terminal or not, rows, columns, shell command
INPUT = b"i"
INPUT_END = b"e"
SIGNAL = b"s"
WINDOW_SIZE = b"w"
CREDIT = b"c"  # so many bytes of output more
BULK = b"b"  # type and length of a frame whose payload is on the disc

# From the agent.
HELLO = b"H"  # it has just started
ACK = b"A"  # all bytes of the line that it has handled so far
STARTED = b"S"
OUTPUT = b"O"
ERRORS = b"E"
INPUT_CREDIT = b"C"
EXITED = b"X"  # 0 and a status, or 1 and a signal

HEADER = struct.Struct("<cBH")
EXEC_HEADER = struct.Struct("<IBHH")
NUMBER = struct.Struct("<I")
BULK_HEADER = struct.Struct("<cI")

# The agent's serial port drops what its FIFO of 16 bytes cannot hold.
LINE_WINDOW = 16
# A longer payload is quicker on the disc.
INLINE_MAX = 48
BULK_MAX = 1 << 20
INPUT_WINDOW = 1 << 20
OUTPUT_WINDOW = 1 << 18
JOBS_MAX = 256
HOUSEKEEPING = 10.0  # seconds

# The agent's bytes come one by one. Those of a long frame are left to gather for a moment:
# to wake for each would take the CPU that the engine needs.
COLLECT_ABOVE = 128
COLLECT_SECONDS = 0.002

# The last that a kernel prints when it cannot go on.
PANIC = b"---[ end Kernel panic"


class Lost(Exception):
    """The test machine ended, started anew or crashed while somebody waited for it."""


class TimedOut(Exception):
    """What was waited for did not come in time."""


@dataclasses.dataclass(eq=False)
class JobState:
    """One job as the pump sees it. All under Link.changed."""

    number: int
    stream: bool
    output: bytearray = dataclasses.field(default_factory=bytearray)
    errors: bytearray = dataclasses.field(default_factory=bytearray)
    input: deque[bytes] = dataclasses.field(default_factory=deque)
    input_ends: bool = False
    input_credit: int = INPUT_WINDOW
    output_owed: int = 0  # taken, but not yet given back as credit
    started: float | None = None
    status: int | None = None  # as a shell says it: 128 + n for signal n
    lost: str | None = None


class Link:
    """Speaks to the agent until the machine ends."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self.changed = threading.Condition()
        self.kernel_log = bytearray()
        self.dead: str | None = None
        self.booted = False
        self.patience = 1.0  # limits of time are to be multiplied by it
        self._jobs: dict[int, JobState] = {}
        self._frames: deque[tuple[bytes, int, bytes]] = deque()
        self._line = b""  # of the frame that is being sent
        self._sent = 0
        self._acked = 0
        self._received = bytearray()
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_write, False)
        self._wakers = contextlib.ExitStack()
        self._wakers.callback(os.close, self._wake_read)
        self._wakers.callback(os.close, self._wake_write)
        self._pump = threading.Thread(target=self._run, name="link", daemon=True)
        self._pump.start()

    @property
    def process(self) -> subprocess.Popen[bytes]:
        return self._channel.process

    def close(self) -> None:
        """To be called while the engine still holds its descriptors open. May be called twice."""
        with self.changed:
            self.dead = self.dead or "the test machine was stopped"
        self._wake()
        self._pump.join()
        self._wakers.close()

    # For Machine and Job

    def wait_for(self, happened: Callable[[], bool], timeout: float | None) -> None:
        """Wait, holding `changed`. Raises TimedOut, or Lost when the machine has ended."""
        limit = None if timeout is None else time.monotonic() + timeout
        while not happened():
            if self.dead:
                raise Lost(self.dead)
            left = None if limit is None else limit - time.monotonic()
            if left is not None and left <= 0:
                raise TimedOut
            self.changed.wait(left)

    def start_job(
        self, command: str, tty: tuple[int, int] | None = None, stream: bool = False
    ) -> JobState:
        with self.changed:
            free = (n for n in range(JOBS_MAX) if n not in self._jobs)
            job = JobState(next(free), stream)
            self._jobs[job.number] = job
            rows, columns = tty or (0, 0)
            header = EXEC_HEADER.pack(OUTPUT_WINDOW, tty is not None, rows, columns)
            self._send(EXEC, job, header + command.encode())
        return job

    def write(self, job: JobState, data: bytes) -> None:
        with self.changed:
            for start in range(0, len(data), BULK_MAX):
                job.input.append(data[start : start + BULK_MAX])
        self._wake()

    def end_input(self, job: JobState) -> None:
        with self.changed:
            job.input_ends = True
        self._wake()

    def signal(self, job: JobState, number: int) -> None:
        with self.changed:
            self._send(SIGNAL, job, bytes([number]))

    def resize(self, job: JobState, rows: int, columns: int) -> None:
        with self.changed:
            self._send(WINDOW_SIZE, job, struct.pack("<HHHH", rows, columns, 0, 0))

    def forget_log(self) -> None:
        with self.changed:
            self.kernel_log.clear()

    def taken(self, job: JobState, length: int) -> None:
        """So much of the output has found its reader; the job may write as much again."""
        job.output_owed += length
        if job.output_owed >= OUTPUT_WINDOW // 2 and job.status is None:
            self._send(CREDIT, job, NUMBER.pack(job.output_owed))
            job.output_owed = 0

    # The pump

    def _send(self, kind: bytes, job: JobState, payload: bytes) -> None:
        if job.status is None and not job.lost:
            self._frames.append((kind, job.number, payload))
            self._wake()

    def _wake(self) -> None:
        # A full pipe wakes as well, and a pump that has ended needs no waking.
        if self._pump.is_alive():
            with contextlib.suppress(BlockingIOError):
                os.write(self._wake_write, b".")

    def _run(self) -> None:
        channel = self._channel
        ended = os.pidfd_open(channel.process.pid)
        selector = selectors.DefaultSelector()
        readers: dict[int, Callable[[bytes], None]] = {
            self._wake_read: lambda data: None,
            channel.from_agent: self._take,
            channel.kernel_log: self._take_kernel_log,
        }
        for drain in channel.drains:
            readers[drain] = lambda data: None
        for descriptor in [*readers, ended]:
            selector.register(descriptor, selectors.EVENT_READ)
        collecting = False
        try:
            while not self.dead:
                if collecting != (self._missing() > COLLECT_ABOVE):
                    collecting = not collecting
                    if collecting:
                        selector.unregister(channel.from_agent)
                    else:
                        selector.register(channel.from_agent, selectors.EVENT_READ)
                limit = COLLECT_SECONDS if collecting else HOUSEKEEPING
                ready = {key.fd for key, _ in selector.select(limit)}
                if collecting:
                    ready.add(channel.from_agent)
                channel.now_and_then()
                with self.changed:
                    taken = 0
                    for descriptor in ready - {ended}:
                        data = read_some(descriptor)
                        taken += len(data)
                        readers[descriptor](data)
                    if ended in ready and not taken:
                        self.dead = "the engine has ended"
                    self._write()
                    self.changed.notify_all()
        except Exception as error:  # pylint: disable=broad-except
            with self.changed:
                self.dead = f"the harness failed: {error!r}"
                self.changed.notify_all()
        finally:
            selector.close()
            os.close(ended)

    def _missing(self) -> int:
        """How many bytes the frame lacks that has begun to come."""
        if len(self._received) < HEADER.size:
            return 0
        length = HEADER.unpack_from(self._received)[2]
        return HEADER.size + length - len(self._received)

    def _write(self) -> None:
        while True:
            if not self._line:
                frame = self._next_frame()
                if not frame:
                    return
                kind, number, payload = frame
                if self._is_long(payload):
                    assert self._channel.disc
                    with open(self._channel.disc, "r+b") as disc:
                        disc.write(payload)
                    payload = BULK_HEADER.pack(kind, len(payload))
                    kind = BULK
                self._line = HEADER.pack(kind, number, len(payload)) + payload
            room = LINE_WINDOW - (self._sent - self._acked)
            if not room:
                return
            written = os.write(self._channel.to_agent, self._line[:room])
            self._line = self._line[written:]
            self._sent += written

    def _is_long(self, payload: bytes) -> bool:
        return self._channel.disc is not None and len(payload) > INLINE_MAX

    def _next_frame(self) -> tuple[bytes, int, bytes] | None:
        """Commands first. A long frame waits until the agent has read the last from the disc."""
        idle = self._sent == self._acked
        if self._frames:
            if self._is_long(self._frames[0][2]) and not idle:
                return None
            return self._frames.popleft()
        for job in self._jobs.values():
            if job.input and job.input_credit:
                data = job.input.popleft()
                room = job.input_credit
                if self._is_long(data) and not idle:
                    job.input.appendleft(data)
                    return None
                if len(data) > room:
                    job.input.appendleft(data[room:])
                    data = data[:room]
                job.input_credit -= len(data)
                return INPUT, job.number, data
            if job.input_ends and not job.input:
                job.input_ends = False
                return INPUT_END, job.number, b""
        return None

    def _take_kernel_log(self, data: bytes) -> None:
        self.kernel_log += data
        if PANIC in self.kernel_log[-len(data) - len(PANIC) :]:
            self.dead = "its kernel panicked"

    def _take(self, data: bytes) -> None:
        self._received += data
        used = 0
        while len(self._received) - used >= HEADER.size:
            kind, number, length = HEADER.unpack_from(self._received, used)
            end = used + HEADER.size + length
            if len(self._received) < end:
                break
            self._handle(kind, number, bytes(self._received[used + HEADER.size : end]))
            used = end
        del self._received[:used]

    def _handle(self, kind: bytes, number: int, payload: bytes) -> None:
        if kind == HELLO:
            self._start_anew()
        elif kind == ACK:
            # The agent's number starts again at 4 GiB, but so much never is under way.
            behind = (self._sent - NUMBER.unpack(payload)[0]) % (1 << 32)
            self._acked = self._sent - behind
        else:
            self._handle_job(kind, self._jobs[number], payload)

    def _handle_job(self, kind: bytes, job: JobState, payload: bytes) -> None:
        if kind == STARTED:
            job.started = time.monotonic()
        elif kind in (OUTPUT, ERRORS):
            (job.output if kind == OUTPUT else job.errors).extend(payload)
            if not job.stream:
                self.taken(job, len(payload))
        elif kind == INPUT_CREDIT:
            job.input_credit += NUMBER.unpack(payload)[0]
        elif kind == EXITED:
            by_signal, number = payload
            job.status = 128 + number if by_signal else number
            del self._jobs[job.number]
        else:
            raise ValueError(f"the agent sent a frame of unknown type {kind!r}")

    def _start_anew(self) -> None:
        """The agent is new: what was under way is lost."""
        self.booted = True
        for job in self._jobs.values():
            job.lost = "the test machine has booted anew"
        self._jobs.clear()
        self._frames.clear()
        self._line = b""
        self._sent = self._acked = 0


def read_some(descriptor: int) -> bytes:
    with contextlib.suppress(BlockingIOError):
        return os.read(descriptor, 65536)
    return b""
