# SPDX-License-Identifier: GPL-2.0-only
"""The qemu engine where there is no KVM: inside a test machine of the bochs engine.

Bochs emulates VT-x; in it runs Linux with KVM; in that runs QEMU, called as harness/qemu.py
calls it; and in that the same test machine as ever, with an agent that speaks to us through
both. It proves the engine, and that VTXDRV gets along with a VT-x that KVM imitates.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import threading

from harness import qemu
from harness.engine import Channel, Engine, Kind, Progress, Vary
from harness.machine import Job, Machine, MachineError

HOME = "/l2"
MEGABYTES = 224


class Nested(Engine):
    name = "nested"
    # Each instruction of the guest that KVM must imitate is thousands here.
    ticks_per_instruction = 1000

    def __init__(self, more_initramfs: bytes = b"") -> None:
        """`more_initramfs`: an archive (newc) of files that the machine is to have."""
        self._more = more_initramfs
        self._host: Machine | None = None
        self._qemu: Job | None = None
        self._open = contextlib.ExitStack()
        self._last_log = ""

    @staticmethod
    def missing() -> str | None:
        return None if qemu.QEMU.exists() else "Debian's qemu-system-x86 is not installed"

    def start(self, kind: Kind, vary: Vary, progress: Progress) -> Channel:
        host = self._host = Machine.start(Kind.HOST, "bochs", progress)
        files = qemu.Files(
            kernel="vmlinuz",
            initramfs="initrd",
            disc="disc",
            kernel_log="kernel.log",
            line="line",
            from_agent="agent.out",
        )
        host.put({f"{HOME}/more": self._more})
        pipes = (files.kernel_log, files.from_agent, f"{files.line}.in", f"{files.line}.out")
        # The disc stays empty: we could not rewrite it in time.
        prepare = f"cat initramfs more >initrd; truncate -s {qemu.DISC_SIZE} {files.disc}"
        host.run(f"cd {HOME} && {prepare} && mkfifo {' '.join(pipes)}", check=True)

        words = qemu.command(files, kind, vary, megabytes=MEGABYTES)
        line = host.spawn(f"exec cat >{HOME}/line.in")
        to_agent, theirs = self._pipe()
        threading.Thread(target=give, args=(theirs, line), daemon=True).start()
        from_agent = self._stream(host, files.from_agent)
        kernel_log = self._stream(host, files.kernel_log)
        nothing = self._stream(host, f"{files.line}.out")
        progress("starting QEMU inside the test machine")
        self._qemu = host.spawn(f"cd {HOME} && exec {shlex.join(words)}")
        process = host.process
        threading.Thread(target=self._watch, daemon=True).start()
        return Channel(
            process=process,
            to_agent=to_agent,
            from_agent=from_agent,
            kernel_log=kernel_log,
            disc=None,
            drains=[nothing],
            ready=False,
            now_and_then=lambda: None,
        )

    def _pipe(self) -> tuple[int, int]:
        """Our end for the harness, which is never waited for, and theirs for a thread."""
        theirs, ours = os.pipe()
        os.set_blocking(ours, False)
        for end in (ours, theirs):
            self._open.callback(os.close, end)
        return ours, theirs

    def _stream(self, host: Machine, name: str) -> int:
        job = host.spawn(f"exec cat {HOME}/{name}", stream=True)
        ours, theirs = os.pipe()
        os.set_blocking(ours, False)
        for end in (ours, theirs):
            self._open.callback(os.close, end)
        threading.Thread(target=take, args=(job, theirs), daemon=True).start()
        return ours

    def _watch(self) -> None:
        """Without QEMU there is nothing to wait for: end its host, and everybody hears of it."""
        assert self._qemu and self._host
        with contextlib.suppress(MachineError, OSError):
            self._qemu.wait(timeout=None)
            self.log()
            self._host.process.kill()

    def pause(self) -> None:
        assert self._host
        self._host.pause()

    def resume(self) -> None:
        assert self._host
        self._host.resume()

    def log(self) -> str:
        """What QEMU said, and then what Bochs did."""
        if self._qemu and self._host:
            said = (self._qemu.output + self._qemu.errors).decode(errors="replace")
            self._last_log = f"{said}{self._host.engine_log()}"
        return self._last_log

    def stop(self) -> None:
        self.log()
        if self._host:
            self._host.stop()
            self._host = None
        self._open.close()


def give(source: int, job: Job) -> None:
    """What the harness sends, on its way into the machine."""
    with contextlib.suppress(MachineError, OSError):
        while data := os.read(source, 4096):
            job.write(data)


def take(job: Job, sink: int) -> None:
    """What comes out of the machine, on its way to the harness."""
    status = None
    with contextlib.suppress(MachineError, OSError):
        while status is None:
            output, _, status = job.take()
            if output:
                os.write(sink, output)
