# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""That the fan's faults can be found, and not by loudness alone; by librosa and scikit-learn, an oracle."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tocsin.synth import MACHINES, render
from tocsin.synth.dataset import ABNORMAL_CLIP

cluster = pytest.importorskip("sklearn.cluster")
metrics = pytest.importorskip("sklearn.metrics")
librosa = pytest.importorskip("librosa")


def features(clip: int, fault: str | None = None) -> NDArray[np.float64]:
    x = render("fan", clip=clip, fault=fault)
    power = np.abs(librosa.stft(x, n_fft=1024)) ** 2
    mel = librosa.filters.mel(sr=16_000, n_fft=1024, n_mels=64) @ power
    return np.append(np.mean(10 * np.log10(mel + 1e-10), axis=1), 10 * np.log10(np.mean(x**2)))


@pytest.mark.slow
def test_log_mel_clusters_find_the_fan_s_faults_and_loudness_does_not() -> None:
    train = np.array([features(clip) for clip in range(60)])
    normal = np.array([features(clip) for clip in range(60, 85)])
    abnormal = np.array([features(ABNORMAL_CLIP + i, fault) for i, fault in enumerate([*MACHINES["fan"].faults] * 5)])
    model = cluster.KMeans(4, n_init=5, random_state=0).fit(train[:, :-1])
    labels = [0] * len(normal) + [1] * len(abnormal)
    both = np.concatenate([normal, abnormal])
    assert metrics.roc_auc_score(labels, model.transform(both[:, :-1]).min(axis=1)) > 0.95
    assert metrics.roc_auc_score(labels, both[:, -1]) < 0.93
