# SPDX-License-Identifier: GPL-2.0-only
"""What a test machine runs in: the one interface that every engine offers."""

from __future__ import annotations

import abc
import dataclasses
import enum
import subprocess
from collections.abc import Callable
from pathlib import Path

Progress = Callable[[str], None]


def no_progress(text: str) -> None:
    """For callers that show nothing."""


class Kind(enum.Enum):
    """What a machine is for."""

    TEST = "test"  # one CPU; its clock runs as fast as it can
    PEOPLE = "people"  # one CPU; a second is a second
    SMP = "smp"  # two CPUs, for tests of concurrency: slow
    HOST = "host"  # KVM is loaded, and QEMU is there: it runs a test machine of its own


class Vary(enum.Enum):
    """Machines with one thing that is different; on most of them VMX must be refused."""

    NOTHING = "nothing"
    MITIGATED = "mitigated"  # its kernel guards against the processor's faults, as by default
    NO_VMX = "no-vmx"  # CPUID does not offer it
    LOCKED = "locked"  # IA32_FEATURE_CONTROL: locked, VMXON not allowed
    UNLOCKED = "unlocked"  # IA32_FEATURE_CONTROL: zero, as firmware may leave it


class EngineError(Exception):
    """The engine did not do what was asked; the message says what to do."""


class NotOffered(EngineError):
    """This engine has no such machine; another one has."""


@dataclasses.dataclass
class Channel:
    """The ends of a started machine that the harness holds.

    All descriptors are open and belong to the engine, which closes them in stop().
    """

    process: subprocess.Popen[bytes]
    to_agent: int
    from_agent: int
    kernel_log: int
    # What the agent sees as its second CD-ROM, read anew at each access; None: it has none.
    disc: Path | None
    # Outputs that nobody wants, but that must be read to keep the engine going.
    drains: list[int]
    # Whether the agent waits already, as after a restore. Else it says HELLO when it does.
    ready: bool
    # The engine's housekeeping, to be called every few seconds.
    now_and_then: Callable[[], None]


class Engine(abc.ABC):
    """One test machine in one emulator."""

    name: str
    # Ticks of its clock in the time in which it runs one instruction, at most.
    ticks_per_instruction = 1

    @staticmethod
    @abc.abstractmethod
    def missing() -> str | None:
        """What this computer lacks for the engine, as a sentence; None if nothing."""

    @abc.abstractmethod
    def start(self, kind: Kind, vary: Vary, progress: Progress) -> Channel:
        """Start the machine."""

    @abc.abstractmethod
    def pause(self) -> None:
        """Stop the machine's time."""

    @abc.abstractmethod
    def resume(self) -> None:
        """Let it go on."""

    @abc.abstractmethod
    def log(self) -> str:
        """The end of what the engine itself had to say."""

    @abc.abstractmethod
    def stop(self) -> None:
        """End the machine and take away all that it left. May be called twice."""
