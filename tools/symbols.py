# SPDX-License-Identifier: GPL-2.0-only
"""Where in a source each function, structure, table and label stands. universal-ctags knows."""

from __future__ import annotations

import functools
import json
import re
import subprocess
import tempfile
from pathlib import Path

from harness.paths import SetupError

# What lies inside of something else is a part of that.
INNER_KINDS = {"member", "enumerator", "local", "parameter", "label", "header"}
COMMENT = re.compile(r"\s*(/\*|\*|//|;|#(?!\s*(define|include|if|endif|undef)))")
# Where names are looked for.
KNOWN = (".c", ".h", ".S", ".asm", "Makefile")
END = "end"
TOP = "top"  # what stands before the first symbol: licence, opening comment, includes


@functools.lru_cache(maxsize=None)
def sections(path: str, text: str) -> tuple[tuple[str, range], ...]:
    """(name, its lines, from 0, with the comment above), in order. They cover the file."""
    lines = text.splitlines()
    starts: dict[int, str] = {}
    for name, line in tags(path, text) if path.endswith(KNOWN) else ():
        starts.setdefault(with_comment(lines, line), name)
    if 0 not in starts:
        starts[0] = TOP
    # What closes a header is nobody's; or it would move with whatever stands last.
    if path.endswith(".h") and lines and lines[-1].startswith("#endif"):
        starts[len(lines) - (2 if len(lines) > 1 and not lines[-2] else 1)] = END
    order = sorted(starts)
    return tuple(
        (starts[begin], range(begin, end)) for begin, end in zip(order, [*order[1:], len(lines)])
    )


def regions(path: str, text: str) -> dict[str, range]:
    """{name: its lines}. A name that comes twice has the lines of the first."""
    found: dict[str, range] = {}
    for name, lines in sections(path, text):
        found.setdefault(name, lines)
    return found


def with_comment(lines: list[str], line: int) -> int:
    """The first line of the comment that stands directly above, and of a split head."""
    # In assembly a headline stands an empty line above its label.
    if line > 1 and not lines[line - 1] and lines[line - 2].startswith("; ---"):
        line -= 1
    while line and lines[line - 1] and COMMENT.match(lines[line - 1]):
        line -= 1
    return line


def tags(path: str, text: str) -> list[tuple[str, int]]:
    """(name, line from 0) of all that stands at the outermost level."""
    if path.endswith(".asm"):
        return [
            (found[1], number)
            for number, line in enumerate(text.splitlines())
            if (found := re.match(r"(\w+):", line))
        ]
    if path.endswith(".S"):
        pattern = re.compile(r"SYM_\w*START\w*\((\w+)\)|\.macro (\w+)|#define (\w+)")
        return [
            (found[1] or found[2] or found[3], number)
            for number, line in enumerate(text.splitlines())
            if (found := pattern.match(line.strip()))
        ]
    return ctags(path, text)


def ctags(path: str, text: str) -> list[tuple[str, int]]:
    with tempfile.TemporaryDirectory(prefix="virtx-tags-") as folder:
        source = Path(folder) / Path(path).name
        source.write_text(text)
        command = [
            *("ctags", "--options=NONE", "--output-format=json", "--fields=NnKZse"),
            *("--kinds-C=+p", "-I", "__init,__exit", "--langmap=C:.c.h", "-o", "-", source.name),
        ]
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
        except FileNotFoundError:
            raise SetupError("universal-ctags is not installed: run `make setup`") from None
    found = []
    nameless = None
    ends = 0
    for tag in sorted(map(json.loads, done.stdout.splitlines()), key=lambda tag: tag["line"]):
        if tag.get("_type") != "tag" or tag["kind"] in INNER_KINDS or tag.get("scope"):
            continue
        name, line = tag["name"], tag["line"] - 1
        # What is declared with a structure and has its very name is one piece with it.
        if found and name == found[-1][0] and line < ends:
            continue
        ends = tag.get("end", 0)
        # A structure without a name is the beginning of what is declared with it.
        if name.startswith("__anon"):
            nameless = line
        elif not name.startswith(("DEFINE_", "MODULE_", "module_")):
            found.append((name, line if nameless is None else nameless))
            nameless = None
    return found
