# SPDX-License-Identifier: GPL-2.0-only
"""The debug kernel: it looks for what a driver does wrong, where Debian's kernel only runs it.

Built once below build/debug from Debian's source of the test machine's own version, with
debug.config and nothing else. Each step leaves something that the next call finds, so
that a build that was broken off goes on where it was.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

from harness import linux
from harness.paths import BUILD, HARNESS, SetupError, locked

NAME = "debug"
FOLDER = BUILD / NAME / "linux"
CONFIG = HARNESS / "debug.config"
PACKAGE = "linux-source-6.1"
SOURCES = FOLDER / "root/usr/src"
TREE = SOURCES / PACKAGE
LOG = FOLDER / "build.log"

# Measured: processor time of the build, what apt fetches, what stays on the disk with the
# states of machines that have booted it.
CPU_MINUTES = 10
MEGABYTES_TO_FETCH = 140
MEGABYTES_ON_DISK = 1300
# So many lines does a build say, to tell how far it is.
USUAL_LINES = 1400
TELL_EVERY_SECONDS = 60

# Two thirds of the source are for other computers; Kconfig files and Makefiles must stay.
LEFT_OUT = [
    *(
        f"{PACKAGE}/{folder}/*.[chS]"
        for folder in (
            "arch/[!x]*",
            "drivers/gpu",
            "drivers/infiniband",
            "drivers/media",
            "drivers/net/ethernet",
            "drivers/net/wireless",
            "drivers/staging",
            "drivers/usb",
            "sound",
        )
    ),
    f"{PACKAGE}/arch/[!x]*/*.dts*",
    f"{PACKAGE}/Documentation/*.[rty]*",
    f"{PACKAGE}/tools/perf",
    f"{PACKAGE}/tools/testing",
]

# Where the kernel is most of its time: its own checks, the scheduler, pages. No driver's memory is
# used there by its address, and without KASAN in them all goes more than twice as fast.
NOT_CHECKED = (
    "lockdep spinlock spinlock_debug trace_preemptirq smp_processor_id kmemleak debugobjects "
    "unwind_orc extable kprobes main core fair tree aperfmperf "
    "memory mmap rmap page_alloc filemap vmalloc vmstat swap percpu memcontrol "
    "rbtree interval_tree maple_tree xarray"
).split()


def base_version() -> str:
    """Debian's version of the kernel that the test machine boots else, as 6.1.192-2."""
    found = (BUILD / "linux").glob("root/usr/share/doc/linux-headers-*-common/changelog.Debian.gz")
    for changelog in found:
        with gzip.open(changelog, "rt", errors="replace") as text:
            version = re.match(r"linux \((\S+)\)", text.readline())
        if version:
            return version[1]
    raise SetupError("the test machine's kernel is not there yet: run `make setup`")


def wanted_release() -> str:
    """As `uname -r` will say. Another debug.config is another kernel, and all is built anew."""
    made_from = CONFIG.read_text() + " ".join(NOT_CHECKED)
    key = hashlib.sha256(made_from.encode()).hexdigest()[:8]
    return f"{base_version().rpartition('-')[0]}{local_version(key)}"


def local_version(key: str) -> str:
    return f"-virtx-{key}"


def is_built() -> bool:
    try:
        return (FOLDER / "release").read_text().strip() == wanted_release()
    except FileNotFoundError:
        return False


def build(progress: Callable[[str], None]) -> None:
    """Everything that is not there yet."""
    with locked("debug-kernel"):
        if is_built():
            return
        release = wanted_release()
        (FOLDER / "release").unlink(missing_ok=True)
        if not TREE.exists() or (SOURCES / "version").read_text() != base_version():
            fetch_source(progress)
        configure()
        compile_kernel(release, progress)
        collect(release)
        # Made for the kernel before this one, if there was one.
        for name in ("l1", "stages", "tests"):
            shutil.rmtree(FOLDER.parent / name, ignore_errors=True)
        (FOLDER / "release").write_text(release + "\n")


def fetch_source(progress: Callable[[str], None]) -> None:
    new = SOURCES / "new"
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    progress(f"fetching the source of Linux {base_version()}")
    linux.download([f"{PACKAGE}={base_version()}"], new)
    progress("unpacking it")
    for deb in new.glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", deb, new], check=True)
    leave_out = [f"--exclude={pattern}" for pattern in LEFT_OUT]
    archive = new / f"usr/src/{PACKAGE}.tar.xz"
    subprocess.run(["nice", "tar", *leave_out, "-C", new, "-xf", archive], check=True)
    shutil.rmtree(TREE, ignore_errors=True)
    (SOURCES / "version").write_text(base_version())
    (new / PACKAGE).rename(TREE)
    shutil.rmtree(new)


def configure() -> None:
    """debug.config and nothing else; what of it cannot be is an error, for it was wanted."""
    make = ["make", "-s", "-C", TREE, f"KCONFIG_ALLCONFIG={CONFIG}", "allnoconfig"]
    answer = subprocess.run(make, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise SetupError(f"the debug kernel cannot be configured:\n{answer.stdout}{answer.stderr}")
    missing = not_taken(CONFIG.read_text(), (TREE / ".config").read_text())
    if missing:
        raise SetupError(f"{CONFIG.name} asks for what this kernel does not have: {missing}")


def not_taken(asked: str, got: str) -> list[str]:
    """The lines of a configuration that kconfig did not follow."""
    lines = set(got.splitlines())
    return [line for line in asked.splitlines() if line.startswith("CONFIG_") and line not in lines]


def compile_kernel(release: str, progress: Callable[[str], None]) -> None:
    progress(f"building Linux {release}; its words are in {LOG.relative_to(BUILD.parent)}")
    local = local_version(release.rpartition("-")[2])
    jobs = str(os.cpu_count() or 1)
    # nice: it is somebody's laptop.
    command = ["nice", "-n", "10", "make", "-C", str(TREE), "-j", jobs, f"LOCALVERSION={local}"]
    command += [f"KASAN_SANITIZE_{name}.o=n" for name in NOT_CHECKED]
    # Whose computer built it is nobody's business.
    user = {"KBUILD_BUILD_USER": "virtx", "KBUILD_BUILD_HOST": "virtx"}
    lines = 0
    ended = threading.Event()

    def tell() -> None:
        while not ended.wait(TELL_EVERY_SECONDS):
            progress(f"    {min(99, lines * 100 // USUAL_LINES)} %")

    with open(LOG, "w") as log, subprocess.Popen(
        [*command, "bzImage", "modules"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=dict(os.environ, **user),
    ) as make:
        threading.Thread(target=tell, daemon=True).start()
        assert make.stdout
        for line in make.stdout:
            log.write(line)
            lines += 1
        ended.set()
    if make.returncode:
        end = "\n".join(LOG.read_text().splitlines()[-15:])
        raise SetupError(f"the debug kernel does not build; the end of {LOG}:\n{end}")


def collect(release: str) -> None:
    """Lay all out as it lies in Debian's packages, so that nobody need know which kernel it is."""
    boot, modules = FOLDER / "root/boot", FOLDER / "root/lib/modules" / release / "kernel"
    shutil.rmtree(boot, ignore_errors=True)
    shutil.rmtree(modules.parents[1], ignore_errors=True)
    boot.mkdir(parents=True)
    shutil.copy(TREE / "arch/x86/boot/bzImage", boot / f"vmlinuz-{release}")
    for module in (TREE / "modules.order").read_text().split():
        place = modules / Path(module).with_suffix(".ko")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(TREE / Path(module).with_suffix(".ko"), place)
    for link in (FOLDER / "headers", *SOURCES.glob("linux-headers-*-common")):
        link.unlink(missing_ok=True)
    (FOLDER / "headers").symlink_to(TREE.relative_to(FOLDER))
    (SOURCES / f"linux-headers-{release}-common").symlink_to(TREE.name)
