# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Many recordings: every processor works, and few recordings are held at a time."""

from __future__ import annotations

import importlib
import os
import threading
import time
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from recordings import mimii
from tocsin.alarm.threshold import parse_rate
from tocsin.bundle import Bundle
from tocsin.data import Clip, Dataset, Issues, ReadOptions, extract, open_dataset
from tocsin.data.info import survey_dataset
from tocsin.evaluation.evaluate import evaluate
from tocsin.features import FeatureConfig
from tocsin.features.frontend import FrontEnd
from tocsin.learn.options import TrainOptions
from tocsin.learn.train import train

MANY = 1000
THREADS = 3

# The function of the same name hides the module from an ordinary import.
extract_module = importlib.import_module("tocsin.data.extract")


class Held:
    """Counts arrays that were read and are still held by somebody."""

    def __init__(self) -> None:
        self.now = self.most = self.read = 0
        self._lock = threading.Lock()

    def add(self, array: npt.NDArray[np.int16]) -> None:
        with self._lock:
            self.now += 1
            self.read += 1
            self.most = max(self.most, self.now)
        weakref.finalize(array, self._gone)

    def _gone(self) -> None:
        with self._lock:
            self.now -= 1


def _counted(counter: Held) -> object:
    def read(_: Dataset, clip: Clip, __: Issues) -> npt.NDArray[np.int16]:
        samples = np.random.default_rng(int(clip.name)).integers(-3000, 3000, 5333, dtype=np.int16)
        counter.add(samples)
        return samples

    return read


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Held:
    """Recordings are noise that no file has to hold, a third of a second long, and counted."""
    counter = Held()
    monkeypatch.setattr(Dataset, "read", _counted(counter))
    monkeypatch.setattr(extract_module, "processors", lambda: THREADS)
    return counter


def _many(labels: tuple[str, ...] = ("normal", "anomaly")) -> Dataset:
    clips = tuple(Clip(str(i), Path("x"), labels[i % len(labels)], "fan") for i in range(MANY))  # type: ignore[arg-type]
    return Dataset(Path("x"), "audio", clips, (), ReadOptions(rate=16000))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    front_end = FrontEnd(bands=16, window_frames=4)
    options = TrainOptions(kind="kmeans", budget=parse_rate("1/day"), clusters=2, front_end=front_end)
    data = mimii(tmp_path_factory.mktemp("fan"), normal=6, abnormal=1)
    return train(open_dataset(data, ReadOptions()), None, options).bundle


def test_a_thousand_clips_are_evaluated_with_few_in_memory(bundle: Bundle, held: Held) -> None:
    result = evaluate(bundle, _many(), issues=Issues())
    assert len(result.scored) == held.read == MANY
    assert held.most <= 2 * THREADS + 1


def test_features_wait_for_who_uses_them(held: Held) -> None:
    config = FeatureConfig.logmel(n_mels=16, window_frames=4)
    ahead = 0
    for used, _ in enumerate(extract(_many(), _many().clips[:200], config, issues=Issues()), start=1):
        time.sleep(0.001)  # slower than the extraction
        ahead = max(ahead, held.read - used)
    assert 0 < ahead <= 2 * THREADS


def test_every_processor_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(12)), raising=False)
    # Passed only when all twelve wait at the same time.
    meet = threading.Barrier(12, timeout=20)
    assert len(list(extract_module.in_threads(lambda _: meet.wait(), range(12)))) == 12


def test_info_reads_few_at_a_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    counter = Held()

    def values(_: Dataset, __: Clip) -> tuple[npt.NDArray[np.float64], float]:
        samples = np.random.default_rng(counter.read).normal(0, 1000, (16000, 1))
        counter.add(samples)
        return samples, 16000

    monkeypatch.setattr(Dataset, "values", values)
    monkeypatch.setattr(extract_module, "processors", lambda: THREADS)
    found = survey_dataset(replace(_many(), clips=_many().clips[:100]))
    assert (found.clips, counter.read) == (100, 100)
    assert counter.most <= 2 * THREADS + 1
