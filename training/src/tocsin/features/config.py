# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Features: what to compute from the samples, and the device's own code computing it.

The arithmetic is in ``modules/dsp`` (C), reached through :mod:`tocsin._core`. This module describes a
configuration, makes its tables, and checks what it is given.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from tocsin import _core
from tocsin.errors import DataError
from tocsin.features.filterbank import Band, FeatureError, mel_remedies, power_bands, slaney_mel_bands

__all__ = ["PASSBAND", "POOLS", "STATS", "Band", "Extractor", "FeatureConfig", "FeatureError", "as_samples"]

Sensor = Literal["audio", "vibration"]
Stat = Literal["rms", "peak", "crest", "kurtosis"]
Pool = Literal["stack", "mean", "std", "max"]

STATS: tuple[Stat, ...] = ("rms", "peak", "crest", "kurtosis")
"""Statistics of a frame, in the order in which they stand in a vector; bit i is the i-th."""

POOLS: tuple[Pool, ...] = ("stack", "mean", "std", "max")
"""Aggregates over a window's frames, in the order in which they stand in a vector."""

PASSBAND = 0.8
"""Up to this share of half its sample rate a recording is what stood before the anti-alias filter, whose ever that is.

Above, each resampler, decimator and codec has a slope of its own; see docs/decisions/0012.
"""

_REMOVE_MEAN = 1
_POWER = 2
_VECTOR_MAX = 4096


@dataclass(frozen=True, kw_only=True)
class FeatureConfig:
    """What to compute; the bundle's ``SENS``, ``FEAT`` and table sections.

    :meth:`logmel` and :meth:`vibration` make the usual ones. Definitions and ranges of every field are in
    ``modules/dsp/include/tocsin/dsp.h``.

    Parameters
    ----------
    sensor : {"audio", "vibration"}
        What the samples are.
    sample_rate : int
        Hz, of each channel.
    channels : int, default 1
        1 to 3, interleaved.
    scale : float
        Physical units a digit: 1/32768 for audio (full scale is 1), g for vibration. Rounded to float32.
    frame_length, hop : int
        Samples of a frame, and between the beginnings of two frames.
    stats : iterable of {"rms", "peak", "crest", "kurtosis"}, default ()
        Time statistics of each frame.
    remove_mean : bool, default True
        Subtract each frame's mean first: a microphone's offset, gravity. Sound always has it.
    power : bool, default False
        Pool the frames' band powers, and take the logarithm of the result, instead of pooling decibels; mean and
        max only.
    n_fft : int, default 0
        FFT length, a power of two from 256 to 4096; 0 without bands.
    bands : tuple of Band, default ()
        The filter bank.
    log_floor : float, default 1e-10
        Least band power before the logarithm. Rounded to float32.
    pool : iterable of {"stack", "mean", "std", "max"}, default ("mean", "std", "max")
        What a window's vector is made of.
    window_frames, window_hop : int
        Frames of a window, and between the beginnings of two windows.
    window, sine : tuple of float, optional
        The tables of a bundle that was not written here. By default the periodic Hann window and the sine.

    Raises
    ------
    FeatureError
        Where a value is out of range or two contradict each other.
    """

    sensor: Sensor
    sample_rate: int
    channels: int = 1
    scale: float
    frame_length: int
    hop: int
    stats: tuple[Stat, ...] = ()
    remove_mean: bool = True
    power: bool = False
    n_fft: int = 0
    bands: tuple[Band, ...] = ()
    log_floor: float = 1e-10
    pool: tuple[Pool, ...] = ("mean", "std", "max")
    window_frames: int
    window_hop: int
    window: tuple[float, ...] | None = None
    sine: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        fields: dict[str, Any] = {
            "stats": _ordered("stats", self.stats, STATS),
            "pool": _ordered("pool", self.pool, POOLS),
            "bands": tuple(self.bands),
            "scale": _float32("scale", self.scale),
            "log_floor": _float32("log_floor", self.log_floor),
        }
        for name, value in fields.items():
            object.__setattr__(self, name, value)
        _check(self)
        self._native()

    @property
    def n_features(self) -> int:
        """Values that a frame gives: ``channels * (statistics + bands)``."""
        return self.channels * (len(self.stats) + len(self.bands))

    @property
    def n_vector(self) -> int:
        """Values that a window gives, the dimension of the model."""
        frames = sum(self.window_frames if name == "stack" else 1 for name in self.pool)
        return self.n_features * frames

    @property
    def flags(self) -> int:
        """Treatment of a frame, as a bundle holds it: the bits of ``enum tocsin_dsp_flag``."""
        return (_REMOVE_MEAN if self.remove_mean else 0) | (_POWER if self.power else 0)

    @property
    def top(self) -> float:
        """Frequency of the highest FFT bin that a band takes, Hz; 0 without bands."""
        bins = max((band.first + band.count - 1 for band in self.bands if band.count), default=0)
        return bins * self.sample_rate / self.n_fft if self.bands else 0.0

    @property
    def window_span(self) -> int:
        """Samples from a window's first to one past its last."""
        return (self.window_frames - 1) * self.hop + self.frame_length

    @property
    def window_step(self) -> int:
        """Samples between the beginnings of two windows."""
        return self.window_hop * self.hop

    @classmethod
    def logmel(
        cls,
        *,
        sample_rate: int = 16000,
        channels: int = 1,
        n_fft: int = 1024,
        hop: int = 512,
        n_mels: int = 64,
        fmin: float = 0.0,
        fmax: float | None = None,
        pool: Iterable[Pool] = ("mean", "std", "max"),
        window_frames: int = 31,
        window_hop: int | None = None,
        scale: float = 1 / 32768,
        log_floor: float = 1e-10,
        spacing: Literal["mel", "linear"] = "mel",
        power: bool = False,
    ) -> FeatureConfig:
        """Log-mel spectrum of sound, with Slaney's mel scale and area norm.

        A frame equals a column of ``power_to_db(melspectrogram(y, center=False), top_db=None)`` of librosa, where `y`
        is the frame less its mean.

        Parameters
        ----------
        sample_rate : int
            Hz.
        channels : int
            1 to 3.
        n_fft : int
            Length of a frame and of its FFT, a power of two.
        hop : int
            Samples between frames.
        n_mels : int
            Bands a channel, 1 to 128.
        fmin, fmax : float, optional
            Hz; `fmax` defaults to :data:`PASSBAND` of half the sample rate.
        pool : iterable of str
            What a window's vector is made of.
        window_frames : int
            Frames of a window.
        window_hop : int, optional
            Frames between windows; by default windows do not overlap.
        scale, log_floor : float
            As in the class.
        spacing : {"mel", "linear"}
            Linear: bands of equal width, of the mean power in each, which keep the fine structure of high
            frequencies apart that mel bands merge.
        power : bool
            As in the class.

        Returns
        -------
        FeatureConfig

        Raises
        ------
        FeatureError
            Where a value is out of range, or a band would hold no FFT bin.
        """
        _check_spectrum(sample_rate, n_fft, n_mels)
        fmax = PASSBAND * sample_rate / 2 if fmax is None else fmax
        if spacing == "linear":
            bands = power_bands(
                sample_rate=sample_rate,
                n_fft=n_fft,
                frame_length=n_fft,
                n_bands=n_mels,
                fmin=fmin,
                fmax=fmax,
                spacing=spacing,
            )
        else:
            bands = slaney_mel_bands(sample_rate=sample_rate, n_fft=n_fft, n_mels=n_mels, fmin=fmin, fmax=fmax)
        empty = [i for i, band in enumerate(bands) if not band.weights]
        if empty:
            ways = mel_remedies(sample_rate=sample_rate, n_fft=n_fft, n_mels=n_mels, fmin=fmin, fmax=fmax)
            raise FeatureError(
                f"mel band {empty[0]} of {n_mels} from {fmin:g} to {fmax:g} Hz holds no FFT bin (a bin is"
                f" {sample_rate / n_fft:.1f} Hz wide). Give {ways}."
            )
        return cls(
            sensor="audio",
            sample_rate=sample_rate,
            channels=channels,
            scale=scale,
            frame_length=n_fft,
            hop=hop,
            n_fft=n_fft,
            bands=bands,
            log_floor=log_floor,
            power=power,
            pool=tuple(pool),
            window_frames=window_frames,
            window_hop=window_frames if window_hop is None else window_hop,
        )

    @classmethod
    def vibration(
        cls,
        *,
        sample_rate: int,
        scale_g: float,
        frame_length: int,
        hop: int,
        n_fft: int,
        n_bands: int,
        fmin: float,
        fmax: float,
        window_frames: int,
        spacing: Literal["log", "linear", "mel"] = "log",
        stats: Iterable[Stat] = ("rms", "peak", "crest", "kurtosis"),
        pool: Iterable[Pool] = ("mean", "std", "max"),
        window_hop: int | None = None,
        channels: int = 3,
        remove_mean: bool = True,
        log_floor: float = 1e-10,
    ) -> FeatureConfig:
        """Time statistics and band powers of acceleration.

        A band's power is the mean square of the part of the signal in it, in g² (so in dB: of 1 g²). Bands
        are adjacent; a bin that lies across an edge is divided between its bands.

        Parameters
        ----------
        sample_rate : int
            Hz, of each channel.
        scale_g : float
            g a digit of the int16 samples.
        frame_length, hop : int
            Samples of a frame, and between frames.
        n_fft : int
            FFT length, at least `frame_length`; 0 without bands.
        n_bands : int
            Bands a channel, 0 to 128.
        fmin, fmax : float
            Hz, the lowest and highest edge; `fmin` > 0 for logarithmic spacing.
        window_frames : int
            Frames of a window.
        spacing : {"log", "linear", "mel"}
            How the edges are spaced.
        stats, pool : iterable of str
            As in the class.
        window_hop : int, optional
            Frames between windows; by default windows do not overlap.
        channels : int
            1 to 3 axes.
        remove_mean : bool
            Subtract gravity.
        log_floor : float
            As in the class, in g².

        Returns
        -------
        FeatureConfig

        Raises
        ------
        FeatureError
            Where a value is out of range or two contradict each other.
        """
        bands: tuple[Band, ...] = ()
        if n_bands:
            _check_spectrum(sample_rate, n_fft, n_bands)
            if not 1 <= frame_length <= n_fft:
                raise FeatureError(f"frame_length is {frame_length}, it must be at most n_fft ({n_fft})")
            bands = power_bands(
                sample_rate=sample_rate,
                n_fft=n_fft,
                frame_length=frame_length,
                n_bands=n_bands,
                fmin=fmin,
                fmax=fmax,
                spacing=spacing,
            )
        return cls(
            sensor="vibration",
            sample_rate=sample_rate,
            channels=channels,
            scale=scale_g,
            frame_length=frame_length,
            hop=hop,
            stats=tuple(stats),
            remove_mean=remove_mean,
            n_fft=n_fft if n_bands else 0,
            bands=bands,
            log_floor=log_floor,
            pool=tuple(pool),
            window_frames=window_frames,
            window_hop=window_frames if window_hop is None else window_hop,
        )

    def tables(self) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.uint16], NDArray[np.float32]]:
        """Return the tables as a bundle holds them: window, sine, bands (n, 2) and weights; empty without bands."""
        layout = np.array([(band.first, len(band.weights)) for band in self.bands], dtype=np.uint16).reshape(-1, 2)
        weights = np.array([w for band in self.bands for w in band.weights], dtype=np.float32)
        if not self.bands:
            return np.empty(0, np.float32), np.empty(0, np.float32), layout, weights
        # The same bytes each time, whatever other libraries have set the thread to in between.
        with _core.DefaultFloat():
            window = hann(self.frame_length) if self.window is None else np.array(self.window, np.float32)
            sine = sine_table(self.n_fft) if self.sine is None else np.array(self.sine, np.float32)
        return window, sine, layout, weights

    def _native(self) -> _core.DspConfig:
        window, sine, bands, weights = self.tables()
        try:
            return _core.DspConfig(
                sample_rate=self.sample_rate,
                channels=self.channels,
                scale=self.scale,
                frame_length=self.frame_length,
                hop=self.hop,
                stats=sum(1 << STATS.index(name) for name in self.stats),
                flags=self.flags,
                n_fft=self.n_fft,
                log_floor=self.log_floor,
                pool=sum(1 << POOLS.index(name) for name in self.pool),
                window_frames=self.window_frames,
                window_hop=self.window_hop,
                window=window,
                sine=sine,
                bands=bands,
                weights=weights,
            )
        except ValueError as error:
            raise FeatureError(f"the device's code refuses this feature configuration: {error}") from error

    @classmethod
    def _from_native(cls, native: _core.DspConfig, sensor: str) -> FeatureConfig:
        layout = native.bands.tolist()
        starts = [0, *itertools.accumulate(count for _, count in layout)]
        weights = native.weights.tolist()
        window = native.window
        sine = native.sine
        with _core.DefaultFloat():
            own_window = not layout or np.array_equal(window, hann(native.frame_length))
            own_sine = not layout or np.array_equal(sine, sine_table(native.n_fft))
        return cls(
            sensor=cast("Sensor", sensor),
            sample_rate=native.sample_rate,
            channels=native.channels,
            scale=native.scale,
            frame_length=native.frame_length,
            hop=native.hop,
            stats=tuple(name for i, name in enumerate(STATS) if native.stats >> i & 1),
            remove_mean=bool(native.flags & _REMOVE_MEAN),
            power=bool(native.flags & _POWER),
            n_fft=native.n_fft,
            bands=tuple(
                Band(first=first, weights=tuple(weights[start : start + count]))
                for (first, count), start in zip(layout, starts, strict=False)
            ),
            log_floor=native.log_floor,
            pool=tuple(name for i, name in enumerate(POOLS) if native.pool >> i & 1),
            window_frames=native.window_frames,
            window_hop=native.window_hop,
            window=None if own_window else tuple(window.tolist()),
            sine=None if own_sine else tuple(sine.tolist()),
        )


class Extractor:
    """Compute features of whole recordings, with the device's code.

    Holds the working memory of one extraction: use one for each thread. The GIL is released, so threads scale.

    Parameters
    ----------
    config : FeatureConfig
        What to compute.
    """

    def __init__(self, config: FeatureConfig) -> None:
        self.config = config
        self._native = _core.Extractor(config._native())

    def vectors(self, samples: NDArray[np.int16]) -> tuple[NDArray[np.float32], NDArray[np.uint64]]:
        """Feature vectors of all windows that the recording fills.

        Parameters
        ----------
        samples : ndarray of int16, shape (n,) or (n, channels)
            One recording without gaps.

        Returns
        -------
        vectors : ndarray of float32, shape (n_windows, n_vector)
            Empty where the recording is shorter than ``config.window_span``.
        spans : ndarray of uint64, shape (n_windows, 2)
            Index of each window's first sample, and one past its last.

        Raises
        ------
        DataError
            Where the samples are not int16 or have another number of channels.
        """
        return self._native.vectors(as_samples(samples, self.config.channels))

    def frames(self, samples: NDArray[np.int16]) -> NDArray[np.float32]:
        """Features of every frame, shape (n_frames, n_features); arguments and errors as :meth:`vectors`."""
        return self._native.frames(as_samples(samples, self.config.channels))


def as_samples(samples: NDArray[np.int16], channels: int) -> NDArray[np.int16]:
    """Check samples and give them the shape (n, channels), contiguous.

    Parameters
    ----------
    samples : ndarray of int16, shape (n,) or (n, channels)
        What a sensor gave.
    channels : int
        How many are expected.

    Raises
    ------
    DataError
        Where the type or the shape is another one.
    """
    array = np.asarray(samples)
    if array.dtype.kind != "i" or array.dtype.itemsize != 2:
        raise DataError(
            f"samples are {array.dtype}, the device's are int16: convert them once, where they are read "
            "(for floating-point audio: rint(x * 32768), clipped to -32768 … 32767)"
        )
    if array.ndim == 1:
        array = array[:, np.newaxis]
    if array.ndim != 2 or array.shape[1] != channels:
        raise DataError(
            f"samples have the shape {np.shape(samples)}, expected (n, {channels})"
            f"{' or (n,)' if channels == 1 else ''}: pick the channels that the detector was made for"
        )
    # An array from a file may have the other byte order.
    return np.ascontiguousarray(array, dtype=np.int16)


def hann(length: int) -> NDArray[np.float32]:
    """First half of the periodic Hann window, ``length // 2 + 1`` values, rounded once from float64."""
    n = np.arange(length // 2 + 1)
    return (0.5 - 0.5 * np.cos(2 * np.pi * n / length)).astype(np.float32)


def sine_table(n_fft: int) -> NDArray[np.float32]:
    """``sin(2πk/n_fft)`` for k = 0 … n_fft - 1, exact at the quarters, rounded once from float64."""
    quarter = np.sin(2 * np.pi * np.arange(n_fft // 4 + 1) / n_fft)
    half = np.concatenate([quarter, quarter[-2:0:-1]])
    return np.concatenate([half, -half]).astype(np.float32)


def _float32(name: str, value: float) -> float:
    with np.errstate(over="ignore"):
        rounded = float(np.float32(value))
    tiny = float(np.finfo(np.float32).tiny)
    if not (math.isfinite(rounded) and rounded >= tiny):
        raise FeatureError(f"{name} is {value!r}, it must be a positive number that a float32 can hold")
    return rounded


def _ordered(name: str, given: Iterable[str], known: tuple[str, ...]) -> tuple[str, ...]:
    names = {given} if isinstance(given, str) else set(given)
    unknown = sorted(str(item) for item in names.difference(known))
    if unknown:
        raise FeatureError(f"{name} has {', '.join(unknown)}: choose from {', '.join(known)}")
    return tuple(item for item in known if item in names)


def _range(name: str, value: int, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not low <= value <= high:
        raise FeatureError(f"{name} is {value!r}, it must be a whole number from {low} to {high}")


def _check_spectrum(sample_rate: int, n_fft: int, n_bands: int) -> None:
    _range("sample_rate", sample_rate, 1, 2**32 - 1)
    _range("the number of bands", n_bands, 1, 128)
    _range("n_fft", n_fft, 256, 4096)
    if n_fft & (n_fft - 1):
        raise FeatureError(f"n_fft is {n_fft}, it must be a power of two")


def _check(config: FeatureConfig) -> None:
    if config.sensor not in ("audio", "vibration"):
        raise FeatureError(f"sensor is {config.sensor!r}, it must be audio or vibration")
    _range("sample_rate", config.sample_rate, 1, 2**32 - 1)
    _range("channels", config.channels, 1, 3)
    if config.sensor == "audio" and not config.remove_mean:
        raise FeatureError("sound is taken less each frame's mean, a microphone's offset: leave out remove_mean=False")
    if config.bands:
        _check_spectrum(config.sample_rate, config.n_fft, len(config.bands))
    elif config.n_fft:
        raise FeatureError(f"n_fft is {config.n_fft} but there are no bands: set n_fft to 0 or give bands")
    if not config.bands and not config.stats:
        raise FeatureError("there is nothing to compute: choose statistics, bands or both")
    _range("frame_length", config.frame_length, 16, config.n_fft or 4096)
    _range("hop", config.hop, 1, config.frame_length)
    _check_window(config)


def _check_window(config: FeatureConfig) -> None:
    if config.power and (not config.bands or {"stack", "std"} & set(config.pool)):
        raise FeatureError("powers are pooled as mean and max of bands: leave out stack and std, and have bands")
    if not config.pool:
        raise FeatureError(f"pool is empty: choose from {', '.join(POOLS)}")
    _range("window_frames", config.window_frames, 1, 1024)
    _range("window_hop", config.window_hop, 1, config.window_frames)
    if config.pool != ("stack",) and config.window_frames % config.window_hop:
        raise FeatureError(
            f"window_hop is {config.window_hop}, it must divide window_frames ({config.window_frames}) "
            "where mean, std or max is pooled"
        )
    if config.n_vector > _VECTOR_MAX:
        raise FeatureError(
            f"a window would have {config.n_vector} values, a device takes {_VECTOR_MAX}: "
            "use fewer bands, fewer frames a window, or pool instead of stacking"
        )
