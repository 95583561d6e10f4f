# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""``west tocsin-bench`` and ``west tocsin-footprint``: scripts of tools/ as commands, with west's own Python."""

import argparse
import subprocess
import sys
from pathlib import Path

from west.commands import WestCommand

TOOLS = Path(__file__).parent.parent


class _Script(WestCommand):
    """Hands its arguments on to a script."""

    def __init__(self, script: str, summary: str, arguments: str) -> None:
        name = f"tocsin-{script}"
        told = f"Arguments are those of tools/{script}.py: {arguments}."
        super().__init__(name, summary, told, accepts_unknown_args=True)
        self._script = TOOLS / f"{script}.py"

    def do_add_parser(self, parser_adder: argparse._SubParsersAction) -> argparse.ArgumentParser:
        """Add a parser without options of its own."""
        return parser_adder.add_parser(self.name, help=self.help, description=self.description)

    def do_run(self, args: argparse.Namespace, unknown_args: list[str]) -> None:
        """Run the script; its exit status is the command's."""
        del args
        status = subprocess.run([sys.executable, str(self._script), *unknown_args], check=False).returncode
        if status != 0:
            sys.exit(status)


class TocsinBench(_Script):
    """``west tocsin-bench``."""

    def __init__(self) -> None:
        super().__init__(
            "bench", "count the instructions of every stage on the emulated Cortex-M4F", "--json, --ours, --baseline"
        )


class TocsinFootprint(_Script):
    """``west tocsin-footprint``."""

    def __init__(self) -> None:
        super().__init__(
            "footprint",
            "say what flash, RAM and stack each module takes, and what has grown",
            "names of images, --all, --json, --update",
        )
