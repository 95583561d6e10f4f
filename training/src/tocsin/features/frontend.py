# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Features by default: what is computed where the user does not say."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from ..errors import DataError
from .config import PASSBAND, FeatureConfig, FeatureError, Pool, Stat

AUDIO_SCALE = 1 / 32768
SOUND_RATE_MIN = 8000
FFT_MIN, FFT_MAX = 256, 4096


@dataclass(frozen=True, kw_only=True)
class FrontEnd:
    """The user's choices; None leaves one to the defaults.

    Attributes
    ----------
    n_fft, frame, hop
        Samples. Sound has frames of `n_fft`.
    bands
        Mel bands of sound, power bands a channel of vibration.
    fmin, fmax
        Hz. The bands end by default where anti-alias filters begin to differ, see :data:`tocsin.features.PASSBAND`.
    spacing
        Of the bands: sound has mel or linear ones.
    stats
        Time statistics of vibration's frames.
    pool
        Aggregates over a window.
    average
        Whether a window averages decibels, or powers before the logarithm.
    window_frames, window_hop
        Frames of a window, and between windows.
    """

    n_fft: int | None = None
    frame: int | None = None
    hop: int | None = None
    bands: int | None = None
    fmin: float | None = None
    fmax: float | None = None
    spacing: Literal["log", "linear", "mel"] | None = None
    stats: tuple[Stat, ...] | None = None
    pool: tuple[Pool, ...] | None = None
    average: Literal["decibel", "power"] | None = None
    window_frames: int | None = None
    window_hop: int | None = None


MLPERF = FrontEnd(n_fft=1024, hop=512, bands=128, fmax=8000.0, pool=("stack",), window_frames=5, window_hop=1)
"""MLPerf Tiny's anomaly detection: 5 frames of 128 mel bands, 640 values.

Its bands reach half of its 16 kHz, where anti-alias filters differ.
"""


def _half(window_frames: int) -> int:
    """Windows overlap by half where that divides them, as pooling needs."""
    return window_frames // 2 if window_frames % 2 == 0 else window_frames


# For nearest neighbours, of sound: seconds of a window, and how often it moves before it is all new. Longer ones tell
# machines and their faults better, as long as recordings hold them.
_NEAR_S = 8
_NEAR_MOVES = 4


def audio_features(
    choice: FrontEnd,
    *,
    sample_rate: int,
    stacked: bool,
    near: bool = False,
    clip_samples: int | None = None,
    recorded: float | None = None,
) -> FeatureConfig:
    """Log-mel features.

    Parameters
    ----------
    choice
        Overrides the defaults.
    sample_rate
        Hz.
    stacked
        For a network: 5 frames in a row, as they are. Else the mean over about a second.
    near
        For nearest neighbours: bands of equal width, and the mean over 8 seconds, or a recording where that is shorter.
    clip_samples
        Length of the shortest usual recording; None: long enough.
    recorded
        The lowest rate that recordings are from, Hz; None: `sample_rate`.

    Raises
    ------
    DataError
        The values do not fit each other.
    """
    if choice.spacing == "log" or choice.stats is not None:
        raise DataError("Sound has mel or linear bands and no time statistics: leave out --spacing log and --stats.")
    if choice.frame is not None:
        raise DataError("Frames of sound are as long as the FFT: give --n-fft instead of --frame.")
    n_fft = choice.n_fft or 1024
    hop = choice.hop or n_fft // 2
    spacing = choice.spacing or ("linear" if near else "mel")
    # The standard deviation over a window as well would double the vector, and a single knock in the background moves
    # it far: scores of healthy recordings get a heavy tail, and the threshold for a budget goes out of reach.
    pool: tuple[Pool, ...] = choice.pool or (("stack",) if stacked else ("mean",))
    if "stack" in pool:
        window_frames = choice.window_frames or 5
        # Neighbours share four frames of five: every second one loses nothing, and halves the device's work.
        window_hop = choice.window_hop or min(2, window_frames)
    elif near and choice.window_frames is None:
        span = min(_NEAR_S * sample_rate, clip_samples or _NEAR_S * sample_rate)
        step = max(1, ((span - n_fft) // hop + 1) // _NEAR_MOVES)
        window_frames = _NEAR_MOVES * step
        window_hop = choice.window_hop or step
    else:
        # An even number, so that windows overlap by half; no more than a recording holds.
        most = ((clip_samples or sample_rate * 2) - n_fft) // hop + 1
        window_frames = choice.window_frames or max(2, min(2 * round(sample_rate / hop / 2), most // 2 * 2))
        window_hop = choice.window_hop or _half(window_frames)
    try:
        return FeatureConfig.logmel(
            sample_rate=sample_rate,
            n_fft=n_fft,
            hop=hop,
            n_mels=choice.bands or 64,
            fmin=choice.fmin or 0.0,
            fmax=choice.fmax or PASSBAND * min(sample_rate, recorded or sample_rate) / 2,
            pool=pool,
            window_frames=window_frames,
            window_hop=window_hop,
            scale=AUDIO_SCALE,
            spacing="linear" if spacing == "linear" else "mel",
            power=choice.average == "power",
        )
    except FeatureError as error:
        if recorded is None or recorded >= SOUND_RATE_MIN:
            raise
        raise FeatureError(
            f"{error} Recordings at {recorded:,.0f} Hz may be of an accelerometer: then give --sensor vibration"
            " --full-scale G."
        ) from error


def vibration_features(
    choice: FrontEnd, *, sample_rate: int, channels: int, scale_g: float, clip_samples: int, stacked: bool = False
) -> FeatureConfig:
    """Statistics and band powers of vibration, averaged over a second, or a recording where that is shorter.

    A frame is half a second (at most 4096 samples): rotation at 2 Hz and above is told from its harmonics.

    Parameters
    ----------
    choice
        Overrides the defaults.
    sample_rate
        Hz.
    channels
        1 to 3.
    scale_g
        g a digit.
    clip_samples
        Length of the shortest usual recording.
    stacked
        For a network that goes from frame to frame: five frames of a quarter of that time, as they are.

    Raises
    ------
    DataError
        The values do not fit each other.
    """
    if choice.average == "power":
        raise DataError("Powers are averaged for sound alone: leave out --average.")
    if choice.spacing == "mel":
        raise DataError("Vibration has log or linear bands: leave out --spacing mel.")
    span = min(sample_rate, clip_samples)
    frame = choice.frame or int(max(16, min(FFT_MAX, span // (4 if stacked else 2))))
    hop = choice.hop or max(1, frame // 2)
    window_frames = choice.window_frames or max(1, (span - frame) // hop + 1)
    pool: tuple[Pool, ...] = choice.pool or (("stack",) if stacked else ("mean",))
    if stacked and choice.window_frames is None:
        window_frames = min(5, window_frames - (window_frames + 1) % 2)  # odd: there is one in the middle
    return FeatureConfig.vibration(
        sample_rate=sample_rate,
        scale_g=scale_g,
        frame_length=frame,
        hop=hop,
        n_fft=choice.n_fft or max(FFT_MIN, 2 ** math.ceil(math.log2(frame))),
        n_bands=16 if choice.bands is None else choice.bands,
        # Half of what a frame resolves: the lowest band holds what is slower than one turn a frame.
        fmin=choice.fmin or sample_rate / frame / 2,
        fmax=choice.fmax or sample_rate / 2,
        spacing=choice.spacing or "log",
        stats=("rms", "peak", "crest", "kurtosis") if choice.stats is None else choice.stats,
        pool=pool,
        window_frames=window_frames,
        window_hop=choice.window_hop or _half(window_frames),
        channels=channels,
        remove_mean=True,
    )
