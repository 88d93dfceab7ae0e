# SPDX-License-Identifier: GPL-2.0-only
"""`make sign-off`: ten things that each says to the other in own words, kept as a page to print."""

from __future__ import annotations

import dataclasses
import datetime
import html
import json
import re
import sys
from pathlib import Path

from door.base import Status, Stop, say
from harness.paths import ROOT

WORK = ROOT / "work"
CURRICULUM = ROOT / "CURRICULUM.md"
PEOPLE = ("younger", "older")
LONGEST = 2000  # characters of an answer

PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>VirtX: what we understood</title>
<meta name="viewport" content="width=device-width">
<style>
:root {{ color-scheme: light dark }}
body {{ font: 16px/1.5 Georgia, serif; max-width: 44em; margin: 2em auto; padding: 0 1em }}
h1 {{ font-size: 1.6em }} h2 {{ font-size: 1.05em; margin: 1.4em 0 .3em; break-after: avoid }}
dl {{ margin: 0 }} dt {{ font-size: .85em; opacity: .75 }} dd {{ margin: 0 0 .5em 0 }}
dd:empty::before {{ content: "(not yet)"; opacity: .6 }}
.names {{ display: flex; flex-wrap: wrap; gap: 3em; margin-top: 3em; break-inside: avoid }}
.names div {{ border-top: 1px solid; min-width: 14em; padding-top: .3em }}
dd, .names div {{ overflow-wrap: anywhere }}
@media print {{ body {{ font-size: 12pt; margin: 0; max-width: none }} }}
</style>
<h1>What we understood of virtual machines</h1>
<p>VirtX, {date}. {state}</p>
{answers}
<div class="names">{names}</div>
"""


@dataclasses.dataclass
class Signed:
    """What was said so far; `answers` by number of the sentence, then by who said it."""

    names: dict[str, str] = dataclasses.field(default_factory=dict)
    date: str = ""
    answers: dict[str, dict[str, str]] = dataclasses.field(default_factory=dict)

    @staticmethod
    def read(path: Path) -> Signed:
        try:
            return Signed(**json.loads(path.read_text()))
        except FileNotFoundError:
            return Signed()
        except (ValueError, TypeError):
            raise Stop(
                f"{path.relative_to(ROOT)} cannot be read: mend it or move it away"
            ) from None

    def write(self, path: Path) -> None:
        new = path.with_suffix(".new")
        new.write_text(json.dumps(dataclasses.asdict(self), indent=1, ensure_ascii=False) + "\n")
        new.replace(path)

    def count(self, number: int) -> int:
        return len(self.answers.get(str(number), {}))


def statements() -> list[str]:
    """The ten sentences of CURRICULUM.md."""
    found = re.search(
        r"^## Ten things to say\n(.*?)(?=^## |\Z)", CURRICULUM.read_text(), re.M | re.S
    )
    lines = re.findall(r"^\d+\. (.+(?:\n   .+)*)", found[1] if found else "", re.M)
    return [" ".join(line.split()) for line in lines]


def ask(question: str) -> str | None:
    """One line; None when there is no more."""
    print(question, flush=True)
    line = sys.stdin.readline()
    return line.strip()[:LONGEST] if line else None


def sign_off() -> int:
    """Ask what was not answered yet. Whatever is typed is kept at once."""
    WORK.mkdir(exist_ok=True)
    path = WORK / "sign-off.json"
    signed = Signed.read(path)
    told = statements()
    say("Say each sentence to the other in your own words, then type it in one line.")
    say("An empty line means: later. Ctrl-D ends; nothing is lost.")
    for who in PEOPLE:
        if not signed.names.get(who):
            name = ask(f"\nThe {who} one's name?")
            if name is None:
                break
            signed.names[who] = name or f"the {who} one"
            signed.write(path)
    going = len(signed.names) == len(PEOPLE)
    for number, text in enumerate(told, 1):
        if not going:
            break
        answers = signed.answers.setdefault(str(number), {})
        for who in PEOPLE:
            if going and not answers.get(who):
                answer = ask(f"\n{number} of {len(told)}: {text}\n{signed.names[who]}:")
                going = answer is not None
                if answer:
                    answers[who] = answer
                    signed.date = datetime.date.today().isoformat()
                    signed.write(path)
    page = WORK / "sign-off.html"
    page.write_text(as_page(signed, told))
    done = sum(signed.count(number) == len(PEOPLE) for number in range(1, len(told) + 1))
    say(f"\n{done} of {len(told)} said by both. To print: {page.relative_to(ROOT)}")
    return Status.OK


def as_page(signed: Signed, told: list[str]) -> str:
    """The page to print. What was typed stays text, whatever stands in it."""
    done = sum(signed.count(number) == len(PEOPLE) for number in range(1, len(told) + 1))
    state = "Said by both." if done == len(told) else f"{done} of {len(told)} said by both so far."
    answers = []
    names = {who: html.escape(signed.names.get(who, f"the {who} one")) for who in PEOPLE}
    for number, text in enumerate(told, 1):
        said = signed.answers.get(str(number), {})
        pairs = "".join(
            f"<dt>{names[who]}</dt><dd>{html.escape(said.get(who, ''))}</dd>" for who in PEOPLE
        )
        answers.append(f"<h2>{number}. {html.escape(text)}</h2><dl>{pairs}</dl>")
    return PAGE.format(
        date=html.escape(signed.date or "not dated"),
        state=state,
        answers="\n".join(answers),
        names="".join(f"<div>{names[who]}</div>" for who in PEOPLE),
    )
