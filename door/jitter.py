# SPDX-License-Identifier: GPL-2.0-only
"""`make jitter`: how steady is the guest's clock? The same guest, before and after a move."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import json
import statistics
import struct
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from door.jitter_picture import draw
from harness import image
from harness.engine import Kind
from harness.machine import Machine
from harness.paths import BUILD, ROOT
from harness.stage import Stage

GUEST = ROOT / "tools/bench/tick.asm"
COUNT = 11932  # of the timer's clock, for a tick
CLOCK = 1193182
PERIOD = COUNT / CLOCK * 1e6  # microseconds
TICKS = 300
# The timer on a thread of VTXCTL; the controllers in VTXDRV; the timer, too.
STAGES = ("11", "12", "13")
DRAWN = ("11", "13")
# What else the machine does meanwhile, on its one CPU.
BESIDE = {"idle": "", "busy": "while :; do :; done"}
BESIDE_WORDS = {"idle": "nothing else runs", "busy": "beside a busy program"}


@dataclasses.dataclass(frozen=True)
class Run:
    """How far each distance between two ticks is from what it should be, in microseconds."""

    stage: str
    beside: str
    off: tuple[float, ...]

    def figures(self) -> dict[str, float]:
        """Whether too long or too short."""
        sizes = sorted(map(abs, self.off))
        last = min(len(sizes) - 1, round(len(sizes) * 0.99))
        return {"median": statistics.median(sizes), "99 %": sizes[last], "worst": sizes[-1]}


def distances(data: bytes) -> tuple[float, ...]:
    """What tick.asm has sent: the CPU's clock as the timer was set, then at each tick.

    The clocks do not drift, so from the first tick to the last tells how fast the CPU's is.
    """
    _, *times = struct.unpack(f"<{len(data) // 4}I", data)
    steps = [(after - before) & 0xFFFFFFFF for before, after in itertools.pairwise(times)]
    period = sum(steps) / len(steps)
    return tuple((step / period - 1) * PERIOD for step in steps)


def build_guest(ticks: int) -> bytes:
    binary = BUILD / "jitter" / "tick.bin"
    binary.parent.mkdir(parents=True, exist_ok=True)
    folder = f"-I{GUEST.parent}/"
    image.run("nasm", "-f", "bin", folder, f"-DCOUNT={COUNT}", "-o", binary, GUEST)
    guest = bytearray(binary.read_bytes())
    guest[2:4] = struct.pack("<H", ticks)
    return bytes(guest)


@contextlib.contextmanager
def company(machine: Machine, command: str) -> Iterator[None]:
    """A program that runs beside."""
    if not command:
        yield
        return
    job = machine.spawn(f"exec sh -c {command!r}")
    yield
    job.signal(9)
    job.wait()


def measure(
    engine: str | None, ticks: int, beside: Sequence[str], progress: Callable[[str], None]
) -> Iterator[Run]:
    stages = [Stage.find(number) for number in STAGES]
    for stage in stages:
        stage.build()
    with Machine.start(Kind.TEST, engine, progress) as machine:
        files: dict[str, bytes | Path] = {"/jitter/tick.bin": build_guest(ticks)}
        for stage in stages:
            files[f"/jitter/{stage.number}/vtxdrv.ko"] = stage.build_dir / "vtxdrv.ko"
            files[f"/jitter/{stage.number}/vtxctl"] = stage.build_dir / "vtxctl"
        machine.put(files)
        for stage in stages:
            folder = f"/jitter/{stage.number}"
            machine.run(f"insmod {folder}/vtxdrv.ko", check=True)
            for name in beside:
                progress(f"stage {stage.number}, {BESIDE_WORDS[name]}")
                with company(machine, BESIDE[name]):
                    command = f"{folder}/vtxctl --mem 1M /jitter/tick.bin"
                    done = machine.run(command, timeout=300)
                if len(done.stdout) != 4 * (ticks + 1):
                    raise RuntimeError(f"{command} failed: {done.stderr.decode()}")
                yield Run(stage.number, name, distances(done.stdout))
            machine.run("rmmod vtxdrv", check=True)


def table(runs: Sequence[Run]) -> str:
    """For a terminal."""
    lines = [
        f"A tick is due each {PERIOD:.0f} us. How far from that is the distance of two, in us:",
        "",
        f"{'':24} {'stage':>5} {'median':>8} {'99 %':>8} {'worst':>8}",
    ]
    for name in dict.fromkeys(run.beside for run in runs):
        label = BESIDE_WORDS[name]
        for run in runs:
            if run.beside == name:
                numbers = " ".join(f"{number:8.1f}" for number in run.figures().values())
                lines.append(f"{label:24} {run.stage:>5} {numbers}")
                label = ""
    return "\n".join(lines)


def jitter(
    engine: str | None = None,
    ticks: int = TICKS,
    folder: Path = BUILD,
    beside: Sequence[str] = tuple(BESIDE),
    progress: Callable[[str], None] = lambda text: None,
) -> list[Run]:
    """Measure, print the table, and write jitter.json and jitter.svg into `folder`."""
    runs = list(measure(engine, ticks, beside, progress))
    folder.mkdir(parents=True, exist_ok=True)
    found = [dataclasses.asdict(run) | run.figures() for run in runs]
    (folder / "jitter.json").write_text(json.dumps(found, indent=1) + "\n")
    (folder / "jitter.svg").write_text(draw([run for run in runs if run.stage in DRAWN]))
    print(table(runs))
    return runs
