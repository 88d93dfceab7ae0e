# SPDX-License-Identifier: GPL-2.0-only
"""What changed between two trees of sources, line by line.

A tree is {path: text}, a change is a list of hunks. Git says which file became which. Within a
file functions are compared with functions of the same name, so that no change begins in one and
ends in another.
"""

from __future__ import annotations

import dataclasses
import difflib
import os
import re
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from harness.paths import SetupError
from tools.symbols import sections

# The folders of a stage that hold its programs; the rest are lesson, tests and lab.
CODE_FOLDERS = ("include", "vtxdrv", "vtxctl", "nanox")

ALIKE = 0.5  # two lines this much alike are one line that changed

Tree = dict[str, str]


def is_code(path: str) -> bool:
    """Is this file of a stage one that a walk must explain?"""
    return path == "Makefile" or path.split("/")[0] in CODE_FOLDERS and "/" in path


def read_tree(folder: Path | None, only_code: bool = True) -> Tree:
    """The text files below a stage's folder; None is the empty tree before the first stage."""
    if folder is None:
        return {}
    tree = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if not path.is_file() or "__pycache__" in name or only_code and not is_code(name):
            continue
        tree[name] = path.read_text()
    return tree


def write_tree(tree: Mapping[str, str], folder: Path) -> None:
    for name, text in tree.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@dataclasses.dataclass(frozen=True)
class Hunk:
    """Old lines [old, old + removed) give way to new lines [new, new + added); from 0."""

    old: int
    removed: int
    new: int
    added: int


@dataclasses.dataclass
class FileChange:
    """One file, before and after. A file that is not there has no lines."""

    path: str  # its name now; that before if it is gone
    old_path: str | None  # None: it is new
    before: list[str]
    after: list[str]
    hunks: list[Hunk]
    removed: bool = False  # it is gone

    @property
    def is_move(self) -> bool:
        return self.old_path not in (None, self.path)

    def added_lines(self) -> Iterable[int]:
        for hunk in self.hunks:
            yield from range(hunk.new, hunk.new + hunk.added)

    def removed_lines(self) -> Iterable[int]:
        for hunk in self.hunks:
            yield from range(hunk.old, hunk.old + hunk.removed)


def git(*arguments: str | Path, cwd: Path) -> str:
    """Git as it is made, whatever its user has configured; 1 means only "they differ"."""
    environment = {
        "PATH": os.environ["PATH"],
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_SYSTEM": "/dev/null",
    }
    try:
        done = subprocess.run(
            ["git", *map(str, arguments)],
            cwd=cwd,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        raise SetupError("git is not installed: run `make setup`") from None
    if done.returncode > 1:
        raise RuntimeError(f"git {arguments[0]}: {done.stderr}")
    return done.stdout


def compare(before: Tree, after: Tree) -> list[FileChange]:
    """Every file that differs, by its name; a file that moved is one change, not two."""
    same = {path for path, text in before.items() if after.get(path) == text}
    with tempfile.TemporaryDirectory(prefix="virtx-diff-") as name:
        root = Path(name)
        for side, tree in (("a", before), ("b", after)):
            (root / side).mkdir()
            write_tree({path: tree[path] for path in tree.keys() - same}, root / side)
        text = git(
            *("diff", "--no-index", "--no-color", "--no-ext-diff", "-M", "-U0"),
            *("--no-prefix", "a", "b"),
            cwd=root,
        )
    return sorted(parse(text, before, after), key=lambda change: change.path)


def parse(text: str, before: Tree, after: Tree) -> list[FileChange]:
    """Which files changed, as `git diff` says. A file that moved unchanged has no hunks."""
    changes = []
    for part in re.split(r"^diff --git ", text, flags=re.MULTILINE)[1:]:
        head, *_ = part.split("\n@@ ", 1)
        names = dict(re.findall(r"^(rename from|rename to|---|\+\+\+) (.*?)\t?$", head, re.M))
        old = names.get("rename from") or names.get("---")
        new = names.get("rename to") or names.get("+++")
        old_path = None if old in (None, "/dev/null") else old.removeprefix("a/")
        new_path = None if new in (None, "/dev/null") else new.removeprefix("b/")
        if not old_path and not new_path:
            continue  # a file without lines, or another mode
        old_text = before[old_path] if old_path else ""
        new_text = after[new_path] if new_path else ""
        changes.append(
            FileChange(
                path=new_path or old_path or "",
                old_path=old_path,
                before=old_text.splitlines(),
                after=new_text.splitlines(),
                hunks=hunks_of(old_path or "", old_text, new_path or "", new_text),
                removed=new_path is None,
            )
        )
    return changes


def hunks_of(old_path: str, old: str, new_path: str, new: str) -> list[Hunk]:
    """What changed in one file: names are paired first, then lines within each pair."""
    old_parts = sections(old_path, old) if old else ()
    new_parts = sections(new_path, new) if new else ()
    old_lines, new_lines = old.splitlines(), new.splitlines()
    matcher = difflib.SequenceMatcher(
        None, [name for name, _ in old_parts], [name for name, _ in new_parts], autojunk=False
    )
    hunks: list[Hunk] = []

    def add(old_at: int, removed: int, new_at: int, added: int) -> None:
        if removed or added:
            hunks.append(Hunk(old_at, removed, new_at, added))

    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag != "equal":
            old_range = span(old_parts, i1, i2, len(old_lines))
            new_range = span(new_parts, j1, j2, len(new_lines))
            add(old_range.start, len(old_range), new_range.start, len(new_range))
            continue
        for (_, mine), (_, theirs) in zip(old_parts[i1:i2], new_parts[j1:j2]):
            old_part = old_lines[mine.start : mine.stop]
            new_part = new_lines[theirs.start : theirs.stop]
            for a, b, c, d in differences(old_part, new_part):
                add(mine.start + a, b - a, theirs.start + c, d - c)
    return hunks


def weight(line: str) -> float:
    """How much it means that a line stayed. A lone brace or an empty line stays by accident."""
    return 1.0 if re.search(r"\w{2}", line) else 0.1


def differences(old: list[str], new: list[str]) -> list[tuple[int, int, int, int]]:
    """[(a, b, c, d)]: old[a:b] gave way to new[c:d]. What stays is the heaviest common part."""
    head = 0
    while head < min(len(old), len(new)) and old[head] == new[head]:
        head += 1
    best = [[0.0] * (len(new) + 1) for _ in range(len(old) + 1)]
    for i in range(len(old) - 1, head - 1, -1):
        for j in range(len(new) - 1, head - 1, -1):
            best[i][j] = max(best[i + 1][j], best[i][j + 1])
            if old[i] == new[j]:
                best[i][j] = max(best[i][j], best[i + 1][j + 1] + weight(old[i]))
    found = []
    i = a = j = c = head
    while i < len(old) and j < len(new):
        if old[i] == new[j] and best[i][j] == best[i + 1][j + 1] + weight(old[i]):
            if (a, c) != (i, j):
                found.append((a, i, c, j))
            i, j = i + 1, j + 1
            a, c = i, j
        elif best[i + 1][j] >= best[i][j + 1]:
            i += 1
        else:
            j += 1
    if (a, c) != (len(old), len(new)):
        found.append((a, len(old), c, len(new)))
    return found


def span(parts: Sequence[tuple[str, range]], first: int, last: int, length: int) -> range:
    """The lines of the parts from first to before last; of none, the place where they would be."""
    start = parts[first][1].start if first < len(parts) else length
    return range(start, parts[last - 1][1].stop if last > first else start)


def code_lines(path: str, lines: list[str]) -> list[bool]:
    """For each line: is it code, neither empty nor only a comment?"""
    marks = {".asm": ";", ".c": "//", ".h": "//", ".S": "//"}
    comment = marks.get(Path(path).suffix, "#")
    inside = False
    result = []
    for line in lines:
        text = line.strip()
        if inside:
            inside = "*/" not in text
            result.append(False)
        elif comment == "//" and text.startswith("/*") and text.find("*/") in (-1, len(text) - 2):
            inside = "*/" not in text
            result.append(False)
        else:
            result.append(bool(text) and not text.startswith(comment))
    return result


def pair(removed: list[str], added: list[str]) -> dict[int, int]:
    """Which removed line became which added one, in order."""
    partner: dict[int, int] = {}
    start = 0
    for old, line in enumerate(removed):
        if not line.strip():
            continue
        best, alike = None, ALIKE
        for new in range(start, len(added)):
            ratio = difflib.SequenceMatcher(None, line.split(), added[new].split()).ratio()
            if ratio > alike:
                best, alike = new, ratio
        if best is not None:
            partner[old] = best
            start = best + 1
    return partner
