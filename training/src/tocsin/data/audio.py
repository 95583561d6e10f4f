# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Sound files as the int16 samples that a device's microphone would give."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..errors import DataError
from .readers import Source, open_reader, suffixes

SUFFIXES = suffixes("sound")

# Share of samples at full scale above which a recording is called clipped.
CLIPPED_SHARE = 1e-3


def check(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Give the samples of a sound file back where they can be used.

    Raises
    ------
    DataError
        There are none, or NaN or infinity among them.
    """
    if values.shape[0] == 0:
        raise DataError("holds no samples")
    if not np.isfinite(values).all():
        bad = int(np.count_nonzero(~np.isfinite(values)))
        raise DataError(f"{bad} samples are not finite (NaN or infinity)")
    return values


def to_samples(
    values: npt.NDArray[np.float64], found: float | None, *, rate: int, channel: int | None = None
) -> tuple[npt.NDArray[np.int16], list[str]]:
    """One channel of a sound file at `rate`.

    Parameters
    ----------
    values
        At int16 scale, shape (n, channels).
    found
        Their rate, Hz; None: that wanted.
    rate
        Samples a second wanted, Hz; other rates are resampled by soxr at its highest quality.
    channel
        The channel to take, from 0; None takes the mean of all.

    Returns
    -------
    samples : int16, shape (n,)
    notes : what was done to the recording, or is strange about it

    Raises
    ------
    DataError
        There are no samples, the channel is missing, or NaN or infinity are among them.
    """
    values = check(values)
    notes = []
    count = values.shape[1]
    if channel is not None and channel >= count:
        raise DataError(f"has {count} channel{'s' if count > 1 else ''}, so no channel {channel}")
    if channel is not None:
        mono = values[:, channel]
    else:
        mono = values.mean(axis=1)
        if count > 1:
            notes.append(f"mixed down from {count} channels to one")
    if found not in (None, rate):
        import soxr

        mono = soxr.resample(mono, found, rate, quality="VHQ")
        notes.append(f"resampled from {found:g} Hz to {rate} Hz")
    out = np.clip(np.rint(mono), -32768, 32767).astype(np.int16)
    return out, notes + oddities(out)


def read_audio(path: Path, *, rate: int, channel: int | None = None) -> tuple[npt.NDArray[np.int16], list[str]]:
    """Read a sound file as one channel at `rate`; as :func:`to_samples`.

    Raises
    ------
    DataError
        As there, or the file cannot be decoded.
    """
    reader = open_reader(Source(path))
    return to_samples(reader.read_all(), reader.rate, rate=rate, channel=channel)


def to_channels(values: npt.NDArray[np.float64], found: float | None, *, rate: int) -> npt.NDArray[np.float64]:
    """All channels of a sound file that holds vibration, at int16 scale, shape (n, channels).

    Raises
    ------
    DataError
        As :func:`check`; or the rate `found` is not `rate`, or there are more than 3 channels.
    """
    values = check(values)
    if found not in (None, rate):
        raise DataError(f"has {found:g} samples a second instead of {rate}")
    if values.shape[1] > 3:
        raise DataError(f"has {values.shape[1]} channels; a vibration sensor has 1 to 3")
    return values


def oddities(samples: npt.NDArray[np.int16]) -> list[str]:
    """Say whether int16 `samples` are silent or clipped."""
    if samples.size and int(samples.max()) - int(samples.min()) <= 2:
        return ["silent"]
    full = np.count_nonzero((samples == 32767) | (samples == -32768))
    if full > CLIPPED_SHARE * samples.size:
        return ["clipped (over 0.1 % of the samples at full scale)"]
    return []
