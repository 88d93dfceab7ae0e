# SPDX-License-Identifier: GPL-2.0-only
"""The door: ./virtx and the Makefile, as people and scripts use them."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pexpect
import pytest

from door import bare, cli, doctor, guest, setup
from door.base import Status, Stop, clean_environment, status_in_words
from harness.paths import ROOT
from harness.stage import Stage

DEBIAN = {"ID": "debian", "VERSION_ID": "12", "PRETTY_NAME": "Debian GNU/Linux 12 (bookworm)"}


def call(*command: str, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        command,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=dict(os.environ, **environment),
        timeout=120,
        check=False,
    )


def virtx(*arguments: str, **more) -> subprocess.CompletedProcess:
    return call(str(ROOT / "virtx"), *arguments, **more)


@pytest.fixture
def image(tmp_path) -> Path:
    path = tmp_path / "guest.bin"
    path.write_bytes(b"\xfa\xf4")
    return path


# --- Bad usage: status 2, one line that says what to do, nothing on standard output ---

BAD_USAGE = {
    "no such command": (["frob"], "virtx --help"),
    "no such stage": (["run", "77"], "choose from"),
    "no such option": (["run", "05", "--fast"], "virtx --help"),
    "no such file": (["run", "05", "--guest", "nowhere.bin"], "new-guest"),
    "a folder": (["run", "05", "--guest", "."], "is a folder"),
    "mem without unit": (["run", "05", "--mem", "64X"], "as 64M"),
    "too little memory": (["run", "05", "--mem", "4K"], "from 64K to 3G"),
    "too much memory": (["run", "05", "--mem", "4G"], "from 64K to 3G"),
    "half a page": (["run", "05", "--mem", "100001"], "steps of 4K"),
    "entry without colon": (["run", "05", "--entry", "7c00"], "as 0000:7c00"),
    "a flat entry too far": (["run", "07", "--entry", "100000000"], "as 100000"),
    "entry too far": (["run", "05", "--entry", "10000:0"], "as 0000:7c00"),
    "a ROM too early": (["run", "10", "--rom", "nowhere.rom"], "from stage 11 on"),
    "no such ROM": (["run", "11", "--rom", "nowhere.rom"], "name the image of a ROM"),
    "no reset yet": (["run", "05", "--no-reboot", "1"], "from stage 11 on"),
    "load is no number": (["run", "05", "--load", "here"], "as 0x7c00"),
    "load is negative": (["run", "05", "--load=-1"], "as 0x7c00"),
    "no time": (["run", "05", "--timeout", "0"], "more than 0"),
    "time is a word": (["run", "05", "--timeout", "soon"], "more than 0"),
    "nothing to trace": (["run", "01", "--trace", "/no/where/t"], "cannot be written"),
    "no guest to explain": (["explain", "01", "--mem", "1M"], "enters no guest yet"),
    "no such step": (["diff", "06", "--step", "99"], "this walk has steps 1 to"),
    "a step that is no number": (["diff", "06", "--step", "two"], "from 1"),
    "follow where": (["follow", "06", "--follow", "away"], "the only word is back"),
    "no name": (["new-guest", ""], "NAME=hello"),
    "a name with a path": (["new-guest", "../up"], "NAME=hello"),
    "no such exercise": (["lab-hint", "05", "--ex", "9"], "has the exercises 1"),
    "an unknown word": (["stage", "stage-01", "tets"], "it knows: build run test"),
    "an option for another word": (["stage", "stage-01", "build", "--mem", "1M"], "MEM"),
}


@pytest.mark.parametrize("name", BAD_USAGE)
def test_bad_usage_is_one_line_that_says_what_to_do(name):
    arguments, hint = BAD_USAGE[name]
    answer = virtx(*arguments)
    assert answer.returncode == Status.USAGE
    assert answer.stdout == ""
    assert len(answer.stderr.splitlines()) == 1
    assert answer.stderr.startswith("virtx: ")
    assert hint in answer.stderr


def test_an_empty_guest_is_refused(image):
    image.write_bytes(b"")
    answer = virtx("run", "05", "--guest", str(image))
    assert (answer.returncode, answer.stderr.count("\n")) == (Status.USAGE, 1)
    assert "is empty" in answer.stderr


def test_a_guest_that_does_not_fit_is_refused(image):
    image.write_bytes(bytes(70 << 10))
    answer = virtx("run", "05", "--guest", str(image), "--mem", "64K")
    assert (answer.returncode, answer.stderr.count("\n")) == (Status.USAGE, 1)
    assert "--mem" in answer.stderr


def test_a_guest_may_fill_its_memory_to_the_last_byte(image):
    image.write_bytes(bytes(0x10000 - 0x7C00))
    guest.check_guest(image, 0x7C00, 64 << 10, None)
    with pytest.raises(Stop):
        guest.check_guest(image, 0x7C01, 64 << 10, None)


def test_a_guest_larger_than_the_test_machine_is_refused(image):
    os.truncate(image, (64 << 20) + 1)
    with pytest.raises(Stop, match="64M"):
        guest.check_guest(image, 0, 3 << 30, None)


def test_a_guest_that_may_not_be_read_is_refused(image, monkeypatch):
    def refuse(*unused):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(Stop, match="Permission denied"):
        guest.check_guest(image, 0x7C00, 64 << 20, None)


def test_beyond_the_reach_of_real_mode_the_entry_must_be_said(image):
    with pytest.raises(Stop, match="--entry"):
        guest.check_guest(image, 0x100000, 64 << 20, None)
    guest.check_guest(image, 0x100000, 64 << 20, "ffff:0010")


@pytest.mark.parametrize(
    "text, size", [("64K", 64 << 10), ("64m", 64 << 20), ("0x100000", 1 << 20), ("3G", 3 << 30)]
)
def test_sizes(text, size):
    assert guest.parse_size(text) == size


def test_options_of_a_run_reach_vtxctl(image, monkeypatch):
    seen = {}
    monkeypatch.setattr(cli, "build", lambda stage: None)
    monkeypatch.setattr(cli, "run_stage", lambda stage, **more: seen.update(more) or 0)
    words = ["run", "05", "--guest", str(image), "--load", "0x8000", "--entry", "0800:0000"]
    trace = image.with_name("t.json")
    assert cli.main([*words, "--mem", "1M", "--timeout", "2.5", "--trace", str(trace)]) == 0
    assert seen["argv"] == (
        ["vtxctl", "/guest/guest.bin@0x8000", "--mem", "1M", "--entry", "0800:0000"]
    )
    assert (seen["guest"], seen["timeout"], seen["options"][0]) == (image, 2.5, "--trace")
    assert json.loads(trace.read_text())[0]["name"] == "thread_name"


def test_a_rom_is_the_guest_where_no_other_is_named(image, monkeypatch):
    seen = {}
    monkeypatch.setattr(cli, "build", lambda stage: None)
    monkeypatch.setattr(cli, "run_stage", lambda stage, **more: seen.update(more) or 0)
    assert cli.main(["run", "11", "--rom", str(image), "--no-reboot", "1"]) == 0
    assert seen["argv"] == ["vtxctl", "--rom", "/rom/guest.bin", "--no-reboot"]
    assert seen["rom"] == image


# --- Help ---


@pytest.mark.parametrize("command", [[], ["--help"], ["help"]])
def test_help_is_on_standard_output(command):
    answer = virtx(*command)
    assert answer.returncode == 0
    assert "doctor" in answer.stdout
    assert answer.stderr == ""


def test_every_command_explains_itself():
    for name in [*cli.STAGE_WORDS, "setup", "uninstall", "doctor", "where", "clean", "lint"]:
        answer = virtx(name, "--help")
        assert answer.returncode == 0
        assert answer.stdout.startswith(f"usage: virtx {name}")


def test_help_of_run_names_units_ranges_and_statuses():
    text = virtx("run", "--help").stdout
    for word in ("64K to 3G", "ffff:ffff", "0x hex", "S seconds", "triple fault", "126"):
        assert word in text


def test_virtx_works_from_any_folder(tmp_path):
    assert "stage-01" in virtx("where", cwd=tmp_path).stdout


# --- make ---


def make(*words: str) -> subprocess.CompletedProcess:
    return call("make", *words)


def what_make_would_call(*words: str) -> str:
    """The one line that make would give to the shell."""
    answer = make("-n", *words)
    assert answer.returncode == 0, answer.stderr
    lines = answer.stdout.replace("\\\n", " ").splitlines()
    return " ".join(next(line for line in lines if "./virtx" in line).split())


def test_make_alone_helps():
    assert make().stdout == virtx("help").stdout


def test_words_after_a_stage_belong_to_it():
    call = what_make_would_call("stage-05", "test")
    assert call == "./virtx --tell-status stage 'stage-05' 'test'"
    assert make("-n", "stage-05", "test").stdout.count("virtx") == 1


def test_a_stage_alone_is_built():
    assert what_make_would_call("stage-05") == "./virtx --tell-status stage 'stage-05'"


def test_variables_become_options():
    call = what_make_would_call(
        *("stage-05", "run", "GUEST=a b's.bin", "LOAD=0x8000", "ENTRY=0:8000"),
        *("MEM=1M", "TIMEOUT=3", "ENGINE=bochs"),
    )
    assert call == (
        "./virtx --tell-status stage 'stage-05' 'run' --guest 'a b'\\''s.bin' --load '0x8000'"
        " --entry '0:8000' --mem '1M' --timeout '3' --engine 'bochs'"
    )


def test_a_dollar_in_a_name_is_only_a_dollar():
    assert "--guest '$(HOME)$x'" in what_make_would_call("stage-05", "run", "GUEST=$(HOME)$x")


def test_the_stage_comes_first():
    answer = make("test", "stage-05")
    assert answer.returncode == 2
    assert "make stage-05 test" in answer.stderr


def test_clean_after_a_stage_does_not_clean_everything():
    answer = make("stage-05", "clean")
    assert answer.returncode == 2
    assert "does not know `clean`" in answer.stderr


def test_the_exact_status_of_a_guest_is_told(monkeypatch, capfd):
    monkeypatch.setattr(cli, "build", lambda stage: None)
    monkeypatch.setattr(cli, "run_stage", lambda stage, **more: Status.TRIPLE_FAULT)
    assert cli.main(["--tell-status", "stage", "stage-05", "run"]) == Status.TRIPLE_FAULT
    assert "exit status 6 (triple fault)" in capfd.readouterr().err
    assert cli.main(["run", "05"]) == Status.TRIPLE_FAULT
    assert capfd.readouterr().err == ""


def test_words_run_in_turn_until_one_fails(monkeypatch):
    done = []

    def word(name, status):
        return cli.Word(lambda stage, options: done.append(name) or status, "")

    words = {"build": word("build", 0), "test": word("test", 1), "run": word("run", 0)}
    monkeypatch.setattr(cli, "STAGE_WORDS", words)
    assert cli.main(["stage", "stage-01", "build", "test", "run"]) == 1
    assert done == ["build", "test"]


def test_statuses_in_words():
    assert status_in_words(8) == "8 (left with Ctrl-A x)"
    assert status_in_words(67) == "67 (the guest wrote 33 to port 0xF4)"
    assert status_in_words(143) == "143 (the guest wrote 71 to port 0xF4)"


def test_tools_are_debians_whatever_the_path_says(monkeypatch):
    monkeypatch.setenv("PATH", "/somewhere/.pyenv/shims:/usr/bin")
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    monkeypatch.setenv("MAKEFLAGS", "-- LOAD=1")
    monkeypatch.setenv("LOAD", "1")
    clean_environment()
    assert os.environ["PATH"] == "/usr/sbin:/usr/bin:/sbin:/bin"
    assert not {"PYTHONPATH", "MAKEFLAGS", "LOAD"} & os.environ.keys()


# --- make run ---


def test_make_run_without_a_terminal_shows_the_prompt_and_ends():
    answer = make("run")
    assert answer.returncode == 0, answer.stderr
    prompt = Stage.newest().config.prompt
    assert answer.stdout.endswith(f"{prompt}\nBegin: make stage-01\n")


def test_make_run_in_a_terminal_is_a_talk_with_nanox():
    child = pexpect.spawn("make", ["run"], cwd=str(ROOT), timeout=120)
    child.expect_exact("Ctrl-A x leaves")
    config = Stage.newest().config
    for line in config.types.splitlines()[:-1]:  # the last one ends it
        child.expect_exact(config.prompt)
        child.send(f"{line}\r")
    child.expect_exact(config.shows)
    child.send("\x01x")
    child.expect_exact("Begin: make stage-01")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def test_a_new_guest_runs_at_once_and_nothing_else_is_on_standard_output(monkeypatch, tmp_path):
    monkeypatch.setattr(guest, "WORK", tmp_path)
    guest.new_guest("first")
    answer = virtx("run", Stage.newest().number, "--guest", str(tmp_path / "first/first.bin"))
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "Hello from first!\n", "")


def test_make_tells_the_status_that_it_cannot_pass_on(image):
    image.write_bytes(b"\xb0\x21\xe6\xf4")  # mov al, 0x21; out 0xf4, al
    answer = make("stage-05", "run", f"GUEST={image}")
    assert answer.returncode == 2
    assert "exit status 67 (the guest wrote 33 to port 0xF4)" in answer.stderr


# --- Setup ---


def test_setup_takes_debian_12():
    assert setup.why_not_here(DEBIAN, "x86_64") is None


@pytest.mark.parametrize(
    "release, machine",
    [
        ({"ID": "debian", "VERSION_ID": "13", "PRETTY_NAME": "Debian 13"}, "x86_64"),
        ({"ID": "ubuntu", "VERSION_ID": "24.04", "PRETTY_NAME": "Ubuntu"}, "x86_64"),
        ({"ID": "linuxmint", "VERSION_ID": "12", "PRETTY_NAME": "Mint"}, "x86_64"),
        ({}, "x86_64"),
        (DEBIAN, "aarch64"),
    ],
)
def test_on_other_systems_setup_changes_nothing_and_says_what_to_do(
    release, machine, monkeypatch, tmp_path
):
    monkeypatch.setattr(setup, "os_release", lambda: release)
    monkeypatch.setattr(os, "uname", lambda: os.uname_result(["", "", "", "", machine]))
    monkeypatch.setattr(setup.subprocess, "run", lambda *unused, **more: pytest.fail("ran it"))
    monkeypatch.setattr(setup, "RECORD", tmp_path / "record")
    with pytest.raises(Stop, match="Nothing was changed") as stop:
        setup.setup()
    assert stop.value.status == Status.NO_MACHINE
    assert list(tmp_path.iterdir()) == []


def test_os_release_is_read_with_and_without_quotes(tmp_path):
    path = tmp_path / "os-release"
    path.write_text('ID=debian\nVERSION_ID="12"\n\n# a comment\n')
    assert setup.os_release(path) == {"ID": "debian", "VERSION_ID": "12"}
    assert setup.os_release(tmp_path / "none") == {}


def test_only_what_is_missing_is_installed():
    known = {name: "installed" for name in setup.NAMES} | {"nasm": "config-files"}
    del known["bochs"]
    assert sorted(setup.missing_packages(known)) == ["bochs", "nasm"]


class FakeApt:
    """dpkg's database, and what apt-get did to it."""

    def __init__(self, monkeypatch, tmp_path, installed: set[str]) -> None:
        self.packages = {name: "installed" for name in installed}
        self.calls: list[tuple[str, ...]] = []
        self.brings = {"bochs": {"bochs", "libltdl7"}}
        self.fails = False
        monkeypatch.setattr(setup, "known_packages", lambda: dict(self.packages))
        monkeypatch.setattr(setup, "check_system", lambda: None)
        monkeypatch.setattr(setup, "kernel_missing", lambda: False)
        monkeypatch.setattr(setup, "apt_get", self.apt_get)
        monkeypatch.setattr(setup, "make_plan", self.make_plan)
        monkeypatch.setattr(setup, "RECORD", tmp_path / "work/.setup-packages")
        monkeypatch.setattr(setup, "BUILD", tmp_path / "build")
        monkeypatch.setattr(setup.linux, "setup", lambda progress: None)
        monkeypatch.setenv("YES", "1")

    def coming(self, names) -> list[str]:
        return sorted({new for name in names for new in self.brings.get(name, {name})})

    def make_plan(self, missing) -> setup.Plan:
        return setup.Plan(self.coming(missing), 10, 20)

    def apt_get(self, verb, *arguments) -> None:
        names = [word for word in arguments if not word.startswith("-")]
        self.calls.append((verb, *names))
        if verb == "install":
            done = self.coming(names)
            self.packages.update((name, "installed") for name in (done[:1] if self.fails else done))
        if verb == "purge":
            for name in names:
                del self.packages[name]
        if self.fails:
            raise Stop("apt-get failed")


@pytest.fixture
def apt(monkeypatch, tmp_path) -> FakeApt:
    return FakeApt(monkeypatch, tmp_path, set(setup.NAMES) - {"bochs", "nasm"} | {"vim"})


def test_setup_installs_what_is_missing_once_and_records_all_that_came(apt):
    assert setup.setup() == 0
    assert [set(call) for call in apt.calls] == [{"install", "bochs", "nasm"}]
    assert setup.read_record() == {"bochs", "libltdl7", "nasm"}
    assert setup.setup() == 0
    assert len(apt.calls) == 1


def test_the_record_is_right_when_the_installation_breaks_off(apt):
    apt.fails = True
    with pytest.raises(Stop):
        setup.setup()
    assert setup.read_record() == {"bochs"}
    apt.fails = False
    assert setup.setup() == 0
    assert setup.read_record() >= {"bochs", "nasm"}


def test_a_package_of_which_settings_were_left_is_not_ours_to_purge(apt):
    apt.packages["nasm"] = "config-files"
    assert setup.setup() == 0
    assert setup.read_record() == {"bochs", "libltdl7"}


def test_who_says_no_keeps_everything(apt, monkeypatch):
    monkeypatch.setattr(setup, "may_go_on", lambda question: False)
    with pytest.raises(Stop, match="nothing was changed"):
        setup.setup()
    assert apt.calls == []
    assert not setup.RECORD.exists()


def test_uninstall_takes_only_what_setup_brought(apt, monkeypatch, tmp_path):
    setup.setup()
    (tmp_path / "build/stages").mkdir(parents=True)
    monkeypatch.setattr(setup, "apt_would_remove", lambda packages: packages)
    assert setup.uninstall() == 0
    assert apt.calls[-1] == ("purge", "bochs", "libltdl7", "nasm")
    assert "vim" in apt.packages and "gcc" in apt.packages
    assert not setup.RECORD.exists()
    assert not (tmp_path / "build").exists()


def test_uninstall_without_a_record_takes_no_package(apt, monkeypatch):
    monkeypatch.setattr(setup, "apt_would_remove", lambda packages: packages)
    assert setup.uninstall() == 0
    assert apt.calls == []


def test_what_other_packages_need_by_now_stays():
    known = dict.fromkeys(["bochs", "libltdl7", "nasm", "mine"], "installed")

    def also_removed(packages):
        return [*packages, "mine"] if "libltdl7" in packages else packages

    ours, kept = setup.removable(
        ["bochs", "libltdl7", "nasm", "gone"], known, also_removed, lambda foreign: ["libltdl7"]
    )
    assert (ours, kept) == (["bochs", "nasm"], ["libltdl7"])


def test_aptlike_output_is_understood():
    text = "Inst nasm (2.16.01-1 Debian:12.5 [amd64])\nInst libx:amd64 (1)\nConf nasm (2.16)\n"
    assert setup.names_after("Inst", text) == ["nasm", "libx"]


def test_old_lists_of_packages_are_noticed(tmp_path):
    assert setup.lists_are_old(tmp_path)
    (tmp_path / "mirror_Packages.lz4").touch()
    (tmp_path / "partial").mkdir()
    now = (tmp_path / "partial").stat().st_mtime
    assert not setup.lists_are_old(tmp_path, now + 60)
    assert setup.lists_are_old(tmp_path, now + 2 * setup.A_DAY)


def test_the_plan_is_told_in_megabytes_and_minutes():
    assert setup.Plan(["nasm"], 300, 900).in_words() == (
        "300 MB to fetch, 900 MB on the disk, about 2 minutes"
    )


def test_without_a_terminal_nobody_is_asked(monkeypatch):
    monkeypatch.delenv("YES", raising=False)
    monkeypatch.setattr(setup.sys.stdin, "isatty", lambda: False, raising=False)
    assert setup.may_go_on("Go on?")


def test_at_a_terminal_setup_asks_once(monkeypatch):
    monkeypatch.delenv("YES", raising=False)
    program = "from door import setup; print('yes' if setup.may_go_on('Go on?') else 'no')"
    for typed, answer in (("", "yes"), ("y", "yes"), ("n", "no"), ("what", "no")):
        child = pexpect.spawn("/usr/bin/python3", ["-c", program], cwd=str(ROOT), timeout=20)
        child.expect_exact("Go on? [Y/n] ")
        child.sendline(typed)
        child.expect_exact(f"{answer}\r\n")
        child.expect(pexpect.EOF)


def test_who_is_not_root_uses_sudo(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(setup.shutil, "which", lambda name: "/usr/bin/sudo")
    assert setup.as_root("apt-get", "update") == ["sudo", "apt-get", "update"]
    monkeypatch.setattr(setup.shutil, "which", lambda name: None)
    with pytest.raises(Stop, match="su -"):
        setup.as_root("apt-get", "update")


# --- The rest ---


def test_doctor_says_what_is_here():
    answer = virtx("doctor")
    assert answer.returncode == 0
    for word in ("CPU", "VT-x", "/dev/kvm", "engine bochs", "packages", "kernel", "disk"):
        assert word in answer.stdout


def test_doctor_says_what_is_missing(monkeypatch, capsys):
    monkeypatch.setattr(setup, "known_packages", dict)
    assert doctor.doctor() == Status.NO_MACHINE
    text = capsys.readouterr().out
    assert f"missing: {setup.NAMES[0]} {setup.NAMES[1]}" in text
    assert text.endswith("Next: make setup\n")


def test_doctor_reads_the_cpu():
    text = "processor\t: 0\nmodel name\t: A CPU\nflags\t\t: fpu vme {}\nvmx flags\t: vnmi\n"
    assert doctor.cpu(text.format("vmx")) == ("A CPU", True)
    assert doctor.cpu(text.format("svm")) == ("A CPU", False)


def test_where_names_every_stage_and_the_next_command():
    text = virtx("where").stdout
    for stage in Stage.all():
        assert stage.config.title in text
    assert "Next: make " in text


def test_a_new_guest_is_never_laid_over_anything(monkeypatch, tmp_path, capfd):
    monkeypatch.setattr(guest, "WORK", tmp_path / "work")
    assert guest.new_guest("first") == 0
    folder = tmp_path / "work/first"
    assert "make stage-" in capfd.readouterr().err
    assert b"Hello from first!" in (folder / "first.bin").read_bytes()
    (folder / "first.asm").write_text("mine")
    with pytest.raises(Stop, match="stays as it is"):
        guest.new_guest("first")
    assert (folder / "first.asm").read_text() == "mine"


def test_a_new_guest_has_ten_lines_of_code():
    lines = (guest.TEMPLATE / "NAME.asm").read_text().splitlines()
    code = [line for line in lines if line.strip() and not line.startswith(";")]
    assert len(code) <= 11


def test_clean_keeps_the_learners_work_and_the_kernel(monkeypatch, tmp_path):
    built = ("build/stages/01-x", "build/linux/root", "build/debug/l1", "build/debug/linux")
    for name in (*built, "work/hello"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "build/.lock").touch()
    monkeypatch.setattr(cli, "BUILD", tmp_path / "build")
    assert cli.clean() == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["build", "work"]
    left = sorted(path.name for path in (tmp_path / "build").glob("**"))
    assert left == ["build", "debug", "linux", "linux", "root"]
    assert (tmp_path / "work/hello").exists()


def test_what_is_missing_is_said_before_a_machine_is_started(monkeypatch, capfd):
    monkeypatch.setattr(setup, "is_set_up", lambda: False)
    monkeypatch.setattr(setup, "check_system", lambda: None)
    assert cli.main(["run", "05"]) == Status.NO_MACHINE
    assert "make setup" in capfd.readouterr().err


def test_bare_ends_by_itself_at_the_halt():
    answer = virtx("bare", "01")
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "N", "")


def test_bare_ends_by_its_limit(monkeypatch, tmp_path, capfd):
    stage = Stage.find("01")
    (tmp_path / "nanox.bin").write_bytes(b"\xeb\xfe")
    (tmp_path / "nanox.rom").write_bytes((stage.build_dir / "nanox.rom").read_bytes())
    monkeypatch.setattr(Stage, "build_dir", tmp_path)
    assert bare.run_bare(stage, timeout=0.5) == Status.OUT_OF_TIME
    assert "did not halt within 0.5 seconds" in capfd.readouterr().err


def test_bare_says_when_the_cpu_has_given_up(monkeypatch, tmp_path, capfd):
    stage = Stage.find("01")
    # An empty table of interrupts, and one: lidt [0x7c06]; int3; its limit 0.
    code = bytes.fromhex("0f011e067ccc") + bytes(6)
    (tmp_path / "nanox.bin").write_bytes(code)
    (tmp_path / "nanox.rom").write_bytes((stage.build_dir / "nanox.rom").read_bytes())
    monkeypatch.setattr(Stage, "build_dir", tmp_path)
    assert bare.run_bare(stage) == Status.TRIPLE_FAULT
    assert capfd.readouterr().err == "virtx: NanoX's CPU gave up: a triple fault\n"


def test_bare_says_when_it_was_reset(monkeypatch, tmp_path, capfd):
    stage = Stage.find("01")
    (tmp_path / "nanox.bin").write_bytes(bytes.fromhex("b0fee664ebfe"))  # FE to port 64h
    (tmp_path / "nanox.rom").write_bytes((stage.build_dir / "nanox.rom").read_bytes())
    monkeypatch.setattr(Stage, "build_dir", tmp_path)
    assert bare.run_bare(stage) == Status.RESET
    assert "has reset its computer" in capfd.readouterr().err


# --- What the pages for people say ---


def test_the_road_marks_the_stages_that_are_there():
    rows = re.findall(r"^\| ([●○]) \| (\d\d-[a-z0-9-]+) \|", page("CURRICULUM.md"), re.M)
    assert [name[:2] for mark, name in rows] == [f"{number:02}" for number in range(1, 24)]
    assert [name for mark, name in rows if mark == "●"] == [stage.name for stage in Stage.all()]


@pytest.mark.parametrize("name", ["README.md", "CURRICULUM.md", "CONTRIBUTING.md"])
def test_links_lead_somewhere(name):
    for link in re.findall(r"\]\(([^)#:]+)\)", page(name)):
        assert (ROOT / link).exists(), link


def test_every_make_command_of_the_readme_is_one():
    for words in re.findall(r"^ {4}make (\S+(?: [a-z]+)?)", page("README.md"), re.M):
        answer = make("-n", *words.split())
        assert answer.returncode == 0, answer.stderr
        known = cli.STAGE_WORDS
        assert all(word in known for word in words.split()[1:]), words


def page(name: str) -> str:
    return (ROOT / name).read_text()
