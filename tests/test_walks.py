# SPDX-License-Identifier: GPL-2.0-only
"""Walks: each fits its stage, can be followed step by step, and keeps what a learner wrote."""

from __future__ import annotations

import re

import shutil
from pathlib import Path

import pytest

from harness.effort import EVERY, FULL, some
from harness.paths import BUILD
from harness.stage import Stage
from tools import ledger, walk
from tools.changes import compare, read_tree
from tools.follow import Follow, FollowError, every_step
from tools.show import COLOURS, PLAIN, Painter
from tools.stage_diff import stage_diff
from tools.symbols import regions
from tools.walk import Size, Step, fit

TOLD = [stage for stage in Stage.all() if walk.walk_file(stage).exists()]
NAMES = [stage.number for stage in TOLD]
FOLLOWED = some(TOLD)  # a minute each
ONE_STEP_IN = 1 if EVERY else 2 if FULL else 10  # is built, where there is no time for all


# The stages' own


@pytest.mark.parametrize("told", TOLD, ids=NAMES)
def test_every_changed_line_is_in_one_step_of_the_walk(told: Stage) -> None:
    assert walk.complaints(walk.load(told)) == []


@pytest.mark.parametrize("told", Stage.all()[1:], ids=lambda stage: stage.number)
def test_every_stage_has_all_that_the_one_before_has(told: Stage) -> None:
    assert ledger.stale(told) == []


@pytest.mark.parametrize("told", FOLLOWED, ids=[stage.number for stage in FOLLOWED])
def test_every_step_builds_and_the_last_one_is_the_stage(told: Stage) -> None:
    way = Follow(
        walk.load(told), told, BUILD / f"walk-{told.number}", BUILD / f".walk-{told.number}"
    )
    for folder in (way.place, way.memory):
        shutil.rmtree(folder, ignore_errors=True)
    for number, step in every_step(way):
        if number % ONE_STEP_IN and number < len(way.walk.steps):
            continue
        way.build()
        if step.run:
            assert step.shows in way.run(step), f"step {number}"
    assert read_tree(way.place) == read_tree(told.folder)


@pytest.mark.parametrize("told", TOLD, ids=NAMES)
def test_a_walk_reads_well_in_80_columns(told: Stage) -> None:
    whole = walk.load(told)
    lines = list(Painter(PLAIN, 80).walk(whole))
    for number, step in enumerate(whole.steps, 1):
        shown = list(Painter(PLAIN, 80).step(whole, number, step))
        assert [line for text in shown for line in text.split("\n") if len(line) > 80] == []
        assert f"Step {number} of {len(whole.steps)}: {step.title}" in lines
        prose = [line for line in Painter(PLAIN, 80).prose(step.why)]
        assert all(len(line) <= 80 for line in prose)
    added = sum(len(list(change.added_lines())) for change in compare(whole.before, whole.after))
    assert sum(whole.added(number + 1) for number in range(len(whole.steps))) == added


# What a walk is told when it does not fit

BEFORE = {"vtxctl/a.c": "int one(void)\n{\n\treturn 1;\n}\n"}
AFTER = {
    "vtxctl/a.c": "int one(void)\n{\n\treturn 2;\n}\n\nint two(void)\n{\n\treturn one();\n}\n",
    "vtxctl/b.c": "int three;\n",
}
WHY = "Because one thing leads to another, and this is it."


def step(*code: str, **more: object) -> Step:
    return Step("A step", "Why?", WHY, code, **more)  # type: ignore[arg-type]


GOOD = [step("vtxctl/a.c: one"), step("vtxctl/a.c: two"), step("vtxctl/b.c")]


def test_steps_lead_from_the_one_tree_to_the_other() -> None:
    fitted = fit("x", GOOD, Size(), BEFORE, AFTER)
    assert fitted.problems() == []
    assert fitted.walk.tree(0) == BEFORE
    assert "return 2" in fitted.walk.tree(1)["vtxctl/a.c"]
    assert "two" not in fitted.walk.tree(1)["vtxctl/a.c"]
    assert fitted.walk.tree(3) == AFTER


@pytest.mark.parametrize(
    "steps, problem",
    [
        (GOOD[:2], "vtxctl/b.c:1: +int three;  is in no step"),
        (GOOD[1:], "vtxctl/a.c:3: +\treturn 2;  is in no step"),
        ([*GOOD, step("vtxctl/a.c: two")], "is in two steps, 2 and 4"),
        (
            [*GOOD, step("vtxctl/a.c: four")],
            "step 4: nothing that changed is at `vtxctl/a.c: four`",
        ),
        ([*GOOD, step("vtxctl/c.c")], "step 4: nothing that changed is at `vtxctl/c.c`"),
    ],
)
def test_a_line_in_no_step_or_in_two_is_named(steps: list[Step], problem: str) -> None:
    assert any(problem in line for line in fit("x", steps, Size(), BEFORE, AFTER).problems())


@pytest.mark.parametrize(
    "steps, complaint",
    [
        (
            [GOOD[0], step("vtxctl/a.c: two", plumbing=True), GOOD[2]],
            "step 3 stands behind plumbing",
        ),
        ([*GOOD[:2], step("vtxctl/b.c", shows="x")], "step 3 says what it shows, but does not run"),
        ([*GOOD[:2], step("vtxctl/b.c", apart="too long")], "step 3: `apart` is one of"),
        ([*GOOD[:2], Step("A", "Why", WHY, ("vtxctl/b.c",))], "`ask` is not a question"),
        ([*GOOD[:2], Step("A", "Why?", "So.", ("vtxctl/b.c",))], "`why` does not say why"),
    ],
)
def test_a_walk_that_does_not_tell_well_is_told_so(steps: list[Step], complaint: str) -> None:
    found = walk.complaints(fit("x", steps, Size(), BEFORE, AFTER).walk)
    assert any(complaint in line for line in found), found


def test_long_steps_and_long_stages_are_named() -> None:
    long = {"vtxctl/long.c": "".join(f"int n{i};\n" for i in range(301))}
    found = walk.complaints(fit("x", [step("vtxctl/long.c")], Size(), {}, long).walk)
    assert "step 1 adds 301 lines, more than 60: cut it in two" in found
    assert "a learner reads 301 lines of code, more than 300" in found
    excused = fit("x", [step("vtxctl/long.c")], Size(301, WHY), {}, long).walk
    assert not any("a learner reads" in line for line in walk.complaints(excused))
    idle = fit("x", GOOD, Size(400, WHY), BEFORE, AFTER).walk
    assert any(line.startswith("[size]") for line in walk.complaints(idle))


def test_a_long_walk_is_told_in_parts() -> None:
    texts = {f"vtxctl/{name}.c": f"int {name};\n" * 200 for name in "abcd"}

    def said(*parts: str) -> list[str]:
        steps = [step(path, part=part) for path, part in zip(texts, parts)]
        return [
            text
            for text in walk.complaints(fit("x", steps, Size(800, WHY), {}, texts).walk)
            if "part" in text
        ]

    assert said("", "", "", "") == [
        "[size]: a walk of 800 lines is told in parts; give steps a `part`"
    ]
    assert said("", "b", "c", "d") == ["parts: one begins with step 1, and there is another"]
    assert said("a", "b", "", "d") == ["the part `b` is 400 lines, more than 300"]
    assert said("a", "b", "c", "d") == []


@pytest.mark.parametrize(
    "step, part, refusal",
    [
        (99, None, "STEP=99: this walk has steps 1 to"),
        (None, 9, "PART=9: this walk has parts 1 to 3"),
    ],
)
def test_a_step_or_part_that_is_not_there(step: int, part: int, refusal: str) -> None:
    with pytest.raises(walk.WalkError, match=refusal):
        stage_diff(Stage.find("06"), step, part, everything=False, plain=True)


def test_a_part_is_shown_alone(capsys: pytest.CaptureFixture[str]) -> None:
    told = Stage.find("06")
    middle = walk.load(told).parts()[1]
    stage_diff(told, None, 2, everything=False, plain=True)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"Part 2: {middle.title}"
    shown = [line for line in lines if line.startswith("Step ")]
    assert len(shown) == middle.last - middle.first + 1
    assert shown[0].startswith(f"Step {middle.first} of ")


def test_a_file_that_moves_is_shown_as_moved() -> None:
    text = "".join(f"int n{i};\n" for i in range(30))
    (change,) = compare({"vtxctl/dev/x.c": text}, {"vtxdrv/dev/x.c": text})
    assert (change.old_path, change.path, change.hunks) == ("vtxctl/dev/x.c", "vtxdrv/dev/x.c", [])
    assert list(Painter().file(change)) == ["vtxctl/dev/x.c moves to vtxdrv/dev/x.c, unchanged"]


def test_the_words_that_changed_are_marked() -> None:
    before = {"vtxctl/a.c": "int f(void)\n{\n\treturn call(one, two);\n}\n"}
    after = {"vtxctl/a.c": "int f(void)\n{\n\treturn call(one, three);\n}\n"}
    lines = "\n".join(line for change in compare(before, after) for line in Painter().file(change))
    assert "+     return call(one, three);\n                       ^^^^^" in lines


def test_a_long_line_breaks_between_words_and_the_rest_stands_farther_in() -> None:
    before = {"vtxctl/a.c": "int f(void)\n{\n\treturn call(one, two);\n}\n"}
    after = {"vtxctl/a.c": "int f(void)\n{\n\treturn call(one, a_much_longer_one);\n}\n"}
    (change,) = compare(before, after)
    lines = "\n".join(Painter(PLAIN, 36).file(change))
    assert "+     return call(one,\n          a_much_longer_one);\n          ^^^" in lines
    assert max(map(len, lines.split("\n"))) <= 36
    coloured = "\n".join(Painter(COLOURS, 36).file(change))
    assert re.sub(r"\033\[[0-9;]*m", "", coloured) == re.sub(r"\n *\^+", "", lines)


def test_lines_that_only_moved_are_not_told_twice() -> None:
    block = "".join(f"int number_{n};\n" for n in range(6))
    rest = "".join(f"int other_{n};\n" for n in range(20))
    (change,) = compare({"vtxctl/a.c": block + rest}, {"vtxctl/a.c": rest + block})
    lines = list(Painter().file(change))
    assert "- (6 lines that have only moved)" in lines
    assert [line for line in lines if "number_" in line] == [
        f"+ {x}" for x in block.split("\n")[:-1]
    ]


ASSEMBLY = """
begin:
\tcall\tbegin
\tret

hello\tdb\t"hello", 0
one\tdb\t"one", 0
two\tdb\t"two", 0
three\tdb\t"three", 0
four\tdb\t"four", 0
"""


@pytest.mark.parametrize("old, place", [("\tret", "line 4, in begin"), ('"four"', "line 10")])
def test_data_is_not_told_to_be_in_the_routine_above_it(old: str, place: str) -> None:
    path = "nanox/boot.asm"
    (change,) = compare({path: ASSEMBLY}, {path: ASSEMBLY.replace(old, f"{old} ; new")})
    assert f"  {place}" in list(Painter().file(change))


def test_how_much_a_part_is_and_how_much_of_it_must_be_read() -> None:
    texts = {f"vtxctl/{name}.c": f"int {name};\n" * 100 for name in "abc"}
    rules = "chip model: its rules"
    steps = [
        step("vtxctl/a.c", part="one", apart=rules),
        step("vtxctl/b.c", part="two"),
        step("vtxctl/c.c", apart=rules),
    ]
    told = fit("x", steps, Size(), {}, texts).walk
    lines = list(Painter().contents(told))
    assert lines[1].endswith("100 lines of code, all to skim")
    assert lines[2].endswith("200 lines of code, 100 to skim")


def test_the_contents_break_no_word() -> None:
    texts = {f"vtxctl/{name}.c": f"int {name};\n" * 100 for name in "ab"}
    title = "a part whose title is long enough"
    steps = [step("vtxctl/a.c", part=title, apart="chip model: its rules"), step("vtxctl/b.c")]
    told = fit("x", steps, Size(), {}, texts).walk
    whole, narrow = (list(Painter(PLAIN, width).contents(told)) for width in (80, 50))
    assert whole[1].endswith("200 lines, 100 to skim") and len(whole[1]) <= 80
    assert max(map(len, narrow)) <= 50
    assert " ".join(" ".join(narrow).split()) == " ".join(" ".join(whole).split())


def test_one_line_is_no_plural() -> None:
    told = fit("x", [step("vtxctl/a.c")], Size(), {}, {"vtxctl/a.c": "int a;\n"}).walk
    assert "x, 1 line added" in list(Painter().step(told, 1, told.steps[0]))


def test_prose_keeps_fences_and_blanks_within_backquotes() -> None:
    text = """Some words
here.

```text
a:      1
bcd:    2
```

And `echo  one   two`, and the end."""
    assert list(Painter(PLAIN, 40).prose(text)) == [
        *("Some words here.", "", "a:      1", "bcd:    2", ""),
        *("And `echo  one   two`, and the end.",),
    ]


def test_a_structure_and_its_variable_of_the_same_name_are_one_piece() -> None:
    text = "struct other;\n\nstatic struct tss {\n\tint a;\n} tss;\n\nint f(void)\n{\n}\n"
    assert regions("a.c", text)["tss"] == range(2, 6)


# Following


@pytest.fixture
def way(tmp_path: Path) -> Follow:
    fitted = fit("x", GOOD, Size(), BEFORE, AFTER)
    made = Follow(fitted.walk, Stage.all()[0], tmp_path / "place", tmp_path / "memory")
    made.begin()
    return made


def test_following_forth_and_back_ends_where_it_began(way: Follow) -> None:
    for _ in GOOD:
        assert way.forward() == []
    assert read_tree(way.place) == AFTER
    for _ in GOOD:
        assert way.back() == []
    assert read_tree(way.place) == BEFORE
    assert way.step == 0


def test_what_a_learner_changed_stays(way: Follow) -> None:
    source = way.place / "vtxctl/a.c"
    source.write_text("/* mine */\n\n" + source.read_text())
    (way.place / "vtxctl/mine.c").write_text("int mine;\n")
    for _ in GOOD:
        assert way.forward() == []
    assert source.read_text() == "/* mine */\n\n" + AFTER["vtxctl/a.c"]
    assert (way.place / "vtxctl/mine.c").read_text() == "int mine;\n"


def test_where_both_changed_a_line_the_learner_decides(way: Follow) -> None:
    source = way.place / "vtxctl/a.c"
    mine = BEFORE["vtxctl/a.c"].replace("return 1", "return 9")
    source.write_text(mine)
    assert way.forward() == ["vtxctl/a.c: 1 place where you and the step both changed"]
    assert "<<<<<<< yours" in source.read_text()
    assert (way.memory / "snapshots/0001/vtxctl/a.c").read_text() == mine
    with pytest.raises(FollowError, match="look for <<<<<<<"):
        way.forward()
    source.write_text(AFTER["vtxctl/a.c"])
    assert way.forward() == []


def test_a_folder_that_is_not_ours_stays(tmp_path: Path) -> None:
    fitted = fit("x", GOOD, Size(), BEFORE, AFTER)
    (tmp_path / "place").mkdir()
    (tmp_path / "place/precious").write_text("mine")
    made = Follow(fitted.walk, Stage.all()[0], tmp_path / "place", tmp_path / "memory")
    with pytest.raises(FollowError, match="is there already"):
        made.begin()
    assert (tmp_path / "place/precious").read_text() == "mine"


def test_a_folder_that_was_taken_away_is_laid_anew(way: Follow) -> None:
    way.forward()
    shutil.rmtree(way.place)
    assert not way.begun
    way.begin()
    assert way.step == 0 and read_tree(way.place) == BEFORE
    # What it was before stays in the snapshots.
    assert (way.memory / "snapshots/0001").exists()
