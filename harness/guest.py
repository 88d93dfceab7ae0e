# SPDX-License-Identifier: GPL-2.0-only
"""Guests for tests: a few lines of NASM, and what became of them."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterable, Iterator

from harness.machine import Result
from harness.paths import BUILD, SetupError
from harness.vtx import Vtx

# A failed test shows its own lines, not ours.
__tracebackhide__ = True

BOOT_ADDRESS = 0x7C00

# What a guest of a test may say without typing it: a name, or a line.
PRELUDE = """\
COM1        equ 0x3f8
COM1_LSR    equ 0x3fd
EXIT_PORT   equ 0xf4

; print LETTER: spoils AL and DX
%macro print 1
        mov     dx, COM1
        mov     al, %1
        out     dx, al
%endmacro

; the end of a guest that is content
%macro rest 0
        cli
        hlt
%endmacro

; handle VECTOR, ADDRESS: the guest's own handler of an interrupt or exception; DS is 0
%macro handle 2
        mov     word [(%1) * 4], %2
        mov     word [(%1) * 4 + 2], cs
%endmacro
"""


def assemble(source: str, org: int = BOOT_ADDRESS) -> bytes:
    """Real-mode code to be loaded at `org`. The same source is assembled once."""
    text = f"{PRELUDE}\tbits 16\n\torg {org:#x}\n{source}\n"
    folder = BUILD / "tests/guests"
    binary = folder / (hashlib.sha256(text.encode()).hexdigest()[:16] + ".bin")
    if not binary.exists():
        folder.mkdir(parents=True, exist_ok=True)
        # Aside and renamed: another worker may assemble the same.
        new = binary.with_suffix(f".{os.getpid()}")
        code = new.with_suffix(f"{new.suffix}.asm")
        code.write_text(text)
        try:
            command = ["nasm", "-w+all", "-f", "bin", "-o", str(new), str(code)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            raise SetupError("nasm is not installed: run `make setup`") from None
        finally:
            code.unlink()
        if done.returncode:
            raise SyntaxError(f"nasm does not like this guest:\n{done.stderr}\n{source}")
        new.rename(binary)
    return binary.read_bytes()


def put_guest(vtx: Vtx, source: str) -> str:
    """Assemble a guest and put it into the machine: its path there."""
    vtx.put({"guest.bin": assemble(source)})
    return f"{vtx.dir}/guest.bin"


def run_guest(
    vtx: Vtx, source: str, *options: str, stdin: bytes = b"", timeout: float = 60
) -> Result:
    """Assemble a guest and run it to its end, with the input `stdin`.

    Where `options` do not say, it has a little memory only: that is quicker.
    """
    words = [*options, put_guest(vtx, source)]
    return vtx.run(*with_memory(words), stdin=stdin, timeout=timeout)


def run_guests(vtx: Vtx, sources: Iterable[str], *options: str) -> Iterator[Result]:
    """Many guests, one after the other."""
    images = [assemble(source) for source in sources]
    vtx.put({f"guest{number}.bin": image for number, image in enumerate(images)})
    for number in range(len(images)):
        yield vtx.run(*with_memory([*options, f"guest{number}.bin"]))


def with_memory(words: list[str]) -> list[str]:
    return words if "--mem" in words else ["--mem", "1M", *words]
