# SPDX-License-Identifier: GPL-2.0-only
"""For those who work on VirtX: a command in the test machine."""

from __future__ import annotations

import argparse
import sys

from harness.engine import EngineError, Kind
from harness.machine import Machine, MachineError
from harness.paths import SetupError
from harness.stage import Stage, StageError


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="/usr/bin/python3 -m harness", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    execute = commands.add_parser("exec", help="run a shell command and show all logs")
    execute.add_argument("--kind", choices=[kind.value for kind in Kind], default="test")
    execute.add_argument("--engine")
    execute.add_argument("--stage", help="build this stage and put its files into /stage")
    execute.add_argument("--timeout", type=float, default=60)
    execute.add_argument("command")
    return parser.parse_args()


def main() -> int:
    options = parse()
    with Machine.start(
        Kind(options.kind), options.engine, lambda text: print(text, file=sys.stderr)
    ) as machine:
        command = options.command
        if options.stage:
            stage = Stage.find(options.stage)
            stage.build()
            machine.put(stage.files())
            command = f"cd /stage; {command}"
        result = machine.run(command, timeout=options.timeout)
        sys.stdout.buffer.write(result.stdout)
        sys.stdout.flush()
        sys.stderr.buffer.write(result.stderr)
        print("--- kernel log ---", machine.kernel_log(), sep="\n", file=sys.stderr)
        for problem in machine.check():
            print(f"problem: {problem}", file=sys.stderr)
    return result.status


try:
    sys.exit(main())
except (EngineError, MachineError, SetupError, StageError) as error:
    sys.exit(str(error))
