# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""A Power Profiler that sees 12 mA, and 98 mA once every 1000 samples; the port's name says what it is."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

RATE, BYTES = 100_000, 4


class PPK2_MP:
    """Does what the kit does, and notes what it was told."""

    def __init__(self, port: str, **options: Any) -> None:
        if port == "/dev/nowhere":
            raise FileNotFoundError(2, f"could not open port {port}")
        self._port = port
        self._voltage: int | None = None
        self._powered = False
        self._begun: float | None = None
        self._given = 0

    def _note(self, *words: object) -> None:
        with Path(os.environ["STANDIN_LOG"]).open("a") as log:
            log.write(json.dumps(["ppk", *words]) + "\n")

    def get_modifiers(self) -> bool | None:
        return None if self._port == "/dev/other" else True

    def use_ampere_meter(self) -> None:
        self._note("ampere meter")

    def set_source_voltage(self, millivolts: int) -> None:
        self._voltage = millivolts
        self._note("voltage", millivolts)

    def toggle_DUT_power(self, state: str) -> None:
        self._powered = state == "ON"
        self._note("power", state)

    def start_measuring(self) -> None:
        if self._voltage is None:
            raise Exception("Input voltage not set!")
        self._begun = time.monotonic()
        self._note("start")

    def stop_measuring(self) -> None:
        self._begun = None
        self._note("stop")

    def get_data(self) -> bytes:
        if self._begun is None or self._port == "/dev/slow":
            return b""
        # Chunks of a tenth of a second, as the kit's thread hands them over.
        due = int((time.monotonic() - self._begun) * 10) * RATE // 10 * BYTES
        count, self._given = due - self._given, due
        return bytes(count)

    def get_samples(self, data: bytes) -> tuple[list[float], list[int]]:
        count = len(data) // BYTES if self._powered else 0
        # No bytes at all are still read as a sample, as of the kit.
        return [98_000.0 if i % 1000 == 7 else 12_000.0 for i in range(max(count, 1))], []
