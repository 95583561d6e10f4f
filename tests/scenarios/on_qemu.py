# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""The emulated Cortex-M4F: no sensor of a board's, so recordings come over the link, and faults by command."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

from emulation import BOARDS, ROOT, Emulator, build_variant
from kinds import OUT, Kind
from replayed import Replaying

FAULTY = ROOT / "tests" / "sim" / "images" / "faulty.overlay"


def image(kind: Kind) -> Path:
    """Build an image with the detector, whose synthetic sensor fails on command.

    It is built where tests/sim/test_faults.py builds its own: only the embedded detector is another.
    """
    built = build_variant("faulty", f"-DEXTRA_DTC_OVERLAY_FILE={FAULTY}", f"-DTOCSIN_BUNDLE={kind.bundle_file()}")
    OUT.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copy2(built, OUT / f"qemu-{kind.name}.elf"))


class OnQemu(Replaying):
    """A board in QEMU; see :class:`on_renode.OnRenode` for the parameters."""

    def __init__(self, kind: Kind, image: Path, folder: Path, heard: Callable[[bytes], object]) -> None:
        self.bundle = kind.bundle
        self.image = image
        self._kind = kind
        self._folder = folder
        self._heard = heard
        self._boots = 0
        self._switch_on()

    def _switch_on(self) -> None:
        self._boots += 1
        folder = self._folder / str(self._boots)
        folder.mkdir()
        # Time is counted in instructions, and takes its time: what happens depends less on how busy the desk is.
        options = ("-icount", "shift=4,align=off,sleep=on")
        self._emulator = Emulator(BOARDS["qemu"], self.image, folder, heard=self._heard, options=options)
        # That image's sensor is absent at first.
        self._emulator.wait_for(r"sensor ABSENT since sample 0\b", 60)
        self.find_sensor()

    def link_address(self) -> str:
        return self._emulator.link_address()

    def wait_for(self, pattern: str, timeout: float = 60.0, since: int = 0) -> re.Match[str]:
        return self._emulator.wait_for(pattern, timeout, since)

    def shown(self) -> int:
        return self._emulator.shown

    def type(self, line: str) -> None:
        self._emulator.type(line)

    def reset(self) -> None:
        """Off and on: the machine has no reset button."""
        self._emulator.stop()
        self._switch_on()

    def lose_sensor(self) -> None:
        self._inject("absent")

    def find_sensor(self) -> None:
        self._inject("none")

    def _inject(self, fault: str) -> None:
        since = self.shown()
        self.type(f"tocsin inject {fault}")
        self.wait_for(f"injected: {fault}", since=since)

    def stop(self) -> None:
        self._emulator.stop()
