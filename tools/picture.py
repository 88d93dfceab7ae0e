# SPDX-License-Identifier: GPL-2.0-only
"""`make stage-05 picture`: a run as a picture, who said what to whom. SVG, and text.

A long run has more than there is room for. How it begins and how it ends is drawn always; of a
guest that sleeps, from its first sleep on, since only then something comes from outside. A clock
that VTXDRV tells of ticks among all else: one tick is drawn, and how many there are is said.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable
from xml.etree import ElementTree as xml

from tools.story import (
    CPU,
    NANOX,
    VTXCTL,
    VTXDRV,
    Event,
    asleep,
    by_key,
    fold,
    is_sleep,
    longest_repeat,
    quoted,
    together,
)

ARROWS_MOST = 15
ALL_MOST = 17  # where that is all of it
ROUND_MOST = 12
LAST = 4  # arrows that are kept for the end
TICKS_LEAST = 10
TIMER = "OUT 0x43"  # it sets one
READ = "read"
COPIED = (READ, "write")  # the serial port's text, by a descriptor
# Labels of events after which the guest does not go on.
ENDS = ("HLT", "triple fault", "exception", "ended", "entry refused")

# In units of the picture. It is as wide as a telephone, and larger on a page.
WIDTH = 390
LANES_X = (48, 195, 342)
HEAD = 34
ROW = 36
TEXT = 13
LETTERS = 20  # so many fit between two lanes
PAGE_MOST = 640

STYLE = (
    """
text { font: %dpx sans-serif; fill: #24292f; }
.paper { fill: #ffffff; }
.name { font-weight: bold; fill: #0b57a4; }
.lane { stroke: #b6bec8; stroke-width: 1.5; }
.arrow { stroke: #0b57a4; stroke-width: 1.8; }
.head { fill: #0b57a4; }
.round { fill: none; stroke: #8c959f; stroke-dasharray: 5 4; }
.quiet { fill: #57606a; font-style: italic; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .paper { fill: #0d1117; }
  .name, .head { fill: #79c0ff; }
  .arrow { stroke: #79c0ff; }
  .lane { stroke: #484f58; }
  .round { stroke: #8b949e; }
  .quiet { fill: #9da7b1; }
}
"""
    % TEXT
)


@dataclasses.dataclass(frozen=True)
class Arrow:
    """From one lane to another. `over` stands on its first half, `behind` on the second."""

    source: int
    target: int
    over: str
    behind: str = ""


@dataclasses.dataclass(frozen=True)
class Round:
    """Arrows that belong together. `how` says how they come again, empty: they do not.

    Without arrows it is a row of words: one for all lanes, or one for each.
    """

    arrows: tuple[Arrow, ...] = ()
    how: str = ""
    words: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Chart:
    lanes: tuple[str, str, str]
    rounds: tuple[Round, ...]
    left_out: int = 0  # events that had no room

    @property
    def arrows(self) -> int:
        return sum(len(item.arrows) for item in self.rounds)


# --- From events to arrows ---


@dataclasses.dataclass(frozen=True)
class Drawing:
    """In how many words."""

    lanes: tuple[str, str, str]
    begin_at_length: bool = True
    end_at_length: bool = True
    exits_at_length: bool = True  # the first one
    rounds: bool = True  # draw several groups that come again as one piece


@dataclasses.dataclass(frozen=True)
class Piece:
    """What is drawn together or not at all, and how many events that is."""

    rounds: tuple[Round, ...]
    events: int

    @property
    def arrows(self) -> int:
        return sum(len(item.arrows) for item in self.rounds)


def chart(events: list[Event]) -> Chart:
    """At most 15 arrows, or 17 where nothing is left out: what repeats is one, and what has
    no room is counted.

    If there is room, the first exit and one that ends the guest are drawn with both their halves.
    """
    lanes = (NANOX if any(event.source == NANOX for event in events) else CPU, VTXDRV, VTXCTL)
    if any(is_clock(event) or event.label == "VTX_CREATE_IRQCHIP" for event in events):
        return with_clock(events, lanes)
    groups = fold(events)
    for begin, end in ((True, True), (False, True), (False, False)):
        whole = pieces(groups, Drawing(lanes, begin, end))
        if room_for(whole) <= ALL_MOST:
            return Chart(lanes, tuple(item for piece in whole for item in piece.rounds))
    return better(*(some_of(groups, Drawing(lanes, rounds=it)) for it in (True, False)))


def better(with_rounds: Chart, single: Chart) -> Chart:
    """A round tells more than its arrows one by one; but it may be too large to be drawn at all."""
    repeats = any("rounds" in item.how for item in with_rounds.rounds)
    return with_rounds if repeats or with_rounds.left_out <= single.left_out else single


def with_clock(events: list[Event], lanes: tuple[str, str, str]) -> Chart:
    """One tick, where the guest first sleeps; and all that is neither tick nor sleep."""
    sleep = next((at for at, event in enumerate(events) if asleep(event)), None)
    ticks = [at for at, event in enumerate(events) if event.tick]
    # Of one that never sleeps a few ticks say nothing.
    at = sleep if sleep is not None else ticks[0] if len(ticks) >= TICKS_LEAST else len(events)
    box = [Piece((a_tick(events, at, lanes),), 0)] if at < len(events) else []
    before, after = (
        [event for event in part if not is_clock(event)] for part in (events[:at], events[at:])
    )
    if box:
        after = sent_before_the_end(after)
    else:
        before = sent_before_the_end(before)

    def drawing(skipped: int, begin: int, rounds: bool) -> Chart:
        how = Drawing(lanes, begin_at_length=False, exits_at_length=False, rounds=rounds)
        middle = [*pieces(grouped(before[begin:]), how), *box, *pieces(grouped(after), how)]
        return drawn(skipped, middle, lanes)

    # What VTXCTL asks for before there is a guest that runs is left out first.
    asked = sum(1 for _ in itertools.takewhile(is_request, before))
    for begin in (0, asked, len(before)) if box else (0, asked):
        skipped = sum(event.times for event in before[:begin])
        found = better(*(drawing(skipped, begin, rounds) for rounds in (True, False)))
        if found.left_out == skipped:
            break
    return found


def a_tick(events: list[Event], at: int, lanes: tuple[str, str, str]) -> Round:
    """What belongs to a tick. The guest sleeps, its timer calls, it is woken."""
    order = {NANOX: 0, VTXCTL: 1, VTXDRV: 2}
    first = {event.source: event for event in reversed(events[at:]) if is_clock(event)}
    arrows = [
        arrow(dataclasses.replace(first[source], times=1), lanes)
        for source in sorted(first, key=lambda source: order[source])
    ]
    # A wire may be pulled again for one and the same tick: what arrives is what counts.
    pulled, arrived = (
        sum(event.times for event in events if event.tick and event.source == source)
        for source in (VTXCTL, VTXDRV)
    )
    many = arrived or pulled
    return Round(tuple(arrows), f"a tick (×{many})")


def sent_before_the_end(events: list[Event]) -> list[Event]:
    """What VTXCTL reads when the guest has ended was sent before, and goes with what it read then."""
    late = list(itertools.takewhile(lambda event: event.label == READ, reversed(events)))
    rest = events[: len(events) - len(late)]
    at = next((at for at in reversed(range(len(rest))) if rest[at].label == READ), None)
    if at is None:
        return events
    return [*rest[:at], together([rest[at], *reversed(late)]), *rest[at + 1 :]]


def is_clock(event: Event) -> bool:
    return event.tick or asleep(event)


def is_request(event: Event) -> bool:
    return event.what.startswith("VTX_")


def grouped(events: list[Event]) -> list[list[Event]]:
    """Folded. Bytes that VTXCTL carries both ways come in no strict order: they are one group."""
    if not any(event.label in COPIED for event in events):
        return fold(events)
    groups: list[list[Event]] = []
    for carried, some in itertools.groupby(events, key=is_carried):
        row = list(some)
        kinds = by_key(row)
        if carried and sum(len(kind) > 1 for kind in kinds) > 1:
            groups.append([together(kind) for kind in kinds])
        else:
            groups += fold(row)
    return groups


def is_carried(event: Event) -> bool:
    """A piece of text on its way, or the interrupt that tells the guest of it."""
    return event.label in COPIED or (event.source, event.target) == (VTXDRV, NANOX)


def some_of(groups: list[list[Event]], drawing: Drawing) -> Chart:
    """How it begins, and how it ends. Of what comes from outside the first is in it."""
    at = first_from_outside(groups)
    before = sum(event.times for group in groups[:at] for event in group)
    # A timer ticks where it likes, in each run elsewhere: then only the very end is the same.
    most = 1 if any(event.label == TIMER for group in groups for event in group) else LAST
    return drawn(before, pieces(groups[at:], drawing), drawing.lanes, most)


def drawn(before: int, middle: list[Piece], lanes: tuple[str, str, str], most: int = LAST) -> Chart:
    """What was before is counted; then what there is room for, and the end."""
    head: list[Piece] = []
    tail: list[Piece] = []
    while middle and len(tail) < most and room_for([middle[-1], *tail]) <= LAST:
        tail.insert(0, middle.pop())
    while middle and room_for([*head, middle[0], *tail]) <= ARROWS_MOST:
        head.append(middle.pop(0))
    left = sum(piece.events for piece in middle)
    rounds = [Round(words=(f"{before} before that",))] if before else []
    rounds += [item for piece in head for item in piece.rounds]
    if left:
        rounds.append(Round(words=(f"and {left} more" + (", then" if tail else ""),)))
    rounds += [item for piece in tail for item in piece.rounds]
    return Chart(lanes, tuple(rounds), before + left)


def first_from_outside(groups: list[list[Event]]) -> int:
    """Where the guest goes to sleep, or just before its first interrupt; or else the beginning."""
    for at, group in enumerate(groups):
        if any(map(is_sleep, group)):
            return at
        if any(event.label == "VTX_INTERRUPT" for event in group):
            return max(at - 2, 0)
    return 0


def room_for(some: list[Piece]) -> int:
    return sum(piece.arrows for piece in some)


def pieces(groups: list[list[Event]], drawing: Drawing) -> list[Piece]:
    """All of it, in pieces."""
    found: list[Piece] = []
    at = 0
    first_exit = drawing.exits_at_length
    while at < len(groups):
        period, times = longest_round(groups, at) if drawing.rounds else (1, 1)
        begun: list[Round] = []
        parts: list[Round] = []
        for group in groups[at : at + period]:
            shown: list[Arrow] = []
            words: tuple[str, ...] = ()
            for event in group:
                if event.source == NANOX and first_exit:
                    if drawing.begin_at_length:
                        begun.append(Round((Arrow(2, 1, "VTX_RUN"), Arrow(1, 0, "VM entry"))))
                    shown += way_out(event)
                    shown += [] if event.label in ENDS and not is_sleep(event) else way_back(event)
                    first_exit = False
                elif event.label in ENDS and not is_sleep(event) and drawing.end_at_length:
                    shown += way_out(event)
                else:
                    shown.append(arrow(event, drawing.lanes))
                words = event.places or words
                if event.label in ENDS and event.label != "HLT":
                    words = (event.what,)
            parts.append(Round(tuple(shown), "taking turns" if len(group) > 1 else ""))
            parts += [Round(words=words)] if words else []
        if times > 1:
            flat = tuple(item for part in parts for item in part.arrows)
            parts = [Round(flat, f"{times} rounds like this")]
        many = sum(event.times for group in groups[at : at + period * times] for event in group)
        found.append(Piece((*begun, *parts), many))
        at += period * times
    return found


def longest_round(groups: list[list[Event]], at: int) -> tuple[int, int]:
    """Groups that come again in the same order, as lines that are read and printed do."""
    heads = [
        dataclasses.replace(group[0], what="\n".join(str(event.key) for event in group))
        for group in groups
    ]
    return longest_repeat(heads, at, ROUND_MOST)


def arrow(event: Event, lanes: tuple[str, str, str]) -> Arrow:
    target = lanes.index(event.target)
    source = lanes.index(event.source)
    over = event.label + (f" ×{event.times}" if event.times > 1 else "")
    if len(over) > LETTERS:
        over = over.removeprefix("VTX_")
    behind = quoted(event.text) if event.text else ""
    if behind and abs(source - target) == 1:  # there is no second half
        over, behind = f"{event.label}: {behind}", ""
    return Arrow(source, target, shorten(over), shorten(behind))


def way_out(event: Event) -> list[Arrow]:
    """An exit with both its halves, as the first and the last one are drawn."""
    said = f": {quoted(event.text)}" if len(event.text) == 1 else ""
    return [
        Arrow(0, 1, shorten(f"VM exit: {event.label}")),
        Arrow(1, 2, shorten(f"VTX_RUN returns{said}")),
    ]


def way_back(event: Event) -> list[Arrow]:
    times = f" ×{event.times}" if event.times > 1 else ""
    return [Arrow(2, 1, "VTX_RUN again"), Arrow(1, 0, f"VM entry{times}")]


def shorten(text: str) -> str:
    return text if len(text) <= LETTERS else text[: LETTERS - 1].rstrip() + "…"


# --- As SVG ---


def svg(picture: Chart, title: str) -> str:
    """A picture that follows the reader's choice of light or dark."""
    rows = picture.arrows + sum(1 for item in picture.rounds if item.how or item.words)
    height = HEAD + ROW * (rows + 1)
    root = xml.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {WIDTH} {height}",
            "style": f"width: 100%; max-width: {PAGE_MOST}px",
            "role": "img",
        },
    )
    xml.SubElement(root, "title").text = title
    xml.SubElement(root, "style").text = STYLE
    xml.SubElement(root, "rect", {"class": "paper", "width": str(WIDTH), "height": str(height)})
    for name, x in zip(picture.lanes, LANES_X):
        place = {"x1": str(x), "x2": str(x), "y1": str(HEAD - 6), "y2": str(height - 8)}
        xml.SubElement(root, "line", {"class": "lane", **place})
        write(root, x, HEAD - 14, name, "name")
    y = HEAD + ROW // 2
    for item in picture.rounds:
        if item.words:
            write_words(root, y + 2, item.words)
            y += ROW
        if item.how:
            begin = y - 14
            write(root, LANES_X[0] - 40, y + 2, f"{item.how}:", "quiet", "start", paper=True)
            y += ROW - 12
        for one in item.arrows:
            draw_arrow(root, one, y)
            y += ROW
        if item.how:
            box = {"x": "4", "y": str(begin - 2), "rx": "6"}
            size = {"width": str(WIDTH - 8), "height": str(y - begin - 20)}
            xml.SubElement(root, "rect", {"class": "round", **box, **size})
            y += 12
    xml.indent(root)
    return xml.tostring(root, encoding="unicode") + "\n"


def write_words(root: xml.Element, y: float, words: tuple[str, ...]) -> None:
    """In the middle what is for all; of three each at its lane, as far as the paper goes."""
    if len(words) == 1:
        write(root, LANES_X[1], y, words[0], "quiet", paper=True)
        return
    for text_, x, anchor in zip(words, (8, LANES_X[1], WIDTH - 8), ("start", "middle", "end")):
        write(root, x, y, text_, "", anchor, paper=True)


def write(
    root: xml.Element,
    x: float,
    y: float,
    text: str,
    style: str = "",
    anchor: str = "middle",
    paper: bool = False,
) -> None:
    if paper:
        wide = len(text) * TEXT * 0.56
        left = x - wide * {"start": 0, "middle": 0.5, "end": 1}[anchor]
        place = {"x": f"{left:.0f}", "y": f"{y - TEXT + 1:.0f}", "height": str(TEXT + 4)}
        xml.SubElement(root, "rect", {"class": "paper", "width": f"{wide:.0f}", **place})
    attributes = {"x": f"{x:.0f}", "y": f"{y:.0f}", "text-anchor": anchor}
    if style:
        attributes["class"] = style
    xml.SubElement(root, "text", attributes).text = text


def draw_arrow(root: xml.Element, one: Arrow, y: float) -> None:
    begin, end = LANES_X[one.source], LANES_X[one.target]
    way = 1 if end > begin else -1
    line = {"x1": str(begin), "x2": str(end - 8 * way), "y1": f"{y:.0f}", "y2": f"{y:.0f}"}
    xml.SubElement(root, "line", {"class": "arrow", **line})
    point = f"{end - 1.5 * way},{y} {end - 10 * way},{y - 5} {end - 10 * way},{y + 5}"
    xml.SubElement(root, "polygon", {"class": "head", "points": point})
    middle = LANES_X[(one.source + one.target) // 2] if abs(one.source - one.target) > 1 else None
    if middle is None:
        write(root, (begin + end) / 2, y - 6, one.over)
        return
    write(root, (begin + middle) / 2, y - 6, one.over)
    if one.behind:
        write(root, (middle + end) / 2, y - 6, one.behind)


# --- As text ---

TEXT_LANES = (3, 27, 51)
TEXT_WIDTH = 56


def text(picture: Chart) -> Iterable[str]:
    """The same for a terminal, at most 80 columns wide."""
    row = [" "] * TEXT_WIDTH
    for name, x in zip(picture.lanes, TEXT_LANES):
        put(row, max(x - len(name) // 2, 0), name)
    yield "".join(row).rstrip()
    for item in picture.rounds:
        if item.words:
            yield words_row(item.words)
        for number, one in enumerate(item.arrows):
            mark = f"┐ {item.how}" if item.how and number == 0 else ""
            if item.how and number:
                mark = "┘" if number == len(item.arrows) - 1 else "│"
            yield from text_arrow(one, mark)


def words_row(words: tuple[str, ...]) -> str:
    if len(words) == 1:
        return f"{'':{TEXT_LANES[0]}}... {words[0]}"
    row = [" "] * TEXT_WIDTH
    for text_, x in zip(words, TEXT_LANES):
        put(row, min(max(x - len(text_) // 2, 0), TEXT_WIDTH - len(text_)), text_)
    return "".join(row).rstrip()


def lanes_row() -> list[str]:
    row = [" "] * TEXT_WIDTH
    for x in TEXT_LANES:
        row[x] = "│"
    return row


def text_arrow(one: Arrow, mark: str) -> Iterable[str]:
    """Two lines: what is said, and the arrow below it."""
    first = TEXT_LANES[min(one.source, one.target)]
    last = TEXT_LANES[max(one.source, one.target)]
    row = lanes_row()
    put(row, first + 3, one.over)
    if one.behind:
        put(row, TEXT_LANES[1] + 3, one.behind)
    yield "".join(row).rstrip()
    row = lanes_row()
    put(row, first + 1, "─" * (last - first - 1))
    if last - first > TEXT_LANES[1]:
        row[TEXT_LANES[1]] = "┼"
    to_right = one.target > one.source
    row[last - 1 if to_right else first + 1] = ">" if to_right else "<"
    yield ("".join(row) + f"  {mark}").rstrip()


def put(row: list[str], at: int, text_: str) -> None:
    row[at : at + len(text_)] = text_
