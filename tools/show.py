# SPDX-License-Identifier: GPL-2.0-only
"""A walk in the terminal: question, changes with the changed words marked, and why."""

from __future__ import annotations

import dataclasses
import difflib
import itertools
import os
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Collection, Iterator

from tools.changes import FileChange, Hunk, Tree, compare, pair
from tools.prose import many, paragraphs
from tools.symbols import TOP, regions
from tools.walk import Step, Walk

CONTEXT = 3
MOVED_LEAST = 4  # lines together; fewer may be alike by chance
WORDS = re.compile(r"\w+|\s+|.")
WIDTH_MOST = 100
NARROW = 100  # below, a tab is shown as four columns


@dataclasses.dataclass(frozen=True)
class Style:
    """What is written around the parts; all empty where there are no colours."""

    part: str = ""
    title: str = ""
    ask: str = ""
    file: str = ""
    place: str = ""
    added: str = ""
    removed: str = ""
    word: str = ""
    word_end: str = ""
    reset: str = ""


COLOURS = Style(
    part="\033[1;35m",
    title="\033[1m",
    ask="\033[33m",
    file="\033[1;36m",
    place="\033[2m",
    added="\033[32m",
    removed="\033[31m",
    word="\033[7m",
    word_end="\033[27m",
    reset="\033[0m",
)
PLAIN = Style()


class Painter:
    """Writes a walk as lines of text, for a terminal of this width."""

    def __init__(self, style: Style = PLAIN, width: int = 80) -> None:
        self._style = style
        self._width = width
        self._tab = 4 if width < NARROW else 8

    def walk(self, walk: Walk, steps: Collection[int] | None = None) -> Iterator[str]:
        """All steps, with what awaits the reader before them; or some."""
        if steps is None:
            yield from self.contents(walk)
        for number, step in enumerate(walk.steps, 1):
            if steps is None or number in steps:
                yield from self.step(walk, number, step)

    def contents(self, walk: Walk) -> Iterator[str]:
        """The parts of a walk that has some."""
        style = self._style
        parts = walk.parts()
        if not parts:
            return
        yield f"{style.title}{walk.name}, in {len(parts)} parts{style.reset}"
        wide = max(len(part.title) for part in parts)
        lines = []
        for number, part in enumerate(parts, 1):
            steps = f"steps {part.first} to {part.last}"
            # A chip's rules, or a move, are to be looked at, no more.
            some = part.code - part.read if part.read else "all"
            rest = f", {some} to skim" if part.code > part.read else ""
            size = f"{many(part.code, 'line')} of code"
            lines.append(f"  {number}  {part.title:{wide}}  {steps:14}  {size:>17}{rest}")
        if max(map(len, lines)) > self._width:
            lines = [line.replace(" of code", "", 1) for line in lines]
        for line in lines:
            yield from textwrap.wrap(
                line, self._width, subsequent_indent=" " * 5, break_long_words=False
            )
        yield ""
        yield ""

    def step(self, walk: Walk, number: int, step: Step) -> Iterator[str]:
        style = self._style
        for at, part in enumerate(walk.parts(), 1):
            if part.first == number:
                yield f"{style.part}Part {at}: {part.title}{style.reset}"
                yield ""
        size = f"{many(walk.added(number), 'line')} added" + (", plumbing" if step.plumbing else "")
        yield f"{style.title}Step {number} of {len(walk.steps)}: {step.title}{style.reset}"
        yield f"{style.place}{walk.name}, {size}{style.reset}"
        yield ""
        yield from self.prose(f"First guess: {step.ask}", style.ask)
        yield ""
        yield from self.changes(walk.changes(number))
        yield from self.prose(f"Why: {step.why}")
        if step.shows:
            yield ""
            yield from self.prose(f"Now it runs, and shows: {step.shows}")
        yield ""
        yield ""

    def others(self, before: Tree, after: Tree) -> Iterator[str]:
        """What a walk does not tell: lesson, tests and lab."""
        yield f"{self._style.title}Beside the programs: lesson, tests, lab{self._style.reset}"
        yield ""
        yield from self.changes(compare(before, after))

    def changes(self, changes: list[FileChange]) -> Iterator[str]:
        for change in changes:
            yield from self.file(change)
            yield ""

    def prose(self, text: str, colour: str = "") -> Iterator[str]:
        for line in paragraphs(text, self._width):
            yield f"{colour}{line}{self._style.reset}" if colour and line else line

    def file(self, change: FileChange) -> Iterator[str]:
        style = self._style
        if change.removed:
            what = f"{change.path}: gone"
        elif change.is_move:
            what = f"{change.old_path} moves to {change.path}"
            what += "" if change.hunks else ", unchanged"
        else:
            what = change.path + (" (new)" if change.old_path is None else "")
        yield f"{style.file}{what}{style.reset}"
        if change.removed:
            return
        for group in self._groups(change.hunks):
            yield from self._group(change, group)

    @staticmethod
    def _groups(hunks: list[Hunk]) -> list[list[Hunk]]:
        """Hunks that stand so close that their context touches are shown together."""
        groups: list[list[Hunk]] = []
        for hunk in hunks:
            last = groups[-1][-1] if groups else None
            if last and hunk.old - (last.old + last.removed) <= 2 * CONTEXT:
                groups[-1].append(hunk)
            else:
                groups.append([hunk])
        return groups

    def _group(self, change: FileChange, group: list[Hunk]) -> Iterator[str]:
        first, last = group[0], group[-1]
        yield self._place(change, first)
        old = max(first.old - CONTEXT, 0)
        for hunk in group:
            yield from self._plain(change.before[old : hunk.old])
            yield from self._hunk(
                change.before[hunk.old : hunk.old + hunk.removed],
                change.after[hunk.new : hunk.new + hunk.added],
                {line - hunk.old for line in moved(change)},
            )
            old = hunk.old + hunk.removed
        yield from self._plain(change.before[old : old + CONTEXT])

    def _place(self, change: FileChange, hunk: Hunk) -> str:
        """Line number, and the function that these lines are in."""
        name = ""
        text = "\n".join(change.after)
        if change.path.endswith((".c", ".h", ".S", ".asm")):
            for symbol, lines in regions(change.path, text).items():
                inside = hunk.new in lines and lines.start < hunk.new and symbol != TOP
                if inside and not is_over(change.after[lines.start : hunk.new + 1]):
                    name = f", in {symbol}"
        return f"{self._style.place}  line {hunk.new + 1}{name}{self._style.reset}"

    def _plain(self, lines: list[str]) -> Iterator[str]:
        for line in lines:
            yield self._line(" ", "", [(line, False)])

    def _hunk(self, removed: list[str], added: list[str], elsewhere: set[int]) -> Iterator[str]:
        """Old lines, then new ones; where one became the other, the words that changed.

        Of old lines that stand `elsewhere` now it is only said how many they are.
        """
        style = self._style
        partner = pair(removed, added)
        backward = {new: old for old, new in partner.items()}
        for number, line in enumerate(removed):
            if number in elsewhere:
                if number - 1 not in elsewhere or number == 0:
                    many = next(n for n in itertools.count(1) if number + n not in elsewhere)
                    told = f"({many} lines that have only moved)"
                    yield self._line("-", style.removed, [(told, False)])
                continue
            other = added[partner[number]] if number in partner else None
            yield self._line("-", style.removed, mark(line, other))
        for number, line in enumerate(added):
            other = removed[backward[number]] if number in backward else None
            yield self._line("+", style.added, mark(line, other))

    def _line(self, sign: str, colour: str, parts: list[tuple[str, bool]]) -> str:
        """A line of code, as several where it is longer than ours: they break between words."""
        style = self._style
        lines = []
        wide = letters(parts, self._tab)
        if len(wide) > self._width - 2 and wide[-1][0] == "\\":
            # What stands between a macro's line and its backslash is only there for its looks.
            while wide[-3:-1] == [(" ", False)] * 2:
                del wide[-2]
        for number, piece in enumerate(pieces(wide, self._width - 2)):
            head = sign if number == 0 else " "
            if colour:
                text = "".join(
                    f"{style.word}{run}{style.word_end}" if marked else run
                    for run, marked in runs(piece)
                )
                lines.append(f"{colour}{head} {text}{style.reset}")
                continue
            lines.append(f"{head} {''.join(letter for letter, marked in piece)}".rstrip())
            # Without colours, what changed in a line is underlined on the next one.
            if sign == "+" and any(marked for letter, marked in piece):
                carets = "".join("^" if marked else " " for letter, marked in piece)
                lines.append(f"  {carets}".rstrip())
        return "\n".join(lines)


Letters = list[tuple[str, bool]]  # each with: is it new?
HANGING = 4  # columns by which the rest of a long line stands farther in


def letters(parts: list[tuple[str, bool]], tab: int) -> Letters:
    """A line letter by letter, tabs as spaces."""
    found: Letters = []
    for part, marked in parts:
        wide, _ = expand(part, len(found), tab)
        found += [(letter, marked) for letter in wide]
    return found


def pieces(line: Letters, width: int) -> Iterator[Letters]:
    """A line in pieces of at most that many columns, broken between words where that goes."""
    plain = "".join(letter for letter, marked in line)
    indent = len(plain) - len(plain.lstrip())
    hanging = [(" ", False)] * min(indent + HANGING, width // 2)
    while len(line) > width:
        text = "".join(letter for letter, marked in line[: width + 1])
        begin = len(text) - len(text.lstrip())
        space = text.rfind(" ", begin)
        at = space if space > 0 else width
        yield line[:at]
        line = hanging + line[at + (space > 0) :]
    yield line


def runs(line: Letters) -> Iterator[tuple[str, bool]]:
    for marked, group in itertools.groupby(line, key=lambda pair: pair[1]):
        yield "".join(letter for letter, _ in group), marked


DATA = re.compile(r"\w+\s+(?:d[bwdq]|equ|times)\b|%define")  # of a label without a colon


def is_over(lines: list[str]) -> bool:
    """A symbol's lines so far: has it ended, though the next one has not begun?

    A macro ends with its line, a routine in assembly with the first name of some data.
    """
    if any(DATA.match(line) for line in lines):
        return True
    code = [line for line in lines[:-1] if line and not line.startswith(("/*", " *", "//", ";"))]
    return bool(code) and code[0].startswith("#define") and not code[-1].endswith("\\")


def expand(text: str, column: int, tab: int) -> tuple[str, int]:
    """Tabs as spaces, for text that begins at a column; and where it ends."""
    wide = (" " * column + text).expandtabs(tab)[column:]
    return wide, column + len(wide)


def moved(change: FileChange) -> set[int]:
    """Old lines that stand elsewhere in the file now, several together, just as they were."""
    found: set[int] = set()
    for old in change.hunks:
        before = change.before[old.old : old.old + old.removed]
        for new in change.hunks:
            after = change.after[new.new : new.new + new.added]
            matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
            for at, _, size in matcher.get_matching_blocks():
                if size >= MOVED_LEAST:
                    found.update(range(old.old + at, old.old + at + size))
    return found


def mark(line: str, other: str | None) -> list[tuple[str, bool]]:
    """A line in parts, each with: is it not in the other line?"""
    if other is None:
        return [(line, False)]
    mine, theirs = WORDS.findall(line), WORDS.findall(other)
    parts = []
    matcher = difflib.SequenceMatcher(None, theirs, mine, autojunk=False)
    for tag, _, _, begin, end in matcher.get_opcodes():
        if begin < end:
            text = "".join(mine[begin:end])
            parts.append((text, tag != "equal" and bool(text.strip())))
    return parts


# --- On which terminal? ---


def painter(plain: bool) -> Painter:
    """For our standard output: colours only on a terminal that has them."""
    width = min(shutil.get_terminal_size((80, 24)).columns, WIDTH_MOST)
    colours = sys.stdout.isatty() and not plain and not os.environ.get("NO_COLOR")
    return Painter(COLOURS if colours and os.environ.get("TERM") != "dumb" else PLAIN, width)


def page(lines: Iterator[str], plain: bool) -> None:
    """Through the pager at a terminal, else straight on."""
    text = "".join(f"{line}\n" for line in lines)
    pager = os.environ.get("PAGER") or shutil.which("less")
    if plain or not sys.stdout.isatty() or not pager:
        sys.stdout.write(text)
        return
    # R: colours as they are; F: no pager for less than a screen; X: leave it on the screen.
    environment = {"LESS": "RFX", **os.environ}
    subprocess.run(shlex.split(pager), input=text, text=True, env=environment, check=False)
