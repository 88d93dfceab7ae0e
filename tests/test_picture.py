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


def line(gsi: int, level: int, **more: float) -> dict:
    return {"ioctl": "VTX_IRQ_LINE", "gsi": gsi, "level": level, "error": "", **more}


def tick() -> list[dict]:
    return [line(0, 0), line(0, 1)]


def polled(text: str) -> list[dict]:
    """Each letter is two exits: may I, and the letter."""
    inp = {**out(0x3FD, 0x60), "out": 0}
    return [note for letter in text for note in (inp, out(0x3F8, ord(letter)))]


def told(*some: dict) -> str:
    return " ".join(" ".join(tell.tell(notes(*some))).split())


def test_a_wire_that_is_let_go_and_pulled_is_one_thing() -> None:
    assert "VTX_IRQ_LINE, the timer's wire: let go, pulled (×30)" in told(*tick() * 30)
    # Another thread's exit may stand between the halves.
    torn = notes(line(0, 0), out(0x80, 1), line(0, 1))
    assert [one.what.rpartition(": ")[2] for one in torn][0] == "let go, pulled" and len(torn) == 2
    apart = told(line(4, 1), *polled("abc"), line(4, 0))
    assert "the serial port's wire: pulled" in apart and "wire: let go" in apart
    assert "let go, pulled" not in apart


def test_a_clock_that_ticks_in_between_tears_no_sentence_apart() -> None:
    letters = polled("How fast are you?")
    torn = [*letters[:7], *tick(), *letters[7:20], *tick(), *tick(), *letters[20:]]
    said = told(*torn)
    assert 'the serial port: "How fast are you?" (×17) ... these 2 take turns, and in' in said
    assert said.count("the timer's wire: let go, pulled (×3)") == 1


def test_a_clock_that_ticks_while_nothing_else_happens_is_told_where_it_does() -> None:
    said = told(*polled("Wait... "), *tick() * 200, *polled("NOW! "))
    at = [said.index(part) for part in ('"Wait... "', "pulled (×200)", '"NOW! "')]
    assert at == sorted(at)


def test_how_often_the_guest_waited_is_counted() -> None:
    some = notes(asked("VTX_MAP_MEMORY"), *tick() * 5, *polled("abc"))
    assert tell.waited(some) == "NanoX's CPU waited for VTXCTL 6 times (VTX_RUN came back)."
    lost = [*some, event("more", story.LOST["label"])]
    assert "more than 6 times" in tell.waited(lost)


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


POINTS = """
  vtxctl-112     [000] d..1.     0.000500: vtx_exit: reason HLT qualification 0x0 rip 0x7c95
  vtxctl-112     [000] d..1.     0.000530: vtx_inject: vector 0x20
  vtxctl-112     [000] d..1.     0.000540: vtx_inject: vector 0x24
  vtxctl-112     [000] d..1.     0.000995: vtx_exit: reason HLT qualification 0x0 rip 0x7c95
"""


def seen(*some: dict) -> list[Event]:
    return story.Tracepoints(POINTS).among(notes(*some))


def test_vtxdrv_tells_of_sleeps_and_interrupts() -> None:
    off = {"exit": NUMBERS["VTX_EXIT_HLT"], "reason": 12, "rip": 0, "if": 0}
    events = seen({**off, "begin": 600, "end": 1000})
    # The last HLT is the one that VTXCTL heard of.
    assert [(one.source, one.target, one.label) for one in events] == [
        (NANOX, VTXDRV, "HLT: it sleeps"),
        (VTXDRV, NANOX, "interrupt 0x20"),
        (VTXDRV, NANOX, "interrupt 0x24"),
        (NANOX, VTXCTL, "HLT"),
    ]


def test_one_tick_is_drawn_and_the_others_are_counted() -> None:
    sleep = event("HLT: it sleeps until an interrupt comes", "HLT: it sleeps", target=VTXDRV)
    rings = event("an interrupt, vector 0x20", "interrupt 0x20", VTXDRV, NANOX)
    rings.tick = True
    wire = notes(*tick())
    before = [event(f"OUT of 1 byte to port {n:#x}", f"OUT {n:#x}") for n in range(30)]
    key = event("an interrupt, vector 0x24", "interrupt 0x24", VTXDRV, NANOX)
    end = event("HLT with interrupts off", "HLT")
    run = [*before, *[sleep, *wire, rings] * 300, key, *[sleep, *wire, rings] * 70, end]
    chart = picture.chart(run)
    box = next(item for item in chart.rounds if item.how)
    assert box.how == "a tick (×370)"
    assert [(one.source, one.target, one.over) for one in box.arrows] == [
        (0, 1, "HLT: it sleeps"),
        (2, 1, "VTX_IRQ_LINE: timer"),
        (1, 0, "interrupt 0x20"),
    ]
    assert words(run) == ["30 before that"]
    assert labels(run)[3:] == ["interrupt 0x24", "VM exit: HLT", "VTX_RUN returns"]


def test_text_that_is_carried_both_ways_does_not_hide_the_end() -> None:
    def carried(way: str, text: bytes) -> dict:
        return {"serial": way, "port": 0x3F8, "data": text.hex()}

    typed = b"mem\rcalc 2 + 3\ruptime\rhalt\r"
    keys = [
        note
        for number, key in enumerate(typed)
        for note in [carried("in", bytes([key]))] + [carried("out", b"..")] * (1 + number % 3 % 2)
    ]
    off = {"exit": NUMBERS["VTX_EXIT_HLT"], "reason": 12, "rip": 0, "if": 0}
    run = notes(asked("VTX_CREATE_IRQCHIP"), *keys, off, carried("out", b"Good night."))
    assert labels(run)[1:] == ['write: "mem\\rcalc 2…', 'read: "............…'] + [
        *("VM exit: HLT", "VTX_RUN returns")
    ]
    assert words(run) == []


def test_one_place_has_three_addresses() -> None:
    places = {"in this program": "0x7f00", "in the guest": "0x7c04", "in the machine": "0x9c04"}
    asks = event("VTX_TRANSLATE: where?", "VTX_TRANSLATE", VTXCTL, VTXDRV)
    told = story.with_places(asks, places)
    assert words([told]) == ["machine 0x9c04 guest 0x7c04 0x7f00"]
    assert all(f"{place} {address}" in told.line for place, address in places.items())


def test_no_line_is_wider_than_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    long = event("a sentence of many words " * 8)
    long.line = "boot.asm:1: mov eax, " + "one_of_many_names + " * 8
    for columns in (80, 60):
        monkeypatch.setenv("COLUMNS", str(columns))
        assert max(map(len, tell.tell([long]))) <= columns
        assert sum("one_of_many_names +" in line for line in tell.tell([long])) >= 2
