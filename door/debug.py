# SPDX-License-Identifier: GPL-2.0-only
"""`make debug-kernel`: what it costs is said before it begins, and nobody else pays for it."""

from __future__ import annotations

import os

from door import setup
from door.base import Status, Stop, say
from harness import debug_kernel
from harness.packages import DEBUG_KERNEL_PACKAGES

NAMES = [name for name, reason in DEBUG_KERNEL_PACKAGES]


def minutes(cpus: int) -> int:
    """How long these need for it, if they have nothing else to do."""
    return max(1, round(debug_kernel.CPU_MINUTES / cpus))


def make_debug_kernel() -> int:
    setup.setup()
    if debug_kernel.is_built():
        say("The debug kernel is there.")
    else:
        build()
    say("Next: make test KERNEL=debug, or make stage-01 test KERNEL=debug")
    return Status.OK


def build() -> None:
    known = setup.known_packages()
    missing = setup.missing_packages(known, NAMES)
    cpus = os.cpu_count() or 1
    say("The debug kernel finds what a test cannot see: memory used after it was given back,")
    say("locks taken in a wrong order, sleep where nobody may sleep. It is built from Debian's")
    say("source into build/debug; it is not installed. If you break off, it goes on from there.")
    if missing:
        say(f"It needs {len(missing)} more of Debian's packages: {' '.join(missing)}")
    say(
        f"In all: {debug_kernel.MEGABYTES_TO_FETCH} MB to fetch, "
        f"{debug_kernel.MEGABYTES_ON_DISK} MB on the disk, about {minutes(cpus)} minutes "
        f"if these {cpus} CPUs have nothing else to do."
    )
    # Debian takes old sources away, and apt must know which there are.
    old = setup.lists_are_old()
    if missing or old:
        setup.say_how_root()
    if not setup.may_go_on("Go on?"):
        raise Stop("nothing was changed", Status.NO_MACHINE)
    if old:
        setup.apt_get("update", "-q")
    if missing:
        setup.install(setup.make_plan(missing), missing, known)
    debug_kernel.build(lambda text: say(f"  {text}"))


def need_debug_kernel() -> None:
    if not debug_kernel.is_built():
        raise Stop(
            "the debug kernel is not there, or was made from other settings: run `make debug-kernel`",
            Status.NO_MACHINE,
        )
