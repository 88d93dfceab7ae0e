# SPDX-License-Identifier: GPL-2.0-only
"""Memory for a guest: pinned, charged, mapped as asked, and given back whatever happens."""

from __future__ import annotations

import re
import signal

import pytest

from harness.effort import FULL
from harness.vtx import Vtx

NOTHING = {"vms": 0, "pages": 0}


def memory_counters(vtx: Vtx) -> dict[str, int]:
    return {name: count for name, count in vtx.counters().items() if name in NOTHING}


# The letter


@pytest.mark.quick
def test_run_finds_the_letter_four_tables_down(vtx: Vtx) -> None:
    program, *arguments = vtx.stage.config.run
    assert program == "vtxctl"
    result = vtx.run(*arguments)
    assert result.status == 0
    found = re.search(r"in the machine: +(0x[0-9a-f]+)", result.text)[1]
    # Behind the letter's opcode (mov al, 'N'), where the image was loaded.
    assert re.search(r"in the guest: +0x7c04\n", result.text)
    assert f"And there, at {found} of the machine, stands: 'N'\n" in result.text

    entries = re.findall(
        r"(PML4|PDPT|PD|PT), .* choose entry +(\d+) of the table at (0x\w+): (0x\w+)", result.text
    )
    assert [(name, int(index)) for name, index, _, _ in entries] == [
        ("PML4", 0),
        ("PDPT", 0),
        ("PD", 0),
        ("PT", 7),
    ]
    # Each entry names the next table, the last one the page.
    places = [int(table, 0) for _, _, table, _ in entries[1:]] + [int(found, 0) & ~0xFFF]
    assert [int(entry, 0) & ~0xFFF for _, _, _, entry in entries] == places


def test_run_in_large_memory_needs_three_tables(vtx: Vtx) -> None:
    result = vtx.run("--mem", "64M", "nanox.bin")
    assert "that entry is a page already, of 2 MiB: no fourth table is needed" in result.text
    assert "stands: 'N'\n" in result.text


@pytest.mark.parametrize(
    "way, megabytes",
    [
        ("large", 64),
        ("small", 64),
        ("patched", 8),
        ("skewed", 8),
        ("readonly", 8),
    ],
)
def test_every_page_lies_where_linux_says(vtx: Vtx, way: str, megabytes: int) -> None:
    pages = megabytes << 20 >> 12
    large = pages if way in ("large", "readonly") else 0
    assert vtx.ask("mem_walk.c", way, str(megabytes)) == {
        "wrong": "0",
        "pages behind three tables": str(large),
        "pages behind four tables": str(pages - large),
        "before it": "nothing",
        "behind it": "nothing",
    }


# Bad arguments


@pytest.mark.quick
def test_bad_arguments_get_their_own_errno(vtx: Vtx) -> None:
    assert vtx.ask("mem_args.c") == {
        "gpa misaligned": "EINVAL",
        "size misaligned": "EINVAL",
        "user_addr misaligned": "EINVAL",
        "size zero": "EINVAL",
        "unknown flag": "EINVAL",
        "highest flag": "EINVAL",
        "reserved set": "EINVAL",
        "begins beyond": "ERANGE",
        "ends beyond": "ERANGE",
        "size beyond": "ERANGE",
        "end wraps round": "ERANGE",
        "size wraps round": "ERANGE",
        "map: no pointer": "EFAULT",
        "map: pointer into the kernel": "EFAULT",
        "no memory there": "EFAULT",
        "kernel memory": "EFAULT",
        "past the end of user memory": "EFAULT",
        "memory that we may not write": "EFAULT",
        "a hole half-way": "EFAULT",
        "what lies before the hole": "not mapped",
        "pages held after all that": "0",
        "first": "ok",
        "the same again": "EEXIST",
        "its first page": "EEXIST",
        "its last page": "EEXIST",
        "over its beginning": "EEXIST",
        "over its end": "EEXIST",
        "around it": "EEXIST",
        "just before it": "ok",
        "just behind it": "ok",
        "the highest page": "ok",
        "translate: 49 bits": "ERANGE",
        "translate: 64 bits": "ERANGE",
        "translate: no pointer": "EFAULT",
        "translate: 48 bits": "ok",
        "flags where nothing is": "0",
        "levels where nothing is": "0x1",
    }


def test_a_guest_larger_than_the_machine_is_refused(vtx: Vtx) -> None:
    result = vtx.run("--mem", "3G", "nanox.bin")
    assert result.status == 126
    assert b"no room to pin 3145728 KiB for the guest: give it less (--mem)" in result.stderr


# The charge


@pytest.mark.promised
def test_memory_is_charged_to_rlimit_memlock_and_given_back(vtx: Vtx) -> None:
    assert vtx.ask("mem_limit.c") == {
        "at first": "0 KiB locked",
        "more than the limit": "ENOMEM",
        "after that": "0 KiB locked",
        "pages held after that": "0",
        "three quarters": "ok",
        "after three quarters": "768 KiB locked",
        "half of the limit, in another VM": "ENOMEM",
        "after the second refusal": "768 KiB locked",
        "a failure of another kind": "EEXIST",
        "a failure while pinning": "EFAULT",
        "after the failures": "768 KiB locked",
        "the last quarter": "ok",
        "after the last quarter": "1024 KiB locked",
        "one page more": "ENOMEM",
        "after its end": "0 KiB locked",
        "all of it, in the other VM": "ok",
        "at the end": "0 KiB locked",
    }


def test_memory_that_runs_out_half_way_is_given_back(vtx: Vtx) -> None:
    vtx.machine.run(
        "mkdir -p /cg && mount -t cgroup -o memory none /cg && mkdir /cg/short", check=True
    )
    told = vtx.ask("mem_short.c", "/cg/short")
    vtx.machine.run("rmdir /cg/short && umount /cg", check=True)
    # Each table was the one too many, once; there are seven with pages in them.
    assert int(told.pop("refused")) >= 7
    assert int(told.pop("refused half-way")) >= 3
    assert told == {"mistakes": "0", "in the end": "ok"}


# How long it lives


@pytest.mark.quick
def test_a_forked_child_may_not_use_the_vm(vtx: Vtx) -> None:
    assert vtx.ask("mem_life.c", "fork") == {
        "child: VTX_GET_CAPS": "EIO",
        "child: VTX_MAP_MEMORY": "EIO",
        "child: VTX_TRANSLATE": "EIO",
        "after the child": "1 VMs, pages",
        "parent": "has its memory",
    }
    assert memory_counters(vtx) == NOTHING


def test_a_vm_outlives_the_process_that_made_it(vtx: Vtx) -> None:
    assert vtx.ask("mem_life.c", "heir") == {
        "after its maker": "1 VMs, pages",
        "child: VTX_GET_CAPS": "EIO",
        "child: VTX_MAP_MEMORY": "EIO",
        "child: VTX_TRANSLATE": "EIO",
        "after its heir": "0 VMs, no pages",
    }


@pytest.mark.promised
def test_what_is_unmapped_stays_the_guests_until_it_ends(vtx: Vtx) -> None:
    assert vtx.ask("mem_life.c", "munmap") == {
        "it lies": "where it lay",
        "and holds": "N",
        "still": "1 VMs, pages",
        "in the end": "0 VMs, no pages",
    }


def test_a_vm_lives_until_its_last_descriptor_is_closed(vtx: Vtx) -> None:
    assert vtx.ask("mem_life.c", "duplicate") == {
        "one closed": "1 VMs, pages",
        "the other": "has its memory",
        "both closed": "0 VMs, no pages",
    }


def test_two_hundred_vms_closed_in_any_order_leave_nothing(vtx: Vtx) -> None:
    assert vtx.ask("mem_life.c", "many") == {
        "all open": "200 VMs, pages",
        "all closed": "0 VMs, no pages",
    }


@pytest.mark.quick
def test_kill_leaves_nothing(vtx: Vtx) -> None:
    holder = vtx.machine.spawn("exec " + vtx.helper("mem_life.c") + " hold")
    holder.expect(b"held: 1 VMs, pages\n")
    refused = vtx.machine.run("rmmod vtxdrv")
    assert refused.status != 0
    holder.signal(signal.SIGKILL)
    assert holder.wait().status == 128 + signal.SIGKILL
    assert memory_counters(vtx) == NOTHING


def test_kill_while_it_is_being_mapped_leaves_nothing(vtx: Vtx) -> None:
    for _ in range(20 if FULL else 4):
        mapper = vtx.machine.spawn("exec " + vtx.helper("mem_life.c") + " busy")
        mapper.expect(b"round: ok\n")
        mapper.signal(signal.SIGKILL)
        assert mapper.wait().status == 128 + signal.SIGKILL
        assert memory_counters(vtx) == NOTHING
