# SPDX-License-Identifier: GPL-2.0-only
"""Sentences in lines of a terminal's width."""

from __future__ import annotations

import re
import shutil
import textwrap
from collections.abc import Iterator

WIDTH = 80  # where there is no terminal, and in a wider one
WIDTH_LEAST = 40
FENCE = re.compile(r"^```\w*\n(.*?)^```$\n?", re.M | re.S)
CODE = re.compile(r"`[^`]+`")
BLANK = "\ue000"  # stands for a blank that is part of what one types; in no text of ours


def width() -> int:
    """In how many columns our sentences go."""
    return max(min(shutil.get_terminal_size((WIDTH, 24)).columns, WIDTH), WIDTH_LEAST)


def flow(text: str, columns: int) -> list[str]:
    """One paragraph in lines. Several blanks within backquotes are meant, and stay."""
    kept = CODE.sub(
        lambda code: re.sub(" {2,}", lambda blanks: BLANK * len(blanks[0]), code[0]), text
    )
    lines = textwrap.wrap(" ".join(kept.split()), columns, break_on_hyphens=False)
    return [line.replace(BLANK, " ") for line in lines]


def paragraphs(text: str, columns: int) -> Iterator[str]:
    """A text with an empty line between its paragraphs; what is in a fence stays as it is."""
    first = True
    # Of a split the odd parts are what the pattern has caught.
    for at, part in enumerate(FENCE.split(text)):
        if at % 2:
            blocks = [part.splitlines()]
        else:
            blocks = [flow(block, columns) for block in re.split(r"\n\s*\n", part)]
        for block in filter(None, blocks):
            if not first:
                yield ""
            first = False
            yield from block


def many(number: int, what: str) -> str:
    """ "1 line", "2 lines"."""
    return f"{number} {what}{'s' * (number != 1)}"
