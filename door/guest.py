# SPDX-License-Identifier: GPL-2.0-only
"""A guest of one's own: what `run` may be asked, and where a new one begins."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from door.base import WORK, Stop, say
from harness.paths import ROOT
from harness.stage import Stage

TEMPLATE = ROOT / "tools/new-guest"
UNITS = {"": 0, "K": 10, "M": 20, "G": 30}

BOOT_ADDRESS = 0x7C00
# As vtxctl has them; it checks again. Here no machine must be started for it.
MEM_DEFAULT = 64 << 20
MEM_LEAST = 64 << 10
MEM_MOST = 3 << 30
MEM_STEP = 4 << 10
# What the test machine has room for.
GUEST_MOST = 64 << 20


def parse_size(text: str) -> int:
    """ "64M" in bytes."""
    found = re.fullmatch(r"(0[xX][0-9a-fA-F]+|\d+)([KMG]?)", text.strip(), re.IGNORECASE)
    size = int(found[1], 0 if found[1][:2] in ("0x", "0X") else 10) if found else -1
    if found:
        size <<= UNITS[found[2].upper()]
    if not MEM_LEAST <= size <= MEM_MOST or size % MEM_STEP:
        raise Stop(f"--mem {text}: give a size from 64K to 3G in steps of 4K, as 64M")
    return size


def parse_address(text: str) -> int:
    if not re.fullmatch(r"0[xX][0-9a-fA-F]+|[1-9]\d*|0", text):
        raise Stop(f"--load {text}: give an address in bytes, as 0x7c00 or 31744")
    return int(text, 0)


# From this stage on a guest may begin in protected mode, at a flat address.
FLAT_SINCE = "07"
# From this one on it may have a ROM of its own, and be reset.
ROM_SINCE = "11"
ROM_MOST = 16 << 20


def check_entry(text: str, stage_number: str) -> None:
    flat = re.fullmatch(r"(?:0[xX])?([0-9a-fA-F]+)", text)
    if flat and stage_number >= FLAT_SINCE and int(flat[1], 16) < 1 << 32:
        return
    found = re.fullmatch(r"(?:0[xX])?([0-9a-fA-F]+):(?:0[xX])?([0-9a-fA-F]+)", text)
    if not found or int(found[1], 16) > 0xFFFF or int(found[2], 16) > 0xFFFF:
        also = ", or a flat address, as 100000" if stage_number >= FLAT_SINCE else ""
        raise Stop(f"--entry {text}: give segment:offset in hex, as 0000:7c00{also}")


def check_rom(rom: Path, stage_number: str) -> None:
    need_rom(f"--rom {rom}", stage_number)
    if not rom.is_file():
        raise Stop(f"{rom}: no such file; name the image of a ROM")
    if not 0 < rom.stat().st_size <= ROM_MOST:
        raise Stop(f"{rom}: {rom.stat().st_size} bytes; a ROM has from 1 byte to 16M")


def need_rom(option: str, stage_number: str) -> None:
    if stage_number < ROM_SINCE:
        raise Stop(f"{option}: a guest has a ROM and a reset from stage {ROM_SINCE} on")


def check_guest(guest: Path, load: int, mem: int, entry: str | None) -> None:
    """Say at once what vtxctl would refuse."""
    if guest.is_dir():
        raise Stop(f"{guest}: is a folder; name the flat image in it, as {guest.name}.bin")
    if not guest.exists():
        raise Stop(
            f"{guest}: no such file; `make new-guest NAME=hello` makes a guest to begin with"
        )
    try:
        with open(guest, "rb") as file:
            file.read(1)
        size = guest.stat().st_size
    except OSError as error:
        raise Stop(f"{guest}: cannot be read: {error.strerror}") from None
    if size == 0:
        raise Stop(f"{guest}: is empty; a guest has at least one instruction")
    if size > GUEST_MOST:
        raise Stop(
            f"{guest}: {size} bytes are more than 64M, all that the test machine has room for"
        )
    if load + size > mem:
        raise Stop(
            f"{guest}: {size} bytes at {load:#x} end beyond the guest's {mem >> 10}K of memory: "
            "give it more (--mem) or load it lower (--load)"
        )
    # Without --entry the guest begins at its first byte, which real mode must reach.
    if entry is None and load >= 0x100000:
        raise Stop(f"--load {load:#x}: real mode does not reach this: say where to begin (--entry)")


def vtxctl_options(
    mem: str | None, entry: str | None, rom: Path | None = None, no_reboot: bool = False
) -> list[str]:
    options = []
    if mem:
        options += ["--mem", mem]
    if entry:
        options += ["--entry", entry]
    if rom:
        options += ["--rom", f"/rom/{rom.name}"]
    if no_reboot:
        options += ["--no-reboot"]
    return options


def new_guest(name: str) -> int:
    """Lay a small guest into work/NAME; never over anything."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name):
        raise Stop(f"NAME={name}: use letters, digits, - and _, as NAME=hello")
    if not shutil.which("nasm"):
        raise Stop("nasm is not installed: run `make setup`")
    folder = WORK / name
    WORK.mkdir(exist_ok=True)
    try:
        folder.mkdir()
    except FileExistsError:
        raise Stop(
            f"work/{name} is there already, and stays as it is: choose another name"
        ) from None
    for source in sorted(TEMPLATE.iterdir()):
        text = source.read_text().replace("NAME", name)
        (folder / source.name.replace("NAME", name)).write_text(text)
    subprocess.run(["make", "-s", "-C", folder], check=True)
    number = Stage.newest().number
    say(f"Your guest is work/{name}/{name}.asm. Run it:")
    say(f"    make stage-{number} run GUEST=work/{name}/{name}.bin")
    say("Change it, build it, run it again:")
    say(f"    make -C work/{name} && make stage-{number} run GUEST=work/{name}/{name}.bin")
    return 0
