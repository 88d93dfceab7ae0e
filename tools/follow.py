# SPDX-License-Identifier: GPL-2.0-only
"""`make stage-05 follow`: the stage before in work/, and each call brings the next step.

What a learner changed in between is kept: a step is merged into it. Before anything is
written, the folder as it was is copied into work/.follow-05/.
"""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from harness.paths import ROOT
from harness.stage import Copy, Stage, StageError
from tools.boot import BootError, boot, boot_bare
from tools.changes import Tree, read_tree, write_tree
from tools.merge import has_markers, merge
from tools.walk import Step, Walk, load

WORK = ROOT / "work"
Say = Callable[[str], None]


class FollowError(Exception):
    """It cannot go on; the message says what to do. Nothing was lost."""


@dataclasses.dataclass
class Follow:
    """One learner's way through a walk.

    `place` holds the sources as the learner has them. `memory` holds beside it the number of
    the last step, the sources as the walk laid them, and a snapshot for each call.
    """

    walk: Walk
    stage: Stage
    place: Path
    memory: Path

    @staticmethod
    def of(stage: Stage, parent: Path = WORK) -> Follow:
        name = f"follow-{stage.number}"
        return Follow(load(stage), stage, parent / name, parent / f".{name}")

    @property
    def begun(self) -> bool:
        return (self.memory / "step").exists() and self.place.exists()

    @property
    def step(self) -> int:
        """The last step done; 0: the stage before, untouched."""
        try:
            return int((self.memory / "step").read_text())
        except (OSError, ValueError):
            raise FollowError(
                f"{self.memory} is damaged: move it and {self.place} away, and begin anew"
            ) from None

    @property
    def copy(self) -> Copy:
        return Copy(self.stage.name, self.place)

    def begin(self) -> None:
        """Lay the stage before. A folder that is not ours stays as it is."""
        if self.place.exists() and any(self.place.iterdir()):
            raise FollowError(f"{self.place} is there already: move it away, and begin anew")
        self.place.mkdir(parents=True, exist_ok=True)
        write_tree(self.walk.tree(0), self.place)
        self._remember(0)

    def forward(self) -> list[str]:
        return self._go(self.step + 1)

    def back(self) -> list[str]:
        return self._go(self.step - 1)

    def _go(self, target: int) -> list[str]:
        """Bring the learner's sources to another step. Returns the files to be decided about."""
        mine = read_tree(self.place)
        marked = sorted(name for name, text in mine.items() if has_markers(text))
        if marked:
            raise FollowError(
                f"{self.place / marked[0]} still has both versions of a place in it: "
                "look for <<<<<<<, keep what is right, and call again"
            )
        self._snapshot()
        base = read_tree(self.memory / "base")
        conflicts = merge_trees(base, mine, self.walk.tree(target), self.place)
        self._remember(target)
        return conflicts

    def _remember(self, step: int) -> None:
        """The sources first, the number last: what is cut off in between is seen."""
        base = self.memory / "base"
        self.memory.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(base, ignore_errors=True)
        base.mkdir()
        write_tree(self.walk.tree(step), base)
        (self.memory / "step.new").write_text(f"{step}\n")
        (self.memory / "step.new").rename(self.memory / "step")

    def _snapshot(self) -> None:
        numbers = [int(path.name) for path in self.memory.glob("snapshots/[0-9]*")]
        target = self.memory / "snapshots" / f"{max(numbers, default=0) + 1:04}"
        shutil.copytree(self.place, target)

    def build(self) -> None:
        """Build what is there. StageError has the compiler's words."""
        if (self.place / "Makefile").exists():
            self.copy.build()

    def run(self, step: Step) -> str:
        """Run what a step promises to show; returns what was printed."""
        if step.bare:
            text = boot_bare(self.copy, step.types)
        else:
            text = boot(self.copy, step.command, step.types)
        if step.shows not in text:
            raise BootError(f"it does not show {step.shows!r}, but:\n{text}")
        return text


def merge_trees(base: Tree, mine: Tree, theirs: Tree, place: Path) -> list[str]:
    """Do what changed from base to theirs, to mine, in a folder. Returns paths in conflict."""
    conflicts = []
    for name in sorted({*base, *theirs}):
        path = place / name
        if base.get(name) == theirs.get(name):
            continue
        if name not in theirs:
            if mine.get(name) == base[name]:
                path.unlink()
            elif name in mine:
                conflicts.append(f"{name}: the step takes it away, you changed it; it stays")
            continue
        if name not in mine and name in base:
            conflicts.append(
                f"{name}: the step changes it, you took it away; it is as the step has it"
            )
        done = merge(
            base.get(name, ""),
            mine.get(name, base.get(name, "")),
            theirs[name],
            ("yours", "before this step", "this step"),
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(done.text)
        if done.conflicts:
            places = f"{done.conflicts} place{'s' * (done.conflicts > 1)}"
            conflicts.append(f"{name}: {places} where you and the step both changed")
    return conflicts


# --- For people ---


def follow(stage: Stage, back: bool, show: Callable[[Walk, int], None], say: Say) -> int:
    """One call of `make stage-05 follow`. Returns 0, or 1 where the learner must do something."""
    way = Follow.of(stage)
    place = way.place.relative_to(ROOT)
    if not way.begun:
        if back:
            raise FollowError(
                f"nothing to take back: begin with `make stage-{stage.number} follow`"
            )
        way.begin()
        say(
            f"{place} is now as the stage before. Each `make stage-{stage.number} follow` adds a step."
        )
    if back:
        if way.step == 0:
            raise FollowError(f"{place} is as the stage before: there is no step to take back")
        say(f"Taking back step {way.step}: {way.walk.steps[way.step - 1].title}")
        conflicts = way.back()
        step = None
    else:
        if way.step == len(way.walk.steps):
            say(f"All {way.step} steps are done: {place} is stage {stage.name}.")
            return 0
        show(way.walk, way.step + 1)
        conflicts = way.forward()
        step = way.walk.steps[way.step - 1]
    if conflicts:
        say("Your own changes and this step meet. Nothing is lost; please decide:")
        for line in conflicts:
            say(f"  {place}/{line}")
        return 1
    return finish(way, step, say)


def finish(way: Follow, step: Step | None, say: Say) -> int:
    """Build, run if the step says so, and name the next command."""
    number = way.stage.number
    try:
        way.build()
    except StageError as error:
        say(f"{error}")
        say(f"It is so after your own changes? As it was: {way.memory.relative_to(ROOT)}/snapshots")
        return 1
    say("It builds.")
    if step and step.run:
        try:
            text = way.run(step)
        except BootError as error:
            say(f"The run went wrong: {error}")
            return 1
        say("It runs. It printed:")
        for line in text.splitlines():
            say(f"    {line}")
    left = len(way.walk.steps) - way.step
    if left:
        say(f"Step {way.step} of {len(way.walk.steps)}. Next: make stage-{number} follow")
        say(f"                 Back: make stage-{number} follow FOLLOW=back")
    else:
        say(
            f"That was the last step: this is stage {way.stage.name}. Next: make stage-{number} run"
        )
    return 0


def every_step(way: Follow) -> Iterator[tuple[int, Step]]:
    """For tests: from nothing to the end, each step as it is done."""
    way.begin()
    for number, step in enumerate(way.walk.steps, 1):
        conflicts = way.forward()
        assert not conflicts, conflicts
        yield number, step
