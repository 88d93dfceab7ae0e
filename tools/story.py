# SPDX-License-Identifier: GPL-2.0-only
"""What happened in a run: requests, VM exits, VMX instructions, in their order.

VTXCTL notes its requests and, once there is a guest that runs, each VM exit (`--trace`). What
VTXDRV asks of the CPU is seen by the kernel itself: its kprobes stop at each VMX instruction in
vtxdrv.ko, so that no line in the module has to tell. Later VTXDRV does more and more alone; then
it has tracepoints, and from them come the sleeps and the interrupts.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import re
import subprocess
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from harness.engine import Kind, Progress, no_progress
from harness.machine import Machine
from harness.paths import LINUX
from harness.stage import Stage

NANOX, VTXDRV, VTXCTL, CPU = "NanoX", "VTXDRV", "VTXCTL", "the CPU"

REQUESTS = {
    "VTX_GET_CAPS": "what can this CPU do?",
    "VTX_MAP_MEMORY": "the guest shall see this memory",
    "VTX_TRANSLATE": "where does this address of the guest lie?",
    "VTX_CREATE_VCPU": "make a vCPU",
    "VTX_PROBE_ENTRY": "try to enter the guest, with a mistake",
    "VTX_GET_SREGS": "which segments does the guest have, and in which mode is it?",
    "VTX_SET_SREGS": "begin with these segments, in this mode",
    "VTX_INTERRUPT": "an interrupt for the guest",
    "VTX_RESET": "pull the reset wire",
    "VTX_IRQ_LINE": "a device pulls its wire, or lets it go",
    "VTX_CREATE_IRQCHIP": "make the interrupt controllers",
    "VTX_CREATE_UART": "make a serial port",
}
# Of the first there is one, and of the second there is the ROM.
REQUESTS_AGAIN = {"VTX_MAP_MEMORY": "and this, the ROM in which its CPU begins"}
# Whose wire ends at which input of the interrupt controllers; in full, and short.
WIRES = {
    0: ("the timer's", "timer"),
    1: ("the keyboard's", "keyboard"),
    3: ("the second serial port's", "serial 2"),
    4: ("the serial port's", "serial"),
}
LET_GO, PULLED = "let go", "pulled"
CLOCK = 0  # this wire is the timer's, and in each group of eight vectors the first
INSTRUCTIONS = {
    "vmxon": "VMX on",
    "vmxoff": "VMX off",
    "vmclear": "give the VMCS back to memory",
    "vmptrld": "work with this VMCS from now on",
    "vmwrite": "fill in the form",
    "vmread": "read in the form",
    "invept": "forget what you know of the guest's tables",
    "vmlaunch": "ask the CPU to enter the guest",
}
PORTS = {
    0x20: "the interrupt controller",
    0x21: "the interrupt controller's masks",
    0xA0: "the second interrupt controller",
    0xA1: "the second interrupt controller's masks",
    0x2F8: "the second serial port",
    0x3F8: "the serial port",
    0x3F9: "the serial port's interrupt enable",
    0x3FA: "the serial port's FIFO control",
    0x3FB: "the serial port's line control",
    0x3FC: "the serial port's modem control",
    0x3FD: "the serial port's line status",
    0x3FE: "the serial port's modem status",
    0x3FF: "the serial port's scratch",
    0x4D0: "edge or level, lines 0 to 7",
    0x4D1: "edge or level, lines 8 to 15",
    0x40: "the timer's counter 0",
    0x41: "the timer's counter 1",
    0x42: "the timer's counter 2",
    0x43: "the timer's control word",
    0x60: "the keyboard's data",
    0x61: "the gate of the timer's counter 2",
    0x64: "the keyboard controller",
    0x70: "which byte of the CMOS",
    0x71: "the CMOS",
    0xF4: "the exit port",
    0xF5: "the doorbell",
}
MASTER, SLAVE, COM1, LCR = 0x20, 0xA0, 0x3F8, 3
TEXT_PORTS = {COM1}

EXIT_REASON_EXCEPTION = 0
EXIT_REASON_HLT = 12
EXIT_REASON_IO = 30


@dataclasses.dataclass
class Event:
    """One thing that happened, or several alike.

    `begin` and `end` are microseconds of the test machine's clock. `source` and `target` are two
    of the names above. `detail` is what differs among events alike: bytes, or names of fields.
    """

    begin: float
    end: float
    source: str
    target: str
    what: str  # a sentence
    label: str  # the same, short
    times: int = 1
    line: str = ""  # where in NanoX, or in VTXDRV
    text: bytes = b""  # what went through a port that carries text
    names: tuple[str, ...] = ()
    places: tuple[str, ...] = ()  # where one and the same thing lies, for each of the three
    tick: bool = False  # the clock's doing: it goes on, whatever the guest does

    @property
    def key(self) -> tuple[str, ...]:
        return (self.source, self.target, self.what, self.line)


# --- What VTXCTL noted ---

LOST = {"what": "and more that was not noted", "label": "more", "text": b"", "line": ""}


def enum_values(header: str, name: str) -> dict[int, str]:
    """The members of a C enum whose values count from 0 or 1."""
    found = re.search(rf"enum {name} {{(.*?)}};", header, re.DOTALL)
    if not found:
        return {}
    body = re.sub(r"/\*.*?\*/", "", found[1], flags=re.DOTALL)
    values, number = {}, 0
    for member in filter(None, (part.strip() for part in body.split(","))):
        member, _, value = member.partition("=")
        number = int(value, 0) if value else number
        values[number] = member.strip()
        number += 1
    return values


def read_trace(text: str, stage: Stage, listing: Listing | None = None) -> list[Event]:
    """The events of a file that `vtxctl --trace` wrote."""
    exits = enum_values((stage.folder / "include/vtx.h").read_text(), "vtx_exit")
    ports = Ports()
    seen: set[str] = set()
    events: list[Event] = []
    for line in text.splitlines():
        try:
            note = json.loads(line)
        except json.JSONDecodeError:
            continue  # it was cut off in the middle of a line
        if "lost" in note:
            events.append(dataclasses.replace(events[-1], **LOST, times=note["lost"]))
            continue
        common = {key: note[key] for key in ("begin", "end", "times")}
        if "ioctl" in note:
            events.append(request(note, common, again=note["ioctl"] in seen))
            seen.add(note["ioctl"])
        elif "serial" in note:
            events.append(copied(note, common))
        else:
            events.append(vm_exit(note, common, exits.get(note["exit"], "?"), listing, ports))
    # VTXCTL notes an exit when all is done for it; what it asked VTXDRV for that began later.
    return pulses(in_order(events))


def wire(note: dict, common: dict) -> Event:
    """A device pulls its wire, or lets it go."""
    number = note["gsi"]
    whose, short = WIRES.get(number, (f"number {number}'s", f"wire {number}"))
    how = PULLED if note["level"] else LET_GO
    what = f"{note['ioctl']}, {whose} wire: {how}"
    label = f"{note['ioctl']}: {short}" if note["level"] else f"{short} lets go"
    return Event(
        **common, source=VTXCTL, target=VTXDRV, what=what, label=label, tick=number == CLOCK
    )


BETWEEN_MOST = 2  # events of another thread that may stand between the halves of a pulse


def pulses(events: list[Event]) -> list[Event]:
    """A wire that is let go and pulled at once is one thing, not two."""
    found: list[Event] = []
    for event in events:
        whose, _, how = event.what.rpartition(": ")
        recent = range(len(found) - 1, max(len(found) - 2 - BETWEEN_MOST, -1), -1)
        same = (at for at in recent if whose and found[at].what.startswith(whose))
        at = next(same, None) if how == PULLED else None
        if at is not None and found[at].what == f"{whose}: {LET_GO}":
            what = f"{whose}: {LET_GO}, {PULLED}"
            found[at] = dataclasses.replace(event, begin=found[at].begin, what=what)
        else:
            found.append(event)
    return found


def request(note: dict, common: dict, again: bool) -> Event:
    name = note["ioctl"]
    if "gsi" in note:
        return wire(note, common)
    answer = f": no, {note['error']}" if note["error"] else ""
    asks = REQUESTS_AGAIN.get(name) if again else None
    what = f"{name}: {asks or REQUESTS.get(name, 'a request')}{answer}"
    return Event(**common, source=VTXCTL, target=VTXDRV, what=what, label=name + answer)


def copied(note: dict, common: dict) -> Event:
    """Bytes that VTXCTL carried between a serial port of VTXDRV's and the world."""
    text = bytes.fromhex(note["data"]) * common["times"]
    place = PORTS.get(note["port"], "a serial port")
    if note["serial"] == "out":
        what, label = f"read: {place} has sent", "read"
        return Event(**common, source=VTXDRV, target=VTXCTL, what=what, label=label, text=text)
    what, label = f"write: to {place}", "write"
    return Event(**common, source=VTXCTL, target=VTXDRV, what=what, label=label, text=text)


class Ports:
    """What a byte means to a chip that is told many things through one port: it goes by their order."""

    def __init__(self) -> None:
        self._divisor = False  # while LCR's uppermost bit is set
        self._words: dict[int, list[str]] = {}  # what each controller expects after ICW1

    def out(self, port: int, value: int) -> tuple[str, str]:
        """What an OUT of one byte says, and to whom; empty where the port's name tells enough."""
        if port == COM1 + LCR:
            self._divisor = bool(value & 0x80)
        if port in (COM1, COM1 + 1) and self._divisor:
            half = "low" if port == COM1 else "high"
            return PORTS[COM1], f"its speed's divisor, the {half} byte"
        if port in (MASTER, SLAVE):
            return PORTS[port], self._command(port, value)
        if port in (MASTER + 1, SLAVE + 1):
            if expected := self._words.get(port - 1):
                return PORTS[port - 1], expected.pop(0).format(value)
            return PORTS[port], f"{value:08b}"
        return "", ""

    def _command(self, port: int, value: int) -> str:
        if value & 0x10:
            alone = ["ICW3, who is joined to whom"] if not value & 2 else []
            fourth = ["ICW4, as in a PC"] if value & 1 else []
            self._words[port] = ["ICW2, the first vector is {:#x}", *alone, *fourth]
            return "ICW1, begin"
        if value & 0x08:
            return {0x0A: "who asks?", 0x0B: "who is being served?"}.get(value, "")
        return "EOI, I am done" if value & 0xE0 in (0x20, 0x60) else ""


def vm_exit(note: dict, common: dict, name: str, listing: Listing | None, ports: Ports) -> Event:
    """An exit that reached VTXCTL: the guest did something that a real PC would have done."""
    text = b""
    if name == "VTX_EXIT_IO":
        port, size = note["port"], note["size"]
        word, way = ("OUT", "to") if note["out"] else ("IN", "from")
        place = PORTS.get(port, "nothing there")
        amount = f"{size} byte{'s' * (size > 1)}"
        if note["count"] > 1:
            amount = f"{note['count']} times {amount}"
        label = f"{word} {port:#x}"
        data = bytes.fromhex(note["data"])
        whom, meaning = (
            ports.out(port, data[-1]) if note["out"] and size == 1 and data else ("", "")
        )
        what = f"{word} of {amount} {way} port {port:#x}, {whom or place}"
        if meaning:
            what += f": {meaning}"
            label = f"OUT {port:#x}: EOI" if meaning.startswith("EOI") else label
        elif port in TEXT_PORTS:
            text = bytes.fromhex(note["data"]) * common["times"]
    elif name == "VTX_EXIT_HLT":
        what = f"HLT with interrupts {'on' if note['if'] else 'off'}"
        label = "HLT"
    else:
        what, label = {
            "VTX_EXIT_WINDOW": ("now it can take an interrupt", "now it listens"),
            "VTX_EXIT_INTR": ("the host takes its CPU back for a moment", "the host's turn"),
            "VTX_EXIT_SHUTDOWN": ("a triple fault: the guest's CPU shuts down", "triple fault"),
            "VTX_EXIT_FAIL": ("the CPU refused to enter the guest", "entry refused"),
            "VTX_EXIT_EXCEPTION": ("an exception, which ended it", "exception"),
            "VTX_EXIT_KILLED": ("it did what VirtX cannot do, and was ended", "ended"),
        }.get(name, (name, name))
    line = listing.at(note["rip"], note["reason"]) if listing and note["rip"] else ""
    return Event(
        **common, source=NANOX, target=VTXCTL, what=what, label=label, line=line, text=text
    )


# --- Where in NanoX ---


@dataclasses.dataclass(frozen=True)
class Line:
    address: int
    size: int
    number: int
    text: str


class Listing:
    """NanoX as nasm listed it: for each address the line that made it."""

    LINE = re.compile(r"\s*(\d+) ([0-9A-F]{8}) ([0-9A-F\[\]()<>-]+)(?:\s+<\d+>)?\s*(.*)")
    WORDS = {
        EXIT_REASON_IO: re.compile(r"\b(rep\s+)?(in|ins[bwd]|out|outs[bwd])\b"),
        EXIT_REASON_HLT: re.compile(r"\bhlt\b"),
    }

    def __init__(self, text: str, source: str, origin: int) -> None:
        self._source = source
        self._lines = []
        for line in text.splitlines():
            found = self.LINE.match(line)
            if found:
                size = len(re.sub(r"[^0-9A-F]", "", found[3])) // 2
                self._lines.append(Line(origin + int(found[2], 16), size, int(found[1]), found[4]))

    @staticmethod
    def of(stage: Stage) -> Listing | None:
        """That of a stage's NanoX; None where the learner runs another guest."""
        path = stage.build_dir / "nanox.lst"
        if not path.exists():
            return None
        sources = sorted((stage.folder / "nanox").glob("boot.asm"))
        return Listing(path.read_text(), sources[0].name if sources else "nanox", 0x7C00)

    def at(self, rip: int, reason: int) -> str:
        """The line of the instruction that exited: at rip, or just before it if it was done."""
        words = self.WORDS.get(reason)
        for line in self._lines:
            is_it = line.address + line.size == rip or line.address == rip
            if reason == EXIT_REASON_EXCEPTION:  # it was not done
                is_it = line.address == rip
            code = line.text.partition(";")[0]
            if is_it and (not words or words.search(code)):
                return f"{self._source}:{line.number}: {' '.join(code.split())}"
        return ""


# --- What VTXDRV's tracepoints tell ---

TRACING = "/sys/kernel/debug/tracing"
POINTS = f"{TRACING}/events/vtx"
POINT = re.compile(r" (\d+\.\d+): vtx_(exit|inject): \w+ (\w+)")


class Tracepoints:
    """Looks on at a run: sleeps and interrupts, of which VTXCTL hears nothing.

    A stage whose VTXDRV has no tracepoints yet has nothing to tell.
    """

    def __init__(self, text: str = "") -> None:
        self._text = text

    def begin(self, machine: Machine) -> None:
        machine.run(
            f"cd {POINTS} 2>/dev/null || exit 0; echo mono >{TRACING}/trace_clock;"
            f"echo 4096 >{TRACING}/buffer_size_kb;"
            f"echo 'reason == {EXIT_REASON_HLT}' >vtx_exit/filter;"
            "echo 1 >vtx_exit/enable; echo 1 >vtx_inject/enable",
            check=True,
        )

    def end(self, machine: Machine) -> None:
        self._text = machine.run(f"cat {TRACING}/trace", check=True).text

    def among(self, notes: list[Event]) -> list[Event]:
        """VTXCTL's notes, with what it did not hear of."""
        events = []
        for seconds, kind, value in POINT.findall(self._text):
            time = float(seconds) * 1e6
            if kind == "exit":
                what = "HLT: it sleeps until an interrupt comes"
                events.append(Event(time, time, NANOX, VTXDRV, what, "HLT: it sleeps"))
                continue
            vector = int(value, 0)
            what, label = f"an interrupt, vector {vector:#x}", f"interrupt {vector:#x}"
            tick = vector % 8 == CLOCK
            events.append(Event(time, time, VTXDRV, NANOX, what, label, tick=tick))
        # A HLT that VTXCTL was told of is no sleep in VTXDRV.
        for note in notes:
            if note.source == NANOX and note.label == "HLT":
                same = [one for one in events if is_sleep(one) and one.end <= note.end]
                if same:
                    events.remove(same[-1])
        return in_order([*notes, *events])


def is_sleep(event: Event) -> bool:
    """The guest has nothing to do until an interrupt comes."""
    return event.what == "HLT with interrupts on" or asleep(event)


def asleep(event: Event) -> bool:
    """The same, and VTXCTL does not hear of it."""
    return event.source == NANOX and event.target == VTXDRV


# --- What the kernel saw of VTXDRV ---


@dataclasses.dataclass(frozen=True)
class Probe:
    """A place in vtxdrv.ko with a VMX instruction."""

    name: str
    symbol: str
    offset: int
    fetch: str = ""


SECTION = re.compile(r"^Disassembly of section (\S+):$")
FUNCTION = re.compile(r"^([0-9a-f]+) <(.+)>:$")
INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\s+(\w+)\s*(.*)$")
CALL = re.compile(r"^\s*[0-9a-f]+: R_X86_64_(?:PLT|PC)32\s+vmenter-")
REGISTER = re.compile(r"^%r(\w+)$")
# A kprobe cannot stand on these; it stands on the instruction behind.
NOT_ITSELF = ("vmxoff",)


def find_probes(module: Path) -> list[Probe]:
    """Every VMX instruction in a module.

    No probe may stand in vmenter, where half of the machine is the guest's already: the call of
    it stands for VMLAUNCH.
    """
    command = ["objdump", "-dr", "--no-show-raw-insn", module]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    probes: list[Probe] = []
    section, symbol, start, now, waiting = "", "", 0, 0, ""
    for line in text.splitlines():
        mnemonic, fetch = "", ""
        if found := SECTION.match(line):
            section = found[1]
        elif found := FUNCTION.match(line):
            symbol, start = found[2], int(found[1], 16)
        elif CALL.match(line):
            mnemonic = "vmlaunch"
        elif found := INSTRUCTION.match(line):
            now = int(found[1], 16)
            mnemonic = found[2] if found[2] in INSTRUCTIONS else ""
            if mnemonic in NOT_ITSELF:
                waiting, mnemonic = mnemonic, ""
            elif waiting:
                waiting, mnemonic = "", waiting
            if mnemonic in ("vmwrite", "vmread"):
                fetch = field_of(mnemonic, found[3])
        if mnemonic and not section.startswith(".noinstr"):
            probes.append(Probe(f"{mnemonic}_{len(probes)}", symbol, now - start, fetch))
    return probes


def field_of(mnemonic: str, operands: str) -> str:
    """How a kprobe finds the field's encoding: in AT&T's order the source comes first."""
    parts = re.split(r",(?![^(]*\))", operands.split("#")[0].strip())
    register = REGISTER.match(parts[1 if mnemonic == "vmwrite" else 0])
    return f" field=%{register[1]}:u64" if register else ""


@cache
def field_names() -> dict[int, str]:
    """Encodings of VMCS fields, by Linux' own header."""
    header = next(LINUX.glob("root/usr/src/linux-headers-*-common/arch/x86/include/asm/vmx.h"))
    pairs = re.findall(r"^\s*([A-Z][A-Z0-9_]+)\s*= (0x[0-9a-f]{8}),", header.read_text(), re.M)
    return {int(value, 16): name for name, value in pairs}


RECORD = re.compile(r"\[(\d+)\] .*? (\d+\.\d+): ((\w+)_\d+): \(\S+\)(?: field=(\d+))?")


def watch(machine: Machine, module: Path) -> None:
    """From now on the kernel notes every VMX instruction of this module, once it is loaded."""
    probes = "".join(
        f"p:vtx/{probe.name} vtxdrv:{probe.symbol}+{probe.offset}{probe.fetch}\n"
        for probe in find_probes(module)
    )
    machine.run(f"cat >{TRACING}/kprobe_events", stdin=probes.encode(), check=True)
    machine.run(
        f"echo mono >{TRACING}/trace_clock; echo 4096 >{TRACING}/buffer_size_kb;"
        f"echo 1 >{TRACING}/events/vtx/enable",
        check=True,
    )


def watched(machine: Machine, module: Path) -> list[Event]:
    """What the kernel noted since."""
    functions = {probe.name: probe.symbol.partition(".")[0] for probe in find_probes(module)}
    text = machine.run(f"cat {TRACING}/trace", check=True).text
    events = []
    for cpu, seconds, probe, mnemonic, field in RECORD.findall(text):
        time = float(seconds) * 1e6
        name = field_names().get(int(field), f"{int(field):#x}") if field else ""
        upper = mnemonic.upper()
        what = f"{upper}: {INSTRUCTIONS[mnemonic]}"
        if mnemonic in ("vmxon", "vmxoff"):
            what += f", CPU {int(cpu)}"
        # Fields are told by their names, many at once.
        names, line = ((name,), "") if name else ((), f"in {functions[probe]}")
        events.append(Event(time, time, VTXDRV, CPU, what, upper, line=line, names=names))
    return events


def watch_run(
    stage: Stage, engine: str | None = None, progress: Progress = no_progress
) -> tuple[list[Event], str]:
    """Run a built stage by itself. Returns what happened, and what it printed."""
    words = list(stage.config.run)
    assert words[0] == "vtxctl"
    command = " ".join(["./vtxctl", "--trace", "/tmp/trace", *words[1:]])
    enters = enters_guest(stage)
    with Machine.start(Kind.TEST, engine, progress) as machine:
        machine.put(stage.files())
        module = stage.build_dir / "vtxdrv.ko"
        if not enters:
            watch(machine, module)
        machine.run("insmod /stage/vtxdrv.ko", check=True)
        result = machine.run(
            f"cd /stage && {command}", stdin=stage.config.types.encode(), check=True
        )
        machine.run("rmmod vtxdrv", check=True)
        trace = machine.get("/tmp/trace").decode()
        events = read_trace(trace, stage, Listing.of(stage))
        if not enters:
            events += watched(machine, module)
    places = re.findall(
        r"^  (in (?:this program|the guest|the machine)): +(0x\w+)", result.text, re.M
    )
    if len(places) == 3:
        events = [with_places(event, dict(places)) for event in events]
    return in_order(events), result.text


def with_places(event: Event, places: dict[str, str]) -> Event:
    """Where the letter lies that VTXCTL asks for: three addresses of one place."""
    if not event.what.startswith("VTX_TRANSLATE"):
        return event
    told = "; ".join(f"{place} {address}" for place, address in places.items())
    machine, guest, program = (
        places[name] for name in ("in the machine", "in the guest", "in this program")
    )
    shown = (f"machine {machine}", f"guest {guest}", program)
    return dataclasses.replace(event, line=told, places=shown)


def enters_guest(stage: Stage) -> bool:
    """Does a guest run in this stage? Then its VM exits are the story."""
    return "VTX_RUN " in (stage.folder / "include/vtx.h").read_text()


def in_order(events: Iterable[Event]) -> list[Event]:
    """By when it became known: an exit ends the guest's turn, which may have been long."""
    return sorted(events, key=lambda event: event.end if event.source == NANOX else event.begin)


# --- Folding ---

PERIOD_MOST = 6
TEXT_MOST = 40


SILENT = 10  # ticks without a word of the guest's in between: then it does nothing else


def fold(events: list[Event]) -> list[list[Event]]:
    """What repeats, as groups of one to six events that take turns, each told once."""
    return [group for group, _ in folded(events)]


def folded(events: list[Event]) -> Iterator[tuple[list[Event], int]]:
    """The same, and of each group how many events it was."""
    at = 0
    while at < len(events):
        period, rounds = longest_repeat(events, at)
        many = period * rounds
        yield [together(events[at + i : at + many : period]) for i in range(period)], many
        at += many


def fold_beside(events: list[Event]) -> Iterator[tuple[list[Event], list[Event]]]:
    """Groups as above, each with the ticks that came in between: those fit in no pattern."""
    told: list[Event] = []
    beside: list[list[Event]] = []  # the ticks behind each of them
    for tick, some in itertools.groupby(events, key=lambda event: event.tick):
        row = list(some)
        if tick and told and len(row) < SILENT:
            beside[-1] = row
        else:
            told += row
            beside += [[] for _ in row]
    at = 0
    for group, many in folded(told):
        ticks = by_key(event for some in beside[at : at + many] for event in some)
        yield group, [together(alike) for alike in ticks]
        at += many


def by_key(events: Iterable[Event]) -> list[list[Event]]:
    """Those that are alike together, wherever they stand."""
    found: dict[tuple[str, ...], list[Event]] = {}
    for event in events:
        found.setdefault(event.key, []).append(event)
    return list(found.values())


def longest_repeat(events: list[Event], at: int, most: int = PERIOD_MOST) -> tuple[int, int]:
    """(events in a round, rounds) of the repetition that begins here and reaches farthest."""
    best = (1, 1)
    for period in range(1, most + 1):
        keys = [event.key for event in events[at : at + period]]
        rounds = 1
        while True:
            start = at + period * rounds
            if [event.key for event in events[start : start + period]] != keys:
                break
            rounds += 1
        if rounds > 1 and period * rounds > best[0] * best[1]:
            best = (period, rounds)
    return best


def together(events: list[Event]) -> Event:
    return dataclasses.replace(
        events[0],
        end=events[-1].end,
        times=sum(event.times for event in events),
        text=b"".join(event.text for event in events),
        names=tuple(name for event in events for name in event.names),
    )


def quoted(text: bytes) -> str:
    """Bytes as people read them, at most so many."""
    names = {10: "\\n", 13: "\\r", 34: '\\"', 92: "\\\\"}
    shown = "".join(
        names.get(byte) or (chr(byte) if 32 <= byte < 127 else f"\\x{byte:02x}")
        for byte in text[:TEXT_MOST]
    )
    return f'"{shown}{"..." * (len(text) > TEXT_MOST)}"'
