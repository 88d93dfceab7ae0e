# SPDX-License-Identifier: GPL-2.0-only
"""`make stage-05 lab` and its words: exercises on a learner's table."""

from __future__ import annotations

import sys
import textwrap
import time
from collections.abc import Iterable

from door.base import Status, say
from harness.paths import ROOT
from harness.stage import Stage, StageError
from tools.desk import Desk, ago, shown, writable
from tools.lab import BREAK, LabError, Outcome, Verdict, judge
from tools.prose import flow
from tools.story import enters_guest

WIDTH = 80
SEEN_MOST = 12  # lines of what was printed
WARNINGS_MOST = 2
CHANGED_MOST = 8  # changed lines that are named


def lab(stage: Stage, which: str | None) -> int:
    """Lay out what is not there yet, and say what there is to do."""
    desks = desks_of(stage)
    writable()
    for desk in desks:
        new = not desk.laid
        desk.lay()
        if new:
            say(f"{shown(desk.place)} is there now; building it for the first time")
            try:
                desk.copy.build()
            except StageError as error:
                raise LabError(f"what was handed out does not build:\n{error}") from None
        elif desk.outdated():
            say(
                f"{shown(desk.place)} is of an older version of the stage, and stays as it is; "
                f"`make stage-{stage.number} lab-reset EX={desk.exercise.name}` brings the new one"
            )
    overview(desks)
    desk = pick(stage, which)
    if which:
        desk.note(chosen=time.time())
    if not desk.state.done or which:
        show_task(desk)
    return Status.OK


def check(stage: Stage, which: str | None, guess: str | None) -> int:
    """Judge what the learner's code does. Status 1: not yet."""
    desk = pick(stage, which)
    need(desk)
    say(f"{desk.exercise.title}:")
    if not missing_guess(desk, guess):
        return Status.FAILED
    snapshot = desk.snapshot()
    begun = time.monotonic()
    verdict = judge(desk.exercise, desk.copy, say)
    desk.note(checked=desk.state.checked + 1, last_check=time.time(), chosen=time.time())
    say(f"({time.monotonic() - begun:.1f} seconds)")
    if verdict.done:
        desk.note(done=desk.state.done or time.time(), good=snapshot)
        return well_done(desk, verdict)
    return not_yet(desk, verdict)


def hint(stage: Stage, which: str | None) -> int:
    desk = pick(stage, which, done_too=True)
    need(desk)
    say(f"{desk.exercise.title}:")
    hints = desk.exercise.hints
    given = min(desk.state.hints + 1, len(hints))
    desk.note(hints=given)
    for number, text in enumerate(hints[:given], 1):
        paragraph(f"Hint {number} of {len(hints)}: {text}")
    if given == len(hints):
        paragraph(f"That was the last. Our own way stands in {solution(desk)}")
    return Status.OK


def back(stage: Stage, which: str | None) -> int:
    """The version before this one. What is there now is kept first."""
    desk = pick(stage, which, done_too=True)
    need(desk)
    say(f"{desk.exercise.title}:")
    if desk.is_base():
        say("This is what was handed out: there is nothing before it.")
        return Status.OK
    name = desk.back()
    what = "what was handed out" if name == "base" else f"version {int(name)}"
    say(f"{shown(desk.place)} is now {what}. What it was before is kept, too:")
    say(f"  {shown(desk.memory / 'snapshots')}")
    return Status.OK


def reset(stage: Stage, which: str | None) -> int:
    """Set the learner's folder aside and hand the exercise out anew."""
    desk = pick(stage, which, done_too=True)
    if desk.place.exists():
        old = desk.set_aside()
        say(f"Your folder is now {shown(old)}; nothing of it is lost.")
    desk.lay()
    say(f"{shown(desk.place)} is as it was handed out.")
    return Status.OK


# --- Which one, and may it be done? ---


def desks_of(stage: Stage) -> list[Desk]:
    desks = Desk.all(stage)
    if not desks:
        raise LabError(f"stage {stage.number} has no exercises yet")
    return desks


def pick(stage: Stage, which: str | None, done_too: bool = False) -> Desk:
    """By its number or its name; without one, the last chosen, or else the first that is left."""
    desks = desks_of(stage)
    if which is None:
        left = [desk for desk in desks if done_too or not desk.state.done]
        return max(left, key=lambda desk: desk.state.chosen, default=desks[-1])
    for number, desk in enumerate(desks, 1):
        if which in (str(number), desk.exercise.name):
            return desk
    names = ", ".join(f"{n} ({desk.exercise.name})" for n, desk in enumerate(desks, 1))
    raise LabError(f"EX={which}: stage {stage.number} has the exercises {names}")


def need(desk: Desk) -> None:
    if not desk.laid:
        raise LabError(
            f"{shown(desk.place)} is not there: type `make stage-{number(desk)} lab` first"
        )


def missing_guess(desk: Desk, guess: str | None) -> bool:
    """Who breaks something says first what will be seen. False: he has not."""
    if desk.exercise.kind != BREAK:
        return True
    if guess is None and not desk.state.guess and sys.stdin.isatty():
        say("Before it runs: what will you see? One line, in your own words.")
        guess = input("> ").strip()
    if guess:
        desk.note(guess=guess)
    if desk.state.guess:
        return True
    say("Say first what you will see:")
    say(f'  make stage-{number(desk)} lab-check GUESS="..."')
    return False


# --- Words ---


def number(desk: Desk) -> str:
    return desk.exercise.stage.number


def overview(desks: Iterable[Desk]) -> None:
    for at, desk in enumerate(desks, 1):
        mark = "done" if desk.state.done else ""
        kind = "break it" if desk.exercise.kind == BREAK else "blank"
        say(f"  {at}  {desk.exercise.title:44} {kind:9} {mark}".rstrip())


def show_task(desk: Desk) -> None:
    say("")
    say(f"{desk.exercise.title}")
    paragraph(desk.exercise.task)
    say("")
    say(f"The file:   {shown(desk.place / desk.exercise.path)}")
    say(f"When ready: make stage-{number(desk)} lab-check     stuck: lab-hint")
    exercise = desk.exercise
    if exercise.path.startswith("nanox/") and enters_guest(exercise.stage):
        image = (desk.copy.build_dir / "nanox.bin").relative_to(ROOT)
        say("To try yours by hand, once lab-check has built it:")
        say(f"  make stage-{number(desk)} run GUEST={image}")


def well_done(desk: Desk, verdict: Verdict) -> int:
    desks = desks_of(desk.exercise.stage)
    done = [one for one in desks if one.state.done]
    say(f"Done: {desk.exercise.title}")
    if desk.state.guess:
        say(f"You expected:  {desk.state.guess}")
    say("You saw:")
    quote(verdict.seen)
    if desk.exercise.done:
        paragraph(desk.exercise.done)
    say(f"{len(done)} of {len(desks)} exercises of stage {number(desk)}.")
    left = [one for one in desks if not one.state.done]
    if left:
        following = pick(desk.exercise.stage, None).exercise.title
        say(f"Next: make stage-{number(desk)} lab      {following}")
    else:
        say("Next: make where")
    return Status.OK


def not_yet(desk: Desk, verdict: Verdict) -> int:
    if verdict.outcome is Outcome.CRASH:
        say("The test machine crashed; your computer did not.")
        paragraph(f"Cause: {verdict.says}")
    elif verdict.outcome is Outcome.NO_BUILD:
        paragraph(verdict.says)
    else:
        paragraph(f"Not yet. {verdict.says}")
    if verdict.seen and verdict.outcome in (Outcome.NOT_YET, Outcome.ENDLESS):
        say(f"You see{verdict.where}:")
        quote(verdict.seen)
    for warning in verdict.warnings[:WARNINGS_MOST]:
        paragraph(f"The compiler warned: {warning}")
    if verdict.outcome is not Outcome.NOT_YET:
        changed = desk.changed_lines()
        since = "since it last worked" if desk.state.good else "since it was handed out"
        say(f"Changed {since}:" if changed else f"Nothing changed {since}.")
        for line in changed[:CHANGED_MOST]:
            say(textwrap.shorten(f"  {line}", WIDTH, placeholder=" ...").replace("\t", " "))
        if len(changed) > CHANGED_MOST:
            say(f"  and {len(changed) - CHANGED_MOST} more")
    say(f"Next: change it and `make stage-{number(desk)} lab-check`; a hint: lab-hint;")
    say("      the version before: lab-back")
    return Status.FAILED


def quote(text: str) -> None:
    lines = [line for line in text.splitlines() if line.strip()]
    for line in lines[-SEEN_MOST:]:
        for piece in textwrap.wrap(line, WIDTH - 4, subsequent_indent="      "):
            say(f"    {piece}")


def paragraph(text: str) -> None:
    """In lines of our width; what is indented is an example, and stays as it is."""
    for part in text.strip("\n").split("\n\n"):
        if part.startswith("  "):
            say(part)
            continue
        for line in flow(part, WIDTH):
            say(line)


def solution(desk: Desk) -> str:
    exercise = desk.exercise
    own = list(exercise.folder.glob("answer.*"))
    return shown(own[0] if own else exercise.stage.folder / exercise.path) + "."


# --- For `make where` ---


def progress(stages: Iterable[Stage]) -> list[str]:
    """How far the learner is: what is done, what worked last, what comes next."""
    lines = []
    begun: list[Desk] = []
    stages = list(stages)
    for stage in stages:
        desks = Desk.all(stage)
        done = sum(bool(desk.state.done) for desk in desks)
        if any(desk.laid for desk in desks):
            lines.append(f"  stage-{stage.number}  {done} of {len(desks)} exercises done")
            begun += desks
    finished = [desk for desk in begun if desk.state.done]
    if finished:
        last = max(finished, key=lambda desk: desk.state.done)
        lines.append(f"Worked last: {last.exercise.title} ({ago(last.state.done)})")
    if not begun:
        return lines
    # Where was he last? The stages before it may have been left as they are.
    latest = max(begun, key=lambda desk: (desk.state.chosen, desk.exercise.stage.number))
    stage = latest.exercise.stage
    left = [desk for desk in begun if desk.exercise.stage == stage and not desk.state.done]
    if left:
        current = max(left, key=lambda desk: desk.state.chosen)
        lines.append(f"On the table: {current.exercise.title}, in {shown(current.place)}")
        lines.append(f"Next: make stage-{number(current)} lab-check")
    later = stages[stages.index(stage) + 1 :]
    if later:
        lines.append(f"{'Or' if left else 'Next'}: make stage-{later[0].number}")
    return lines
