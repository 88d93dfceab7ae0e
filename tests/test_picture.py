# SPDX-License-Identifier: GPL-2.0-only
"""What is told of a run, and what of it is drawn, from notes that no machine had to make."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest

from harness.stage import Stage
from tools import picture, story, tell
from tools.story import NANOX, VTXCTL, VTXDRV, Event

STAGE = Stage.find("07")
EXITS = story.enum_values((STAGE.folder / "include/vtx.h").read_text(), "vtx_exit")
NUMBERS = {name: number for number, name in EXITS.items()}


def event(what: str, label: str = "", source: str = NANOX, target: str = VTXCTL) -> Event:
    return Event(0, 0, source, target, what, label or what)


def notes(*some: dict) -> list[Event]:
    """What is read from a file of VTXCTL's; the times are those of the list if not given."""
    lines = []
    for number, note in enumerate(some):
        times = {"begin": number * 10, "end": number * 10 + 1, "times": 1}
        lines.append(json.dumps({**times, **note}))
    return story.read_trace("\n".join(lines), STAGE)


def out(port: int, value: int) -> dict:
    return {
        **{
            "exit": NUMBERS["VTX_EXIT_IO"],
            "reason": 30,
            "qualification": 0,
            "rip": 0,
            "if": 0,
            "out": 1,
        },
        **{"port": port, "size": 1, "count": 1, "data": f"{value:02x}"},
    }


def asked(name: str, **more: float) -> dict:
    return {"ioctl": name, "number": 1, "error": "", **more}


def labels(events: Iterable[Event]) -> list[str]:
    chart = picture.chart(list(events))
    return [arrow.over for item in chart.rounds for arrow in item.arrows]


def words(events: Iterable[Event]) -> list[str]:
    return [" ".join(item.words) for item in picture.chart(list(events)).rounds if item.words]


# Told


@pytest.mark.parametrize(
    "ports, said",
    [
        ([(0x20, 0x11), (0x21, 0x20)], "the interrupt controller: ICW2, the first vector is 0x20"),
        ([(0x20, 0x11), (0x21, 0), (0x21, 4), (0x21, 1)], "ICW4, as in a PC"),
        ([(0x20, 0x12), (0x21, 0), (0x21, 0xFB)], "the interrupt controller's masks: 11111011"),
        ([(0xA0, 0x20)], "the second interrupt controller: EOI, I am done"),
        ([(0x20, 0x0B)], "the interrupt controller: who is being served?"),
        ([(0x3FB, 0x80), (0x3F8, 1)], "the serial port: its speed's divisor, the low byte"),
        ([(0x3FB, 0x80), (0x3FB, 3), (0x3F8, 0x41)], 'the serial port: "A"'),
    ],
)
def test_what_a_byte_means_to_a_chip(ports: list[tuple[int, int]], said: str) -> None:
    events = notes(*(out(port, value) for port, value in ports))
    assert said in " ".join(" ".join(tell.tell(events)).split())


def test_what_was_asked_because_of_an_exit_stands_behind_it() -> None:
    """VTXCTL notes an exit when all is done for it."""
    number = NUMBERS["VTX_EXIT_EXCEPTION"]
    fault = {"exit": number, "reason": 0, "qualification": 0, "rip": 0, "if": 0}
    events = notes(asked("VTX_GET_SREGS", begin=7, end=8), {**fault, "begin": 1, "end": 6})
    assert [one.label for one in events] == ["exception", "VTX_GET_SREGS"]


def test_of_memory_and_rom_each_is_told_what_it_is() -> None:
    first, second = notes(asked("VTX_MAP_MEMORY"), asked("VTX_MAP_MEMORY"))
    assert "the guest shall see this memory" in first.what
    assert "the ROM in which its CPU begins" in second.what


# Drawn


def test_how_a_long_run_ends_is_drawn() -> None:
    middle = [event(f"IN of 1 byte from port {n:#x}", f"IN {n:#x}") for n in range(40)]
    asks = event("VTX_GET_SREGS", source=VTXCTL, target=VTXDRV)
    run = [*middle, event("an exception, which ended it", "exception"), asks]
    assert labels(run)[-3:] == ["VM exit: exception", "VTX_RUN returns", "VTX_GET_SREGS"]
    left, ended = words(run)
    assert left.endswith("more, then") and ended == "an exception, which ended it"
    chart = picture.chart(run)
    assert chart.arrows <= picture.ARROWS_MOST
    text = "\n".join(picture.text(chart))
    drawing = picture.svg(chart, "a run")
    for one in (text, drawing):
        assert left in one and ended in one and "VTX_GET_SREGS" in one


def test_of_a_guest_that_sleeps_the_first_sleep_is_drawn() -> None:
    begins = [event(f"OUT of 1 byte to port {n:#x}", f"OUT {n:#x}") for n in range(30)]
    sleep = event("HLT with interrupts on", "HLT")
    ring = event("VTX_INTERRUPT", source=VTXCTL, target=VTXDRV)
    after = [event(f"IN of 1 byte from port {n:#x}", f"IN {n:#x}") for n in range(30)]
    run = [*begins, sleep, ring, *after, event("HLT with interrupts off", "HLT")]
    assert words(run)[0] == "30 before that"
    assert labels(run)[:7] == [
        *("VTX_RUN", "VM entry", "VM exit: HLT", "VTX_RUN returns"),
        *("VTX_RUN again", "VM entry", "VTX_INTERRUPT"),
    ]


def test_one_place_has_three_addresses() -> None:
    places = {"in this program": "0x7f00", "in the guest": "0x7c04", "in the machine": "0x9c04"}
    asks = event("VTX_TRANSLATE: where?", "VTX_TRANSLATE", VTXCTL, VTXDRV)
    told = story.with_places(asks, places)
    assert words([told]) == ["machine 0x9c04 guest 0x7c04 0x7f00"]
    assert all(f"{place} {address}" in told.line for place, address in places.items())


def test_no_line_is_wider_than_the_screen() -> None:
    long = event("a sentence of many words " * 8)
    long.line = "boot.asm:1: mov eax, " + "one_of_many_names + " * 8
    assert max(map(len, tell.tell([long]))) <= tell.WIDTH
    assert sum("one_of_many_names +" in line for line in tell.tell([long])) >= 2
