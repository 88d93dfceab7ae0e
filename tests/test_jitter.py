# SPDX-License-Identifier: GPL-2.0-only
"""`make jitter`: that it measures and draws what it says. The figures themselves are no test."""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path
from xml.etree import ElementTree as xml

import pytest

from harness.effort import FULL
from door.jitter import BESIDE, COUNT, PERIOD, STAGES, Run, distances, jitter, table
from door.jitter_picture import draw, scale_of

SVG = "{http://www.w3.org/2000/svg}"
SOME = [
    Run("11", "idle", (10.0, -10.0, 70.0, -70.0)),
    Run("11", "busy", (3000.0, -3000.0)),
    Run("13", "idle", (0.5, -0.5)),
    Run("13", "busy", (0.0, 0.0)),
]


def test_a_steady_clock_has_no_distance_that_is_off() -> None:
    begin = 0xFFFFF000  # the CPU's clock wraps
    steady = struct.pack("<5I", *((begin + 5000 * n) & 0xFFFFFFFF for n in range(5)))
    assert distances(steady) == (0, 0, 0)


def test_a_late_tick_is_one_distance_too_long_and_one_too_short() -> None:
    ticks = [5000 * n for n in range(6)]
    ticks[3] += 500
    off = distances(struct.pack("<6I", *ticks))
    assert [round(one / PERIOD, 3) for one in off] == [0, 0.1, -0.1, 0]
    assert Run("11", "idle", off).figures()["worst"] == pytest.approx(PERIOD / 10)


def test_a_period_is_that_of_a_hundred_a_second() -> None:
    assert COUNT == 11932 and PERIOD == pytest.approx(10_000, rel=1e-3)


@pytest.mark.parametrize("worst, scale", [(0.7, 1), (71, 100), (120, 200), (4999, 5000)])
def test_the_scale_is_a_round_number(worst: float, scale: float) -> None:
    assert scale_of([Run("13", "idle", (-worst, 0.1))]) == scale


def test_the_picture_has_a_dot_for_each_tick_and_fits_its_paper() -> None:
    root = xml.fromstring(draw(SOME))
    _, _, width, height = map(float, root.get("viewBox", "").split())
    assert len(list(root.iter(f"{SVG}circle"))) == sum(len(run.off) for run in SOME)
    for dot in root.iter(f"{SVG}circle"):
        assert 0 < float(dot.get("cx", "-1")) < width and 0 < float(dot.get("cy", "-1")) < height
    style = root.findtext(f"{SVG}style") or ""
    (size,) = re.findall(r"font: (\d+)px", style)
    # At 800 pixels it is drawn larger than it is.
    assert width <= 800 and int(size) >= 12
    assert "prefers-color-scheme: dark" in style


def test_the_table_has_a_row_for_each_run() -> None:
    rows = table(SOME).splitlines()[3:]
    assert [re.findall(r"\b1[13]\b", row)[0] for row in rows] == ["11", "13", "11", "13"]
    assert rows[0].split()[-3:] == ["40.0", "70.0", "70.0"]


@pytest.mark.skipif(not FULL, reason="boots a machine and three stages; `make test-all` does")
def test_it_measures_every_stage_beside_everything(tmp_path: Path) -> None:
    runs = jitter(ticks=20, folder=tmp_path)
    assert [(run.stage, run.beside) for run in runs] == [(s, b) for s in STAGES for b in BESIDE]
    assert {len(run.off) for run in runs} == {19}
    assert len(json.loads((tmp_path / "jitter.json").read_text())) == len(runs)
    xml.parse(tmp_path / "jitter.svg")
