# SPDX-License-Identifier: GPL-2.0-only
"""Lessons: the README of a stage. What a program knows better than people stands in made blocks:

    <!-- made: walk -->
    ...
    <!-- end -->

`tools/lesson` writes them anew, a test finds those that are stale. It also reads the evening
table and the child's track, for which there are rules.
"""

from __future__ import annotations

import argparse
import dataclasses
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from harness.paths import BUILD, ROOT
from harness.stage import Stage
from tools import walk as walks
from tools.changes import compare, read_tree
from tools.lab import BREAK, Exercise
from tools.prose import many
from tools.show import PLAIN, Painter, page, painter

BLOCK = re.compile(r"(<!-- made: (\w+)(?: (\S+))? -->\n)(.*?)(<!-- end -->)", re.S)
CODE = re.compile(r"`([^`]+)`")
# Blocks for which the stage must be run.
OF_A_RUN = ("transcript", "picture")
# What differs from run to run: addresses, counts of what takes turns, times, and where a text is
# cut when it is read.
VARIES = re.compile(r"\b(?:0x)?[0-9a-f]*\d[0-9a-f]*\b|×\d+|(?<=read: \")[^<]+")
EVENING_ROWS, EVENING_MINUTES = 8, 40
PAGE = 104  # columns of code on a page: no line of ours is longer
CHILD_WORDS, SENTENCE_WORDS, NEW_WORDS = 250, 12.0, 3
COLUMNS = ("min", "hands", "type this", "guess first", "you see", "if not")


class LessonError(Exception):
    """A README that is not a lesson; the message says where."""


def readme(stage: Stage) -> Path:
    return stage.folder / "README.md"


# --- Made blocks ---


def make_walk(stage: Stage, argument: str | None) -> str:
    walk = walks.load(stage)
    parts = {part.first: part for part in walk.parts()}
    lines = []
    for number, step in enumerate(walk.steps, 1):
        if number in parts:
            lines += ["", f"**{parts[number].title}**", ""]
        marks = " · it runs" if step.run else ""
        lines.append(f"{number}. {step.title} ({many(walk.added(number), 'line')}{marks})")
    return "\n".join(lines).strip("\n")


def make_step(stage: Stage, argument: str | None) -> str:
    """One step of the walk: its question and its code, folded away until somebody looks."""
    walk = walks.load(stage)
    number = int(argument or 0)
    step = walk.steps[number - 1]
    code = "\n".join(Painter(PLAIN, PAGE).changes(walk.changes(number))).rstrip()
    ask = " ".join(step.ask.split())
    return (
        f"Step {number}, *{step.title}*: {ask}\n\n<details><summary>the code</summary>\n\n"
        f"```diff\n{code}\n```\n\n</details>"
    )


def make_files(stage: Stage, argument: str | None) -> str:
    before = walks.previous(stage)
    changes = compare(read_tree(before.folder if before else None), read_tree(stage.folder))
    lines = ["| file | lines added | |", "|---|---|---|"]
    for change in sorted(changes, key=lambda change: change.path):
        added = len(list(change.added_lines()))
        what = "new" if change.old_path is None else ""
        what = "gone" if change.removed else what
        if change.is_move and not change.removed:
            what = f"was {change.old_path}"
        lines.append(f"| `{change.path}` | {added} | {what} |")
    return "\n".join(lines)


def make_labs(stage: Stage, argument: str | None) -> str:
    lines = []
    for number, exercise in enumerate(Exercise.all(stage), 1):
        kind = "break it" if exercise.kind == BREAK else "a blank"
        lines.append(f"{number}. **{exercise.title}** ({kind}, `{exercise.path}`)")
    lines += ["", f"`make stage-{stage.number} lab` lays them out in `work/`, `lab-check` looks at"]
    lines += ["what your code does, `lab-hint` helps, `lab-back` brings the version before."]
    return "\n".join(lines)


def make_tests(stage: Stage, argument: str | None) -> str:
    lines = []
    for path in sorted(stage.folder.glob("test_*.py")):
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.M):
            lines.append(f"- {name.removeprefix('test_').replace('_', ' ')}")
    return "\n".join(lines)


def make_neighbours(stage: Stage, argument: str | None) -> str:
    stages = Stage.all()
    at = stages.index(stage)
    links = []
    if at:
        links.append(f"Before: [{stages[at - 1].name}](../{stages[at - 1].name})")
    if at + 1 < len(stages):
        links.append(f"Next: [{stages[at + 1].name}](../{stages[at + 1].name})")
    links.append("[The road](../../CURRICULUM.md)")
    return " · ".join(links)


def virtx(stage: Stage, *words: str) -> str:
    """What a command about the stage prints, with the input of its stage.toml."""
    done = subprocess.run(
        [ROOT / "virtx", "stage", stage.number, *words],
        input=stage.config.types,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    if done.returncode:
        raise LessonError(f"`{' '.join(words)}` of stage {stage.number}: {done.stderr[-500:]}")
    return done.stdout


def make_transcript(stage: Stage, argument: str | None) -> str:
    text = "\n".join(line.rstrip() for line in virtx(stage, "run").splitlines())
    lines = text.splitlines()
    most = int(argument or 40)
    if len(lines) > most:
        lines = [*lines[:most], "..."]
    return "```text\n" + "\n".join(lines).strip("\n") + "\n```"


def make_picture(stage: Stage, argument: str | None) -> str:
    virtx(stage, "picture")
    drawn = (BUILD / "pictures" / f"{stage.name}.svg").read_text()
    kept = stage.folder / "lab" / "picture.svg"
    if not kept.exists() or steady(kept.read_text()) != steady(drawn):
        kept.write_text(drawn)
    return f"![{stage.config.title}: who spoke to whom, in a real run](lab/picture.svg)"


MAKERS: dict[str, Callable[[Stage, str | None], str]] = {
    "walk": make_walk,
    "step": make_step,
    "files": make_files,
    "labs": make_labs,
    "tests": make_tests,
    "neighbours": make_neighbours,
    "transcript": make_transcript,
    "picture": make_picture,
}


def steady(text: str) -> str:
    """A text without what differs from run to run."""
    return VARIES.sub("#", text)


def made(stage: Stage, of_a_run: bool) -> Iterator[tuple[str, str, str]]:
    """Each made block of a lesson: its name, what stands there, what should."""
    for _, name, argument, old, _ in BLOCK.findall(readme(stage).read_text()):
        if name not in MAKERS:
            raise LessonError(f"{stage.name}: nobody makes `{name}`")
        if (name in OF_A_RUN) == of_a_run:
            yield name, old.strip("\n"), MAKERS[name](stage, argument or None)


def write(stage: Stage) -> bool:
    """Make all blocks of a lesson. Returns whether anything changed."""
    path = readme(stage)
    text = path.read_text()

    def make(found: re.Match[str]) -> str:
        name, old = found[2], found[4].strip("\n")
        new = MAKERS[name](stage, found[3])
        if name in OF_A_RUN and steady(new) == steady(old):
            new = old
        return f"{found[1]}{new}\n{found[5]}"

    new = BLOCK.sub(make, text)
    if new != text:
        path.write_text(new)
    return new != text


# --- The evening ---


@dataclasses.dataclass(frozen=True)
class Row:
    """One row of an evening. `command` is what is typed first, `types` what is typed into it."""

    minutes: int
    hands: str
    command: str
    types: tuple[str, ...]
    sees: tuple[str, ...]
    cells: tuple[str, ...]


def evening(stage: Stage) -> list[Row]:
    """The evening table of a lesson."""
    text = readme(stage).read_text()
    head = re.search(r"^\| " + r" \| ".join(COLUMNS) + r" \|\n\|[-|]+\|\n((?:\|.*\n)+)", text, re.M)
    if not head:
        raise LessonError(f"{stage.name}: no table with the columns {' | '.join(COLUMNS)}")
    rows = []
    for line in head[1].splitlines():
        cells = tuple(cell.strip() for cell in line[1:-1].split("|"))
        if len(cells) != len(COLUMNS):
            raise LessonError(f"{stage.name}: a row of {len(cells)} cells: {line}")
        typed, sees = CODE.findall(cells[2]), CODE.findall(cells[4])
        command, *types = typed or [""]
        rows.append(Row(int(cells[0]), cells[1], command, tuple(types), tuple(sees), cells))
    return rows


# --- The child's track ---


def section(text: str, title: str) -> str:
    """The text below a heading of the second level."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    if not found:
        raise LessonError(f"there is no `## {title}`")
    return found[1]


def child_track(stage: Stage) -> str:
    return section(readme(stage).read_text(), "For the younger one")


def new_words(text: str) -> list[str]:
    """The words that a track teaches: they are bold."""
    return [word.lower() for word in re.findall(r"\*\*([^*]+)\*\*", text)]


def sentences(text: str) -> list[str]:
    """The sentences of a track, without what is quoted from a screen."""
    plain = re.sub(r"```.*?```", "", text, flags=re.S)
    plain = re.sub(r"[*_`#]", "", plain)
    found = re.split(r"(?<=[.?!:])\s+", " ".join(plain.split()))
    return [one for one in found if re.search(r"\w", one)]


def glossary() -> dict[str, str]:
    """Each word of CURRICULUM.md's glossary, and the stage that first uses it."""
    text = section((ROOT / "CURRICULUM.md").read_text(), "Words")
    return {
        word.lower(): number
        for word, number in re.findall(r"^\| \*\*([^*]+)\*\* \|.*\| (\d\d) \|$", text, re.M)
    }


def complaints(stage: Stage) -> list[str]:
    """What is wrong with a lesson as a text; empty is good."""
    found = []
    rows = evening(stage)
    minutes = sum(row.minutes for row in rows)
    if len(rows) > EVENING_ROWS or minutes > EVENING_MINUTES:
        found.append(f"an evening of {len(rows)} rows and {minutes} minutes")
    if rows[-1].cells[3].count("?") < 2:
        found.append("the last row has no two questions")
    track = child_track(stage)
    told = sentences(track)
    words = sum(len(one.split()) for one in told)
    if words > CHILD_WORDS:
        found.append(f"the child's track has {words} words, more than {CHILD_WORDS}")
    if words / len(told) > SENTENCE_WORDS:
        found.append(f"its sentences have {words / len(told):.1f} words on average")
    known = glossary()
    new = [word for word in new_words(track) if known.get(word) == stage.number]
    if len(new) > NEW_WORDS:
        found.append(f"{len(new)} new words, more than {NEW_WORDS}: {', '.join(new)}")
    for word in new_words(track):
        if word not in known:
            found.append(f"`{word}` is not in the glossary of CURRICULUM.md")
        elif known[word] > stage.number:
            found.append(f"`{word}` comes only in stage {known[word]}")
    for word, number in known.items():
        if number == stage.number and word not in new_words(track):
            found.append(f"the glossary says that `{word}` comes here first")
        if number > stage.number and re.search(rf"\b{re.escape(word)}\b", track, re.I):
            found.append(f"`{word}` is used, and comes only in stage {number}")
    for title in ("The evening", "For the older one", "Not yet", "Sign-off"):
        try:
            section(readme(stage).read_text(), title)
        except LessonError as error:
            found.append(str(error))
    here = {name for _, name, *_ in BLOCK.findall(readme(stage).read_text())}
    for name in sorted(set(MAKERS) - here):
        found.append(f"no made block `{name}`")
    return found


# --- In the terminal ---


ASKS = "Guess aloud, then press Enter."


def show(stage: Stage, plain: bool) -> None:
    """The evening row by row, each answer below its question, and what there is to read.

    At a terminal an answer waits until somebody has guessed.
    """
    paint = painter(plain)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        page(as_text(stage, paint), plain)
        return
    print(heading(stage), end="\n\n")
    waits = True
    for number, row in enumerate(evening(stage), 1):
        asked, answer = row_as_text(number, row, paint)
        print(*asked, sep="\n")
        if waits and row.sees:
            print(ASKS, end="", flush=True)
            waits = bool(sys.stdin.readline())
        print(*answer, "", sep="\n")
    page(to_read(stage, paint), plain)


def as_text(stage: Stage, paint: Painter) -> Iterator[str]:
    """All of it at once."""
    yield heading(stage)
    yield ""
    for number, row in enumerate(evening(stage), 1):
        for lines in row_as_text(number, row, paint):
            yield from lines
        yield ""
    yield from to_read(stage, paint)


def heading(stage: Stage) -> str:
    title = re.search(r"^# (.*)$", readme(stage).read_text(), re.M)
    return title[1] if title else stage.name


def row_as_text(number: int, row: Row, paint: Painter) -> tuple[list[str], list[str]]:
    """A row up to its question, and what comes behind it."""
    cells = dict(zip(COLUMNS, row.cells))

    def told(*names: str) -> list[str]:
        return [
            line for name in names if cells[name] for line in paint.prose(f"{name}: {cells[name]}")
        ]

    head = list(paint.prose(f"{number}. {row.hands}, {row.minutes} minutes"))
    return head + told("type this", "guess first"), told("you see", "if not")


def to_read(stage: Stage, paint: Painter) -> Iterator[str]:
    text = readme(stage).read_text()
    for title in ("For the younger one", "For the older one", "Not yet", "Sign-off"):
        yield f"--- {title} ---"
        yield ""
        body = BLOCK.sub("", section(text, title))
        yield from paint.prose(re.sub(r"</?details>|<summary>.*?</summary>", "", body))
        yield ""


def main() -> int:
    parser = argparse.ArgumentParser(prog="tools/lesson", description=__doc__.splitlines()[0])
    parser.add_argument("stages", metavar="NN", nargs="*", help="which stages (all)")
    numbers = parser.parse_args().stages
    for stage in map(Stage.find, numbers) if numbers else Stage.all():
        try:
            changed = write(stage)
        except (LessonError, walks.WalkError) as error:
            print(f"tools/lesson: {error}", file=sys.stderr)
            return 1
        print(f"{stage.name}: {'written' if changed else 'as it was'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
