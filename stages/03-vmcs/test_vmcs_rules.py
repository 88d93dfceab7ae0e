# SPDX-License-Identifier: GPL-2.0-only
"""Each rule on controls and host state that this CPU has, broken: what CPU and decoder say."""

from __future__ import annotations

import dataclasses
import functools
import re
import struct

import pytest

from harness.paths import LINUX, ROOT
from harness.vtx import Vtx

SET, ON, OFF = range(3)

PIN = "PIN_BASED_VM_EXEC_CONTROL"
PROC = "CPU_BASED_VM_EXEC_CONTROL"
PROC2 = "SECONDARY_VM_EXEC_CONTROL"
EXIT = "VM_EXIT_CONTROLS"
ENTRY = "VM_ENTRY_CONTROLS"
EVENT = "VM_ENTRY_INTR_INFO_FIELD"

# Bits of the controls, by the SDM's tables.
INTERRUPT_EXITING, NMI_EXITING, VIRTUAL_NMIS, PREEMPTION_TIMER = 1 << 0, 1 << 3, 1 << 5, 1 << 6
TPR_SHADOW, NMI_WINDOW, IO_BITMAPS, MSR_BITMAPS = 1 << 21, 1 << 22, 1 << 25, 1 << 28
APIC_ACCESSES, EPT, X2APIC, VPID = 1 << 0, 1 << 1, 1 << 4, 1 << 5
UNRESTRICTED, APIC_REGISTERS, INTERRUPT_DELIVERY = 1 << 7, 1 << 8, 1 << 9
VM_FUNCTIONS, SHADOW_VMCS, PML, VIRTUALIZATION_EXCEPTION = 1 << 13, 1 << 14, 1 << 17, 1 << 18
TSC_SCALING = 1 << 25
HOST_64, LOAD_PAT, LOAD_EFER, SAVE_TIMER = 1 << 9, 1 << 19, 1 << 21, 1 << 22
LOAD_PERF_GLOBAL = 1 << 12
TO_SMM, END_DUAL_MONITOR = 1 << 10, 1 << 11

# Events: valid, with an error code, and the types.
VALID, WITH_CODE = 1 << 31, 1 << 11
NMI, EXCEPTION, SOFT_INT, PRIVILEGED, SOFT_EXCEPTION, OTHER = (n << 8 for n in range(2, 8))
PROTECTED_GUEST = ("GUEST_CR0", SET, 1)

# This CPU has 40 bits of physical and 48 of linear address.
TOO_WIDE = 1 << 40
NOT_CANONICAL = 1 << 47
GOOD_PAGE = 0x1000


@dataclasses.dataclass(frozen=True)
class Way:
    """A way to break a rule: changes to a form that is good but for the guest's state."""

    rule: str
    changes: tuple[tuple[str, int, int], ...]

    @property
    def field(self) -> str:
        """The field that the decoder should blame: the last that is changed, but for some."""
        return BLAMED.get(self.rule, self.changes[-1][0])

    def __str__(self) -> str:
        return f"{self.rule} {self.changes[-1][0]}"


def page(rule: str, field: str, *controls: tuple[str, int, int]) -> list[Way]:
    """The address of a page that these controls make the CPU use."""
    return [
        Way(f"{rule}_ALIGN", (*controls, (field, SET, GOOD_PAGE + 8))),
        Way(f"{rule}_WIDTH", (*controls, (field, SET, TOO_WIDE))),
    ]


def msr_list(rule: str, field: str) -> list[Way]:
    count, addr = f"{field}_COUNT", f"{field}_ADDR"
    return [
        Way(f"{rule}_ALIGN", ((count, SET, 1), (addr, SET, GOOD_PAGE + 8))),
        Way(f"{rule}_WIDTH", ((count, SET, 1), (addr, SET, TOO_WIDE))),
        Way(f"{rule}_END", ((count, SET, 2), (addr, SET, TOO_WIDE - 16))),
    ]


def event(rule: str, info: int, *changes: tuple[str, int, int]) -> Way:
    return Way(rule, (*changes, (EVENT, SET, VALID | info)))


CONTROLS = [
    Way("PIN_ONES", ((PIN, OFF, 1 << 1),)),
    Way("PIN_ZEROS", ((PIN, ON, 1 << 8),)),
    Way("PROC_ONES", ((PROC, OFF, 1 << 26),)),
    Way("PROC_ZEROS", ((PROC, ON, 1 << 0),)),
    Way("PROC_ZEROS", ((PROC, ON, 1 << 27),)),
    Way("PROC2_ZEROS", ((PROC2, ON, 1 << 31),)),
    Way("CR3_TARGET_COUNT", (("CR3_TARGET_COUNT", SET, 5),)),
    *page("IO_BITMAP", "IO_BITMAP_A", (PROC, ON, IO_BITMAPS)),
    *page("IO_BITMAP", "IO_BITMAP_B", (PROC, ON, IO_BITMAPS)),
    *page("MSR_BITMAP", "MSR_BITMAP", (PROC, ON, MSR_BITMAPS)),
    *page("VIRTUAL_APIC", "VIRTUAL_APIC_PAGE_ADDR", (PROC, ON, TPR_SHADOW)),
    *page("APIC_ACCESS", "APIC_ACCESS_ADDR", (PROC2, ON, APIC_ACCESSES)),
    *page("PML", "PML_ADDRESS", (PROC2, ON, PML)),
    *page(
        "EPTP_LIST", "EPTP_LIST_ADDRESS", (PROC2, ON, VM_FUNCTIONS), ("VM_FUNCTION_CONTROL", SET, 1)
    ),
    *page("VMCS_BITMAP", "VMREAD_BITMAP", (PROC2, ON, SHADOW_VMCS)),
    *page("VMCS_BITMAP", "VMWRITE_BITMAP", (PROC2, ON, SHADOW_VMCS)),
    *page("VE_INFO", "VE_INFORMATION_ADDRESS", (PROC2, ON, VIRTUALIZATION_EXCEPTION)),
    Way(
        "TPR_THRESHOLD_VTPR",
        (
            (PROC, ON, TPR_SHADOW),
            ("VIRTUAL_APIC_PAGE_ADDR", SET, GOOD_PAGE),
            ("TPR_THRESHOLD", SET, 15),
        ),
    ),
    Way(
        "TPR_THRESHOLD_RESERVED",
        (
            (PROC, ON, TPR_SHADOW),
            ("VIRTUAL_APIC_PAGE_ADDR", SET, GOOD_PAGE),
            ("TPR_THRESHOLD", SET, 16),
        ),
    ),
    Way("VIRTUAL_NMIS", ((PIN, OFF, NMI_EXITING), (PIN, ON, VIRTUAL_NMIS))),
    Way("NMI_WINDOW", ((PROC, ON, NMI_WINDOW),)),
    Way("X2APIC_TPR_SHADOW", ((PROC2, ON, X2APIC),)),
    Way("APIC_REGISTERS_TPR_SHADOW", ((PROC2, ON, APIC_REGISTERS),)),
    Way("INTR_DELIVERY_TPR_SHADOW", ((PROC2, ON, INTERRUPT_DELIVERY),)),
    Way(
        "X2APIC_APIC_ACCESSES",
        (
            (PROC, ON, TPR_SHADOW),
            ("VIRTUAL_APIC_PAGE_ADDR", SET, GOOD_PAGE),
            ("APIC_ACCESS_ADDR", SET, GOOD_PAGE),
            (PROC2, ON, X2APIC | APIC_ACCESSES),
        ),
    ),
    Way(
        "INTR_DELIVERY_INTR_EXITING",
        (
            (PROC, ON, TPR_SHADOW),
            ("VIRTUAL_APIC_PAGE_ADDR", SET, GOOD_PAGE),
            (PIN, OFF, INTERRUPT_EXITING),
            (PROC2, ON, INTERRUPT_DELIVERY),
        ),
    ),
    Way("VPID_ZERO", ((PROC2, ON, VPID), ("VIRTUAL_PROCESSOR_ID", SET, 0))),
    Way("EPTP_MEMORY_TYPE", (("EPT_POINTER", OFF, 7), ("EPT_POINTER", ON, 1))),
    Way("EPTP_WALK_LENGTH", (("EPT_POINTER", OFF, 0x38),)),
    Way("EPTP_WALK_LENGTH", (("EPT_POINTER", ON, 0x38),)),
    Way("EPTP_RESERVED", (("EPT_POINTER", ON, 1 << 8),)),
    Way("EPTP_WIDTH", (("EPT_POINTER", ON, TOO_WIDE),)),
    Way("PML_EPT", ((PROC2, OFF, EPT | UNRESTRICTED), (PROC2, ON, PML))),
    Way("UNRESTRICTED_EPT", ((PROC2, OFF, EPT),)),
    Way("VMFUNC_ZEROS", ((PROC2, ON, VM_FUNCTIONS), ("VM_FUNCTION_CONTROL", SET, 2))),
    Way(
        "EPTP_SWITCHING_EPT",
        (
            (PROC2, OFF, EPT | UNRESTRICTED),
            (PROC2, ON, VM_FUNCTIONS),
            ("VM_FUNCTION_CONTROL", SET, 1),
        ),
    ),
    Way("TSC_MULTIPLIER", ((PROC2, ON, TSC_SCALING), ("TSC_MULTIPLIER", SET, 0))),
    Way("EXIT_ONES", ((EXIT, OFF, 1 << 0),)),
    Way("EXIT_ZEROS", ((EXIT, ON, 1 << 23),)),
    Way("SAVE_PREEMPTION_TIMER", ((PIN, OFF, PREEMPTION_TIMER), (EXIT, ON, SAVE_TIMER))),
    *msr_list("EXIT_MSR_STORE", "VM_EXIT_MSR_STORE"),
    *msr_list("EXIT_MSR_LOAD", "VM_EXIT_MSR_LOAD"),
    Way("ENTRY_ONES", ((ENTRY, OFF, 1 << 0),)),
    Way("ENTRY_ZEROS", ((ENTRY, ON, 1 << 25),)),
    Way("ENTRY_TO_SMM", ((ENTRY, ON, TO_SMM),)),
    Way("DEACTIVATE_DUAL_MONITOR", ((ENTRY, ON, END_DUAL_MONITOR),)),
    *msr_list("ENTRY_MSR_LOAD", "VM_ENTRY_MSR_LOAD"),
    event("EVENT_TYPE_RESERVED", 1 << 8),
    event("EVENT_TYPE_OTHER", OTHER),
    event("EVENT_NMI_VECTOR", NMI | 3),
    event("EVENT_EXCEPTION_VECTOR", EXCEPTION | 32),
    event("EVENT_ERROR_CODE_MISSING", EXCEPTION | 13, PROTECTED_GUEST),
    event("EVENT_ERROR_CODE_TYPE", WITH_CODE | 13, PROTECTED_GUEST),
    event("EVENT_ERROR_CODE_REAL_MODE", EXCEPTION | WITH_CODE | 13),
    event("EVENT_ERROR_CODE_VECTOR", EXCEPTION | WITH_CODE | 6, PROTECTED_GUEST),
    event("EVENT_NESTED_TYPE", 1 << 13 | 0x20),
    event("EVENT_NESTED_UNSUPPORTED", EXCEPTION | 1 << 13 | 6),
    event("EVENT_RESERVED", EXCEPTION | 1 << 12 | 6),
    event("EVENT_RESERVED", EXCEPTION | 1 << 30 | 6),
    event(
        "EVENT_ERROR_CODE_HIGH",
        EXCEPTION | WITH_CODE | 13,
        PROTECTED_GUEST,
        ("VM_ENTRY_EXCEPTION_ERROR_CODE", SET, 1 << 16),
    ),
    *(
        event("EVENT_LENGTH", kind | 0x20, ("VM_ENTRY_INSTRUCTION_LEN", SET, 16))
        for kind in (SOFT_INT, PRIVILEGED, SOFT_EXCEPTION)
    ),
]

HOST = [
    Way("HOST_CR0_ONES", (("HOST_CR0", OFF, 1 << 5),)),
    Way("HOST_CR0_ONES", (("HOST_CR0", OFF, 1 << 31),)),
    Way("HOST_CR0_ZEROS", (("HOST_CR0", ON, 1 << 32),)),
    Way("HOST_CR4_ONES", (("HOST_CR4", OFF, 1 << 13),)),
    Way("HOST_CR4_ZEROS", (("HOST_CR4", ON, 1 << 15),)),
    Way("HOST_CR3", (("HOST_CR3", ON, TOO_WIDE),)),
    Way("HOST_CR3", (("HOST_CR3", ON, 1 << 62),)),
    Way("HOST_SYSENTER", (("HOST_IA32_SYSENTER_ESP", SET, NOT_CANONICAL),)),
    Way("HOST_SYSENTER", (("HOST_IA32_SYSENTER_EIP", SET, NOT_CANONICAL),)),
    Way(
        "HOST_PERF_GLOBAL_CTRL",
        ((EXIT, ON, LOAD_PERF_GLOBAL), ("HOST_IA32_PERF_GLOBAL_CTRL", SET, 1 << 40)),
    ),
    Way("HOST_PAT", ((EXIT, ON, LOAD_PAT), ("HOST_IA32_PAT", SET, 2))),
    Way("HOST_EFER_RESERVED", (("HOST_IA32_EFER", ON, 1 << 1),)),
    Way("HOST_EFER_LMA", (("HOST_IA32_EFER", OFF, 1 << 10),)),
    Way("HOST_EFER_LME", (("HOST_IA32_EFER", OFF, 1 << 8),)),
    *(
        Way("HOST_SELECTOR", ((f"HOST_{name}_SELECTOR", ON, bit),))
        for name in ("ES", "CS", "SS", "DS", "FS", "GS", "TR")
        for bit in (1, 4)
    ),
    Way("HOST_CS_ZERO", (("HOST_CS_SELECTOR", SET, 0),)),
    Way("HOST_TR_ZERO", (("HOST_TR_SELECTOR", SET, 0),)),
    *(
        Way("HOST_BASE", ((f"HOST_{name}_BASE", SET, NOT_CANONICAL),))
        for name in ("FS", "GS", "TR", "GDTR", "IDTR")
    ),
    Way("HOST_32_FROM_64", ((EXIT, OFF, HOST_64),)),
    Way("HOST_PAE", (("HOST_CR4", OFF, 1 << 5),)),
    Way("HOST_RIP", (("HOST_RIP", SET, NOT_CANONICAL),)),
]


# What Bochs 2.7 lets pass, though the SDM forbids it.
PASSES_BOCHS = {
    "ENTRY_TO_SMM",
    "EVENT_TYPE_OTHER",
    "HOST_PERF_GLOBAL_CTRL",
}
# The rule hangs on memory that VTXDRV does not look at.
NOT_TOLD = {"TPR_THRESHOLD_VTPR"}

# The field to blame, where it is not the one changed last.
BLAMED = {
    "EVENT_ERROR_CODE_HIGH": "VM_ENTRY_EXCEPTION_ERROR_CODE",
    "EVENT_LENGTH": "VM_ENTRY_INSTRUCTION_LEN",
}

# What there is no way to break here; with made-up CPUs all are tried in tests/unit.
LACKS = """
    PROC3_ZEROS SPPTP_ALIGN SPPTP_WIDTH PASID_ALIGN PASID_WIDTH IPI_VIRT_TPR_SHADOW
    POSTED_INTR_DELIVERY POSTED_INTR_ACK POSTED_INTR_VECTOR POSTED_INTR_ALIGN POSTED_INTR_WIDTH
    PID_TABLE_ALIGN PID_TABLE_WIDTH PID_TABLE_END EPTP_ACCESSED_DIRTY MODE_BASED_EPT SPP_EPT
    PT_EPT PEBS_EPT HLAT_EPT PAGING_WRITE_EPT PAGING_VERIFY_EPT PT_TRACING PT_LOAD_RTIT
    PT_CLEAR_RTIT HLATP_RESERVED HLATP_WIDTH APIC_TIMER_INTR_DELIVERY APIC_TIMER_RDTSC
    APIC_TIMER_VECTOR EXIT2_ZEROS EVENT_LENGTH_ZERO EVENT_OTHER_VECTOR HOST_CET_WP HOST_S_CET_RESERVED
    HOST_S_CET_SUPPRESS HOST_SSP_ALIGN HOST_PKRS HOST_FRED_CONFIG HOST_FRED_RSP HOST_FRED_SSP
    HOST_SPEC_CTRL HOST_SS_ZERO GUEST_64_FROM_32 HOST_64_FROM_32 HOST_PCIDE HOST_FRED
    HOST_RIP_HIGH HOST_S_CET_HIGH HOST_SSP_HIGH HOST_S_CET HOST_SSP HOST_SSP_TABLE
""".split()

# Exit reason 33, and bit 31: it came before the guest had begun.
GUEST_STATE = 0x80000021


@functools.cache
def encodings() -> dict[str, int]:
    """The numbers of the VMCS fields, from the kernel's header and from what it lacks."""
    (linux,) = LINUX.glob("root/usr/src/linux-headers-*-common/arch/x86/include/asm/vmx.h")
    text = linux.read_text() + (ROOT / "common/vmx_extra.h").read_text()
    return {name: int(n, 16) for name, n in re.findall(r"^\s+(\w+)\s*= (0x\w+),", text, re.M)}


@functools.cache
def rules() -> list[str]:
    """The rules by their numbers."""
    text = (ROOT / "common/vmentry_rules.h").read_text()
    return ["OK", *re.findall(r"^VMENTRY_RULE\((\w+),", text, re.M)]


@dataclasses.dataclass(frozen=True)
class Verdict:
    error: int
    exit_reason: int
    rule: str
    field: int


def packed(way: Way) -> bytes:
    # What VTX_PROBE_ENTRY itself has spoilt is made good first.
    changes = [("HOST_CS_SELECTOR", OFF, 3), *way.changes]
    records = (struct.pack("<IIQ", encodings()[field], how, n) for field, how, n in changes)
    return struct.pack("<I", len(changes)) + b"".join(records)


def verdicts(vtx: Vtx, ways: list[Way]) -> list[Verdict]:
    vtx.machine.run(f"insmod {vtx.module('probe_spoil')}", check=True)
    told = vtx.ask("probe_rules.c", stdin=b"".join(packed(way) for way in ways))
    vtx.machine.run("rmmod probe_spoil", check=True)
    numbers = [[int(n, 0) for n in line.split()] for line in told.values()]
    assert len(numbers) == len(ways)
    return [Verdict(error, reason, rules()[rule], field) for error, reason, rule, field in numbers]


def complaints(vtx: Vtx, ways: list[Way], error: int) -> list[str]:
    """Where the CPU or the decoder said anything but what it should."""
    wrong = []
    for way, verdict in zip(ways, verdicts(vtx, ways)):
        if way.rule in PASSES_BOCHS:
            expected = Verdict(0, GUEST_STATE, "OK", 0)
        elif way.rule in NOT_TOLD:
            expected = Verdict(error, 0, "OK", 0)
        else:
            expected = Verdict(error, 0, way.rule, encodings()[way.field])
        if verdict != expected:
            wrong.append(f"{way}: {verdict}")
    return wrong


def test_each_broken_rule_on_controls_is_error_7_and_found(vtx: Vtx) -> None:
    assert complaints(vtx, CONTROLS, 7) == []


def test_each_broken_rule_on_the_host_is_error_8_and_found(vtx: Vtx) -> None:
    assert complaints(vtx, HOST, 8) == []


def test_a_form_with_no_mistake_stops_at_the_guest_and_leaves_the_host_as_it_was(
    vtx: Vtx,
) -> None:
    before = vtx.machine.hoststate()
    assert verdicts(vtx, [Way("OK", ())] * 50) == [Verdict(0, GUEST_STATE, "OK", 0)] * 50
    after = vtx.machine.hoststate()
    # The FS base and CR2 are those of the process that reads.
    changed = {name for name, n in after.items() if n != before[name]}
    assert changed <= {"cpu0 fs_base", "cpu0 cr2"}


def test_every_rule_is_tried_or_is_one_that_this_cpu_lacks() -> None:
    text = (ROOT / "common/vmentry_rules.h").read_text()
    groups = "EXECUTION|EXIT|ENTRY|HOST_REGISTERS|HOST_SEGMENTS|ADDRESS_SPACE"
    all_rules = set(re.findall(rf"^VMENTRY_RULE\((\w+), (?:{groups}),", text, re.M))
    tried = {way.rule for way in CONTROLS + HOST}
    assert tried | set(LACKS) == all_rules
    assert not tried & set(LACKS)
