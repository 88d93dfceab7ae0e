# SPDX-License-Identifier: GPL-2.0-only
"""The qemu engine: Linux's own KVM, on a computer that has VT-x and lets guests use it.

A machine boots anew each time: with the kernel given by hand that takes KVM about as long
as Bochs takes to restore one.
"""

from __future__ import annotations

import dataclasses
import os
import subprocess
from pathlib import Path

from harness import image
from harness.emulator import Emulator
from harness.engine import Channel, Kind, NotOffered, Progress, Vary
from harness.paths import KERNEL

QEMU = Path("/usr/bin/qemu-system-x86_64")
DEVICE = Path("/dev/kvm")
MODULE = Path("/sys/module/kvm_intel")
NESTED = MODULE / "parameters/nested"

MEGABYTES = 512 if KERNEL else 256
DISC_SIZE = 1 << 20
CPUS = {Kind.SMP: 2}

# Bochs' clock is no clock that this machine should believe in.
NOT_HERE = ("tsc_early_khz=50000", "tsc=reliable")


@dataclasses.dataclass(frozen=True)
class Files:
    """What QEMU reads and writes: names as QEMU shall see them."""

    kernel: str
    initramfs: str
    disc: str  # what the agent sees as its second CD-ROM
    kernel_log: str
    line: str  # two pipes, `line`.in and `line`.out
    from_agent: str


def command(
    files: Files,
    kind: Kind = Kind.TEST,
    vary: Vary = Vary.NOTHING,
    accel: str = "kvm",
    megabytes: int = MEGABYTES,
) -> list[str]:
    """How QEMU is called, whoever calls it."""
    cpu = "host" if accel == "kvm" else "max"
    if vary is Vary.NO_VMX:
        cpu += ",-vmx"
    elif vary in (Vary.LOCKED, Vary.UNLOCKED):
        # Its firmware writes the register and locks it; a guest cannot undo that.
        raise NotOffered(f"the engine qemu has no machine with VMX {vary.value}: use bochs")
    if kind is Kind.HOST:
        raise NotOffered("the engine qemu is not made to run itself: use bochs")
    words = [
        *(str(QEMU), "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"),
        *(
            "-accel",
            accel,
            "-cpu",
            cpu,
            "-M",
            "pc",
            "-m",
            str(megabytes),
            "-smp",
            str(CPUS.get(kind, 1)),
        ),
        *("-kernel", files.kernel, "-initrd", files.initramfs),
        *("-append", kernel_command_line(vary)),
        *("-chardev", f"file,id=log,path={files.kernel_log}", "-serial", "chardev:log"),
        # The agent listens at this serial port, and answers at the parallel one.
        *("-chardev", f"pipe,id=line,path={files.line}"),
        *("-serial", "chardev:line"),
        *("-chardev", f"file,id=agent,path={files.from_agent}", "-parallel", "chardev:agent"),
    ]
    # Where the harness looks for it: as the slave of the first IDE port.
    words += ["-device", "ide-cd,bus=ide.0,unit=0"]
    words += ["-drive", f"file={files.disc},format=raw,if=none,id=disc,readonly=on"]
    return [*words, "-device", "ide-cd,bus=ide.0,unit=1,drive=disc"]


def kernel_command_line(vary: Vary) -> str:
    line = image.KERNEL_COMMAND_LINE
    if vary is Vary.MITIGATED:
        line = image.MITIGATED_COMMAND_LINE
    return " ".join(word for word in line.split() if word not in NOT_HERE)


class Qemu(Emulator):
    name = "qemu"
    log_name = "qemu.log"
    ticks_per_instruction = 100

    def __init__(self, accel: str = "kvm") -> None:
        """`accel`: "tcg", which has no VT-x, only to try the engine itself."""
        super().__init__()
        self._accel = accel

    @staticmethod
    def missing() -> str | None:
        if not QEMU.exists():
            return "Debian's qemu-system-x86 not installed: run `make setup`"
        if not DEVICE.exists():
            return "there is no /dev/kvm"
        if not os.access(DEVICE, os.R_OK | os.W_OK):
            return "you may not open /dev/kvm: run `adduser $USER kvm` as root, and log in again"
        if not MODULE.exists():
            return "KVM uses no VT-x here (kvm_intel is not loaded)"
        if NESTED.read_text().strip() not in ("Y", "1"):
            return (
                "KVM lets no guest use VT-x: run `modprobe -r kvm_intel && "
                "modprobe kvm_intel nested=1` as root, while no virtual machine runs"
            )
        return None

    def start(self, kind: Kind, vary: Vary, progress: Progress) -> Channel:
        folder = self._new_folder()
        built = image.build(progress)
        with open(folder / "disc", "wb") as payload:
            payload.truncate(DISC_SIZE)
        files = Files(
            kernel=str(built / "vmlinuz"),
            initramfs=str(built / "initramfs"),
            disc="disc",
            kernel_log="kernel.log",
            line="line",
            from_agent="agent.out",
        )
        words = command(files, kind, vary, self._accel)
        kernel_log = self._fifo(folder / files.kernel_log)
        to_agent = self._fifo(folder / "line.in")
        nothing = self._fifo(folder / "line.out")
        from_agent = self._fifo(folder / files.from_agent)
        with open(folder / self.log_name, "wb") as log:
            process = self._spawn(
                words, {}, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        return Channel(
            process=process,
            to_agent=to_agent,
            from_agent=from_agent,
            kernel_log=kernel_log,
            disc=folder / "disc",
            drains=[nothing],
            ready=False,
            now_and_then=lambda: None,
        )
