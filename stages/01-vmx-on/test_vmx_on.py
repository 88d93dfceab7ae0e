# SPDX-License-Identifier: GPL-2.0-only
"""VMX on, VMX off: only where it is allowed, on every CPU, and never left on."""

from __future__ import annotations

import re
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from harness.effort import FULL, some
from harness.engine import Kind, Vary
from harness.machine import Machine, Result
from harness.paths import ROOT
from harness.stage import Stage
from harness.vtx import Vtx


CR4_VMXE = 1 << 13
CPU1 = "/sys/devices/system/cpu/cpu1/online"

ON = "vtxdrv: CPU{}: VMX on"
OFF = "vtxdrv: CPU{}: VMX off"

# What insmod prints of an errno.
NOT_SUPPORTED = "Operation not supported"
BUSY = "Device or resource busy"
IO_ERROR = "Input/output error"


def insmod(machine: Machine) -> Result:
    return machine.run(f"insmod {Vtx.dir}/vtxdrv.ko")


def said_by_vtxdrv(machine: Machine) -> list[str]:
    """Its lines in the kernel log, in their order."""
    return re.findall(r"vtxdrv: .*", machine.kernel_log())


def refusal(machine: Machine) -> str:
    """The sentence, which stands there twice: busybox's insmod tries two system calls."""
    (sentence,) = set(said_by_vtxdrv(machine))
    return sentence


def cpus_with_vmx(machine: Machine) -> list[int]:
    return [
        int(name.removeprefix("cpu").removesuffix(" cr4"))
        for name, value in machine.hoststate().items()
        if name.endswith(" cr4") and value & CR4_VMXE
    ]


def nothing_is_left(machine: Machine) -> bool:
    """No module, no device, no CPU with VMX on."""
    traces = machine.run("grep '^vtxdrv ' /proc/modules; ls /dev/vtx")
    return not traces.stdout and not cpus_with_vmx(machine)


def first_and_newest(machine: Machine) -> Iterator[Vtx]:
    """A stage's files in /stage, nothing loaded: for rules that all stages keep alike."""
    for stage in (Stage.find("01"), *some(Stage.all()[1:])):
        stage.build()
        with Vtx(machine, stage, load=False) as vtx:
            yield vtx


# On and off


@pytest.mark.quick
@pytest.mark.promised
def test_loading_turns_vmx_on_and_unloading_turns_it_off(l1: Machine, stage: Stage) -> None:
    before = l1.hoststate()
    with Vtx(l1, stage):
        assert said_by_vtxdrv(l1) == [ON.format(0)]
        assert cpus_with_vmx(l1) == [0]
    assert said_by_vtxdrv(l1) == [ON.format(0), OFF.format(0)]
    assert nothing_is_left(l1)
    assert l1.hoststate()["cpu0 cr4"] == before["cpu0 cr4"]


def test_run_shows_vmx_switched_on_and_off() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "virtx", "run", "01"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert "VMX is on, on 1 CPU." in done.stdout
    assert re.findall(r"vtxdrv: .*", done.stderr) == [ON.format(0), OFF.format(0)]


def test_loaded_fifty_times_it_leaves_nothing(vtx: Vtx) -> None:
    vtx.rmmod()
    cycle = "insmod /stage/vtxdrv.ko && rmmod vtxdrv || exit 1"
    free = "sync; echo 3 >/proc/sys/vm/drop_caches; grep -w nr_free_pages /proc/vmstat"
    repeat = f"i=0; while [ $i -lt {{}} ]; do {cycle}; i=$((i + 1)); done; {free}"

    def free_pages_after(times: int) -> int:
        return int(vtx.machine.run(repeat.format(times), check=True).text.split()[1])

    free_pages_after(5)
    lost = free_pages_after(0) - free_pages_after(50)
    assert lost < 25, f"{lost} pages of memory are gone"
    assert nothing_is_left(vtx.machine)


# What the CPU can do

# MSR numbers of the SDM's appendix on VMX capabilities; the second is the TRUE form.
WORDS = {
    "pin": (0x481, 0x48D),
    "proc": (0x482, 0x48E),
    "exit": (0x483, 0x48F),
    "entry": (0x484, 0x490),
}
MSRS = {
    "feature_control": 0x3A,
    "basic": 0x480,
    "misc": 0x485,
    "cr0_fixed0": 0x486,
    "cr0_fixed1": 0x487,
    "cr4_fixed0": 0x488,
    "cr4_fixed1": 0x489,
    "proc2": 0x48B,
    "ept_vpid": 0x48C,
    "vmfunc": 0x491,
}
TITLES = {
    "Pin-based controls": "pin",
    "Primary processor-based controls": "proc",
    "Secondary processor-based controls": "proc2",
    "VM-exit controls": "exit",
    "VM-entry controls": "entry",
}
# Some bits by the SDM's tables, to see that the names stand beside the right numbers.
BITS = {
    ("pin", 0): "external-interrupt exiting",
    ("pin", 3): "NMI exiting",
    ("pin", 6): "activate VMX-preemption timer",
    ("proc", 7): "HLT exiting",
    ("proc", 24): "unconditional I/O exiting",
    ("proc", 27): "monitor trap flag",
    ("proc", 28): "use MSR bitmaps",
    ("proc", 31): "activate secondary controls",
    ("proc2", 1): "enable EPT",
    ("proc2", 5): "enable VPID",
    ("proc2", 7): "unrestricted guest",
    ("proc2", 25): "use TSC scaling",
    ("exit", 9): "host address-space size (64-bit host)",
    ("exit", 15): "acknowledge interrupt on exit",
    ("exit", 21): "load IA32_EFER",
    ("entry", 9): "IA-32e mode guest",
    ("entry", 15): "load IA32_EFER",
}
ABILITIES = {
    "EPT": ("proc2", 33),
    "EPT with pages of 2 MiB": ("ept_vpid", 16),
    "unrestricted guest": ("proc2", 39),
    "VPID": ("proc2", 37),
    "preemption timer": ("pin", 38),
    "I/O bitmaps": ("proc", 57),
    "MSR bitmaps": ("proc", 60),
    "monitor trap flag": ("proc", 59),
}


def rdmsr(machine: Machine, *numbers: int) -> list[int]:
    """Through the kernel's own msr driver: VTXDRV is not asked."""
    read = "dd if=/dev/cpu/0/msr bs=8 count=1 iflag=skip_bytes skip={} 2>/dev/null"
    raw = machine.run("; ".join(read.format(number) for number in numbers), check=True).stdout
    return list(struct.unpack(f"<{len(numbers)}Q", raw))


def capabilities(machine: Machine) -> dict[str, int]:
    """What the MSRs say."""
    msrs = dict(zip(MSRS, rdmsr(machine, *MSRS.values())))
    true_form = bool(msrs["basic"] & 1 << 55)
    words = rdmsr(machine, *(pair[true_form] for pair in WORDS.values()))
    return {**msrs, **dict(zip(WORDS, words)), "flags": true_form}


@pytest.mark.quick
@pytest.mark.promised
def test_capability_report_says_in_words_what_the_msrs_say(vtx: Vtx) -> None:
    caps = capabilities(vtx.machine)
    report = vtx.run("--caps").text
    seen = 0
    for title, name in TITLES.items():
        must, may = caps[name] & 0xFFFFFFFF, caps[name] >> 32
        head = f"{title}: must be 1: {must:08x}, may be 1: {may:08x}\n"
        assert head in report
        lines = report.partition(head)[2].partition("\n\n")[0].splitlines()
        for line in lines:
            choice, bit, control = re.fullmatch(r"  (\w+ \w+(?: \w+)?) +(\d+)  (.+)", line).groups()
            mask = 1 << int(bit)
            assert choice == (
                "always 1" if must & mask else "0 or 1" if may & mask else "always 0"
            ), line
            assert BITS.get((name, int(bit)), control) == control
            seen += (name, int(bit)) in BITS
    assert seen == len(BITS)

    for what, (name, bit) in ABILITIES.items():
        answer = "yes " if caps[name] >> bit & 1 else "no  "
        assert re.search(rf"^  {answer} .*\b{what}\)?", report, re.MULTILINE), what
    assert ("(the TRUE words)" in report) == caps["flags"]
    bits = re.search(r"(\d+) bits physical", vtx.machine.get("/proc/cpuinfo").decode())[1]
    revision, size = caps["basic"] & 0x7FFFFFFF, caps["basic"] >> 32 & 0x1FFF
    assert f"VMCS revision {revision}, {size} bytes; physical addresses have {bits} bits" in report
    for register in ("cr0", "cr4"):
        ones, maybe = caps[f"{register}_fixed0"], caps[f"{register}_fixed1"]
        name = register.upper()
        assert f"Bits of {name} that must be 1: {ones:08x}, may be 1: {maybe:08x}\n" in report


@pytest.mark.promised
def test_get_caps_gives_the_msrs_unchanged_and_minds_its_arguments(vtx: Vtx) -> None:
    told = vtx.ask("probe_caps.c")
    for name, value in capabilities(vtx.machine).items():
        assert int(told.pop(name), 0) == value, name
    assert int(told.pop("size"), 0) > 100
    assert int(told.pop("maxphyaddr"), 0) >= 36
    assert int(told.pop("cpus_on"), 0) == 1
    assert int(told.pop("reserved"), 0) == 0
    assert told == {
        "size too small": "EINVAL",
        "size zero": "EINVAL",
        "size too large": "EINVAL",
        "no pointer": "EFAULT",
        "pointer into the kernel": "EFAULT",
        "unknown ioctl": "ENOTTY",
        "known number, other size": "ENOTTY",
        "other driver's ioctl": "ENOTTY",
    }


# Refused, with a sentence


@pytest.mark.parametrize(
    "vary, sentence",
    [
        (
            Vary.NO_VMX,
            "this CPU has no VMX (CPUID.1:ECX bit 5 is 0): use one that has, or Bochs",
        ),
        (
            Vary.LOCKED,
            "the firmware has locked VMX off (IA32_FEATURE_CONTROL): "
            "enable virtualization in its setup",
        ),
        (
            Vary.UNLOCKED,
            "IA32_FEATURE_CONTROL is not locked, so VMXON would fault: "
            "the firmware should enable VMX and lock it",
        ),
    ],
    ids=lambda value: value.value if isinstance(value, Vary) else "",
)
def test_vmx_that_is_not_to_be_had_is_refused_with_its_reason(
    l1_fresh: Callable[..., Machine], vary: Vary, sentence: str
) -> None:
    machine = l1_fresh(vary=vary)
    for vtx in first_and_newest(machine):
        machine.forget()
        refused = insmod(machine)
        assert refused.status != 0 and NOT_SUPPORTED in refused.stderr.decode(), vtx.stage
        assert refusal(machine) == f"vtxdrv: {sentence}", vtx.stage
        assert nothing_is_left(machine), vtx.stage

        asked = vtx.run("--caps")
        assert asked.status == 126 and not asked.stdout
        assert b"load vtxdrv.ko first; `dmesg` says why it refused" in asked.stderr


def test_a_vmxon_that_faults_is_an_error_and_no_crash(l1_fresh: Callable[..., Machine]) -> None:
    machine = l1_fresh(vary=Vary.UNLOCKED)
    for vtx in first_and_newest(machine):
        machine.forget()
        # The check would save us. Without it VMXON faults: #GP, as the register is unlocked.
        machine.run(f"insmod {vtx.module('probe_skip')} function=hw_allowed", check=True)
        refused = insmod(machine)
        assert refused.status != 0 and IO_ERROR in refused.stderr.decode(), vtx.stage
        assert refusal(machine) == "vtxdrv: CPU0: VMXON was refused", vtx.stage
        assert nothing_is_left(machine), vtx.stage
        machine.run("rmmod probe_skip", check=True)


def test_kvm_with_a_guest_keeps_us_out_and_we_keep_kvm_out(
    l1_fresh: Callable[..., Machine]
) -> None:
    machine = l1_fresh()
    machine.load_kvm()
    for vtx in first_and_newest(machine):
        machine.forget()
        kvm = machine.spawn(vtx.helper("probe_kvm.c"))
        kvm.expect(b"KVM_CREATE_VM: ok\n")

        refused = insmod(machine)
        assert refused.status != 0 and BUSY in refused.stderr.decode(), vtx.stage
        sentence = (
            "another hypervisor uses VMX: end its guests, then `rmmod kvm_intel`, and try again"
        )
        assert refusal(machine) == f"vtxdrv: {sentence}", vtx.stage

        # Its guest never felt it: exit reason 5 is KVM_EXIT_HLT.
        kvm.write(b"run\n")
        kvm.expect(b"exit reason: 0x5\n")
        kvm.close_stdin()
        kvm.wait()
        assert nothing_is_left(machine), vtx.stage

        # KVM is still loaded, but without a guest it does not use VMX.
        vtx.insmod()
        assert vtx.ask("probe_kvm.c") == {"KVM_CREATE_VM": "EBUSY"}, vtx.stage
        assert vtx.run("--caps").status == 0, vtx.stage
        vtx.rmmod()

        kvm = machine.spawn(vtx.helper("probe_kvm.c"))
        kvm.write(b"run\n")
        kvm.expect(b"exit reason: 0x5\n")
        kvm.close_stdin()
        kvm.wait()


# The device


@pytest.mark.promised
def test_the_device_is_roots_and_the_module_stays_while_it_is_open(vtx: Vtx) -> None:
    device = vtx.machine.run("stat -c '%F %a %u:%g' /dev/vtx").text
    assert device == "character special file 600 0:0\n"

    user = vtx.machine.spawn("exec 3<>/dev/vtx; echo open; read line; exec 3>&-; echo closed; read")
    user.expect(b"open\n")
    refused = vtx.machine.run("rmmod vtxdrv")
    assert refused.status != 0 and b"temporarily unavailable" in refused.stderr
    assert vtx.loaded() and cpus_with_vmx(vtx.machine) == [0]

    user.write(b"\n")
    user.expect(b"closed\n")
    vtx.rmmod()
    assert nothing_is_left(vtx.machine)


def test_bad_usage_is_one_that_says_what_to_do(vtx: Vtx) -> None:
    for arguments in ([], ["--nonsense"], ["--caps", "too", "much"]):
        result = vtx.run(*arguments)
        assert result.status == 2 and not result.stdout
        assert b"usage: vtxctl " in result.stderr
    assert vtx.run("--help").text.startswith("usage: vtxctl ")
    assert vtx.run("--version").text == "vtxctl (VirtX)\n"


# A guest's memory, and a VM


@pytest.mark.quick
def test_the_guest_lies_in_memory(vtx: Vtx) -> None:
    result = vtx.run("--mem", "1M", "nanox.bin@0x8000")
    image = (vtx.stage.build_dir / "nanox.bin").read_bytes()
    assert result.status == 0
    assert result.text.startswith(
        f"nanox.bin: {len(image)} bytes at 0x8000, in a memory of 1024 KiB.\n"
        f"It begins: {image[:16].hex(' ')}\n"
    )


def test_of_two_images_at_one_place_the_guest_comes_last(vtx: Vtx) -> None:
    vtx.put({"other": b"\1\2\3\4"})
    result = vtx.run("--load", "other@0x7c02", "other")
    assert "It begins: 01 02 03 04\n" in result.text


@pytest.mark.promised
def test_vtxctl_says_what_to_do_about_bad_usage(vtx: Vtx) -> None:
    vtx.put({"empty": b"", "big": b"N" * 70_000})
    sentences = {
        ("--mem", "64K", "missing"): "missing: No such file or directory: give the guest's image",
        ("--mem", "64K", "empty"): "empty: empty: was it built?",
        ("--mem", "64K", "/dev"): "/dev: not a file: give the guest's image",
        ("--mem", "64K", "big"): "70000 bytes at 0x7c00 do not fit into 64 KiB",
        ("--mem", "64K", "nanox.bin@0x10000"): "into 64 KiB: another address, or more --mem",
        ("nanox.bin@here",): "give the address behind @ as a number, as 0x7c00",
        ("nanox.bin@-1",): "give the address behind @ as a number, as 0x7c00",
        ("--mem", "63K", "nanox.bin"): "--mem 63K: give a size from 64K to 3G in steps of 4K",
        ("--mem", "4G", "nanox.bin"): "--mem 4G: give a size from 64K to 3G in steps of 4K",
        ("--mem", "-1", "nanox.bin"): "--mem -1: give a size from 64K to 3G in steps of 4K",
        ("--mem", "1MB", "nanox.bin"): "--mem 1MB: give a size from 64K to 3G in steps of 4K",
        (): "usage: vtxctl",
        ("nanox.bin", "nanox.bin"): "usage: vtxctl",
    }
    for arguments, sentence in sentences.items():
        result = vtx.run(*arguments)
        assert (result.status, result.stdout) == (2, b""), arguments
        assert sentence in result.stderr.decode(), arguments


@pytest.mark.promised
def test_each_open_device_is_a_vm_of_its_process(vtx: Vtx) -> None:
    assert vtx.ask("probe_vm.c") == {
        "VMs at first": "0",
        "VMs after two were opened": "0x2",
        "the process that opened it": "ok",
        "its child": "EIO",
        "the process, after its child": "ok",
        "VMs with one of two descriptors closed": "0x2",
        "VMs with both closed": "0x1",
        "VMs at last": "0",
    }


# Every CPU, whatever becomes of it


def cpus_on(vtx: Vtx) -> int:
    return int(vtx.ask("probe_caps.c")["cpus_on"], 0)


def test_a_cpu_that_goes_turns_vmx_off_and_one_that_comes_turns_it_on(vtx_smp: Vtx) -> None:
    vtx, machine = vtx_smp, vtx_smp.machine
    assert said_by_vtxdrv(machine) == [ON.format(0), ON.format(1)]
    assert cpus_on(vtx) == 2

    machine.run(f"echo 0 >{CPU1}", check=True)
    assert said_by_vtxdrv(machine)[2:] == [OFF.format(1)]
    assert cpus_on(vtx) == 1

    machine.run(f"echo 1 >{CPU1}", check=True)
    assert said_by_vtxdrv(machine)[3:] == [ON.format(1)]
    assert cpus_on(vtx) == 2 and cpus_with_vmx(machine) == [0, 1]

    # Unloaded while a CPU is away: what comes back is an ordinary CPU.
    machine.run(f"echo 0 >{CPU1}", check=True)
    vtx.rmmod()
    machine.run(f"echo 1 >{CPU1}", check=True)
    assert said_by_vtxdrv(machine)[4:] == [OFF.format(1), OFF.format(0)]
    assert nothing_is_left(machine)

    # And loaded while it is away.
    machine.run(f"echo 0 >{CPU1}", check=True)
    vtx.insmod()
    machine.run(f"echo 1 >{CPU1}", check=True)
    assert said_by_vtxdrv(machine)[6:] == [ON.format(0), ON.format(1)]
    assert cpus_with_vmx(machine) == [0, 1]


@pytest.mark.parametrize("cpus", [1, 2] if FULL else [1])
def test_suspend_turns_vmx_off_and_waking_turns_it_on(
    request: pytest.FixtureRequest, stage: Stage, cpus: int
) -> None:
    vtx: Vtx = request.getfixturevalue("vtx" if cpus == 1 else "vtx_smp")
    machine = vtx.machine
    machine.forget()
    assert vtx.ask("probe_suspend.c", timeout=180) == {"image taken": "0x1"}
    # Other CPUs are taken offline first; the last one has the syscore hooks.
    down = [OFF.format(cpu) for cpu in reversed(range(cpus))]
    up = [ON.format(cpu) for cpu in range(cpus)]
    assert said_by_vtxdrv(machine) == down + up
    # The kernel copies its memory between the two: while nobody has VMX on.
    log = machine.kernel_log()
    assert log.index(OFF.format(0)) < log.index("Creating image") < log.index(ON.format(0))
    assert cpus_on(vtx) == cpus and cpus_with_vmx(machine) == list(range(cpus))


def test_reboot_turns_vmx_off_on_every_cpu_first(
    l1_fresh: Callable[..., Machine], stage: Stage
) -> None:
    machine = l1_fresh(Kind.SMP, check=False)
    with Vtx(machine, stage):
        machine.forget()
        machine.spawn("reboot -f")
        machine.wait_log("reboot: Restarting system")
        log = machine.kernel_log(settle=False)
        machine.broken = True  # it has ended, as it should
    before = re.findall(r"vtxdrv: .*", log.partition("reboot: Restarting system")[0])
    assert sorted(before) == [OFF.format(0), OFF.format(1)]


# On a plain PC, before there is any hypervisor


@pytest.mark.quick
def test_bare_prints_the_letter_and_ends() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "virtx", "bare", "01"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (0, b"N")


@pytest.mark.promised(until="04")
def test_nanox_is_the_same_byte_for_byte_until_it_speaks(stage: Stage) -> None:
    first = Stage.find("01")
    first.build()
    for name in ("nanox.bin", "nanox.rom"):
        assert (stage.build_dir / name).read_bytes() == (first.build_dir / name).read_bytes()
