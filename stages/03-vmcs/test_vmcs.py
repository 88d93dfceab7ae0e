# SPDX-License-Identifier: GPL-2.0-only
"""The form that the CPU reads closely: filled in, spoilt, refused, explained; no trace left."""

from __future__ import annotations

import re
import signal

import pytest

from harness.effort import FULL
from harness.vtx import Vtx

NOTHING = {"vms": 0, "vcpus": 0, "pages": 0}
CPU1 = "/sys/devices/system/cpu/cpu1/online"
NO_VMCS = 0xFFFFFFFFFFFFFFFF


def said_by_vtxdrv(vtx: Vtx) -> list[str]:
    return re.findall(r"vtxdrv: .*", vtx.machine.kernel_log())


# What the learner sees

MISTAKES = [
    # what we wrote, error, the field to blame, the rule, the SDM's section
    (
        r"pin-based VM-execution controls = 0, where 0x\w+ would be right",
        7,
        r"pin-based VM-execution controls = 0: a pin-based control is off that this CPU demands",
        "VM-Execution Control Fields",
    ),
    (
        r"CR3-target count = 0x1ff, where 0 would be right",
        7,
        r"CR3-target count = 0x1ff: there are more CR3-target values than this CPU has room for",
        "VM-Execution Control Fields",
    ),
    (
        r"EPT pointer \(EPTP\) = 0x\w+6, where 0x\w+1e would be right",
        7,
        r"EPT pointer \(EPTP\) = 0x\w+6: the EPT pointer asks for a number of table levels that this CPU "
        "cannot walk",
        "VM-Execution Control Fields",
    ),
    (
        r"host CR4 = 0x\w+, where 0x\w+ would be right",
        8,
        r"host CR4 = 0x\w+: the host's CR4 lacks a bit that VMX demands",
        "Checks on Host Control Registers, MSRs, and SSP",
    ),
    (
        r"host CS selector = 0x13, where 0x10 would be right",
        8,
        r"host CS selector = 0x13: a selector of the host has a privilege level",
        "Checks on Host Segment and Descriptor-Table Registers",
    ),
]
ERRORS = {7: "VM entry with a bad control", 8: "VM entry with bad host state"}


@pytest.mark.quick
def test_run_tells_five_mistakes_in_words(vtx: Vtx) -> None:
    program, *arguments = vtx.stage.config.run
    assert program == "vtxctl"
    result = vtx.run(*arguments)
    assert result.status == 0
    filled = re.match(
        r"The form has (\d+) fields so far, each read back as it was written\.\n", result.text
    )
    # 21 controls and 21 fields of the host.
    assert int(filled[1]) == 42

    parts = re.split(r"\nMistake (\d): .+\.\n", result.text)[1:]
    assert parts[::2] == ["1", "2", "3", "4", "5"]
    for text, (wrote, error, says, section) in zip(parts[1::2], MISTAKES):
        lines = text.splitlines()
        assert re.fullmatch(f"  we wrote:     {wrote}", lines[0])
        assert lines[1] == f"  the CPU says: error {error}, {ERRORS[error]}"
        assert re.match(f"  we say:       {says}", lines[2])
        assert re.match(r"  the rule:     SDM Vol\. 3, .*" + re.escape(section), lines[3])
    # Not a field has lost what was written to it.
    assert said_by_vtxdrv(vtx) == ["vtxdrv: CPU0: VMX on"]


PIN, CR3_COUNT, EPTP, HOST_CR4, HOST_CS = 0x4000, 0x400A, 0x201A, 0x6C04, 0x0C02


@pytest.mark.quick
@pytest.mark.promised
def test_the_field_that_was_spoilt_is_the_field_to_blame(vtx: Vtx) -> None:
    told = vtx.ask("probe_vcpu.c", "forms")
    forms = [[int(number, 0) for number in line.split()] for line in told.values()]
    assert [form[0] for form in forms] == [7, 7, 7, 8, 8]
    assert [form[2] for form in forms] == [PIN, CR3_COUNT, EPTP, HOST_CR4, HOST_CS]
    for _, reason, spoilt, blamed, rule, good, bad, value, filled in forms:
        assert reason == 0 and rule != 0
        assert spoilt == blamed and good != bad == value
        assert filled >= 40


# Bad arguments


@pytest.mark.quick
def test_bad_arguments_get_their_own_errno(vtx: Vtx) -> None:
    assert vtx.ask("probe_vcpu.c", "arguments") == {
        "vCPU 1": "EINVAL",
        "unknown flag": "EINVAL",
        "create: no pointer": "EFAULT",
        "no descriptor left": "EMFILE",
        "the first": "ok",
        "the second": "EEXIST",
        "form 0": "EINVAL",
        "form after the last": "EINVAL",
        "form all ones": "EINVAL",
        "reserved set": "EINVAL",
        "probe: no pointer": "EFAULT",
        "probe: read-only": "EINVAL",
        "probe of the VM": "ENOTTY",
        "caps of the vCPU": "ENOTTY",
        "unknown ioctl": "ENOTTY",
        "form 1": "ok",
        "another, after it": "ok",
    }


def test_a_second_thread_is_told_that_the_vcpu_is_busy(vtx: Vtx) -> None:
    assert vtx.ask("probe_vcpu.c", "busy") == {
        "second thread": "EBUSY",
        "second thread, unknown ioctl": "ENOTTY",
        "the VM meanwhile": "ok",
        "first thread": "ok",
        "second thread, after it": "ok",
    }


# How long it lives


def test_descriptors_may_be_closed_in_either_order(vtx: Vtx) -> None:
    assert vtx.ask("probe_vcpu.c", "vm-first") == {
        "VM closed": "1 VMs, 1 vCPUs",
        "probe": "ok",
        "vCPU closed": "0 VMs, 0 vCPUs",
    }
    assert vtx.ask("probe_vcpu.c", "vcpu-first") == {
        "vCPU closed": "1 VMs, 0 vCPUs",
        "caps": "ok",
        "VM closed": "0 VMs, 0 vCPUs",
    }


def test_a_forked_child_may_not_use_the_vcpu(vtx: Vtx) -> None:
    assert vtx.ask("probe_vcpu.c", "fork") == {
        "child: probe": "EIO",
        "child: probe with a bad form": "EIO",
        "child: create": "EIO",
        "parent: probe": "ok",
    }


def test_a_vcpu_alone_holds_its_vm_and_the_module_until_it_is_killed(vtx: Vtx) -> None:
    holder = vtx.machine.spawn("exec " + vtx.helper("probe_vcpu.c") + " hold")
    holder.expect(b"probe: ok\n")
    assert vtx.counters()["vms"] == vtx.counters()["vcpus"] == 1
    assert vtx.machine.run("rmmod vtxdrv").status != 0

    holder.signal(signal.SIGKILL)
    assert holder.wait().status == 128 + signal.SIGKILL
    assert vtx.counters() == NOTHING


def test_a_vcpu_works_on_after_a_suspend(vtx: Vtx) -> None:
    suspend = vtx.helper("probe_suspend.c")
    holder = vtx.machine.spawn("exec " + vtx.helper("probe_vcpu.c") + " hold")
    holder.expect(b"probe: ok\n")
    vtx.machine.run(suspend, timeout=120, check=True)
    holder.close_stdin()
    assert holder.wait().status == 0
    assert vtx.ask("probe_vcpu.c", "several") == {"done": "92"}


# No trace


def current_vmcs(vtx: Vtx) -> set[int]:
    """What each CPU says is its current VMCS (VMPTRST)."""
    lines = vtx.machine.get("/proc/spoil").decode().splitlines()
    return {int(line.split()[1], 0) for line in lines}


def test_a_thousand_probes_leave_no_trace(vtx: Vtx) -> None:
    machine = vtx.machine
    machine.run(f"insmod {vtx.module('probe_spoil')}", check=True)
    before = machine.hoststate()
    assert vtx.ask("probe_vcpu.c", "many") == {"done": "1000"}
    assert vtx.ask("probe_vcpu.c", "several") == {"done": "92"}
    after = machine.hoststate()
    # The FS base and CR2 are those of the process that reads.
    changed = {name for name in before if before[name] != after[name]}
    assert changed <= {"cpu0 fs_base", "cpu0 cr2"}

    assert current_vmcs(vtx) == {NO_VMCS}
    assert vtx.counters() == NOTHING
    assert said_by_vtxdrv(vtx) == ["vtxdrv: CPU0: VMX on"]
    machine.run("rmmod probe_spoil", check=True)


def test_a_cpu_may_go_while_it_is_being_probed(vtx_smp: Vtx) -> None:
    vtx, machine = vtx_smp, vtx_smp.machine
    machine.run(f"insmod {vtx.module('probe_spoil')}", check=True)
    storm = machine.spawn("exec " + vtx.helper("probe_vcpu.c") + " storm")
    storm.expect(b"storm: ok\n")
    for _ in range(20 if FULL else 2):
        machine.run(f"echo 0 >{CPU1}", check=True)
        machine.run(f"echo 1 >{CPU1}", check=True)
    storm.close_stdin()
    told = dict(line.split(": ") for line in storm.wait().text.splitlines())
    # EAGAIN is what the ABI promises of a CPU that is just going.
    assert int(told["ok"]) > 0 and told["other"] == "0"
    assert current_vmcs(vtx) == {NO_VMCS}
    assert vtx.counters() == NOTHING
    machine.run("rmmod probe_spoil", check=True)
