# SPDX-License-Identifier: GPL-2.0-only
"""The stages: where each lies, what it promises, how it is built."""

from __future__ import annotations

import dataclasses
import functools
import os
import re
import subprocess
import tomllib
from pathlib import Path

from harness.paths import OUT, ROOT, SetupError, locked

FOLDER = re.compile(r"(\d\d)-[a-z0-9-]+")


class StageError(Exception):
    """No such stage, or it does not build; the message says what to do."""


@dataclasses.dataclass(frozen=True)
class Config:
    """What stage.toml says."""

    title: str
    run: list[str]
    shows: str  # what must be in the output of `run`
    types: str = ""  # what a person would type, to see that
    prompt: str = "> "  # what it says when it waits for that
    show_kernel_log: bool = False
    bare: bool = False
    input: bool = False


@dataclasses.dataclass(frozen=True, order=True)
class Stage:
    name: str

    @property
    def number(self) -> str:
        return self.name[:2]

    @property
    def folder(self) -> Path:
        return ROOT / "stages" / self.name

    @property
    def build_dir(self) -> Path:
        return OUT / "stages" / self.name

    @functools.cached_property
    def config(self) -> Config:
        with open(self.folder / "stage.toml", "rb") as file:
            return Config(**tomllib.load(file))

    @staticmethod
    def all() -> list[Stage]:
        """In their order."""
        folders = (ROOT / "stages").glob("*/stage.toml")
        return sorted(
            Stage(path.parent.name) for path in folders if FOLDER.fullmatch(path.parent.name)
        )

    @staticmethod
    def find(number: str) -> Stage:
        """By "5", "05" or "05-real-mode-console"."""
        for stage in Stage.all():
            if number in (stage.name, stage.number, stage.number.lstrip("0")):
                return stage
        known = ", ".join(stage.number for stage in Stage.all())
        raise StageError(f"there is no stage {number!r}: choose from {known}")

    @staticmethod
    def newest() -> Stage:
        return Stage.all()[-1]

    def build(self) -> str:
        """Call make. Returns what it said of what it built; StageError has it when it fails."""
        jobs = os.cpu_count() or 1
        command = ["make", "-s", f"-j{jobs}", "--output-sync", "-C", str(self.folder)]
        try:
            with locked(f"stage-{self.build_dir.name}"):
                done = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            raise SetupError("make is not installed: run `apt-get install make`") from None
        if done.returncode:
            raise StageError(f"stage {self.name} does not build:\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def files(self) -> dict[str, bytes | Path]:
        """What the test machine needs of it, by the name that it has there. To be built first."""
        names = ("vtxdrv.ko", "vtxctl", "nanox.bin")
        return {f"/stage/{name}": self.build_dir / name for name in names}


@dataclasses.dataclass(frozen=True, order=True)
class Copy(Stage):
    """Somebody's own copy of a stage's sources; what stage.toml says is still the stage's.

    `place` is two folders below the root, as a stage is: its Makefile says ../../common.
    """

    place: Path

    @property
    def folder(self) -> Path:
        return self.place

    @property
    def build_dir(self) -> Path:
        return OUT / "stages" / self.place.name

    @functools.cached_property
    def config(self) -> Config:
        return Stage(self.name).config
