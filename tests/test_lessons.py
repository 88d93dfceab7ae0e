# SPDX-License-Identifier: GPL-2.0-only
"""Lessons: each is an evening, can be read aloud, is not stale, and does what it says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from harness.effort import some
from harness.paths import BUILD, ROOT
from harness.stage import Stage
from tools import lesson

EVENINGS = some(Stage.all())  # a minute or two each
SECONDS = 240.0
# What `make setup` has made once; a new clone would make the same.
READY = ("linux", "l1")
# Commands of the README that are not typed here, and why.
NOT_TYPED = {
    "make test": "this is a part of it",
    "make test-nested": "a part of test-all",
    "make test-guests": "a part of test-all",
    "make bench": "a part of test-all",
    "make jitter": "the evening of stage 13 types it",
    "make debug-kernel": "half an hour",
    "make uninstall": "it takes packages away; test_door has what it says",
    "make run": "a tour at a terminal; test_door takes it",
}


def ids(stage: Stage) -> str:
    return stage.number


@pytest.mark.parametrize("told", Stage.all(), ids=ids)
def test_a_lesson_is_as_it_must_be(told: Stage) -> None:
    assert lesson.complaints(told) == []


@pytest.mark.parametrize("told", Stage.all(), ids=ids)
def test_what_is_made_is_not_stale(told: Stage) -> None:
    for name, is_there, should_be in lesson.made(told, of_a_run=False):
        assert is_there == should_be, f"{name} is stale: tools/lesson {told.number}"


@pytest.mark.parametrize("told", EVENINGS, ids=ids)
def test_transcript_and_picture_are_of_a_run(told: Stage) -> None:
    kept = (told.folder / "lab" / "picture.svg").read_text()
    for name, is_there, should_be in lesson.made(told, of_a_run=True):
        stale = f"{name} is stale: tools/lesson {told.number}"
        assert lesson.steady(is_there) == lesson.steady(should_be), stale
    assert (told.folder / "lab" / "picture.svg").read_text() == kept, "the picture is stale"


def test_every_word_has_a_stage_and_every_bold_word_is_explained() -> None:
    words = lesson.glossary()
    assert len(words) >= len(Stage.all())
    numbers = {stage.number for stage in Stage.all()}
    assert set(words.values()) <= numbers


def test_there_are_ten_things_to_say() -> None:
    from door.signoff import statements

    assert len(statements()) == 10


# At a terminal


def test_at_a_terminal_an_answer_waits_for_the_guess() -> None:
    told = Stage.find("07")
    rows = [row for row in lesson.evening(told) if row.sees]
    child = pexpect.spawn(
        str(ROOT / "virtx"),
        ["stage", told.number, "lesson"],
        cwd=str(ROOT),
        env={**os.environ, "PAGER": "cat"},
        timeout=60,
        encoding="utf-8",
    )
    for row in rows:
        child.expect_exact(lesson.ASKS)
        assert f"type this: `{row.command}`" in child.before
        # What stands above is of this row's question, and of the answer before it.
        question = child.before.partition("guess first")[2]
        assert question and "you see" not in question
        child.send("\r")
    child.expect_exact("--- For the younger one ---")
    assert lesson.ASKS not in child.before
    child.expect_exact("--- Sign-off ---")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def test_in_a_pipe_a_lesson_comes_all_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    lesson.show(Stage.find("07"), plain=True)
    text = capsys.readouterr().out
    assert lesson.ASKS not in text
    assert text.index("guess first") < text.index("you see") < text.index("--- Sign-off ---")


# Typed in a clean clone


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The project without what was built or done in it."""
    place = tmp_path_factory.mktemp("clone") / "virtx"
    left = shutil.ignore_patterns("build", "work", ".git", "__pycache__")
    shutil.copytree(ROOT, place, ignore=left, symlinks=True)
    (place / "build").mkdir()
    for name in READY:
        (place / "build" / name).symlink_to(BUILD / name)
    yield place
    shutil.rmtree(place)


def type_it(clone: Path, command: str, lines: tuple[str, ...] = ()) -> str:
    """Type a command, and lines into it; all that is then seen."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=clone,
        env=environment,
        input="".join(f"{line}\n" for line in lines),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=SECONDS,
        check=False,
    )
    return done.stdout


@pytest.mark.full
@pytest.mark.parametrize("told", EVENINGS, ids=ids)
def test_an_evening_shows_what_it_promises(told: Stage, clone: Path) -> None:
    typed = 0
    for row in lesson.evening(told):
        if not row.command:
            continue
        seen = type_it(clone, row.command, row.types)
        assert row.sees, f"`{row.command}`: and what do you see?"
        for wanted in row.sees:
            assert wanted in seen, f"`{row.command}` does not show {wanted!r}, but:\n{seen}"
        typed += 1
    assert typed >= 4


def readme_commands() -> list[str]:
    text = lesson.section((ROOT / "README.md").read_text(), "What to type")
    return [found.strip() for found in re.findall(r"^    (make [^ ]+(?: [^ ]+)*)", text, re.M)]


def test_the_commands_of_the_readme_work(clone: Path) -> None:
    typed = []
    for line in readme_commands():
        command = re.split(r"\s{2,}", line)[0]
        if command in NOT_TYPED or command.endswith(" test"):
            continue
        seen = type_it(clone, f"{command} && echo went well", ("hello", "bye"))
        assert "went well" in seen, f"{command}:\n{seen}"
        typed.append(command)
    assert len(typed) >= 10, typed
