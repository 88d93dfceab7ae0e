# SPDX-License-Identifier: GPL-2.0-only
"""Bad input and faults: each gets its documented error, and nothing is left behind.

That nothing complains in the kernel's log, and that no page stays pinned, is checked by
the harness after each of these tests.
"""

from __future__ import annotations

import re
from collections import defaultdict

import pytest

from harness.stage import Stage
from harness.vtx import Vtx

# A request is defined after a comment that documents its errors.
DOCUMENTED = re.compile(
    r"/\*((?:[^*]|\*(?!/))*)\*/\s*((?:#define VTX_\w+ _IO\w*\(.*\)\s*)+)", re.MULTILINE
)
ERRORS = re.compile(r"^[\s*]*((?:E[A-Z]+, )*E[A-Z]+):", re.MULTILINE)

# Documented, and seen by another test than the one that does everything wrong.
SEEN_ELSEWHERE = {
    ("VTX_CREATE_VCPU", "EAGAIN"): "test_where_vmx_is_off_a_vcpu_says_try_again",
    ("VTX_PROBE_ENTRY", "EAGAIN"): "test_where_vmx_is_off_a_vcpu_says_try_again",
    ("VTX_RUN", "EAGAIN"): "test_where_vmx_is_off_a_vcpu_says_try_again",
    ("VTX_CREATE_VCPU", "ENOMEM"): "test_whatever_the_host_has_no_memory_for_is_refused",
}
# Documented, and nobody can see it here.
NOT_TO_BE_SEEN = {
    ("VTX_MAP_MEMORY", "EINTR"): "its caller is dead by then",
    ("VTX_PROBE_ENTRY", "EIO"): "no CPU forgets what VMWRITE wrote",
}
# Said once, at the top of vtx.h, of every request of a descriptor.
ALWAYS = ("EFAULT", "EIO")


def everything_wrong(vtx: Vtx) -> dict[str, str]:
    return vtx.ask("fault_errno.c")


@pytest.mark.promised(since="02")
def test_each_mistake_gets_its_own_error(vtx: Vtx) -> None:
    answers = everything_wrong(vtx)
    wrong = {
        what: answer for what, answer in answers.items() if len(set(answer.split())) != 1
    }
    assert len(answers) > 50
    assert not wrong, "(expected, got)"


@pytest.mark.promised(since="02")
def test_every_documented_error_is_seen_in_a_test(vtx: Vtx, stage: Stage) -> None:
    seen = defaultdict(set)
    for what, answer in everything_wrong(vtx).items():
        seen[what.partition(",")[0]].add(answer.split()[1])
    documented = documented_errors(stage)
    missing = {
        (request, error)
        for request, errors in documented.items()
        for error in errors - seen[request]
    }
    assert len(documented) >= 3
    assert missing <= SEEN_ELSEWHERE.keys() | NOT_TO_BE_SEEN.keys()
    assert {test for test in SEEN_ELSEWHERE.values()} <= globals().keys()
    assert "ENOTTY" in seen["of the VM"]
    if "VTX_CREATE_VCPU" in documented:
        assert "ENOTTY" in seen["of the vCPU"]
        assert "EBUSY" in seen["VTX_PROBE_ENTRY"]
        assert "ENXIO" in seen["VTX_RUN"] or "VTX_RUN" not in documented


def documented_errors(stage: Stage) -> dict[str, set[str]]:
    """Which errors vtx.h promises, by request."""
    text = (stage.folder / "include/vtx.h").read_text()
    found = {}
    for comment, defines in DOCUMENTED.findall(text):
        errors = {e for group in ERRORS.findall(comment) for e in group.split(", ")}
        for request in re.findall(r"#define (VTX_\w+)", defines):
            takes_pointer = re.search(rf"{request} _IOW?R?\(.*struct", defines)
            found[request] = errors | ({*ALWAYS} if takes_pointer else {"EIO"})
    # None was overlooked because its comment looks different.
    assert found.keys() == set(re.findall(r"#define (VTX_\w+) _IO", text))
    return found
