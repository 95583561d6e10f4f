# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Up to which frequency recordings of sound hold what the microphone heard, and detectors listen.

A recording of 8 kHz holds nothing above 4 kHz, whatever it is resampled to; a device at the machine hears more. Just
below half its rate it holds what its anti-alias filter left, see :data:`tocsin.features.PASSBAND`.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ..errors import DataError
from ..features import PASSBAND, FeatureConfig
from .clip import Clip
from .readers import Source, open_reader

if TYPE_CHECKING:
    from .dataset import Dataset

# How far above the rounding of int16 a spectrum's power density has to lie to hold a sound: 6 dB.
_ABOVE_ROUNDING = 4.0
# Samples of a piece of the spectrum, and the most that is looked at.
_PIECE, _PIECES = 1024, 2000
FULL = 0.75
"""Up to this share of half its rate a recording's spectrum reaches at least; anti-alias filters end above."""


@lru_cache(maxsize=1 << 16)
def _rate(source: Source, changed: int, size: int) -> float | None:
    del changed, size
    return open_reader(source).rate


def rate_of(dataset: Dataset, clip: Clip) -> float:
    """Samples a second in a recording's file, Hz; those of the data set where the file does not say.

    Raises
    ------
    DataError
        The file cannot be read.
    """
    try:
        state = clip.path.stat()
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror or error})") from error
    source = Source(clip.path, clip.array, clip.index, dataset.options.columns)
    return _rate(source, state.st_mtime_ns, state.st_size) or dataset.rate


@dataclass(frozen=True)
class Lowest:
    """Recordings from the lowest rate of a data set.

    Attributes
    ----------
    rate
        Hz; that of the data set where no recording is from a lower one.
    clips
        How many are from `rate`.
    total
        Recordings.
    first
        Name of the first of them.
    below
        How many are from a rate below that of the data set.
    """

    rate: float
    clips: int
    total: int
    first: str
    below: int = 0


def lowest_rate(dataset: Dataset, clips: Iterable[Clip]) -> Lowest:
    """The lowest rate that sound was recorded at; files that cannot be read are passed over."""
    rates: list[tuple[float, str]] = []
    for clip in clips:
        with suppress(DataError):  # told when it is read for its features
            rates.append((rate_of(dataset, clip), clip.name))
    lowest = min((rate for rate, _ in rates), default=float(dataset.rate))
    names = [name for rate, name in rates if rate == lowest]
    below = sum(rate < dataset.rate for rate, _ in rates)
    return Lowest(min(lowest, dataset.rate), len(names), len(rates), names[0] if names else "", below)


def below_advice(lowest: float, wanted: float, *, every: bool) -> str:
    """What to do about sound from a rate below the one wanted, Hz; `every`: whether all recordings are from such."""
    if every:
        return f"Record at {wanted:,.0f} Hz, or train with --rate {lowest:.0f}."
    return (
        f"Record all at {wanted:,.0f} Hz, train with --rate {lowest:.0f}, or leave them out with --fmax"
        f" {PASSBAND * wanted / 2:.0f}."
    )


def check_reach(dataset: Dataset, clip: Clip, features: FeatureConfig) -> None:
    """Refuse a recording of sound from so low a rate that it leaves bands empty, which a device would hear.

    Raises
    ------
    DataError
        It holds nothing in the highest bands.
    """
    if features.sensor != "audio":
        return
    try:
        rate = rate_of(dataset, clip)
    except DataError:
        return  # told when it is read
    # An edge may lie within a bin.
    if rate < dataset.rate and features.top > rate / 2 + features.sample_rate / max(1, features.n_fft):
        raise DataError(
            f"is from {rate:,.0f} Hz and holds nothing above {rate / 2:,.0f} Hz, where the detector listens up to"
            f" {features.top:,.0f} Hz"
        )


def bandwidth_notes(lowest: Lowest, features: FeatureConfig, *, chosen: bool) -> list[str]:
    """What the user should know of the bands' upper end.

    Parameters
    ----------
    lowest
        Of the recordings.
    features
        Of the detector.
    chosen
        Whether the user chose the end.
    """
    rate = features.sample_rate
    if features.sensor != "audio" or not features.bands:
        return []
    share = f"{lowest.clips} of {lowest.total} recordings are from {lowest.rate:,.0f} Hz (first: {lowest.first})"
    end = PASSBAND * min(rate, lowest.rate) / 2
    bin_width = rate / features.n_fft
    if lowest.rate < rate and not chosen:
        return [
            f"{share} and hold nothing above {lowest.rate / 2:,.0f} Hz, so the bands end at {end:,.0f} Hz: a fault that"
            f" sounds above is not heard. {below_advice(lowest.rate, rate, every=lowest.below == lowest.total)}"
        ]
    if features.top > PASSBAND * rate / 2 + bin_width:
        end = PASSBAND * rate / 2
        return [
            f"The bands reach {features.top:,.0f} Hz. Above {end:,.0f} Hz a recording holds what its anti-alias filter"
            " left: healthy sound through another microphone, converter or resampler than that of the recordings may"
            f" alarm. --fmax {end:.0f} ends below."
        ]
    return []


def top_of(samples: npt.NDArray[np.float64], rate: float) -> float:
    """Frequency in Hz above which a recording holds nothing but the rounding of int16; 0 where it holds nothing else.

    Parameters
    ----------
    samples
        At int16 scale, shape (n,).
    rate
        Hz.
    """
    count = len(samples) // _PIECE
    if count == 0:
        return rate / 2
    step = max(1, count // _PIECES)
    pieces = samples[: count * _PIECE].reshape(count, _PIECE)[::step]
    window = np.hanning(_PIECE)
    power = np.square(np.abs(np.fft.rfft((pieces - pieces.mean(axis=1, keepdims=True)) * window, axis=1)))
    density = power.mean(axis=0) / np.square(window).sum()  # 1/12 of rounding alone
    loud = np.flatnonzero(density > _ABOVE_ROUNDING / 12)
    return float(loud[-1] + 1) * rate / _PIECE if loud.size else 0.0


def empty_above(features: FeatureConfig, vectors: npt.NDArray[np.float32]) -> float | None:
    """Frequency in Hz above which all bands of a recording hold nothing but the rounding of int16; None: none do.

    Parameters
    ----------
    features
        Of sound.
    vectors
        Of the recording, shape (windows, values).
    """
    if features.sensor != "audio" or not features.bands or features.stats or features.pool[0] == "std":
        return None
    n = len(features.bands)
    energy = features.frame_length * 3 / 8  # of a periodic Hann window
    sums = np.array([sum(band.weights) for band in features.bands])
    level = 10 * np.log10(np.maximum(sums * energy * features.scale**2 / 12, features.log_floor))
    found = vectors[:, :n].mean(axis=0)
    quiet = np.flatnonzero(found > level + 10 * np.log10(_ABOVE_ROUNDING))
    first = int(quiet[-1]) + 1 if quiet.size else 0
    if first in (0, n):
        return None
    return features.bands[first].first * features.sample_rate / features.n_fft
