# SPDX-License-Identifier: GPL-2.0-only
"""A stage in a test machine: its module loaded, its launcher at hand."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness import image
from harness.machine import Job, Machine, MachineError, Result
from harness.paths import BUILD, ROOT
from harness.stage import Stage


# A failed test shows its own lines, not ours.
__tracebackhide__ = True


class Vtx:
    """To be used in a `with`: VTXDRV is loaded before and unloaded after."""

    dir = "/stage"

    def __init__(
        self, machine: Machine, stage: Stage, load: bool = True, sources: Sequence[Path] = ()
    ) -> None:
        self.machine = machine
        self.stage = stage
        # Where helper() looks for test programs.
        self._sources = [*sources, ROOT / "tests/l1"]
        self._load = load

    def __enter__(self) -> Vtx:
        # Each stage stays where it was put: a machine may serve many tests.
        home = f"/stages/{self.stage.name}"
        files = {
            f"{home}/{name.rpartition('/')[2]}": path for name, path in self.stage.files().items()
        }
        self.machine.put_new(files)
        self.machine.run(f"ln -sfn {home} {self.dir}", check=True)
        if self._load:
            self.insmod()
        return self

    def __exit__(self, *unused: object) -> None:
        if not self.machine.broken and self.loaded():
            counters = self.counters()
            self.rmmod()
            left = [f"{count} {name}" for name, count in counters.items() if count]
            if left:
                raise MachineError(f"VTXDRV still counted {', '.join(left)} at the test's end")

    # The module

    def insmod(self) -> None:
        """Load the module, or fail with the kernel log that tells why."""
        self.machine.run(f"insmod {self.dir}/vtxdrv.ko", check=True)

    def rmmod(self) -> None:
        self.machine.run("rmmod vtxdrv", check=True)

    def loaded(self) -> bool:
        return self.machine.run("grep -q '^vtxdrv ' /proc/modules").status == 0

    def counters(self) -> dict[str, int]:
        """What VTXDRV holds: {"vms": 0, "pages": 0, ...}. A stage counts what it has."""
        listing = self.machine.run(
            "cd /sys/module/vtxdrv/parameters 2>/dev/null && grep . vms vcpus pages 2>/dev/null"
        )
        pairs = (line.split(":") for line in listing.text.splitlines())
        return {name: int(count) for name, count in pairs}

    # The launcher

    def run(
        self,
        *arguments: str,
        stdin: bytes = b"",
        timeout: float = 60,
        instructions: int | None = None,
    ) -> Result:
        """Run vtxctl to its end, its input closed after `stdin`."""
        return self.machine.run(
            self.command(*arguments), stdin=stdin, timeout=timeout, instructions=instructions
        )

    def spawn(self, *arguments: str, tty: bool | tuple[int, int] = False) -> Job:
        return self.machine.spawn(self.command(*arguments), tty=tty)

    def command(self, *arguments: str) -> str:
        """For a shell: vtxctl in the stage's folder, as the process that the shell was."""
        return f"cd {self.dir} && exec ./vtxctl {shlex.join(arguments)}"

    def put(self, files: Mapping[str, bytes | Path]) -> None:
        """Write files; a relative name lies beside vtxctl."""
        self.machine.put(
            {
                name if name.startswith("/") else f"{self.dir}/{name}": content
                for name, content in files.items()
            }
        )

    def helper(self, name: str) -> str:
        """Compile a C program of the tests for this stage's ABI; its path in the machine."""
        source = next((folder / name for folder in self._sources if (folder / name).exists()), None)
        if not source:
            places = ", ".join(str(folder) for folder in self._sources)
            raise FileNotFoundError(f"{name} is in none of {places}")
        include = self.stage.folder / "include"
        inputs = [source, *sorted(include.glob("*.h"))]
        program = BUILD / "tests" / f"{self.stage.name}-{source.stem}-{image.key(inputs)}"
        if not program.exists():
            program.parent.mkdir(parents=True, exist_ok=True)
            # Aside and renamed: another worker may build the same.
            new = program.with_name(f"{program.name}.{id(self)}")
            flags = ["-O2", "-static", "-pthread", "-Wall", "-Wextra", "-D_GNU_SOURCE"]
            folders = [f"-I{include}", f"-I{ROOT / 'common'}"]
            image.run("gcc", *flags, *folders, "-o", new, source)
            new.rename(program)
        path = f"/helpers/{program.name}"
        self.machine.put_new({path: program})
        return path
