# SPDX-License-Identifier: GPL-2.0-only
"""Our device models answer as QEMU's do, but where differences.md says otherwise."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest

from harness.effort import FULL
from tests.oracle.oracle import CHIPS, QEMU, Oracle, explained, listed, quiet, show

SCRIPTS = 3000 if FULL else 300
SEED = 1

pytestmark = pytest.mark.skipif(
    not shutil.which(QEMU) or not shutil.which("nasm"), reason=f"needs {QEMU} and nasm"
)


@pytest.fixture(scope="module")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Oracle:
    folder: Path = tmp_path_factory.mktemp("oracle")
    return Oracle(folder)


def test_the_models_answer_as_qemu(oracle: Oracle) -> None:
    used: Counter[str] = Counter()
    for chip in CHIPS:
        used += compare(oracle, chip)
    # With so many scripts each rule must have been of use.
    if FULL:
        assert [rule for rule in listed() if not used[rule]] == []


def compare(oracle: Oracle, chip: str) -> Counter[str]:
    """Run the scripts of one chip. Returns how often each rule explained a difference."""
    used: Counter[str] = Counter()
    compared, excused = 0, 0
    for shift, scripts, result in oracle.run(chip, SCRIPTS, SEED):
        for difference in result.differences:
            short = oracle.minimise(shift, scripts[difference.script])
            steps = "\n".join(show(step) for step in short[len(quiet()) :])
            pytest.fail(f"{chip}, shift {shift}, {difference}:\n{steps or 'not when alone'}")
        used += result.rules
        compared += result.compared
        excused += result.excused
    # Most answers were compared for good.
    assert compared > 10 * SCRIPTS, chip
    assert excused < compared / 3, chip
    return used


def test_every_rule_is_explained() -> None:
    assert sorted(listed()) == sorted(explained())
