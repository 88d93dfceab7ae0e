# SPDX-License-Identifier: GPL-2.0-only
"""The kernel of the test machine and its headers: fetched and unpacked, never installed.

Debian's cloud kernel is small and has KVM as modules. Unpacking it below build/
leaves this computer's own kernel and boot menu alone.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from harness.paths import KERNEL, LINUX, SetupError, locked

META_PACKAGE = "linux-image-cloud-amd64"
# The headers use programs of this package, which is an installed one.
KBUILD = Path("/usr/lib/linux-kbuild-6.1")
SERIES = "6.1."


def release() -> str:
    """The release of the unpacked kernel, as `uname -r` will say in the test machine."""
    try:
        return (LINUX / "release").read_text().strip()
    except FileNotFoundError:
        how = "make debug-kernel" if KERNEL else "make setup"
        raise SetupError(f"the test machine's kernel is not there yet: run `{how}`") from None


def kernel() -> Path:
    return LINUX / "root/boot" / f"vmlinuz-{release()}"


def modules() -> Path:
    return LINUX / "root/lib/modules" / release()


def served_release() -> str:
    """The release that the package mirror serves today."""
    answer = subprocess.run(
        ["apt-cache", "depends", META_PACKAGE], capture_output=True, text=True, check=False
    )
    found = re.search(r"Depends: linux-image-(\S+-cloud-amd64)$", answer.stdout, re.MULTILINE)
    if not found:
        raise SetupError(f"apt knows no {META_PACKAGE}: run `apt-get update` and try again")
    if not found[1].startswith(SERIES):
        raise SetupError(f"VirtX needs a {SERIES}x kernel, but {META_PACKAGE} is {found[1]}")
    return found[1]


def setup(progress: Callable[[str], None] = lambda text: None) -> str:
    """Unpack kernel and headers into build/linux if they are not there; returns the release."""
    with locked("linux"):
        if not (LINUX / "release").exists():
            unpack(served_release(), progress)
    return release()


def download(packages: list[str], folder: Path) -> None:
    # As root, apt would fetch as user _apt, who may not write here.
    fetch = ["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", *packages]
    answer = subprocess.run(fetch, cwd=folder, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise SetupError(
            f"cannot fetch {', '.join(packages)}: run `apt-get update` and try again\n"
            + answer.stderr.strip()
        )


def unpack(version: str, progress: Callable[[str], None]) -> None:
    """All is made aside and renamed at the end, so that a broken download leaves nothing."""
    new = LINUX.with_suffix(".new")
    shutil.rmtree(new, ignore_errors=True)
    debs = new / "debs"
    debs.mkdir(parents=True)

    progress(f"fetching Linux {version}")
    flavour = f"linux-headers-{version}"
    common = f"linux-headers-{version.removesuffix('-cloud-amd64')}-common"
    packages = [f"linux-image-{version}", flavour, common]
    download(packages, debs)

    progress(f"unpacking Linux {version}")
    for deb in debs.glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", deb, new / "root"], check=True)
    shutil.rmtree(debs)

    sources = new / "root/usr/src"
    for tree in (sources / flavour, sources / common):
        for name in ("scripts", "tools"):
            (tree / name).unlink()
            (tree / name).symlink_to(KBUILD / name)
    # Debian's one-line Makefile names /usr/src; ours finds its neighbour wherever it lies.
    (sources / flavour / "Makefile").write_text(
        f"include $(dir $(lastword $(MAKEFILE_LIST)))../{common}/Makefile\n"
    )
    (new / "headers").symlink_to(Path("root/usr/src") / flavour)
    (new / "release").write_text(version + "\n")

    shutil.rmtree(LINUX, ignore_errors=True)
    new.rename(LINUX)
