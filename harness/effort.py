# SPDX-License-Identifier: GPL-2.0-only
"""How much is tried. The more stages there are, the less can be tried on each of them.

    make test                   minutes
    make test-all               VIRTX_FULL=1: long forms, and of what is many one in three
    VIRTX_EVERY=1 make test-all all there is: hours
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")

EVERY = bool(os.environ.get("VIRTX_EVERY"))
FULL = EVERY or bool(os.environ.get("VIRTX_FULL"))
ONE_IN = 1 if EVERY else 3


def some(items: Sequence[Item]) -> list[Item]:
    """Of what takes a minute each: the last, and in `make test-all` one in three."""
    chosen = list(items[::-1][::ONE_IN])[::-1]
    return chosen if FULL else chosen[-1:]
