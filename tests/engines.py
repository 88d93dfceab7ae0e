# SPDX-License-Identifier: GPL-2.0-only
"""The list of differences between the engines, for the tests that look at them."""

from __future__ import annotations

import tomllib

from harness.paths import HARNESS


def differences() -> list[dict[str, str]]:
    with open(HARNESS / "engines.toml", "rb") as file:
        return tomllib.load(file)["line"]


def caps_lines(report: str) -> list[str]:
    """Of what `vtxctl --caps` prints, the lines that tell something."""
    return [line for line in report.splitlines() if line.strip()]
