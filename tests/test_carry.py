# SPDX-License-Identifier: GPL-2.0-only
"""tools/carry, in a copy of this tree with a history of its own. Nothing is built or booted."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from harness.paths import ROOT
from harness.stage import Stage

NAMES = {stage.number: stage.name for stage in Stage.all()}
COMMIT = ["-c", "user.name=A", "-c", "user.email=a@b", "commit", "-q", "--no-verify"]


class Copy:
    """A copy of the stages and tools."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for folder in ("stages", "tools", "harness", "door"):
            for source in (ROOT / folder).rglob("*"):
                if source.is_file() and "__pycache__" not in source.parts:
                    target = root / source.relative_to(ROOT)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy2(source, target)
        (root / ".gitignore").write_text("/work/\n__pycache__/\n")
        self.git("init", "-q")
        self.commit()

    def git(self, *arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=self.root, capture_output=True, check=True)
        return done.stdout.decode()

    def commit(self) -> None:
        self.git("add", "-A")
        self.git(*COMMIT, "--allow-empty", "-m", "a change")

    def path(self, number: str, name: str) -> Path:
        return self.root / "stages" / NAMES[number] / name

    def read(self, number: str, name: str) -> str:
        return self.path(number, name).read_text()

    def change(self, number: str, name: str, old: str, new: str) -> None:
        text = self.read(number, name)
        assert text.count(old) == 1, f"{old!r} is not once in {name}"
        self.path(number, name).write_text(text.replace(old, new))

    def carry(self, *arguments: str) -> tuple[int, str]:
        done = subprocess.run(
            ["/usr/bin/python3", "-B", "tools/carry", *arguments, "--no-boot"],
            cwd=self.root,
            capture_output=True,
            text=True,
        )
        return done.returncode, done.stdout + done.stderr

    def dirty(self) -> list[str]:
        return self.git("status", "--porcelain").splitlines()


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path)


LATER = ["03", "04", "05", "06"]
EPT, OLD, NEW = "vtxdrv/ept.c", "use a newer one, or Bochs", "use another one, or Bochs"


def test_a_line_reaches_every_later_stage(copy: Copy) -> None:
    copy.change("02", EPT, OLD, NEW)
    status, said = copy.carry("02")
    assert status == 0, said
    for number in LATER:
        assert NEW in copy.read(number, EPT)
    assert copy.carry("--status") == (0, "Every stage has all that the stages before it have.\n")


def test_what_is_owed_is_told(copy: Copy) -> None:
    copy.change("02", EPT, OLD, NEW)
    assert copy.carry("--status") == (1, f"  03 has not got from 02: {EPT} (changed)\n")


@pytest.mark.full
def test_a_walk_that_needs_people_is_named(copy: Copy) -> None:
    copy.path("03", "vtxctl/new.c").write_text("int new;\n")
    status, said = copy.carry("03")
    assert status == 1
    assert "stages/03-vmcs/lab/walk.toml needs you:" in said
    assert "vtxctl/new.c:1: +int new;  is in no step" in said
    walk = copy.path("03", "lab/walk.toml")
    walk.write_text(
        walk.read_text().replace('  "vtxctl/vcpu.c",\n', '  "vtxctl/vcpu.c",\n  "vtxctl/new.c",\n')
    )
    status, said = copy.carry("--continue")
    assert status == 0, said


@pytest.mark.full
def test_a_walk_is_mended_where_that_is_plain(copy: Copy) -> None:
    name, old = "vtxctl/vcpu.c", "/* Hand the CPU the form five times"
    copy.change("03", name, old, f"int more;\n\n{old}")
    status, said = copy.carry("03")
    assert status == 0, said
    assert "int more;" in copy.read("06", name)


@pytest.mark.full
def test_new_gone_and_moved_files_follow(copy: Copy) -> None:
    for number in ("03", "04"):
        copy.path(number, "lab/walk.toml").unlink()
    copy.commit()
    copy.path("03", "vtxctl/new.c").write_text("int new;\n")
    copy.path("03", "vtxctl/walk.c").unlink()
    moved = copy.path("03", "vtxdrv/caps.c")
    moved.rename(copy.path("03", "vtxdrv/cando.c"))
    status, said = copy.carry("03")
    assert status == 0, said
    for number in ("04", "05", "06"):
        assert copy.read(number, "vtxctl/new.c") == "int new;\n"
        assert not copy.path(number, "vtxctl/walk.c").exists()
        assert not copy.path(number, "vtxdrv/caps.c").exists()
        assert copy.path(number, "vtxdrv/cando.c").exists()
    assert copy.carry("--status")[0] == 0


@pytest.fixture
def conflict(copy: Copy) -> Copy:
    """04 has another vmenter than 03: a change there meets it."""
    old = "\tvmwrite\t%rsp, %rdi\t/* where the return address is found again */\n"
    copy.change("03", "vtxdrv/vmenter.S", old, "\tvmwrite\t%rsp, %rdi\t/* changed */\n")
    copy.commit()
    status, said = copy.carry("03")
    assert status == 1
    place = f"stages/{NAMES['04']}/vtxdrv/vmenter.S: both stages changed 1 place"
    assert place in said
    # The steps that brought this very line, not all that touch the file.
    reasons = [line for line in said.splitlines() if "has it as it is because of" in line]
    assert 2 <= len(reasons) <= 4, said
    assert "03 has it as it is because of stage 03, step 9, 'VMLAUNCH'" in reasons[0]
    assert "04 has it as it is because of stage 04, step 3, 'In'" in reasons[1]
    return copy


def test_a_conflict_stops_and_goes_on_when_it_is_decided(conflict: Copy) -> None:
    name = "vtxdrv/vmenter.S"
    assert "<<<<<<<" in conflict.read("04", name)
    status, said = conflict.carry("--continue")
    assert status == 1 and "look for <<<<<<<" in said
    assert conflict.carry("03")[0] == 1  # one at a time
    kept = conflict.git("show", f"HEAD:stages/{NAMES['04']}/{name}")
    conflict.path("04", name).write_text(kept)
    status, said = conflict.carry("--continue")
    assert status == 0, said
    assert conflict.carry("--status")[0] == 0


def test_abort_takes_everything_back(conflict: Copy) -> None:
    assert conflict.dirty()
    assert conflict.carry("--abort")[0] == 0
    assert conflict.dirty() == []
    assert conflict.carry("--abort")[0] == 1


def test_a_deliberate_difference_is_kept_with_its_reason(conflict: Copy) -> None:
    name = "vtxdrv/vmenter.S"
    before = conflict.git("show", f"HEAD:stages/{NAMES['04']}/{name}")
    assert conflict.carry("--why", name, "no")[0] == 1
    assert conflict.carry("--why", name, "04 has its own stack here")[0] == 0
    assert conflict.read("04", name) == before
    assert "04 has its own stack here" in conflict.read("04", "ledger.toml")
    status, said = conflict.carry("--continue")
    assert status == 0, said
    assert conflict.carry("--status")[0] == 0


def test_a_file_with_changes_in_no_commit_is_not_touched(copy: Copy) -> None:
    copy.change("02", EPT, OLD, NEW)
    copy.path("05", EPT).write_text("mine\n")
    before = copy.read("05", EPT)
    status, said = copy.carry("02")
    assert status == 1 and f"{NAMES['05']}/{EPT}" in said and "commit them first" in said
    assert copy.read("05", EPT) == before
    assert copy.carry("--abort")[0] == 0
    assert OLD in copy.read("03", EPT)


def test_bad_usage_changes_nothing(copy: Copy) -> None:
    for arguments in ([], ["99"], ["02", "vtxdrv/none.c"], ["--continue"]):
        status, said = copy.carry(*arguments)
        assert status in (1, 2) and said, arguments
    assert copy.dirty() == []
