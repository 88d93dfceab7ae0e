# SPDX-License-Identifier: GPL-2.0-only
"""A run that nobody watches: what does a stage print?"""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Sequence

from door.base import PYTHON
from harness.engine import Kind, Progress, no_progress
from harness.machine import TROUBLE, Machine
from harness.paths import ROOT
from harness.stage import Stage

SECONDS = 120.0


class BootError(Exception):
    """The run did not end well; the message has what it printed."""


def boot(
    stage: Stage,
    command: Sequence[str] = (),
    types: str = "",
    engine: str | None = None,
    progress: Progress = no_progress,
) -> str:
    """Load a built stage in the test machine and run `command` there (what stage.toml says).

    `types` is its input. Returns what it printed, VTXDRV's lines of the kernel log first.
    BootError: it crashed the kernel, or ended with another status than 0.
    """
    words = list(command or stage.config.run)
    with Machine.start(Kind.TEST, engine, progress) as machine:
        machine.put(stage.files())
        machine.run("insmod /stage/vtxdrv.ko", check=True)
        result = machine.run(
            f"cd /stage && PATH=/stage:$PATH exec {shlex.join(words)} 2>&1",
            stdin=types.encode(),
            timeout=SECONDS,
        )
        machine.run("rmmod vtxdrv", check=True)
        log = machine.kernel_log()
        if TROUBLE.search(log):
            raise BootError(f"it crashed the test machine's kernel:\n{machine.telling_log()}")
    own = "".join(f"{line}\n" for line in log.splitlines() if "vtxdrv: " in line)
    text = (own if stage.config.show_kernel_log else "") + result.text
    if result.status:
        raise BootError(f"it ended with status {result.status}, and printed:\n{text}")
    return text


def boot_bare(stage: Stage, types: str = "") -> str:
    """The same for NanoX on a plain emulated PC."""
    program = (
        "import sys; from pathlib import Path; from harness.stage import Copy, Stage;"
        "from door.bare import run_bare; name, place = sys.argv[1:];"
        "sys.exit(run_bare(Copy(name, Path(place)) if place else Stage(name), 30))"
    )
    place = str(stage.folder) if stage.folder != ROOT / "stages" / stage.name else ""
    done = subprocess.run(
        [PYTHON, "-c", program, stage.name, place],
        input=types,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if done.returncode:
        raise BootError(f"it ended with status {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout
