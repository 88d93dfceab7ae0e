# SPDX-License-Identifier: GPL-2.0-only
"""Setup and uninstall: Debian's packages, and no trace of what was not there before.

Before anything is installed, the names of all packages to come are written to
work/.setup-packages. Uninstall takes away these and no others.
"""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from door.base import WORK, Status, Stop, say
from harness import linux
from harness.packages import PACKAGES
from harness.paths import BUILD, LINUX

NAMES = [name for name, reason in PACKAGES]
RECORD = WORK / ".setup-packages"
RECORD_HEAD = "# Packages that VirtX's setup brought; `make uninstall` takes them away.\n"
APT_LISTS = Path("/var/lib/apt/lists")
A_DAY = 24 * 3600

# What to say before apt's lists are there to be asked.
USUAL_DOWNLOAD = 250
USUAL_DISK = 1100
USUAL_PACKAGES = 240
MEGABYTES_A_SECOND = 5
UNPACK_SECONDS_A_PACKAGE = 0.4
FIRST_BUILD_SECONDS = 60

APT_OPTIONS = ["--no-install-recommends", "-q", "-y"]


# --- Which system is this? ---


def os_release(path: Path = Path("/etc/os-release")) -> dict[str, str]:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return {}
    pairs = (line.split("=", 1) for line in lines if "=" in line)
    return {name: value.strip("\"'") for name, value in pairs}


def why_not_here(release: dict[str, str], machine: str) -> str | None:
    """What to do on a system on which setup changes nothing; None on Debian 12."""
    if machine != "x86_64":
        return f"VirtX needs an x86-64 computer, and this one is {machine}. Nothing was changed."
    if release.get("ID") == "debian" and release.get("VERSION_ID") == "12":
        return None
    name = release.get("PRETTY_NAME", "an unknown system")
    return (
        f"VirtX is at home on Debian 12, and this is {name}. Nothing was changed.\n"
        "What works: Debian 12 in a virtual machine or a container. There, as root:\n"
        "    apt-get update && apt-get install make python3 && make run\n"
        "A container needs no special rights. VirtX uses these packages of Debian 12:\n"
        f"    {' '.join(NAMES)}"
    )


def check_system() -> None:
    reason = why_not_here(os_release(), os.uname().machine)
    if reason:
        raise Stop(reason, Status.NO_MACHINE)


# --- What is there, what is missing? ---


def known_packages() -> dict[str, str]:
    """What dpkg knows: package name -> "installed", "config-files" ..."""
    query = ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n"]
    answer = subprocess.run(query, capture_output=True, text=True, check=True)
    pairs = (line.split() for line in answer.stdout.splitlines())
    return {name: status for name, status in pairs if status != "not-installed"}


def missing_packages(known: dict[str, str], wanted: Iterable[str] = NAMES) -> list[str]:
    return [name for name in wanted if known.get(name) != "installed"]


def kernel_missing() -> bool:
    return not (LINUX / "release").exists()


def is_set_up() -> bool:
    return not kernel_missing() and not missing_packages(known_packages())


# --- What will it cost? ---


@dataclasses.dataclass
class Plan:
    """What apt would install."""

    packages: list[str]
    download: int | None = None  # in megabytes; None: apt's lists are not there to be asked
    disk: int | None = None

    @property
    def minutes(self) -> int:
        download, count = self.download, len(self.packages)
        if download is None:
            download, count = USUAL_DOWNLOAD, USUAL_PACKAGES
        seconds = download / MEGABYTES_A_SECOND + FIRST_BUILD_SECONDS
        seconds += count * UNPACK_SECONDS_A_PACKAGE
        return max(1, round(seconds / 60))

    def in_words(self) -> str:
        if self.download is None:
            megabytes = f"up to {USUAL_DOWNLOAD} MB to fetch, {USUAL_DISK} MB on the disk"
        else:
            megabytes = f"{self.download} MB to fetch, {self.disk} MB on the disk"
        return f"{megabytes}, about {self.minutes} minute{'s' if self.minutes > 1 else ''}"


def ask_apt(*arguments: str) -> str:
    """A question to apt that changes nothing and needs no rights."""
    environment = dict(os.environ, LC_ALL="C")
    command = [*arguments]
    command[1:1] = ["-o", "Debug::NoLocking=1"]
    answer = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if answer.returncode:
        raise Stop(f"`{' '.join(arguments)}` failed:\n{answer.stderr.strip()}", Status.NO_MACHINE)
    return answer.stdout


def names_after(verb: str, simulation: str) -> list[str]:
    """The packages that `apt-get -s` would install (Inst), remove (Remv) or purge (Purg)."""
    return [name.partition(":")[0] for name in re.findall(rf"^{verb} (\S+)", simulation, re.M)]


def kernel_packages() -> list[str]:
    """Fetched and unpacked, never installed: see harness/linux.py."""
    if not kernel_missing():
        return []
    version = linux.served_release()
    common = version.removesuffix("-cloud-amd64") + "-common"
    return [f"linux-image-{version}", f"linux-headers-{version}", f"linux-headers-{common}"]


def make_plan(missing: list[str]) -> Plan:
    """Ask apt what it would do."""
    if lists_are_old():
        return Plan(missing)
    packages: list[str] = []
    if missing:
        simulation = ask_apt("apt-get", "-s", *APT_OPTIONS, "install", *missing)
        packages = names_after("Inst", simulation)
    asked = packages + kernel_packages()
    shown = ask_apt("apt-cache", "show", "--no-all-versions", *asked) if asked else ""
    download = sum(map(int, re.findall(r"^Size: (\d+)", shown, re.M)))
    disk = sum(map(int, re.findall(r"^Installed-Size: (\d+)", shown, re.M)))
    return Plan(packages, round(download / 1e6), round(disk / 1e3))


def lists_are_old(lists: Path = APT_LISTS, now: float | None = None) -> bool:
    """Whether `apt-get update` must come first: Debian takes old packages away."""
    found = list(lists.glob("*_Packages*"))
    if not found or not (lists / "partial").is_dir():
        return True
    # `apt-get update` writes there; the lists themselves carry the mirror's dates.
    return (now or time.time()) - (lists / "partial").stat().st_mtime > A_DAY


# --- Doing it ---


def as_root(*command: str) -> list[str]:
    if os.geteuid() == 0:
        return [*command]
    if not shutil.which("sudo"):
        raise Stop(
            "packages can be changed only by root, and there is no sudo here:\n"
            "    become root with `su -`, come back to this folder and run it again",
            Status.NO_MACHINE,
        )
    return ["sudo", *command]


def say_how_root() -> None:
    """Before the question: where there is no way to root, nobody is asked."""
    if as_root() == ["sudo"]:
        say("You are not root, so this uses sudo, which may ask for your password.")


def apt_get(*arguments: str) -> None:
    """Apt shows its own progress, on standard error: standard output may be a guest's."""
    # Packages compile their Python when they are installed: where Debian wants it, not in build/.
    settings = ["env", "-u", "PYTHONPYCACHEPREFIX", "DEBIAN_FRONTEND=noninteractive"]
    command = as_root(*settings, "apt-get", *arguments)
    answer = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False)
    if answer.returncode:
        raise Stop(
            f"`apt-get {arguments[0]}` failed: look above for its reason, then try again",
            Status.NO_MACHINE,
        )


def may_go_on(question: str) -> bool:
    """Ask once, at a terminal. YES=1, or nobody there to ask, means yes."""
    if os.environ.get("YES", "") not in ("", "0"):
        return True
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return True
    print(f"{question} [Y/n] ", end="", file=sys.stderr, flush=True)
    answer = sys.stdin.readline()
    return answer != "" and answer.strip().lower() in ("", "y", "yes")


def setup() -> int:
    """Install what is missing, unpack the test machine's kernel."""
    check_system()
    known = known_packages()
    missing = missing_packages(known)
    if not missing and not kernel_missing():
        return Status.OK

    plan = make_plan(missing)
    if missing:
        say(f"VirtX needs {len(missing)} of Debian's packages that are not here yet:")
        say(f"    {' '.join(missing)}")
    if kernel_missing():
        say("The test machine's kernel is fetched into build/; it is not installed.")
    say(f"In all: {plan.in_words()}. `make uninstall` takes it all away again.")
    if missing or plan.download is None:
        say_how_root()
    if not may_go_on("Go on?"):
        raise Stop("nothing was changed", Status.NO_MACHINE)

    if plan.download is None:
        say("Fetching apt's lists of packages.")
        apt_get("update", "-q")
        plan = make_plan(missing)
    if missing:
        install(plan, missing, known)
    linux.setup(lambda text: say(f"  {text}"))
    say("Everything is there. From now on VirtX works without a network.")
    return Status.OK


def also(wanted: Iterable[str], command: str) -> None:
    """Install what one command alone needs, after setup()."""
    known = known_packages()
    missing = missing_packages(known, wanted)
    if not missing:
        return
    say(f"`{command}` needs {len(missing)} more of Debian's packages: {' '.join(missing)}")
    if not lists_are_old():
        say(f"In all: {make_plan(missing).in_words()}.")
    say_how_root()
    if not may_go_on("Go on?"):
        raise Stop("nothing was changed", Status.NO_MACHINE)
    if lists_are_old():
        apt_get("update", "-q")
    install(make_plan(missing), missing, known)


def install(plan: Plan, missing: list[str], known: dict[str, str]) -> None:
    """The record is written first: then even a power cut leaves it right."""
    before = read_record()
    write_record(before | (set(plan.packages) - known.keys()))
    try:
        apt_get("install", *APT_OPTIONS, *missing)
    finally:
        write_record(before | (known_packages().keys() - known.keys()))


def read_record() -> set[str]:
    try:
        lines = RECORD.read_text().splitlines()
    except FileNotFoundError:
        return set()
    return {line for line in lines if line and not line.startswith("#")}


def write_record(packages: Collection[str]) -> None:
    """Aside and renamed, so that a full disk leaves the old one."""
    RECORD.parent.mkdir(exist_ok=True)
    new = RECORD.with_suffix(".new")
    new.write_text(RECORD_HEAD + "".join(f"{name}\n" for name in sorted(packages)))
    new.rename(RECORD)


# --- Undoing it ---


def removable(
    recorded: Collection[str],
    known: dict[str, str],
    also_removed: Callable[[list[str]], Collection[str]],
    needed_by: Callable[[Collection[str]], Collection[str]],
) -> tuple[list[str], list[str]]:
    """What may go, and what stays because something that is not ours needs it now.

    `also_removed(packages)`: all that apt would remove with them. `needed_by(packages)`:
    all that these depend on, and what that depends on.
    """
    ours = sorted(name for name in recorded if known.get(name) == "installed")
    kept: list[str] = []
    while ours:
        foreign = set(also_removed(ours)) - set(recorded)
        if not foreign:
            break
        stay = set(needed_by(foreign)) & set(ours)
        if not stay:
            raise Stop(f"apt would also remove {', '.join(sorted(foreign))}: nothing was changed")
        kept += sorted(stay)
        ours = [name for name in ours if name not in stay]
    return ours, kept


def apt_would_remove(packages: list[str]) -> list[str]:
    simulation = ask_apt("apt-get", "-s", "purge", *packages)
    return names_after("Purg", simulation) + names_after("Remv", simulation)


def dependencies(packages: Collection[str]) -> list[str]:
    depends = ["apt-cache", "depends", "--recurse", "--installed", "--important"]
    return re.findall(r"^(\w\S*)$", ask_apt(*depends, *packages), re.M)


def uninstall() -> int:
    """Take away what setup brought: packages, and all of build/."""
    check_system()
    recorded = read_record()
    ours, kept = removable(recorded, known_packages(), apt_would_remove, dependencies)
    if ours:
        say(f"These {len(ours)} packages were not here before VirtX's setup:")
        say(f"    {' '.join(ours)}")
    else:
        say("No package on this computer came with VirtX's setup.")
    if kept:
        say(f"These came too, but other packages need them now, so they stay: {' '.join(kept)}")
    say("build/ goes as well. work/ stays: it is yours.")
    if ours:
        say_how_root()
    if not may_go_on("Take them away?"):
        raise Stop("nothing was changed")
    if ours:
        apt_get("purge", "-q", "-y", *ours)
    RECORD.unlink(missing_ok=True)
    shutil.rmtree(BUILD, ignore_errors=True)
    return Status.OK
