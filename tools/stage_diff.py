# SPDX-License-Identifier: GPL-2.0-only
"""`make stage-05 diff`: what changed since the stage before, as a story."""

from __future__ import annotations

from harness.stage import Stage
from tools import walk as walks
from tools.show import page, painter


def stage_diff(
    stage: Stage, step: int | None, part: int | None, everything: bool, plain: bool
) -> None:
    """Show the walk of a stage, or one step or part of it; WalkError where there is none such."""
    walk = walks.load(stage)
    parts = walk.parts()
    if step is not None and not 1 <= step <= len(walk.steps):
        raise walks.WalkError(f"STEP={step}: this walk has steps 1 to {len(walk.steps)}")
    if part is not None and not parts:
        raise walks.WalkError(f"PART={part}: this walk has no parts; leave PART out")
    if part is not None and not 1 <= part <= len(parts):
        raise walks.WalkError(f"PART={part}: this walk has parts 1 to {len(parts)}")
    steps: range | None = None
    if part is not None:
        steps = range(parts[part - 1].first, parts[part - 1].last + 1)
    if step is not None:
        steps = range(step, step + 1)
    paint = painter(plain)

    def lines():  # type: ignore[no-untyped-def]
        yield from paint.walk(walk, steps)
        if everything:
            yield from paint.others(*walks.other_files(stage))

    page(lines(), plain)
