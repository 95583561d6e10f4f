# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Whether samples can be those of a sensor that works: the device's own rules, applied on the desk.

``STUCK`` (a channel does not change) and ``SATURATED`` (many samples at the ends of the range) are judged by the
firmware's code, ``<tocsin/source_health.h>``, with the firmware's default limits, on int16 digits as a source delivers
them. Two things are the desk's. A recording ends: in a short one a quarter of its length counts as long enough to be
stuck, and saturation is judged over all of what is shorter than a second. And ``SILENT`` is a signal that never leaves
two digits, on all channels: an open input, a gain of zero, numbers read in the wrong unit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from . import _core
from .errors import DataError

Samples = npt.NDArray[np.int16]
Condition = Literal["OK", "STUCK", "SATURATED", "SILENT"]

SILENT_RANGE = 2
"""Greatest difference between samples of silence, digits."""
CANCELLED = 0.01
"""Share of the channels' power below which their mean holds nothing of them."""
# Of fewer samples it is not judged: a recording may come in pieces, the last of them short.
_CANCELLED_MIN = 1000
# A recording of which so many stuck times fit is long; in a shorter one the time is as much less.
LONG = 4
_MEANS = {
    "STUCK": "the same value",
    "SATURATED": "more than {:g} % of a second's samples at the ends of the range",
    "SILENT": f"no change of more than {SILENT_RANGE} digits",
}


@dataclass(frozen=True)
class Change:
    """A sensor's fault begins or ends.

    Attributes
    ----------
    condition
        Which.
    begins
        False where it ends.
    index
        Sample at which it begins, or the first after it.
    seen
        Samples, counted from the stream's first, that had to be looked at to know.
    """

    condition: Condition
    begins: bool
    index: int
    seen: int


@dataclass(frozen=True)
class Fault:
    """What is wrong with a recording's sensor.

    Attributes
    ----------
    condition
        The first fault that was found.
    begin
        Its first sample.
    end
        The first sample after it; the recording's length where it does not end.
    channels
        Those that have it, from 0.
    of
        Channels that there are.
    rate
        Samples a second and channel.
    """

    condition: Condition
    begin: int
    end: int
    channels: tuple[int, ...]
    of: int
    rate: int

    def __str__(self) -> str:
        """In words, for the list of what was left out."""
        where = ""
        if self.of > 1 and len(self.channels) < self.of:
            several = "s" if len(self.channels) > 1 else ""
            where = f" on channel{several} {', '.join(map(str, self.channels))} of {self.of} (from 0)"
        what = _MEANS[self.condition].format(_core.RAILS_PERMILLE / 10)
        times = f"from {self.begin / self.rate:.4g} s to {self.end / self.rate:.4g} s"
        return f"sensor {self.condition}{where}: {what} {times}"


class SensorFaultError(DataError):
    """A recording whose sensor did not work; `fault` says how."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault


def stuck_ms(rate: int, length: int | None = None) -> int:
    """Milliseconds without a change that count as stuck: the firmware's, or less in a recording of `length` samples."""
    if length is None:
        return _core.STUCK_MS
    return max(1, min(_core.STUCK_MS, 1000 * length // (LONG * rate)))


class Watch:
    """Watches a stream of samples; how the stream is cut into pieces makes no difference.

    Parameters
    ----------
    channels
        1 to 3.
    rate
        Samples a second and channel, Hz.
    length
        Samples that the recording has; None where it has no end, as on a device.
    """

    def __init__(self, channels: int, rate: int, length: int | None = None) -> None:
        limit = stuck_ms(rate, length)
        span = 0 if length is None else min(length, rate)
        self._rules = _core.Health(channels=channels, sample_rate=max(1, rate), stuck_ms=limit, span_frames=span)
        self._stretch = self._rules.stuck_frames
        self._low = np.full(channels, np.iinfo(np.int16).max, np.int16)
        self._high = np.full(channels, np.iinfo(np.int16).min, np.int16)
        self._filled = 0
        self._begin = 0
        self._by_rules: Condition = "OK"
        self._silent_since: int | None = None
        self._told: Condition = "OK"

    @property
    def condition(self) -> Condition:
        """How the sensor is after the samples so far."""
        return self._told

    def push(self, samples: Samples, index: int) -> list[Change]:
        """Look at samples, shape (n, channels), of which the first is `index`; gives what changed, in order."""
        found = [("rules", *change) for change in self._rules.push(index, samples)]
        found += [("range", *change) for change in self._ranges(samples, index)]
        changes: list[Change] = []
        for source, condition, begins, at, seen in sorted(found, key=lambda item: (item[4], item[2])):
            if source == "rules":
                self._by_rules = condition if begins else "OK"  # type: ignore[assignment]
                # What moved again has to show anew that it is silent.
                self._silent_since = self._silent_since if begins else None
            elif not begins:
                self._silent_since = None
            elif self._silent_since is None:
                self._silent_since = at
            changes += self._become(at, seen)
        return changes

    def _become(self, at: int, seen: int) -> list[Change]:
        silent = self._silent_since is not None
        now: Condition = self._by_rules if self._by_rules != "OK" else "SILENT" if silent else "OK"
        if now == self._told:
            return []
        changes = [Change(self._told, False, at, seen)] if self._told != "OK" else []
        if now != "OK":
            begin = self._silent_since if now == "SILENT" and self._silent_since is not None else at
            changes.append(Change(now, True, begin, seen))
        self._told = now
        return changes

    def _ranges(self, samples: Samples, index: int) -> list[tuple[str, bool, int, int]]:
        """Stretches as long as it takes to be stuck, and whether they are silent."""
        stretches = []
        at = 0
        while at < len(samples):
            if self._filled == 0:
                self._begin = index + at
            part = samples[at : at + self._stretch - self._filled]
            np.minimum(self._low, part.min(axis=0), out=self._low)
            np.maximum(self._high, part.max(axis=0), out=self._high)
            at += len(part)
            self._filled += len(part)
            if self._filled < self._stretch:
                break
            quiet = bool((self._high.astype(np.int32) - self._low <= SILENT_RANGE).all())
            stretches.append(("SILENT", quiet, self._begin, index + at))
            self._low[:], self._high[:] = np.iinfo(np.int16).max, np.iinfo(np.int16).min
            self._filled = 0
        return stretches


class Listener:
    """Watches a stream whose length is not known, as :class:`Watch`, and judges what is short when it ends.

    Parameters
    ----------
    channels
        1 to 3.
    rate
        Samples a second and channel, Hz.
    """

    def __init__(self, channels: int, rate: int) -> None:
        self._watch = Watch(channels, rate)
        self._rate = rate
        self._short = LONG * _core.STUCK_MS * rate // 1000
        self._held: list[Samples] = []
        self._length = 0
        self._begin = 0
        self._found = False

    def push(self, samples: Samples, index: int) -> list[Change]:
        """Look at samples, shape (n,) or (n, channels), of which the first is `index`; gives what changed, in order."""
        frames = np.ascontiguousarray(samples.reshape(len(samples), -1))
        if self._length == 0:
            self._begin = index
        self._length += len(frames)
        if self._length < self._short:
            self._held.append(frames)
        else:
            self._held.clear()
        changes = self._watch.push(frames, index)
        self._found = self._found or bool(changes) or self._watch.condition != "OK"
        return changes

    def end(self) -> list[Change]:
        """A recording ends, or samples are missing: gives what is wrong with a short one, its begin and end."""
        changes: list[Change] = []
        if self._held and not self._found:
            fault = examine(np.concatenate(self._held), self._rate)
            if fault is not None:
                seen = self._begin + self._length
                changes.append(Change(fault.condition, True, self._begin + fault.begin, seen))
                changes.append(Change(fault.condition, False, self._begin + fault.end, seen))
        self._held.clear()
        self._length, self._found = 0, False
        return changes


def examine(samples: Samples, rate: int) -> Fault | None:
    """Judge a whole recording.

    Parameters
    ----------
    samples
        int16, shape (n,) or (n, channels), as a device's source delivers them.
    rate
        Samples a second and channel, Hz.

    Returns
    -------
    The first fault; None where the sensor may be believed.
    """
    frames = np.ascontiguousarray(samples.reshape(len(samples), -1))
    if len(frames) < 2:
        return None
    count = frames.shape[1]
    still = tuple(int(i) for i in np.flatnonzero((frames == frames[0]).all(axis=0)))
    if still:
        return Fault("STUCK", 0, len(frames), still, count, rate)
    changes = Watch(count, rate, len(frames)).push(frames, 0)
    begun = next((change for change in changes if change.begins), None)
    if begun is None:
        return None
    end = next((c.index for c in changes if not c.begins and c.seen > begun.seen), len(frames))
    return Fault(begun.condition, begun.index, end, _channels(frames, rate, begun), count, rate)


def _channels(frames: Samples, rate: int, begun: Change) -> tuple[int, ...]:
    """Channels that have the fault which begins with `begun`, each judged by itself."""
    count = frames.shape[1]
    if count == 1 or begun.condition == "SILENT":
        return tuple(range(count))
    found = []
    for channel in range(count):
        alone = Watch(1, rate, len(frames))
        alone.push(np.ascontiguousarray(frames[: begun.seen, channel : channel + 1]), 0)
        if alone.condition == begun.condition:
            found.append(channel)
    return tuple(found) or tuple(range(count))


def channels_cancel(values: npt.NDArray[np.float64]) -> bool:
    """Whether the mean of the channels is next to nothing beside them, as of a pair in antiphase.

    Parameters
    ----------
    values
        Shape (n, channels), in digits.
    """
    if values.shape[1] < 2 or len(values) < _CANCELLED_MIN:
        return False
    moving = values - values.mean(axis=0)
    power = float(np.square(moving).mean())
    # Independent channels, n of them, leave 1/n of their power.
    return power > SILENT_RANGE**2 and float(np.square(moving.mean(axis=1)).mean()) < CANCELLED * power
