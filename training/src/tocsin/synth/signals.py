# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Building blocks of signals: levels, shaped noise, impulses, resonances, filters.

All amplitudes are relative until :mod:`tocsin.synth.render` scales a clip.  Broadband noise is
normalised over a fixed reference band, not over the band of the sampling rate, so that a 5 kHz hiss is
as weak in a 1600 Hz vibration recording as it would be in reality.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft, signal

Signal = NDArray[np.float64]
Shape = Callable[[Signal], Signal]

# Noise shapes have unit power over this band, whatever the sampling rate.
REFERENCE_BAND_HZ = 8000.0


def db(level: float) -> float:
    """Return the amplitude factor of a level in decibels."""
    return float(10.0 ** (level / 20.0))


def rms(x: NDArray[Any]) -> float:
    """Return the root mean square over all elements."""
    return float(np.sqrt(np.mean(np.square(x))))


def hump(peak_hz: float, rise: float = 1.0, fall: float = 1.0) -> Shape:
    """Return a broadband spectral shape: amplitude ~ f**rise below the peak, f**-fall above.

    Parameters
    ----------
    peak_hz : float
        Frequency of the knee, in Hz.
    rise, fall : float
        Slopes in units of 6 dB per octave.

    Returns
    -------
    callable
        Maps frequencies in Hz to amplitude gains, same shape.
    """

    def gain(f: Signal) -> Signal:
        ratio = np.maximum(f, 1.0) / peak_hz
        shaped: Signal = ratio**rise / (1.0 + ratio**2) ** ((rise + fall) / 2.0)
        return shaped

    return gain


def band(centre_hz: float, width_hz: float) -> Shape:
    """Return a narrow spectral shape: Lorentzian amplitude of the given -3 dB width in Hz."""

    def gain(f: Signal) -> Signal:
        shaped: Signal = 1.0 / np.sqrt(1.0 + (2.0 * (f - centre_hz) / width_hz) ** 2)
        return shaped

    return gain


def noise(rng: np.random.Generator, n: int, rate: float, shape: Shape) -> Signal:
    """Return Gaussian noise of a given spectral shape.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    n : int
        Number of samples.
    rate : float
        Sampling rate in Hz.
    shape : callable
        Amplitude gain over frequency in Hz, see `hump` and `band`.

    Returns
    -------
    numpy.ndarray, shape (n,)
        Noise whose power over 0-8 kHz is 1; at a lower rate only the part below rate / 2 remains.
    """
    size = fft.next_fast_len(n, real=True)
    bins = size // 2 + 1
    # Shapes are smooth: every sixteenth bin is enough, and spares most of the powers.
    coarse: Signal = np.arange(bins // 16 + 2, dtype=np.float64) * 16.0
    gain = np.interp(np.arange(bins), coarse, shape(coarse * (rate / size)))
    grid: Signal = (np.arange(2048, dtype=np.float64) + 0.5) * (REFERENCE_BAND_HZ / 2048)
    power = np.mean(shape(grid) ** 2) * REFERENCE_BAND_HZ
    spectrum = np.empty(bins, dtype=np.complex128)
    spectrum.real = rng.standard_normal(bins)
    spectrum.imag = rng.standard_normal(bins)
    # Unit-variance white noise has |X|^2 = size, shared by the real and the imaginary part.
    spectrum *= gain * np.sqrt(size / 2.0 * (rate / 2.0) / power)
    spectrum[0] = 0.0
    out: Signal = fft.irfft(spectrum, size)[:n]
    return out


def slow(rng: np.random.Generator, n: int, rate: float, corner_hz: float) -> Signal:
    """Return a slowly wandering signal of zero mean and unit variance (Ornstein-Uhlenbeck).

    The process is drawn on a fixed 50 Hz grid, so that the same stream gives the same course at any
    sampling rate.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    n : int
        Number of samples.
    rate : float
        Sampling rate in Hz.
    corner_hz : float
        Corner frequency of its Lorentzian spectrum, in Hz; well below 25.

    Returns
    -------
    numpy.ndarray, shape (n,)
    """
    grid_hz = 50.0
    points = int(np.ceil(n / rate * grid_hz)) + 2
    a = float(np.exp(-2.0 * np.pi * corner_hz / grid_hz))
    steps = rng.standard_normal(points)
    steps[1:] *= np.sqrt(1.0 - a * a)
    course = signal.lfilter([1.0], [1.0, -a], steps)
    out: Signal = np.interp(np.arange(n) * (grid_hz / rate), np.arange(points), course)
    return out


def impulses(times: Signal, amplitudes: Signal, n: int, rate: float) -> Signal:
    """Return a train of impulses, each shared between its two nearest samples.

    Sharing keeps the train's pitch exact; rounding to samples would jitter it.

    Parameters
    ----------
    times, amplitudes : numpy.ndarray, shape (k,)
        Times in seconds, those outside the clip are dropped; areas in samples.
    n : int
        Number of samples.
    rate : float
        Sampling rate in Hz.

    Returns
    -------
    numpy.ndarray, shape (n,)
    """
    position = times * rate
    keep = (position >= 0) & (position < n - 1)
    position, amplitudes = position[keep], amplitudes[keep]
    index = position.astype(np.int64)
    part = position - index
    train = np.zeros(n)
    np.add.at(train, index, amplitudes * (1.0 - part))
    np.add.at(train, index + 1, amplitudes * part)
    return train


def ring(train: Signal, modes: Sequence[tuple[float, float, float]], rate: float) -> Signal:
    """Let each impulse ring: a sum of exponentially decaying sinusoids.

    The impulse response of a structural resonance, the standard model of a bearing defect's signature
    (McFadden & Smith 1984, J. Sound Vib. 96(1), section 2).

    Parameters
    ----------
    train : numpy.ndarray, shape (n,)
        Impulses.
    modes : sequence of (float, float, float)
        Frequency in Hz, decay time constant in s, amplitude.  Modes above 0.45 of the rate are left out.
    rate : float
        Sampling rate in Hz.

    Returns
    -------
    numpy.ndarray, shape (n,)
    """
    out = np.zeros_like(train)
    for f, tau, amplitude in modes:
        if f > 0.45 * rate:
            continue
        r, w = np.exp(-1.0 / (tau * rate)), 2.0 * np.pi * f / rate
        out += amplitude * signal.lfilter([0.0, r * np.sin(w)], [1.0, -2.0 * r * np.cos(w), r * r], train)
    return out


def convolve(x: Signal, response: Signal) -> Signal:
    """Return `x` through a finite impulse response along the last axis, cut to the length of `x`."""
    out: Signal = signal.oaconvolve(x, response, axes=-1)[..., : x.shape[-1]]
    return out


def highpass(x: Signal, corner_hz: float, rate: float, order: int = 1) -> Signal:
    """Return `x`, shape (..., n), through a Butterworth high-pass of the given corner in Hz."""
    sos = signal.butter(order, corner_hz, "highpass", fs=rate, output="sos")
    out: Signal = signal.sosfilt(sos, x, axis=-1)
    return out


def smooth(x: Signal, tau: float, rate: float) -> Signal:
    """Return `x`, shape (n,), through a first-order lag of time constant `tau` in s."""
    a = float(np.exp(-1.0 / (tau * rate)))
    out: Signal = signal.lfilter([1.0 - a], [1.0, -a], x)
    return out
