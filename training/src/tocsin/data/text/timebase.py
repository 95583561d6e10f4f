# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""From the times of rows to the rate, and to where rows are missing, repeated or out of order."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

# Rows whose times are looked at together.
BLOCK = 1 << 18
# Steps that vary by more than this share of the mean (RMS) are called jitter.
JITTER = 0.05
# Rows on each side of a long step that say whether it is a gap or only a late row.
AROUND = 5
# Counters that start again: 8 to 32 bits.
WRAPS = (1 << 8, 1 << 16, 1 << 24, 1 << 32)
MAX_LISTED = 1_000_000


@dataclass(frozen=True)
class Break:
    """Row `row` does not follow the row before: `missing` rows lie between, or it goes back (`missing` is 0)."""

    row: int
    missing: int


@dataclass
class Timing:
    """What the times of a table say, in the unit that they are in.

    Attributes
    ----------
    rows
        How many there are.
    step
        Mean time from row to row, without gaps.
    resolution
        Smallest difference that the times can show.
    jitter
        How much steps vary (RMS), as a share of `step`, beyond the resolution.
    coarse
        Whether many rows have the same time, so that only the mean step is known.
    breaks
        Where rows are missing, repeated or go back.
    repeated, backward
        Rows with the time of the row before, and with an earlier one.
    still
        Share of the rows with the time of the row before.
    span
        Last time without the first.
    broken_time
        Share of `span` that lies in breaks.
    """

    rows: int
    step: float
    resolution: float = 0.0
    jitter: float = 0.0
    coarse: bool = False
    breaks: list[Break] = field(default_factory=list)
    repeated: int = 0
    backward: int = 0
    still: float = 0.0
    span: float = 0.0
    broken_time: float = 0.0

    def rate_in(self, seconds: float) -> float:
        """Rows a second, in a unit of time of so many `seconds`: the roundest that the resolution allows."""
        rate = 1 / (self.step * seconds)
        open_ = rate * 2 * self.resolution / self.span if self.span > 0 else 0.0
        for digits in range(1, 7):
            rounded = float(f"{rate:.{digits}g}")
            if abs(rounded - rate) <= open_ + 1e-6 * rate:
                return rounded
        return rate

    @property
    def missing(self) -> int:
        """Rows that are missing."""
        return sum(one.missing for one in self.breaks)


def is_even(values: Floats) -> bool:
    """Whether a column only rises, and evenly, as no sensor's does: a time or a counter.

    A signal that ramps up has noise, so that its steps vary by much or go back. Here they are equal (in 8 rows or
    more), or differ by no more than a clock's last digit or a little jitter (in 64 rows or more).
    """
    if len(values) < 8 or not np.isfinite(values).all():
        return False
    steps = np.diff(Unwrapper()(values))
    typical = float(np.median(steps))
    if typical <= 0 or np.count_nonzero(steps <= 0) > 0.02 * len(steps):
        return len(values) >= 64 and bool((steps >= 0).all()) and _is_staircase(values)
    spread = np.abs(steps - typical)
    noise = 4 * np.finfo(np.float64).eps * float(np.abs(values).max())
    equal = spread <= 1e-6 * typical + noise
    if equal.mean() >= (0.9 if len(values) >= 20 else 0.8):
        return True
    return len(values) >= 64 and float((spread <= max(0.3 * typical, resolution_of(steps) * 1.01)).mean()) >= 0.95


def _is_staircase(values: Floats) -> bool:
    """Whether a column is a straight line, rounded to steps that are wider than a row: a clock slower than the rows."""
    ticks = np.diff(values)
    ticks = ticks[ticks > 0]
    if len(ticks) < 8:
        return False
    index = np.arange(len(values))
    slope, start = np.polyfit(index, values, 1)
    return float(np.abs(values - (start + slope * index)).max()) <= 1.01 * float(ticks.min())


class Unwrapper:
    """Times of a clock that starts again, at midnight or at 2^8, 2^16, 2^24 or 2^32, as if it did not."""

    def __init__(self, sizes: tuple[float, ...] = WRAPS) -> None:
        self._sizes = sizes
        self._typical = 0.0
        self._offset = 0.0
        self._last: float | None = None

    def __call__(self, values: Floats) -> Floats:
        """Next times, shape (n,)."""
        if not len(values):
            return values
        if self._last is None:
            steps = np.diff(values)
            self._typical = float(np.median(steps[steps > 0])) if (steps > 0).any() else 0.0
            self._last = float(values[0])
        values = values + self._offset
        steps = np.diff(values, prepend=self._last)
        for at in np.flatnonzero(steps < 0):
            before = float(values[at - 1]) if at else self._last
            for size in self._sizes:
                near = abs(values[at] + size - before - self._typical) <= max(0.5 * self._typical, 1.0, size * 1e-4)
                if near and before - self._offset < size:
                    values[at:] += size
                    self._offset += size
                    break
        self._last = float(values[-1])
        return values


def resolution_of(steps: Floats) -> float:
    """Smallest difference between usual steps: a clock's last digit; 0 where they do not differ."""
    rising = steps[steps > 0]
    if not len(rising):
        return 0.0
    typical = float(np.median(rising))
    found = np.unique(steps[:4096][(steps[:4096] >= 0) & (steps[:4096] <= 1.75 * typical)])
    apart = np.diff(found)
    apart = apart[apart > 1e-5 * typical]
    return float(apart.min()) if len(apart) else 0.0


class Times:
    """Times of all rows, kept in a temporary file: an hour at 1 kHz is 29 MB."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="tocsin-")  # noqa: SIM115  (closed with the object)
        self.rows = 0

    def add(self, values: Floats) -> None:
        """Take the times of the next rows."""
        self._file.write(np.ascontiguousarray(values, np.float64).data)
        self.rows += len(values)

    def blocks(self, overlap: int = 1) -> Iterator[tuple[int, Floats]]:
        """Row of the first time, and times; each block begins with the last `overlap` times of the one before."""
        begin = 0
        while begin < self.rows:
            start = max(begin - overlap, 0)
            self._file.seek(8 * start)
            yield start, np.frombuffer(self._file.read(8 * (begin + BLOCK - start)), np.float64)
            begin += BLOCK


def _usual_step(times: Times) -> tuple[float, float]:
    """Mean step without gaps, and the resolution."""
    _, first = next(iter(times.blocks()))
    steps = np.diff(first)
    rising = steps[steps > 0]
    if not len(rising):
        return 0.0, 0.0
    resolution = resolution_of(steps)
    limit = 3 * float(np.median(rising))
    mean = _mean_step(times, 0.0, limit)
    tolerance = max(0.75 * mean, 1.01 * resolution)
    refined = _mean_step(times, mean - tolerance, mean + tolerance)
    return refined or mean, resolution


def _mean_step(times: Times, low: float, high: float) -> float:
    """Mean of the steps from `low` to `high`; steps that are repeats of a fine clock do not count."""
    total, count = 0.0, 0
    for _, block in times.blocks():
        steps = np.diff(block)
        steps = steps[(steps >= low) & (steps <= high)]
        total += float(steps.sum())
        count += len(steps)
    return total / count if count else 0.0


def _step_of_ticks(times: Times) -> float:
    """Mean step of a clock that stands still for some rows, from its first tick to its last; 0 with fewer than two."""
    first, last, ticks = None, (0, 0.0), 0
    for start, block in times.blocks():
        changes = np.flatnonzero(np.diff(block) > 0) + 1
        ticks += len(changes)
        if len(changes):
            first = first or (start + int(changes[0]), float(block[changes[0]]))
            last = start + int(changes[-1]), float(block[changes[-1]])
    if first is None or ticks < 2:
        return 0.0
    return (last[1] - first[1]) / (last[0] - first[0])


def analyse(times: Times) -> Timing:
    """Say what the times of a table mean. They are as :class:`Unwrapper` leaves them."""
    step, resolution = _usual_step(times)
    timing = Timing(times.rows, step, resolution)
    if step <= 0:
        return timing
    same = sum(int(np.count_nonzero(np.diff(block) == 0)) for _, block in times.blocks())
    timing.still = same / times.rows
    timing.coarse = timing.still > 0.1
    if timing.coarse:
        timing.step = step = _step_of_ticks(times)
        if step <= 0:
            return timing
    if not timing.coarse and same:
        # A repeated row would make the rate too high.
        timing.step = step = _mean_step(times, 0.25 * step, 1.75 * step) or step
    squares, counted, done, first, last = 0.0, 0, 0, 0.0, 0.0
    for start, block in times.blocks(2 * AROUND):
        first = first if start else float(block[0])
        last = float(block[-1])
        # The last steps of a block are looked at again with what follows them.
        end = start + len(block) - 1 - (AROUND if start + len(block) < times.rows else 0)
        squares_here, counted_here = _look(timing, start, block, range(done - start, end - start))
        squares, counted, done = squares + squares_here, counted + counted_here, end
    timing.span = last - first
    between = times.rows - 1 - len(timing.breaks)
    if between and not timing.coarse and timing.span > timing.broken_time:
        # All steps but those over breaks: late rows and the early ones after them balance.
        timing.step = step = (timing.span - timing.broken_time) / between
    if counted and not timing.coarse:
        rms = float(np.sqrt(squares / counted))
        timing.jitter = rms / step if rms > 0.75 * resolution or resolution < 0.02 * step else 0.0
    return timing


def _look(timing: Timing, start: int, block: Floats, wanted: range) -> tuple[float, int]:
    """Find the breaks among the wanted steps of a block; give the sum of the others' squared jitter, and how many."""
    steps = np.diff(block)
    step = timing.step
    if timing.coarse:
        tick = float(np.median(steps[steps > 0])) if (steps > 0).any() else step
        odd = (steps > 1.5 * tick + 0.5 * step) | (steps < 0)
    else:
        odd = (steps > 1.5 * step + (1.01 * timing.resolution if timing.resolution < step else 0.0)) | (steps <= 0)
    for at in np.flatnonzero(odd):
        if at in wanted and len(timing.breaks) < MAX_LISTED:
            _judge(timing, start, block, int(at))
    fine = steps[wanted.start : wanted.stop][~odd[wanted.start : wanted.stop]] - step
    return float(np.square(fine).sum()), len(fine)


def _judge(timing: Timing, start: int, block: Floats, at: int) -> None:
    """Whether the step after row `at` of a block is a gap, a repeat, a step back, or only jitter."""
    step = float(block[at + 1] - block[at])
    missing = 0
    if step < 0:
        timing.backward += 1
        # A row that is early only is followed by one that is late.
        broken = step <= -1.5 * timing.step or _shift(timing, block, at) < -0.5
    elif step == 0 and not timing.coarse:
        timing.repeated += 1
        broken = _shift(timing, block, at) < -0.5
    else:
        if timing.coarse:
            ticks = np.diff(block)
            missing = round((step - float(np.median(ticks[ticks > 0]))) / timing.step)
        else:
            missing = round(_shift(timing, block, at))
        broken = missing > 0
    if broken:
        timing.breaks.append(Break(start + at + 1, missing))
        timing.broken_time += step


def _shift(timing: Timing, block: Floats, at: int) -> float:
    """How many rows the times after row `at` are later than the times before it say; one late row is no shift."""
    begin, end = max(at + 1 - AROUND, 0), at + 1 + AROUND
    part = block[begin:end]
    late = part / timing.step - np.arange(len(part))
    cuts = np.flatnonzero(np.abs(np.diff(part)) > 2.5 * timing.step)
    here = at - begin
    low = max((int(cut) + 1 for cut in cuts if cut < here), default=0)
    high = min((int(cut) + 1 for cut in cuts if cut > here), default=len(part))
    return float(np.median(late[here + 1 : high]) - np.median(late[low : here + 1]))
