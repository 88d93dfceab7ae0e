# SPDX-License-Identifier: GPL-2.0-only
"""`make stage-05 explain`: a run told in sentences, and as a file for Perfetto."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator

from tools.prose import many, width
from tools.story import LOST, NANOX, VTXCTL, VTXDRV, Event, fold_beside, quoted

NAMES_MOST = 4


def tell(events: list[Event]) -> Iterator[str]:
    """One sentence for each thing that happened, what repeats once; as wide as the terminal."""
    number = 1
    for group, ticks in fold_beside(events):
        for event in group:
            yield from sentence(number, event)
            number += event.times
        repeats = group[0].times > 1
        turns = f"these {len(group)} take turns" if len(group) > 1 and repeats else ""
        between = "in between:" if ticks and repeats else ""
        if words := ", and ".join(filter(None, (turns, between))):
            yield f"        ... {words}"
        for tick in ticks:
            yield from sentence(number, tick)
            number += tick.times


def waited(events: list[Event]) -> str:
    """How often the guest's CPU stood still until VTXCTL had done something for it."""
    lost = any(event.label == LOST["label"] for event in events)
    times = sum(
        event.times
        for event in events
        if (event.source, event.target) == (NANOX, VTXCTL) and event.label != LOST["label"]
    )
    often = f"{'more than ' * lost}{many(times, 'time')}"
    return f"NanoX's CPU waited for VTXCTL {often} (VTX_RUN came back)."


def sentence(number: int, event: Event) -> Iterator[str]:
    text = event.what
    if event.text:
        text += f": {quoted(event.text)}"
    if event.names:
        text += f": {names(event)}"
    if event.times > 1:
        text += f" (×{event.times})"
    head = f"{number:6}  {event.source:7} "
    yield from textwrap.wrap(
        text, width(), initial_indent=head, subsequent_indent=" " * len(head) + "  "
    )
    if event.line:
        indent = " " * (len(head) + 2)
        yield from textwrap.wrap(
            event.line, width(), initial_indent=indent, subsequent_indent=f"{indent}  "
        )


def names(event: Event) -> str:
    """Some of the fields that were written, each once."""
    different = list(dict.fromkeys(event.names))
    more = len(different) - NAMES_MOST
    return ", ".join(different[:NAMES_MOST]) + (f" and {more} more" if more > 0 else "")


# --- Perfetto ---

LANES = (NANOX, VTXDRV, VTXCTL)


def perfetto(events: list[Event]) -> str:
    """The run for ui.perfetto.dev ("Trace Event Format": X is a span, in microseconds).

    The guest's turn is a span in its lane, and what VTXCTL does until the next turn one in its
    own. VTXCTL's notes have told already what repeats; such a span has a count in its name.
    """
    spans: list[dict[str, object]] = [
        {"name": "thread_name", "ph": "M", "pid": 1, "tid": tid, "args": {"name": name}}
        for tid, name in enumerate(LANES, 1)
    ]
    for index, event in enumerate(events):
        lane = VTXDRV if event.target == VTXDRV else event.source
        spans.append(span(lane, event, event.begin, event.end))
        if event.source == NANOX and event.times == 1:
            later = events[index + 1].begin if index + 1 < len(events) else event.end
            # In a fold the next event may have begun before this one: then there is no gap.
            if later > event.end:
                spans.append(span(VTXCTL, event, event.end, later))
    return "[\n" + ",\n".join(json.dumps(item, ensure_ascii=False) for item in spans) + "\n]\n"


def span(lane: str, event: Event, begin: float, end: float) -> dict[str, object]:
    name = event.label + (f" ×{event.times}" if event.times > 1 else "")
    return {
        **{"name": name, "ph": "X", "pid": 1, "tid": LANES.index(lane) + 1},
        **{"ts": round(begin, 3), "dur": round(end - begin, 3)},
        "args": {"what": event.what, "line": event.line},
    }
