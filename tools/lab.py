# SPDX-License-Identifier: GPL-2.0-only
"""Exercises: what they are, and how the code of a learner is judged by what it does.

`stages/05-*/lab/NAME/lab.toml` describes one. Its files are texts that stand in one place of the
stage's sources: `blank.*` as handed out, `answer.*` (where it is not the stage's own text),
`second.*`, another answer, and one for each mistake.
"""

from __future__ import annotations

import dataclasses
import enum
import re
import shlex
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path

from harness.guest import assemble
from harness.link import Lost
from harness.machine import TROUBLE, Machine, MachineError
from harness.paths import BUILD
from harness.stage import Copy, Stage, StageError
from tools.changes import Tree, read_tree, write_tree
from tools.walk import WalkError, parse_selectors

SECONDS = 10.0  # for one run; the longest of ours takes two
AFTER = 5.0  # for a machine that must still answer
BLANK, BREAK = "blank", "break"
BLANK_LEAST = 8  # lines that are taken out
HINTS = (2, 3)
MISTAKES = 3
# What stands in what we look at, where a run did not end.
ENDLESS = "[it did not end]"
STAMP = r"^\[ *\d+\.\d+\] "  # of a line in the kernel log
COMPILER = re.compile(
    r"^(?:.*/)?((?:vtxdrv|vtxctl|nanox|include)/[^:\s]+:\d+):.*?error: (.*)$", re.M
)
WARNING = re.compile(r"^(?:.*/)?((?:vtxdrv|vtxctl|include)/[^:\s]+:\d+):.*?warning: (.*)$", re.M)
NO_RULE = re.compile(r"No rule to make target '(?:.*/)?((?:vtxdrv|vtxctl|nanox|include)/\S+?)'")


Changes = tuple[tuple[str, str, str], ...]


class LabError(Exception):
    """It cannot be done; the message says what to do. Nothing was lost."""


@dataclasses.dataclass(frozen=True)
class Check:
    """One run. `shows` are regular expressions, all of which must be found in what we see."""

    says: str  # what is wrong if it is not so
    shows: tuple[str, ...] = ()
    hides: tuple[str, ...] = ()  # these must not be found
    command: tuple[str, ...] = ()  # in the test machine; without it what stage.toml says
    guest: str = ""  # a file of the exercise, .asm: run it in NanoX's place
    # The learner's code once more with other lines in some place, as (file, old, new): another
    # CPU, another wish. Its programs lie in /stage/other, for `command`.
    changes: Changes = ()
    types: str = ""
    status: int | None = 0  # None: whatever it is
    endless: str = ""  # what is wrong if it does not end


@dataclasses.dataclass(frozen=True)
class Mistake:
    """A likely one: how it shows in a run, or in a crash, and what we say then."""

    file: str
    when: str
    says: str


@dataclasses.dataclass(frozen=True)
class Exercise:
    """One exercise of a stage. `place` is a selector as in walk.toml, of lines in one piece."""

    stage: Stage
    name: str
    kind: str  # blank, or break
    title: str
    place: str
    task: str
    hints: tuple[str, ...]
    checks: tuple[Check, ...]
    mistakes: tuple[Mistake, ...]
    done: str = ""  # what is said when it is right: the answer to what the task asked

    @staticmethod
    def all(stage: Stage) -> list[Exercise]:
        """In the order of their names, which begin with a number."""
        return [Exercise.read(stage, path.parent) for path in sorted(labs(stage))]

    @staticmethod
    def read(stage: Stage, folder: Path) -> Exercise:
        where = f"{stage.name}/lab/{folder.name}/lab.toml"
        try:
            with open(folder / "lab.toml", "rb") as file:
                words = tomllib.load(file)
            checks = tuple(Check(**lists_as_tuples(one)) for one in words.pop("check"))
            mistakes = tuple(Mistake(**one) for one in words.pop("mistake"))
            return Exercise(
                stage, folder.name, checks=checks, mistakes=mistakes, **lists_as_tuples(words)
            )
        except (OSError, KeyError, TypeError, tomllib.TOMLDecodeError) as error:
            raise LabError(f"{where}: {error}") from None

    @property
    def folder(self) -> Path:
        return self.stage.folder / "lab" / self.name

    @property
    def path(self) -> str:
        """The file of the stage in which the place is."""
        return self.place.partition(":")[0]

    def lines(self) -> range:
        """The lines of the place in the stage's own file, from 0."""
        text = (self.stage.folder / self.path).read_text().splitlines()
        found: set[int] = set()
        try:
            for selector in parse_selectors(self.place):
                found |= selector.lines(text)
        except WalkError as error:
            raise LabError(f"{self.stage.name}/lab/{self.name}: {error}") from None
        if not found or max(found) - min(found) + 1 != len(found):
            raise LabError(
                f"{self.stage.name}/lab/{self.name}: `{self.place}` is not one piece of the file"
            )
        return range(min(found), max(found) + 1)

    def text(self, name: str) -> str:
        """One of its texts; the stage's own where there is none of that name."""
        found = list(self.folder.glob(f"{name}.*"))
        if found:
            return found[0].read_text()
        if name != "answer":
            raise LabError(f"{self.stage.name}/lab/{self.name}: there is no {name}.*")
        lines = (self.stage.folder / self.path).read_text().splitlines()
        place = self.lines()
        return "".join(f"{line}\n" for line in lines[place.start : place.stop])

    def tree(self, name: str = "blank") -> Tree:
        """The stage's sources with one of the texts in the place."""
        tree = read_tree(self.stage.folder)
        lines = tree[self.path].splitlines(keepends=True)
        place = self.lines()
        tree[self.path] = "".join([*lines[: place.start], self.text(name), *lines[place.stop :]])
        return tree


def labs(stage: Stage) -> list[Path]:
    return list((stage.folder / "lab").glob("*/lab.toml"))


def as_tuple(value: object) -> object:
    return tuple(map(as_tuple, value)) if isinstance(value, list) else value


def lists_as_tuples(words: dict[str, object]) -> dict[str, object]:
    return {name: as_tuple(value) for name, value in words.items()}


# --- Judging ---


class Outcome(enum.Enum):
    DONE = "done"
    NOT_YET = "not yet"  # it runs, and does something else
    NO_BUILD = "no build"  # the compiler does not take it
    CRASH = "crash"  # of the test machine
    ENDLESS = "endless"


@dataclasses.dataclass(frozen=True)
class Verdict:
    outcome: Outcome
    says: str  # one sentence or two
    seen: str = ""  # what was printed, or what the compiler said
    where: str = ""  # " in a run with ...": if it was not the stage's own run
    warnings: tuple[str, ...] = ()  # the compiler's, of what it has just built

    @property
    def done(self) -> bool:
        return self.outcome is Outcome.DONE


def judge(
    exercise: Exercise, copy: Copy, progress: Callable[[str], None] = lambda text: None
) -> Verdict:
    """Build the learner's copy, run it in Bochs, and say what it does."""
    progress("building")
    try:
        warnings = WARNING.findall(copy.build())
        others = build_others(copy, exercise.checks)
    except StageError as error:
        return no_build(str(error))
    progress("running it in the test machine")
    seen = first = ""
    try:
        with Machine.start(engine="bochs") as machine:
            machine.put(copy.files())
            for number, check in enumerate(exercise.checks):
                if others[number]:
                    machine.put(others[number])
                if check.guest:
                    image = assemble((exercise.folder / check.guest).read_text())
                    machine.put({"/stage/guest.bin": image})
                seen, failed = attempt(machine, exercise, check)
                if failed:
                    return dataclasses.replace(
                        failed, where=where(check), warnings=tuple(map(": ".join, warnings))
                    )
                first = first or seen
            problems = machine.check()
            if problems:
                seen = "\n".join(problems)
                return crash(exercise, seen)
    except (MachineError, Lost) as error:
        return crash(exercise, str(error))
    return Verdict(Outcome.DONE, "", first)


def build_others(copy: Copy, checks: Sequence[Check]) -> list[dict[str, bytes | Path]]:
    """For each check the files of its `changes`. What two checks want alike is built once.

    All are built before the first is run, so each has a folder of its own.
    """
    wanted = list(dict.fromkeys(check.changes for check in checks if check.changes))
    built = {changes: other(copy, changes, number) for number, changes in enumerate(wanted, 1)}
    return [built.get(check.changes, {}) for check in checks]


def other(copy: Copy, changes: Changes, number: int) -> dict[str, bytes | Path]:
    """Build the learner's code with other lines around it; the files for the test machine."""
    tree = read_tree(copy.place)
    for path, old, new in changes:
        if path not in tree or old not in tree[path]:
            raise StageError(f"{path}: `{old}` is not there any more; this exercise needs it")
        tree[path] = tree[path].replace(old, new)
    changed = Copy(copy.name, BUILD / f"other-{copy.place.name}-{number}")
    # Only what differs is written, so that only that is built.
    now = read_tree(changed.place) if changed.place.exists() else {}
    for path in now.keys() - tree.keys():
        (changed.place / path).unlink()
    write_tree({path: text for path, text in tree.items() if now.get(path) != text}, changed.place)
    changed.build()
    return {
        name.replace("/stage/", "/stage/other/"): path for name, path in changed.files().items()
    }


def no_build(said: str) -> Verdict:
    wrong = COMPILER.findall(said)
    gone = NO_RULE.search(said)
    if wrong:
        place, what = wrong[0]
        return Verdict(Outcome.NO_BUILD, f"It does not build. {place}: {what}", said)
    if gone:
        return Verdict(Outcome.NO_BUILD, f"It does not build: {gone[1]} is gone.", said)
    return Verdict(Outcome.NO_BUILD, "It does not build.", said)


def attempt(machine: Machine, exercise: Exercise, check: Check) -> tuple[str, Verdict | None]:
    """One run: what was seen, and what is wrong with it."""
    log_before = len(machine.kernel_log())
    loaded = machine.run("insmod /stage/vtxdrv.ko", timeout=SECONDS)
    if loaded.status:
        seen = (loaded.stderr + loaded.stdout).decode(errors="replace") + own(machine, log_before)
        if TROUBLE.search(machine.kernel_log()):
            return seen, crash(exercise, machine.telling_log() + seen)
        return seen, wrong(exercise, f"{seen}\n[not loaded]", "VTXDRV could not be loaded.", seen)
    words = list(check.command or exercise.stage.config.run)
    if check.guest:
        words = ["guest.bin" if word == "nanox.bin" else word for word in words]
    job = machine.spawn(f"cd /stage && PATH=/stage:$PATH exec {shlex.join(words)} 2>&1")
    job.write(check.types.encode())
    job.close_stdin()
    ended = job.ended(SECONDS)
    text = job.output.decode(errors="replace").replace("\r\n", "\n")
    text += "" if text.endswith("\n") or not text else "\n"
    if not ended:
        job.signal(9)
        job.wait(AFTER)
    unloaded = machine.run("rmmod vtxdrv", timeout=AFTER)
    seen = text + own(machine, log_before)
    if TROUBLE.search(machine.kernel_log()):
        return seen, crash(exercise, machine.telling_log() + seen)
    if not ended:
        verdict = wrong(exercise, f"{seen}\n{ENDLESS}", "", seen)
        says = verdict.says or check.endless or f"It did not end within {SECONDS:g} seconds."
        return seen, Verdict(Outcome.ENDLESS, says, seen)
    status = job.wait(SECONDS).status
    facts = f"{seen}\n[status {status}]"
    if unloaded.status:
        return seen, wrong(exercise, facts, "VTXDRV could not be unloaded again.", seen)
    right = (
        check.status in (None, status)
        and all(re.search(one, seen, re.M) for one in check.shows)
        and not any(re.search(one, seen, re.M) for one in check.hides)
    )
    return seen, None if right else wrong(exercise, facts, check.says, seen)


def where(check: Check) -> str:
    if check.guest:
        return " in a run with another guest"
    if check.changes:
        return " where your code ran with other lines around it"
    return " in another run" if check.command else ""


def own(machine: Machine, start: int) -> str:
    """What VTXDRV has said since then."""
    log = machine.kernel_log()[start:]
    lines = (line for line in log.splitlines() if "vtxdrv: " in line)
    return "".join(f"{re.sub(STAMP, '', line)}\n" for line in lines)


def wrong(exercise: Exercise, facts: str, otherwise: str, seen: str) -> Verdict:
    """Which mistake is it?"""
    for mistake in exercise.mistakes:
        if re.search(mistake.when, facts, re.M):
            return Verdict(Outcome.NOT_YET, mistake.says, seen)
    return Verdict(Outcome.NOT_YET, otherwise, seen)


def crash(exercise: Exercise, said: str) -> Verdict:
    known = wrong(exercise, f"{said}\n[crash]", "", said)
    cause = TROUBLE.search(said)
    says = known.says or (cause[0].strip() if cause else said.strip().splitlines()[0])
    return Verdict(Outcome.CRASH, says, said)


# --- What an exercise must be like ---


def complaints(exercise: Exercise, before: Tree) -> list[str]:
    """What is wrong with its description; empty is good. `before` is the stage before."""
    found = []
    if exercise.kind not in (BLANK, BREAK):
        found.append(f"`kind` is {BLANK} or {BREAK}")
    if not HINTS[0] <= len(exercise.hints) <= HINTS[1]:
        found.append(f"it has {len(exercise.hints)} hints, not {HINTS[0]} or {HINTS[1]}")
    if len(exercise.mistakes) != MISTAKES:
        found.append(f"it has {len(exercise.mistakes)} mistakes, not {MISTAKES}")
    if len({mistake.says for mistake in exercise.mistakes}) != len(exercise.mistakes):
        found.append("two mistakes are told the same")
    lines = exercise.text("answer").splitlines()
    if exercise.kind == BLANK:
        old = before.get(exercise.path, "").splitlines()
        new = [line for line in lines if line.strip() and line not in old]
        if len(new) < BLANK_LEAST:
            found.append(f"the stage itself added {len(new)} lines of it, not {BLANK_LEAST}")
    texts = [exercise.text(name) for name in ("blank", "answer", "second")]
    texts += [exercise.text(Path(mistake.file).stem) for mistake in exercise.mistakes]
    if len(set(texts)) != len(texts):
        found.append("two of its texts are the same")
    return found
