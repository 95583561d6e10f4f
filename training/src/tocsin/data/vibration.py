# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Accelerations from files of numbers as the int16 samples that a sensor would give."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..errors import DataError
from . import labels
from .clip import Label

# Size of each unit in g; standard gravity is 9.80665 m/s² by definition (BIPM).
UNITS = {"g": 1.0, "mg": 1e-3, "ug": 1e-6, "m/s2": 1 / 9.80665}
FULL_SCALES = (2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0)
NORMAL = ("*normal*", "*healthy*", "*_0_weight")
ANOMALY = ("*anomal*", "*abnormal*", "*fault*", "*_[1-9]_weight")
IGNORE = ("*_off_*", "*_off")

_LABEL_WORDS = re.compile(
    r"[_\-. ]?(abnormal|normal|healthy|anomal(?:y|ies|ous)|faulty?|\d+_weight)(?=[_\-. ]|$)"
    rf"|(?:^|[_\-. ])(?:{'|'.join((*labels.GOOD, *labels.BAD))})s?(?=[_\-. ]|$)",
    re.IGNORECASE,
)


def matches(name: str, globs: Sequence[str]) -> bool:
    """Whether `name` fits one of the patterns of shell wildcards and ``{a,b}`` alternatives."""
    return any(fnmatchcase(name, one) for glob in globs for one in _alternatives(glob))


def _alternatives(glob: str) -> list[str]:
    found = re.search(r"\{([^{}]*)\}", glob)
    if found is None:
        return [glob]
    before, after = glob[: found.start()], glob[found.end() :]
    return [one for word in found[1].split(",") for one in _alternatives(before + word + after)]


def label_of(
    name: str,
    *,
    normal: Sequence[str] | None,
    anomaly: Sequence[str] | None,
    ignore: Sequence[str] | None,
) -> Label | None:
    """What an array of this name holds; None where it is neither. A None list is the default.

    By default :mod:`tocsin.data.labels` is asked after the patterns, so a word counts anywhere in the name.
    """
    explicit = normal is not None and matches(name, normal)
    if (ignore is not None or not explicit) and is_ignored(name, ignore):
        return None
    said = labels.plain(name)
    word = labels.anywhere(name)
    # Anomaly first: "abnormal" also matches "*normal*".
    if not explicit and (word == "anomaly" or matches(said, ANOMALY) if anomaly is None else matches(name, anomaly)):
        return "anomaly"
    is_normal = word == "normal" or matches(said, NORMAL) if normal is None else explicit
    return "normal" if is_normal else None


def is_ignored(name: str, ignore: Sequence[str] | None) -> bool:
    """Whether an array is to be left out by its name; None means the default."""
    return matches(name, IGNORE if ignore is None else ignore)


def is_chosen(name: str, normal: Sequence[str] | None, anomaly: Sequence[str] | None) -> bool:
    """Whether the user's own patterns say what an array holds."""
    return matches(name, (*(normal or ()), *(anomaly or ())))


def machine_of(array: str, path: Path) -> str:
    """An array's name without what says whether it is normal: ``fan_0_low_1_weight`` → ``fan_0_low``."""
    return _LABEL_WORDS.sub("", labels.plain(array)).strip("_-. ") or path.stem


def choose_full_scale(peak: float, unit: str = "g") -> float:
    """Smallest usual sensor range that holds `peak`; both in g.

    Parameters
    ----------
    peak
        Greatest acceleration, g.
    unit
        What the numbers were taken as.

    Raises
    ------
    DataError
        No sensor has such a range, so the unit must be wrong.
    """
    for full_scale in FULL_SCALES:
        if peak <= full_scale:
            return full_scale
    would_be = {other: peak / UNITS[unit] * size for other, size in UNITS.items() if other != unit}
    fitting = [f"{value:.3g} g as {other}" for other, value in would_be.items() if value <= FULL_SCALES[-1]]
    hint = f" They reach {' or '.join(fitting)}." if fitting else ""
    raise DataError(
        f"With their numbers taken as {unit}, the recordings reach {peak:,.0f} g, which no sensor measures.{hint}"
        " Say what the numbers mean with --unit (g, mg, ug or m/s2)."
    )


class ToDigits:
    """Accelerations in g, piece by piece, as int16 digits of `full_scale`/32768 g."""

    def __init__(self, full_scale: float) -> None:
        self._full_scale = full_scale
        self._clipped = False
        self._least: npt.NDArray[np.int16] | None = None
        self._greatest: npt.NDArray[np.int16] | None = None

    def push(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.int16]:
        """Digits of the next accelerations, same shape (n, channels)."""
        digits = np.rint(values * (32768.0 / self._full_scale))
        if not len(digits):
            return digits.astype(np.int16)
        self._clipped |= bool(digits.max() > 32767 or digits.min() < -32768)
        out: npt.NDArray[np.int16] = np.clip(digits, -32768, 32767).astype(np.int16)
        least, greatest = out.min(axis=0), out.max(axis=0)
        self._least = least if self._least is None else np.minimum(self._least, least)
        self._greatest = greatest if self._greatest is None else np.maximum(self._greatest, greatest)
        return out

    def notes(self) -> list[str]:
        """Whether anything is strange about them.

        Raises
        ------
        DataError
            There were none.
        """
        if self._least is None:
            raise DataError("holds no samples")
        notes = [f"clipped to the full scale of {self._full_scale:g} g"] if self._clipped else []
        if (self._least == self._greatest).all():
            notes.append("constant, as from a dead sensor")
        return notes
