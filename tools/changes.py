# SPDX-License-Identifier: GPL-2.0-only
"""What changed between two trees of sources, line by line.

The comparison is git's own, with the histogram algorithm, which people find easiest to read.
Everything else here works on its result: a tree is {path: text}, a change is a list of hunks.
"""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from harness.paths import SetupError

# The folders of a stage that hold its programs; the rest are lesson, tests and lab.
CODE_FOLDERS = ("include", "vtxdrv", "vtxctl", "nanox")
HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")

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
    with tempfile.TemporaryDirectory(prefix="virtx-diff-") as name:
        root = Path(name)
        for side, tree in (("a", before), ("b", after)):
            (root / side).mkdir()
            write_tree(tree, root / side)
        text = git(
            *("diff", "--no-index", "--no-color", "--no-ext-diff", "--histogram", "-M", "-U0"),
            *("--no-prefix", "a", "b"),
            cwd=root,
        )
    return sorted(parse(text, before, after), key=lambda change: change.path)


def parse(text: str, before: Tree, after: Tree) -> list[FileChange]:
    """Read what `git diff` wrote. A file that moved unchanged has no hunks."""
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
        hunks = []
        for found in HUNK.finditer(part):
            start, removed, to, added = (
                int(found[1]),
                int(found[2] or 1),
                int(found[3]),
                int(found[4] or 1),
            )
            # Git counts from 1, and names the line before where a side is empty.
            hunks.append(Hunk(start - (removed > 0), removed, to - (added > 0), added))
        changes.append(
            FileChange(
                path=new_path or old_path or "",
                old_path=old_path,
                before=before[old_path].splitlines() if old_path else [],
                after=after[new_path].splitlines() if new_path else [],
                hunks=hunks,
                removed=new_path is None,
            )
        )
    return changes


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
