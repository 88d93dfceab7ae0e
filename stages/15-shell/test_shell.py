# SPDX-License-Identifier: GPL-2.0-only
"""NanoX's shell: a line, its commands, its games; and that nothing typed brings it down."""

from __future__ import annotations

import os
import random
import re

import pytest

from harness.effort import FULL
from harness.machine import Job, Result
from harness.vtx import Vtx

SEED = int(os.environ.get("SHELL_SEED", "15"))
RANDOM_LINES = 5_000 if FULL else 2_000

PROMPT = "NanoX> "
UP, DOWN, RIGHT, LEFT = (f"\x1b[{letter}" for letter in "ABCD")
HOME, END, DELETE = "\x1b[H", "\x1b[F", "\x1b[3~"
BACKSPACE = "\x7f"


def ctrl(letter: str) -> str:
    return chr(ord(letter) & 0x1F)


class Screen:
    """A terminal, as far as NanoX uses one."""

    def __init__(self) -> None:
        self.rows: dict[int, dict[int, str]] = {}
        self.x = self.y = 0
        self.bells = 0

    def feed(self, text: str) -> None:
        for control, char in re.findall(r"(\x1b\[[\d;]*[A-Za-z])|(.)", text, re.DOTALL):
            if control:
                self._control(control)
            elif char == "\r":
                self.x = 0
            elif char == "\n":
                self.y += 1
            elif char == "\b":
                self.x = max(self.x - 1, 0)
            elif char == "\a":
                self.bells += 1
            else:
                self.rows.setdefault(self.y, {})[self.x] = char
                self.x += 1

    def _control(self, control: str) -> None:
        if control == "\x1b[2J":
            self.rows = {}
        elif control[-1] == "H":
            row, column = re.fullmatch(r"\x1b\[(\d*);?(\d*)H", control).groups()
            self.y, self.x = int(row or 1) - 1, int(column or 1) - 1

    def row(self, y: int) -> str:
        cells = self.rows.get(y, {})
        return "".join(cells.get(x, " ") for x in range(max(cells, default=-1) + 1)).rstrip()

    def find(self, char: str) -> tuple[int, int] | None:
        """Where it is on the board of the game, column and row."""
        for y, cells in self.rows.items():
            for x, there in cells.items():
                if there == char and 1 <= x <= 30 and 1 <= y <= 14:
                    return x, y
        return None


def ended_well(result: Result) -> str:
    assert (result.status, result.stderr) == (0, b""), result
    return result.stdout.decode("latin-1").replace("\r\n", "\n")


def answers(vtx: Vtx, lines: list[str], *options: str) -> list[str]:
    """What the shell says to each of these, in a pipe. Then it halts."""
    typed = "".join(f"{line}\n" for line in [*lines, "halt"])
    text = ended_well(vtx.run(*options, "nanox.bin", stdin=typed.encode("latin-1")))
    said = text.split(PROMPT)[1:]
    assert len(said) == len(lines) + 1, text
    assert said.pop() == "halt\nGood night.\n"
    return [answer.partition("\n")[2] for answer in said]


class Shell:
    """The shell at a terminal."""

    def __init__(self, vtx: Vtx, *options: str) -> None:
        self.job: Job = vtx.spawn(*options, "nanox.bin", tty=True)
        self.screen = Screen()
        self._shown = 0
        self.wait(re.escape(PROMPT))

    def wait(self, pattern: str) -> re.Match:
        found = self.job.expect(pattern)
        self.look()
        return found

    def look(self) -> None:
        text = self.job.output.decode("latin-1")
        self.screen.feed(text[self._shown :])
        self._shown = len(text)

    def type(self, keys: str) -> None:
        self.job.write(keys.encode("latin-1"))

    def line(self, keys: str) -> str:
        """Type these, and Enter: what the shell answers."""
        before = len(self.job.output)
        self.type(keys + "\r")
        self.wait(rf"\n(?:.*\n)*{PROMPT}")
        said = re.sub("\r+\n", "\n", self.job.output[before:].decode("latin-1"))
        return said.partition("\n")[2].removesuffix(PROMPT)

    def halt(self) -> None:
        self.type("halt\r")
        result = self.job.wait()
        assert (result.status, result.stderr) == (0, b"")


# The commands

# What is typed, and what must be in the answer: a regular expression for all of it.
COMMANDS = {
    "": "",
    "   ": "",
    "help": r"(?:  \w+ .*\n){21}",
    "help peek": r"  peek  +ADDRESS \[BITS\] +read memory.*\n",
    "help pee": r"help: the name of one command, as in help peek, or nothing\n",
    "help peek poke": r"help: the name of one command.*\n",
    "peel 7c00": r"peel: no such command; try help\n",
    "helpp": r"helpp: no such command; try help\n",
    "  echo  a  b ": "a  b \n",
    "echo": "\n",
    "clear": "\x1b\\[2J\x1b\\[H",
    "clear x": r"clear: nothing stands behind it\n",
    "color green": "\x1b\\[32m",
    "color  off ": "\x1b\\[0m",
    "color": r"color: red, green, .*, or off\n",
    "color greenish": r"color: red, green, .*, or off\n",
    "ticks": r"\d+ ticks, 50 in each second\n",
    "ticks 1": r"ticks: nothing stands behind it\n",
    "uptime": r"up 0:00:\d\d\n",
    "uptime now": r"uptime: nothing stands behind it\n",
    "irq": r"   0  timer        +\d+\n   1  keyboard +0\n   4  serial port +[1-9]\d*\n",
    "irq 3": r"irq: nothing stands behind it\n",
    "regs": r"(?:  .*\n){2}  EIP .*  EFLAGS \w+\n  CS 001b  DS 0023  ES 0023  SS 002b  CR0 \w+\n",
    "regs x": r"regs: nothing stands behind it\n",
    "cpuid": r"  \w{12}, leaves up to \w+\n  .*\n",
    "cpuid 0": r"  EAX \w{8}  EBX \w{8}  ECX \w{8}  EDX \w{8}\n",
    "cpuid 80000000": r"  EAX 8000000\w  EBX .*\n",
    "cpuid zero": r"cpuid: the number of a leaf in hex, as in cpuid 80000000, or nothing\n",
    "cpuid 0 1": r"cpuid: the number of a leaf.*\n",
    "mem": r"(?:  \w{8} to \w{8}  +\d+ KiB  .*\n){7,8}(?:This machine has no CMOS.*\n)?",
    "mem 1": r"mem: nothing stands behind it\n",
    "peek 7c00": r"  00007c00: fa\n",
    "peek 0x7C00": r"  00007c00: fa\n",
    "peek 7c00 16": r"  00007c00: 31fa\n",
    "peek 7c00 32": r"  00007c00: \w{4}31fa\n",
    "peek": r"peek: an address in hex, as in peek 7c00\n",
    "peek here": r"peek: an address in hex, as in peek 7c00\n",
    "peek -1": r"peek: an address in hex, as in peek 7c00\n",
    "peek 7c00 9": r"peek: 8, 16 or 32 bits, as in peek 7c00 32\n",
    "peek 7c00 8 8": r"peek: 8, 16 or 32 bits, as in peek 7c00 32\n",
    "peek ffffffff": r"peek: memory goes up to \w+, and ffffffff lies beyond it\n",
    "peek ffffffff0": r"peek: an address in hex, as in peek 7c00\n",
    "poke 600 2a": "",
    "peek 600": r"  00000600: 2a\n",
    "poke 604 12345678 32": "",
    "peek 604 32 ": r"  00000604: 12345678\n",
    "poke 604 cdef 16": "",
    "peek 604 32": r"  00000604: 1234cdef\n",
    "poke 600": r"poke: an address and a value in hex, as in poke 600 2a\n",
    "poke 600 123": r"poke: the value needs more bits, as in poke 600 1234 16\n",
    "poke 600 1 33": r"poke: 8, 16 or 32 bits, as in poke 600 12345678 32\n",
    "poke 7c00 0": r"poke: NanoX itself lies there; mem tells what is free\n",
    "poke 7bff 0 16": r"poke: NanoX itself lies there; mem tells what is free\n",
    "poke 8ffff 0": r"poke: NanoX itself lies there; mem tells what is free\n",
    "poke fffffffe 0 32": r"poke: memory goes up to \w+, and fffffffe lies beyond it\n",
    "dump 600 10": r"  00000600  2a 00 00 00 ef cd 34 12(?: \w\w){8}  \*\.\.\.\.\.4\.\.{8}\n",
    "dump 600 1": r"  00000600  2a {45}  \*\n",
    "dump 7c00": r"(?:  00007c\d0 (?: \w\w){16}  .{16}\n){8}",
    "dump": r"dump: an address in hex, as in dump 7c00\n",
    "dump 7c00 0": r"dump: 1 to 1000 bytes, in hex, as in dump 7c00 40\n",
    "dump 7c00 1001": r"dump: 1 to 1000 bytes, in hex, as in dump 7c00 40\n",
    "dump fffffff0": r"dump: memory goes up to \w+, and fffffff0 lies beyond it\n",
    "calc 0x10": r"16 = 0x10\n",
    "fault": r"(?:  \w+ +.*\n){14}",
    "fault finding": r"fault: the name of one; fault alone lists them\n",
    "guess what": r"guess: nothing stands behind it\n",
    "reaction 1": r"reaction: nothing stands behind it\n",
    "snake x": r"snake: moves in a second, 1 to 50, as in snake 6; 0: one for each key\n",
    "snake 51": r"snake: moves in a second.*\n",
    "snake 5 5": r"snake: moves in a second.*\n",
    "keys 1": r"keys: nothing stands behind it\n",
    "reboot now": r"reboot: nothing stands behind it\n",
    "halt now": r"halt: nothing stands behind it\n",
}


@pytest.mark.quick
def test_every_command_answers_and_bad_input_gets_a_sentence(vtx: Vtx) -> None:
    said = dict(zip(COMMANDS, answers(vtx, list(COMMANDS))))
    wrong = {
        line: said[line]
        for line, pattern in COMMANDS.items()
        if not re.fullmatch(pattern, said[line])
    }
    assert not wrong
    names = re.findall(r"^  (\w+)", said["help"], re.MULTILINE)
    assert names == sorted(names)
    assert set(names) <= {line.split()[0] for line in COMMANDS if line.strip()}


# A PC has devices from 640 KiB to 1 MiB.
LAST_BYTES = {"600K": 0x95FFF, "1M": 0x9FFFF, "3M": 0x2FFFFF, "20M": 0x13FFFFF}


@pytest.mark.parametrize("size", LAST_BYTES)
def test_memory_is_known_to_its_last_byte(vtx: Vtx, size: str) -> None:
    last = LAST_BYTES[size]
    lines = ["mem", f"peek {last:x}", f"peek {last - 3:x} 32", f"peek {last:x} 16", "fault limit"]
    mem, byte, word, beyond, fault = answers(vtx, lines, "--mem", size)
    assert re.findall(r"to (\w+)", mem)[-1] == f"{last:08x}"
    assert byte == f"  {last:08x}: 00\n"
    assert word == f"  {last - 3:08x}: 00000000\n"
    assert beyond == f"peek: memory goes up to {last:x}, and {last:x} lies beyond it\n"
    assert "(#GP, general protection)" in fault


TERMS = {
    "2 + 3 * 4": 14,
    "(2 + 3) * 4": 20,
    "2*3+4*5": 26,
    "100 - 10 - 1": 89,
    "100 / 10 / 5": 2,
    "-7 / 2": -3,
    "-7 % 3": -1,
    "--5": 5,
    "-(1 + 2)": -3,
    "3 - -3": 6,
    "~0": -1,
    "~-1": 0,
    "0xff & 0x3c | 1": 0x3D,
    "1 ^ 3 & 2": 3,
    "1 << 4 + 1": 32,
    "0x80000000 >> 31": 1,
    "1 << 32": 0,
    "4294967295": -1,
    "2147483647 + 1": -(2**31),
    "0x80000000 / -1": -(2**31),
    "0x80000000 % -1": 0,
    "65536 * 65536": 0,
    "((((((((((1))))))))))": 1,
    "(" * 33 + "7" + ")" * 33: 7,
    "-" * 60 + "1": 1,
}

NO_TERMS = {
    "": "a term of numbers",
    "1 +": "a term of numbers",
    "* 2": "a term of numbers",
    "1 + peek": "a term of numbers",
    "4294967296": "a term of numbers of 32 bits",
    "(1 + 2": "a bracket is not closed",
    "(" * 60: "a term of numbers",
    "1 + 2)": "a term ends there",
    "1 2": "a term ends there",
    "12abc": "a term ends there",
    "1 / 0": "nothing can be divided by 0",
    "1 % (2 - 2)": "nothing can be divided by 0",
}


@pytest.mark.quick
def test_the_calculator_reckons_as_c_does(vtx: Vtx) -> None:
    said = answers(vtx, [f"calc {term}" for term in [*TERMS, *NO_TERMS]])
    for term, value in TERMS.items():
        assert said.pop(0) == f"{value} = {hex(value & 0xFFFFFFFF) if value else 0}\n", term
    for term, words in NO_TERMS.items():
        assert said.pop(0).startswith(f"calc: {words}"), term


# What each says of itself: vector, mnemonic, error code.
FAULTS = {
    "divide": (0, "#DE", "0"),
    "debug": (1, "#DB", "0"),
    "breakpoint": (3, "#BP", "0"),
    "overflow": (4, "#OF", "0"),
    "bounds": (5, "#BR", "0"),
    "opcode": (6, "#UD", "0"),
    "fpu": (7, "#NM", "0"),
    "double": (8, "#DF", "0"),
    "task": (10, "#TS", "0"),
    "absent": (11, "#NP", "0x30"),
    "stack": (12, "#SS", "0"),
    "privilege": (13, "#GP", "0"),
    "limit": (13, "#GP", "0"),
    "align": (17, "#AC", "0"),
}


@pytest.mark.quick
def test_every_fault_ends_its_command_only(vtx: Vtx) -> None:
    # Each twice: whatever the first left behind.
    lines = ["fault", *(f"fault {name}" for name in FAULTS for _ in range(2)), "calc 1 / 1"]
    listed, *said, last = answers(vtx, lines)
    assert re.findall(r"^  (\w+)", listed, re.MULTILINE) == list(FAULTS)
    for name, (vector, mnemonic, error) in FAULTS.items():
        for _ in range(2):
            told = said.pop(0)
            assert told.startswith(f"\nNanoX: exception {vector} ({mnemonic}, "), name
            assert f"), error code {error}\n" in told, name
            assert re.search(r"  EIP 0000\w{4}  EFLAGS 000\w{5}\n", told), name
            assert told.endswith("The command is over. The shell goes on.\n"), name
            if name == "stack":
                # It was full but for what one call needs.
                assert 0x7FF00 < int(re.search(r"ESP (\w+)", told)[1], 16) < 0x80100
    assert last == "1 = 0x1\n"


def test_reboot_begins_anew(vtx: Vtx) -> None:
    shell = Shell(vtx)
    shell.line("poke 600 55")
    for _ in range(3):
        shell.type("reboot\r")
        shell.wait(r"See you\.\s+NanoX\. Try help(?s:.*)NanoX> ")
    assert shell.line("calc 6 * 7") == "42 = 0x2a\n"
    assert shell.line("uptime") == "up 0:00:00\n"
    shell.halt()
    result = vtx.run("--no-reboot", "nanox.bin", stdin=b"reboot\n")
    assert result.status == 12
    assert result.stdout.endswith(b"See you.\r\n")


# Lines

EDITED = {
    "echo abc": "abc",
    f"echo abd{LEFT}c": "abcd",
    f"cho b{HOME}e{END}c": "bc",
    f"cho b{ctrl('a')}e{ctrl('e')}c": "bc",
    f"cho b\x1bOHe\x1bOFc": "bc",
    f"cho b\x1b[1~e\x1b[4~c": "bc",
    f"cho b\x1b[7~e\x1b[8~c": "bc",
    f"echo abx{BACKSPACE}c": "abc",
    "echo abx\bc": "abc",
    f"echo axb{LEFT}{LEFT}{DELETE}": "ab",
    f"echo abxx{LEFT}{LEFT}{ctrl('k')}c": "abc",
    f"rubbish{ctrl('u')}echo abc": "abc",
    f"xx echo abc{HOME}{RIGHT}{RIGHT}{RIGHT}{ctrl('u')}": "abc",
    f"echo abc nonsense  {ctrl('w')}d": "abc d",
    f"echo{ctrl('w')}{ctrl('w')}{ctrl('w')}echo a": "a",
    f"echo ab{RIGHT}{DELETE}{END}c": "abc",
    f"{LEFT}{BACKSPACE}{HOME}echo abc": "abc",
    f"ec{LEFT * 9}{RIGHT * 9}ho ab": "ab",
    # Nothing that NanoX knows: swallowed as a whole, with what stands inside.
    "echo a\x1b[15~b\x1b[1;5Pc\x1b[99999999999~d": "abcd",
    "echo a\x1bxb\x1b\x1b[Dc": "acb",
    "echo a\x1b[?25hb": "ab",
    # One that is cut ends at a control character.
    f"echo abx\x1b[{BACKSPACE}{BACKSPACE}c": "abc",
    "echo ab\x1b": "ab",
    "echo a\x02\x03\x04\x0e\x10\x11\x12\x13\x1f\x80\xff\xe4b": "ab",
}


@pytest.mark.quick
def test_a_line_is_mended_before_it_counts(vtx: Vtx) -> None:
    shell = Shell(vtx)
    for keys, line in EDITED.items():
        y = shell.screen.y
        # At a terminal Ctrl-A is VTXCTL's, and twice it is the guest's.
        assert shell.line(keys.replace("\x01", "\x01\x01")) == f"{line}\n", repr(keys)
        # What was seen is what was meant.
        assert shell.screen.row(y) == f"{PROMPT}echo {line}", repr(keys)
    shell.halt()


def test_escape_sequences_may_come_byte_by_byte(vtx: Vtx) -> None:
    shell = Shell(vtx)
    for byte in f"echo bd{LEFT}c{HOME}{DELETE}e{END}e":
        shell.type(byte)
        vtx.machine.run("true", check=True)
    assert shell.line("") == "bcde\n"
    shell.halt()


@pytest.mark.quick
def test_history_goes_up_and_down(vtx: Vtx) -> None:
    shell = Shell(vtx)
    for word in ("one", "two", "two", "", "three"):
        shell.line(f"echo {word}" if word else "")
    assert shell.line(UP) == "three\n"
    assert shell.line(UP * 2) == "two\n"  # the same line twice is kept once
    assert shell.line(UP * 3 + DOWN) == "three\n"
    assert shell.line(f"echo new{UP}{UP}{DOWN}{DOWN}er") == "newer\n"
    assert shell.line(f"{UP * 50}{DOWN * 50}echo empty") == "empty\n"
    for number in range(20):
        shell.line(f"echo {number}")
    bells = shell.screen.bells
    assert shell.line(UP * 17) == "4\n"  # it keeps 16
    assert shell.screen.bells == bells + 1
    shell.halt()


@pytest.mark.quick
def test_tab_completes_a_command(vtx: Vtx) -> None:
    shell = Shell(vtx)
    assert shell.line("ec\tx") == "x\n"
    assert shell.line("ca\t1") == "1 = 0x1\n"
    y = shell.screen.y
    shell.type("p\t")
    shell.wait(r"peek  poke  \s+NanoX> p")
    assert shell.screen.row(y) == f"{PROMPT}p"
    assert shell.line("eek 7c00") == "  00007c00: fa\n"
    # In the middle of a line, the rest stays.
    shell.type(f"p 600{HOME}{RIGHT}\t")
    shell.wait(r"peek  poke  \s+NanoX> p 600")
    assert shell.line("oke") == "poke: an address and a value in hex, as in poke 600 2a\n"
    assert shell.line("nothing\t") == "nothing: no such command; try help\n"
    assert shell.line("echo\t\ta") == "a\n"
    assert "snake" in shell.line("\t").replace("\r", "")
    shell.halt()


def test_a_line_too_long_is_refused(vtx: Vtx) -> None:
    fits = "echo " + "x" * 67
    refused = "a line has at most 72 characters; that one had more\n"
    said = answers(vtx, [fits, fits + "y", "echo " + "z" * 500, fits + "y\b\bz", "calc 1"])
    assert said == ["x" * 67 + "\n", refused, refused, "x" * 65 + "z\n", "1 = 0x1\n"]


def test_lines_may_end_in_any_way(vtx: Vtx) -> None:
    text = ended_well(vtx.run("nanox.bin", stdin=b"echo a\necho b\recho c\r\nhalt\r"))
    assert [word for word in re.findall(r"^(\w)\n", text, re.MULTILINE)] == ["a", "b", "c"]


# Whoever types


@pytest.mark.quick
def test_the_keyboard_types_as_the_terminal_does(vtx: Vtx) -> None:
    shell = Shell(vtx)
    shell.type("\x01g")
    shell.wait(r"the keys go to the keyboard now\r?\n")
    assert shell.line(f'echo Ab("{LEFT}c{UP}{DOWN}') == 'Ab(c"\n'
    assert shell.line(f"echo xy{LEFT}Z{BACKSPACE}!{ctrl('e')}.") == "x!y.\n"
    assert shell.line(UP) == "x!y.\n"
    shell.type("\x01g")
    shell.wait(r"the keys go to the serial port now\r?\n")
    assert shell.line("echo again") == "again\n"
    assert re.search(r"keyboard +[1-9]", shell.line("irq"))
    shell.halt()


def test_keys_shows_what_comes(vtx: Vtx) -> None:
    shell = Shell(vtx)
    shell.type("keys\ra\x1b[A")
    shell.wait(r"byte 61, a\s+byte 1b\s+byte 5b, \[\s+byte 41, A\s")
    shell.type("\x01gA")
    shell.wait(r"key 2a, down\s+key 1e, down\s+key 1e, up\s+key 2a, up\s")
    shell.type(UP)
    shell.wait(r"key 60, up\s+key 48, down\s+key 60, up\s+key 48, up\s")
    shell.type("q")
    shell.wait(r"key 10, down\s+NanoX> ")
    shell.type("\x01g")
    shell.wait(r"the keys go to the serial port now\r?\n")
    shell.type("keys\rq")
    shell.wait(r"byte 71, q\s+NanoX> ")
    shell.halt()


# Games


@pytest.mark.quick
def test_a_number_is_guessed(vtx: Vtx) -> None:
    shell = Shell(vtx)
    shell.type("guess\r")
    shell.wait(r"from 1 to 100.*\s+Which\? ")
    for nonsense in ("", "seven", "1 2", "-1"):
        shell.type(f"{nonsense}\r")
        shell.wait(r"A number, please.*\s+Which\? ")
    low, high, tries = 1, 100, 0
    while True:
        middle = (low + high) // 2
        shell.type(f"{middle}\r")
        tries += 1
        said = shell.wait(r"More|Less|Yes! You needed (\d+) (?:try|tries)\.\s+NanoX> ")
        if said[1]:
            break
        low, high = (middle + 1, high) if said[0] == b"More" else (low, middle - 1)
    assert int(said[1]) == tries <= 7
    shell.type("guess\r")
    shell.wait(r"Which\? ")
    assert re.fullmatch(r"It was \d+\.\n", shell.line("q"))
    shell.halt()


@pytest.mark.quick
def test_a_reaction_is_measured(vtx: Vtx) -> None:
    shell = Shell(vtx)
    shell.type("reaction\r")
    shell.wait(r"Wait\.\.\. ")
    shell.type("x")
    shell.wait(r"too early\.\s+Wait\.\.\. ")
    shell.wait("NOW! ")
    vtx.machine.run("sleep 0.5", check=True)
    shell.type("x")
    (hundredths,) = shell.wait(r"(\d+) hundredths of a second\.\s+Wait\.\.\. ").groups()
    assert int(hundredths) >= 48
    shell.type("q")
    shell.wait(PROMPT)
    shell.halt()


STEPS = {UP: (0, -1), DOWN: (0, 1), LEFT: (-1, 0), RIGHT: (1, 0)}
RESTS = r"\x1b\[17;1H"  # here is the cursor when a move is drawn


class Snake:
    """Plays, move by move: at speed 0 each key is one."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        shell.type("snake 0\r")
        shell.wait(rf"q ends it.*{RESTS}")

    @property
    def head(self) -> tuple[int, int]:
        return self.shell.screen.find("@")

    def there(self, key: str) -> tuple[int, int]:
        """The field to which that key leads."""
        x, y = self.head
        return x + STEPS[key][0], y + STEPS[key][1]

    def is_free(self, key: str) -> bool:
        x, y = self.there(key)
        return self.shell.screen.rows[y].get(x, " ") in " *" and 1 <= x <= 30 and 1 <= y <= 14

    def press(self, key: str) -> None:
        self.shell.type(key)
        self.shell.wait(RESTS)

    def eat(self) -> None:
        food = self.shell.screen.find("*")
        while self.shell.screen.find("*") == food:
            free = [key for key in STEPS if self.is_free(key)]
            self.press(min(free, key=lambda key: distance(self.there(key), food)))

    def round(self) -> list[str]:
        """Keys for a way round a square of four fields that all lie on the board."""
        ahead = next(key for key in STEPS if self.is_free(key))
        x, y = self.there(ahead)
        beside = (LEFT if x > 1 else RIGHT) if ahead in (UP, DOWN) else (UP if y > 1 else DOWN)
        back = {UP: DOWN, DOWN: UP, LEFT: RIGHT, RIGHT: LEFT}
        return [ahead, beside, back[ahead], back[beside]]

    def length(self) -> int:
        board = (row for y, row in self.shell.screen.rows.items() if 1 <= y <= 14)
        return 1 + sum(list(row.values()).count("o") for row in board)


def distance(a: tuple[int, int], b: tuple[int, int]) -> int:
    return abs(a[0] - b[0]) + abs(a[1] - b[1])


@pytest.mark.quick
def test_the_snake_moves_eats_and_bites_itself(vtx: Vtx) -> None:
    shell = Shell(vtx)
    game = Snake(shell)
    for meals in range(1, 5):
        game.eat()
        assert game.length() == 1 + meals
    # It is five long: once round on the spot, and it meets itself.
    for key in game.round():
        before = game.head
        shell.type(key)
        end = shell.wait(rf"{RESTS}|You ate (\d+)\.\s+NanoX> ")[1]
        if end:
            break
    assert end and int(end) >= 4
    x, y = before[0] + STEPS[key][0], before[1] + STEPS[key][1]
    assert shell.screen.rows[y][x] == "o"
    shell.halt()


@pytest.mark.quick
def test_the_timer_moves_the_snake_and_the_edge_ends_it(vtx: Vtx) -> None:
    shell = Shell(vtx)
    shell.type("snake 50\r")
    (eaten,) = shell.wait(r"You ate (\d)\.\s+NanoX> ").groups()
    moved = [int(x) for x in re.findall(rb"\x1b\[9;(\d+)H[@]", shell.job.output)]
    assert moved == list(range(17, 32)) and int(eaten) <= 1
    shell.type("snake 1\rq")
    shell.wait(r"You ate 0\.\s+NanoX> ")
    shell.halt()


# Nothing brings it down


def random_lines(dice: random.Random) -> list[str]:
    """Commands, nearly commands, and noise, without those that wait for keys or end it all."""
    names = sorted({line.split()[0] for line in COMMANDS if line.strip()})
    waits = {"guess", "halt", "keys", "reaction", "reboot", "snake"}
    long = {"help", "dump", "mem"}  # still among the words
    names = [name for name in names if name not in waits | long]
    words = [*names, *FAULTS, "0", "1", "7c00", "600", "8", "16", "32", "ffffffff", "90000", "(1)"]
    words += ["-1", "1/0", "red", "help", "dump", "mem", "0x", "10", "fff", "80000004"]
    noise = [chr(byte) for byte in range(256) if chr(byte) not in "\r\n"]
    keys = [UP, DOWN, LEFT, RIGHT, HOME, END, DELETE, "\t", BACKSPACE, "\x1b", "\x1b["]

    def line() -> str:
        kind = dice.random()
        if kind < 0.03:
            return f"fault {dice.choice(list(FAULTS))}"
        if kind < 0.50:
            return " ".join([dice.choice(names), *dice.choices(words, k=dice.randrange(4))])
        if kind < 0.75:
            return "".join(dice.choices([*words, *keys, " "], k=dice.randrange(6)))
        return "".join(dice.choices([*noise, *keys], k=dice.choice([1, 1, 2, 2, 3, 4, 6, 80])))

    # Up, Down and Tab could make one of the others.
    lines = (line() for _ in range(10 * RANDOM_LINES))
    kept = [text for text in lines if not any(name[:2] in text for name in waits)]
    return kept[:RANDOM_LINES]


def test_random_lines_do_not_bring_it_down(vtx: Vtx) -> None:
    lines = random_lines(random.Random(SEED))
    assert len(lines) == RANDOM_LINES
    typed = "".join(f"{line}\n" for line in [*lines, "", "echo alive", "halt"])
    result = vtx.run("nanox.bin", stdin=typed.encode("latin-1"), timeout=600)
    text = ended_well(result)
    assert text.endswith(f"{PROMPT}echo alive\nalive\n{PROMPT}halt\nGood night.\n"), text[-2000:]
    assert "NanoX itself" not in text.replace("NanoX itself lies there", "")
    assert text.count("The command is over") > RANDOM_LINES // 100


def test_at_the_prompt_it_takes_less_than_a_hundredth_of_the_cpu(vtx: Vtx) -> None:
    shell = Shell(vtx)

    def ticks() -> int:
        return int(shell.line("ticks").split()[0])

    def spent() -> tuple[float, int]:
        """Seconds of the host, and the nanoseconds of them in which VTXCTL ran."""
        command = "cut -d' ' -f1 /proc/uptime /proc/$(pidof vtxctl)/task/*/schedstat"
        seconds, *ran = vtx.machine.run(command, check=True).text.split()
        return float(seconds), sum(map(int, ran))

    first = ticks()
    before = spent()
    vtx.machine.run("sleep 5", check=True)
    seconds, ran = (now - then for now, then in zip(spent(), before))
    assert ticks() - first > 49 * seconds
    assert seconds >= 5
    assert ran < 0.01e9 * seconds, f"{ran / 1e7 / seconds:.2f} %"
    shell.halt()


def test_much_output_is_neither_lost_nor_mixed(vtx: Vtx) -> None:
    said = answers(vtx, ["dump 7c00 400", "dump 7c00 400"])
    assert said[0] == said[1]
    rows = said[0].splitlines()
    assert [int(row.split()[0], 16) for row in rows] == list(range(0x7C00, 0x8000, 16))
    image = b"".join(bytes.fromhex(row[12:59]) for row in rows)
    assert image[:2] == b"\xfa\x31"
