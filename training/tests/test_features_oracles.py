# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Features against librosa, SciPy and NumPy in float64."""

from __future__ import annotations

import dataclasses

import librosa
import numpy as np
import pytest
import scipy.signal
import scipy.stats

from builders import noise
from tocsin.features import Extractor, FeatureConfig, FeatureError
from tocsin.features.filterbank import slaney_mel_bands


def db_tolerance(expected: np.ndarray) -> np.ndarray:
    """Tolerance of log band powers in dB, for each.

    The rounding errors of a float32 FFT spread over all bins: each is off by some part of the spectrum's root mean
    square. Taken as 2^-23 (two units in the last place), a band D dB below the frame's strongest may be off by
    20 log10(1 + 2^-23 · 10^(D/20)): 1e-6 dB near the strongest, 0.003 dB at 70 dB below it. The logarithm and the
    sum add 1e-5 dB. Over the cases below, the greatest error is between a quarter and a half of this.
    """
    below = expected.max(axis=-1, keepdims=True) - expected
    return 1e-5 + 20 * np.log10(1 + 2.0**-23 * 10 ** (below / 20))


# Sums of up to 4096 float32 terms in order: at most 4096 · 2^-24, far less in practice.
RELATIVE = 2e-5


def dense(bands, n_fft: int) -> np.ndarray:
    matrix = np.zeros((len(bands), n_fft // 2 + 1))
    for row, band in zip(matrix, bands, strict=True):
        row[band.first : band.first + band.count] = band.weights
    return matrix


def frames_of(samples: np.ndarray, length: int, hop: int) -> np.ndarray:
    """Frames of one channel in float64, shape (n_frames, length)."""
    return np.lib.stride_tricks.sliding_window_view(samples.astype(np.float64), length)[::hop]


@pytest.mark.parametrize(
    ("sample_rate", "n_fft", "n_mels", "fmin", "fmax"),
    [(16000, 1024, 64, 0.0, None), (16000, 1024, 128, 20.0, 8000.0), (8000, 512, 40, 50.0, 3500.0),
     (44100, 2048, 64, 300.0, None), (16000, 256, 16, 0.0, 950.0), (48000, 4096, 128, 0.0, 20000.0)],
)  # fmt: skip
def test_mel_weights_are_librosas(sample_rate, n_fft, n_mels, fmin, fmax):
    bands = slaney_mel_bands(sample_rate=sample_rate, n_fft=n_fft, n_mels=n_mels, fmin=fmin, fmax=fmax)
    expected = librosa.filters.mel(sr=sample_rate, n_fft=n_fft, n_mels=n_mels, fmin=fmin, fmax=fmax, dtype=np.float64)
    np.testing.assert_allclose(dense(bands, n_fft), expected, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize(
    ("sample_rate", "n_fft", "hop", "n_mels", "fmin", "fmax"),
    [
        (16000, 1024, 512, 64, 0.0, 8000.0),
        (16000, 1024, 300, 128, 20.0, 7600.0),
        (8000, 256, 128, 16, 100.0, 4000.0),
        (44100, 2048, 2048, 40, 0.0, 16000.0),
        (48000, 4096, 1024, 64, 50.0, 24000.0),
    ],
)
@pytest.mark.parametrize("signal", ["noise", "quiet", "tones", "full scale"])
def test_logmel_is_librosas(sample_rate, n_fft, hop, n_mels, fmin, fmax, signal):
    config = FeatureConfig.logmel(
        sample_rate=sample_rate, n_fft=n_fft, hop=hop, n_mels=n_mels, fmin=fmin, fmax=fmax, window_frames=1
    )
    n = n_fft + 20 * hop
    t = np.arange(n) / sample_rate
    rng = np.random.default_rng(3)
    samples = {
        "noise": rng.normal(0, 3000, n),
        "quiet": rng.normal(0, 1, n),
        "tones": 10000 * np.sin(2 * np.pi * 440 * t) + 300 * np.sin(2 * np.pi * 3000 * t) + rng.normal(0, 10, n),
        "full scale": np.sign(np.sin(2 * np.pi * 120 * t)) * 32767 + rng.normal(0, 30, n),
    }[signal]
    samples = np.clip(np.rint(samples), -32768, 32767).astype(np.int16)
    frames = frames_of(samples, n_fft, hop) / 32768.0
    # librosa keeps a frame's mean, so it gets each frame on its own, less that.
    power = librosa.feature.melspectrogram(
        y=frames - frames.mean(axis=1, keepdims=True), sr=sample_rate, n_fft=n_fft, hop_length=hop, n_mels=n_mels,
        fmin=fmin, fmax=fmax, center=False, power=2.0, dtype=np.float64,
    )[..., 0]  # fmt: skip
    expected = librosa.power_to_db(power, top_db=None)
    found = Extractor(config).frames(samples)
    assert (np.abs(found - expected) <= db_tolerance(expected)).all()


def test_silence_is_the_floor():
    config = FeatureConfig.logmel(log_floor=1e-8)
    frames = Extractor(config).frames(np.zeros(4096, np.int16))
    np.testing.assert_allclose(frames, -80.0, atol=1e-5)


@pytest.mark.parametrize("remove_mean", [True, False])
@pytest.mark.parametrize("length", [16, 100, 1024, 4096])
def test_statistics_are_scipys(length, remove_mean):
    config = FeatureConfig.vibration(
        sample_rate=1000, scale_g=1 / 2048, frame_length=length, hop=length // 2, n_fft=0, n_bands=0, fmin=0, fmax=500,
        window_frames=1, remove_mean=remove_mean,
    )  # fmt: skip
    samples = noise(config, 5 * length)
    found = Extractor(config).frames(samples).reshape(-1, 3, 4)
    for channel in range(3):
        x = frames_of(samples[:, channel], length, length // 2) / 2048
        if remove_mean:
            x = x - x.mean(axis=1, keepdims=True)
        rms = np.sqrt(np.mean(x**2, axis=1))
        peak = np.abs(x).max(axis=1)
        kurtosis = scipy.stats.kurtosis(x, axis=1, fisher=False)
        expected = np.stack([rms, peak, peak / rms, kurtosis], axis=1)
        np.testing.assert_allclose(found[:, channel], expected, rtol=RELATIVE)


def test_statistics_of_a_constant():
    config = FeatureConfig.vibration(
        sample_rate=1000, scale_g=0.5, frame_length=64, hop=64, n_fft=0, n_bands=0, fmin=0, fmax=500, window_frames=1,
        channels=1,
    )  # fmt: skip
    constant = np.full(64, 7, np.int16)
    assert Extractor(config).frames(constant).tolist() == [[0.0, 0.0, 0.0, 0.0]]
    kept = dataclasses.replace(config, remove_mean=False)
    assert Extractor(kept).frames(constant).tolist() == [[3.5, 3.5, 1.0, 0.0]]


@pytest.mark.parametrize(("frame_length", "n_fft"), [(256, 256), (200, 256), (1000, 1024), (300, 2048)])
def test_band_powers_are_the_spectrums(frame_length, n_fft):
    config = FeatureConfig.vibration(
        sample_rate=2000, scale_g=1 / 4096, frame_length=frame_length, hop=frame_length, n_fft=n_fft, n_bands=9,
        fmin=10.0, fmax=1000.0, stats=(), window_frames=1,
    )  # fmt: skip
    samples = noise(config, 6 * frame_length, amplitude=1500)
    found = Extractor(config).frames(samples).reshape(-1, 3, 9)
    window = scipy.signal.get_window("hann", frame_length)
    for channel in range(3):
        x = frames_of(samples[:, channel], frame_length, frame_length) / 4096
        x = x - x.mean(axis=1, keepdims=True)
        power = np.abs(np.fft.rfft(x * window, n_fft)) ** 2
        expected = 10 * np.log10(np.maximum(power @ dense(config.bands, n_fft).T, 1e-10))
        assert (np.abs(found[:, channel] - expected) <= db_tolerance(expected)).all()


def test_band_power_is_the_mean_square_of_welch():
    # Independent of the filter bank: the power density of scipy.signal, integrated from edge to edge.
    config = FeatureConfig.vibration(
        sample_rate=1024, scale_g=1.0, frame_length=1024, hop=512, n_fft=1024, n_bands=4, fmin=32.0, fmax=512.0,
        stats=(), window_frames=1, channels=1, remove_mean=True, spacing="linear",
    )  # fmt: skip
    samples = noise(config, 64 * 1024, amplitude=1000)
    density_hz, density = scipy.signal.welch(
        samples[:, 0].astype(np.float64), fs=1024, window="hann", nperseg=1024, noverlap=512, detrend="constant"
    )
    found = np.mean(10 ** (Extractor(config).frames(samples).astype(np.float64) / 10), axis=0)
    for band, low in enumerate([32.0, 152.0, 272.0, 392.0]):
        inside = (density_hz > low) & (density_hz < low + 120)
        edges = 0.5 * (density[density_hz == low] + density[density_hz == low + 120])
        if low + 120 == 512:  # Nyquist's bin counts once and in full
            edges = 0.5 * density[density_hz == low] + density[density_hz == 512]
        expected = (density[inside].sum() + edges[0]) * 1.0
        assert found[band] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(("window_frames", "window_hop"), [(1, 1), (6, 2), (6, 6), (31, 1), (7, 7)])
def test_pooling_is_numpys(window_frames, window_hop):
    base = FeatureConfig.vibration(
        sample_rate=1000, scale_g=1 / 2048, frame_length=50, hop=25, n_fft=256, n_bands=3, fmin=5, fmax=500,
        pool=("stack", "mean", "std", "max"), window_frames=window_frames, window_hop=window_hop, channels=2,
    )  # fmt: skip
    samples = noise(base, 3000)
    frames = Extractor(base).frames(samples)
    vectors, spans = Extractor(base).vectors(samples)
    windows = np.lib.stride_tricks.sliding_window_view(frames, window_frames, axis=0)[::window_hop]
    windows = windows.transpose(0, 2, 1)
    n = base.n_features
    stacked = window_frames * n
    assert len(vectors) == len(windows) == len(spans)
    np.testing.assert_array_equal(vectors[:, :stacked], windows.reshape(len(windows), -1))
    exact = windows.astype(np.float64)
    np.testing.assert_allclose(vectors[:, stacked : stacked + n], exact.mean(axis=1), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(vectors[:, stacked + n : stacked + 2 * n], exact.std(axis=1), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(vectors[:, stacked + 2 * n :], windows.max(axis=1))


@pytest.mark.parametrize("pool", [("mean",), ("max",), ("mean", "max")])
def test_powers_are_pooled_before_the_logarithm(pool):
    base = FeatureConfig.logmel(n_mels=9, spacing="linear", pool=pool, window_frames=6, window_hop=3, power=True)
    samples = noise(base, 30000)[:, 0]
    samples[9000:9100] = 30000  # a knock, which decibels would hide
    vectors, _ = Extractor(base).vectors(samples)
    frames = Extractor(dataclasses.replace(base, power=False)).frames(samples).astype(np.float64)
    powers = np.lib.stride_tricks.sliding_window_view(10 ** (frames / 10), 6, axis=0)[::3]
    expected = [10 * np.log10({"mean": powers.mean(axis=2), "max": powers.max(axis=2)}[name]) for name in pool]
    np.testing.assert_allclose(vectors, np.concatenate(expected, axis=1), atol=1e-4)
    assert not np.allclose(vectors[:, :9], frames[: len(vectors), :9].mean(axis=0), atol=1)


def test_pooled_powers_of_silence_are_the_floor_and_statistics_stay():
    config = FeatureConfig.vibration(
        sample_rate=1000, scale_g=1.0, frame_length=64, hop=64, n_fft=256, n_bands=4, fmin=10, fmax=500,
        pool=("mean",), window_frames=4, channels=2,
    )  # fmt: skip
    config = dataclasses.replace(config, power=True)
    vectors, _ = Extractor(config).vectors(np.zeros((1000, 2), np.int16))
    assert vectors[0].tolist() == [0.0] * 4 + [-100.0] * 4 + [0.0] * 4 + [-100.0] * 4
    loud, _ = Extractor(config).vectors(noise(config, 1000))
    plain, _ = Extractor(dataclasses.replace(config, power=False)).vectors(noise(config, 1000))
    np.testing.assert_array_equal(loud[:, [0, 1, 2, 3, 8, 9, 10, 11]], plain[:, [0, 1, 2, 3, 8, 9, 10, 11]])


@pytest.mark.parametrize("pool", [("stack",), ("std",), ("mean", "std")])
def test_powers_are_not_stacked_and_have_no_deviation(pool):
    with pytest.raises(FeatureError, match="leave out stack and std"):
        FeatureConfig.logmel(pool=pool, window_frames=4, power=True)
