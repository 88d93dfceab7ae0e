# SPDX-License-Identifier: GPL-2.0-only
"""A walk in the terminal: question, changes with the changed words marked, and why."""

from __future__ import annotations

import dataclasses
import difflib
import os
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Collection, Iterator

from tools.changes import FileChange, Hunk, Tree, compare, pair
from tools.symbols import regions
from tools.walk import Step, Walk

CONTEXT = 3
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
        for number, part in enumerate(parts, 1):
            steps = f"steps {part.first} to {part.last}"
            size = f"{part.read} lines of code"
            yield f"  {number}  {part.title:{wide}}  {steps:14}  {size:>17}"
        yield ""
        yield ""

    def step(self, walk: Walk, number: int, step: Step) -> Iterator[str]:
        style = self._style
        for at, part in enumerate(walk.parts(), 1):
            if part.first == number:
                yield f"{style.part}Part {at}: {part.title}{style.reset}"
                yield ""
        size = f"{walk.added(number)} lines added" + (", plumbing" if step.plumbing else "")
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
        for number, paragraph in enumerate(re.split(r"\n\s*\n", text.strip())):
            if number:
                yield ""
            for line in textwrap.wrap(
                " ".join(paragraph.split()), self._width, break_on_hyphens=False
            ):
                yield f"{colour}{line}{self._style.reset if colour else ''}"

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
            )
            old = hunk.old + hunk.removed
        yield from self._plain(change.before[old : old + CONTEXT])

    def _place(self, change: FileChange, hunk: Hunk) -> str:
        """Line number, and the function that these lines are in."""
        name = ""
        text = "\n".join(change.after)
        if change.path.endswith((".c", ".h", ".S", ".asm")):
            for symbol, lines in regions(change.path, text).items():
                if hunk.new in lines and lines.start < hunk.new:
                    name = f", in {symbol}"
        return f"{self._style.place}  line {hunk.new + 1}{name}{self._style.reset}"

    def _plain(self, lines: list[str]) -> Iterator[str]:
        for line in lines:
            yield self._line(" ", "", [(line, False)])

    def _hunk(self, removed: list[str], added: list[str]) -> Iterator[str]:
        """Old lines, then new ones; where one became the other, the words that changed."""
        style = self._style
        partner = pair(removed, added)
        backward = {new: old for old, new in partner.items()}
        for number, line in enumerate(removed):
            other = added[partner[number]] if number in partner else None
            yield self._line("-", style.removed, mark(line, other))
        for number, line in enumerate(added):
            other = removed[backward[number]] if number in backward else None
            yield self._line("+", style.added, mark(line, other))

    def _line(self, sign: str, colour: str, parts: list[tuple[str, bool]]) -> str:
        style = self._style
        if not colour:
            text = "".join(part for part, marked in parts).expandtabs(self._tab)
            line = f"{sign} {text}".rstrip()
            # Without colours, what changed in a line is underlined on the next one.
            if sign == "+" and any(marked for part, marked in parts):
                line += "\n" + f"  {self._carets(parts)}".rstrip()
            return line
        text, column = "", 0
        for part, marked in parts:
            wide, column = expand(part, column, self._tab)
            text += f"{style.word}{wide}{style.word_end}" if marked else wide
        return f"{colour}{sign} {text}{style.reset}"

    def _carets(self, parts: list[tuple[str, bool]]) -> str:
        text, column = "", 0
        for part, marked in parts:
            wide, column = expand(part, column, self._tab)
            text += ("^" if marked else " ") * len(wide)
        return text


def expand(text: str, column: int, tab: int) -> tuple[str, int]:
    """Tabs as spaces, for text that begins at a column; and where it ends."""
    wide = (" " * column + text).expandtabs(tab)[column:]
    return wide, column + len(wide)


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
