# SPDX-License-Identifier: GPL-2.0-only
"""Where a learner works on an exercise: his sources, each version of them, and how far he is.

`work/lab-05-NAME/` is his. `work/.lab-05-NAME/` remembers: `base`, the sources as handed out;
`snapshots/NNNN`, the sources at each check and before each change that we make; `state.json`.
Nothing of his is ever overwritten that is not in a snapshot first.
"""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
import filecmp
import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from harness.paths import ROOT
from harness.stage import Copy, Stage
from tools.changes import Tree, read_tree, write_tree
from tools.lab import Exercise, LabError

WORK = ROOT / "work"
UNFINISHED = ".new"  # a folder of this ending was never completed


@dataclasses.dataclass
class State:
    """What is known of one exercise. Times are of time.time()."""

    done: float = 0.0
    checked: int = 0  # how often
    last_check: float = 0.0
    chosen: float = 0.0  # when it was last asked for by name, or checked
    hints: int = 0  # how many were given
    guess: str = ""  # of a `break it`: what the learner expects
    good: str = ""  # the snapshot that worked last


@dataclasses.dataclass(frozen=True)
class Desk:
    """One exercise on the learner's table."""

    exercise: Exercise
    parent: Path

    @staticmethod
    def all(stage: Stage) -> list[Desk]:
        return [Desk(exercise, WORK) for exercise in Exercise.all(stage)]

    @property
    def name(self) -> str:
        return f"lab-{self.exercise.stage.number}-{self.exercise.name}"

    @property
    def place(self) -> Path:
        return self.parent / self.name

    @property
    def memory(self) -> Path:
        return self.parent / f".{self.name}"

    @property
    def copy(self) -> Copy:
        return Copy(self.exercise.stage.name, self.place)

    @property
    def laid(self) -> bool:
        return self.place.exists() and (self.memory / "base").exists()

    # The state

    @property
    def state(self) -> State:
        try:
            notes = json.loads((self.memory / "state.json").read_text())
            # Another version of VirtX may have noted more, or less.
            known = {field.name for field in dataclasses.fields(State)}
            return State(**{name: value for name, value in notes.items() if name in known})
        except FileNotFoundError:
            return State()
        except (ValueError, AttributeError):
            # Of all there is, only the notes are lost: the sources are as they were.
            return State()

    def note(self, **changes: object) -> State:
        """Change the state; what is cut off in between leaves the old one."""
        state = dataclasses.replace(self.state, **changes)  # type: ignore[arg-type]
        self.memory.mkdir(parents=True, exist_ok=True)
        new = self.memory / "state.json.new"
        new.write_text(json.dumps(dataclasses.asdict(state), indent=1) + "\n")
        new.replace(self.memory / "state.json")
        return state

    # The sources

    def lay(self) -> None:
        """Hand it out, if it is not there. A folder that is not ours stays as it is."""
        if self.laid:
            return
        if self.place.exists():
            raise LabError(
                f"{shown(self.place)} is there already, and not of our making: move it away"
            )
        if self.memory.exists():  # the sources were taken away; their versions stay
            self.memory.rename(self._free(self.parent / f".{self.name}.old"))
        tree = self.exercise.tree()
        with finished(self.memory / "base") as folder:
            write_tree(tree, folder)
        with finished(self.place) as folder:
            write_tree(tree, folder)

    def base(self) -> Tree:
        return read_tree(self.memory / "base", only_code=False)

    def is_base(self) -> bool:
        """Is it as it was handed out?"""
        return same(self.memory / "base", self.place)

    def outdated(self) -> bool:
        """Has the stage changed since this was handed out?"""
        return self.base() != self.exercise.tree()

    def snapshots(self) -> list[Path]:
        found = (self.memory / "snapshots").glob("[0-9]*")
        return sorted(path for path in found if path.suffix != UNFINISHED)

    def snapshot(self) -> str:
        """Keep the sources as they are now. Returns its name; an equal last one is used again."""
        kept = self.snapshots()
        for path in reversed(kept):
            if same(path, self.place):
                return path.name
        number = int(kept[-1].name) + 1 if kept else 1
        target = self.memory / "snapshots" / f"{number:04}"
        with finished(target) as folder:
            shutil.copytree(self.place, folder, symlinks=True, dirs_exist_ok=True)
        return target.name

    def back(self) -> str:
        """Bring the version before this one. Returns its name; before the first is "base"."""
        if self.is_base():
            return "base"
        now = self.snapshot()
        names = [path.name for path in self.snapshots()]
        at = names.index(now)
        if at == 0:
            self.restore(self.memory / "base")
            return "base"
        self.restore(self.memory / "snapshots" / names[at - 1])
        return names[at - 1]

    def restore(self, source: Path) -> None:
        """Make the sources like those of `source`, file by file. They are in a snapshot."""
        wanted = files(source)
        for name in files(self.place) - wanted:
            (self.place / name).unlink()
        for name in sorted(wanted):
            target = self.place / name
            if target.exists() and filecmp.cmp(source / name, target, shallow=False):
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            new = target.with_name(f"{target.name}{UNFINISHED}")
            shutil.copyfile(source / name, new)
            new.replace(target)

    def set_aside(self) -> Path:
        """Move all of it away, so that it can be handed out anew. Returns where it is now."""
        old = self._free(self.parent / f"{self.name}.old")
        self.snapshot()
        self.place.rename(old)
        self.memory.rename(old / ".lab")
        return old

    @staticmethod
    def _free(path: Path) -> Path:
        """The same with a number behind it that nothing has."""
        number = 1
        while (free := path.with_name(f"{path.name}-{number}")).exists():
            number += 1
        return free

    def changed_lines(self) -> list[str]:
        """What the learner changed since it last worked, or since it was handed out."""
        good = self.memory / "snapshots" / self.state.good if self.state.good else None
        before = read_tree(good, False) if good and good.exists() else self.base()
        after = read_tree(self.place, only_code=False)
        changed = []
        for name in sorted({*before, *after}):
            old, new = (tree.get(name, "").splitlines() for tree in (before, after))
            number = 0
            for line in difflib.ndiff(old, new):
                number += line[0] in " +"
                if line[0] == "+":
                    changed.append(f"{name}:{number}: {line[2:].strip()}")
            if name in before and name not in after:
                changed.append(f"{name} is gone")
        return changed


@contextlib.contextmanager
def finished(target: Path) -> Iterator[Path]:
    """A folder to be filled: it gets its name when all is in it, and never half full."""
    new = target.with_name(f"{target.name}{UNFINISHED}")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    try:
        yield new
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise
    new.rename(target)


def files(folder: Path) -> set[str]:
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != UNFINISHED
    }


def same(one: Path, other: Path) -> bool:
    names = files(one)
    return names == files(other) and all(
        filecmp.cmp(one / name, other / name, shallow=False) for name in names
    )


def shown(path: Path) -> str:
    """A path as people type it."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def ago(moment: float) -> str:
    """ "3 days ago": how long since a moment of time.time()."""
    minutes = max(0, int((time.time() - moment) / 60))
    for size, unit in ((24 * 60, "day"), (60, "hour"), (1, "minute")):
        count = minutes // size
        if count:
            return f"{count} {unit}{'s' * (count > 1)} ago"
    return "just now"


def writable() -> None:
    """A clear word where the disk, or the right to write, is missing."""
    try:
        WORK.mkdir(exist_ok=True)
    except OSError as error:
        raise LabError(f"{shown(WORK)}: {os.strerror(error.errno or 0)}") from None
