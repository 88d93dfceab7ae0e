# SPDX-License-Identifier: GPL-2.0-only
"""A stage in a test machine: its module loaded, its launcher at hand."""

from __future__ import annotations

import contextlib
import shlex
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness import image
from harness.machine import Job, Machine, MachineError, Result
from harness.paths import LINUX, OUT, ROOT, locked
from harness.stage import Stage


# A failed test shows its own lines, not ours.
__tracebackhide__ = True


class Vtx:
    """To be used in a `with`: VTXDRV is loaded before and unloaded after."""

    dir = "/stage"

    _insmod = f"insmod {dir}/vtxdrv.ko"
    _books = "/sys/module/vtxdrv/parameters"
    _count = (
        f"for name in vms vcpus pages; do read count <{_books}/$name && echo $name $count; done"
        " 2>/dev/null"
    )

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
        load = f" && {self._insmod}" if self._load else ""
        self.machine.run(f"ln -sfn {home} {self.dir}{load}", check=True)
        return self

    def __exit__(self, *unused: object) -> None:
        if self.machine.broken:
            return
        # If it is loaded. In one go, since it is done after each test.
        unload = f"[ ! -e {self._books} ] || {{ {self._count}; rmmod vtxdrv; }}"
        counters = self._counted(self.machine.run(unload, check=True))
        left = [f"{count} {name}" for name, count in counters.items() if count]
        if left:
            raise MachineError(f"VTXDRV still counted {', '.join(left)} at the test's end")

    # The module

    def insmod(self) -> None:
        """Load the module, or fail with the kernel log that tells why."""
        self.machine.run(self._insmod, check=True)

    def rmmod(self) -> None:
        self.machine.run("rmmod vtxdrv", check=True)

    def loaded(self) -> bool:
        return self.machine.run("grep -q '^vtxdrv ' /proc/modules").status == 0

    def counters(self) -> dict[str, int]:
        """What VTXDRV holds: {"vms": 0, "pages": 0, ...}. A stage counts what it has."""
        return self._counted(self.machine.run(self._count))

    @staticmethod
    def _counted(listing: Result) -> dict[str, int]:
        pairs = (line.split() for line in listing.text.splitlines())
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
        source = self._source(name)
        include = self.stage.folder / "include"
        inputs = [source, *sorted(source.parent.glob("*.h")), *sorted(include.glob("*.h"))]
        program = OUT / "tests" / f"{self.stage.name}-{source.stem}-{image.key(inputs)}"
        if not program.exists():
            program.parent.mkdir(parents=True, exist_ok=True)
            # Aside and renamed: another worker may build the same.
            new = program.with_name(f"{program.name}.{id(self)}")
            flags = ["-O2", "-s", "-static", "-pthread", "-Wall", "-Wextra", "-D_GNU_SOURCE"]
            folders = [f"-I{include}", f"-I{ROOT / 'common'}"]
            image.run("gcc", *flags, *folders, "-o", new, source)
            new.rename(program)
        # By its contents: for most stages it comes out the same, and is put only once.
        same = program.with_name(f"{source.stem}-{image.key([program])}")
        with contextlib.suppress(FileExistsError):
            same.hardlink_to(program)
        path = f"/helpers/{same.name}"
        self.machine.put_new({path: same})
        return path

    def ask(
        self, program: str, *arguments: str, stdin: bytes = b"", timeout: float = 60
    ) -> dict[str, str]:
        """Run a C program of the tests; each line that it prints, "what: how it ended"."""
        command = shlex.join([self.helper(program), *arguments])
        result = self.machine.run(command, stdin=stdin, timeout=timeout, check=True)
        pairs = (line.rpartition(": ") for line in result.text.splitlines())
        return {what: ended for what, _, ended in pairs}

    def module(self, name: str) -> str:
        """Build a kernel module of the tests from NAME.c; its path in the machine."""
        source = self._source(f"{name}.c")
        work = OUT / "tests" / f"module-{name}-{image.key([source, LINUX / 'release'])}"
        module = work / f"{name}.ko"
        with locked(f"module-{name}"):
            if not module.exists():
                work.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, work)
                (work / "Kbuild").write_text(f"obj-m := {name}.o\nUBSAN_SANITIZE := y\n")
                headers = LINUX / "headers"
                image.run("make", "-s", "-C", headers, f"M={work}", "modules")
        path = f"/helpers/{module.name}"
        self.machine.put_new({path: module})
        return path

    def _source(self, name: str) -> Path:
        for folder in self._sources:
            if (folder / name).exists():
                return folder / name
        places = ", ".join(str(folder) for folder in self._sources)
        raise FileNotFoundError(f"{name} is in none of {places}")
