# SPDX-License-Identifier: GPL-2.0-only
"""The pytest plugin: stages, test machines, and what a failed test shows.

    stage       the stage under test, built
    l1          a test machine with one CPU
    l1_smp      one with two CPUs, slow
    l1_fresh    makes machines of one's own: l1_fresh(kind=..., vary=...)
    vtx         the stage in l1, its module loaded
    vtx_smp     the stage in l1_smp
    long        whether this is the place for a test's long form

A worker's machine serves many tests. After each it is checked; after a failed test, a
crash or a hang the next test gets a fresh one.
"""

from __future__ import annotations

import functools
import shlex
import signal
import zlib
from collections.abc import Callable, Iterator

import pytest

from harness.effort import FULL, ONE_IN
from harness.engine import Kind, NotOffered, Vary
from harness.machine import Machine, end_of
from harness.paths import KERNEL, ROOT
from harness.stage import Stage
from harness.vtx import Vtx

MACHINES: dict[Kind, Machine] = {}
MACHINE_FIXTURES = {"l1", "l1_smp", "l1_fresh", "vtx", "vtx_smp"}
USED = pytest.StashKey[list[Machine]]()
FAILED = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--stage", help="run only the tests of this stage, as 05")
    parser.addoption(
        "--quick",
        action="store_true",
        help="with --stage: only what this stage itself brings and is marked quick",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Tests type Ctrl-C. A shell that runs us in the background has it ignored, by all of us."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGQUIT) is signal.SIG_IGN:
        signal.signal(signal.SIGQUIT, signal.SIG_DFL)


# Which tests run on which stages


def stages_of(metafunc: pytest.Metafunc) -> list[Stage]:
    folder = metafunc.definition.path.parent
    own = next((stage for stage in Stage.all() if stage.folder == folder), None)
    promised = metafunc.definition.get_closest_marker("promised")
    if not promised:
        if not own:
            raise pytest.UsageError(f"{metafunc.definition.nodeid}: of which stage? Mark promised")
        return [own]
    since = promised.kwargs.get("since") or (own.number if own else "01")
    until = promised.kwargs.get("until") or Stage.newest().number
    without = promised.kwargs.get("without", ())
    stages = [
        stage
        for stage in Stage.all()
        if since <= stage.number <= until and stage.number not in without
    ]
    if metafunc.config.getoption("--stage"):
        return stages
    # What holds in the first that promises it and in the last holds between them, as a rule.
    # `make test` has only minutes; `make test-all` looks at one in three of these, too, and
    # `make stage-NN test ALL=1` at all.
    between = stages[1:-1] if FULL else []
    place = zlib.crc32(metafunc.definition.name.encode())
    chosen = [stage for number, stage in enumerate(between, place) if number % ONE_IN == 0]
    return stages[:1] + chosen + stages[1:][-1:]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "stage" in metafunc.fixturenames:
        stages = stages_of(metafunc)
        ids = [stage.number for stage in stages]
        metafunc.parametrize("stage", stages, ids=ids, indirect=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    number = config.getoption("--stage")
    wanted = Stage.find(number) if number else None
    kept, dropped = [], []
    for item in items:
        keep = is_of(item, wanted, config.getoption("--quick")) if wanted else is_in_time(item)
        # Another kernel has something to say only where there is a machine that it runs in.
        if KERNEL:
            keep = keep and not MACHINE_FIXTURES.isdisjoint(getattr(item, "fixturenames", ()))
        (kept if keep else dropped).append(item)
        if KERNEL and item.get_closest_marker("timed"):
            item.add_marker(pytest.mark.skip(reason="the debug kernel is too slow for its clock"))
    config.hook.pytest_deselected(items=dropped)
    items[:] = kept


def is_in_time(item: pytest.Item) -> bool:
    """Whether there is time for it: not in `make test`, but who asks for it by name waits."""
    named = any("::" in name for name in item.config.args)
    return FULL or named or not item.get_closest_marker("full")


def is_of(item: pytest.Item, wanted: Stage, quick: bool) -> bool:
    """Whether a test is one of this stage's."""
    under_test = getattr(item, "callspec", None) and item.callspec.params.get("stage")
    own = wanted.folder in item.path.parents
    keep = under_test == wanted or (own and not under_test)
    return keep and (not quick or (own and bool(item.get_closest_marker("quick"))))


@functools.cache
def build(stage: Stage) -> None:
    stage.build()


@pytest.fixture
def stage(request: pytest.FixtureRequest) -> Stage:
    build(request.param)
    return request.param


@pytest.fixture
def long(request: pytest.FixtureRequest, stage: Stage) -> bool:
    """Only in `make test-all`, and of a promised test only on the last stage that promises it."""
    promised = request.node.get_closest_marker("promised")
    last = promised.kwargs.get("until") or Stage.newest().number if promised else stage.number
    return FULL and stage.number == last


# Machines


def take(request: pytest.FixtureRequest, kind: Kind) -> Iterator[Machine]:
    """The worker's machine of this kind, for one test."""
    if kind not in MACHINES:
        MACHINES[kind] = Machine.start(kind)
    machine = MACHINES[kind]
    machine.resume()
    lend(request, machine)
    yield machine
    problems = [] if machine.broken else machine.check()
    if machine.broken or problems or request.node.stash.get(FAILED, False):
        del MACHINES[kind]
        machine.stop()
    else:
        # An idle machine would burn a core while others are at work.
        machine.pause()
    complain(problems)


def lend(request: pytest.FixtureRequest, machine: Machine) -> None:
    machine.again = again(request.node)
    machine.forget()
    request.node.stash.setdefault(USED, []).append(machine)


def complain(problems: list[str]) -> None:
    if problems:
        pytest.fail("after the test, in the test machine:\n" + "\n".join(problems), pytrace=False)


def again(item: pytest.Item) -> str:
    """The command that runs this test again."""
    name = item.path.relative_to(ROOT).as_posix() + "::" + item.nodeid.split("::", 1)[1]
    kernel = f"VIRTX_KERNEL={KERNEL} " if KERNEL else ""
    return f"{kernel}/usr/bin/python3 -m pytest {shlex.quote(name)}"


@pytest.fixture
def l1(request: pytest.FixtureRequest) -> Iterator[Machine]:
    yield from take(request, Kind.TEST)


@pytest.fixture
def l1_smp(request: pytest.FixtureRequest) -> Iterator[Machine]:
    yield from take(request, Kind.SMP)


@pytest.fixture
def l1_fresh(request: pytest.FixtureRequest) -> Iterator[Callable[..., Machine]]:
    """Makes machines that no other test has used or will use.

    l1_fresh(kind, vary, check=True); without `check` it may end in any state.
    """
    made: list[tuple[Machine, bool]] = []

    def start(kind: Kind = Kind.TEST, vary: Vary = Vary.NOTHING, check: bool = True) -> Machine:
        try:
            machine = Machine.start(kind, vary=vary)
        except NotOffered as reason:
            pytest.skip(str(reason))
        made.append((machine, check))
        lend(request, machine)
        return machine

    yield start
    problems = []
    for machine, check in made:
        if check and not machine.broken:
            problems += machine.check()
        machine.stop()
    complain(problems)


@pytest.fixture
def vtx(request: pytest.FixtureRequest, l1: Machine, stage: Stage) -> Iterator[Vtx]:
    with Vtx(l1, stage, sources=[request.path.parent]) as loaded:
        yield loaded


@pytest.fixture
def vtx_smp(request: pytest.FixtureRequest, l1_smp: Machine, stage: Stage) -> Iterator[Vtx]:
    with Vtx(l1_smp, stage, sources=[request.path.parent]) as loaded:
        yield loaded


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> None:
    """A scan takes longer than most tests: it is done once, for all that a machine has served."""
    if KERNEL and nextitem is None:
        problems = []
        for machine in MACHINES.values():
            machine.resume()
            problems += machine.leaks()
        if problems:
            complain(
                ["memory that this test, or one before it on this machine, has lost:", *problems]
            )


def pytest_sessionfinish() -> None:
    for machine in MACHINES.values():
        machine.stop()
    MACHINES.clear()


# What a failed test shows


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = (yield).get_result()
    if not report.failed:
        return
    item.stash[FAILED] = True
    # A MachineError has all of this in its own text.
    for machine in item.stash.get(USED, []):
        if not machine.broken:
            report.sections += [
                ("end of the output in the test machine", machine.last_output(20)),
                ("from its kernel log", machine.telling_log()),
                ("end of the engine's log", end_of(machine.engine_log(), 15)),
            ]
    report.sections.append(("run it again", again(item)))
