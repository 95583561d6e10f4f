# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""``west tocsin-footprint``: tools/footprint.py as a command of west, with west's own Python."""

import argparse
import subprocess
import sys
from pathlib import Path

from west.commands import WestCommand

SCRIPT = Path(__file__).parent.parent / "footprint.py"


class TocsinFootprint(WestCommand):
    """Hands its arguments on."""

    def __init__(self) -> None:
        super().__init__(
            "tocsin-footprint",
            "say what flash, RAM and stack each module takes, and what has grown",
            "Arguments are those of tools/footprint.py: names of images, --all, --json, --update.",
            accepts_unknown_args=True,
        )

    def do_add_parser(self, parser_adder: argparse._SubParsersAction) -> argparse.ArgumentParser:
        """Add a parser without options of its own."""
        return parser_adder.add_parser(self.name, help=self.help, description=self.description)

    def do_run(self, args: argparse.Namespace, unknown_args: list[str]) -> None:
        """Run the script; its exit status is the command's."""
        del args
        status = subprocess.run([sys.executable, str(SCRIPT), *unknown_args], check=False).returncode
        if status != 0:
            sys.exit(status)
