# SPDX-License-Identifier: GPL-2.0-only
"""Debian's packages, unpacked in build/guests; nothing is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from harness.paths import BUILD, locked

FOLDER = BUILD / "guests"


class NotHere(Exception):
    """A package cannot be had; the message says why."""


def run(*command: str | Path, where: Path = FOLDER) -> str:
    """Its output, or NotHere with the first line of what it says."""
    environment = os.environ | {"LC_ALL": "C"}
    try:
        done = subprocess.run(
            command, cwd=where, env=environment, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise NotHere(f"there is no {command[0]} on this computer") from None
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["nothing"]
        raise NotHere(f"{command[0]} says: {said[-1]}")
    return done.stdout


def fetch(package: str) -> Path:
    """The folder with the package's files. It is fetched once, and then stays."""
    folder = FOLDER / package
    with locked("guests"):
        if folder.exists():
            return folder
        new = FOLDER / f"{package}.new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(parents=True)
        try:
            # As root apt would do it as somebody else, who may not write here.
            run("apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", package, where=new)
        except NotHere as reason:
            raise NotHere(f"the package {package} cannot be fetched: {reason}") from None
        archive = next(new.glob("*.deb"))
        run("dpkg-deb", "-x", archive, new)
        archive.rename(FOLDER / archive.name)
        (new / "version").write_text(run("dpkg-deb", "-f", FOLDER / archive.name, "Version"))
        new.rename(folder)
    return folder


def version(package: str) -> str:
    return (fetch(package) / "version").read_text().strip()
