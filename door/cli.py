# SPDX-License-Identifier: GPL-2.0-only
"""The commands of ./virtx and of the Makefile."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import errno
import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent import futures
from pathlib import Path
from typing import NoReturn

from door import lab, guest, setup
from door.bare import run_bare
from door.bench import bench
from door.debug import make_debug_kernel, need_debug_kernel
from door.base import (
    PYTHON,
    Status,
    Stop,
    clean_environment,
    forbid_kernel_modules,
    say,
    status_in_words,
)
from door.doctor import doctor
from door.jitter import jitter
from door.lint import lint
from door.signoff import sign_off
from harness import debug_kernel
from harness.engine import EngineError, Kind
from harness.machine import Machine, MachineError
from harness.packages import TEST_ALL_PACKAGES
from harness.paths import BUILD, ROOT, SetupError
from harness.session import Watcher, run_stage
from harness.stage import Stage, StageError
from tools import follow, lesson, picture, story, tell
from tools.lab import LabError
from tools.prose import flow, width
from tools.show import painter
from tools.stage_diff import stage_diff
from tools.walk import Walk, WalkError

HELP = """\
VirtX: build a hypervisor, one small step at a time.

  make run                  boot the newest NanoX; you are at its prompt
  make stage-01             build a stage ...
  make stage-01 run         ... and run it
                            [GUEST=FILE] [LOAD=ADDR] [ENTRY=SEG:OFF] [MEM=64M]
                            [ROM=FILE] [NO_REBOOT=1]
                            [TIMEOUT=SECONDS] [ENGINE=bochs]
  make stage-01 test        its tests, the quick ones     [ALL=1: all of them]
                            [KERNEL=debug: on the kernel that finds more]
  make stage-01 bare        its NanoX on a plain emulated PC, without a hypervisor
  make stage-05 lesson      its evening and what to read, page by page
  make stage-05 diff        what changed since the stage before, step by step
                            [PART=n] [STEP=n] [ALL=1] [PLAIN=1]
  make stage-05 follow      the stage before in work/; each call brings a step
                            [FOLLOW=back]
  make stage-05 explain     run it and tell what happened, in sentences
  make stage-05 picture     the same as a picture
  make stage-05 lab         its exercises, in work/; then lab-check, lab-hint
                            lab-back, lab-reset         [EX=n] [GUESS="..."]
  make stage-01 shell       a shell in its test machine
  make stage-01 log         what the kernel there says of its module

  make where                which stages there are, and the next command
  make sign-off             ten things to say to each other, as a page to print
  make new-guest NAME=hello lays a small guest of your own into work/hello
  make test                 all tests: some minutes       [KERNEL=debug]
  make test-all             and everything that takes longer
  make test-nested          every stage in KVM, in the emulator
  make test-guests          boot loaders and other programs of Debian's, as guests
  make debug-kernel         builds that kernel, once: it asks before it begins
  make bench                what a VM exit costs here, and in KVM
  make jitter               how steady the guest's clock is, drawn
  make doctor               what this computer has, and what is missing
  make setup                install what is missing     [YES=1: do not ask]
  make uninstall            take away what setup installed
  make clean                take away what was built; work/ stays
  make lint                 spelling and form of all sources

./virtx has the same commands for scripts and pipes: ./virtx --help
"""

STATUSES = """\
exit status: 0 the guest halted with interrupts off; (v << 1) | 1, modulo 256, after it wrote v to
port 0xF4; 2 bad usage; 4 stopped for what it did; 6 triple fault; 8 left with Ctrl-A x; 10 a halt
that nothing can end; 12 a reset, with --no-reboot; 124 out of time; 126 no test machine"""

# Of the tests for all stages those that try VTXDRV: the others look at the harness and the pages.
DEBUG_TESTS = (
    "stages",
    "tests/test_debug_kernel.py",
    "tests/test_faults.py",
    "tests/test_fuzz.py",
)

# How long NanoX may take until it waits for somebody.
PROMPT_SECONDS = 120.0


@dataclasses.dataclass
class RunOptions:
    """What may be said about a run; None: not said."""

    guest: Path | None = None
    load: str | None = None
    entry: str | None = None
    mem: str | None = None
    rom: Path | None = None
    no_reboot: str | None = None
    trace: str | None = None
    timeout: float | None = None
    engine: str | None = None
    all: str | None = None
    kernel: str | None = None
    step: int | None = None
    part: int | None = None
    plain: str | None = None
    follow: str | None = None
    ex: str | None = None
    guess: str | None = None

    @staticmethod
    def of(arguments: argparse.Namespace) -> RunOptions:
        fields = [field.name for field in dataclasses.fields(RunOptions)]
        return RunOptions(**{name: getattr(arguments, name, None) for name in fields})

    def given(self) -> set[str]:
        return {name for name, value in vars(self).items() if value is not None}


# --- What must be there first ---


def need_setup() -> None:
    if not setup.is_set_up():
        setup.check_system()
        raise Stop("something is missing on this computer: run `make setup`", Status.NO_MACHINE)


def build(stage: Stage) -> None:
    need_setup()
    if not (stage.build_dir / "vtxctl").exists():
        say(f"building stage {stage.name}")
    stage.build()


# --- Commands about one stage ---


def find(number: str) -> Stage:
    try:
        return Stage.find(number)
    except StageError as error:
        raise Stop(str(error)) from None


def build_stage(stage: Stage, options: RunOptions) -> int:
    build(stage)
    say(f"Stage {stage.name} is built. Its lesson: stages/{stage.name}/README.md")
    say(f"Next: make stage-{stage.number} run")
    return Status.OK


def run(stage: Stage, options: RunOptions) -> int:
    """Run it. With TRACE=FILE what happened is written there, for Perfetto."""
    if not options.trace:
        return run_noting(stage, options, None)
    trace = Path(options.trace)
    if not os.access(trace.parent, os.W_OK) or trace.is_dir():
        raise Stop(f"--trace {trace}: cannot be written there")
    with noted(stage, options) as (status, events):
        trace.write_text(tell.perfetto(events))
    say(f"{trace}: open it in https://ui.perfetto.dev")
    return status


def run_noting(
    stage: Stage, options: RunOptions, notes: Path | None, watcher: Watcher | None = None
) -> int:
    """Run it, and leave VTXCTL's own notes in a file."""
    words = list(stage.config.run)
    if options.load is not None or options.guest:
        words = place_guest(stage, words, options)
    if options.mem:
        guest.parse_size(options.mem)
    if options.entry:
        guest.check_entry(options.entry, stage.number)
    if options.rom:
        guest.check_rom(options.rom, stage.number)
        if not options.guest and options.load is None:
            words.remove("nanox.bin")  # the ROM is the guest
    if options.no_reboot:
        guest.need_rom("--no-reboot", stage.number)
    build(stage)
    # Behind those of stage.toml: the last one counts.
    words += guest.vtxctl_options(options.mem, options.entry, options.rom, bool(options.no_reboot))
    return run_stage(
        stage,
        argv=words,
        guest=options.guest,
        rom=options.rom,
        options=["--trace", str(notes)] if notes else [],
        engine=options.engine,
        timeout=options.timeout,
        watcher=watcher,
    )


@contextlib.contextmanager
def noted(
    stage: Stage, options: RunOptions, watcher: Watcher | None = None
) -> Iterator[tuple[int, list[story.Event]]]:
    """Run it; the status, and what happened as far as VTXCTL knows."""
    with tempfile.TemporaryDirectory(prefix="virtx-notes-") as folder:
        notes = Path(folder) / "notes"
        status = run_noting(stage, options, notes, watcher)
        text = notes.read_text() if notes.exists() else ""
    listing = None if options.guest or options.rom else story.Listing.of(stage)
    yield status, story.read_trace(text, stage, listing)


def place_guest(stage: Stage, words: list[str], options: RunOptions) -> list[str]:
    """The command with the guest's own name and address in it, both checked."""
    if "nanox.bin" not in words:
        raise Stop(f"stage {stage.number} runs no guest yet: try stage {Stage.newest().number}")
    image = options.guest or stage.build_dir / "nanox.bin"
    load = guest.BOOT_ADDRESS if options.load is None else guest.parse_address(options.load)
    mem = guest.MEM_DEFAULT if options.mem is None else guest.parse_size(options.mem)
    if options.guest:
        guest.check_guest(image, load, mem, options.entry)
    name = f"/guest/{image.name}" if options.guest else "nanox.bin"
    return [f"{name}@{load:#x}" if word == "nanox.bin" else word for word in words]


def explain(stage: Stage, options: RunOptions) -> int:
    """What happened, in sentences on standard error; the guest's serial port is where it was."""
    before_the_guest(stage, options, "The list")
    with happened(stage, options) as (status, events):
        after_the_guest()
        for line in tell.tell(events):
            say(line)
    if story.enters_guest(stage):
        say(tell.waited(events))
        note = "To note each exit takes time, and a guest with a stopwatch sees it: `run` does not."
        say("\n".join(flow(note, width())))
    return status


def draw(stage: Stage, options: RunOptions) -> int:
    """The run as a picture: text on standard error, and an SVG for a browser."""
    before_the_guest(stage, options, "The picture")
    points = story.Tracepoints()
    with happened(stage, options, points) as (status, notes):
        events = points.among(notes)
        after_the_guest()
        chart = picture.chart(events)
        for line in picture.text(chart):
            say(line)
    if chart.arrows:
        path = BUILD / "pictures" / f"{stage.name}.svg"
        path.parent.mkdir(exist_ok=True)
        path.write_text(picture.svg(chart, f"VirtX, stage {stage.name}: who spoke to whom"))
        say(f"For a browser: {path.relative_to(ROOT)}")
    return status


def before_the_guest(stage: Stage, options: RunOptions, what: str) -> None:
    """Who sits at a terminal must know that the guest is waiting for him."""
    if not (stage.config.input and sys.stdin.isatty() and sys.stdout.isatty()):
        return
    typed = " and ".join(f"`{line}`" for line in stage.config.types.splitlines())
    example = f", for example {typed}" if typed and not (options.guest or options.rom) else ""
    then = f"{what} comes when it has ended; Ctrl-A x ends it, too."
    say("\n".join(flow(f"It runs first: type something{example}. {then}", width())))


def after_the_guest() -> None:
    """At a terminal our lines begin on a line of their own, wherever the guest has stopped."""
    if sys.stdout.isatty():
        print(flush=True)


@contextlib.contextmanager
def happened(
    stage: Stage, options: RunOptions, watcher: Watcher | None = None
) -> Iterator[tuple[int, list[story.Event]]]:
    """Run it and gather what happened: in a stage that enters no guest, VTXDRV's doings too."""
    if story.enters_guest(stage):
        with noted(stage, options, watcher) as result:
            yield result
        return
    wrong = options.given() - {"engine"}
    if wrong:
        names = ", ".join(name.upper() for name in sorted(wrong))
        raise Stop(f"stage {stage.number} enters no guest yet: {names} means nothing here")
    build(stage)
    # What it prints is long, and `run` shows it: here it is what was done that counts.
    events, _ = story.watch_run(stage, options.engine)
    yield Status.OK, events


def show_lesson(stage: Stage, options: RunOptions) -> int:
    lesson.show(stage, bool(options.plain))
    return Status.OK


def show_diff(stage: Stage, options: RunOptions) -> int:
    stage_diff(stage, options.step, options.part, bool(options.all), bool(options.plain))
    return Status.OK


def follow_walk(stage: Stage, options: RunOptions) -> int:
    if options.follow not in (None, "back"):
        raise Stop(f"FOLLOW={options.follow}: the only word is back")
    need_setup()
    paint = painter(bool(options.plain))

    def show(walk: Walk, number: int) -> None:
        for line in paint.step(walk, number, walk.steps[number - 1]):
            print(line)

    sys.stdout.flush()
    return follow.follow(stage, options.follow == "back", show, say)


def lay_labs(stage: Stage, options: RunOptions) -> int:
    need_setup()
    return lab.lab(stage, options.ex)


def check_lab(stage: Stage, options: RunOptions) -> int:
    need_setup()
    return lab.check(stage, options.ex, options.guess)


def hint_lab(stage: Stage, options: RunOptions) -> int:
    return lab.hint(stage, options.ex)


def lab_back(stage: Stage, options: RunOptions) -> int:
    return lab.back(stage, options.ex)


def reset_lab(stage: Stage, options: RunOptions) -> int:
    return lab.reset(stage, options.ex)


def bare(stage: Stage, options: RunOptions) -> int:
    build(stage)
    return run_bare(stage, options.timeout)


def test(stage: Stage, options: RunOptions) -> int:
    if options.kernel:
        need_debug_kernel()
    else:
        build(stage)
    with_these = {"engine": options.engine, "kernel": options.kernel}
    if options.all:
        return run_pytest("-n", "2", "--stage", stage.number, **with_these)
    quick = ["-q", "--stage", stage.number, "--quick", str(stage.folder)]
    status = run_pytest(*quick, **with_these)
    say(
        f"All that stage {stage.number} promises, tried at length: make stage-{stage.number} test ALL=1"
        + (f" KERNEL={options.kernel}" if options.kernel else "")
    )
    return status


def shell(stage: Stage, options: RunOptions) -> int:
    """vtxdrv.ko is loaded, VTXCTL and NanoX lie in the folder where it starts."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise Stop("`shell` is for a terminal; `log` and `run` are for pipes")
    build(stage)
    say("In the test machine: ./vtxctl nanox.bin, dmesg, rmmod vtxdrv ... `exit` leaves.")
    return run_stage(stage, argv=["sh"], engine=options.engine)


def log(stage: Stage, options: RunOptions) -> int:
    """The kernel log of a test machine in which the module was loaded and unloaded."""
    build(stage)
    with Machine.start(engine=options.engine) as machine:
        machine.put(stage.files())
        machine.run("insmod /stage/vtxdrv.ko && rmmod vtxdrv")
        sys.stdout.write(machine.kernel_log())
    return Status.OK


@dataclasses.dataclass(frozen=True)
class Word:
    """A command about one stage."""

    call: Callable[[Stage, RunOptions], int]
    help: str
    options: tuple[str, ...] = ()
    runs_guest: bool = False  # its status is the guest's


MACHINE_OPTIONS = ("guest", "load", "entry", "mem", "rom", "no_reboot")
ALL_OPTIONS = (*MACHINE_OPTIONS, "trace", "timeout", "engine")
RUN_OPTIONS = tuple(name for name in ALL_OPTIONS if name != "trace")
READING_OPTIONS = ("step", "part", "plain", "follow", "ex", "guess")

STAGE_WORDS = {
    "build": Word(build_stage, "build a stage into build/stages/"),
    "run": Word(run, "run a stage in the test machine", ALL_OPTIONS, runs_guest=True),
    "test": Word(test, "run a stage's tests", ("engine", "all", "kernel")),
    "bare": Word(bare, "NanoX on a plain emulated PC", ("timeout",), runs_guest=True),
    "lesson": Word(show_lesson, "a stage's lesson, to read in the terminal", ("plain",)),
    "diff": Word(
        show_diff, "what changed since the stage before", ("part", "step", "all", "plain")
    ),
    "follow": Word(follow_walk, "the same, a step for each call", ("follow", "plain")),
    "explain": Word(explain, "run, and tell what happened", RUN_OPTIONS, runs_guest=True),
    "picture": Word(draw, "run, and draw what happened", RUN_OPTIONS, runs_guest=True),
    "shell": Word(shell, "a shell in a stage's test machine", ("engine",)),
    "lab": Word(lay_labs, "a stage's exercises, laid out in work/", ("ex",)),
    "lab-check": Word(check_lab, "judge an exercise by what it does", ("ex", "guess")),
    "lab-hint": Word(hint_lab, "the next hint", ("ex",)),
    "lab-back": Word(lab_back, "the version before this one", ("ex",)),
    "lab-reset": Word(reset_lab, "hand it out anew; the old folder is set aside", ("ex",)),
    "log": Word(log, "the test machine's kernel log", ("engine",)),
}


def stage_words(words: Sequence[str], options: RunOptions, tell: bool) -> int:
    """`make stage-05 build test`: each word in turn, until one fails."""
    stage = find(words[0].removeprefix("stage-"))
    todo = words[1:] or ["build"]
    for word in todo:
        if word not in STAGE_WORDS:
            known = " ".join(STAGE_WORDS)
            raise Stop(f"a stage does not know `{word}`; it knows: {known}")
    wrong = options.given() - {name for word in todo for name in STAGE_WORDS[word].options}
    if wrong:
        names = ", ".join(name.upper() for name in sorted(wrong))
        raise Stop(f"{names} means nothing to `{' '.join(todo)}`: try `run`")
    for word in todo:
        status = STAGE_WORDS[word].call(stage, options)
        if status:
            if tell and STAGE_WORDS[word].runs_guest:
                say(f"virtx: {word} of stage {stage.number}: exit status {status_in_words(status)}")
            return status
    return Status.OK


# --- Commands about all of it ---


def tour(options: RunOptions) -> int:
    """`make run`: from nothing to the newest NanoX's prompt."""
    setup.setup()
    stage = Stage.newest()
    build(stage)
    if sys.stdin.isatty() and sys.stdout.isatty():
        say(f"This is NanoX, in stage {stage.name}. Type something! Ctrl-A x leaves.")
        status = run(stage, options)
        status = Status.OK if status == Status.LEFT else status
    else:
        status = show_prompt(stage, options)
    if status == Status.OK:
        print("\nBegin: make stage-01", flush=True)
    return status


def show_prompt(stage: Stage, options: RunOptions) -> int:
    """Nobody is there to type: show how far NanoX gets by itself."""
    from harness.engine import Kind

    command = ["./vtxctl", *guest.vtxctl_options(options.mem, None), "nanox.bin"]
    with Machine.start(Kind.TEST, options.engine, lambda text: say(f"  {text}")) as machine:
        machine.put(stage.files())
        machine.run("insmod /stage/vtxdrv.ko", check=True)
        job = machine.spawn(f"cd /stage && exec {' '.join(command)}")
        job.expect(stage.config.prompt.encode(), timeout=options.timeout or PROMPT_SECONDS)
        sys.stdout.write(job.output.decode(errors="replace"))
    return Status.OK


def test_all_stages(engine: str | None, full: bool = False) -> int:
    setup.setup()
    if full:
        os.environ["VIRTX_FULL"] = "1"
    for stage in Stage.all():
        build(stage)
    status = lint() or unit_tests()
    return status or run_pytest("-n", "2", engine=engine)


def test_debug_kernel(kernel: str, engine: str | None) -> int:
    """What runs in a test machine, on a kernel that finds more; the rest does not change by that."""
    need_debug_kernel()
    return run_pytest("-n", "2", *DEBUG_TESTS, engine=engine, kernel=kernel)


def run_everything(engine: str | None) -> int:
    """`make test-all`: each part; one that fails says how to do it again."""
    setup.setup()
    setup.also((name for name, reason in TEST_ALL_PACKAGES), "make test-all")
    again = "VIRTX_FULL=1 ./virtx test"
    say(f"\n== {again}")
    failed = [again] if test_all_stages(engine, full=True) else run_single_parts(engine)
    for again in failed:
        say(f"\nvirtx: test-all failed; to repeat this part: {again}")
    if not failed:
        say("\nvirtx: test-all passed")
    return Status.FAILED if failed else Status.OK


def run_single_parts(engine: str | None) -> list[str]:
    """Each keeps one CPU busy, so they run beside each other. Returns what failed."""
    wanted = ("--engine", engine) if engine else ()
    commands = [("test-nested",), ("bench", *wanted), ("test-guests", *wanted)]
    say(f"\n== beside each other: {', '.join(command[0] for command in commands)}")
    failed = []
    with futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        parts = {pool.submit(run_part, command): command for command in commands}
        for part in futures.as_completed(parts):
            again = " ".join(("./virtx", *parts[part]))
            done = part.result()
            say(f"\n== {again}\n{done.stdout}")
            if done.returncode:
                failed.append(again)
    return failed


def run_part(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / "virtx", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )


def run_bench(engine: str | None) -> int:
    setup.setup()
    bench(engine, progress=lambda text: say(f"  {text}"))
    say(f"in numbers: {BUILD / 'bench.json'}; as a picture: {BUILD / 'bench.svg'}")
    return Status.OK


def run_jitter(engine: str | None) -> int:
    setup.setup()
    jitter(engine, progress=lambda text: say(f"  {text}"))
    say(f"in numbers: {BUILD / 'jitter.json'}; as a picture: {BUILD / 'jitter.svg'}")
    return Status.OK


def test_nested() -> int:
    """The engine qemu inside the engine bochs; where KVM is there, `make test` has used it."""
    setup.setup()
    return run_pytest("-s", "-v", "tests/nested/nested_stages.py")


def test_guests(engine: str | None) -> int:
    """Programs that nobody here wrote. Their packages come from the network, once."""
    setup.setup()
    return run_pytest("-v", "-rs", "tests/guests/foreign_guests.py", engine=engine)


def unit_tests() -> int:
    return subprocess.run(["make", "-s", "-C", "tests/unit"], cwd=ROOT, check=False).returncode


def run_pytest(*arguments: str, engine: str | None = None, kernel: str | None = None) -> int:
    environment = dict(os.environ)
    if engine:
        environment["ENGINE"] = engine
    if kernel:
        environment["VIRTX_KERNEL"] = kernel
    command = [PYTHON, "-m", "pytest", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def setup_command() -> int:
    if setup.is_set_up():
        say("Nothing is missing on this computer.")
    else:
        setup.setup()
    say("Next: make run")
    return Status.OK


def where() -> int:
    """Which stages there are, how far the learner is, and what to type next."""
    stages = Stage.all()
    built = {stage for stage in stages if (stage.build_dir / "vtxctl").exists()}
    for stage in stages:
        mark = "built" if stage in built else ""
        print(f"  stage-{stage.number}  {stage.config.title:40} {mark}".rstrip())
    on_the_way = lab.progress(stages)
    print("".join(f"{line}\n" for line in on_the_way), end="")
    if any(line.startswith("Next: ") for line in on_the_way):
        return Status.OK
    not_built = [stage for stage in stages if stage not in built]
    if not setup.is_set_up():
        print("Next: make run")
    elif not_built:
        print(f"Next: make stage-{not_built[0].number}")
    else:
        print(f"Next: make stage-{stages[0].number} run")
    return Status.OK


def clean() -> int:
    """All that can be made again without a network goes; work/ and the kernel stay."""
    kept = {BUILD / "linux", BUILD / "guests", BUILD / debug_kernel.NAME / "linux"}
    for folder in (BUILD / debug_kernel.NAME, BUILD):
        for path in folder.iterdir() if folder.exists() else ():
            if path in kept or any(path in other.parents for other in kept if other.exists()):
                continue
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
    return Status.OK


# --- The command line ---


class Parser(argparse.ArgumentParser):
    """Bad usage is one line."""

    def error(self, message: str) -> NoReturn:
        raise Stop(f"{message}; see `{self.prog} --help`")


def seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text}: give seconds, more than 0, as 10 or 0.5")
    return value


def step_number(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text}: give a number, from 1")
    return int(text)


def add_run_options(parser: argparse.ArgumentParser, names: Sequence[str]) -> None:
    """Those of `names`, each with its unit, its range and what it is without."""
    adders: dict[str, dict[str, object]] = {
        "guest": {
            "type": Path,
            "metavar": "FILE",
            "help": "a flat image to run in NanoX's place: 1 byte to 64 MB",
        },
        "load": {
            "metavar": "ADDR",
            "help": "where it is put, in bytes from 0; decimal or 0x hex (0x7c00)",
        },
        "entry": {
            "metavar": "SEG:OFF",
            "help": "where it begins, in hex, 0000:0000 to ffff:ffff (its first byte); "
            f"from stage {guest.FLAT_SINCE} on also a flat address, to ffffffff",
        },
        "mem": {
            "metavar": "SIZE",
            "help": "the guest's memory: 64K to 3G in steps of 4K (64M)",
        },
        "rom": {
            "type": Path,
            "metavar": "FILE",
            "help": "a ROM of your own, 1 byte to 16 MB: it ends at 4 GiB, where a CPU begins; "
            f"without --guest nothing else is loaded (ours); from stage {guest.ROM_SINCE} on",
        },
        "no_reboot": {
            "metavar": "1",
            "help": "a reset ends the guest, with status 12 (it starts again); "
            f"from stage {guest.ROM_SINCE} on",
        },
        "trace": {
            "metavar": "FILE",
            "help": "write what happened to FILE, for ui.perfetto.dev",
        },
        "timeout": {
            "type": seconds,
            "metavar": "S",
            "help": "stop it after S seconds from its start, with status 124 (no limit)",
        },
        "engine": {
            "metavar": "E",
            "help": "what the test machine runs in: bochs (the first that works here)",
        },
        "all": {
            "metavar": "1",
            "help": "test: at length, with all that earlier stages promise; diff: all files",
        },
        "kernel": {
            "choices": [debug_kernel.NAME],
            "help": "debug: on the kernel that `make debug-kernel` has built (Debian's own)",
        },
        "step": {
            "type": step_number,
            "metavar": "N",
            "help": "only this step, from 1",
        },
        "ex": {
            "metavar": "N",
            "help": "which exercise, by number or name (the first that is not done)",
        },
        "guess": {
            "metavar": "TEXT",
            "help": "of a `break it`: what you expect to see",
        },
        "part": {
            "type": step_number,
            "metavar": "N",
            "help": "only this part of a walk that has parts, from 1",
        },
        "plain": {
            "metavar": "1",
            "help": "without colours and without a pager",
        },
        "follow": {
            "metavar": "back",
            "help": "take the last step back",
        },
    }
    for name in names:
        parser.add_argument(f"--{name.replace('_', '-')}", **adders[name])  # type: ignore[arg-type]


def make_parser() -> argparse.ArgumentParser:
    form = argparse.RawDescriptionHelpFormatter
    parser = Parser(
        prog="virtx",
        description="VirtX: build a hypervisor, one small step at a time.",
        epilog=STATUSES,
        formatter_class=form,
    )
    parser.add_argument(
        "--tell-status",
        action="store_true",
        help="say a guest's exit status on standard error, too: make cannot pass it on",
    )
    commands = parser.add_subparsers(metavar="COMMAND", parser_class=Parser)

    def add(name: str, text: str, call: Callable[[argparse.Namespace], int], **more: str) -> Parser:
        command = commands.add_parser(
            name, help=text, description=text, formatter_class=form, **more
        )
        command.set_defaults(call=call)
        return command

    def one_word(name: str) -> Callable[[argparse.Namespace], int]:
        return lambda o: stage_words([o.number, name], RunOptions.of(o), o.tell_status)

    for name, word in STAGE_WORDS.items():
        if name in ("run", "test"):
            continue
        command = add(name, word.help, one_word(name), epilog=STATUSES if word.runs_guest else "")
        command.add_argument("number", metavar="NN", help="the stage, as 05")
        add_run_options(command, word.options)

    command = add(
        "run",
        "run a stage: its serial port is standard input and output",
        lambda o: one_word("run")(o) if o.number else tour(RunOptions.of(o)),
        epilog="Without NN: sets up what is missing and boots the newest stage, to look around.\n"
        "The end of the input is not the end of the guest.\n" + STATUSES,
    )
    command.add_argument("number", metavar="NN", nargs="?", help="the stage, as 05")
    add_run_options(command, ALL_OPTIONS)

    command = add(
        "test",
        "run a stage's tests, or set up what is missing and run all",
        lambda o: one_word("test")(o) if o.number else test_all(o),
        epilog="exit status: 0 all passed, 1 not all",
    )
    command.add_argument("number", metavar="NN", nargs="?", help="the stage, as 05")
    add_run_options(command, ("engine", "all", "kernel"))

    command = add(
        "test-all",
        "all tests at full length, and the bench",
        lambda o: run_everything(o.engine),
        epilog="exit status: 0 all passed, 1 not all",
    )
    add_run_options(command, ("engine",))

    add(
        "test-nested",
        "every stage under KVM's own imitation of VT-x, inside the emulator",
        do(test_nested),
        epilog="exit status: 0 all passed, 1 not all",
    )

    command = add(
        "test-guests",
        "programs of Debian's that nobody here wrote, as guests of the newest stage",
        lambda o: test_guests(o.engine),
        epilog="Fetches what is missing into build/guests; without a network those are skipped.\n"
        "exit status: 0 all passed, 1 not all",
    )
    add_run_options(command, ("engine",))

    command = add(
        "bench",
        "what a VM exit costs here, and in KVM in the same machine",
        lambda o: run_bench(o.engine),
        epilog="Writes build/bench.json and build/bench.svg, too.",
    )
    add_run_options(command, ("engine",))

    command = add(
        "jitter",
        "how steady the guest's clock is: stage 11 beside 13, drawn",
        lambda o: run_jitter(o.engine),
        epilog="Writes build/jitter.json and build/jitter.svg, too.",
    )
    add_run_options(command, ("engine",))

    command = add(
        "stage",
        "what `make stage-NN WORD...` does",
        lambda o: stage_words(o.words, RunOptions.of(o), o.tell_status),
        epilog=f"words: {' '.join(STAGE_WORDS)}",
    )
    command.add_argument("words", metavar="stage-NN [WORD]", nargs="+")
    add_run_options(command, (*ALL_OPTIONS, "all", "kernel", *READING_OPTIONS))

    command = add(
        "new-guest",
        "lay a small guest of your own into work/NAME; never over anything",
        lambda o: guest.new_guest(o.name),
    )
    command.add_argument("name", metavar="NAME", help="letters, digits, - and _")

    command = add("lint", "spelling and form of all sources", lambda o: lint(o.fix))
    command.add_argument("--fix", action="store_true", help="put C and Python into form")

    add(
        "setup", "install what is missing (YES=1 in the environment: do not ask)", do(setup_command)
    )
    add("uninstall", "take away what setup installed, and build/", do(setup.uninstall))
    add("debug-kernel", "build a kernel that finds more, for `test`", do(make_debug_kernel))
    add("doctor", "what this computer has, and what is missing (status 126)", do(doctor))
    add("where", "which stages there are, and the next command", do(where))
    add("sign-off", "ten things to say, kept in work/ as a page to print", do(sign_off))
    add("clean", "take away what was built; work/ stays", do(clean))
    add("help", "the commands of make", lambda o: print(HELP, end="") or Status.OK)
    return parser


def test_all(options: argparse.Namespace) -> int:
    if options.kernel:
        return test_debug_kernel(options.kernel, options.engine)
    return test_all_stages(options.engine)


def do(command: Callable[[], int]) -> Callable[[argparse.Namespace], int]:
    return lambda options: command()


def main(arguments: Sequence[str] | None = None) -> int:
    try:
        parser = make_parser()
        options = parser.parse_args(arguments)
        if not hasattr(options, "call"):
            parser.print_help()
            return Status.OK
        clean_environment()
        forbid_kernel_modules()
        return int(options.call(options))
    except Stop as stop:
        say(f"virtx: {stop}")
        return stop.status
    except (LabError, WalkError, follow.FollowError) as error:
        say(f"virtx: {error}")
        return Status.USAGE
    except (EngineError, MachineError, SetupError, StageError) as error:
        say(f"virtx: {error}")
        return Status.NO_MACHINE
    except KeyboardInterrupt:
        return Status.INTERRUPTED
    except BrokenPipeError:
        return 128 + signal.SIGPIPE
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES):
            raise
        say(f"virtx: {error.filename or 'a file'} cannot be written: {error.strerror}")
        say("virtx: nothing of yours is lost; make room, or the right to write, and call again")
        return Status.NO_MACHINE
