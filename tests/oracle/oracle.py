# SPDX-License-Identifier: GPL-2.0-only
"""Random scripts for the device models, answered by QEMU's devices and by ours.

    /usr/bin/python3 -m tests.oracle.oracle --chip i8259 --scripts 3000 --seed 1

rom.asm plays the scripts in QEMU, replay.c plays them to our models. An answer that
differs without being one of the rules in replay.c (differences.md explains them) is
shown as the shortest script that still has it.
"""

from __future__ import annotations

import argparse
import random
import re
import struct
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parents[1]
COMMON = TOP / "common"

QEMU = "qemu-system-i386"
CHIPS = ("i8259", "i8254", "ns16550", "mixed")
STEPS = 50

# An instruction takes 2 ** shift nanoseconds. With the large ones a script gets through
# milliseconds, with the small ones it sees the single nanosecond.
SHIFTS = (0, 3, 5, 7)

# Few enough that the answers of all fit between ANSWERS and the end of memory.
BATCH = 1000

# In so many scripts, of all chips together, each rule must be of use.
ENOUGH = 10_000

Script = tuple[bytes, ...]  # of steps

OUT, IN, DELAY, INTERRUPT, MARK = range(1, 6)
END = bytes(4)
PIC = (0x20, 0xA0)
ELCR = 0x4D0
PIT = 0x40
CONTROL = 0x43
PORT61 = 0x61
COM1 = 0x3F8
LINES = [n for n in range(16) if n != 2]


class OracleError(Exception):
    """The oracle itself does not work."""


def out(port: int, value: int) -> bytes:
    return struct.pack("<BBH", OUT, value & 0xFF, port)


def read(port: int, unchecked: bool = False) -> bytes:
    return struct.pack("<BBH", IN, unchecked, port)


def delay(turns: int) -> bytes:
    return struct.pack("<I", DELAY | min(max(turns, 1), 0xFFFFFF) << 8)


def interrupt() -> bytes:
    return bytes((INTERRUPT, 0, 0, 0))


def line(n: int, level: bool) -> bytes:
    return out(0x8000 + 0x20 * n + 0x0F, 0x40 if level else 0)


def show(step: bytes) -> str:
    what, value, port = struct.unpack("<BBH", step)
    if what == OUT and port >= 0x8000:
        return f"IRQ {port - 0x8000 >> 5} {'high' if value else 'low'}"
    if what == OUT:
        return f"OUT {port:03x}h, {value:02x}h"
    if what == IN:
        return f"IN  {port:03x}h"
    if what == DELAY:
        return f"delay of {int.from_bytes(step[1:], 'little')} turns"
    return "take an interrupt"


# --- scripts -----------------------------------------------------------------------


def quiet() -> list[bytes]:
    """Whatever a script before has done: from here on all chips are as after this."""
    steps = [out(COM1 + 2, 0), out(COM1 + 3, 0), out(COM1 + 1, 0), out(COM1 + 4, 0x10)]
    steps += [out(COM1, 0), read(COM1, True), read(COM1 + 5, True), out(COM1 + 4, 0)]
    steps += [read(COM1 + 6, True), read(COM1 + 2, True), out(COM1 + 7, 0)]
    steps += [out(COM1 + 3, 0x80), out(COM1, 1), out(COM1 + 1, 0), out(COM1 + 3, 3)]
    steps += [out(PORT61, 0)]
    for counter in range(3):
        # Something may still be latched: a status and two bytes.
        steps += [out(CONTROL, 0x30 | counter << 6)] + [read(PIT + counter, True)] * 4
        steps += [out(CONTROL, 0x30 | counter << 6), out(PIT + counter, 1), out(PIT + counter, 0)]
    steps += [delay(1000), out(ELCR, 0), out(ELCR + 1, 0)]
    # IRQ 0 and 4 belong to the timer and the serial port.
    steps += [line(n, False) for n in LINES if n not in (0, 4)]
    return steps


class Generator:
    """One script. `rare` things happen in few scripts, so that most go on to the end."""

    def __init__(self, chip: str, seed: int, index: int) -> None:
        self.random = random.Random(f"{seed} {chip} {index}")
        self.shift = SHIFTS[index % len(SHIFTS)]
        self.chip = chip
        self.steps: list[bytes] = []
        self.high: set[int] = set()
        self.gate = 0
        self.divisor = 1
        self.lower = self.random.choice((0.0, 0.1, 0.5))
        self.odd = self.random.random() < 0.2
        self.special_mask = self.random.random() < 0.2
        self.lines = [n for n in LINES if chip == "i8259" or n not in (0, 4)]

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def rare(self, probability: float) -> bool:
        return self.odd and self.chance(probability)

    def add(self, *steps: bytes) -> None:
        self.steps.extend(steps)

    def script(self) -> Script:
        self.steps = quiet()
        if self.chip == "i8259":
            self.add(line(0, False), line(4, False))
        elif self.chip == "mixed":
            # OUT 0 is low while the 8259s are initialised, since QEMU's take it for an edge.
            self.add(out(CONTROL, 0x30), out(PIT, 0xFF), out(PIT, 0xFF))
        self.pic_init(begin=True)
        if self.chip in ("i8254", "mixed"):
            self.pit_begin()
        if self.chip in ("ns16550", "mixed"):
            self.uart_begin()
        end = len(self.steps) + STEPS
        choices = {
            "i8259": (self.pic_step,),
            "i8254": (self.pit_step,),
            "ns16550": (self.uart_step,),
            "mixed": (self.pic_step, self.pic_step, self.pit_step, self.uart_step),
        }[self.chip]
        while len(self.steps) < end:
            self.random.choice(choices)()
        return tuple(self.steps[:end])

    # The 8259 pair.

    def pic_init(self, begin: bool = False) -> None:
        order = (0, 1) if self.rare(0.3) else (1, 0)
        for slave in order:
            if not begin and self.chance(0.4):
                continue
            port = PIC[slave]
            icw1 = 0x11
            if self.chip != "mixed" and self.chance(0.15):
                icw1 = 0x10
            if self.rare(0.1):
                icw1 |= self.random.choice((0x02, 0x08))
            # Different vectors, so that one says which input it was.
            vectors = self.random.randrange(256) & ~8 | slave << 3
            self.add(out(port, icw1), out(port + 1, vectors))
            if not icw1 & 2:
                self.add(
                    out(port + 1, self.random.randrange(256) if self.rare(0.1) else 4 >> slave)
                )
            if icw1 & 1:
                icw4 = 1 | self.random.choice((0, 0, 0, 8, 12))
                icw4 |= 2 if self.chance(0.25) else 0
                icw4 |= 16 if self.chance(0.2) else 0
                self.add(out(port + 1, icw4))
                if icw4 & 2 and self.chance(0.5):
                    self.add(out(port, 0x80))  # rotate
            if self.chance(0.3):
                self.add(out(port + 1, self.random.randrange(256)))
        if begin and self.chance(0.5):
            self.add(out(ELCR, self.random.randrange(256)))
            self.add(out(ELCR + 1, self.random.randrange(256)))

    def pic_step(self) -> None:
        dice = self.random.random()
        port = self.random.choice(PIC)
        if self.special_mask and self.chance(0.1):
            # Mask what is in service, so that what is less urgent gets through.
            self.add(out(port + 1, 0xFF >> self.random.randrange(8)))
            self.add(out(port, self.random.choice((0x68, 0x68, 0x48, 0x28))), interrupt())
        elif dice < 0.28:
            n = self.random.choice(self.lines)
            if n not in self.high:
                self.high.add(n)
                self.add(line(n, True))
            elif self.chance(self.lower):
                self.high.remove(n)
                self.add(line(n, False))
                if self.chance(0.7):
                    self.high.add(n)
                    self.add(line(n, True))
        elif dice < 0.45:
            self.add(interrupt())
        elif dice < 0.53:
            self.add(out(0x20, 0x20))
            if self.chance(0.6):
                self.add(out(0xA0, 0x20))
        elif dice < 0.62:
            command = self.random.choice((0x20, 0x60, 0xA0, 0xE0, 0xC0, 0x80, 0x00, 0x40))
            self.add(out(port, command | self.random.randrange(8)))
        elif dice < 0.70:
            mask = self.random.randrange(256) & self.random.randrange(256)
            self.add(out(port + 1, mask))
        elif dice < 0.82:
            self.add(out(port, self.random.choice((0x0A, 0x0B))), read(port))
        elif dice < 0.90:
            self.add(read(port + self.random.randrange(2)))
        elif dice < 0.93:
            self.add(out(port, 0x0C))
            if not self.rare(0.3):
                self.add(read(port + self.random.randrange(2)))
        elif dice < 0.96:
            self.add(out(port, self.random.choice((0x68, 0x68, 0x48, 0x6B, 0x4A, 0x28, 0x08))))
        elif dice < 0.97:
            self.add(read(ELCR + self.random.randrange(2)))
        elif self.rare(0.3):
            self.add(out(ELCR + self.random.randrange(2), self.random.randrange(256)))
        elif self.rare(0.3):
            self.add(out(port, 0x11))  # begins an initialisation that does not end
        elif self.chance(0.5):
            self.pic_init()

    # The 8254.

    def ticks(self) -> int:
        """A count: small ones, where much happens, as often as large ones."""
        most = min(65535, 200 << self.shift)
        return int(2 ** self.random.uniform(1, most.bit_length())) % (most + 1)

    def pit_write(self, counter: int, access: int, count: int) -> None:
        if access == 1:
            self.add(out(PIT + counter, count))
        elif access == 2:
            self.add(out(PIT + counter, count >> 8))
        elif not self.rare(0.05):
            self.add(out(PIT + counter, count), out(PIT + counter, count >> 8))
        else:
            self.add(out(PIT + counter, count))

    def pit_reads(self, counter: int, count: int) -> list[bytes]:
        """All bytes of something; what is latched between two of them is a rule's business."""
        return [read(PIT + counter)] * (self.random.randrange(4) if self.rare(0.2) else count)

    def pit_program(self, counter: int, modes: tuple[int, ...]) -> None:
        mode = self.random.choice(modes)
        if self.rare(0.05):
            mode = self.random.choice((6, 7))
        access = self.random.choice((1, 2, 3, 3, 3, 3))
        bcd = self.rare(0.1)
        self.add(out(CONTROL, counter << 6 | access << 4 | mode << 1 | bcd))
        if self.rare(0.05):
            return
        count = self.ticks()
        if mode == 3 and not self.chance(0.3):
            count &= ~1
        if access != 2 and mode in (2, 3) and count == 1:
            count = 0 if self.chance(0.9) else 1
        self.pit_write(counter, access, count)
        if mode in (1, 5) and counter == 2 and self.chance(0.8):
            self.add(out(PORT61, 0), out(PORT61, 1))
            self.gate = 1

    def pit_begin(self) -> None:
        if self.chip == "mixed":
            # From mode 0 with OUT high to mode 2 there is no edge, in both.
            self.add(out(CONTROL, 0x10), out(PIT, 1), delay(4000 >> self.shift))
            self.pit_program(0, (0, 2, 2, 3))
            return
        self.gate = int(self.chance(0.8))
        self.add(out(PORT61, self.gate))
        for counter in range(3):
            self.pit_program(counter, (0, 2, 3))

    def pit_step(self) -> None:
        dice = self.random.random()
        counter = self.random.randrange(3)
        if self.chip == "mixed" and self.chance(0.7):
            counter = 0
        modes = (0, 0, 0, 2, 2, 2, 3, 3, 3, 4, 4)
        if dice < 0.25:
            self.pit_delay()
        elif dice < 0.45:
            self.add(*self.pit_reads(counter, 2))
        elif dice < 0.57:
            self.add(out(CONTROL, counter << 6), *self.pit_reads(counter, 2))
        elif dice < 0.67:
            which = self.random.choice((1 << counter, 1 << counter, self.random.randrange(1, 8)))
            if self.chance(0.2):  # latched already: the second time does nothing
                self.add(out(CONTROL, 0xC0 | which << 1), delay(2000 >> self.shift))
            what, bytes_ = self.random.choice(((0x00, 3), (0x10, 2), (0x20, 1)))
            self.add(out(CONTROL, 0xC0 | what | which << 1))
            for n in range(3):
                if which >> n & 1:
                    self.add(*self.pit_reads(n, bytes_))
        elif dice < 0.75:
            self.add(read(PORT61))
        elif dice < 0.80:
            self.gate = int(self.chance(0.7))
            self.add(out(PORT61, self.random.randrange(256) & 0xFE | self.gate))
        elif dice < 0.82:
            self.add(read(CONTROL) if self.odd else read(PORT61))
        elif dice < 0.86:
            self.pit_write(counter, self.random.choice((1, 2, 3)), self.ticks())
        elif self.chip == "mixed" and counter == 0:
            if self.rare(0.3):
                self.pit_program(0, (0, 2, 3))
        else:
            self.pit_program(counter, modes + ((1, 5) * 3 if counter == 2 else (1, 5)))

    def pit_delay(self) -> None:
        ns = self.ticks() * 838 * self.random.choice((0.5, 1, 1, 2))
        self.add(delay(int(min(ns, 30_000_000)) >> self.shift + 1))

    # The 16550.

    def uart_format(self) -> None:
        self.divisor = self.random.choice((1, 1, 1, 2, 3, 12))
        if self.rare(0.1):
            self.divisor = self.random.choice((0, 0xFFFF, 0x0102))
        lcr = self.random.randrange(64)
        if self.rare(0.2):
            lcr |= 0x40
        latch = [out(COM1, self.divisor), out(COM1 + 1, self.divisor >> 8)]
        self.random.shuffle(latch)
        self.add(out(COM1 + 3, 0x80 | lcr), *latch)
        if self.chance(0.3):
            self.add(read(COM1), read(COM1 + 1))
        self.add(out(COM1 + 3, lcr))

    def uart_modem(self) -> None:
        mcr = self.random.randrange(256)
        if self.chip == "mixed":
            # Where OUT2's gate is closed QEMU's interrupts differ at once.
            mcr = (mcr | 8) & ~16 if not self.rare(0.3) else mcr
        elif self.chance(0.7):
            mcr |= 16
        self.add(out(COM1 + 4, mcr))

    def uart_fcr(self) -> None:
        fcr = self.random.randrange(256) | 1
        if self.chance(0.5 if self.odd else 0.2):
            fcr = fcr & ~1 if self.odd else 0
        if self.chance(0.5) and not self.odd:
            fcr &= ~6
        self.add(out(COM1 + 2, fcr))

    def uart_begin(self) -> None:
        self.uart_format()
        self.uart_modem()
        if self.chance(0.7):
            self.uart_fcr()
        self.add(out(COM1 + 1, self.random.randrange(256) | self.chance(0.7)))

    def uart_step(self) -> None:
        dice = self.random.random()
        if dice < 0.25:
            burst = self.random.choice((1, 1, 1, 2, 3, 4))
            if self.chance(0.05):
                burst = self.random.choice((7, 8, 13, 14, 16, 17))
            self.add(*(out(COM1, self.random.randrange(256)) for _ in range(burst)))
            if burst > 3:
                self.add(read(COM1 + 2))
            elif self.chip == "mixed" and self.chance(0.2):
                # Still the same cause, but a new edge.
                self.add(interrupt(), out(0x20, 0x20), out(COM1, 0), interrupt())
        elif dice < 0.40:
            for _ in range(self.random.choice((1, 1, 2, 4))):
                self.add(read(COM1))
        elif dice < 0.55:
            self.add(read(COM1 + 2))
        elif dice < 0.67:
            self.add(read(COM1 + 5))
        elif dice < 0.77:
            characters = self.random.choice((0.5, 1, 3, 3.9, 4.1, 5))
            ns = characters * 1e9 / 115200 * min(self.divisor or 1, 12) * 10
            self.add(delay(int(ns) >> self.shift + 1))
        elif dice < 0.83:
            self.add(out(COM1 + 1, self.random.randrange(16)))
        elif dice < 0.87:
            self.add(read(COM1 + 6))
        elif dice < 0.90:
            self.uart_modem()
        elif dice < 0.93:
            self.uart_fcr()
        elif dice < 0.95:
            self.uart_format()
        elif dice < 0.97:
            self.add(read(COM1 + self.random.choice((1, 3, 4, 7))))
        else:
            self.add(out(COM1 + self.random.choice((5, 6, 7)), self.random.randrange(256)))


# --- runs ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Difference:
    script: int
    step: int
    qemu: int
    ours: int


@dataclass
class Result:
    differences: list[Difference] = field(default_factory=list)
    rules: Counter[str] = field(default_factory=Counter)
    compared: int = 0
    excused: int = 0  # of those: a rule would have let a difference pass


def command(*words: str | Path) -> str:
    done = subprocess.run(words, text=True, capture_output=True, timeout=600, check=False)
    if done.returncode:
        raise OracleError(f"{words[0]}: {done.stderr or done.stdout}")
    return done.stdout


def newest(name: str) -> Path:
    """A model, as the newest stage has it: the folder in which it lies says who owns it."""
    return sorted(TOP.glob(f"stages/*/vtx*/dev/{name}.c"))[-1]


class Oracle:
    """Builds both sides below `folder`; compares batches of scripts."""

    def __init__(self, folder: Path, models: Path | None = None) -> None:
        self.folder = folder
        self.rom = folder / "rom.bin"
        self.replay = folder / "replay"
        command("nasm", "-f", "bin", "-o", self.rom, HERE / "rom.asm")
        flags = "-std=gnu11 -g -O2 -Wall -Wextra -Werror -Wno-missing-field-initializers".split()
        flags += ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
        names = ("i8259", "i8254", "ns16550")
        sources = [models / f"{name}.c" if models else newest(name) for name in names]
        command(
            "gcc",
            *flags,
            *(f"-I{source.parent}" for source in sources),
            f"-I{COMMON}",
            "-o",
            self.replay,
            HERE / "replay.c",
            *sources,
        )

    def qemu(self, shift: int, stream: Path, answers: Path) -> None:
        arguments = "-M isapc -cpu 486 -m 16 -nodefaults -display none -accel tcg -serial null"
        arguments += f" -icount shift={shift},sleep=off"
        arguments += f" -device loader,file={stream},addr=0x100000,force-raw=on"
        arguments += f" -chardev file,id=console,path={answers}"
        arguments += " -device isa-debugcon,iobase=0xe9,chardev=console"
        arguments += " -device isa-debug-exit,iobase=0xf4"
        for n in range(16):
            arguments += f" -device ne2k_isa,iobase={0x8000 + 0x20 * n:#x},irq={n}"
        done = subprocess.run(
            [QEMU, *arguments.split(), "-bios", str(self.rom)],
            text=True,
            capture_output=True,
            timeout=600,
            check=False,
        )
        if done.returncode != 1:  # isa-debug-exit's: 2 * 0 + 1
            raise OracleError(f"QEMU ended with {done.returncode}: {done.stderr}")

    def compare(self, shift: int, scripts: list[Script], verbose: bool = False) -> Result:
        stream, answers = self.folder / "stream.bin", self.folder / "answers.bin"
        mark = bytes((MARK, 0, 0, 0))
        stream.write_bytes(b"".join(mark + b"".join(script) for script in scripts) + END)
        self.qemu(shift, stream, answers)
        text = command(self.replay, str(shift), stream, answers, *["-v"] * verbose)
        if verbose:
            print(text)
        result = Result()
        for line_ in text.splitlines():
            words = line_.split()
            if words[0] == "differ":
                script, step = map(int, words[1:3])
                result.differences.append(
                    Difference(script, step, int(words[3], 16), int(words[4], 16))
                )
            elif words[0] == "rule":
                result.rules[words[1]] += int(words[2])
            elif words[0] == "compared":
                result.compared, result.excused = map(int, words[1:3])
        return result

    def run(self, chip: str, scripts: int, seed: int) -> Iterator[tuple[int, list[Script], Result]]:
        """The shift and the scripts of each batch, and what came of them."""
        for begin, shift in enumerate(SHIFTS):
            indices = list(range(begin, scripts, len(SHIFTS)))
            for first in range(0, len(indices), BATCH):
                batch = [Generator(chip, seed, i).script() for i in indices[first : first + BATCH]]
                yield shift, batch, self.compare(shift, batch)

    def minimise(self, shift: int, script: Script, most: int = 40) -> Script:
        """Drops steps as long as an answer differs. Empty if alone it does not."""
        if not self.compare(shift, [script]).differences:
            return ()
        begin = tuple(quiet())
        script = script[len(begin) :]
        size = len(script) // 2
        while size and most:
            most -= 1
            variants = [
                begin + script[:first] + script[first + size :]
                for first in range(0, len(script), size)
            ]
            differences = self.compare(shift, variants).differences
            if differences:
                best = differences[-1]
                script = variants[best.script][len(begin) : best.step]
            else:
                size //= 2
        return begin + script


def listed() -> list[str]:
    """The rules that replay.c has."""
    return re.findall(r'X\(\w+, "([\w-]+)"\)', (HERE / "replay.c").read_text())


def explained() -> list[str]:
    """The rules that differences.md explains."""
    return re.findall(r"^\| `([\w-]+)`", (HERE / "differences.md").read_text(), re.MULTILINE)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="/usr/bin/python3 -m tests.oracle.oracle")
    parser.add_argument("--chip", choices=(*CHIPS, "all"), default="all")
    parser.add_argument("--scripts", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--models", type=Path, help="folder of the models; the newest stage's")
    parser.add_argument("--show", type=int, help="play only this script, and show each step")
    parser.add_argument("--most", type=int, default=5, help="how many differences to minimise")
    return parser.parse_args()


def main() -> int:
    options = parse()
    found, compared, excused = 0, 0, 0
    rules: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="oracle-") as name:
        oracle = Oracle(Path(name), options.models)
        for chip in CHIPS if options.chip == "all" else (options.chip,):
            if options.show is not None:
                generator = Generator(chip, options.seed, options.show)
                oracle.compare(generator.shift, [generator.script()], verbose=True)
                continue
            for shift, batch, result in oracle.run(chip, options.scripts, options.seed):
                rules += result.rules
                compared += result.compared
                excused += result.excused
                for difference in result.differences:
                    found += 1
                    if found > options.most:
                        continue
                    print(f"{chip}, shift {shift}: {difference}")
                    short = oracle.minimise(shift, batch[difference.script])
                    if not short:
                        print("  only behind the scripts before it")
                        continue
                    print(*(f"  {show(step)}" for step in short[len(quiet()) :]), sep="\n")
                    last = oracle.compare(shift, [short]).differences[-1]
                    print(f"  QEMU {last.qemu:x}, ours {last.ours:x}")
    print(f"{compared} answers compared, {excused} of them where a rule might apply")
    print(f"{found} scripts with a difference that no rule explains")
    unused = set(listed()) - set(+rules)
    if options.chip == "all" and options.scripts >= ENOUGH // len(CHIPS) and unused:
        print("never seen, so not a rule:", *sorted(unused))
        found += 1
    for rule, uses in sorted(rules.items()):
        print(f"  {rule} {uses}")
    return 1 if found else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except OracleError as error:
        sys.exit(str(error))
