# SPDX-License-Identifier: GPL-2.0-only
"""The bochs engine: emulates VMX on any computer.

A machine boots once for each kind (13 seconds), its state is saved below build/l1, and
every later start restores it in a second. Every machine has a folder of its own below
the folder for temporary files; no port listens, no terminal is touched.
"""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import signal
import time
import tty
from collections.abc import Sequence
from pathlib import Path

from harness import image
from harness.emulator import Emulator, open_pidfd
from harness.engine import Channel, EngineError, Kind, Progress, Vary
from harness.paths import HARNESS, KERNEL, L1, locked

BOCHS = Path("/usr/bin/bochs-bin")
BIOS = Path("/usr/share/bochs/BIOS-bochs-latest")
VIDEO_BIOS = Path("/usr/share/bochs/VGABIOS-lgpl-latest")
TEXT_DISPLAY = Path("/usr/lib/x86_64-linux-gnu/bochs/plugins/libbx_term_gui.so")

# Room for a guest image of 64 MB beside a guest of 64 MB. More would start slower.
MEGABYTES = {Kind.HOST: 640}
# The debug kernel keeps a book on every byte, and what was given back it holds for a while.
MEGABYTES_ELSE = 512 if KERNEL else 256
# Linux takes the CPU model's clock for true, the devices go by `ips`: the kernel's
# command line in image.py must say the same (tsc_early_khz).
INSTRUCTIONS_PER_SECOND = 50_000_000
DISC_SIZE = 1 << 20
BOOT_LIMIT = 900.0 if KERNEL else 180.0
# With large pages for the emulated memory a restore takes half the time.
HUGE_PAGES = "glibc.malloc.hugetlb=1"

# A Celeron of 2004 is the newest 64-bit model that Bochs knows without VMX.
MODEL = "corei7_skylake_x"
MODEL_WITHOUT_VMX = "p4_prescott_celeron_336"

# What Bochs' BIOS leaves in IA32_FEATURE_CONTROL is 5: locked, VMXON allowed.
FEATURE_CONTROL = {Vary.LOCKED: 1, Vary.UNLOCKED: 0}

SYNC = {Kind.PEOPLE: "slowdown"}
CPUS = {Kind.SMP: 2}

CONFIG = """\
display_library: term
cpu: model={model}, count={cpus}, ips={ips}, reset_on_triple_fault=0
memory: guest={megabytes}, host={megabytes}
romimage: file={bios}
vgaromimage: file={video_bios}
clock: sync={sync}
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=cdrom, path=boot.iso, status=inserted
ata0-slave: type=cdrom, path=disc, status=inserted
ata1: enabled=0
boot: cdrom
com1: enabled=1, mode=file, dev=kernel.log
com2: enabled=1, mode=term, dev=line
parport1: enabled=1, file=agent.out
speaker: enabled=0
sound: waveoutdrv=dummy
log: bochs.log
info: action=ignore
panic: action=fatal
"""

# What the agent sends when it waits: the frame HELLO of link.py.
HELLO = b"H\0\0\0"
# Bochs' debugger says so when all devices are there and the machine is about to run.
RUNNING = b"Next at t="

# Counters that Bochs does not have, and names of devices that it left out.
MEANS_NOTHING = re.compile("RDMSR: Unknown register|restore_logopts")
# A guest that waits for somebody to type may write gigabytes of such lines.
LOG_MAX = 64 << 20


class Bochs(Emulator):
    name = "bochs"
    log_name = "bochs.log"

    @staticmethod
    def missing() -> str | None:
        wanted = {
            BOCHS: "bochs",
            BIOS: "bochsbios",
            VIDEO_BIOS: "vgabios",
            TEXT_DISPLAY: "bochs-term",
        }
        packages = sorted({name for path, name in wanted.items() if not path.exists()})
        if packages:
            return f"Debian's {' and '.join(packages)} not installed: run `make setup`"
        return None

    def start(self, kind: Kind, vary: Vary, progress: Progress) -> Channel:
        disc = image.build(progress, hosting=kind is Kind.HOST)
        model = MODEL_WITHOUT_VMX if vary is Vary.NO_VMX else MODEL
        iso = disc / ("mitigated.iso" if vary is Vary.MITIGATED else "boot.iso")
        state = saved_state(kind, model, iso, progress)
        if state:
            return self._start(iso, restore=state, vary=vary)
        if vary in FEATURE_CONTROL:
            raise EngineError(
                f"a machine with VMX {vary.value} needs a saved state, and Bochs could not save one"
            )
        return self._start(iso, config=config_for(kind, model))

    def _lean(self, log: str) -> str:
        return "\n".join(line for line in log.splitlines() if not MEANS_NOTHING.search(line))

    def _start(
        self,
        iso: Path,
        restore: Path | None = None,
        vary: Vary = Vary.NOTHING,
        config: str = "",
        preload: Sequence[str] = (),
    ) -> Channel:
        folder = self._new_folder()
        (folder / "boot.iso").symlink_to(iso)
        with open(folder / "disc", "wb") as payload:
            payload.truncate(DISC_SIZE)
        (folder / "run").write_text("c\n")
        if restore:
            arguments = ["-r", "state"]
            (folder / "state").mkdir()
            for path in restore.iterdir():
                (folder / "state" / path.name).symlink_to(path)
            if vary in FEATURE_CONTROL:
                change_feature_control(folder / "state", FEATURE_CONTROL[vary])
        else:
            arguments = ["-f", "bochsrc"]
            (folder / "bochsrc").write_text(config)

        kernel_log = self._fifo(folder / "kernel.log")
        from_agent = self._fifo(folder / "agent.out")
        to_agent, line = self._pty()
        (folder / "line").symlink_to(os.ttyname(line))
        display, display_end = self._pty()

        process = self._spawn(
            ["env", *preload, BOCHS, "-q", *arguments, "-rc", "run"],
            {"TERM": "vt100", "GLIBC_TUNABLES": HUGE_PAGES},
            stdin=display_end,
            stdout=display_end,
            stderr=display_end,
        )
        self._wait_until_running(display)
        return Channel(
            process=process,
            to_agent=to_agent,
            from_agent=from_agent,
            kernel_log=kernel_log,
            disc=folder / "disc",
            drains=[to_agent, display],  # a terminal would keep what Linux sends back
            ready=bool(restore),
            now_and_then=self._trim_log,
        )

    def _trim_log(self) -> None:
        """Bochs goes on writing where it was: before that the file becomes a hole."""
        if self._folder and os.stat(self._folder / "bochs.log").st_blocks * 512 > LOG_MAX:
            os.truncate(self._folder / "bochs.log", 0)

    def _pty(self) -> tuple[int, int]:
        master, slave = pty.openpty()
        for end in (master, slave):
            self._open.callback(os.close, end)
        tty.setraw(slave)
        os.set_blocking(master, False)
        return master, slave

    def _wait_until_running(self, display: int) -> None:
        """What is written to the serial line before this moment is thrown away."""
        assert self._process
        said = b""
        with open_pidfd(self._process) as ended:
            while RUNNING not in said:
                ready, _, _ = select.select([display, ended], [], [], BOOT_LIMIT)
                if display in ready:
                    said += os.read(display, 65536)
                else:
                    words = said.decode(errors="replace").strip().splitlines()[-5:]
                    end = "\n".join([*words, self.log()])
                    self.stop()
                    raise EngineError(f"Bochs did not start; the end of what it said:\n{end}")

    def save(self, config: str, iso: Path, folder: Path, library: Path) -> bool:
        """Boot, and save the state into `folder` when the agent waits. False: it did not work."""
        preload = [f"LD_PRELOAD={library}", f"VIRTX_SAVE={folder}"]
        channel = self._start(iso, config=config, preload=preload)
        limit = time.monotonic() + BOOT_LIMIT
        outputs = [channel.from_agent, channel.kernel_log, *channel.drains]
        said = b""
        with open_pidfd(channel.process) as ended:
            while ended not in (
                ready := select.select([*outputs, ended], [], [], max(0, limit - time.monotonic()))[
                    0
                ]
            ):
                if not ready:
                    return False
                for output in ready:
                    data = os.read(output, 65536)
                    if output == channel.from_agent and HELLO not in said:
                        said += data
                        if HELLO in said:
                            channel.process.send_signal(signal.SIGUSR1)
        return channel.process.wait() == 0


def config_for(kind: Kind, model: str) -> str:
    return CONFIG.format(
        model=model,
        cpus=CPUS.get(kind, 1),
        sync=SYNC.get(kind, "none"),
        ips=INSTRUCTIONS_PER_SECOND,
        megabytes=MEGABYTES.get(kind, MEGABYTES_ELSE),
        bios=BIOS,
        video_bios=VIDEO_BIOS,
    )


def saved_state(kind: Kind, model: str, iso: Path, progress: Progress) -> Path | None:
    """The folder with the state of a booted machine; None if Bochs could not save it."""
    source = HARNESS / "bochs_save.c"
    name = f"state-{kind.value}-{model}-{iso.stem}"
    folder = L1 / f"{name}-{image.key([Path(__file__), source, BOCHS, BIOS, iso])}"
    with locked(name):
        if folder.exists():
            return folder
        progress("booting the test machine for the first time")
        new = L1 / f"new-{name}"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir()
        library = L1 / f"{name}.so"
        image.run("gcc", "-shared", "-fPIC", "-O2", "-o", library, source)
        engine = Bochs()
        try:
            if not engine.save(config_for(kind, model), iso, new, library):
                return None
        finally:
            engine.stop()
        repair_config(new / "config")
        for old in L1.glob(f"{name}-*"):
            shutil.rmtree(old)
        new.rename(folder)
        return folder


def repair_config(config: Path) -> None:
    """Restored timers go by number, and numbers by the order in which plugins load.

    The chipset loads usb_uhci last at the first start. The saved list has it before the
    serial ports, which would then be deaf.
    """
    text = config.read_text()
    text = text.replace("usb_uhci=true, ", "", 1)
    text = re.sub(r"^(plugin_ctrl:.*)$", r"\1, usb_uhci=true", text, count=1, flags=re.MULTILINE)
    config.write_text(text)


def change_feature_control(state: Path, value: int) -> None:
    """Give every CPU of a saved state another IA32_FEATURE_CONTROL.

    The firmware writes and locks it long before Linux starts, and no instruction can
    unlock it; but in the saved state it is a line of text.
    """
    for link in state.glob("cpu[0-9]*"):
        text, count = re.subn(
            r"\bia32_feature_ctrl = 0x[0-9a-f]+",
            f"ia32_feature_ctrl = {value:#010x}",
            link.read_text(),
        )
        if count != 1:
            raise EngineError(f"Bochs' saved state has no ia32_feature_ctrl in {link.name}")
        link.unlink()
        link.write_text(text)
