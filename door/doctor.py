# SPDX-License-Identifier: GPL-2.0-only
"""What this computer has, what VirtX would use of it, and what is missing."""

from __future__ import annotations

import os
import re
from pathlib import Path

from door import setup
from door.base import WORK, Status
from harness import linux
from harness.machine import ENGINES
from harness.paths import BUILD, L1
from harness.stage import Stage


def cpu(cpuinfo: str) -> tuple[str, bool]:
    """Its name, and whether it offers VT-x to this system."""
    name = re.search(r"^model name\s*:\s*(.*)$", cpuinfo, re.M)
    flags = re.search(r"^flags\s*:\s*(.*)$", cpuinfo, re.M)
    return name[1] if name else "unknown", bool(flags and "vmx" in flags[1].split())


def kvm(device: Path = Path("/dev/kvm")) -> str:
    if not device.exists():
        return "no"
    return "yes" if os.access(device, os.R_OK | os.W_OK) else "yes, but you may not open it"


def disk_used(folder: Path) -> int:
    """In bytes, as the disk counts them: the saved states are full of holes."""
    total = 0
    for where, _, files in os.walk(folder):
        for name in files:
            try:
                total += os.lstat(os.path.join(where, name)).st_blocks * 512
            except FileNotFoundError:
                pass
    return total


def saved_states() -> str:
    states = [path for path in L1.glob("state-*") if path.is_dir()] if L1.exists() else []
    return (
        f"{len(states)} saved" if states else "none saved yet: the first run boots once, and saves"
    )


def doctor() -> int:
    """Status 0: all is there. 126: something is missing that `make setup` brings."""
    name, vmx = cpu(Path("/proc/cpuinfo").read_text())
    system = setup.os_release().get("PRETTY_NAME", "unknown")
    reason = setup.why_not_here(setup.os_release(), os.uname().machine)
    missing = setup.NAMES if reason else setup.missing_packages(setup.known_packages())
    stages = Stage.all()
    built = [stage for stage in stages if (stage.build_dir / "vtxdrv.ko").exists()]
    engines = {name: engine.missing() for name, engine in ENGINES.items()}
    picked = next((name for name, lack in engines.items() if lack is None), None)
    kernel = None if setup.kernel_missing() else linux.release()

    def line(what: str, value: str) -> None:
        print(f"{what:14} {value}")

    line("system", system + (" (VirtX is at home on Debian 12)" if reason else ""))
    line("CPU", f"{name}, {os.cpu_count()} here")
    line("VT-x", "yes" if vmx else "not here; VirtX does not need it: Bochs emulates it")
    line("/dev/kvm", kvm())
    for name, lack in engines.items():
        line(f"engine {name}", f"no: {lack}" if lack else "ready")
    line("picked", picked or "none")
    line(
        "packages", f"missing: {' '.join(missing)}" if missing else f"all {len(setup.NAMES)} there"
    )
    line("kernel", f"Linux {kernel}, unpacked in build/linux" if kernel else "not there yet")
    line("test machine", saved_states())
    line("stages", f"{len(built)} of {len(stages)} built")
    line("disk", f"{disk_used(BUILD) >> 20} MB in build/, {disk_used(WORK) >> 20} MB in work/")

    ready = not missing and kernel is not None and picked is not None
    if reason:
        print("", reason, sep="\n")
    elif not ready:
        print("\nNext: make setup")
    return Status.OK if ready else Status.NO_MACHINE
