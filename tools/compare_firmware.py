# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Run recordings through the firmware on an emulated board and through the twin, and compare all bytes.

Example: python tools/compare_firmware.py --board qemu_m4f fan.tocsin monday.wav

Builds the application once, switches the emulated board on, and lets ``tocsin verify`` do the rest. Exit status: 0 all
equal, 1 something differs, 2 an error.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from emulation import BOARDS, BuildFailed, CannotBuild, Emulator, build


def main() -> int:
    """Build, switch on, compare."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        usage="%(prog)s [--board BOARD] [options of tocsin verify] BUNDLE FILES…",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    boards = {board.zephyr.split("/")[0]: board for board in BOARDS.values()}
    parser.add_argument("--board", choices=sorted(boards), default="qemu_m4f")
    options, rest = parser.parse_known_args()
    if not rest:
        parser.error("name a bundle and recordings")
    board = boards[options.board]
    try:
        image = build(board)
    except (CannotBuild, BuildFailed) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder, Emulator(board, image, Path(folder)) as emulator:
        tocsin = Path(sys.executable).with_name("tocsin")
        return subprocess.run([tocsin, "verify", "--port", emulator.link_address(), *rest], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
