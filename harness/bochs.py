# SPDX-License-Identifier: GPL-2.0-only
"""The bochs engine: emulates VMX on any computer.

A machine boots once for each kind (13 seconds), its state is saved below build/l1, and
every later start restores it in a second. Every machine has a folder of its own below
the folder for temporary files; no port listens, no terminal is touched.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import tempfile
import time
import tty
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness import image
from harness.engine import Channel, Engine, EngineError, Kind, Progress, Vary
from harness.paths import HARNESS, L1, locked

BOCHS = Path("/usr/bin/bochs-bin")
BIOS = Path("/usr/share/bochs/BIOS-bochs-latest")
VIDEO_BIOS = Path("/usr/share/bochs/VGABIOS-lgpl-latest")
TEXT_DISPLAY = Path("/usr/lib/x86_64-linux-gnu/bochs/plugins/libbx_term_gui.so")

# Room for a guest image of 64 MB beside a guest of 64 MB. More would start slower.
MEGABYTES = 256
# Linux takes the CPU model's clock for true, the devices go by `ips`: the kernel's
# command line in image.py must say the same (tsc_early_khz).
INSTRUCTIONS_PER_SECOND = 50_000_000
DISC_SIZE = 1 << 20
BOOT_LIMIT = 180.0

SYNC = {Kind.TEST: "none", Kind.PEOPLE: "slowdown", Kind.SMP: "none"}
CPUS = {Kind.TEST: 1, Kind.PEOPLE: 1, Kind.SMP: 2}

CONFIG = """\
display_library: term
cpu: model=corei7_skylake_x, count={cpus}, ips={ips}, reset_on_triple_fault=0
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
panic: action=fatal
"""

# What the agent sends when it waits: the frame HELLO of link.py.
HELLO = b"H\0\0\0"
# Bochs' debugger says so when all devices are there and the machine is about to run.
RUNNING = b"Next at t="


class Bochs(Engine):
    name = "bochs"

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._open = contextlib.ExitStack()
        self._last_log = ""

    @staticmethod
    def missing() -> str | None:
        wanted = {
            BOCHS: "bochs",
            BIOS: "bochsbios",
            VIDEO_BIOS: "bochs",
            TEXT_DISPLAY: "bochs-term",
        }
        packages = sorted({name for path, name in wanted.items() if not path.exists()})
        if packages:
            return f"Debian's {' and '.join(packages)} not installed: run `make setup`"
        return None

    def start(self, kind: Kind, vary: Vary, progress: Progress) -> Channel:
        disc = image.build(progress)
        state = saved_state(kind, disc, progress)
        if state:
            return self._start(disc, restore=state, vary=vary)
        if vary is not Vary.NOTHING:
            raise EngineError(f"a machine with {vary.value} needs a saved state, and saving failed")
        return self._start(disc, config=config_for(kind))

    def log(self) -> str:
        if self._folder:
            with contextlib.suppress(FileNotFoundError):
                # A line a second about registers that Linux asks for means nothing.
                lines = tail(self._folder / "bochs.log").splitlines()
                kept = [line for line in lines if "RDMSR: Unknown register" not in line]
                self._last_log = "\n".join(kept)
        return self._last_log

    def stop(self) -> None:
        if self._process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None
        self.log()
        self._open.close()
        self._folder = None

    def _start(
        self,
        disc: Path,
        restore: Path | None = None,
        vary: Vary = Vary.NOTHING,
        config: str = "",
        preload: Sequence[str] = (),
    ) -> Channel:
        folder = self._folder = self._open.enter_context(private_folder())
        (folder / "boot.iso").symlink_to(disc / "boot.iso")
        with open(folder / "disc", "wb") as payload:
            payload.truncate(DISC_SIZE)
        (folder / "run").write_text("c\n")
        if restore:
            arguments = ["-r", "state"]
            (folder / "state").mkdir()
            for path in restore.iterdir():
                (folder / "state" / path.name).symlink_to(path)
            change(folder / "state", vary)
        else:
            arguments = ["-f", "bochsrc"]
            (folder / "bochsrc").write_text(config)

        kernel_log = self._fifo(folder / "kernel.log")
        from_agent = self._fifo(folder / "agent.out")
        to_agent, line = self._pty()
        (folder / "line").symlink_to(os.ttyname(line))
        display, display_end = self._pty()

        # nice: it is somebody's laptop. pdeathsig: no way out leaves an emulator behind.
        command = ["setpriv", "--pdeathsig", "KILL", "nice", "-n", "10", "env", *preload, BOCHS]
        self._process = subprocess.Popen(
            [*command, "-q", *arguments, "-rc", "run"],
            cwd=folder,
            env={"PATH": os.defpath, "TERM": "vt100", "TMPDIR": str(folder)},
            stdin=display_end,
            stdout=display_end,
            stderr=display_end,
            start_new_session=True,
        )
        self._wait_until_running(display)
        return Channel(
            process=self._process,
            to_agent=to_agent,
            from_agent=from_agent,
            kernel_log=kernel_log,
            disc=folder / "disc",
            drains=[display],
            ready=bool(restore),
        )

    def _fifo(self, path: Path) -> int:
        """What Bochs takes for a file; we read it as it is written, and Bochs waits for us."""
        os.mkfifo(path)
        # For reading and writing: then it has no end when Bochs closes it.
        end = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        self._open.callback(os.close, end)
        return end

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

    def save(self, kind: Kind, disc: Path, folder: Path, library: Path) -> bool:
        """Boot, and save the state into `folder` when the agent waits. False: it did not work."""
        preload = [f"LD_PRELOAD={library}", f"VIRTX_SAVE={folder}"]
        channel = self._start(disc, config=config_for(kind), preload=preload)
        limit = time.monotonic() + BOOT_LIMIT
        outputs = [channel.from_agent, channel.kernel_log, *channel.drains]
        said = b""
        with open_pidfd(channel.process) as ended:
            while ended not in (
                ready := select.select([*outputs, ended], [], [], limit - time.monotonic())[0]
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


@contextlib.contextmanager
def open_pidfd(process: subprocess.Popen[bytes]) -> Iterator[int]:
    descriptor = os.pidfd_open(process.pid)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def private_folder() -> Iterator[Path]:
    """A folder for one machine. What a killed harness left is taken away by the next."""
    prefix = f"virtx-{os.getuid()}-"
    for old in Path(tempfile.gettempdir()).glob(prefix + "*"):
        with contextlib.suppress(OSError), open(old / "lock") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(old)
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def tail(path: Path, length: int = 16384) -> str:
    with open(path, "rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - length))
        return file.read().decode(errors="replace")


def config_for(kind: Kind) -> str:
    return CONFIG.format(
        cpus=CPUS[kind],
        sync=SYNC[kind],
        ips=INSTRUCTIONS_PER_SECOND,
        megabytes=MEGABYTES,
        bios=BIOS,
        video_bios=VIDEO_BIOS,
    )


def saved_state(kind: Kind, disc: Path, progress: Progress) -> Path | None:
    """The folder with the state of a booted machine; None if Bochs could not save it."""
    source = HARNESS / "bochs_save.c"
    key = image.key([Path(__file__), source, BOCHS, BIOS, disc / "boot.iso"])
    folder = L1 / f"state-{kind.value}-{key}"
    with locked(f"state-{kind.value}"):
        if folder.exists():
            return folder
        progress("booting the test machine for the first time")
        new = L1 / f"new-state-{kind.value}"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir()
        library = L1 / f"save-{kind.value}.so"
        image.run("gcc", "-shared", "-fPIC", "-O2", "-o", library, source)
        engine = Bochs()
        try:
            if not engine.save(kind, disc, new, library):
                return None
        finally:
            engine.stop()
        repair(new / "config")
        for old in L1.glob(f"state-{kind.value}-*"):
            shutil.rmtree(old)
        new.rename(folder)
        return folder


def repair(config: Path) -> None:
    """Restored timers go by number, and numbers by the order in which plugins load.

    The chipset loads usb_uhci last at the first start. The saved list has it before the
    serial ports, which would then be deaf.
    """
    text = config.read_text()
    text = text.replace("usb_uhci=true, ", "", 1)
    text = re.sub(r"^(plugin_ctrl:.*)$", r"\1, usb_uhci=true", text, count=1, flags=re.MULTILINE)
    config.write_text(text)


def change(state: Path, vary: Vary) -> None:
    """Edit the links to a saved state so that the machine wakes up as another one."""
    if vary is Vary.NOTHING:
        return
    raise NotImplementedError(vary)
