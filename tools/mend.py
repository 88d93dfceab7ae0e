# SPDX-License-Identifier: GPL-2.0-only
"""A walk whose stage has changed: put right what is plain, name the rest."""

from __future__ import annotations

import re

from harness.stage import Stage
from tools import walk as walks
from tools.changes import read_tree
from tools.symbols import regions


def mend_walk(stage: Stage) -> tuple[list[str], str]:
    """Fit the walk of a stage to its sources as they are. Returns what was done, and what is left.

    Plain is: a new line between lines that all belong to one step, or in a file that only one step
    speaks of; a name at which nothing changes any more, in a step that has others.
    """
    path = walks.walk_file(stage)
    done: list[str] = []
    # What is put right may uncover more: a few rounds are enough.
    for _ in range(5):
        fitted = fit(stage)
        text = path.read_text()
        mended, what = mend_once(text, fitted)
        if not what:
            break
        path.write_text(mended)
        done += what
    fitted = fit(stage)
    left = fitted.problems() or walks.complaints(fitted.walk)
    if left:
        return done, f"stages/{stage.name}/lab/walk.toml needs you:\n  " + "\n  ".join(left)
    return done, ""


def fit(stage: Stage) -> walks.Fitted:
    before = walks.previous(stage)
    return walks.fit(
        stage.name,
        *walks.read_steps(walks.walk_file(stage)),
        read_tree(before.folder if before else None),
        read_tree(stage.folder),
    )


def mend_once(text: str, fitted: walks.Fitted) -> tuple[str, list[str]]:
    """One round: the text of walk.toml, mended, and what was done to it."""
    done: list[str] = []
    added: set[tuple[str, str]] = set()
    for stray in fitted.strays:
        step = plain_step(stray, fitted.walk)
        place = place_of(stray, fitted.walk)
        if step and (stray.path, place) not in added:
            added.add((stray.path, place))
            text = add_selector(text, step, f"{stray.path}: {place}")
            done.append(f"step {step} now has {stray.path}: {place}, too")
    for step, selector in fitted.idle:
        if fitted.walk.added(step) or owns_removed(fitted.walk, step):
            text, found = drop_selector(text, step, selector)
            if found:
                done.append(f"step {step} no longer names {selector}")
    return text, done


def owns_removed(walk: walks.Walk, step: int) -> bool:
    return any(step in owned.removed.values() for owned in walk.files)


def place_of(stray: walks.Stray, walk: walks.Walk) -> str:
    """The symbol that a stray line stands in."""
    owned = next(item for item in walk.files if item.change.path == stray.path)
    lines = owned.change.after if stray.sign == "+" else owned.change.before
    for name, region in regions(stray.path, "\n".join(lines)).items():
        if stray.line in region:
            return name
    return f"/{re.escape(stray.text.strip())}/"


def plain_step(stray: walks.Stray, walk: walks.Walk) -> int | None:
    """The one step that a line in no step can only belong to."""
    if stray.what != "is in no step":
        return None
    owned = next(item for item in walk.files if item.change.path == stray.path)
    near: set[int] = set()
    for hunk in owned.change.hunks:
        old, new = range(hunk.old, hunk.old + hunk.removed), range(hunk.new, hunk.new + hunk.added)
        if stray.line in (new if stray.sign == "+" else old):
            near = {owned.added[line] for line in new if line in owned.added}
            near |= {owned.removed[line] for line in old if line in owned.removed}
    near = near or {*owned.added.values(), *owned.removed.values()}
    return near.pop() if len(near) == 1 else None


# --- The text of walk.toml: its comments and its form stay ---


def step_span(text: str, step: int) -> tuple[int, int]:
    """Where the `code` list of a step stands in the text: from its [ to its ]."""
    starts = [found.start() for found in re.finditer(r"^\[\[step\]\]", text, re.MULTILINE)]
    found = re.compile(r"^code = \[(.*?)^\]", re.MULTILINE | re.DOTALL).search(
        text, starts[step - 1]
    )
    assert found, f"step {step} has no list `code` over several lines"
    return found.start(1), found.end(1)


def add_selector(text: str, step: int, selector: str) -> str:
    _, end = step_span(text, step)
    quote = "'" if "\\" in selector or '"' in selector else '"'
    return f"{text[:end]}  {quote}{selector}{quote},\n{text[end:]}"


def drop_selector(text: str, step: int, selector: walks.Selector) -> tuple[str, bool]:
    """Take one name out of a step's list, and its line if no other is in it."""
    begin, end = step_span(text, step)
    lines = text[begin:end].splitlines(keepends=True)
    for number, line in enumerate(lines):
        found = re.match(r"""\s*(["'])(.*)\1,?\s*$""", line)
        if not found:
            continue
        names = walks.parse_selectors(found[2])
        if selector not in names:
            continue
        kept = [str(name).partition(": ")[2] for name in names if name != selector]
        new = f"  {found[1]}{selector.path}: {' '.join(kept)}{found[1]},\n" if kept else ""
        lines[number] = new
        return text[:begin] + "".join(lines) + text[end:], True
    return text, False
