# SPDX-License-Identifier: GPL-2.0-only
"""Random calls and random guests: whatever comes, the host lives on.

That nothing complains in the kernel's log, that no VM and no pinned page is left, is
checked by the harness after each of these tests.
"""

from __future__ import annotations

import pytest

from harness.stage import Stage
from harness.vtx import Vtx


CALLS = 20_000
IMAGES = 500
TURNS = 30  # to the next exit, or for 200,000 instructions; some images never end


def seeds(long: bool) -> range:
    return range(1, 11 if long else 2)


@pytest.mark.promised(since="02")
def test_random_calls_get_documented_answers(vtx: Vtx, stage: Stage, long: bool) -> None:
    # With one CPU threads get in each other's way only where the kernel lets one take
    # the CPU from another, inside the driver too.
    preempt = "/sys/kernel/debug/sched/preempt"
    vtx.machine.run(f"echo full >{preempt}", check=True)
    for seed in seeds(long):
        check_answers(vtx.ask("fuzz_ioctl.c", str(seed), str(CALLS), timeout=240), stage)
    vtx.machine.run(f"echo voluntary >{preempt}", check=True)


def check_answers(answers: dict[str, str], stage: Stage) -> None:
    """Not all was refused at the door. The more kinds of call there are, the fewer of each."""
    counts = {name: tally(answer) for name, answer in answers.items()}
    assert counts["VTX_MAP_MEMORY"]["ok"] > 500
    assert counts["VTX_MAP_MEMORY"]["EEXIST"] > 50
    if stage.number >= "03":
        assert counts["VTX_CREATE_VCPU"]["ok"] > 300
        assert counts["VTX_PROBE_ENTRY"]["ok"] > 100
    if stage.number >= "04":
        assert counts["VTX_RUN"]["ok"] > 500
        assert counts["VTX_RUN"]["ESHUTDOWN"] > 100


def tally(answer: str) -> dict[str, int]:
    """ "ok 12 EINTR 3" as a dictionary."""
    words = answer.split()
    return dict(zip(words[::2], map(int, words[1::2])))


@pytest.mark.promised(since="04")
def test_random_images_end_in_one_of_the_exits(vtx: Vtx, stage: Stage, long: bool) -> None:
    for seed in seeds(long):
        check_ends(vtx, stage, seed)


def check_ends(vtx: Vtx, stage: Stage, seed: int) -> None:
    # The registers of the host, but for FS base: that belongs to whoever reads.
    before = {**vtx.machine.hoststate(), "cpu0 fs_base": 0}
    ends = vtx.ask("fuzz_images.c", str(seed), "0", str(IMAGES), str(TURNS), timeout=240)
    after = {**vtx.machine.hoststate(), "cpu0 fs_base": 0}
    counts = {end: int(count) for end, count in ends.items()}
    assert sum(counts.values()) == IMAGES
    assert counts["killed"] + counts["exception"] > IMAGES / 5
    assert counts["HLT"] > IMAGES / 50
    # In two stages every exception ends the guest, so none can lead to a second.
    if stage.number in ("07", "08"):
        assert counts["exception"] and not counts["shutdown"]
    elif stage.number >= "05":
        assert counts["shutdown"]
    assert after == before
