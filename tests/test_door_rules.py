# SPDX-License-Identifier: GPL-2.0-only
"""It is somebody's laptop: nothing loads our module into it, nothing installs a kernel.

Every script, Makefile and program is searched. What runs in the test machine may load
modules: harness/l1, and the commands that tests and the harness send there as one string.
What runs here is an argument list, a recipe or a shell script; these may not.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from door.base import CAP_SYS_MODULE, PYTHON
from door.lint import is_python, is_shell, sources
from harness.packages import PACKAGES
from harness.paths import ROOT

# These run in the test machine.
IN_L1 = ("harness/l1/", "tests/l1/")

FORBIDDEN = re.compile(
    r"\b(insmod|modprobe|depmod|modules_install|modules-load|(SYS_)?f?init_module|kexec|dkms"
    r"|installkernel|kernel-install|update-initramfs|update-grub|grub-install"
    r"|make\s+install|dpkg\s+(-i|--install)\b|install\s[^\n]*linux-(image|headers))"
)
# Functions that start a program here, on this computer.
STARTERS = {"Popen", "call", "check_call", "check_output", "system", "popen"}
STARTING_MODULES = {"subprocess", "os", "pexpect", "pty"}
C_STARTERS = re.compile(r"\b(system|popen|exec[lv]\w*|posix_spawnp?|syscall)\s*\(")


def findings(root: Path) -> Iterator[str]:
    for path in sources(root):
        name = path.relative_to(root).as_posix()
        if name.startswith(IN_L1) or path.resolve() == Path(__file__).resolve():
            continue
        if is_python(path):
            found = in_python(path)
        elif path.suffix == ".mk" or "Makefile" in path.name or is_shell(path):
            found = in_script(path)
        elif path.suffix in (".c", ".h"):
            found = in_c(path)
        else:
            continue
        for line, text in found:
            yield f"{name}:{line}: {text.strip()}"


def in_script(path: Path) -> Iterator[tuple[int, str]]:
    """Recipes and shell scripts: outside of comments, none of the words at all."""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if FORBIDDEN.search(re.sub(r"(^|\s)#.*", "", line)):
            yield number, line


def in_c(path: Path) -> Iterator[tuple[int, str]]:
    """A message may name insmod; a line that starts programs or makes system calls may not."""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if C_STARTERS.search(line) and FORBIDDEN.search(line):
            yield number, line


def in_python(path: Path) -> Iterator[tuple[int, str]]:
    """No shell of this computer, and none of the words in an argument list."""
    text = path.read_text()
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and starts_a_program(node):
            shell = any(word.arg == "shell" for word in node.keywords)
            if shell or any(FORBIDDEN.search(word) for word in strings_in(node)):
                yield node.lineno, lines[node.lineno - 1]
        # ["insmod", ...]: argument lists are only ever for programs here.
        if isinstance(node, (ast.List, ast.Tuple)) and node.elts:
            command = [word.value for word in node.elts if is_string(word)]
            first = command[0] if command and is_string(node.elts[0]) else ""
            if FORBIDDEN.fullmatch(os.path.basename(first)) or (
                first in ("sh", "bash", "sudo", "env", "dpkg", "apt-get", "make")
                and FORBIDDEN.search(" ".join(command))
            ):
                yield node.lineno, lines[node.lineno - 1]


def is_string(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def strings_in(node: ast.AST) -> Iterator[str]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            yield inner.value


def starts_a_program(call: ast.Call) -> bool:
    match call.func:
        case ast.Attribute(value=ast.Name(id=module), attr=name):
            return module in STARTING_MODULES or name in STARTERS
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name in STARTERS
    return False


def test_nothing_touches_this_computers_kernel():
    assert list(findings(ROOT)) == []


PLANTED = {
    "Makefile": "run:\n\tsudo insmod build/vtxdrv.ko\n",
    "stages/01-x/Makefile": "load: all\n\t@/sbin/modprobe vtxdrv\n",
    "common/stage.mk": "install:\n\t$(MAKE) -C $(linux) M=$(out) modules_install\n",
    "tools/load": "#!/bin/sh\nset -e\ninsmod vtxdrv.ko\n",
    "tools/kernel.sh": "apt-get install -y linux-image-cloud-amd64\n",
    "tools/boot": "#!/bin/bash\nupdate-grub\n",
    "door/a.py": 'import subprocess\nsubprocess.run(["insmod", "vtxdrv.ko"])\n',
    "door/b.py": 'import os\nos.system("/sbin/insmod vtxdrv.ko")\n',
    "door/c.py": 'import subprocess\nsubprocess.run("ls", shell=True)\n',
    "door/d.py": 'COMMAND = ["/usr/sbin/modprobe", "kvm"]\n',
    "door/e.py": 'COMMAND = ("sh", "-c", "insmod vtxdrv.ko")\n',
    "door/f.py": 'COMMAND = ["dpkg", "-i", "linux.deb"]\n',
    "virtx": "#!/usr/bin/python3 -Es\nimport os\nos.execlp('insmod', 'insmod')\n",
    "vtxctl/a.c": 'int main(void) { return system("insmod vtxdrv.ko"); }\n',
    "vtxctl/b.c": "long l(int fd) { return syscall(SYS_finit_module, fd, 0, 0); }\n",
}


@pytest.mark.parametrize("name", PLANTED)
def test_the_search_finds_what_is_planted(name, tmp_path):
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(PLANTED[name])
    assert {found.split(":")[0] for found in findings(tmp_path)} == {name}


INNOCENT = {
    "Makefile": "# never insmod here\nall:\n\techo built\n",
    "harness/l1/init": "#!/bin/sh\ninsmod /lib/sr_mod.ko\n",
    "harness/a.py": 'def f(machine):\n    machine.run("insmod /stage/vtxdrv.ko")\n',
    "vtxctl/main.c": 'void f(void) { puts("insmod vtxdrv.ko first"); }\n',
}


@pytest.mark.parametrize("name", INNOCENT)
def test_the_search_lets_the_test_machine_load_modules(name, tmp_path):
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(INNOCENT[name])
    assert list(findings(tmp_path)) == []


def test_no_kernel_is_among_the_packages():
    assert [name for name, reason in PACKAGES if re.match(r"linux-(image|headers)", name)] == []


def test_our_children_have_no_right_to_load_modules():
    program = (
        f"import subprocess, sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from door.base import forbid_kernel_modules; forbid_kernel_modules()\n"
        "subprocess.run(['cat', '/proc/self/status'])\n"
    )
    answer = subprocess.run([PYTHON, "-c", program], capture_output=True, text=True, check=True)
    rights = re.search(r"^CapEff:\s*([0-9a-f]+)$", answer.stdout, re.M)
    assert not int(rights[1], 16) >> CAP_SYS_MODULE & 1


def test_vtxdrv_is_not_in_this_computers_kernel():
    modules = Path("/proc/modules")
    assert not modules.exists() or not re.search(r"^vtxdrv ", modules.read_text(), re.M)
