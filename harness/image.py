# SPDX-License-Identifier: GPL-2.0-only
"""The disc that the test machine boots from: Debian's kernel, busybox and our agent."""

from __future__ import annotations

import hashlib
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


def inputs() -> list[Path]:
    """Everything that the disc is made from."""
    sources = sorted(path for path in (HARNESS / "l1").rglob("*") if path.is_file())
    return [Path(__file__), *sources, BUSYBOX, LINUX / "release"]


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


def build_initramfs(folder: Path) -> Path:
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
    (root / "lib/virtx/order").write_text("".join(f"{name}\n" for name in early))

    names = sorted(str(path.relative_to(root)) for path in root.rglob("*"))
    initramfs = folder / "disc/initramfs"
    with open(initramfs, "wb") as output:
        subprocess.run(
            ["cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0", "--reproducible"],
            cwd=root,
            input="\n".join(names).encode(),
            stdout=output,
            check=True,
        )
    return initramfs


def build(progress: Callable[[str], None] = lambda text: None) -> Path:
    """The folder with the boot discs, built if an input has changed."""
    folder = L1 / f"image-{key(inputs())}"
    with locked("image"):
        if not folder.exists():
            progress("building the test machine's disc")
            for old in L1.glob("image-*"):
                shutil.rmtree(old)
            new = L1 / "new-image"
            shutil.rmtree(new, ignore_errors=True)
            (new / "disc/boot/grub").mkdir(parents=True)
            shutil.copy(linux.kernel(), new / "disc/vmlinuz")
            build_initramfs(new)
            lean = ["--install-modules=linux normal iso9660 biosdisk", "--locales=", "--fonts="]
            for disc, command_line in DISCS.items():
                config = GRUB_CONFIG.format(command_line=command_line)
                (new / "disc/boot/grub/grub.cfg").write_text(config)
                run("grub-mkrescue", *lean, "-o", new / disc, new / "disc")
            for name in ("disc", "root"):
                shutil.rmtree(new / name)
            new.rename(folder)
    return folder
