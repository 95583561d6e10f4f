# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Times beside a recording of arrays: its rate, and where samples are missing."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...words import rate_words
from ..reader import Stretch
from ..text import timebase, units
from .named import Named, tidy_rate

# Rows of times that are looked at at once.
_BLOCK = 1 << 18


def clock(time: Named | None, said: float | None, samples: int) -> tuple[list[Stretch], float | None, list[str]]:
    """What the times beside a recording say.

    Parameters
    ----------
    time
        Times of the samples; None where there are none.
    said
        Rate that the file says in a number, Hz, which is believed first; None where it does not.
    samples
        Of the recording.

    Returns
    -------
    stretches : pieces without a gap
    rate : Hz, or None
    notes : what is odd about the times
    """
    whole = [Stretch(0, samples)]
    if time is None or time.data is None:
        return whole, said, []
    times = timebase.Times()
    unit = _seconds(time, times)
    if times.rows != samples:
        return whole, said, []
    timing = timebase.analyse(times)
    if unit is None or timing.step <= 0 or timing.rows < 2:
        return whole, said, []
    measured = tidy_rate(1 / (timing.step * unit))
    notes = []
    if timing.missing:
        notes.append("with missing samples, by its times: no window spans a gap")
    if timing.repeated or timing.backward:
        notes.append("with times that repeat or go back")
    if timing.jitter > timebase.JITTER:
        notes.append(f"with jitter: the times of samples vary by over {100 * timebase.JITTER:.0f} % of a step (RMS)")
    if said and abs(measured - said) > 0.02 * said:
        notes.append(
            f"with {rate_words(measured)} Hz by its times, but {rate_words(said)} Hz by a number in it, which is taken"
        )
    return _stretches(timing), said or measured, notes


def _seconds(time: Named, times: timebase.Times) -> float | None:
    """Put all times into `times`; give the seconds of their unit, None where they count samples."""
    data: Any = time.data
    rows = max(data.shape)
    first: Any = None
    unit = units.unit_of(time.unit) or units.split_name(time.name)[1]
    seconds = units.TIME_UNITS.get(unit[1], 1.0) if unit and unit[0] == "time" else None
    for begin in range(0, rows, _BLOCK):
        key = tuple(slice(None) if side == 1 and rows != 1 else slice(begin, begin + _BLOCK) for side in data.shape)
        block = np.asarray(data[key]).reshape(-1)
        if block.dtype.kind == "M":
            block, seconds = block.astype("datetime64[ns]").astype(np.int64), 1e-9
        # Counted from the first: nanoseconds since 1970 do not fit a double.
        first = block[0] if first is None else first
        times.add((block - first).astype(np.float64))
    if seconds is None:
        step = float(data[tuple(1 if side == rows else 0 for side in data.shape)] - first) if rows > 1 else 0.0
        if units.names_counter(units.split_name(time.name)[0]) or (step == 1 and not units.names_time(time.name)):
            return None
        if abs(float(first)) > 1e17:  # nanoseconds since 1970
            return 1e-9
        if 693_960 < float(first) < 803_000 and step < 1e-2:  # days, as MATLAB's datenum
            return 86_400.0
    return seconds or 1.0


def _stretches(timing: timebase.Timing) -> list[Stretch]:
    """Pieces between the breaks; a sample is missing where the time goes back."""
    found = []
    row, place = 0, 0
    for one in timing.breaks:
        found.append(Stretch(place, one.row - row))
        place += one.row - row + max(one.missing, 1)
        row = one.row
    found.append(Stretch(place, timing.rows - row))
    return [stretch for stretch in found if stretch.count]
