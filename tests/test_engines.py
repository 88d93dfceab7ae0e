# SPDX-License-Identifier: GPL-2.0-only
"""The engines: which is picked, how the second one works, and where they differ."""

from __future__ import annotations

import pytest

from harness import qemu
from harness.engine import EngineError, Kind, NotOffered, Vary, no_progress
from harness.machine import Machine, pick_engine
from harness.qemu import Qemu
from harness.vtx import Vtx
from tests.engines import caps_lines, differences

FILES = qemu.Files("vmlinuz", "initramfs", "disc", "kernel.log", "line", "agent.out")


@pytest.fixture
def computer(monkeypatch, tmp_path):
    """One that has all that the engine qemu needs."""
    module = tmp_path / "kvm_intel"
    (module / "parameters").mkdir(parents=True)
    (module / "parameters/nested").write_text("Y\n")
    (tmp_path / "kvm").touch()
    (tmp_path / "qemu").touch()
    monkeypatch.setattr(qemu, "QEMU", tmp_path / "qemu")
    monkeypatch.setattr(qemu, "DEVICE", tmp_path / "kvm")
    monkeypatch.setattr(qemu, "MODULE", module)
    monkeypatch.setattr(qemu, "NESTED", module / "parameters/nested")
    monkeypatch.delenv("ENGINE", raising=False)
    return tmp_path


def test_qemu_is_picked_where_a_guest_may_use_vt_x(computer):
    assert Qemu.missing() is None
    assert pick_engine(None) is Qemu
    assert pick_engine("bochs").name == "bochs"


def test_what_qemu_lacks_is_told_and_bochs_is_picked(computer):
    nested = computer / "kvm_intel/parameters/nested"
    nested.write_text("N\n")
    assert "modprobe kvm_intel nested=1" in Qemu.missing()
    assert pick_engine(None).name == "bochs"
    with pytest.raises(EngineError, match="qemu cannot work here: KVM lets no guest use VT-x"):
        pick_engine("qemu")
    nested.unlink()
    nested.parent.rmdir()
    nested.parent.parent.rmdir()
    assert "kvm_intel is not loaded" in Qemu.missing()
    (computer / "kvm").unlink()
    assert Qemu.missing() == "there is no /dev/kvm"
    (computer / "qemu").unlink()
    assert "make setup" in Qemu.missing()


def test_qemu_is_called_for_each_kind_of_machine():
    def words(*arguments):
        return " ".join(qemu.command(FILES, *arguments))

    assert "-accel kvm -cpu host -M pc" in words(Kind.TEST)
    assert "-smp 1" in words(Kind.PEOPLE) and "-smp 2" in words(Kind.SMP)
    assert "-cpu host,-vmx" in words(Kind.TEST, Vary.NO_VMX)
    assert "mitigations=auto" in words(Kind.TEST, Vary.MITIGATED)
    # Its clock is not that of Bochs.
    assert "mitigations=off" in words(Kind.TEST) and "tsc_early_khz" not in words(Kind.TEST)
    for vary in (Vary.LOCKED, Vary.UNLOCKED):
        with pytest.raises(NotOffered, match="use bochs"):
            words(Kind.TEST, vary)


def test_the_engine_qemu_carries_all_that_a_machine_needs():
    """On any computer: without KVM there is no VT-x in it, but all the rest."""
    engine = Qemu(accel="tcg")
    try:
        machine = Machine(engine, Kind.SMP, Vary.NOTHING, no_progress)
        assert machine.run("nproc; grep -c vmx /proc/cpuinfo").text == "2\n0\n"
        content = bytes(range(256)) * 6000
        machine.put({"/tmp/large": content})
        assert machine.get("/tmp/large") == content
        job = machine.spawn("read line; echo got $line; exit 3")
        job.write(b"this\n")
        assert (job.wait().status, job.output) == (3, b"got this\n")
        machine.run("echo hello >/dev/kmsg", check=True)
        machine.wait_log("hello")
        assert len([name for name in machine.hoststate() if name.endswith("cr4")]) == 2
        assert machine.check() == []
        machine.stop()
    finally:
        engine.stop()
    assert engine._folder is None and engine._process is None


@pytest.mark.promised(since="01", until="01")
def test_bochs_shows_what_the_list_of_differences_says(vtx: Vtx):
    if vtx.machine.engine_name != "bochs":
        pytest.skip("this is the engine bochs' column")
    lines = caps_lines(vtx.run("--caps").text)
    for difference in differences():
        found = [line for line in lines if difference["has"] in line]
        assert len(found) == 1 and difference["bochs"] in found[0], (difference, found)
