# SPDX-License-Identifier: GPL-2.0-only
"""`make stage-05 diff`: what changed since the stage before, as a story."""

from __future__ import annotations

from harness.stage import Stage
from tools import walk as walks
from tools.show import page, painter


def stage_diff(stage: Stage, step: int | None, everything: bool, plain: bool) -> None:
    """Show the walk of a stage, or one step of it; WalkError where there is no such step."""
    walk = walks.load(stage)
    if step is not None and not 1 <= step <= len(walk.steps):
        raise walks.WalkError(f"STEP={step}: this walk has steps 1 to {len(walk.steps)}")
    paint = painter(plain)

    def lines():  # type: ignore[no-untyped-def]
        yield from paint.walk(walk, step)
        if everything:
            yield from paint.others(*walks.other_files(stage))

    page(lines(), plain)
