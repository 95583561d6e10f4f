# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""A build folder of Zephyr's: what was built for which board, and how it is flashed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any


class NotABuild(Exception):
    """The folder is not a finished build; the message says what is missing."""


@dataclass(frozen=True)
class ZephyrBuild:
    """A build folder, also one of sysbuild's with a single image.

    Parameters
    ----------
    folder
        What ``west build -d`` was given.

    Raises
    ------
    NotABuild
        When an attribute is asked for that the folder does not have.
    """

    folder: Path

    @cached_property
    def image(self) -> Path:
        """The ELF file, or the program of native_sim."""
        for name in ("zephyr.exe", "zephyr.elf"):
            for found in (self.folder / "zephyr" / name, *self.folder.glob(f"*/zephyr/{name}")):
                if found.is_file():
                    return found
        raise NotABuild(f"{self.folder}: no zephyr.elf there; build it with west build -d {self.folder}")

    @cached_property
    def hex(self) -> Path:
        """The file that is flashed."""
        found = self.image.with_suffix(".hex")
        if not found.is_file():
            raise NotABuild(f"{self.folder}: no {found.name} there; set CONFIG_BUILD_OUTPUT_HEX=y")
        return found

    @cached_property
    def options(self) -> dict[str, str]:
        """Kconfig's options that are set, without CONFIG_ and quotation marks."""
        lines = (self.image.parent / ".config").read_text().splitlines()
        pairs = (re.fullmatch(r'CONFIG_(\w+)="?(.*?)"?', line) for line in lines)
        return {pair[1]: pair[2] for pair in pairs if pair}

    @property
    def board(self) -> str:
        """The board with its qualifiers: ``nrf52840dk/nrf52840``."""
        return self.options["BOARD_TARGET"]

    @cached_property
    def runners(self) -> dict[str, Any]:
        """What ``west flash`` knows: the runners and their arguments."""
        import yaml

        found = self.image.parent / "runners.yaml"
        if not found.is_file():
            raise NotABuild(f"{self.folder}: no runners.yaml there, so nothing that could be flashed")
        loaded: dict[str, Any] = yaml.safe_load(found.read_text())
        return loaded
