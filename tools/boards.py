# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Build the firmware for every board with a microphone and with an accelerometer; show what each image takes.

    python tools/boards.py                      # all of them, some minutes each
    python tools/boards.py xiao_ble             # one board
    python tools/boards.py --json > boards.json

The images stay in build/boards/.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parent))
from emulation import ROOT, BuildFailed, CannotBuild, configure_and_build

UNITS = {"B": 1, "KB": 1 << 10, "MB": 1 << 20}


@dataclass(frozen=True)
class Target:
    """A board with a sensor.

    Attributes
    ----------
    name
        short, for the command line
    board
        as Zephyr names it
    sensor
        ``mic`` or ``accel``: the FILE_SUFFIX
    part
        what the sensor is
    acquisition
        how its samples come
    """

    name: str
    board: str
    sensor: str
    part: str
    acquisition: str

    @property
    def folder(self) -> Path:
        """Where it is built."""
        return ROOT / "build" / "boards" / f"{self.name}-{self.sensor}"


@dataclass(frozen=True)
class Sizes:
    """What an image takes, and what there is of it, bytes; `bundle` of the flash is the detector."""

    bundle: str
    bundle_size: int
    flash: int
    flash_size: int
    ram: int
    ram_size: int


TARGETS = (
    Target("nrf52840dk", "nrf52840dk/nrf52840", "mic", "external PDM microphone", "PDM"),
    Target("nrf52840dk", "nrf52840dk/nrf52840", "accel", "ADXL345", "stream"),
    Target("xiao_ble", "xiao_ble/nrf52840/sense", "mic", "MSM261D3526H", "PDM"),
    Target("xiao_ble", "xiao_ble/nrf52840/sense", "accel", "LSM6DS3TR-C", "trigger"),
    Target("nano_33_ble", "arduino_nano_33_ble/nrf52840/sense", "mic", "MP34DT05", "PDM"),
    Target("nano_33_ble", "arduino_nano_33_ble/nrf52840/sense", "accel", "BMI270 (Rev2)", "poll"),
    Target("thingy53", "thingy53/nrf5340/cpuapp", "mic", "VM3011", "PDM"),
    Target("thingy53", "thingy53/nrf5340/cpuapp", "accel", "ADXL362", "stream"),
)


def build(target: Target) -> Sizes:
    """Build a target, and read from the linker's table what the image takes.

    Raises
    ------
    CannotBuild, BuildFailed
        See :func:`emulation.configure_and_build`.
    """
    # The linker prints its table only when it links.
    (target.folder / "zephyr" / "zephyr.elf").unlink(missing_ok=True)
    output = configure_and_build(target.folder, target.board, f"-DFILE_SUFFIX={target.sensor}")
    table = {
        name: tuple(round(float(number) * UNITS[unit]) for number, unit in ((used, u1), (size, u2)))
        for name, used, u1, size, u2 in re.findall(
            r"^\s*(FLASH|RAM):\s+([\d.]+) (B|KB|MB)\s+([\d.]+) (B|KB|MB)", output, re.M
        )
    }
    embedded = re.search(r"^-- Default bundle: (.+)$", output, re.M)
    if table.keys() != {"FLASH", "RAM"} or embedded is None:
        raise BuildFailed(f"{target.name} {target.sensor}: the build did not say what the image takes")
    bundle = Path(embedded[1])
    return Sizes(bundle.name, bundle.stat().st_size, *table["FLASH"], *table["RAM"])


def show(rows: Iterable[tuple[Target, Sizes]]) -> None:
    """Print the table."""
    table = Table(title="Images with their default bundles, bytes")
    for heading in ("board", "sensor", "samples by", "bundle"):
        table.add_column(heading)
    for heading in ("flash", "of", "RAM", "of"):
        table.add_column(heading, justify="right")
    for target, sizes in rows:
        table.add_row(
            target.board,
            target.part,
            target.acquisition,
            sizes.bundle,
            f"{sizes.flash:,}",
            f"{sizes.flash_size:,}",
            f"{sizes.ram:,}",
            f"{sizes.ram_size:,}",
        )
    Console(width=132 if not sys.stdout.isatty() else None).print(table)


def main() -> int:
    """Build what was asked for; 1 where a build failed, 2 where none can be made."""
    names = sorted({target.name for target in TARGETS})
    parser = argparse.ArgumentParser(
        description="Build the firmware for the boards, with a microphone and with an accelerometer, and print what "
        "flash and RAM each image takes.",
        epilog="Example: python tools/boards.py xiao_ble --sensor accel",
    )
    parser.add_argument("board", nargs="*", help=f"boards to build, of {', '.join(names)} (default: all)")
    parser.add_argument("--sensor", choices=("mic", "accel"), help="build with this sensor alone")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    if unknown := sorted(set(options.board) - set(names)):
        parser.error(f"there is no board {unknown[0]}: one of {', '.join(names)}")
    chosen = [
        target
        for target in TARGETS
        if (not options.board or target.name in options.board) and options.sensor in (None, target.sensor)
    ]
    rows: list[tuple[Target, Sizes]] = []
    failed = False
    for target in chosen:
        print(f"building {target.board}, {target.sensor}", file=sys.stderr, flush=True)
        try:
            rows.append((target, build(target)))
        except CannotBuild as error:
            print(error, file=sys.stderr)
            return 2
        except BuildFailed as error:
            print(error, file=sys.stderr)
            failed = True
    if options.json:
        print(json.dumps([{**asdict(target), **asdict(sizes)} for target, sizes in rows], indent=2))
    else:
        show(rows)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
