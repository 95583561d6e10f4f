# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""The current that a board draws, measured by Nordic's Power Profiler Kit II."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

RATE = 100_000  # samples a second, the kit's only rate
SUPPLY_MV = 3000  # of the nRF52840 DK's processor; the kit corrects its readings by it
PATIENCE = 1.1, 2.0  # so many times as long, and seconds more, may all the samples take


class NoProfiler(Exception):
    """A Power Profiler was asked for and cannot be used; the message is one plain line that says what to do."""


@dataclass(frozen=True)
class Current:
    """Current over some time: mean and most in mA, and of how many samples."""

    mean: float
    max: float
    samples: int


class Profiler:
    """A kit as an ampere meter in the board's supply; from now on the current can pass.

    Parameters
    ----------
    port
        Its serial port.

    Raises
    ------
    NoProfiler
        The package for it is not installed, the port cannot be opened, or there is no kit at it.
    """

    def __init__(self, port: str) -> None:
        try:
            from ppk2_api.ppk2_api import PPK2_MP
        except ImportError as error:
            raise NoProfiler("--ppk needs the package ppk2-api: pip install ppk2-api") from error
        try:
            # It throws away what is older than its buffer; here it is read all the time.
            self._kit: Any = PPK2_MP(port, buffer_max_size_seconds=10, buffer_chunk_seconds=0.1, timeout=1)
            known = self._kit.get_modifiers()
        except OSError as error:  # pyserial's errors are some, too
            raise NoProfiler(f"--ppk {port}: {error}; `tocsin devices` lists the serial ports") from error
        except UnicodeDecodeError:
            known = None
        if not known:
            raise NoProfiler(f"--ppk {port}: no Power Profiler Kit II answers; it has two ports, try the other")
        self._kit.use_ampere_meter()
        self._kit.set_source_voltage(SUPPLY_MV)
        self._kit.toggle_DUT_power("ON")

    def measure(self, seconds: float) -> Current:
        """Measure for some time.

        Raises
        ------
        NoProfiler
            Its samples do not come, or not as fast as they are taken.
        """
        wanted = round(seconds * RATE)
        total, most, count = 0.0, 0.0, 0
        deadline = time.monotonic() + PATIENCE[0] * seconds + PATIENCE[1]
        self._kit.start_measuring()
        while count < wanted and time.monotonic() < deadline:
            time.sleep(0.05)
            # No bytes would be read as a sample of its own.
            if data := self._kit.get_data():
                microamperes = np.asarray(self._kit.get_samples(data)[0])
                total += float(microamperes.sum())
                most = max(most, float(microamperes.max()))
                count += microamperes.size
        self._kit.stop_measuring()
        if count < wanted:
            raise NoProfiler(f"the Power Profiler gave {count} samples, not {wanted}: is this desk too slow for it?")
        return Current(total / count / 1000, most / 1000, count)
