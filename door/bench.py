# SPDX-License-Identifier: GPL-2.0-only
"""`make bench`: what a VM exit costs here, and what it costs in KVM, in the same machine."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import statistics
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
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


@dataclasses.dataclass(frozen=True)
class Path:
    """What lies on the way besides us: neither we nor KVM can make it any shorter."""

    calls: int = 0  # system calls, or trips to user space and back
    wakes: int = 0  # threads that the scheduler wakes up


@dataclasses.dataclass(frozen=True)
class Measurement:
    words: str
    client: str  # how the client calls it
    ours: Mapping[str, Path]  # from which stage on it goes which way
    kvm: Path = Path()
    kvm_chips: bool = False  # KVM has its chips in the kernel
    guest: tuple[str, ...] = ()  # in a file of its own

    @property
    def since(self) -> str:
        return min(self.ours)

    def path(self, stage: str) -> Path:
        return self.ours[max(since for since in self.ours if since <= stage)]


USER, WAKE, NOTHING = Path(calls=1), Path(wakes=1), Path()
DEVICE_OUT = ("device.asm",)
UART_OUT = ("device.asm", "-DUART_OUT")
INTERRUPT = ("device.asm", "-DINTERRUPT")
EOI = ("device.asm", "-DEOI")
IRQ_LINE = ("device.asm", "-DIRQ_LINE")
HALTS = ("tick.asm", "-DHALTS")
TICK = ("tick.asm",)

# A trip for the EOI until stage 11, one for each line to pull, and the ioctl that does it.
INTERRUPT_PATHS = {"10": Path(calls=3), "12": Path(calls=2)}
# Stages 11 and 12 have a thread for the timer. It signals to the vCPU's, or pulls the line.
HALTS_PATHS = {"11": Path(3, 2), "12": Path(1, 2), "13": WAKE}
TICK_PATHS = {"11": Path(3, 1), "12": WAKE, "13": NOTHING}

MEASUREMENTS = {
    "exit-user": Measurement("an OUT, to user space and back", "exit-user", {"04": USER}, USER),
    "exit-kernel": Measurement("a CPUID, answered in the kernel", "exit-kernel", {"04": NOTHING}),
    "ioctl-null": Measurement("an ioctl that does nothing", "ioctl-null", {"04": USER}, USER),
    "wake-up": Measurement(
        "a sleeping thread, from its time to when it runs", "wake-up", {"11": WAKE}, WAKE
    ),
    "device-out": Measurement(
        "an OUT to the 8259, KVM's in user space",
        "device-out",
        {"10": USER, "12": NOTHING},
        USER,
        guest=DEVICE_OUT,
    ),
    "pic-out": Measurement(
        "an OUT to the 8259, KVM's in its kernel",
        "device-out",
        {"10": USER, "12": NOTHING},
        kvm_chips=True,
        guest=DEVICE_OUT,
    ),
    "eoi": Measurement(
        "an EOI, KVM's 8259 in its kernel",
        "eoi",
        {"12": NOTHING},
        kvm_chips=True,
        guest=EOI,
    ),
    "uart-out": Measurement(
        "an OUT to the serial port, KVM's in user space",
        "uart-out",
        {"14": NOTHING},
        USER,
        kvm_chips=True,
        guest=UART_OUT,
    ),
    "irq-line": Measurement(
        "an ioctl that pulls a line",
        "irq-line",
        {"12": USER},
        USER,
        kvm_chips=True,
        guest=IRQ_LINE,
    ),
    "interrupt": Measurement(
        "interrupt, handler and EOI, KVM's 8259 in user space",
        "interrupt",
        INTERRUPT_PATHS,
        Path(calls=3),
        guest=INTERRUPT,
    ),
    "interrupt-chips": Measurement(
        "interrupt, handler and EOI, KVM's 8259 in its kernel",
        "interrupt",
        INTERRUPT_PATHS,
        Path(calls=2),
        kvm_chips=True,
        guest=INTERRUPT,
    ),
    "hlt-wake": Measurement(
        "a HLT that the timer ends: from due to the handler",
        "tick",
        HALTS_PATHS,
        Path(wakes=2),  # a thread of its own for the timer, and the vCPU's
        kvm_chips=True,
        guest=HALTS,
    ),
    "tick": Measurement(
        "a tick while the guest works: from due to the handler",
        "tick",
        TICK_PATHS,
        WAKE,
        kvm_chips=True,
        guest=TICK,
    ),
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
    # What a system call, and to be woken up, cost by themselves in the same run.
    call: float = 0
    wake: float = 0

    @property
    def ratio(self) -> float | None:
        return round(self.vtxdrv.median / self.kvm.median, 3) if self.vtxdrv else None

    @property
    def paths(self) -> tuple[Path, Path]:
        measurement = MEASUREMENTS[self.name]
        return measurement.path(self.stage), measurement.kvm

    @property
    def own(self) -> tuple[float, float] | None:
        """Ours and KVM's, less what lies on the way. None where there is nothing else."""
        if not self.vtxdrv or self.name in ("ioctl-null", "wake-up"):
            return None
        medians = self.vtxdrv.median, self.kvm.median
        ours, kvm = (
            median - path.calls * self.call - path.wakes * self.wake
            for median, path in zip(medians, self.paths)
        )
        return ours, kvm

    @property
    def own_ratio(self) -> float | None:
        return round(self.own[0] / self.own[1], 3) if self.own else None

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
            "calls": [path.calls for path in self.paths],
            "wakes": [path.wakes for path in self.paths],
            "own": self.own,
            "own_ratio": self.own_ratio,
        }


def build_client(stage: Stage) -> Path:
    """For the ABI of this stage."""
    include = stage.folder / "include"
    program = BUILD / "bench" / f"client-{stage.number}"
    program.parent.mkdir(parents=True, exist_ok=True)
    flags = [f"-I{include}", f"-I{ROOT / 'common'}"]
    sources = [CLIENT]
    for chip in stage.folder.glob("vtx*/dev/i8259.c"):
        sources.append(chip)
        flags += [f"-I{chip.parent.parent}", "-DHAVE_I8259"]
    image.run("gcc", "-O2", "-Wall", "-static", "-pthread", *flags, "-o", program, *sources)
    return program


def build_guest(name: str, guest: tuple[str, ...]) -> Path:
    source, *flags = guest
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


def measure_ticks(machine: Machine, command: str, name: str, samples: int) -> Ticks:
    guest = bytearray(build_guest(name, MEASUREMENTS[name].guest).read_bytes())
    guest[2:4] = struct.pack("<H", samples)
    machine.put({f"/bench/{name}.bin": bytes(guest)})
    done = machine.run(command, timeout=300)
    if len(done.stdout) != 4 * (samples + 1):
        raise RuntimeError(f"{command} failed: {done.stderr.decode()}")
    return Ticks.of(late(done.stdout))


def measure_one(machine: Machine, folder: str, who: str, name: str, samples: int) -> Ticks | None:
    measurement = MEASUREMENTS[name]
    client = f"{folder}/client {who} {measurement.client}"
    guest = f"/bench/{name}.bin" if measurement.guest else ""
    if measurement.client in ("tick", "wake-up"):
        samples = min(samples, MAX_TICKS)
    if measurement.client == "tick":
        command = f"{client} {samples} {guest}"
        if who == "vtx":
            command = f"{folder}/vtxctl --mem 1M {guest}"
        return measure_ticks(machine, command, name, samples)
    done = machine.run(f"{client} {samples} {guest}", timeout=300)
    if done.status == NO_ANSWER:
        return None
    if done.status:
        raise RuntimeError(f"{client} failed: {done.stderr.decode()}")
    samples_taken = [int(word) for word in done.text.split()]
    if len(samples_taken) != samples:
        raise RuntimeError(f"{name}: {len(samples_taken)} samples, not {samples}")
    return Ticks.of(samples_taken)


def measure(
    machine: Machine, folder: str, who: str, stage: str, samples: int
) -> dict[str, Ticks | None]:
    """All that this stage can show; `who` is "vtx", or, in the client of the last one, "kvm"."""
    result: dict[str, Ticks | None] = {}
    same: dict[tuple[object, ...], str] = {}
    for name, measurement in MEASUREMENTS.items():
        if stage < measurement.since:
            continue
        # Ours is the same, whatever KVM does.
        twin = same.setdefault((measurement.client, measurement.guest), name)
        if who == "vtx" and twin != name:
            result[name] = result[twin]
            continue
        as_whom = "kvm-chips" if who == "kvm" and measurement.kvm_chips else who
        result[name] = measure_one(machine, folder, as_whom, name, samples)
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
        files |= {
            f"/bench/{name}.bin": build_guest(name, measurement.guest)
            for name, measurement in MEASUREMENTS.items()
            if measurement.guest
        }
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
            # The cheaper one: what we waste in it is ours.
            call, wake = (
                min(side[name].median for side in (kvm, ours) if side.get(name))
                for name in ("ioctl-null", "wake-up")
            )
            for name, ticks in ours.items():
                theirs = kvm[name]
                assert theirs
                yield Row(name, stage.number, unit, mitigations, ticks, theirs, call, wake)


HEAD = "stage  median   10 % to 90 %     KVM of KVM  calls wakes     own     KVM of KVM"
TAKEN_OFF = """\
calls, wakes: how often a system call, or a thread that must be woken up, lies
on the way, ours and KVM's. own, KVM: what remains without these, each taken off
by what it costs alone in the same run. Goal: at most half of KVM's.
"""


def line(row: Row) -> str:
    median = spread = ratio = ours = theirs = own_ratio = "-"
    if row.vtxdrv:
        median = f"{row.vtxdrv.median:.0f}"
        spread = f"{row.vtxdrv.low:.0f} to {row.vtxdrv.high:.0f}"
        ratio = f"{row.ratio:.0%}"
    if row.own:
        ours, theirs = (f"{ticks:.0f}" for ticks in row.own)
        own_ratio = f"{row.own_ratio:.0%}"
    calls, wakes = zip(*((path.calls, path.wakes) for path in row.paths))
    calls, wakes = ("{}, {}".format(*both) if any(both) else "" for both in (calls, wakes))
    return (
        f"{row.stage:>5} {median:>7} {spread:>14} {row.kvm.median:>7.0f} {ratio:>6}"
        f" {calls:>6} {wakes:>5} {ours:>7} {theirs:>7} {own_ratio:>6}"
    )


def table(rows: Sequence[Row]) -> str:
    """For a terminal of 80 columns."""
    lines = []
    for mitigations in dict.fromkeys(row.mitigations for row in rows):
        lines += [f"With mitigations={mitigations}:", HEAD]
        for name, measurement in MEASUREMENTS.items():
            some = [row for row in rows if (row.name, row.mitigations) == (name, mitigations)]
            if some:
                lines += ["", f"{name}: {measurement.words}", *map(line, some)]
        lines.append("")
    return "\n".join([*lines, TAKEN_OFF])


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
    (folder / "bench.svg").write_text(
        draw(rows, {name: m.words for name, m in MEASUREMENTS.items()})
    )
    print(table(rows))
    print(UNITS[rows[0].unit])
    return rows
