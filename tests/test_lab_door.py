# SPDX-License-Identifier: GPL-2.0-only
"""What a learner reads when he types lab, lab-check, lab-hint, where and sign-off."""

from __future__ import annotations

import errno
import io
import json
import sys
import time
from pathlib import Path

import pytest

from door import cli, lab, signoff
from door.base import Stop
from harness.stage import Copy, Stage
from tools import desk as desks
from tools.changes import read_tree
from tools.desk import Desk
from tools.lab import BREAK, LabError, Outcome, Verdict

STAGE = Stage.find("05")


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A work/ of the test's own, in which nothing is really built."""
    monkeypatch.setattr(desks, "WORK", tmp_path)
    monkeypatch.setattr(Copy, "build", lambda copy: "")
    return tmp_path


@pytest.fixture
def verdict(monkeypatch: pytest.MonkeyPatch) -> list[Verdict]:
    """What the judge will say; the last one counts."""
    said = [Verdict(Outcome.DONE, "", "1: olleh\n")]
    monkeypatch.setattr(lab, "judge", lambda exercise, copy, progress: said[-1])
    return said


def desk(number: int) -> Desk:
    return Desk.all(STAGE)[number - 1]


def test_lab_lays_all_of_them_out_and_tells_the_first(work: Path, capfd) -> None:
    assert lab.lab(STAGE, None) == 0
    text = capfd.readouterr().err
    for one in Desk.all(STAGE):
        assert read_tree(one.place) == one.exercise.tree()
        assert one.exercise.title in text
    assert f"The file:   {desk(1).place / desk(1).exercise.path}" in text
    image = f"build/stages/{desk(1).place.name}/nanox.bin"
    assert f"  make stage-05 run GUEST={image}" in text.splitlines()
    assert all(len(line) <= 80 for line in text.splitlines() if str(work) not in line)
    # A second time nothing is laid, and nothing is changed.
    (desk(1).place / "nanox/boot.asm").write_text("mine")
    lab.lab(STAGE, "2")
    assert desk(2).exercise.title in capfd.readouterr().err
    assert (desk(1).place / "nanox/boot.asm").read_text() == "mine"


def test_done_leads_to_the_next_and_where_remembers(work: Path, verdict, capfd) -> None:
    lab.lab(STAGE, None)
    assert lab.check(STAGE, None, None) == 0
    text = capfd.readouterr().err
    assert "1 of 3 exercises of stage 05." in text
    assert f"Next: make stage-05 lab      {desk(2).exercise.title}" in text
    desk(1).note(done=time.time() - 8 * 86400)
    lines = lab.progress([STAGE])
    assert lines[0] == "  stage-05  1 of 3 exercises done"
    assert lines[1] == f"Worked last: {desk(1).exercise.title} (8 days ago)"
    assert lines[-1] == "Next: make stage-05 lab-check"


def test_where_tells_the_way_on(work: Path, verdict, capsys) -> None:
    assert lab.progress(Stage.all()) == []
    lab.lab(STAGE, None)
    cli.where()
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "Next: make stage-05 lab-check",
        "Or: make stage-06",
    ]
    for number in (1, 2, 3):
        lab.check(STAGE, str(number), "it falls over")
    cli.where()
    text = capsys.readouterr().out
    assert "3 of 3 exercises done" in text
    assert text.splitlines()[-1] == "Next: make stage-06"


def test_who_chose_an_exercise_goes_on_with_it(work: Path, verdict, capfd) -> None:
    lab.lab(STAGE, None)
    lab.lab(STAGE, "2")
    verdict.append(Verdict(Outcome.NOT_YET, "No.", "no", " in another run"))
    capfd.readouterr()
    lab.check(STAGE, None, None)
    text = capfd.readouterr().err
    assert text.startswith(f"{desk(2).exercise.title}:")
    assert "You see in another run:" in text
    assert f"On the table: {desk(2).exercise.title}" in "\n".join(lab.progress([STAGE]))


def test_not_yet_shows_what_was_seen_and_scolds_nobody(work: Path, verdict, capfd) -> None:
    lab.lab(STAGE, None)
    verdict.append(Verdict(Outcome.NOT_YET, "It is the wrong way round.", "1: hello\n"))
    capfd.readouterr()
    assert lab.check(STAGE, None, None) == 1
    text = capfd.readouterr().err
    assert "Not yet. It is the wrong way round." in text
    assert "    1: hello" in text
    assert "lab-hint" in text
    assert not desk(1).state.done


def test_who_is_done_hears_the_answer_to_what_was_asked(work: Path, verdict, capfd) -> None:
    stage = Stage.find("07")
    lab.lab(stage, "2")
    capfd.readouterr()
    assert lab.check(stage, "2", None) == 0
    done = Desk.all(stage)[1].exercise.done
    assert done and " ".join(done.split()) in " ".join(capfd.readouterr().err.split())


def test_a_crash_is_no_harm_and_names_cause_and_changes(work: Path, verdict, capfd) -> None:
    lab.lab(STAGE, "2")
    path = desk(2).place / "vtxdrv/pio.c"
    path.write_text(path.read_text().replace("pending = false;", "pending = 3;", 1))
    verdict.append(Verdict(Outcome.CRASH, "BUG: kernel NULL pointer dereference", "..."))
    capfd.readouterr()
    assert lab.check(STAGE, "2", None) == 1
    text = capfd.readouterr().err
    assert "The test machine crashed; your computer did not." in text
    assert "Cause: BUG: kernel NULL pointer dereference" in text
    assert "pending = 3;" in text
    assert "lab-back" in text
    assert len(desk(2).snapshots()) == 1


def test_what_worked_once_stays_done(work: Path, verdict, capfd) -> None:
    lab.lab(STAGE, None)
    lab.check(STAGE, "1", None)
    verdict.append(Verdict(Outcome.NO_BUILD, "It does not build. nanox/boot.asm:3: error", ""))
    lab.check(STAGE, "1", None)
    assert desk(1).state.done
    assert "since it last worked" in capfd.readouterr().err


def test_hints_come_one_by_one_and_then_the_place_of_the_answer(work: Path, capfd) -> None:
    lab.lab(STAGE, None)
    hints = desk(1).exercise.hints
    capfd.readouterr()
    for given in range(1, len(hints) + 2):
        lab.hint(STAGE, "1")
        text = capfd.readouterr().err
        assert text.count("Hint ") == min(given, len(hints))
    assert "stages/05-real-mode-console/nanox/boot.asm" in text


def test_who_breaks_something_says_first_what_will_be_seen(
    work: Path, verdict, capfd, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.lab(STAGE, None)
    (number,) = [n for n in (1, 2, 3) if desk(n).exercise.kind == BREAK]
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert lab.check(STAGE, str(number), None) == 1
    assert 'lab-check GUESS="..."' in capfd.readouterr().err
    assert lab.check(STAGE, str(number), "a triple fault") == 0
    text = capfd.readouterr().err
    assert "You expected:  a triple fault" in text
    assert "1: olleh" in text


def test_back_and_reset_say_where_everything_is(work: Path, verdict, capfd) -> None:
    lab.lab(STAGE, None)
    path = desk(1).place / "nanox/boot.asm"
    path.write_text("mine")
    lab.check(STAGE, "1", None)
    path.write_text("worse")
    capfd.readouterr()
    lab.back(STAGE, "1")
    assert path.read_text() == "mine"
    lab.back(STAGE, "1")
    assert "what was handed out" in capfd.readouterr().err
    lab.back(STAGE, "1")
    assert "nothing before it" in capfd.readouterr().err
    path.write_text("again")
    lab.reset(STAGE, "1")
    assert "lab-05-1-reverse.old-1" in capfd.readouterr().err
    assert (work / "lab-05-1-reverse.old-1/nanox/boot.asm").read_text() == "again"
    assert read_tree(desk(1).place) == desk(1).exercise.tree()


@pytest.mark.parametrize(
    "which, hint", [("7", "has the exercises 1 (1-reverse)"), ("1", "make stage-05 lab` first")]
)
def test_what_is_not_there_is_said(work: Path, which: str, hint: str) -> None:
    with pytest.raises(LabError) as caught:
        lab.check(STAGE, which, None)
    assert hint in str(caught.value)


def test_notes_that_cannot_be_read_cost_no_sources(work: Path, verdict) -> None:
    lab.lab(STAGE, None)
    (desk(1).place / "nanox/boot.asm").write_text("mine")
    (desk(1).memory / "state.json").write_text("{ half")
    lab.check(STAGE, "1", None)
    assert desk(1).state.done
    assert (desk(1).place / "nanox/boot.asm").read_text() == "mine"


def test_notes_of_another_version_are_understood(work: Path, verdict) -> None:
    lab.lab(STAGE, None)
    lab.check(STAGE, "1", None)
    path = desk(1).memory / "state.json"
    notes = json.loads(path.read_text())
    del notes["chosen"]
    path.write_text(json.dumps({**notes, "from_the_future": 1}))
    assert desk(1).state.done == notes["done"]


def test_a_full_disk_is_a_sentence(work: Path, monkeypatch, capfd) -> None:
    def full(*unused: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "work/lab")

    monkeypatch.setattr(desks, "write_tree", full)
    assert cli.main(["lab", "05"]) != 0
    text = capfd.readouterr().err
    assert "work/lab cannot be written: No space left on device" in text
    assert "nothing of yours is lost" in text


# --- sign-off ---


@pytest.fixture
def paper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(signoff, "WORK", tmp_path)
    monkeypatch.setattr(signoff, "ROOT", tmp_path)
    return tmp_path


def say(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
    signoff.sign_off()


def test_what_is_said_is_kept_line_by_line(paper: Path, monkeypatch, capfd) -> None:
    say(monkeypatch, "Mia", "Papa", "a PC in a PC", "yes, <b>that</b>", "", "each CPU has a switch")
    assert "1 of 10 said by both." in capfd.readouterr().err
    page = (paper / "sign-off.html").read_text()
    assert "a PC in a PC" in page and "yes, &lt;b&gt;that&lt;/b&gt;" in page
    assert time.strftime("%Y-%m-%d") in page
    # The second time only what is open is asked.
    say(monkeypatch, "now I know it")
    told = json.loads((paper / "sign-off.json").read_text())
    assert told["names"] == {"younger": "Mia", "older": "Papa"}
    assert told["answers"]["1"]["younger"] == "a PC in a PC"
    assert told["answers"]["2"] == {
        "younger": "now I know it",
        "older": "each CPU has a switch",
    }


def test_all_ten_are_signed(paper: Path, monkeypatch, capfd) -> None:
    say(monkeypatch, "A", "B", *(f"answer {n}" for n in range(20)))
    assert "10 of 10 said by both." in capfd.readouterr().err
    assert "Said by both." in (paper / "sign-off.html").read_text()


def test_a_page_that_cannot_be_read_is_not_written_over(paper: Path, monkeypatch) -> None:
    (paper / "sign-off.json").write_text("{ half")
    with pytest.raises(Stop, match="move it away"):
        say(monkeypatch, "Mia")
    assert (paper / "sign-off.json").read_text() == "{ half"


def test_blanks_that_are_to_be_typed_stay(capfd) -> None:
    lab.paragraph("Type `echo  one   two`,\n  and look.")
    assert capfd.readouterr().err == "Type `echo  one   two`, and look.\n"
