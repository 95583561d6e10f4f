# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""A microphone's offset, constant or drifting, is nobody's fault: training, replay and device take it out alike."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.signal

from recordings import RATE, hum, write
from tocsin.alarm.threshold import parse_rate
from tocsin.data import ReadOptions, open_dataset
from tocsin.features import Extractor, FeatureConfig
from tocsin.features.frontend import FrontEnd
from tocsin.learn.options import TrainOptions
from tocsin.learn.train import train
from tocsin.twin import Event, Twin

OFFSET = 1000
SECONDS = 6.0
BASE = TrainOptions(
    kind="kmeans", budget=parse_rate("1/day"), clusters=2, epochs=3, holdout=0.0, validation=0.5, strange=0, force=True
)
DETECTORS = {
    "kmeans": BASE,
    "gmm": replace(BASE, kind="gmm"),
    "mahalanobis": replace(BASE, kind="mahalanobis", front_end=FrontEnd(bands=16)),
    "neighbours": replace(BASE, kind="neighbours"),
    "powers": replace(BASE, kind="neighbours", front_end=FrontEnd(average="power")),
    "short frames": replace(BASE, front_end=FrontEnd(n_fft=256, bands=16)),
    "autoencoder": replace(BASE, kind="autoencoder", hidden=(16, 4, 16)),
    "embedding": replace(BASE, kind="embedding", front_end=FrontEnd(bands=16, window_frames=16)),
}


def fan(seed: int, machine: int = 0) -> np.ndarray:
    """Six quiet seconds of a machine, in digits, before they are rounded."""
    return 3000 * hum(seed, seconds=SECONDS, pitch=120.0 + 60 * machine)


def digits(x: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(x), -32768, 32767).astype(np.int16)


def drifts() -> dict[str, np.ndarray]:
    """What a microphone may add, in digits."""
    t = np.arange(int(SECONDS * RATE)) / RATE
    return {
        "nothing": 0 * t,
        "a constant": 0 * t + OFFSET,
        "a constant of the other sign": 0 * t - OFFSET,
        "a drift of 1,000 digits": OFFSET * t / SECONDS,
        "a slow swing": OFFSET * np.sin(2 * np.pi * t / 20),
        "what is left of switching it on": OFFSET * np.exp(-t / 0.05),
    }


@pytest.fixture(scope="module", params=[0, OFFSET], ids=["trained without", "trained with"])
def recorded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Healthy recordings of two machines, with an offset or without."""
    root = tmp_path_factory.mktemp("recorded")
    for machine in range(2):
        for i in range(24):
            x = (fan(100 * machine + i, machine) + request.param) / 32768
            write(root / f"fan/id_0{machine}/normal/{i:08d}.wav", x)
    return root


@pytest.mark.parametrize("name", DETECTORS)
def test_healthy_recordings_with_another_offset_do_not_alarm(recorded: Path, name: str) -> None:
    bundle = train(open_dataset(recorded, ReadOptions()), None, DETECTORS[name]).bundle
    alarms = {}
    for what, added in drifts().items():
        for seed in range(1000, 1003):
            found = Twin(bundle).push(digits(fan(seed) + added))
            alarms[what] = alarms.get(what, 0) + sum(isinstance(item, Event) for item in found)
    assert alarms == dict.fromkeys(drifts(), 0)
    # It hears faults all the same; an embedding would take more than three epochs.
    t = np.arange(int(SECONDS * RATE)) / RATE
    whistle = 1000 * np.sin(2 * np.pi * 2500 * t)
    found = Twin(bundle).push(digits(fan(1000) + whistle))
    assert name == "embedding" or any(isinstance(item, Event) for item in found)


@pytest.mark.parametrize("config", [
    FeatureConfig.logmel(),
    FeatureConfig.logmel(spacing="linear", power=True, pool=("mean", "max")),
    FeatureConfig.logmel(n_fft=512, hop=100, channels=2),
    FeatureConfig.vibration(sample_rate=RATE, scale_g=1e-3, frame_length=1000, hop=500, n_fft=1024, n_bands=16, fmin=5,
                            fmax=RATE / 2, window_frames=4),
])  # fmt: skip
def test_a_constant_offset_changes_no_bit(config: FeatureConfig) -> None:
    samples = np.stack([digits(fan(seed)) for seed in range(config.channels)], axis=1)
    plain, _ = Extractor(config).vectors(samples)
    for offset in (1, -1, 999, -1000, 20000, -20000):
        moved, _ = Extractor(config).vectors(samples + np.int16(offset))
        assert moved.tobytes() == plain.tobytes()


@pytest.mark.parametrize("hz", [0.05, 0.2, 1.0, 2.0])
def test_what_is_slower_than_a_frame_leaves_less_than_behind_a_high_pass(hz: float) -> None:
    """Above the lowest 20 Hz, as little as of the recursive filter that the sources had; below, far less."""
    t = np.arange(30 * RATE) / RATE
    swing = digits(30000 * np.sin(2 * np.pi * hz * t))
    config = FeatureConfig.logmel(
        n_mels=8, fmin=0.0, fmax=125.0, spacing="linear", power=True, pool=("mean",), window_frames=900
    )
    left = 10 ** (Extractor(config).vectors(swing)[0][0].astype(np.float64) / 10)
    k = 2 * np.pi * 5 / RATE
    passed = scipy.signal.lfilter([1, -1], [1, -(1 - k)], swing.astype(np.float64))[RATE:]
    frames = np.lib.stride_tricks.sliding_window_view(passed, 1024)[::512] * scipy.signal.get_window("hann", 1024)
    power = np.mean(np.abs(np.fft.rfft(frames / 32768)) ** 2, axis=0)
    weights = np.zeros((8, 513))
    for row, band in zip(weights, config.bands, strict=True):
        row[band.first : band.first + band.count] = band.weights
    assert left.sum() < 0.5 * (weights @ power).sum()
