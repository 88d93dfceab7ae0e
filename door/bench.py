# SPDX-License-Identifier: GPL-2.0-only
"""`make bench`: what a VM exit costs here, and what it costs in KVM, in the same machine."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import statistics
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
}
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
    image.run("gcc", "-O2", "-Wall", "-static", f"-I{include}", "-o", program, CLIENT)
    return program


def measure(machine: Machine, client: str, who: str, samples: int) -> dict[str, Ticks | None]:
    result: dict[str, Ticks | None] = {}
    for name in MEASUREMENTS:
        done = machine.run(f"{client} {who} {name} {samples}", timeout=300)
        if done.status == NO_ANSWER:
            result[name] = None
            continue
        if done.status:
            raise RuntimeError(f"{client} {who} {name} failed: {done.stderr.decode()}")
        ticks = [int(word) for word in done.text.split()]
        if len(ticks) != samples:
            raise RuntimeError(f"{name}: {len(ticks)} samples, not {samples}")
        result[name] = Ticks.of(ticks)
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
            files[f"/bench/{stage.number}/client"] = build_client(stage)
        machine.put(files)

        progress(f"mitigations={mitigations}: KVM")
        machine.load_kvm()
        kvm = measure(machine, f"/bench/{stages[-1].number}/client", "kvm", samples)
        machine.run("rmmod kvm_intel kvm irqbypass", check=True)
        for stage in stages:
            progress(f"mitigations={mitigations}: stage {stage.number}")
            with loaded(machine, stage):
                ours = measure(machine, f"/bench/{stage.number}/client", "vtx", samples)
            for name in MEASUREMENTS:
                yield Row(name, stage.number, unit, mitigations, ours[name], kvm[name])


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
