# SPDX-License-Identifier: GPL-2.0-only
"""tools/new-stage, in a copy of this tree."""

from __future__ import annotations

import subprocess
from pathlib import Path

from harness.stage import Stage
from tests.test_carry import Copy

NEWEST = Stage.newest()
NEXT = f"{int(NEWEST.number) + 1:02}"


def new_stage(copy: Copy, *words: str) -> subprocess.CompletedProcess[str]:
    command = ["/usr/bin/python3", "-B", "tools/new-stage", *words]
    return subprocess.run(command, cwd=copy.root, capture_output=True, text=True)


def test_the_next_stage_is_the_last_one_with_a_test_that_fails(tmp_path: Path) -> None:
    copy = Copy(tmp_path)
    done = new_stage(copy, NEXT, "next-idea")
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "stages" / f"{NEXT}-next-idea"
    old = tmp_path / "stages" / NEWEST.name
    assert (folder / "vtxdrv/vcpu.c").read_text() == (old / "vtxdrv/vcpu.c").read_text()
    assert "pytest.fail" in (folder / "test_next_idea.py").read_text()
    assert copy.carry("--status")[0] == 0

    # What is mended in the last stage reaches the new one.
    copy.commit()
    path = old / "vtxdrv/vcpu.c"
    path.write_text(path.read_text() + "/* mended */\n")
    assert copy.carry(NEWEST.number)[0] in (0, 1)  # its walk is empty: that is said
    assert (folder / "vtxdrv/vcpu.c").read_text().endswith("/* mended */\n")


def test_a_stage_out_of_turn_or_over_another_is_refused(tmp_path: Path) -> None:
    copy = Copy(tmp_path)
    for words in ([NEWEST.number, "again"], [NEXT, "Bad Name"], ["99", "far"]):
        done = new_stage(copy, *words)
        assert done.returncode == 2 and done.stderr.startswith("new-stage: "), words
    assert copy.dirty() == []
