# SPDX-License-Identifier: GPL-2.0-only
"""The picture of two clocks: a dot for each tick, on the line if it came when it should."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree as xml

# In units of the picture.
WIDTH = 720
LEFT = 84
GAP = 24
RIGHT = 16
TEXT = 15
HIGH = 150
WORDS = {"idle": "nothing else runs", "busy": "beside a busy program"}

STYLE = (
    """
text { font: %dpx sans-serif; fill: #1c1c1c; }
.title { font-weight: bold; }
.paper { fill: #ffffff; }
.panel { fill: #f1f1ee; }
.line { stroke: #8a8a8a; }
.dot { fill: #2b7bba; }
@media (prefers-color-scheme: dark) {
  text { fill: #e8e8e8; }
  .paper { fill: #16191d; }
  .panel { fill: #22262b; }
  .line { stroke: #7d7d7d; }
  .dot { fill: #58a6e0; }
}
"""
    % TEXT
)


def scale_of(runs: Sequence[Any]) -> float:
    """A round number of microseconds that is enough for all of them: 1, 2 or 5 and zeros."""
    worst = max(abs(off) for run in runs for off in run.off) or 1.0
    power = 10 ** math.floor(math.log10(worst))
    return float(next(power * step for step in (1, 2, 5, 10) if power * step >= worst))


def told(off: float) -> str:
    """Microseconds, or milliseconds, with a sign."""
    if not off:
        return "0"
    return f"{off / 1000:+g} ms" if abs(off) >= 1000 else f"{off:+g} us"


def draw(runs: Sequence[Any]) -> str:
    """An SVG: a column for each stage, a row for what else runs (door.jitter.Run)."""
    stages = list(dict.fromkeys(run.stage for run in runs))
    rows = list(dict.fromkeys(run.beside for run in runs))
    wide = (WIDTH - LEFT - RIGHT - GAP * (len(stages) - 1)) / len(stages)
    scales = {row: scale_of([run for run in runs if run.beside == row]) for row in rows}
    height = (len(rows)) * (HIGH + 3 * TEXT + GAP) + 3 * TEXT
    root = xml.Element(
        "svg", xmlns="http://www.w3.org/2000/svg", width="100%", viewBox=f"0 0 {WIDTH} {height}"
    )
    xml.SubElement(root, "style").text = STYLE
    size = {"width": str(WIDTH), "height": str(height)}
    xml.SubElement(root, "rect", {"class": "paper", **size})

    def write(x: float, y: float, words: str, style: str = "", anchor: str = "start") -> None:
        place = {"x": f"{x:.0f}", "y": f"{y:.0f}", "text-anchor": anchor}
        xml.SubElement(root, "text", {"class": style, **place} if style else place).text = words

    for run in runs:
        left = LEFT + stages.index(run.stage) * (wide + GAP)
        top = rows.index(run.beside) * (HIGH + 3 * TEXT + GAP) + 2 * TEXT
        middle = top + HIGH / 2
        scale = scales[run.beside]
        if run.stage == stages[0]:
            for share in (1, 0, -1):
                y = middle - share * (HIGH / 2 - TEXT / 2) + TEXT / 3
                write(LEFT - 8, y, told(share * scale), anchor="end")
        write(left, top - 6, f"stage {run.stage}, {WORDS[run.beside]}", "title")
        place = {"x": f"{left:.0f}", "y": f"{top}", "width": f"{wide:.0f}", "height": str(HIGH)}
        xml.SubElement(root, "rect", {"class": "panel", **place})
        ends = {"x1": f"{left:.0f}", "x2": f"{left + wide:.0f}"}
        xml.SubElement(
            root, "line", {"class": "line", "y1": f"{middle}", "y2": f"{middle}", **ends}
        )
        for number, off in enumerate(run.off):
            x = left + 3 + (wide - 6) * number / max(1, len(run.off) - 1)
            y = middle - off / scale * (HIGH / 2 - TEXT / 2)
            place = {"cx": f"{x:.1f}", "cy": f"{y:.1f}", "r": "2"}
            xml.SubElement(root, "circle", {"class": "dot", **place})
        worst = max(map(abs, run.off))
        write(left, top + HIGH + TEXT + 2, f"the worst of {len(run.off)}: {worst:.1f} us")
    write(
        LEFT,
        height - TEXT / 2,
        "each dot: from one tick to the next, longer or shorter than it should be",
    )
    xml.indent(root)
    return xml.tostring(root, encoding="unicode") + "\n"
