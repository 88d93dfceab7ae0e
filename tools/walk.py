# SPDX-License-Identifier: GPL-2.0-only
"""A walk: the difference between two stages, cut into steps that tell a story.

`lab/walk.toml` names for each step the places that it changes, never by line number:

    "vtxdrv/cpuid.c"                      what no other step names in this file
    "vtxdrv/vcpu.c: vcpu_load vcpu_put"   functions, structures, tables, labels
    "vtxdrv/exit.c: /EXIT_REASON_CPUID/"  changed lines in which this is found
    "vtxdrv/hw.c: /if (err)/../return/"   from the one to the next with the other

The last two beat the second, and that the first. Every changed line is in exactly one step.
"""

from __future__ import annotations

import dataclasses
import functools
import re
import tomllib
from collections import Counter, defaultdict
from pathlib import Path

from harness.stage import Stage
from tools.changes import FileChange, Hunk, Tree, code_lines, compare, is_code, pair, read_tree
from tools.symbols import regions

STEP_MOST = 60  # added lines of a step
SIZE_ABOUT = 10  # how far what a walk says of its size may be from the truth
STAGE_MOST = 300  # added lines of code of a stage that a learner must read: no plumbing
PART_MOST = 300  # the same of a part, where a stage is larger and told in parts
PLUMBING_MOST = 0.2  # of the added lines of code
# What a stage may have beyond that, and why.
APART = ("first stage", "pure move", "chip model", "rule table", "shell command")

TOKEN = re.compile(r"/((?:\\.|[^/\\])+)/(?:\.\./((?:\\.|[^/\\])+)/)?|(\w+)")


class WalkError(Exception):
    """A walk that does not fit its stage; the message says where and what to do."""


@dataclasses.dataclass(frozen=True)
class Step:
    """One step. `shows` is what its run prints, `types` what a person types for that.

    `part` is the title of the part of the walk that begins with it.
    """

    title: str
    ask: str
    why: str
    code: tuple[str, ...]
    run: bool = False
    bare: bool = False  # the run is on a plain PC, without a hypervisor
    command: tuple[str, ...] = ()  # of the run; without it what stage.toml says
    shows: str = ""
    types: str = ""
    plumbing: bool = False
    part: str = ""
    apart: str = ""  # one of APART, a colon, a sentence


@dataclasses.dataclass(frozen=True)
class Size:
    """That a learner must read more than he should: how many lines of code, and why."""

    read: int = 0
    why: str = ""


@dataclasses.dataclass(frozen=True)
class Part:
    """Some steps of a walk that belong together: a good place to begin and to stop."""

    title: str
    first: int
    last: int
    read: int  # lines of code that a learner must read
    code: int  # all that it adds


@dataclasses.dataclass(frozen=True)
class Selector:
    path: str
    first: str = ""  # a symbol, or a pattern
    last: str = ""  # a pattern
    rank: int = 0  # 0 the rest of the file, 1 a symbol, 2 a pattern

    def __str__(self) -> str:
        last = f"../{self.last}/" if self.last else ""
        return f"{self.path}: {('', self.first, f'/{self.first}/{last}')[self.rank]}".rstrip(": ")

    def lines(self, text_lines: list[str]) -> set[int]:
        """Which lines of a version of the file it names."""
        if self.rank == 0:
            return set(range(len(text_lines)))
        if self.rank == 1:
            return set(regions(self.path, "\n".join(text_lines)).get(self.first, ()))
        found = set()
        inside = False
        for number, line in enumerate(text_lines):
            starts = not inside and re.search(self.first, line)
            if starts or inside:
                found.add(number)
            if starts and self.last:
                inside = True
            elif inside and re.search(self.last, line):
                inside = False
        return found


def parse_selectors(text: str) -> list[Selector]:
    path, colon, rest = text.partition(":")
    if not colon:
        return [Selector(path)]
    selectors = []
    for first, last, name in TOKEN.findall(rest):
        selectors.append(Selector(path, name, "", 1) if name else Selector(path, first, last, 2))
    if not selectors:
        raise WalkError(f"{text!r} names nothing behind the colon")
    return selectors


@dataclasses.dataclass
class Owned:
    """A changed file, and which step each changed line belongs to."""

    change: FileChange
    added: dict[int, int] = dataclasses.field(default_factory=dict)
    removed: dict[int, int] = dataclasses.field(default_factory=dict)

    def first_step(self) -> int:
        return min([*self.added.values(), *self.removed.values()])

    def last_step(self) -> int:
        return max([*self.added.values(), *self.removed.values()])

    def lines_after(self, step: int) -> list[str]:
        """The file when the steps up to this one (from 1; 0 is none) are done."""
        change = self.change
        lines: list[str] = []
        at = 0
        for hunk, order in zip(change.hunks, self.order):
            lines += change.before[at : hunk.old]
            for is_new, number in order:
                if is_new and self.added[number] <= step:
                    lines.append(change.after[number])
                if not is_new and self.removed[number] > step:
                    lines.append(change.before[number])
            at = hunk.old + hunk.removed
        return lines + change.before[at:]

    @functools.cached_property
    def order(self) -> list[list[tuple[bool, int]]]:
        """For each hunk its lines, old (False) and new, as they follow one another half-way.

        A line that became another one stands where that stands, whichever of the two is there.
        """
        return [self._order(hunk) for hunk in self.change.hunks]

    def _order(self, hunk: Hunk) -> list[tuple[bool, int]]:
        old = range(hunk.old, hunk.old + hunk.removed)
        new = range(hunk.new, hunk.new + hunk.added)
        partner = pair(
            self.change.before[old.start : old.stop], self.change.after[new.start : new.stop]
        )
        order: list[tuple[bool, int]] = []
        done_old = done_new = 0
        for mine, other in [*sorted(partner.items()), (len(old), len(new))]:
            order += [(False, number) for number in old[done_old : mine + 1]]
            order += [(True, number) for number in new[done_new : other + 1]]
            if mine < len(old):
                # The pair itself, in one place: all old lines before it, all new ones, then it.
                order.remove((False, old[mine]))
                order.insert(len(order) - 1, (False, old[mine]))
            done_old, done_new = mine + 1, other + 1
        return order


@dataclasses.dataclass(eq=False)
class Walk:
    """The steps from one tree to another. Steps count from 1, as people do."""

    name: str
    steps: list[Step]
    before: Tree
    after: Tree
    files: list[Owned]
    size: Size
    moves: dict[int, int]  # index in files -> the step that moves or makes an unchanged file

    @functools.cache
    def tree(self, step: int) -> Tree:
        """The code when the steps up to this one are done; 0 is the stage before."""
        tree = dict(self.before)
        for index, owned in enumerate(self.files):
            change = owned.change
            begun = self.moves.get(index) or owned.first_step()
            if step < begun:
                continue
            if change.old_path:
                del tree[change.old_path]
            if change.removed and step >= owned.last_step():
                continue
            tree[change.path] = "".join(f"{line}\n" for line in owned.lines_after(step))
        return tree

    @functools.cache
    def changes(self, step: int) -> list[FileChange]:
        """What a step does to the tree before it."""
        return compare(self.tree(step - 1), self.tree(step))

    @functools.cached_property
    def _added(self) -> Counter[tuple[int, bool]]:
        """How many lines each step adds that are code, and that are not."""
        count: Counter[tuple[int, bool]] = Counter()
        for owned in self.files:
            is_code_line = code_lines(owned.change.path, owned.change.after)
            count.update((number, is_code_line[line]) for line, number in owned.added.items())
        return count

    def added(self, step: int, only_code: bool = False) -> int:
        """How many lines a step adds."""
        return self._added[step, True] + (0 if only_code else self._added[step, False])

    def to_read(self, step: int) -> int:
        """How many lines of code of a step a learner must read."""
        told = self.steps[step - 1]
        return 0 if told.apart or told.plumbing else self.added(step, only_code=True)

    @functools.cache
    def parts(self) -> list[Part]:
        """The parts in their order; none where the walk is told in one go."""
        begins = [number for number, step in enumerate(self.steps, 1) if step.part]
        ends = [*[number - 1 for number in begins[1:]], len(self.steps)]
        return [
            Part(
                *(self.steps[a - 1].part, a, b),
                read=sum(map(self.to_read, range(a, b + 1))),
                code=sum(self.added(number, only_code=True) for number in range(a, b + 1)),
            )
            for a, b in zip(begins, ends)
        ]


# --- Reading and fitting ---


def walk_file(stage: Stage) -> Path:
    return stage.folder / "lab" / "walk.toml"


def read_steps(path: Path) -> tuple[list[Step], Size]:
    """A walk.toml; WalkError where it is not one."""
    name = f"{path.parent.parent.name}/lab/walk.toml"
    try:
        with open(path, "rb") as file:
            content = tomllib.load(file)
    except FileNotFoundError:
        raise WalkError(f"{path.parent.parent.name} has no lab/walk.toml yet") from None
    except tomllib.TOMLDecodeError as error:
        raise WalkError(f"{name}: {error}") from None
    steps = []
    for number, table in enumerate(content.get("step", ()), 1):
        try:
            table["code"] = tuple(table["code"])
            table["command"] = tuple(table.get("command", ()))
            steps.append(Step(**table))
        except (TypeError, KeyError) as error:
            raise WalkError(f"{name}, step {number}: {error}")
    try:
        return steps, Size(**content.get("size", {}))
    except TypeError as error:
        raise WalkError(f"{name}, [size]: {error}") from None


def previous(stage: Stage) -> Stage | None:
    """The stage before; the first one starts from nothing."""
    stages = Stage.all()
    index = stages.index(stage)
    return stages[index - 1] if index else None


def load(stage: Stage) -> Walk:
    """The walk of a stage, fitted to its sources; WalkError says what does not fit."""
    before = previous(stage)
    fitted = fit(
        stage.name,
        *read_steps(walk_file(stage)),
        read_tree(before.folder if before else None),
        read_tree(stage.folder),
    )
    if fitted.problems():
        raise WalkError(
            f"the walk of {stage.name} does not fit its sources:\n  "
            + "\n  ".join(fitted.problems())
        )
    return fitted.walk


@dataclasses.dataclass(frozen=True)
class Stray:
    """A changed line that is not in exactly one step."""

    path: str
    sign: str  # + or -
    line: int  # from 0, in the version that has it
    text: str
    what: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line + 1}: {self.sign}{self.text}  {self.what}"


@dataclasses.dataclass
class Fitted:
    """A walk, and what does not fit."""

    walk: Walk
    strays: list[Stray]
    idle: list[tuple[int, Selector]]  # step, and what it names although nothing changed there
    unmoved: list[str]  # files that only moved, and are in no step

    def problems(self) -> list[str]:
        found = [str(stray) for stray in self.strays]
        found += [f"step {step}: nothing that changed is at `{name}`" for step, name in self.idle]
        found += [f"{path}: moved, and no step names it" for path in self.unmoved]
        return found


def fit(name: str, steps: list[Step], size: Size, before: Tree, after: Tree) -> Fitted:
    """Give each changed line to its step."""
    used: set[Selector] = set()
    selectors: dict[str, list[tuple[Selector, int]]] = defaultdict(list)
    for number, step in enumerate(steps, 1):
        for text in step.code:
            for selector in parse_selectors(text):
                selectors[selector.path].append((selector, number))

    files = [Owned(change) for change in compare(before, after)]
    fitted = Fitted(Walk(name, steps, before, after, files, size, {}), [], [], [])
    for index, owned in enumerate(files):
        change = owned.change
        mine = selectors.get(change.path, [])
        blank: list[tuple[dict[int, int], int]] = []
        for owners, lines, numbers, sign in (
            (owned.added, change.after, change.added_lines(), "+"),
            (owned.removed, change.before, change.removed_lines(), "-"),
        ):
            claims = [(selector, number, selector.lines(lines)) for selector, number in mine]
            for line in numbers:
                owner = decide(line, claims, used)
                if isinstance(owner, str) and not lines[line].strip():
                    blank.append((owners, line))
                elif isinstance(owner, int):
                    owners[line] = owner
                else:
                    fitted.strays.append(Stray(change.path, sign, line, lines[line], owner))
        # An empty line goes with the changed line below it, or else above it.
        for owners, line in reversed(blank):
            others = [*owned.added.values(), *owned.removed.values()]
            near = owners.get(line + 1, owners.get(line - 1, min(others, default=0)))
            if near:
                owners[line] = near
        if not change.hunks and mine:
            fitted.walk.moves[index] = mine[0][1]
            used.add(mine[0][0])
        elif not change.hunks:
            fitted.unmoved.append(change.path)

    fitted.idle = [
        (number, selector)
        for pairs in selectors.values()
        for selector, number in pairs
        if selector not in used
    ]
    return fitted


def decide(
    line: int, claims: list[tuple[Selector, int, set[int]]], used: set[Selector]
) -> int | str:
    """The step of a changed line, or what is wrong."""
    mine = [(selector, number) for selector, number, lines in claims if line in lines]
    if not mine:
        return "is in no step"
    rank = max(selector.rank for selector, number in mine)
    best = [(selector, number) for selector, number in mine if selector.rank == rank]
    used.update(selector for selector, number in best)
    numbers = sorted({number for selector, number in best})
    if len(numbers) > 1:
        return f"is in two steps, {numbers[0]} and {numbers[1]}"
    return numbers[0]


# --- What a walk must be like ---


def complaints(walk: Walk) -> list[str]:
    """What is wrong with a walk that fits: lengths, order, words. Empty is good."""
    found = []
    total = read = plumbing = 0
    plumbing_began = False
    for number, step in enumerate(walk.steps, 1):
        added, code = walk.added(number), walk.added(number, only_code=True)
        total += code
        plumbing += code if step.plumbing else 0
        read += walk.to_read(number)
        if added > STEP_MOST:
            found.append(f"step {number} adds {added} lines, more than {STEP_MOST}: cut it in two")
        if plumbing_began and not step.plumbing:
            found.append(f"step {number} stands behind plumbing, which comes last")
        plumbing_began |= step.plumbing
        kind = step.apart.partition(":")[0]
        if step.apart and (kind not in APART or len(step.apart) < len(kind) + 10):
            found.append(f"step {number}: `apart` is one of {', '.join(APART)}: and a sentence")
        if step.shows and not step.run:
            found.append(f"step {number} says what it shows, but does not run")
        if not step.ask.rstrip().endswith("?"):
            found.append(f"step {number}: `ask` is not a question")
        if len(step.why.split()) < 8:
            found.append(f"step {number}: `why` does not say why")
    if plumbing > PLUMBING_MOST * total:
        found.append(f"{plumbing} of {total} lines are plumbing, more than a fifth")
    size = walk.size
    if not size.read and read > STAGE_MOST:
        found.append(f"a learner reads {read} lines of code, more than {STAGE_MOST}")
    if size.read and (
        read <= STAGE_MOST or abs(read - size.read) > SIZE_ABOUT or len(size.why.split()) < 8
    ):
        found.append(f"[size]: {read} lines are read: is it still true, and does it say why?")
    parts = walk.parts()
    if size.read and not parts:
        found.append(f"[size]: a walk of {read} lines is told in parts; give steps a `part`")
    if parts and (parts[0].first != 1 or len(parts) == 1):
        found.append("parts: one begins with step 1, and there is another")
    for part in parts:
        if part.read > PART_MOST:
            found.append(f"the part `{part.title}` is {part.read} lines, more than {PART_MOST}")
    return found


def other_files(stage: Stage) -> tuple[Tree, Tree]:
    """Lesson, tests and lab of the stage before and of this one."""
    before = previous(stage)
    trees = [
        {
            name: text
            for name, text in read_tree(folder, only_code=False).items()
            if not is_code(name)
        }
        for folder in (before.folder if before else None, stage.folder)
    ]
    return trees[0], trees[1]
