# SPDX-License-Identifier: GPL-2.0-only
"""How well does tools/carry carry? Thirty seeded changes in scratch copies of this tree.

    /usr/bin/python3 -m tests.carry_experiment [--seed N] [--boot]

Each change is made in one of the stages 01 to 05 and carried. "Merged" needs nobody, "walk" means
that a step of a walk must name the new lines, "conflict" that people must decide. With --boot the
changed stages are built and booted, as `tools/carry` itself does at its end: a text that merged
and then does not build is "named by the build" where the compiler tells file and line of it, and
"merged wrongly" where nothing tells, or where it builds and then does not run as before.

It works on the files as they lie here: run it on a clean tree.
"""

from __future__ import annotations

import argparse
import collections
import random
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

from harness import stage as stages
from harness.machine import MachineError
from harness.paths import ROOT
from harness.stage import Stage, StageError
from tests.test_carry import NAMES, Copy
from tools.boot import BootError, boot

Maker = Callable[[Copy, str, random.Random], str]
NUMBERS = [stage.number for stage in Stage.all()]


def sources(copy: Copy, number: str, *endings: str) -> list[str]:
    """The C sources of a stage, by their names in it."""
    folder = copy.root / "stages" / NAMES[number]
    found = (path for part in ("vtxdrv", "vtxctl") for path in (folder / part).rglob("*"))
    return sorted(str(path.relative_to(folder)) for path in found if path.name.endswith(endings))


def a_line(copy: Copy, number: str, dice: random.Random) -> str:
    name = dice.choice(sources(copy, number, ".c"))
    lines = copy.read(number, name).splitlines(keepends=True)
    at = dice.choice([i for i, line in enumerate(lines) if re.fullmatch(r"\t.*\);\n", line)])
    lines[at] = lines[at].rstrip("\n") + " /* seeded */\n"
    copy.path(number, name).write_text("".join(lines))
    return f"{name}, line {at + 1}"


def a_function(copy: Copy, number: str, dice: random.Random) -> str:
    name = dice.choice(sources(copy, number, ".c"))
    text = copy.read(number, name)
    places = [found.start() for found in re.finditer(r"^(/\*|static|int|void|long)", text, re.M)]
    at = dice.choice(places[1:] or [len(text)])
    new = "static inline int seeded(void)\n{\n\treturn 1;\n}\n\n"
    copy.path(number, name).write_text(text[:at] + new + text[at:])
    return f"{name}, at {at}"


def a_new_file(copy: Copy, number: str, dice: random.Random) -> str:
    copy.path(number, "vtxctl/seeded.c").write_text("int seeded;\n")
    copy.change(number, "Makefile", "\tload_flat \\\n", "\tload_flat \\\n\tseeded \\\n")
    return "vtxctl/seeded.c"


def a_removed_file(copy: Copy, number: str, dice: random.Random) -> str:
    copy.path(number, "nanox/reset.asm").unlink()
    copy.change(number, "Makefile", "ROM := reset\n", "")
    return "nanox/reset.asm"


def a_renamed_symbol(copy: Copy, number: str, dice: random.Random) -> str:
    symbol = dice.choice(["die", "mem_create", "vm_open", "hw_allowed", "read_or_zero"])
    for name in sources(copy, number, ".c", ".h"):
        text = re.sub(rf"\b{symbol}\b", f"{symbol}_seeded", copy.read(number, name))
        copy.path(number, name).write_text(text)
    return symbol


def a_moved_file(copy: Copy, number: str, dice: random.Random) -> str:
    name = dice.choice(["load_flat", "mem", "caps"])
    copy.path(number, "vtxctl/dev").mkdir()
    copy.path(number, f"vtxctl/{name}.c").rename(copy.path(number, f"vtxctl/dev/{name}.c"))
    head, words = copy.read(number, "Makefile").split("VTXCTL := ", 1)
    words = words.replace(f"\t{name} \\\n", f"\tdev/{name} \\\n", 1)
    copy.path(number, "Makefile").write_text(f"{head}VTXCTL := {words}")
    return f"vtxctl/{name}.c"


MAKERS: list[Maker] = [
    a_line,
    a_function,
    a_new_file,
    a_removed_file,
    a_renamed_symbol,
    a_moved_file,
]


class Scratch(stages.Copy):
    """A stage of a scratch copy, built there."""

    @property
    def build_dir(self) -> Path:
        return self.place.parents[1] / "build" / "stages" / self.place.name


def trouble(copy: Copy, number: str) -> str:
    """Build and boot a stage of the copy: what went wrong, if anything."""
    for name in ("common", "build/linux"):
        link = copy.root / name
        link.parent.mkdir(exist_ok=True)
        if not link.exists():
            link.symlink_to(ROOT / name)
    stage = Scratch(NAMES[number], copy.root / "stages" / NAMES[number])
    try:
        stage.build()
        boot(stage, types=stage.config.types)
    except (StageError, BootError, MachineError) as error:
        return str(error)
    return ""


def try_one(maker: Maker, number: str, dice: random.Random, boots: bool) -> tuple[str, str]:
    with tempfile.TemporaryDirectory(prefix="virtx-carry-") as folder:
        copy = Copy(Path(folder))
        where = maker(copy, number, dice)
        _, said = copy.carry(number)
        if "both stages changed" in said or "has it no more" in said or "it is gone" in said:
            place = re.search(r"stages/(\S+: .*)", said)
            return "conflict", f"{where}: {place[1] if place else said[:200]}"
        for later in NUMBERS if boots else ():
            wrong = trouble(copy, later) if later >= number else ""
            named = re.search(r"(\w+/\w+\.[chS]:\d+):.*(?:error: |undefined)(.*)", wrong)
            if named:
                return "named by the build", f"{where}: {later} {named[1]}: {named[2]}"
            if wrong:
                return "merged wrongly", f"{where}: {later}: {wrong[-300:]}"
        return ("merged, walk named" if "needs you" in said else "merged"), where


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--boot", action="store_true")
    options = parser.parse_args()
    dice = random.Random(options.seed)
    counts: collections.Counter[str] = collections.Counter()
    for maker in MAKERS:
        for number in NUMBERS[:5]:
            result, where = try_one(maker, number, dice, options.boot)
            counts[result] += 1
            print(f"{maker.__name__:18} in {number}: {result:20} {where}", flush=True)
    print(dict(counts))


if __name__ == "__main__":
    main()
