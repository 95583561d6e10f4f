# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Filter banks: the weights with which a device sums FFT bins into bands.

They are computed in float64, rounded once to float32 and travel in the bundle, so a device never computes them.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tocsin.errors import TocsinError

__all__ = ["Band", "FeatureError", "power_bands", "slaney_mel_bands"]

# M. Slaney, Auditory Toolbox (1998): linear with 200/3 Hz a mel below 1 kHz, then 27 mels for a factor of 6.4.
_LINEAR_HZ = 200.0 / 3.0
_BREAK_HZ = 1000.0
_BREAK_MEL = _BREAK_HZ / _LINEAR_HZ
_LOG_STEP = np.log(6.4) / 27.0
# Lowest edges that are tried where a band is empty.
_TRIED = 32


class FeatureError(TocsinError, ValueError):
    """A feature configuration that no device can compute."""


@dataclass(frozen=True, kw_only=True)
class Band:
    """A band: weights for ``len(weights)`` FFT bins from bin `first` on, each a float32 value."""

    first: int
    weights: tuple[float, ...]

    @property
    def count(self) -> int:
        """Bins that the band holds."""
        return len(self.weights)


def slaney_mel_bands(
    *, sample_rate: int, n_fft: int, n_mels: int, fmin: float = 0.0, fmax: float | None = None
) -> tuple[Band, ...]:
    """Triangular bands on Slaney's mel scale, each of area one (in Hz).

    Parameters
    ----------
    sample_rate : int
        Hz.
    n_fft : int
        FFT length.
    n_mels : int
        Number of bands.
    fmin, fmax : float
        Hz, the outer edges of the first and last triangle; `fmax` defaults to half the sample rate.

    Returns
    -------
    tuple of Band
        Of `n_mels` bands; one between two FFT bins is empty.

    Raises
    ------
    FeatureError
        Where the edges do not rise or lie above half the sample rate.
    """
    top = _check_edges(sample_rate, fmin, fmax)
    edges = _mel_to_hz(np.linspace(_hz_to_mel(fmin), _hz_to_mel(top), n_mels + 2))
    bins = np.arange(n_fft // 2 + 1) * (sample_rate / n_fft)
    bands = []
    for low, centre, high in zip(edges[:-2], edges[1:-1], edges[2:], strict=True):
        rise = (bins - low) / (centre - low)
        fall = (high - bins) / (high - centre)
        bands.append(_trim(np.maximum(0.0, np.minimum(rise, fall)) * (2.0 / (high - low))))
    return tuple(bands)


def mel_remedies(*, sample_rate: int, n_fft: int, n_mels: int, fmin: float, fmax: float) -> str:
    """What to give where a mel band holds no FFT bin: each option that suffices by itself, with the least change.

    Parameters
    ----------
    sample_rate, n_fft, n_mels, fmin, fmax
        As for :func:`slaney_mel_bands`, with an empty band.
    """

    def works(size: int, bands: int, low: float) -> bool:
        made = slaney_mel_bands(sample_rate=sample_rate, n_fft=size, n_mels=bands, fmin=low, fmax=fmax)
        return all(band.weights for band in made)

    fewer = next((bands for bands in range(n_mels - 1, 0, -1) if works(n_fft, bands, fmin)), 0)
    longer = next((size for size in (512, 1024, 2048, 4096) if size > n_fft and works(size, n_mels, fmin)), 0)
    higher = next((low for low in np.linspace(fmin, fmax, _TRIED + 1)[1:-1].round() if works(n_fft, n_mels, low)), 0)
    ways = [f"--mels {fewer}"] if fewer else []
    ways += [f"--n-fft {longer}"] if longer else []
    ways += [f"--fmin {higher:g}"] if higher else []
    return " or ".join(ways) or "a higher --fmax"


def power_bands(
    *,
    sample_rate: int,
    n_fft: int,
    frame_length: int,
    n_bands: int,
    fmin: float,
    fmax: float,
    spacing: Literal["log", "linear", "mel"],
) -> tuple[Band, ...]:
    """Adjacent rectangular bands whose power is the mean square of the signal in them.

    By Parseval's theorem the mean square of a frame seen through a window w is ``Σ |X|² / (n_fft · Σ w²)`` over
    the two-sided spectrum. A bin stands for the frequencies up to half a bin around it, and counts for a band by
    the part of them that the band covers, so no band is empty however narrow.

    Parameters
    ----------
    sample_rate : int
        Hz.
    n_fft, frame_length : int
        FFT length, and samples of a frame (of its periodic Hann window).
    n_bands : int
        Number of bands.
    fmin, fmax : float
        Hz, the lowest and the highest edge.
    spacing : {"log", "linear", "mel"}
        How the edges between are spaced.

    Returns
    -------
    tuple of Band
        Of `n_bands` bands.

    Raises
    ------
    FeatureError
        As :func:`slaney_mel_bands`, and where logarithmic bands begin at 0 Hz.
    """
    _check_edges(sample_rate, fmin, fmax)
    if spacing == "log":
        if fmin <= 0:
            raise FeatureError("logarithmic bands need fmin above 0 Hz: set fmin, or use linear spacing")
        edges = np.geomspace(fmin, fmax, n_bands + 1)
    elif spacing == "linear":
        edges = np.linspace(fmin, fmax, n_bands + 1)
    elif spacing == "mel":
        edges = _mel_to_hz(np.linspace(_hz_to_mel(fmin), _hz_to_mel(fmax), n_bands + 1))
    else:
        raise FeatureError(f"spacing is {spacing!r}: choose log, linear or mel")
    k = np.arange(n_fft // 2 + 1)
    width = sample_rate / n_fft
    # The outermost bins reach half a bin inwards only, and stand for themselves alone; the others also for -f.
    low = np.maximum(k - 0.5, 0) * width
    high = np.minimum(k + 0.5, n_fft / 2) * width
    sides = np.where((k == 0) | (k == n_fft // 2), 1.0, 2.0)
    window_energy = frame_length * 3 / 8  # Σ w² of a periodic Hann window
    bands = []
    for bottom, top in itertools.pairwise(edges):
        part = np.clip(np.minimum(high, top) - np.maximum(low, bottom), 0, None) / (high - low)
        bands.append(_trim(part * sides / (n_fft * window_energy)))
    return tuple(bands)


def _check_edges(sample_rate: int, fmin: float, fmax: float | None) -> float:
    top = sample_rate / 2 if fmax is None else fmax
    if not 0 <= fmin < top <= sample_rate / 2:
        raise FeatureError(
            f"the bands would reach from {fmin} to {top} Hz: they must rise, and end at or below half "
            f"the sample rate ({sample_rate / 2} Hz)"
        )
    return top


def _trim(weights: NDArray[np.float64]) -> Band:
    rounded = weights.astype(np.float32)
    used = np.flatnonzero(rounded)
    if used.size == 0:
        return Band(first=0, weights=())
    first, last = int(used[0]), int(used[-1])
    return Band(first=first, weights=tuple(rounded[first : last + 1].tolist()))


def _hz_to_mel(hz: float) -> float:
    if hz < _BREAK_HZ:
        return hz / _LINEAR_HZ
    return float(_BREAK_MEL + np.log(hz / _BREAK_HZ) / _LOG_STEP)


def _mel_to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    linear = mel * _LINEAR_HZ
    return np.where(mel < _BREAK_MEL, linear, _BREAK_HZ * np.exp(_LOG_STEP * (mel - _BREAK_MEL)))
