# SPDX-License-Identifier: GPL-2.0-only
"""`make bench`: what a VM exit costs here, and what it costs in KVM, in the same machine."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import statistics
import struct
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from door.bench_picture import draw
from harness import image
from harness.engine import Kind, Vary
from harness.machine import Machine, pick_engine
from harness.paths import BUILD, ROOT
from harness.stage import Stage

CLIENT = ROOT / "tools/bench/client.c"
SAMPLES = 2000
# The client's status where a hypervisor has no answer to this guest.
NO_ANSWER = 3
# The first stage whose guest runs.
FIRST = "04"

# What is measured; the client knows each by its name.
MEASUREMENTS = {
    "exit-user": "an OUT, to user space and back",
    "exit-kernel": "a CPUID, answered in the kernel",
    "ioctl-null": "an ioctl that does nothing",
    "device-out": "an OUT to the 8259",
    "device-out-chips": "the same, KVM's in its kernel",
    "interrupt": "an interrupt, handler and EOI",
    "interrupt-chips": "the same, KVM's in its kernel",
    "tick": "a tick, from due to its handler",
}
# From which stage on there is something to measure.
SINCE = {"device-out": "10", "interrupt": "10", "tick": "11"}
# A row whose name ends so is our same figure, beside KVM's with its chips in the kernel.
CHIPS = "-chips"
# Guests in files of their own, by what they measure.
GUESTS = {
    "device-out": ("device.asm",),
    "interrupt": ("device.asm", "-DINTERRUPT"),
    "tick": ("tick.asm",),
}
# So many ticks of the timer are enough: they take their time.
MAX_TICKS = 500
MITIGATIONS = {"off": Vary.NOTHING, "auto": Vary.MITIGATED}


@dataclasses.dataclass(frozen=True)
class Ticks:
    """Of many samples: the median, and what the middle four fifths of them are between."""

    median: float
    low: float
    high: float

    @staticmethod
    def of(samples: Sequence[int]) -> Ticks:
        tenths = statistics.quantiles(samples, n=10, method="inclusive")
        return Ticks(statistics.median(samples), tenths[0], tenths[-1])


@dataclasses.dataclass(frozen=True)
class Row:
    """One measurement of one stage, and KVM's beside it."""

    name: str
    stage: str
    unit: str
    mitigations: str
    vtxdrv: Ticks | None  # None: the stage has no such thing
    kvm: Ticks

    @property
    def ratio(self) -> float | None:
        return round(self.vtxdrv.median / self.kvm.median, 3) if self.vtxdrv else None

    def as_json(self) -> dict[str, object]:
        return {
            "name": self.name,
            "stage": self.stage,
            "unit": self.unit,
            "mitigations": self.mitigations,
            "vtxdrv": self.vtxdrv and self.vtxdrv.median,
            "kvm": self.kvm.median,
            "ratio": self.ratio,
            "vtxdrv_spread": self.vtxdrv and [self.vtxdrv.low, self.vtxdrv.high],
            "kvm_spread": [self.kvm.low, self.kvm.high],
        }


def build_client(stage: Stage) -> Path:
    """For the ABI of this stage."""
    include = stage.folder / "include"
    program = BUILD / "bench" / f"client-{stage.number}"
    program.parent.mkdir(parents=True, exist_ok=True)
    models = stage.folder / "vtxctl"
    chip = models / "dev/i8259.c"
    flags = [f"-I{include}", f"-I{models}", f"-I{ROOT / 'common'}"]
    sources = [CLIENT]
    if chip.exists():
        sources.append(chip)
        flags.append("-DHAVE_I8259")
    image.run("gcc", "-O2", "-Wall", "-static", *flags, "-o", program, *sources)
    return program


def build_guest(name: str) -> Path:
    source, *flags = GUESTS[name]
    binary = BUILD / "bench" / f"{name}.bin"
    binary.parent.mkdir(parents=True, exist_ok=True)
    folder = f"-I{CLIENT.parent}/"
    image.run("nasm", "-f", "bin", folder, *flags, "-o", binary, CLIENT.parent / source)
    return binary


def late(data: bytes) -> list[int]:
    """How long after it was due each tick was taken: what tick.asm has sent.

    The clock of the timer and that of the CPU do not drift, so from the first tick to the last
    tells how many of the CPU's are between two.
    """
    begin, *times = struct.unpack(f"<{len(data) // 4}I", data)
    ticks = [(time - begin) & 0xFFFFFFFF for time in times]
    period = (ticks[-1] - ticks[0]) / (len(ticks) - 1)
    return [round(tick - period * number) for number, tick in enumerate(ticks, 1)]


def measure_ticks(machine: Machine, command: str, samples: int) -> Ticks:
    guest = bytearray(build_guest("tick").read_bytes())
    guest[2:4] = struct.pack("<H", samples)
    machine.put({"/bench/tick.bin": bytes(guest)})
    done = machine.run(command, timeout=300)
    if len(done.stdout) != 4 * (samples + 1):
        raise RuntimeError(f"{command} failed: {done.stderr.decode()}")
    return Ticks.of(late(done.stdout))


def measure(
    machine: Machine, folder: str, who: str, stage: str, samples: int
) -> dict[str, Ticks | None]:
    """All that this stage can show; `who` is "vtx", or, in the client of the last one, "kvm"."""
    result: dict[str, Ticks | None] = {}
    for row in MEASUREMENTS:
        name = row.removesuffix(CHIPS)
        result[row] = None
        if stage < SINCE.get(name, FIRST):
            continue
        if who == "vtx" and row != name:
            result[row] = result[name]
            continue
        program = f"{folder}/client {who}{'' if row == name else CHIPS}"
        if name == "tick":
            ticks = min(samples, MAX_TICKS)
            command = f"{folder}/vtxctl --mem 1M /bench/tick.bin"
            if who == "kvm":
                command = f"{folder}/client kvm-chips tick {ticks} /bench/tick.bin"
            result[row] = measure_ticks(machine, command, ticks)
            continue
        guest = f" /bench/{name}.bin" if name in GUESTS else ""
        done = machine.run(f"{program} {name} {samples}{guest}", timeout=300)
        if done.status == NO_ANSWER:
            continue
        if done.status:
            raise RuntimeError(f"{program} {name} failed: {done.stderr.decode()}")
        samples_taken = [int(word) for word in done.text.split()]
        if len(samples_taken) != samples:
            raise RuntimeError(f"{name}: {len(samples_taken)} samples, not {samples}")
        result[row] = Ticks.of(samples_taken)
    return result


@contextlib.contextmanager
def loaded(machine: Machine, stage: Stage) -> Iterator[None]:
    machine.run(f"insmod /bench/{stage.number}/vtxdrv.ko", check=True)
    yield
    machine.run("rmmod vtxdrv", check=True)


def measure_machine(
    mitigations: str,
    stages: Sequence[Stage],
    samples: int,
    engine: str | None,
    progress: Callable[[str], None],
) -> Iterator[Row]:
    """KVM and the stages, one after the other, in one machine that was booted for this."""
    unit = "instructions" if pick_engine(engine).name == "bochs" else "TSC ticks"
    with Machine.start(Kind.TEST, engine, progress, vary=MITIGATIONS[mitigations]) as machine:
        files: dict[str, bytes | Path] = {}
        for stage in stages:
            files[f"/bench/{stage.number}/vtxdrv.ko"] = stage.build_dir / "vtxdrv.ko"
            files[f"/bench/{stage.number}/vtxctl"] = stage.build_dir / "vtxctl"
            files[f"/bench/{stage.number}/client"] = build_client(stage)
        files |= {f"/bench/{name}.bin": build_guest(name) for name in GUESTS}
        machine.put(files)

        progress(f"mitigations={mitigations}: KVM")
        machine.load_kvm()
        newest = stages[-1].number
        kvm = measure(machine, f"/bench/{newest}", "kvm", newest, samples)
        machine.run("rmmod kvm_intel kvm irqbypass", check=True)
        for stage in stages:
            progress(f"mitigations={mitigations}: stage {stage.number}")
            with loaded(machine, stage):
                ours = measure(machine, f"/bench/{stage.number}", "vtx", stage.number, samples)
            for name in MEASUREMENTS:
                theirs = kvm[name]
                assert theirs
                if stage.number >= SINCE.get(name.removesuffix(CHIPS), FIRST):
                    yield Row(name, stage.number, unit, mitigations, ours[name], theirs)


def table(rows: Sequence[Row]) -> str:
    """For a terminal of 80 columns."""
    lines = []
    for mitigations in dict.fromkeys(row.mitigations for row in rows):
        lines += [
            f"With mitigations={mitigations}:",
            "",
            f"{'':32} {'stage':>5} {'median':>8} {'10 % to 90 %':>14} {'KVM':>6}  of KVM",
        ]
        for name, words in MEASUREMENTS.items():
            label = words
            for row in rows:
                if (row.name, row.mitigations) != (name, mitigations):
                    continue
                median = spread = ratio = "-"
                if row.vtxdrv:
                    median = f"{row.vtxdrv.median:.0f}"
                    spread = f"{row.vtxdrv.low:.0f} to {row.vtxdrv.high:.0f}"
                    ratio = f"{row.ratio:.0%}"
                kvm = f"{row.kvm.median:.0f}"
                lines.append(
                    f"{label:32} {row.stage:>5} {median:>8} {spread:>14} {kvm:>6} {ratio:>7}"
                )
                label = ""
        lines.append("")
    return "\n".join(lines)


UNITS = {
    "instructions": "The emulator counts instructions: a tick of its clock is one. All of them are"
    "\nthere, those of the system call and of the guest, too; how long each takes is not.",
    "TSC ticks": "Ticks of the processor's time-stamp counter.",
}


def bench(
    engine: str | None = None,
    samples: int = SAMPLES,
    folder: Path = BUILD,
    mitigations: Sequence[str] = tuple(MITIGATIONS),
    progress: Callable[[str], None] = lambda text: None,
) -> list[Row]:
    """Measure, print the table, and write bench.json and bench.svg into `folder`."""
    stages = [stage for stage in Stage.all() if stage.number >= FIRST]
    for stage in stages:
        stage.build()
    rows = [
        row
        for which in mitigations
        for row in measure_machine(which, stages, samples, engine, progress)
    ]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bench.json").write_text(json.dumps([row.as_json() for row in rows], indent=1) + "\n")
    (folder / "bench.svg").write_text(draw(rows, MEASUREMENTS))
    print(table(rows))
    print(UNITS[rows[0].unit])
    return rows
