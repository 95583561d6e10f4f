# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""What becomes of the samples of sound files: checks, resampling, oddities."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from ..errors import DataError
from .readers import suffixes

SUFFIXES = suffixes("sound")

# Share of samples at full scale above which a recording is called clipped.
CLIPPED_SHARE = 1e-3
# Hz. A header beyond is damaged; taken at its word it would make gigabytes of a few samples.
RATES = (1000, 10_000_000)
"""Hz. Sound is hardly ever recorded at less; acceleration mostly is."""


def plausible(rate: float) -> float:
    """Give the rate of a sound file back where a recording can have it, Hz.

    Raises
    ------
    DataError
        It cannot; the file's header is damaged, or its samples are something else.
    """
    if not RATES[0] <= rate <= RATES[1]:
        raise DataError(
            f"claims {rate:g} samples a second, and sound has {RATES[0]:,} to {RATES[1]:,}: repair the file's header,"
            " or write it again"
        )
    return rate


class Resampler:
    """One channel at another rate, by soxr at its highest quality; the same in pieces as in one."""

    def __init__(self, found: float, rate: int) -> None:
        import soxr

        self._stream = soxr.ResampleStream(found, rate, 1, dtype="float64", quality="VHQ")

    def push(self, mono: npt.NDArray[np.float64], *, last: bool) -> npt.NDArray[np.float64]:
        """What comes of the next samples, shape (n,)."""
        return np.asarray(self._stream.resample_chunk(np.ascontiguousarray(mono), last=last), np.float64)


def margin(found: float, rate: int) -> int:
    """Samples at the rate `found` on each side of a piece that decide on how it is resampled to `rate`.

    They make a whole number of samples at both rates, so that a piece is resampled as within its whole. soxr's filter
    is shorter than the tenth of a second taken here.
    """
    step = round(found) // math.gcd(round(found), rate)
    return step * max(1, -(-round(found) // (10 * step)))


class Oddities:
    """Whether int16 samples, seen piece by piece, are silent or clipped."""

    def __init__(self) -> None:
        self.count = 0
        self._full = 0
        self._least, self._greatest = 32767, -32768

    def push(self, samples: npt.NDArray[np.int16]) -> None:
        """Look at the next samples."""
        if samples.size:
            self.count += samples.size
            self._least = min(self._least, int(samples.min()))
            self._greatest = max(self._greatest, int(samples.max()))
            self._full += int(np.count_nonzero((samples == 32767) | (samples == -32768)))

    def notes(self) -> list[str]:
        """What is odd."""
        if self.count and self._greatest - self._least <= 2:
            return ["silent"]
        if self._full > CLIPPED_SHARE * self.count:
            return ["clipped (over 0.1 % of the samples at full scale)"]
        return []


def oddities(samples: npt.NDArray[np.int16]) -> list[str]:
    """Say whether int16 `samples` are silent or clipped."""
    seen = Oddities()
    seen.push(samples)
    return seen.notes()
