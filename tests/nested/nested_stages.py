# SPDX-License-Identifier: GPL-2.0-only
"""Every stage in the engine qemu, inside the engine bochs: `make test-nested`.

One machine boots for all of it. KVM imitates VT-x there, for a guest that is itself in a guest:
another VT-x than Bochs' own, with checks and limits of its own.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import image
from harness.engine import Kind, Vary
from harness.machine import TROUBLE, Machine
from harness.nested import Nested
from harness.stage import Stage
from tests.engines import caps_lines, differences

# Each instruction of QEMU's own, and each exit, takes thousands.
PATIENCE = 10.0


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    files = tmp_path_factory.mktemp("initramfs")
    for stage in Stage.all():
        stage.build()
        for name, path in stage.files().items():
            copy = files / "stages" / stage.number / Path(name).name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, copy)
    engine = Nested(image.archive(files))
    try:
        nested = Machine(engine, Kind.TEST, Vary.NOTHING, progress=print)
    except BaseException:
        engine.stop()
        raise
    nested.link.patience = PATIENCE
    nested.again = "./virtx test-nested"
    yield nested
    nested.stop()


def shown(machine: Machine, stage: Stage) -> str:
    """What `run` of this stage prints."""
    if machine.broken:
        pytest.skip("the stage before broke the machine")
    home = f"/stages/{stage.number}"
    machine.run(f"insmod {home}/vtxdrv.ko", check=True)
    result = machine.run(
        f"cd {home} && ./{' '.join(stage.config.run)}", stdin=stage.config.types.encode()
    )
    if TROUBLE.search(machine.kernel_log()):
        machine.broken = True
        pytest.fail(
            f"stage {stage.name} crashed the kernel:\n{machine.telling_log()}", pytrace=False
        )
    machine.run("rmmod vtxdrv", check=True)
    assert result.status == 0, f"stage {stage.name} ended with status {result.status}: {result}"
    return result.text


def test_it_is_kvm_that_imitates_vt_x(machine: Machine) -> None:
    flags = machine.run("grep -m1 ^flags /proc/cpuinfo", check=True).text.split()
    assert {"vmx", "hypervisor"} <= set(flags)
    assert "QEMU" in machine.run("cat /sys/class/dmi/id/sys_vendor", check=True).text


@pytest.mark.parametrize("number", [stage.number for stage in Stage.all()])
def test_a_stage_shows_its_text(machine: Machine, number: str) -> None:
    stage = Stage.find(number)
    text = shown(machine, stage)
    words = stage.config.shows
    assert words in text, f"stage {stage.name} does not show {words!r}, but:\n{text}"
    problems = machine.check()
    assert not problems, f"after stage {stage.name}: {problems}\n{machine.kernel_log()[-3000:]}"


def test_the_cpu_differs_from_bochs_where_the_list_says_so(machine: Machine) -> None:
    lines = caps_lines(shown(machine, Stage.find("01")))
    for difference in differences():
        found = [line for line in lines if difference["has"] in line]
        assert len(found) == 1 and difference["qemu"] in found[0], (difference, found)
