# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Pseudo-anomalies: healthy recordings made a little strange, to choose models by without any real anomaly.

Each kind mimics what a fault does to a signal and has a strength: 0 leaves the recording as it is, 1 is plain to hear.
All detectors find the plain ones. Faint ones (:data:`FAINT`) tell a good detector from a bad one.

A fault is heard only while the machine runs. Where a recording begins before it starts, or ends after it stops, the
strange version is strange only in between: in a pause nothing covers it, so that the faintest would be found there, and
detectors would be chosen by how well they listen to a machine that stands.

Random choices come from the generator alone, so that the same seed gives the same samples.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from ..errors import DataError

Samples = npt.NDArray[np.int16]
Signal = npt.NDArray[np.float64]

FAINT = (0.1, 0.2, 0.4)
"""Strengths at which detectors differ."""

# What each kind does at a strength of 1.
_GAIN_DB = 12.0
_STOP_DB = 30.0
_SPEED = 0.08
_TONE = 2.0  # times the level of the third of an octave around it
_NOISE = 2.0
_CLICK = 12.0
_DEPTH = 0.9
# Above this share of the Nyquist frequency resampling fades out, so that the original stays there.
_RESAMPLED = 0.9
_OCTAVES = (0.15, 0.6)
# Of blocks whose powers tell whether the machine runs: seconds, and how many a median is taken over, against knocks.
_BLOCK_S = 0.05
_BLOCKS = 9
# Powers of running and of a pause differ at least by so much; what varies less runs all the time.
_PAUSE = 4.0


def _band(n: int, rate: float, rng: np.random.Generator) -> tuple[float, Signal]:
    """A centre in Hz, spread evenly over octaves, and a smooth band around it over ``rfft``'s bins, 0 to 1."""
    centre = float(np.exp(rng.uniform(np.log(0.01 * rate), np.log(0.45 * rate))))
    width = rng.uniform(*_OCTAVES)
    frequencies = np.fft.rfftfreq(n, 1 / rate)
    octaves = np.log2(np.maximum(frequencies, 1e-3) / centre)
    return centre, np.exp(-0.5 * (octaves / width) ** 2)


def _filtered(x: Signal, gain: Signal) -> Signal:
    """`x`, shape (n, channels), with each frequency multiplied by `gain`, without a phase."""
    return np.asarray(np.fft.irfft(np.fft.rfft(x, axis=0) * gain[:, None], n=len(x), axis=0))


def _level(x: Signal, band: Signal) -> Signal:
    """RMS of each channel in a band; never quite 0, so that silence becomes strange too."""
    return np.asarray(np.sqrt(np.mean(_filtered(x, band) ** 2, axis=0)) + 0.5)


def _running(x: Signal, rate: float) -> Signal:
    """How far the machine runs at each sample of `x`, shape (n, channels): 0 in a pause, 1 at its usual level.

    1 throughout where the level hardly varies, and where pauses are more than three quarters of a recording: what is
    background there, and what the machine, cannot be told by the level.
    """
    from scipy.ndimage import median_filter

    length = max(16, round(_BLOCK_S * rate))
    count = len(x) // length
    if count < 4 * _BLOCKS:
        return np.ones(len(x))
    # Differences: most background is low, and gravity is constant.
    steps = np.diff(x, axis=0, prepend=x[:1])[: count * length]
    powers = median_filter((steps**2).reshape(count, -1).mean(axis=1), _BLOCKS, mode="nearest")
    pause, usual = np.quantile(powers, (0.1, 0.75))
    if usual <= _PAUSE * pause:
        return np.ones(len(x))
    share = np.sqrt(np.clip((powers - pause) / (usual - pause), 0, 1))
    return np.asarray(np.interp(np.arange(len(x)), (np.arange(count) + 0.5) * length, share))


def _gain(x: Signal, rate: float, rng: np.random.Generator, strength: float) -> Signal:
    """A band louder or softer: a resonance, a part that came loose, a shield that is gone."""
    _, band = _band(len(x), rate, rng)
    decibels = _GAIN_DB * strength * rng.choice([-1.0, 1.0])
    return _filtered(x, 10 ** (decibels * band / 20))


def _stop(x: Signal, rate: float, rng: np.random.Generator, strength: float) -> Signal:
    """A band all but gone: a part that no longer turns."""
    _, band = _band(len(x), rate, rng)
    return _filtered(x, 10 ** (-_STOP_DB * strength * band / 20))


def _speed(x: Signal, rate: float, rng: np.random.Generator, strength: float) -> Signal:
    """Faster or slower, every frequency with it: load, slip, friction."""
    import soxr

    factor = 1 + _SPEED * strength * rng.choice([-1.0, 1.0])
    turned = soxr.resample(x, rate * factor, rate, quality="VHQ")  # factor times as fast
    turned = np.pad(turned, ((0, max(0, len(x) - len(turned))), (0, 0)), mode="reflect")[: len(x)]
    # What the filter of the resampling took away at the top would tell it more plainly than the speed does.
    spectrum, kept = np.fft.rfft(turned, axis=0), np.fft.rfft(x, axis=0)
    top = np.fft.rfftfreq(len(x), 1 / rate) > _RESAMPLED * min(1, factor) * rate / 2
    spectrum[top] = kept[top]
    return np.asarray(np.fft.irfft(spectrum, n=len(x), axis=0))


def _tone(x: Signal, rate: float, rng: np.random.Generator, strength: float) -> Signal:
    """A whistle or whine with two overtones, as loud as what is around it in frequency."""
    centre, band = _band(len(x), rate, rng)
    t = np.arange(len(x)) / rate
    wave = np.zeros(len(x))
    for order, loud in ((1, 1.0), (2, 0.5), (3, 0.25)):
        if order * centre < rate / 2:
            wave += loud * np.sin(2 * np.pi * order * centre * t + rng.uniform(0, 2 * np.pi))
    return x + _TONE * strength * wave[:, None] * _level(x, band)


def _noise(x: Signal, rate: float, rng: np.random.Generator, strength: float) -> Signal:
    """A hiss in a band: a leak, a dry bearing, turbulence."""
    _, band = _band(len(x), rate, rng)
    hiss = _filtered(rng.normal(size=x.shape), band)
    hiss /= np.sqrt(np.mean(hiss**2, axis=0)) + 1e-12
    return x + _NOISE * strength * hiss * _level(x, band)


def _clicks(x: Signal, rate: float, rng: np.random.Generator, strength: float) -> Signal:
    """Knocks that ring, 2 to 15 a second, not quite regular: a chipped tooth, a spalled race."""
    centre, band = _band(len(x), rate, rng)
    period = rate / rng.uniform(2, 15)
    knocks = np.zeros(len(x))
    at = np.arange(rng.uniform(0, period), len(x), period)
    at += rng.normal(0, 0.03 * period, size=len(at))
    knocks[np.clip(at.astype(int), 0, len(x) - 1)] = 1
    ring = np.arange(max(2, int(20 * rate / centre))) / rate
    ringing = np.exp(-ring * centre / 4) * np.sin(2 * np.pi * centre * ring)
    train = np.convolve(knocks, ringing)[: len(x)]
    return x + _CLICK * strength * train[:, None] * _level(x, band)


def _modulate(x: Signal, rate: float, rng: np.random.Generator, strength: float) -> Signal:
    """A band that swells and fades 1 to 15 times a second: imbalance, a bent shaft."""
    _, band = _band(len(x), rate, rng)
    t = np.arange(len(x)) / rate
    swell = np.sin(2 * np.pi * rng.uniform(1, 15) * t + rng.uniform(0, 2 * np.pi))
    return x + _DEPTH * strength * swell[:, None] * _filtered(x, band)


_MAKERS: dict[str, Callable[[Signal, float, np.random.Generator, float], Signal]] = {
    "gain": _gain,
    "stop": _stop,
    "speed": _speed,
    "tone": _tone,
    "noise": _noise,
    "clicks": _clicks,
    "modulate": _modulate,
}

MIX = "mix"
KINDS = (*_MAKERS, MIX)
"""Kinds of pseudo-anomalies; ``mix`` needs another recording."""


def pseudo_anomaly(
    samples: Samples,
    rate: float,
    rng: np.random.Generator,
    kind: str,
    *,
    strength: float = 0.3,
    other: Samples | None = None,
) -> Samples:
    """Make a healthy recording strange.

    Parameters
    ----------
    samples
        int16, shape (n,) or (n, channels), n at least 16.
    rate
        Samples a second, Hz.
    rng
        Decides on frequencies, signs and moments.
    kind
        One of :data:`KINDS`.
    strength
        0 (nothing) to 1 (plain).
    other
        For ``mix``: a recording of another machine, speed or load, with as many channels; it is mixed in with a share
        of `strength` squared in power, so that 1 gives the other recording itself. It is repeated where it is shorter.

    Returns
    -------
    int16, shape as `samples`

    Raises
    ------
    DataError
        The kind is not known, the strength is out of range, or the recordings do not fit each other.
    """
    if kind not in KINDS:
        raise DataError(f"There is no pseudo-anomaly {kind!r}. Choose from {', '.join(KINDS)}.")
    if not 0 <= strength <= 1:
        raise DataError(f"A pseudo-anomaly's strength is from 0 to 1, not {strength:g}.")
    if len(samples) < 16:
        raise DataError(f"{len(samples)} samples are too few to make a pseudo-anomaly of. Give at least 16.")
    x = np.asarray(samples, np.float64).reshape(len(samples), -1)
    if kind == MIX:
        strange = _mixed(x, other, strength)
    else:
        strange = x + _running(x, rate)[:, None] * (_MAKERS[kind](x, float(rate), rng, strength) - x)
    limited = np.clip(np.rint(strange), -32768, 32767)
    return np.asarray(limited, np.int16).reshape(samples.shape)


def _mixed(x: Signal, other: Samples | None, strength: float) -> Signal:
    if other is None or len(other) == 0:
        raise DataError("The pseudo-anomaly 'mix' needs another recording to mix in.")
    y = np.asarray(other, np.float64).reshape(len(other), -1)
    if y.shape[1] != x.shape[1]:
        raise DataError(f"A recording of {y.shape[1]} channels cannot be mixed into one of {x.shape[1]}.")
    # By powers, as sounds add: with amplitudes a share of a fifth would make all else 2 dB softer, and tell by that.
    return np.asarray(np.sqrt(1 - strength**2) * x + strength * y[np.arange(len(x)) % len(y)])
