# SPDX-License-Identifier: GPL-2.0-only
"""Carry a change of one stage through all later ones.

Each later stage is a copy of the one before plus an idea. What changed in stage 03 is merged into
04 (base: the 03 that 04 knows; theirs: the 03 of today; ours: 04), then what thereby changed
in 04 into 05, and so on. Where two changes meet, it stops and people decide. Then every stage that
changed is built and booted: that a merge is clean does not mean that it is right.
"""

from __future__ import annotations

import argparse
import collections
import dataclasses
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from harness.engine import EngineError
from harness.machine import MachineError
from harness.paths import ROOT, SetupError
from harness.stage import Stage, StageError
from tools import mend, walk as walks
from tools.boot import BootError, boot
from tools.changes import Tree, compare, read_tree
from tools.ledger import Ledger, LedgerError, Owed, blob, owed
from tools.merge import has_markers, merge, split

STATE = ROOT / "work" / ".carry"
REASONS_MOST = 2  # steps that are told for each side of a conflict
Say = Callable[[str], None]


class CarryError(Exception):
    """It cannot go on; the message says what to do. Nothing was lost."""


# --- What is under way ---


@dataclasses.dataclass
class Conflict:
    """A file in which people must decide, in a later stage."""

    stage: str
    path: str  # its name in that stage
    source: str  # its name in the stage before
    reason: str


@dataclasses.dataclass
class State:
    """A carry that is not finished. It lies in work/.carry; `saved` beside it is how it was."""

    number: str
    files: list[str]
    conflicts: list[Conflict] = dataclasses.field(default_factory=list)
    changed: list[str] = dataclasses.field(default_factory=list)  # stages to build and boot
    touched: list[str] = dataclasses.field(default_factory=list)  # paths below the root

    @staticmethod
    def load() -> State | None:
        try:
            content = json.loads((STATE / "state.json").read_text())
        except FileNotFoundError:
            return None
        content["conflicts"] = [Conflict(**item) for item in content["conflicts"]]
        return State(**content)

    def save(self) -> None:
        STATE.mkdir(parents=True, exist_ok=True)
        new = STATE / "state.new"
        new.write_text(json.dumps(dataclasses.asdict(self), indent=1))
        new.rename(STATE / "state.json")

    def keep(self, path: Path) -> None:
        """Remember a file as it is, before it is written for the first time."""
        name = str(path.relative_to(ROOT))
        if name in self.touched:
            return
        saved = STATE / "saved" / name
        saved.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            shutil.copy2(path, saved)
        self.touched.append(name)
        self.save()

    def write(self, path: Path, text: str) -> None:
        self.keep(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def remove(self, path: Path) -> None:
        self.keep(path)
        path.unlink()

    def undo(self) -> None:
        for name in self.touched:
            saved, path = STATE / "saved" / name, ROOT / name
            if saved.exists():
                shutil.copy2(saved, path)
            elif path.exists():
                path.unlink()
        State.forget()

    @staticmethod
    def forget() -> None:
        shutil.rmtree(STATE, ignore_errors=True)


# --- Git ---


def git_dirty() -> set[str]:
    """Files that differ from the last commit, or are in none."""
    done = subprocess.run(
        ["git", "status", "--porcelain", "-z", "--no-renames", "--untracked-files=all"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CarryError("carry needs git's memory of how a file was: work in a clone of VirtX")
    return {item[3:] for item in done.stdout.split("\0") if item}


def git_text(hash_: str, path: str, stage: Stage) -> str:
    """The text of an earlier version of a file."""
    done = subprocess.run(
        ["git", "cat-file", "blob", hash_], cwd=ROOT, capture_output=True, check=False
    )
    if done.returncode:
        raise CarryError(
            f"git does not know the {path} that {stage.name} was last brought together with: "
            "fetch the whole history (`git fetch --unshallow`)"
        )
    return done.stdout.decode()


# --- One stage ---


@dataclasses.dataclass
class Hop:
    """From one stage to the next."""

    state: State
    before: Stage
    stage: Stage
    dirty: set[str]
    say: Say
    ledger: Ledger = dataclasses.field(init=False)
    theirs: Tree = dataclasses.field(init=False)
    ours: Tree = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        self.ledger = Ledger.read(self.stage)
        self.theirs = read_tree(self.before.folder)
        self.ours = read_tree(self.stage.folder)

    def todo(self) -> list[Owed]:
        """What the stage lacks; only the files named, if any were."""
        found = owed(self.theirs, self.ledger)
        return [item for item in found if not self.state.files or item.path in self.state.files]

    def refuse_dirty(self, items: list[Owed]) -> None:
        """A file with changes that are in no commit is not touched."""
        for item in items:
            name = f"stages/{self.stage.name}/{self.ledger.name_here(item.path)}"
            if name in self.dirty and name not in self.state.touched:
                raise CarryError(f"{name} has changes of yours: commit them first, then carry")

    def run(self) -> None:
        items = self.todo()
        self.refuse_dirty(items)
        moved = self._moves(items)
        for item in items:
            if item.path in moved.values():
                continue  # told with the name that it had
            self._one(item, moved.get(item.path))
        if items:
            if self.stage.name not in self.state.changed:
                self.state.changed.append(self.stage.name)
            self._write_ledger()
            self.state.save()

    def _write_ledger(self) -> None:
        self.state.keep(Ledger.path(self.stage))
        self.ledger.write(self.stage)

    def _moves(self, items: list[Owed]) -> dict[str, str]:
        """Which file that is gone from the stage before is there by another name: old -> new."""
        gone = {item.path: self._base(item) for item in items if item.what == "gone"}
        new = {item.path: self.theirs[item.path] for item in items if item.what == "new"}
        return {
            change.old_path: change.path
            for change in compare(gone, new)
            if change.is_move and change.old_path
        }

    def _base(self, item: Owed) -> str:
        return git_text(item.base, item.path, self.stage) if item.base else ""

    def _one(self, item: Owed, moved_to: str | None) -> None:
        here = self.ledger.name_here(item.path)
        path = self.stage.folder / here
        base = self._base(item)
        ours = self.ours.get(here)
        if item.what == "gone" and not moved_to:
            self._gone(item, path, base, ours)
            return
        source = moved_to or item.path
        theirs = self.theirs[source]
        if ours is None and item.base:
            # Gone here. If that is meant, it still is.
            if item.path in self.ledger.why:
                self.ledger.blobs[source] = blob(theirs)
                self.ledger.why[source] = self.ledger.why[item.path]
            else:
                self._conflict(source, here, f"{self.before.number} changed it, here it is gone")
            return
        target = self.stage.folder / (moved_to if moved_to and here == item.path else here)
        done = merge(
            base,
            base if ours is None else ours,
            theirs,
            (self.stage.name, f"{self.before.name}, as it was", self.before.name),
        )
        if done.text != ours or target != path:
            self.state.write(target, done.text)
            if target != path:
                self.state.remove(path)
            self.say(f"  {self.stage.name}: {target.relative_to(self.stage.folder)}")
        if moved_to:
            del self.ledger.blobs[item.path]
            self.ledger.moved.pop(item.path, None)
            if here != item.path:
                self.ledger.moved[moved_to] = here
        self.ledger.blobs[source] = blob(theirs)
        if done.conflicts:
            places = f"{done.conflicts} place{'s' * (done.conflicts > 1)}"
            name = str(target.relative_to(self.stage.folder))
            self._conflict(source, name, f"both stages changed {places}")

    def _gone(self, item: Owed, path: Path, base: str, ours: str | None) -> None:
        here = self.ledger.name_here(item.path)
        if ours is not None and ours != base and item.path not in self.ledger.why:
            self._conflict(
                item.path, here, f"{self.before.number} has it no more, here it has other lines"
            )
            return
        if ours is not None and ours == base:
            self.state.remove(path)
            self.say(f"  {self.stage.name}: {here} is taken away")
        for table in (self.ledger.blobs, self.ledger.moved, self.ledger.why):
            table.pop(item.path, None)

    def _conflict(self, source: str, path: str, reason: str) -> None:
        self.state.conflicts.append(Conflict(self.stage.name, path, source, reason))


# --- The whole way ---


def later_stages(number: str) -> list[tuple[Stage, Stage]]:
    """(a stage, the next one) for all from this number on."""
    stages = Stage.all()
    start = stages.index(Stage.find(number))
    return list(zip(stages[start:], stages[start + 1 :]))


def carry(state: State, say: Say, check: bool = True) -> int:
    """Go on with a carry. Returns 0 when all is done and runs, 1 where it stopped."""
    dirty = git_dirty()
    pairs = later_stages(state.number)
    if not pairs:
        State.forget()
        say(f"No stage comes after {state.number}: there is nothing to carry.")
        return 0
    # Before anything is written: is all that it will write free to be written?
    for before, stage in pairs:
        hop = Hop(state, before, stage, dirty, say)
        hop.refuse_dirty(hop.todo())
    for before, stage in pairs:
        Hop(state, before, stage, dirty, say).run()
        if state.conflicts:
            tell_conflicts(state, say)
            return 1
    state.save()
    if not state.changed:
        State.forget()
        say(f"Nothing to carry: every stage after {state.number} has it.")
        return 0
    stages = [Stage(name) for name in sorted(state.changed)]
    problems = check_walks([pairs[0][0], *stages], state, say)
    if check:
        problems += try_out([pairs[0][0], *stages], say)
    if problems:
        for problem in problems:
            say(problem)
        say("Mend it and run `tools/carry --continue`, or take all back: `tools/carry --abort`")
        return 1
    State.forget()
    say(
        f"Carried into {', '.join(stage.number for stage in stages)}. Next: make test, then commit."
    )
    return 0


def check_walks(stages: list[Stage], state: State, say: Say) -> list[str]:
    """A walk names places; a carried change may have moved them."""
    found = []
    for stage in stages:
        if not walks.walk_file(stage).exists():
            continue
        state.keep(walks.walk_file(stage))
        mended, problem = mend.mend_walk(stage)
        for line in mended:
            say(f"  {stage.name}: its walk: {line}")
        if problem:
            found.append(problem)
    return found


def try_out(stages: list[Stage], say: Say) -> list[str]:
    """Build and boot: returns what went wrong."""
    found = []
    for stage in stages:
        say(f"Building and booting stage {stage.name} ...")
        try:
            stage.build()
            text = boot(stage, types=stage.config.types)
            if stage.config.shows not in text:
                found.append(
                    f"stage {stage.name} does not show {stage.config.shows!r}, but:\n{text}"
                )
        except (StageError, BootError, MachineError) as error:
            found.append(f"stage {stage.name}: {error}")
    return found


def tell_conflicts(state: State, say: Say) -> None:
    """Each place, and why each of the two stages has it as it is."""
    for conflict in state.conflicts:
        stage = Stage(conflict.stage)
        before = walks.previous(stage)
        assert before
        say(f"\nstages/{conflict.stage}/{conflict.path}: {conflict.reason}.")
        path = stage.folder / conflict.path
        sides = split(path.read_text() if path.exists() else "")
        mine = read_tree(stage.folder)
        if path.exists():
            mine[conflict.path] = sides.ours
        for there, name, tree, lines in (
            (before, conflict.source, read_tree(before.folder), sides.only_theirs),
            (stage, conflict.path, mine, sides.only_ours),
        ):
            for reason in reasons(there, name, tree, lines):
                say(f"  {there.number} has it as it is because of {reason}")
    say(
        "\nLook for <<<<<<< in these files and keep what is right: what the later stage adds, with"
        "\nwhat the earlier one mended. Then: tools/carry --continue"
        '\nDeliberately different:         tools/carry --why FILE "one line of why"'
        "\nAll as it was before:           tools/carry --abort"
    )


def reasons(stage: Stage, path: str, mine: Tree, lines: set[str]) -> list[str]:
    """Why a stage has these lines of a file: the steps, of its own walk or of an earlier one.

    `mine` has the stage's files as they were without the conflict.
    """
    there: Stage | None = stage
    tree = mine
    while there:
        before = walks.previous(there)
        older = read_tree(before.folder if before else None)
        found = told_by(there, path, older, tree, lines)
        if found:
            return found
        there, tree = before, older
    return []


def told_by(stage: Stage, path: str, older: Tree, tree: Tree, lines: set[str]) -> list[str]:
    """The steps of one walk that brought such lines, those with the most of them first."""
    try:
        steps, size = walks.read_steps(walks.walk_file(stage))
        fitted = walks.fit(stage.name, steps, size, older, tree)
    except walks.WalkError:
        return []
    counts: collections.Counter[int] = collections.Counter()
    for owned in fitted.walk.files:
        if owned.change.path == path:
            for line, step in owned.added.items():
                counts[step] += owned.change.after[line].strip() in lines
    return [
        f"stage {stage.number}, step {number}, {steps[number - 1].title!r}: "
        + " ".join(steps[number - 1].why.split())
        for number, count in counts.most_common(REASONS_MOST)
        if count
    ]


# --- The commands ---


def begin(number: str, files: Sequence[str], say: Say, check: bool) -> int:
    if State.load():
        raise CarryError("a carry is under way: `tools/carry --status`, --continue or --abort")
    stage = Stage.find(number)
    for name in files:
        known = [Ledger.read(later).blobs for _, later in later_stages(number)]
        if not (stage.folder / name).exists() and not any(name in blobs for blobs in known):
            raise CarryError(f"{name}: no such file in {stage.name}: name it as vtxdrv/hw.c")
    state = State(stage.number, list(files))
    try:
        return carry(state, say, check)
    except CarryError:
        if not state.touched:
            State.forget()
        raise


def go_on(say: Say, check: bool) -> int:
    state = State.load()
    if not state:
        raise CarryError("no carry is under way: `tools/carry NN` begins one")
    for conflict in state.conflicts:
        path = Stage(conflict.stage).folder / conflict.path
        if path.exists() and has_markers(path.read_text()):
            raise CarryError(
                f"stages/{conflict.stage}/{conflict.path} still has both versions in it: "
                "look for <<<<<<<"
            )
    settle(state)
    return carry(state, say, check)


def settle(state: State) -> None:
    """What people decided becomes what the ledger knows."""
    for conflict in state.conflicts:
        stage = Stage(conflict.stage)
        before = walks.previous(stage)
        assert before
        ledger = Ledger.read(stage)
        theirs = before.folder / conflict.source
        if theirs.exists() and (stage.folder / conflict.path).exists():
            ledger.blobs[conflict.source] = blob(theirs.read_text())
        elif theirs.exists():
            raise CarryError(
                f"stages/{conflict.stage} has no {conflict.path}: if that is meant, say "
                f'`tools/carry --why {conflict.path} "one line of why"`'
            )
        else:
            ledger.blobs.pop(conflict.source, None)
        ledger.write(stage)
    state.conflicts = []
    state.save()


def deliberately(number: str | None, name: str, reason: str, say: Say) -> int:
    """--why: the later stage is meant to differ; nothing is merged, the reason is kept."""
    if len(reason.split()) < 3:
        raise CarryError(f"{reason!r}: say in a line why the later stage is different")
    state = State.load()
    if state and state.conflicts:
        found = [item for item in state.conflicts if name in (item.path, item.source)]
        if not found:
            raise CarryError(f"{name} is not in conflict: `tools/carry --status`")
        stage, source = Stage(found[0].stage), found[0].source
        path = stage.folder / found[0].path
        saved = STATE / "saved" / path.relative_to(ROOT)
        if path.exists() and has_markers(path.read_text()):
            shutil.copy2(saved, path)
        state.conflicts.remove(found[0])
        state.save()
    else:
        pairs = later_stages(number) if number else []
        if not pairs:
            raise CarryError(f'say from which stage: tools/carry NN --why {name} "{reason}"')
        stage, source = pairs[0][1], name
    before = walks.previous(stage)
    assert before
    ledger = Ledger.read(stage)
    theirs = before.folder / source
    if theirs.exists():
        ledger.blobs[source] = blob(theirs.read_text())
        ledger.why[source] = reason
    elif source in ledger.blobs:
        # It is this stage's own from now on.
        del ledger.blobs[source]
    else:
        raise CarryError(f"{source}: neither {before.name} nor the ledger of {stage.name} has it")
    ledger.write(stage)
    say(f"Noted in stages/{stage.name}/ledger.toml.")
    if state:
        say("Next: tools/carry --continue")
    return 0


def status(say: Say) -> int:
    """What is owed, and what is under way. Returns 1 if anything is."""
    state = State.load()
    if state:
        say(f"A carry from {state.number} is under way; it changed {len(state.touched)} files.")
        for conflict in state.conflicts:
            say(f"  to decide: stages/{conflict.stage}/{conflict.path}: {conflict.reason}")
        say("Next: tools/carry --continue, or --abort")
    any_owed = False
    for before, stage in later_stages(Stage.all()[0].number):
        for item in owed(read_tree(before.folder), Ledger.read(stage)):
            say(f"  {stage.number} has not got from {before.number}: {item}")
            any_owed = True
    if not state and not any_owed:
        say("Every stage has all that the stages before it have.")
    return 1 if state or any_owed else 0


def abort(say: Say) -> int:
    state = State.load()
    if not state:
        raise CarryError("no carry is under way: there is nothing to take back")
    state.undo()
    say("All later stages are as they were before this carry.")
    return 0


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tools/carry",
        description="Carry what changed in stage NN through all later stages.",
        epilog="exit status: 0 done, 1 stopped and says at what, 2 bad usage",
    )
    parser.add_argument("number", metavar="NN", nargs="?", help="the stage that was changed, as 03")
    parser.add_argument("files", metavar="FILE", nargs="*", help="only these, as vtxdrv/hw.c")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--continue", dest="go_on", action="store_true", help="after deciding")
    which.add_argument("--abort", action="store_true", help="all as it was before")
    which.add_argument("--status", action="store_true", help="what is owed and what is under way")
    which.add_argument(
        "--why", nargs=2, metavar=("FILE", "REASON"), help="a deliberate difference, in one line"
    )
    parser.add_argument("--no-boot", action="store_true", help="do not build and boot at the end")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    parser = make_parser()
    options = parser.parse_args(arguments)

    def say(text: str) -> None:
        print(text, flush=True)

    try:
        if options.status:
            return status(say)
        if options.abort:
            return abort(say)
        if options.go_on:
            return go_on(say, not options.no_boot)
        if options.why:
            return deliberately(options.number, *options.why, say)
        if not options.number:
            parser.error("which stage was changed? Say its number, or --status")
        return begin(options.number, options.files, say, not options.no_boot)
    except (CarryError, LedgerError, StageError, SetupError, EngineError) as error:
        print(f"carry: {error}", file=sys.stderr)
        return 1 if isinstance(error, (CarryError, EngineError)) else 2
