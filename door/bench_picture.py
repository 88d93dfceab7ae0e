# SPDX-License-Identifier: GPL-2.0-only
"""The picture of a bench: a bar for each, as long as it takes beside the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree as xml

# In units of the picture, which is wide enough for a page and narrow enough for a telephone.
WIDTH = 560
LEFT = 112
RIGHT = 64
BAR = 20
GAP = 6
TEXT = 15
# Neighbours that differ by no more are one bar.
SAME = 0.01

STYLE = (
    """
text { font: %dpx sans-serif; fill: #1c1c1c; }
.title { font-weight: bold; }
.paper { fill: #ffffff; }
.kvm { fill: #9a9a9a; }
.ours { fill: #2b7bba; }
@media (prefers-color-scheme: dark) {
  text { fill: #e8e8e8; }
  .paper { fill: #16191d; }
  .kvm { fill: #7d7d7d; }
  .ours { fill: #58a6e0; }
}
"""
    % TEXT
)


def alike(rows: Sequence[Any]) -> list[tuple[str, float | None]]:
    """Which stages, and how many ticks: neighbours that take the same are one."""
    found: list[tuple[str, str, float | None]] = []
    for row in rows:
        ticks = row.vtxdrv and row.vtxdrv.median
        if found:
            first, _, before = found[-1]
            if before == ticks or (before and ticks and abs(ticks - before) <= SAME * before):
                found[-1] = first, row.stage, before
                continue
        found.append((row.stage, row.stage, ticks))
    return [
        (f"stage {first}" if first == last else f"stage {first}-{last}", ticks)
        for first, last, ticks in found
    ]


def draw(rows: Sequence[Any], measurements: Mapping[str, str]) -> str:
    """An SVG of all rows (door.bench.Row): for each measurement KVM, then the stages."""
    root = xml.Element("svg", xmlns="http://www.w3.org/2000/svg", width="100%")
    xml.SubElement(root, "style").text = STYLE
    paper = xml.SubElement(root, "rect", {"class": "paper", "width": "100%", "height": "100%"})
    y = TEXT + GAP

    def write(x: float, words: str, style: str = "", anchor: str = "start") -> None:
        attributes = {"x": f"{x:.0f}", "y": f"{y:.0f}", "text-anchor": anchor}
        if style:
            attributes["class"] = style
        xml.SubElement(root, "text", attributes).text = words

    def bar(label: str, ticks: float | None, scale: float, style: str) -> None:
        nonlocal y
        write(LEFT - GAP, label, anchor="end")
        if ticks is None:
            write(LEFT, "has none")
        else:
            place = {"x": str(LEFT), "y": f"{y - TEXT:.0f}", "height": str(BAR)}
            xml.SubElement(root, "rect", {"class": style, "width": f"{ticks * scale:.1f}", **place})
            write(LEFT + ticks * scale + GAP, f"{ticks:.0f}")
        y += BAR + GAP

    for mitigations in dict.fromkeys(row.mitigations for row in rows):
        write(GAP, f"With mitigations={mitigations}:", "title")
        y += 2 * BAR
        for name, words in measurements.items():
            group = [row for row in rows if (row.name, row.mitigations) == (name, mitigations)]
            if not group:
                continue
            write(GAP, words, "title")
            y += BAR + GAP
            kvm, ours = group[0].kvm.median, alike(group)
            scale = (WIDTH - LEFT - RIGHT) / max(kvm, *(ticks or 0 for _, ticks in ours))
            bar("KVM", kvm, scale, "kvm")
            for stages, ticks in ours:
                bar(stages, ticks, scale, "ours")
            y += BAR
    write(GAP, f"{rows[0].unit}, the median of many")
    height = y + GAP * 2
    paper.set("height", str(height))
    root.set("viewBox", f"0 0 {WIDTH} {height}")
    xml.indent(root)
    return xml.tostring(root, encoding="unicode") + "\n"
