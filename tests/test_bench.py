# SPDX-License-Identifier: GPL-2.0-only
"""`make bench`: that it measures what it says. The figures themselves are no test."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree as xml

import pytest

from door.bench import MEASUREMENTS, Row, Ticks, bench, late, table
from door.bench_picture import BAR, draw
from harness.stage import Stage

# Enough of them for a table and a picture.
WORDS = {name: measurement.words for name, measurement in MEASUREMENTS.items()}
SOME = list(MEASUREMENTS)[:3]
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    bench(samples=20, folder=folder, mitigations=["off"])
    return folder


@pytest.mark.full
def test_the_list_has_every_stage_that_runs_a_guest_beside_kvm(measured):
    rows = json.loads((measured / "bench.json").read_text())
    stages = [stage.number for stage in Stage.all() if stage.number >= "04"]
    assert {(row["name"], row["stage"]) for row in rows} == {
        (name, stage)
        for name, measurement in MEASUREMENTS.items()
        for stage in stages
        if stage >= measurement.since
    }
    for row in rows:
        assert row.keys() >= set("name stage unit mitigations vtxdrv kvm ratio".split())
        # Less would be no way into the kernel and back, more a host that does something else.
        assert 100 < row["kvm"] < 100_000
        if row["name"] == "exit-kernel" and row["stage"] < "06":
            assert row["vtxdrv"] is row["ratio"] is None
        else:
            assert 50 < row["vtxdrv"] < 100_000
            assert row["ratio"] == pytest.approx(row["vtxdrv"] / row["kvm"], abs=0.001)


def test_a_tick_is_late_by_what_it_came_after_its_time():
    times = [1000, 1000 + 4000 + 7, 1000 + 8000 + 107, 1000 + 12000 + 7]
    data = b"".join((time + 2**32 - 2000 & 0xFFFFFFFF).to_bytes(4, "little") for time in times)
    assert late(data) == [7, 107, 7]


@pytest.mark.full
def test_a_trip_to_user_space_is_a_system_call_and_more(measured):
    ticks = {
        (row["name"], row["stage"]): row["vtxdrv"]
        for row in json.loads((measured / "bench.json").read_text())
    }
    for (name, stage), null in ticks.items():
        if name == "ioctl-null":
            assert ticks["exit-user", stage] > null
    # What the loop is for.
    assert ticks["exit-user", "06"] < ticks["exit-user", "05"]
    assert ticks["exit-kernel", "06"] < ticks["exit-user", "06"] / 3


@pytest.mark.full
def test_the_newest_takes_at_most_half_of_kvm(measured):
    rows = json.loads((measured / "bench.json").read_text())
    newest = {row["name"]: row for row in rows if row["stage"] == Stage.newest().number}
    ratios = {name: row["own_ratio"] for name, row in newest.items()}
    assert {name: ratio for name, ratio in ratios.items() if ratio and ratio > 0.5} == {}
    if newest["exit-kernel"]["unit"] == "instructions":
        assert newest["exit-kernel"]["vtxdrv"] <= 190


def test_what_lies_on_the_way_is_taken_off_both_sides():
    def row(name: str, stage: str, ours: float, kvm: float) -> Row:
        return Row(
            name,
            stage,
            "TSC ticks",
            "off",
            Ticks(ours, 0, 0),
            Ticks(kvm, 0, 0),
            call=600,
            wake=4000,
        )

    assert row("exit-user", "15", 1000, 3000).own == (400, 2400)
    assert row("uart-out", "15", 1000, 3000).own == (1000, 2400)  # KVM's goes to user space
    assert row("device-out", "11", 1000, 3000).own == (400, 2400)  # so did ours, until then
    assert row("hlt-wake", "15", 5000, 12000).own == (1000, 4000)  # KVM has a thread more
    assert row("hlt-wake", "15", 5000, 12000).own_ratio == 0.25
    assert row("ioctl-null", "15", 600, 600).own is None


def rows() -> list[Row]:
    return [
        Row(name, stage, "TSC ticks", mitigations, ours, Ticks(longest, 900, 123456))
        for mitigations in ("off", "auto")
        for name, longest in zip(SOME, (7223, 950, 12345))
        for stage, ours in (("04", None), ("05", Ticks(1, 1, 1)), ("23", Ticks(7000, 6999, 12345)))
    ]


def test_the_table_fits_a_terminal():
    lines = table(rows()).splitlines()
    assert max(map(len, lines)) <= 80
    assert sum(" 23 " in line and " 6999 to 12345 " in line for line in lines) == 6
    assert re.search(r"04 +- +- +7223 +- .* - +- +-\n", table(rows()))
    assert all(len(f"{name}: {words}") <= 80 for name, words in WORDS.items())


def test_nothing_overlaps_in_the_picture():
    root = xml.fromstring(draw(rows(), WORDS))
    _, _, width, height = map(float, root.get("viewBox").split())
    texts = [(float(t.get("x")), float(t.get("y")), t) for t in root.iter(f"{SVG}text")]
    bars = [r for r in root.iter(f"{SVG}rect") if r.get("class") != "paper"]
    assert len(bars) == 2 * len(SOME) * 3
    assert all(len(words) * 9 <= width for words in WORDS.values())
    for x, y, text in texts:
        long = len(text.text) * 9  # a wide letter at this size
        left = {"start": x, "end": x - long}[text.get("text-anchor")]
        assert 0 <= left and left + long <= width and y <= height, text.text
    lines = sorted({y for _, y, _ in texts})
    assert all(b - a >= BAR for a, b in zip(lines, lines[1:]))


def test_stages_that_take_the_same_are_one_bar_in_the_picture():
    same = [
        Row("exit-user", stage, "TSC ticks", "off", Ticks(ticks, 1, 1), Ticks(2000, 1, 1))
        for stage, ticks in (("06", 1000), ("07", 1003), ("08", 1000), ("09", 1100))
    ]
    labels = [text.text for text in xml.fromstring(draw(same, WORDS)).iter(f"{SVG}text")]
    assert labels[2:8] == ["KVM", "2000", "stage 06-08", "1000", "stage 09", "1100"]
