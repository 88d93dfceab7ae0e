# SPDX-License-Identifier: GPL-2.0-only
"""Exercises: each can be solved in two ways, each likely mistake is told, and nothing is lost."""

from __future__ import annotations

import errno
import os
import random
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.effort import EVERY, FULL
from harness.paths import BUILD
from harness.stage import Copy, Stage
from tools import desk as desks, lab
from tools.changes import read_tree, write_tree
from tools.desk import Desk
from tools.lab import BREAK, Check, Exercise, Outcome, Verdict, judge
from tools.walk import previous

SAMPLE, SEED = 3, 7
# Seconds, on a computer with much else to do. Alone it is five when all is well, and at most thirty.
ANSWERED_WITHIN = 120.0
STAGES = [stage for stage in Stage.all() if lab.labs(stage)]
EXERCISES = [exercise for stage in STAGES for exercise in Exercise.all(stage)]
NAMES = [f"{exercise.stage.number}-{exercise.name}" for exercise in EXERCISES]


def texts(exercise: Exercise) -> list[str]:
    return ["blank", "answer", "second", *(Path(one.file).stem for one in exercise.mistakes)]


VARIANTS = [(exercise, name) for exercise in EXERCISES for name in texts(exercise)]
# Others each time that there are new exercises.
ALL = len(VARIANTS) if EVERY else len(VARIANTS) // 6
TRIED = random.Random(SEED).sample(VARIANTS, ALL if FULL else SAMPLE)


@pytest.fixture
def copy(worker_id: str) -> Callable[[Stage], Copy]:
    """A folder for somebody's code, two below the root; each test process has its own."""

    def lay(stage: Stage) -> Copy:
        place = BUILD / f"labs-{worker_id}-{stage.number}"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        return Copy(stage.name, place)

    return lay


# The exercises themselves


@pytest.mark.parametrize("told", Stage.all(), ids=lambda stage: stage.number)
def test_a_stage_has_two_blanks_and_something_to_break(told: Stage) -> None:
    kinds = [exercise.kind for exercise in Exercise.all(told)]
    assert kinds.count(lab.BLANK) >= 2
    assert kinds.count(BREAK) >= 1


@pytest.mark.parametrize("exercise", EXERCISES, ids=NAMES)
def test_an_exercise_is_what_it_must_be(exercise: Exercise) -> None:
    before = previous(exercise.stage)
    assert lab.complaints(exercise, read_tree(before.folder if before else None)) == []


@pytest.mark.parametrize(
    "exercise, name", TRIED, ids=[f"{e.stage.number}-{e.name}-{name}" for e, name in TRIED]
)
def test_answers_pass_and_each_mistake_is_told(
    exercise: Exercise, name: str, copy: Callable[[Stage], Copy]
) -> None:
    mine = copy(exercise.stage)
    write_tree(exercise.tree(name), mine.place)
    begun = time.monotonic()
    verdict = judge(exercise, mine)
    if name in ("answer", "second"):
        assert verdict.done, verdict
    elif name == "blank":
        assert verdict.outcome is not Outcome.DONE
        assert verdict.says in [check.says for check in exercise.checks], verdict
    else:
        (said,) = [one.says for one in exercise.mistakes if Path(one.file).stem == name]
        assert not verdict.done and verdict.says == said, verdict
    assert time.monotonic() - begun < ANSWERED_WITHIN


# Code that goes wrong altogether

ANY = Exercise.read(Stage.find("05"), Stage.find("05").folder / "lab" / "2-answer")
WRONG = {
    "compiler": ("return undeclared;", Outcome.NO_BUILD, r"vtxdrv/main.c:\d+: .*undeclared"),
    "oops": ("*(volatile int *)8 = 1;", Outcome.CRASH, "NULL pointer dereference"),
    "panic": ('panic("by a learner");', Outcome.CRASH, "by a learner"),
    "hang": ("local_irq_disable(); for (;;) cpu_relax();", Outcome.CRASH, "did not end"),
    "reset": (
        '{ struct desc_ptr none = {}; load_idt(&none); asm volatile("int3"); }',
        Outcome.CRASH,
        "",
    ),
    "refuses": ("return -ENODEV;", Outcome.NOT_YET, "VTXDRV could not be loaded"),
}


@pytest.mark.parametrize("kind", WRONG if FULL else ["compiler", "oops", "reset"])
def test_code_that_goes_wrong_altogether_is_told(
    kind: str, copy: Callable[[Stage], Copy], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, outcome, says = WRONG[kind]
    mine = copy(ANY.stage)
    tree = read_tree(ANY.stage.folder)
    tree["vtxdrv/main.c"] = tree["vtxdrv/main.c"].replace(
        "static int __init vtx_init(void)\n{\n",
        f"#include <asm/desc.h>\nstatic int __init vtx_init(void)\n{{\n\tif (jiffies)\n\t\t{code}\n",
    )
    write_tree(tree, mine.place)
    begun = time.monotonic()
    verdict = judge(ANY, mine)
    assert time.monotonic() - begun < ANSWERED_WITHIN
    assert verdict.outcome is outcome, verdict
    assert lab.re.search(says, f"{verdict.says}\n{verdict.seen}"), verdict


def test_a_file_that_is_gone_is_named(copy: Callable[[Stage], Copy]) -> None:
    mine = copy(ANY.stage)
    write_tree(ANY.tree("answer"), mine.place)
    (mine.place / "vtxctl/term.c").unlink()
    verdict = judge(ANY, mine)
    assert (verdict.outcome, verdict.says) == (
        Outcome.NO_BUILD,
        "It does not build: vtxctl/term.c is gone.",
    )


@pytest.mark.full
def test_a_launcher_that_deletes_files_deletes_them_in_the_test_machine(
    copy: Callable[[Stage], Copy],
) -> None:
    mine = copy(ANY.stage)
    tree = ANY.tree("answer")
    tree["vtxctl/main.c"] = tree["vtxctl/main.c"].replace(
        "int main(int argc, char **argv)\n{\n",
        'int main(int argc, char **argv)\n{\n\tif (argc)\n\t\t(void)!system("rm -rf /stage /helpers /bin");\n',
    )
    write_tree(tree, mine.place)
    assert not judge(ANY, mine).done
    write_tree(ANY.tree("answer"), mine.place)
    assert judge(ANY, mine).done


def test_each_check_runs_the_code_with_its_own_changes(
    copy: Callable[[Stage], Copy], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All are built before the first is run, and none over another."""
    monkeypatch.setattr(Copy, "build", lambda copy: "")
    mine = copy(ANY.stage)
    write_tree(ANY.tree("answer"), mine.place)
    wishes = ["", "one", "another", "one"]
    checks = [
        Check("", changes=(("nanox/boot.asm", "start:", f"start: ; {wish}"),) if wish else ())
        for wish in wishes
    ]
    none, one, another, again = lab.build_others(mine, checks)
    assert none == {} and one == again
    for wish, files in (("one", one), ("another", another)):
        image = files["/stage/other/nanox.bin"]
        assert isinstance(image, Path)
        assert f"; {wish}\n" in (BUILD / image.parent.name / "nanox/boot.asm").read_text()


# What is on the learner's table is never lost


@pytest.fixture
def table(tmp_path: Path) -> Desk:
    desk = Desk(ANY, tmp_path)
    desk.lay()
    return desk


def change(desk: Desk, text: str) -> None:
    """What a learner does."""
    (desk.place / "vtxdrv/pio.c").write_text(text)
    (desk.place / "notes.txt").write_text(f"my notes on {text}")


def versions(folder: Path) -> set[str]:
    """All that is anywhere in the work folder, as texts of pio.c."""
    return {path.read_text() for path in folder.rglob("pio.c")}


def test_what_is_handed_out_is_the_stage_with_a_hole(table: Desk) -> None:
    assert read_tree(table.place) == ANY.tree("blank")
    change(table, "mine")
    table.lay()
    assert (table.place / "vtxdrv/pio.c").read_text() == "mine"


def test_back_and_back_again(table: Desk) -> None:
    for text in ("one", "two", "three"):
        change(table, text)
        table.snapshot()
    change(table, "four")  # not checked yet
    seen = []
    for _ in range(5):
        table.back()
        seen.append((table.place / "vtxdrv/pio.c").read_text())
    blank = ANY.tree()["vtxdrv/pio.c"]
    assert seen == ["three", "two", "one", blank, blank]
    assert {"one", "two", "three", "four"} <= versions(table.parent)


def test_reset_sets_aside(table: Desk) -> None:
    change(table, "mine")
    old = table.set_aside()
    table.lay()
    assert (old / "vtxdrv/pio.c").read_text() == "mine"
    assert (old / "notes.txt").exists()
    assert read_tree(table.place) == ANY.tree()
    change(table, "mine again")
    assert table.set_aside() != old


def test_a_folder_that_was_taken_away_comes_back_and_its_versions_stay(table: Desk) -> None:
    change(table, "mine")
    table.snapshot()
    shutil.rmtree(table.place)
    table.lay()
    assert read_tree(table.place) == ANY.tree()
    assert "mine" in versions(table.parent)


def test_a_folder_of_somebody_else_is_not_touched(tmp_path: Path) -> None:
    desk = Desk(ANY, tmp_path)
    desk.place.mkdir()
    (desk.place / "thesis.tex").write_text("years of work")
    with pytest.raises(lab.LabError, match="not of our making"):
        desk.lay()
    assert (desk.place / "thesis.tex").read_text() == "years of work"


def test_a_stage_that_changed_since_is_noticed(
    table: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not table.outdated()
    newer = {**ANY.tree(), "vtxdrv/new.c": "int x;\n"}
    monkeypatch.setattr(Exercise, "tree", lambda self, name="blank": newer)
    change(table, "mine")
    assert table.outdated()
    table.lay()
    assert (table.place / "vtxdrv/pio.c").read_text() == "mine"


def stops(deed: Callable[[Desk], object], desk: Desk, at: int, killed: bool) -> bool:
    """Do it in a process of its own, which stops at the nth change of a file, if it comes so far."""
    child = os.fork()
    if child == 0:
        try:
            with pytest.MonkeyPatch.context() as monkeypatch:
                Stumble(monkeypatch, at, killed)
                deed(desk)
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0


class Stumble:
    """The disk is full, or somebody kills the process, at the nth change of a file."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at: int, killed: bool) -> None:
        self.left = at
        self.killed = killed
        for owner, name in (
            (shutil, "copyfile"),
            (shutil, "copy2"),
            (Path, "write_text"),
            (Path, "rename"),
            (Path, "replace"),
            (Path, "unlink"),
        ):
            monkeypatch.setattr(owner, name, self._wrap(getattr(owner, name)))

    def _wrap(self, real: Callable) -> Callable:
        def stumbling(*arguments: object, **more: object) -> object:
            self.left -= 1
            if self.left == 0 and self.killed:
                os._exit(1)
            if self.left == 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(*arguments, **more)

        return stumbling


DEEDS: dict[str, Callable[[Desk], object]] = {
    "snapshot": Desk.snapshot,
    "back": Desk.back,
    "set aside": lambda desk: (desk.place.exists() and desk.set_aside(), desk.lay()),
}


def stumbles() -> Iterator[int]:
    """After how many changes of files: all at first, then now and then."""
    yield from range(1, 8)
    yield from range(8, 160, 3 if FULL else 12)


@pytest.mark.parametrize("how", ["the disk is full", "killed"])
@pytest.mark.parametrize("deed", DEEDS)
def test_nothing_is_lost_wherever_it_stops(deed: str, how: str, tmp_path: Path) -> None:
    stopped = 0
    for at in stumbles():
        desk = Desk(ANY, tmp_path / str(at))
        desk.lay()
        for text in ("first", "second"):
            change(desk, text)
            desk.snapshot()
        change(desk, "third")
        stopped += stops(DEEDS[deed], desk, at, how == "killed")
        assert {"first", "second", "third"} <= versions(desk.parent), at
        # And it goes on: the same once more, now that there is room.
        DEEDS[deed](desk)
        assert {"first", "second", "third"} <= versions(desk.parent), at
        desk.lay()
        assert desk.laid
        shutil.rmtree(desk.parent)
    assert stopped >= 5


def test_the_lines_changed_since_it_worked_are_named(table: Desk) -> None:
    path = table.place / "vtxdrv/pio.c"
    text = path.read_text()
    path.write_text(text.replace("pending = false;", "pending = false; /* good */", 1))
    table.note(good=table.snapshot())
    path.write_text(text.replace("pending = false;", "pending = 7;", 1))
    (table.place / "vtxctl/term.c").unlink()
    changed = table.changed_lines()
    assert len(changed) == 2
    assert "vtxctl/term.c is gone" in changed
    assert any(line.endswith("vcpu->pio.pending = 7;") for line in changed)


def test_a_verdict_is_done_or_not() -> None:
    assert Verdict(Outcome.DONE, "").done
    assert not any(Verdict(one, "").done for one in Outcome if one is not Outcome.DONE)


def test_how_long_ago() -> None:
    now = time.time()
    assert desks.ago(now) == "just now"
    assert desks.ago(now - 3600) == "1 hour ago"
    assert desks.ago(now - 7 * 86400) == "7 days ago"
