# SPDX-License-Identifier: GPL-2.0-only
"""Spelling and form of all sources: Debian's clang-format, black, shellcheck and codespell."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from door.base import Status, Stop, say
from harness.paths import ROOT

# What is not ours, or made by a tool.
NOT_OURS = {"build", "work", ".git"}
SHELL = re.compile(rb"#!\s*/(usr/)?bin/(env )?(ba|da)?sh\b")
PYTHON = re.compile(rb"#!\s*/usr/bin/python3\b")
BLACK = ["black", "-q", "-l", "100"]


def sources(root: Path = ROOT) -> Iterator[Path]:
    """All files of the checkout that people wrote."""
    for where, folders, files in os.walk(root):
        folders[:] = sorted(
            name
            for name in folders
            if name != "__pycache__" and not (Path(where) == root and name in NOT_OURS)
        )
        for name in sorted(files):
            path = Path(where, name)
            if not path.is_symlink():
                yield path


def head(path: Path) -> bytes:
    with open(path, "rb") as file:
        return file.readline(200)


def is_python(path: Path) -> bool:
    return path.suffix == ".py" or bool(PYTHON.match(head(path)))


def is_shell(path: Path) -> bool:
    return path.suffix == ".sh" or bool(SHELL.match(head(path)))


# A register of the serial chip, and half a word that a test types.
NO_SLIPS = "thre,hel"


def lint(fix: bool = False) -> int:
    """With `fix`, clang-format and black write what they would have."""
    files = list(sources())
    # The texts of an exercise are pieces of a file: their indentation is that of their place.
    c_files = [
        path for path in files if path.suffix in (".c", ".h") and path.parents[1].name != "lab"
    ]
    python = [path for path in files if is_python(path)]
    shell = [path for path in files if is_shell(path)]
    # What a fuzzer found is no prose.
    words = [path for path in files if path.name != "LICENSE" and "corpus" not in path.parts]
    checks: list[tuple[list[str], list[Path]]] = [
        (["clang-format", "-i"] if fix else ["clang-format", "--dry-run", "-Werror"], c_files),
        (BLACK if fix else [*BLACK, "--check", "--diff"], python),
        (["shellcheck"], shell),
        (["codespell", "--ignore-words-list", NO_SLIPS], words),
    ]
    failed = [command[0] for command, paths in checks if not passes(command, paths)]
    if failed:
        say(f"virtx: lint: see above what {' and '.join(failed)} found")
        if not fix and {"clang-format", "black"} & set(failed):
            say("virtx: lint: `./virtx lint --fix` puts C and Python into form")
        return Status.FAILED
    say(f"lint: {len(files)} files are in good form")
    return Status.OK


def passes(command: list[str], paths: list[Path]) -> bool:
    if not paths:
        return True
    try:
        answer = subprocess.run(
            [*command, *(str(path.relative_to(ROOT)) for path in paths)], cwd=ROOT, check=False
        )
    except FileNotFoundError:
        raise Stop(f"{command[0]} is not installed: run `make setup`", Status.NO_MACHINE) from None
    return answer.returncode == 0
