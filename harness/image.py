# SPDX-License-Identifier: GPL-2.0-only
"""The disc that the test machine boots from: Debian's kernel, busybox and our agent."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from harness import linux
from harness.paths import HARNESS, L1, LINUX, SetupError, locked

BUSYBOX = Path("/bin/busybox")

# The disc drives, for the payload disc. In the order of their dependencies.
DISC_MODULES = (
    "drivers/scsi/scsi_common.ko",
    "drivers/scsi/scsi_mod.ko",
    "drivers/ata/libata.ko",
    "drivers/ata/ata_piix.ko",
    "drivers/cdrom/cdrom.ko",
    "drivers/scsi/sr_mod.ko",
    "arch/x86/kernel/msr.ko",
)
# Loaded only when a test asks for KVM as a neighbour: Machine.load_kvm().
KVM_MODULES = (
    "virt/lib/irqbypass.ko",
    "arch/x86/kvm/kvm.ko",
    "arch/x86/kvm/kvm-intel.ko",
)

# nokaslr and no mitigations: quicker, and addresses that stay the same.
# idle=halt: in MWAIT, a CPU of two now and then sleeps through what should wake it.
# cryptomgr.notests: saves ten seconds. init_on_alloc: saves zeroing every page.
# The clock: see INSTRUCTIONS_PER_SECOND in bochs.py.
KERNEL_COMMAND_LINE = (
    "console=ttyS0,115200 quiet nokaslr mitigations=off cryptomgr.notests init_on_alloc=0 "
    "tsc_early_khz=50000 tsc=reliable idle=halt"
)

# As a kernel on somebody's computer would run, for those who measure.
MITIGATED_COMMAND_LINE = KERNEL_COMMAND_LINE.replace("mitigations=off", "mitigations=auto")

# Disc by disc.
GRUB_CONFIG = """\
set timeout=0
linux /vmlinuz {command_line}
initrd /initramfs
boot
"""
DISCS = {"boot.iso": KERNEL_COMMAND_LINE, "mitigated.iso": MITIGATED_COMMAND_LINE}


# For a machine that runs QEMU: the program, and what it reads as it starts a kernel.
QEMU = (
    Path("/usr/bin/qemu-system-x86_64"),
    Path("/usr/share/seabios/bios-256k.bin"),
    Path("/usr/share/qemu/kvmvapic.bin"),
    Path("/usr/share/qemu/linuxboot_dma.bin"),
)


def inputs(hosting: bool = False) -> list[Path]:
    """Everything that the disc is made from."""
    sources = sorted(path for path in (HARNESS / "l1").rglob("*") if path.is_file())
    files = [Path(__file__), *sources, BUSYBOX, LINUX / "release"]
    return [*files, *QEMU] if hosting else files


def key(files: list[Path]) -> str:
    """A name for the contents of `files`: another name, another result."""
    total = hashlib.sha256()
    for path in files:
        try:
            total.update(hashlib.sha256(path.read_bytes()).digest())
        except FileNotFoundError:
            raise SetupError(f"{path} is missing: run `make setup`") from None
    return total.hexdigest()[:16]


def run(*command: str | Path, cwd: Path | None = None) -> None:
    """Run a build step; when it fails, its words are the message."""
    try:
        subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True)
    except FileNotFoundError:
        raise SetupError(f"{command[0]} is not installed: run `make setup`") from None
    except subprocess.CalledProcessError as error:
        words = " ".join(str(word) for word in command)
        raise SetupError(f"`{words}` failed:\n{error.stdout}{error.stderr}") from None


def build_modules(folder: Path) -> list[Path]:
    """Our own module, and those of Debian's that are needed, without what only a debugger reads."""
    source = HARNESS / "l1/hoststate"
    work = folder / "hoststate"
    shutil.copytree(source, work)
    run("make", "-s", "-C", LINUX / "headers", f"M={work}", "modules")

    found = [linux.modules() / "kernel" / name for name in DISC_MODULES + KVM_MODULES]
    result = []
    for module in [*found, work / "hoststate.ko"]:
        lean = folder / module.name
        unneeded = ["--strip-unneeded", "-R", ".BTF", "-R", ".orc_unwind", "-R", ".orc_unwind_ip"]
        # Our own module keeps its unwind tables: a warning in it shall have a true backtrace.
        if module.parent == work:
            unneeded = ["--strip-debug"]
        run("objcopy", *unneeded, module, lean)
        result.append(lean)
    return result


def archive(root: Path) -> bytes:
    """A folder as the kernel unpacks it when it starts. Several may follow each other."""
    names = sorted(str(path.relative_to(root)) for path in root.rglob("*"))
    command = ["cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0", "--reproducible"]
    lines = "\n".join(names).encode()
    return subprocess.run(command, cwd=root, input=lines, capture_output=True, check=True).stdout


def add_qemu(root: Path, disc: Path) -> None:
    """QEMU with its libraries, and the kernel and initramfs that it is to start."""
    listed = subprocess.run(["ldd", QEMU[0]], capture_output=True, text=True, check=True).stdout
    libraries = re.findall(r"(/\S+) \(0x", listed)
    for path in [*map(str, QEMU), *libraries]:
        copy = root / path.removeprefix("/")
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    (root / "l2").mkdir()
    for name in ("vmlinuz", "initramfs"):
        shutil.copy(disc / name, root / "l2")


def build_initramfs(folder: Path, guest: Path | None = None) -> Path:
    """`guest`: a folder with a kernel and an initramfs for QEMU."""
    root = folder / "root"
    for name in ("bin", "dev", "proc", "sys", "tmp", "root", "etc", "lib/virtx"):
        (root / name).mkdir(parents=True)
    shutil.copy(BUSYBOX, root / "bin/busybox")
    (root / "bin/sh").symlink_to("busybox")
    shutil.copy(HARNESS / "l1/init", root / "init")
    (root / "init").chmod(0o755)
    (root / "etc/passwd").write_text("root::0:0:root:/root:/bin/sh\n")
    run("gcc", "-O2", "-static", "-o", root / "bin/agent", HARNESS / "l1/agent.c")

    for module in build_modules(folder):
        shutil.copy(module, root / "lib/virtx")
    early = [Path(name).name for name in DISC_MODULES] + ["hoststate.ko"]
    if guest:
        add_qemu(root, guest)
        early += [Path(name).name for name in KVM_MODULES]
        early[-1] += " nested=1"
    (root / "lib/virtx/order").write_text("".join(f"{name}\n" for name in early))

    initramfs = folder / "disc/initramfs"
    initramfs.write_bytes(archive(root))
    return initramfs


def build(progress: Callable[[str], None] = lambda text: None, hosting: bool = False) -> Path:
    """The folder with the boot discs, built if an input has changed.

    `hosting`: of the machine that runs QEMU and in it a test machine.
    """
    guest = build(progress) if hosting else None
    name = "host" if hosting else "image"
    folder = L1 / f"{name}-{key(inputs(hosting))}"
    with locked(name):
        if not folder.exists():
            progress("building the test machine's disc")
            for old in L1.glob(f"{name}-*"):
                shutil.rmtree(old)
            new = L1 / f"new-{name}"
            shutil.rmtree(new, ignore_errors=True)
            (new / "disc/boot/grub").mkdir(parents=True)
            shutil.copy(linux.kernel(), new / "disc/vmlinuz")
            build_initramfs(new, guest)
            lean = ["--install-modules=linux normal iso9660 biosdisk", "--locales=", "--fonts="]
            for disc, command_line in DISCS.items():
                config = GRUB_CONFIG.format(command_line=command_line)
                (new / "disc/boot/grub/grub.cfg").write_text(config)
                run("grub-mkrescue", *lean, "-o", new / disc, new / "disc")
            # An engine that starts a kernel by itself needs no disc.
            for name in ("vmlinuz", "initramfs"):
                (new / "disc" / name).rename(new / name)
            for name in ("disc", "root"):
                shutil.rmtree(new / name)
            new.rename(folder)
    return folder
