# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Sound files as the int16 samples that a device's microphone would give."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..errors import DataError

SUFFIXES = frozenset({".wav", ".flac"})

# Share of samples at full scale above which a recording is called clipped.
CLIPPED_SHARE = 1e-3


def _decode(path: Path) -> tuple[npt.NDArray[np.float64], int]:
    """Samples at int16 scale, shape (n, channels), not yet rounded, and the rate in Hz."""
    import soundfile

    try:
        with soundfile.SoundFile(path) as file:
            rate = int(file.samplerate)
            if file.subtype == "PCM_16":
                samples = file.read(dtype="int16", always_2d=True).astype(np.float64)
            else:
                samples = file.read(dtype="float64", always_2d=True) * 32768.0
    except (RuntimeError, OSError) as error:
        text = str(error).rstrip(".")
        raise DataError(f"not a readable sound file ({text.split(': ')[-1]})") from error
    if samples.shape[0] == 0:
        raise DataError("holds no samples")
    if not np.isfinite(samples).all():
        bad = int(np.count_nonzero(~np.isfinite(samples)))
        raise DataError(f"{bad} samples are not finite (NaN or infinity)")
    return samples, rate


def read_audio(path: Path, *, rate: int, channel: int | None = None) -> tuple[npt.NDArray[np.int16], list[str]]:
    """Read a sound file as one channel at `rate`.

    Parameters
    ----------
    path
        A file that libsndfile reads.
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
        The file cannot be decoded, is empty, lacks the channel, or holds NaN or infinity.
    """
    samples, found = _decode(path)
    notes = []
    count = samples.shape[1]
    if channel is not None and channel >= count:
        raise DataError(f"has {count} channel{'s' if count > 1 else ''}, so no channel {channel}")
    if channel is not None:
        mono = samples[:, channel]
    else:
        mono = samples.mean(axis=1)
        if count > 1:
            notes.append(f"mixed down from {count} channels to one")
    if found != rate:
        import soxr

        mono = soxr.resample(mono, found, rate, quality="VHQ")
        notes.append(f"resampled from {found} Hz to {rate} Hz")
    out = np.clip(np.rint(mono), -32768, 32767).astype(np.int16)
    return out, notes + oddities(out)


def read_raw(path: Path) -> tuple[npt.NDArray[np.float64], int]:
    """Samples of a sound file as they are, at int16 scale, shape (n, channels), and its rate in Hz.

    Raises
    ------
    DataError
        As :func:`read_audio`.
    """
    return _decode(path)


def rate_of(path: Path) -> int:
    """Samples a second of a sound file, Hz."""
    return _decode(path)[1]


def read_channels(path: Path, *, rate: int) -> npt.NDArray[np.float64]:
    """Read all channels of a sound file that holds vibration, at int16 scale, shape (n, channels).

    Raises
    ------
    DataError
        As :func:`read_audio`; or its rate is not `rate`, or it has more than 3 channels.
    """
    samples, found = _decode(path)
    if found != rate:
        raise DataError(f"has {found} samples a second instead of {rate}")
    if samples.shape[1] > 3:
        raise DataError(f"has {samples.shape[1]} channels; a vibration sensor has 1 to 3")
    return samples


def oddities(samples: npt.NDArray[np.int16]) -> list[str]:
    """Say whether int16 `samples` are silent or clipped."""
    if samples.size and int(samples.max()) - int(samples.min()) <= 2:
        return ["silent"]
    full = np.count_nonzero((samples == 32767) | (samples == -32768))
    if full > CLIPPED_SHARE * samples.size:
        return ["clipped (over 0.1 % of the samples at full scale)"]
    return []
