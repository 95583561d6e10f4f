# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""From a file's numbers to the int16 samples that a device's sensor would give, piece by piece.

Memory does not grow with a recording's length, and cutting the numbers into pieces changes no sample.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from ..errors import DataError
from ..words import are, counted, verb
from . import audio, vibration
from .health import require_sum

Values = npt.NDArray[np.float64]
Samples = npt.NDArray[np.int16]


def check_finite(values: Values) -> Values:
    """Give the numbers of a file back where they can be used.

    Raises
    ------
    DataError
        NaN or infinity are among them.
    """
    bad = values.size - int(np.count_nonzero(np.isfinite(values)))
    if bad:
        raise DataError(
            f"{are(bad, 'value')} not finite (NaN or infinity): cut {verb(bad, 'it', 'them')} out, or export the"
            " recording again"
        )
    return values


class Converter(Protocol):
    """Turns numbers into samples."""

    def push(self, values: Values, *, last: bool = True) -> Samples:
        """Samples of the next numbers, shape (n, channels); `last` ends a stretch without gaps.

        Raises
        ------
        DataError
            The numbers cannot be used.
        """

    def notes(self) -> list[str]:
        """What was done to the recording so far, or is strange about it.

        Raises
        ------
        DataError
            There were no numbers at all.
        """


class ToSound:
    """Numbers at int16 scale to one channel of samples.

    Parameters
    ----------
    found
        Rate of the numbers, Hz; None: that wanted.
    rate
        Samples a second wanted, Hz; other rates are resampled by soxr at its highest quality.
    channel
        The channel to take, from 0; None takes the mean of all.

    Raises
    ------
    DataError
        No sound has the rate `found`.
    """

    def __init__(self, found: float | None, *, rate: int, channel: int | None = None) -> None:
        self._found = audio.plausible(found or rate)
        self._rate = rate
        self._channel = channel
        self._channels = 0
        self._resampler: audio.Resampler | None = None
        self._oddities = audio.Oddities()

    def push(self, values: Values, *, last: bool = True) -> Samples:
        """As :meth:`Converter.push`; shape (n,)."""
        check_finite(values)
        count = self._channels = values.shape[1]
        if self._channel is not None and self._channel >= count:
            raise DataError(f"has {counted(count, 'channel')}, so no channel {self._channel}")
        if self._channel is None:
            require_sum(values)
        mono = values.mean(axis=1) if self._channel is None else values[:, self._channel]
        if self._found != self._rate:
            if self._resampler is None:
                self._resampler = audio.Resampler(self._found, self._rate)
            mono = self._resampler.push(mono, last=last)
            if last:
                self._resampler = None
        out: Samples = np.clip(np.rint(mono), -32768, 32767).astype(np.int16)
        self._oddities.push(out)
        return out

    def notes(self) -> list[str]:
        """As :meth:`Converter.notes`."""
        if not self._oddities.count:
            raise DataError("holds no samples")
        found = []
        if self._channel is None and self._channels > 1:
            found.append(f"mixed down from {self._channels} channels to one")
        if self._found != self._rate:
            found.append(f"resampled from {self._found:g} Hz to {self._rate} Hz")
        return found + self._oddities.notes()


class ToVibration:
    """Accelerations to digits of a sensor.

    Parameters
    ----------
    unit
        Of the numbers, in g.
    full_scale
        Acceleration at which int16 ends, g.
    """

    def __init__(self, unit: float, full_scale: float) -> None:
        self._unit = unit
        self._digits = vibration.ToDigits(full_scale)

    def push(self, values: Values, *, last: bool = True) -> Samples:
        """As :meth:`Converter.push`; shape (n,) of one channel, else (n, channels)."""
        del last
        out = self._digits.push(check_finite(values) * self._unit)
        return out[:, 0] if out.shape[1] == 1 else out

    def notes(self) -> list[str]:
        """As :meth:`Converter.notes`."""
        return self._digits.notes()
