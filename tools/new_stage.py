# SPDX-License-Identifier: GPL-2.0-only
"""Lay the next stage: a copy of the last one, its ledger, an empty walk, a test that fails."""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from collections.abc import Sequence

from harness.paths import ROOT
from harness.stage import Stage
from tools.changes import read_tree, write_tree
from tools.ledger import Ledger, first_entries

WALK = """\
# SPDX-License-Identifier: GPL-2.0-only
# From stage {before} to stage {number}, in the order in which it is told. CONTRIBUTING.md says how this is read.

step = []
"""
LESSON = """\
<!-- SPDX-License-Identifier: GPL-2.0-only -->
# {number}: {name}

What is the one idea of this stage? Say it in two sentences.

## The evening

| min | hands | type this | guess first | you see | if not |
|---|---|---|---|---|---|
| 4 | both | | Each explains it to the other. The first question? The second question? | | read on below |

## For the younger one

What does it do? Show it before you name it.

## For the older one

Why is the hardware like that? The section of the SDM; what KVM does.

<!-- made: step 1 -->
<!-- end -->

## A run, drawn

<!-- made: picture -->
<!-- end -->

<!-- made: transcript -->
<!-- end -->

## The walk

<!-- made: walk -->
<!-- end -->

<details><summary>The files</summary>

<!-- made: files -->
<!-- end -->

</details>

## Exercises

<!-- made: labs -->
<!-- end -->

## Not yet

What is missing, and which stage brings it?

<details><summary>What is tested</summary>

<!-- made: tests -->
<!-- end -->

</details>

## Sign-off

You know this stage when you can say to each other, in your own words: what?

<!-- made: neighbours -->
<!-- end -->
"""
TEST = '''\
# SPDX-License-Identifier: GPL-2.0-only
"""What stage {number} must show."""

from __future__ import annotations

import pytest

from harness.vtx import Vtx


@pytest.mark.quick
def test_this_stage_shows_its_idea(vtx: Vtx) -> None:
    pytest.fail("stage {number} is laid, but shows nothing of its own yet: write this test first")
'''


class NewStageError(Exception):
    """It cannot be laid; the message says what to do. Nothing was changed."""


def lay(number: str, name: str) -> Stage:
    """Make stages/NUMBER-NAME from the last stage. Nothing is ever overwritten."""
    last = Stage.newest()
    expected = f"{int(last.number) + 1:02}"
    if number != expected:
        raise NewStageError(f"{number}: the last stage is {last.name}, so the next is {expected}")
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
        raise NewStageError(f"{name}: use small letters, digits and -, as protected-mode")
    stage = Stage(f"{number}-{name}")
    # Aside first: what is cut off half-way is no stage.
    new = ROOT / "stages" / f".{stage.name}"
    if stage.folder.exists() or new.exists():
        raise NewStageError(f"stages/{stage.name} is there already, and stays as it is")
    try:
        code = read_tree(last.folder)
        write_tree(code, new)
        shutil.copy(last.folder / "stage.toml", new)
        (new / "lab").mkdir()
        (new / "lab/walk.toml").write_text(WALK.format(before=last.number, number=number))
        (new / "README.md").write_text(LESSON.format(number=number, name=name.replace("-", " ")))
        test = new / f"test_{name.replace('-', '_')}.py"
        test.write_text(TEST.format(number=number))
        (new / "ledger.toml").write_text(first_entries(code, code).text(last))
        new.rename(stage.folder)
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise
    assert Ledger.read(stage).blobs
    return stage


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="tools/new-stage",
        description="Lay the next stage from the last one.",
        epilog="exit status: 0 done, 2 not possible; then nothing was changed",
    )
    parser.add_argument("number", metavar="NN", help="the number behind the last stage's, as 07")
    parser.add_argument("name", metavar="NAME", help="as protected-mode")
    options = parser.parse_args(arguments)
    try:
        stage = lay(options.number, options.name)
    except NewStageError as error:
        print(f"new-stage: {error}", file=sys.stderr)
        return 2
    print(f"stages/{stage.name} is laid. Its title stands in stage.toml; its test fails:")
    print(f"    make stage-{stage.number} test")
    return 0
