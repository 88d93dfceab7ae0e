# SPDX-License-Identifier: GPL-2.0-only
"""Device models under fuzzers: whatever a guest does to a chip, it stays sound.

Each fuzzer checks after every step what must always be so; see tests/fuzz. In corpus/ are
inputs that reach all of a model.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from harness.effort import FULL
from harness.paths import BUILD, ROOT

SECONDS = 15

HERE = ROOT / "tests/fuzz"
CHIPS = sorted(path.stem.removeprefix("fuzz_") for path in HERE.glob("fuzz_*.c"))
CLANG = Path("/usr/bin/clang")


def build(program: str) -> Path:
    path = BUILD / "tests/fuzz" / program
    subprocess.run(["make", "-s", "-C", HERE, path], check=True)
    return path


@pytest.mark.parametrize("chip", CHIPS)
def test_a_model_lives_through_the_whole_corpus(chip: str) -> None:
    files = sorted((HERE / "corpus" / chip).iterdir())
    assert len(files) > 10
    done = subprocess.run([build(f"replay_{chip}"), *files], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout.splitlines()[-1:] + [done.stderr]
    assert len(done.stdout.splitlines()) == len(files)


@pytest.mark.skipif(not FULL, reason="make test-all fuzzes")
@pytest.mark.parametrize("chip", CHIPS)
def test_a_fuzzer_finds_nothing(chip: str, tmp_path: Path) -> None:
    if not CLANG.exists():
        pytest.skip("clang is not installed: run `apt-get install clang`")
    words = [build(f"fuzz_{chip}"), f"-max_total_time={SECONDS}", f"-artifact_prefix={tmp_path}/"]
    done = subprocess.run(
        [*words, tmp_path, HERE / "corpus" / chip], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-4000:]
    assert "Done " in done.stderr
