# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""16-bit PCM WAV: the plainest file, header and samples, so that the same samples are the same bytes."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np

from tocsin.synth.signals import Signal

FULL_SCALE = 32768


def to_pcm16(samples: Signal, *, full_scale: float) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.int16]], int]:
    """Quantise samples to 16 bits, without dither.

    Parameters
    ----------
    samples : numpy.ndarray, shape (n,) or (n, channels)
        Samples in any unit.
    full_scale : float
        Value, in the same unit, of 32768 steps.

    Returns
    -------
    pcm : numpy.ndarray of int16, same shape
    clipped : int
        Number of values that did not fit and were limited.
    """
    steps = np.rint(samples * (FULL_SCALE / full_scale))
    limited = np.clip(steps, -FULL_SCALE, FULL_SCALE - 1)
    return limited.astype("<i2"), int(np.count_nonzero(steps != limited))


def write_wav(file: Path, samples: Signal, *, rate: int, full_scale: float) -> int:
    """Write a WAV file; see `to_pcm16` for the other parameters.

    Parameters
    ----------
    file : pathlib.Path
        Where; an existing file is replaced.
    samples : numpy.ndarray, shape (n,) or (n, channels)
        Samples.
    rate : int
        Sampling rate in Hz.
    full_scale : float
        Value of 32768 steps.

    Returns
    -------
    int
        Number of values that were limited to the 16-bit range.
    """
    # The wave module and not soundfile: no library version may ever add a chunk here.
    pcm, clipped = to_pcm16(samples, full_scale=full_scale)
    with wave.open(str(file), "wb") as out:
        out.setnchannels(1 if pcm.ndim == 1 else pcm.shape[1])
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(pcm.tobytes())
    return clipped
