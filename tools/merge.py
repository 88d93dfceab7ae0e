# SPDX-License-Identifier: GPL-2.0-only
"""Three versions of a text into one, by `git merge-file`."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import tempfile
from pathlib import Path

from harness.paths import SetupError

MARKER = re.compile(r"^(<{7} |>{7} |\|{7} |={7}$)", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Merged:
    """The text, with marks where people must decide; and how many such places there are."""

    text: str
    conflicts: int


def merge(base: str, ours: str, theirs: str, names: tuple[str, str, str]) -> Merged:
    """What `theirs` changed of `base`, done to `ours`. `names` are those of ours, base, theirs."""
    if ours == theirs or base == theirs:
        return Merged(ours, 0)
    if base == ours:
        return Merged(theirs, 0)
    with tempfile.TemporaryDirectory(prefix="virtx-merge-") as folder:
        paths = [Path(folder) / name for name in ("ours", "base", "theirs")]
        for path, text in zip(paths, (ours, base, theirs)):
            path.write_text(text)
        command = ["git", "merge-file", "-p", "--diff3"]
        for name in names:
            command += ["-L", name]
        environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": "/dev/null"}
        try:
            done = subprocess.run(
                [*command, *map(str, paths)], env=environment, capture_output=True, check=False
            )
        except FileNotFoundError:
            raise SetupError("git is not installed: run `make setup`") from None
    # It returns the number of conflicts, at most 127, and more for a mistake.
    if done.returncode > 127:
        raise RuntimeError(f"git merge-file: {done.stderr.decode()}")
    return Merged(done.stdout.decode(), done.returncode)


@dataclasses.dataclass(frozen=True)
class Sides:
    """A text with conflicts, taken apart. The sets hold lines without the blanks around them."""

    ours: str  # the whole text, as it was on our side
    only_ours: set[str]  # lines in conflict that the base has not, or else all of them
    only_theirs: set[str]


def split(text: str) -> Sides:
    """Take apart what merge() made of three texts."""
    ours: list[str] = []
    sides: dict[str, set[str]] = {"ours": set(), "base": set(), "theirs": set()}
    side = ""
    for line in text.splitlines(keepends=True):
        if not MARKER.match(line):
            if side in ("", "ours"):
                ours.append(line)
            if side and line.strip():
                sides[side].add(line.strip())
        else:
            side = {"<": "ours", "|": "base", "=": "theirs", ">": ""}[line[0]]
    base = sides["base"]
    return Sides(
        "".join(ours),
        (sides["ours"] - base) or sides["ours"] | base,
        (sides["theirs"] - base) or sides["theirs"] | base,
    )


def has_markers(text: str) -> bool:
    """Has somebody left a conflict in it?"""
    return bool(MARKER.search(text))
