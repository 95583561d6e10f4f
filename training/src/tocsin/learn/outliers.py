# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""A few recordings that are like no other: a slammed door, a knock on the microphone.

One of them is enough to widen the normalisation and to lift the threshold out of every fault's reach. So they are
looked for among the recordings before anything is fitted, by a rule that a few of them cannot bend:

- Values are scaled by their median and quartiles, over all recordings together.
- A recording is judged by its strangest windows: how far these are from the nearest windows of other recordings. The
  nearest recording does not count, the next one does, so that two doors slammed alike are still outliers. A state of
  which there are three recordings is none.
- It is an outlier where that distance exceeds its median over the recordings by more than ten times as much as the
  90th percentile does (:data:`FAR`), and by half of it (:data:`LEAST`).
- Where more than 5 % of the recordings are found (:data:`FEW`), they are no exception but how the machine runs, and
  all of them stay.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ..data import Issues

Vectors = npt.NDArray[np.float32]

FAR = 10.0
"""Excess of the distance over its median, in those of the 90th percentile, above which a recording is an outlier."""
LEAST = 0.5
"""The least such excess in medians: where all distances are alike, a little more is no outlier."""
TOO_MANY = "far from all others, too many for exceptions, and used: make sure that the machine was healthy"
FEW = 0.05
"""Share of the recordings that outliers may be, at least one."""
RECORDINGS_MIN = 8
"""Of fewer recordings it cannot be said which is the exception."""

# The other recording by number whose distance counts.
_NEIGHBOUR = 2
# Windows of a recording that are judged, and how many windows of all stand for the others.
_STRANGEST = 2
_REFERENCES = 2000
# Numbers that quartiles are taken of, about.
_SCALED = 2_000_000
# A value that hardly varies has this share of its median for a scale, as the normalisation.
_FLOOR = 1e-3
_ROWS = 256


@dataclass(frozen=True)
class Outliers:
    """What was found among recordings.

    Attributes
    ----------
    left_out
        Numbers of the outliers, from 0, with their excess in spreads; none where they are too many.
    kept
        Numbers of what was found and stays, because it is more than a few.
    """

    left_out: dict[int, float]
    kept: tuple[int, ...] = ()

    def tell(self, names: Sequence[str], issues: Issues) -> None:
        """Name in `issues` what is left out and what stays; `names` of all recordings."""
        for number in self.left_out:
            issues.skip(names[number], self.reason(number))
        for number in self.kept:
            issues.note(names[number], TOO_MANY)

    def reason(self, number: int) -> str:
        """Why a recording was left out."""
        return (
            f"an outlier: beyond the usual distance to other recordings by {self.left_out[number]:.3g} times its spread"
            f" (limit {FAR:g}). If the machine rightly runs so, record more of it, or keep it with --keep-outliers"
        )


class Recording(Protocol):
    """What has feature vectors; they may be read anew each time."""

    @property
    def vectors(self) -> Vectors:
        """Shape (windows, values), at least one window."""


def find_outliers(recordings: Sequence[Recording], origins: Sequence[str]) -> Outliers:
    """Find the few recordings that are like no other.

    Parameters
    ----------
    recordings
        With their feature vectors, of which few are held at a time.
    origins
        What files of one time (several microphones, several mixtures with noise) have in common: such are not compared
        with each other, unless there are hardly any others.
    """
    if len(recordings) < RECORDINGS_MIN:
        return Outliers({})
    units = np.unique(origins, return_inverse=True)[1]
    if units.max() + 1 < RECORDINGS_MIN:
        units = np.arange(len(recordings))
    distances = _isolation(recordings, _scale(recordings), units)
    middle, usual = np.quantile(distances, (0.5, 0.9))
    spread = max(float(usual - middle), LEAST / FAR * float(middle), 1e-12)
    excess = (distances - middle) / spread
    found = {int(i): float(excess[i]) for i in np.flatnonzero(excess > FAR)}
    if len(found) > max(1, math.ceil(FEW * len(recordings))):
        return Outliers({}, tuple(found))
    return Outliers(found)


def _scale(recordings: Sequence[Recording]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Median of each value, and the standard deviation of a normal distribution with its quartiles."""
    each = max(1, _SCALED // (len(recordings) * recordings[0].vectors.shape[1]))
    some = np.concatenate([_some(item.vectors, each) for item in recordings])
    low, middle, high = np.quantile(some.astype(np.float64), (0.25, 0.5, 0.75), axis=0)
    return middle, np.maximum((high - low) / 1.349, np.maximum(_FLOOR * np.abs(middle), 1e-6))


def _some(vectors: Vectors, count: int) -> Vectors:
    """As many windows, spread evenly."""
    return np.asarray(vectors[np.linspace(0, len(vectors) - 1, min(count, len(vectors))).astype(int)])


def _isolation(
    recordings: Sequence[Recording],
    scale: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]],
    units: npt.NDArray[np.intp],
) -> npt.NDArray[np.float64]:
    """Distance of each recording's strangest windows to the windows of others, the greatest of them."""
    judged, owners, references, places = [], [], [], []
    each = max(1, _REFERENCES // len(recordings))
    for number in np.argsort(units, kind="stable"):
        vectors = ((recordings[number].vectors - scale[0]) / scale[1]).astype(np.float32)
        strangest = vectors[np.argsort(-np.square(vectors).mean(axis=1))[:_STRANGEST]]
        judged.append(strangest)
        owners += [int(number)] * len(strangest)
        references += [strangest, _some(vectors, each)]
        places += [int(units[number])] * (len(strangest) + len(references[-1]))
    x, y = np.concatenate(judged), np.concatenate(references)
    begins = np.flatnonzero(np.diff(places, prepend=-1))
    squares = np.square(y).sum(axis=1)
    found = np.zeros(len(recordings))
    for at in range(0, len(x), _ROWS):
        rows = x[at : at + _ROWS]
        square = np.square(rows).sum(axis=1)[:, None] + squares - 2 * rows @ y.T
        nearest = np.minimum.reduceat(np.maximum(square, 0), begins, axis=1)
        own = np.array(owners[at : at + _ROWS])
        nearest[np.arange(len(own)), units[own]] = np.inf
        distance = np.sqrt(np.partition(nearest, _NEIGHBOUR - 1, axis=1)[:, _NEIGHBOUR - 1] / y.shape[1])
        np.maximum.at(found, own, distance)
    return found
