# SPDX-License-Identifier: GPL-2.0-only
"""Programs that nobody here wrote, in the newest stage: `make test-guests`."""

from __future__ import annotations

import re

import pytest

from harness.machine import Machine
from harness.stage import Stage
from harness.vtx import Vtx
from tests.guests.loaders import Start
from tests.guests.packages import NotHere, fetch, version
from tests.guests.table import GUESTS, NOT_YET, Guest

# Keys of GRUB Invaders: begin, pause, go on, leave. As scan codes, down and up.
KEYS = b" pp\x1b"
CODES = ["39", "b9", "19", "99", "19", "99", "01", "81"]


def prepare(guest: Guest) -> Start:
    """Skips the test where a package or a program to prepare it is missing."""
    try:
        for package in guest.packages:
            fetch(package)
            print(f"{package} {version(package)}")
        return guest.start()
    except NotHere as reason:
        pytest.skip(str(reason))


def named(guest: Guest) -> str:
    return guest.name


@pytest.mark.parametrize("guest", [guest for guest in GUESTS if not guest.keys], ids=named)
def test_it_does_what_it_does_on_a_pc(l1: Machine, guest: Guest) -> None:
    start = prepare(guest)
    stage = Stage.newest()
    stage.build()
    with Vtx(l1, stage) as vtx:
        vtx.put(start.files)
        job = vtx.spawn(*start.options)
        for wanted, typed in guest.talk:
            job.expect(wanted, timeout=120)
            if typed:
                job.write(typed)
        result = job.wait()
        vtx.machine.run(f"cd {vtx.dir} && rm {' '.join(start.files)}", check=True)
    assert (result.status, result.stderr.decode()) == (guest.status, guest.says)


@pytest.mark.parametrize("guest", [guest for guest in GUESTS if guest.keys], ids=named)
def test_its_keys_are_those_that_were_pressed(l1: Machine, guest: Guest) -> None:
    start = prepare(guest)
    stage = Stage.newest()
    stage.build()
    with Vtx(l1, stage) as vtx:
        vtx.put(start.files)
        job = vtx.spawn("--trace", "/tmp/guest.trace", *start.options, tty=True)
        job.write(b"\x01g" + KEYS)
        # Its screen is not ours to see. It has heard the last key when it has read that code.
        last = '"port":96,"size":1,"count":1,"data":"81"'
        l1.run(f"until grep -q '{last}' /tmp/guest.trace; do sleep 0.1; done", check=True)
        job.write(b"\x01x")
        result = job.wait()
        trace = l1.get("/tmp/guest.trace").decode()
        vtx.machine.run(f"cd {vtx.dir} && rm {' '.join(start.files)}", check=True)
    assert result.status == 8
    assert re.findall(r'"out":0,"port":96,.*"data":"(\w\w)"', trace) == CODES


@pytest.mark.parametrize("guest", NOT_YET, ids=named)
def test_what_it_lacks_is_still_missing(l1: Machine, guest: Guest) -> None:
    start = prepare(guest)
    stage = Stage.newest()
    stage.build()
    with Vtx(l1, stage) as vtx:
        vtx.put(start.files)
        result = vtx.run(*start.options)
        vtx.machine.run(f"cd {vtx.dir} && rm {' '.join(start.files)}", check=True)
    said = result.stderr.decode()
    assert (result.status, guest.says in said) == (guest.status, True), said
