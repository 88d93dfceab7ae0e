# SPDX-License-Identifier: GPL-2.0-only
"""The ledger of a stage: with which version of the stage before each file was brought together.

A stage is a copy of the one before, plus an idea. When a fault is mended in the earlier one, the
later one must get the mend as well. `ledger.toml` has, for each file that both have, the hash that
git gives the earlier one's text (`git hash-object`). As long as that is still its text, nothing is
owed. `tools/carry` pays what is owed.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import tomllib
from pathlib import Path

from harness.stage import Stage
from tools.changes import Tree, compare, is_code, read_tree
from tools.walk import previous

HEAD = """\
# SPDX-License-Identifier: GPL-2.0-only
# Written by tools/carry. With which text of stage {previous} each file here was last brought together.
"""


class LedgerError(Exception):
    """A ledger that cannot be read; the message says where."""


@dataclasses.dataclass
class Ledger:
    """`blobs`: file of the stage before -> hash of its text. `moved`: its name here, if another.

    `why`: file of the stage before -> why this stage is deliberately different.
    """

    blobs: dict[str, str] = dataclasses.field(default_factory=dict)
    moved: dict[str, str] = dataclasses.field(default_factory=dict)
    why: dict[str, str] = dataclasses.field(default_factory=dict)

    @staticmethod
    def path(stage: Stage) -> Path:
        return stage.folder / "ledger.toml"

    @staticmethod
    def read(stage: Stage) -> Ledger:
        """The ledger of a stage; an empty one where there is no file."""
        try:
            with open(Ledger.path(stage), "rb") as file:
                content = tomllib.load(file)
            return Ledger(**content)
        except FileNotFoundError:
            return Ledger()
        except (tomllib.TOMLDecodeError, TypeError) as error:
            raise LedgerError(f"{Ledger.path(stage)}: {error}") from None

    def text(self, before: Stage) -> str:
        parts = [HEAD.format(previous=before.name)]
        for name, table in (("blobs", self.blobs), ("moved", self.moved), ("why", self.why)):
            if table:
                lines = [f"{json.dumps(key)} = {json.dumps(table[key])}\n" for key in sorted(table)]
                parts.append(f"\n[{name}]\n" + "".join(lines))
        return "".join(parts)

    def write(self, stage: Stage) -> None:
        before = previous(stage)
        assert before
        new = Ledger.path(stage).with_suffix(".new")
        new.write_text(self.text(before))
        new.rename(Ledger.path(stage))

    def name_here(self, path: str) -> str:
        """What a file of the stage before is called in this one."""
        return self.moved.get(path, path)


def blob(text: str) -> str:
    """The hash that git gives a file with this text."""
    data = text.encode()
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def first_entries(before: Tree, here: Tree) -> Ledger:
    """The ledger of two stages that are as they should be."""
    ledger = Ledger()
    gone = {name for name in before if name not in here}
    for change in compare(before, here):
        if change.is_move and change.old_path in gone:
            ledger.moved[change.old_path] = change.path
    for name, text in before.items():
        if ledger.name_here(name) in here:
            ledger.blobs[name] = blob(text)
    return ledger


@dataclasses.dataclass(frozen=True)
class Owed:
    """A file that changed in the stage before: what became of it there."""

    path: str  # its name there: now, or before it went
    what: str  # "changed", "new", "gone"
    base: str = ""  # hash of the text that the later stage knows

    def __str__(self) -> str:
        return f"{self.path} ({self.what})"


def owed(before: Tree, ledger: Ledger) -> list[Owed]:
    """What a stage with this ledger has not got yet."""
    found = []
    for name, text in sorted(before.items()):
        known = ledger.blobs.get(name)
        if known is None:
            found.append(Owed(name, "new"))
        elif known != blob(text):
            found.append(Owed(name, "changed", known))
    for name, known in sorted(ledger.blobs.items()):
        if name not in before:
            found.append(Owed(name, "gone", known))
    return found


def stale(stage: Stage) -> list[str]:
    """What is wrong with a stage's ledger, as sentences with the command that mends it."""
    before = previous(stage)
    if not before:
        return []
    ledger = Ledger.read(stage)
    tree, here = read_tree(before.folder), read_tree(stage.folder)
    mend = f"run `tools/carry {before.number}`"
    found = [
        f"stage {stage.number} has not got what changed in {before.number}: {item}: {mend}"
        for item in owed(tree, ledger)
    ]
    for name in ledger.blobs:
        if ledger.name_here(name) not in here and name not in ledger.why:
            found.append(
                f"stage {stage.number} has no {ledger.name_here(name)} any more, as "
                f'{before.number} has: run `tools/carry {before.number} --why {name} "reason"`'
            )
    for name, reason in ledger.why.items():
        if not is_code(name) or len(reason.split()) < 3:
            found.append(f"stage {stage.number}, ledger.toml: why is {name} different?")
    return found
