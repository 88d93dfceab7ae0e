# SPDX-License-Identifier: GPL-2.0-only
"""The debug kernel: what it costs is said, it stands beside Debian's, and it finds what it is for."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable

import pytest

from door import cli, debug, setup
from door.base import Status, Stop
from harness import debug_kernel
from harness.machine import Machine
from harness.paths import BUILD, KERNEL, ROOT, SetupError
from harness.stage import Stage
from harness.vtx import Vtx

# Which kernel


def said(*command: str, kernel: str) -> str:
    environment = dict(os.environ, VIRTX_KERNEL=kernel)
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.mark.parametrize("kernel, folder", [("", BUILD), ("debug", BUILD / "debug")])
def test_each_kernel_has_a_folder_of_its_own(kernel, folder):
    program = """
from harness import paths, stage
print(paths.LINUX, paths.L1, stage.Stage.all()[0].build_dir)
"""
    name = Stage.all()[0].name
    places = said(sys.executable, "-c", program, kernel=kernel).split()
    assert places == [str(folder / place) for place in ("linux", "l1", f"stages/{name}")]


@pytest.mark.parametrize("kernel, folder", [("", BUILD), ("debug", BUILD / "debug")])
def test_a_stage_is_built_for_the_kernel_it_is_to_run_on(kernel, folder):
    stage = Stage.all()[0]
    variables = said("make", "-np", "-C", str(stage.folder), "clean", kernel=kernel)
    assert f"\nlinux := {folder}/linux/headers\n" in variables
    assert f"\nout := {folder}/stages/{stage.name}\n" in variables


def test_on_the_debug_kernel_only_those_tests_run_that_have_a_machine():
    pytest_collects = [sys.executable, "-m", "pytest", "--collect-only", "-q", __file__]
    everything, debug_only = (said(*pytest_collects, kernel=kernel) for kernel in ("", "debug"))
    assert "test_each_kernel_has_a_folder" in everything and "test_what_is_wrong" in everything
    assert "test_each_kernel_has_a_folder" not in debug_only and "test_what_is_wrong" in debug_only


def test_the_kernel_is_handed_down_to_the_tests(monkeypatch):
    calls = []
    monkeypatch.setattr(cli, "need_debug_kernel", lambda: None)
    monkeypatch.setattr(cli, "run_pytest", lambda *words, **more: calls.append((words, more)) or 0)
    assert cli.main(["test", "--kernel", "debug"]) == 0
    assert cli.main(["stage", "stage-01", "test", "--kernel", "debug"]) == 0
    assert all(more["kernel"] == "debug" for words, more in calls)
    assert "stages" in calls[0][0] and "--quick" in calls[1][0]


# How it comes there


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """Nothing is there yet, and nothing is really done."""
    done = []
    monkeypatch.setattr(debug_kernel, "FOLDER", tmp_path / "debug/linux")
    monkeypatch.setattr(debug_kernel, "SOURCES", tmp_path / "debug/linux/src")
    monkeypatch.setattr(debug_kernel, "TREE", tmp_path / "debug/linux/src/tree")
    monkeypatch.setattr(debug_kernel, "base_version", lambda: "6.1.5-1")
    monkeypatch.setattr(debug_kernel, "fetch_source", lambda progress: done.append("fetch"))
    monkeypatch.setattr(debug_kernel, "configure", lambda: done.append("configure"))
    monkeypatch.setattr(debug_kernel, "compile_kernel", lambda *rest: done.append("compile"))
    monkeypatch.setattr(debug_kernel, "collect", lambda release: done.append("collect"))
    debug_kernel.FOLDER.mkdir(parents=True)
    return done


def test_it_is_built_once(folder):
    debug_kernel.build(print)
    assert folder == ["fetch", "configure", "compile", "collect"]
    assert debug_kernel.is_built()
    debug_kernel.build(print)
    assert len(folder) == 4


def test_a_build_that_broke_off_goes_on_with_the_source_it_has(folder, monkeypatch):
    def breaks_off(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(debug_kernel, "compile_kernel", breaks_off)
        with pytest.raises(KeyboardInterrupt):
            debug_kernel.build(print)
    assert not debug_kernel.is_built()
    debug_kernel.TREE.mkdir(parents=True)
    (debug_kernel.SOURCES / "version").write_text("6.1.5-1")
    folder.clear()
    debug_kernel.build(print)
    assert folder == ["configure", "compile", "collect"]


def test_other_settings_are_another_kernel(folder, monkeypatch, tmp_path):
    debug_kernel.build(print)
    stages = debug_kernel.FOLDER.parent / "stages"
    stages.mkdir()
    before = debug_kernel.wanted_release()
    other = tmp_path / "other.config"
    other.write_text("CONFIG_KASAN=n\n")
    monkeypatch.setattr(debug_kernel, "CONFIG", other)
    assert debug_kernel.wanted_release() != before
    assert not debug_kernel.is_built()
    # Modules for the kernel before are of no use.
    debug_kernel.build(print)
    assert not stages.exists()


def test_another_version_of_debians_kernel_needs_another_source(folder, monkeypatch):
    debug_kernel.TREE.mkdir(parents=True)
    (debug_kernel.SOURCES / "version").write_text("6.1.4-1")
    debug_kernel.build(print)
    assert folder[0] == "fetch"


def test_what_kconfig_does_not_follow_is_told():
    asked = "# words\nCONFIG_A=y\nCONFIG_B=m\n"
    assert debug_kernel.not_taken(asked, "CONFIG_A=y\nCONFIG_B=y\n") == ["CONFIG_B=m"]


@pytest.fixture
def door(monkeypatch):
    monkeypatch.setattr(setup, "setup", lambda: 0)
    monkeypatch.setattr(setup, "lists_are_old", lambda: False)
    monkeypatch.setattr(setup, "known_packages", lambda: dict.fromkeys(debug.NAMES, "installed"))
    monkeypatch.setattr(debug_kernel, "is_built", lambda: False)


def test_what_it_costs_is_said_before_it_begins(door, monkeypatch, capfd):
    monkeypatch.setattr(debug_kernel, "build", lambda progress: pytest.fail("it began"))
    monkeypatch.setattr(setup, "may_go_on", lambda question: False)
    assert cli.main(["debug-kernel"]) == Status.NO_MACHINE
    words = capfd.readouterr().err
    assert "MB to fetch" in words and "MB on the disk" in words and "minutes" in words
    assert "nothing was changed" in words


def test_more_processors_need_less_time():
    assert debug.minutes(1) == debug_kernel.CPU_MINUTES
    assert debug.minutes(1000) == 1


def test_without_it_the_tests_say_what_to_do(door):
    with pytest.raises(Stop, match="run `make debug-kernel`"):
        debug.need_debug_kernel()


def test_without_debians_kernel_setup_comes_first(monkeypatch, tmp_path):
    monkeypatch.setattr(debug_kernel, "BUILD", tmp_path)
    with pytest.raises(SetupError, match="make setup"):
        debug_kernel.base_version()


# What it finds

FAULTS = {
    "beyond": "BUG: KASAN: slab-out-of-bounds in wrong",
    "used": "BUG: KASAN: slab-use-after-free in wrong|BUG: KASAN: use-after-free in wrong",
    "lost": "unreferenced object",
    "shift": "UBSAN: shift-out-of-bounds",
    "order": "WARNING: possible circular locking dependency detected",
    "sleep": "BUG: scheduling while atomic",
}


@pytest.mark.promised(since="01", until="01")
@pytest.mark.parametrize("what", FAULTS)
def test_what_is_wrong_in_a_module_is_found(
    l1_fresh: Callable[..., Machine], stage: Stage, what: str
) -> None:
    if not KERNEL:
        pytest.skip("needs the debug kernel: make test KERNEL=debug")
    machine = l1_fresh(check=False)
    module = Vtx(machine, stage, load=False).module("wrong")
    machine.run(f"insmod {module} what={what}", check=True)
    problems = machine.leaks() if what == "lost" else machine.check()
    assert any(re.search(FAULTS[what], problem) for problem in problems)
