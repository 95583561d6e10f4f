# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""From recordings to a bundle, and how well the bundle then does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from recordings import hum, mimii, shakes, write
from tocsin.alarm.threshold import parse_rate
from tocsin.bundle import read_bundle
from tocsin.data import Issues, ReadOptions, digest, extract, open_dataset, split_clips
from tocsin.errors import DataError
from tocsin.evaluation.evaluate import evaluate, read_options
from tocsin.features import FeatureConfig
from tocsin.features.frontend import FrontEnd, audio_features, vibration_features
from tocsin.learn.matching import trained_digests
from tocsin.learn.options import TrainOptions
from tocsin.learn.train import Trained, choose_decision, fit_normalisation, normalise, train
from tocsin.twin import Event, Scorer, Twin

QUICK = TrainOptions(kind="kmeans", budget=parse_rate("1/day"), clusters=4, front_end=FrontEnd(bands=32))


@pytest.fixture(scope="module")
def fan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return mimii(tmp_path_factory.mktemp("fan"))


@pytest.fixture(scope="module")
def trained(fan: Path) -> Trained:
    return train(open_dataset(fan, ReadOptions()), None, QUICK)


@pytest.mark.parametrize("kind", ["kmeans", "gmm", "mahalanobis"])
def test_whistle_is_told_from_hum(fan: Path, kind: str) -> None:
    found = train(open_dataset(fan, ReadOptions()), None, replace(QUICK, kind=kind, clusters=2))
    assert found.bundle.kind == kind
    result = evaluate(found.bundle, open_dataset(fan, read_options(found.bundle, {})), issues=Issues())
    assert result.rows[-1].auc == 1.0
    assert (result.rows[-1].n_normal, result.rows[-1].n_anomaly) == (3, 4)


def test_same_seed_gives_the_same_bundle(fan: Path, trained: Trained, tmp_path: Path) -> None:
    again = train(open_dataset(fan, ReadOptions()), tmp_path / "a.tocsin", QUICK)
    assert (tmp_path / "a.tocsin").read_bytes() == again.raw == trained.raw
    assert train(open_dataset(fan, ReadOptions()), None, replace(QUICK, seed=1)).raw != trained.raw


def test_record_says_what_was_done(fan: Path, trained: Trained) -> None:
    meta = read_bundle(trained.raw).meta
    assert meta["data"] == {"name": fan.name, "sensor": "audio", "rate": 16000}
    assert meta["split"] == {
        "seed": 0, "holdout": 0.25, "validation": 0.2, "fit": 7, "judged": 2, "held_out": 3, "skipped": 0,
        "outliers": 0,
    }  # fmt: skip
    assert meta["threshold"]["budget"] == "1/day"
    line = meta["threshold"]
    assert line["on"] == pytest.approx(trained.bundle.decision.threshold_on, rel=1e-6)
    assert line["on_low"] < line["on_high"]
    assert line["expected_low"] <= line["expected_per_hour"] <= line["expected_high"]
    # Two recordings of four windows, 16 frames apart; two are averaged, and two averages must be high: two judgements.
    assert line["hours"] == pytest.approx(2 * 2 * 16 * 512 / 16000 / 3600)


def test_bad_recordings_are_too_many_by_their_share_of_all(tmp_path: Path) -> None:
    fan = mimii(tmp_path, normal=20)
    options = replace(QUICK, validation=0.2)
    judges = split_clips(open_dataset(fan, ReadOptions()).clips, seed=0, holdout=0.25, validation=0.2).validation
    for clip in judges[:-1]:
        clip.path.write_bytes(b"RIFF")
    found = train(open_dataset(fan, ReadOptions()), None, options)
    assert len(judges) == 3
    assert [name for name, _ in found.issues.skipped] == [clip.name for clip in judges[:-1]]
    assert (found.bundle.meta["split"]["fit"], found.bundle.meta["split"]["judged"]) == (12, 1)
    judges[-1].path.write_bytes(b"RIFF")
    with pytest.raises(DataError, match="Too few usable recordings"):
        train(open_dataset(fan, ReadOptions()), None, options)


def test_trained_on_are_exactly_the_recorded_ones(fan: Path, trained: Trained) -> None:
    dataset = open_dataset(fan, ReadOptions())
    used = trained.split.fit + trained.split.validation
    assert trained_digests(trained.bundle) == {digest(dataset.read(clip, Issues())) for clip in used}
    assert not any(clip.label == "anomaly" for clip in used + trained.split.test)


def test_alarm_within_seconds_and_none_on_health(trained: Trained) -> None:
    def events(whistle: bool) -> list[Event]:
        twin = Twin(trained.bundle)
        found = twin.push(np.rint(32767 * hum(77, seconds=20, whistle=whistle)).astype(np.int16))
        return [item for item in found if isinstance(item, Event)]

    assert events(whistle=False) == []
    first = events(whistle=True)[0]
    assert first.kind == "begin"
    assert first.end <= 5 * 16000


def test_autoencoder_int8_agrees_with_float(tmp_path: Path) -> None:
    for i in range(16):
        write(tmp_path / f"normal/{i}.wav", hum(i))
    for i in range(6):
        # So faint that the float network itself misses windows: an AUC of 1 would hide any difference.
        write(tmp_path / f"anomaly/{i}.wav", hum(100 + i) + 0.3 * (hum(900 + i, whistle=True) - hum(900 + i)))
    dataset = open_dataset(tmp_path, ReadOptions())
    front = FrontEnd(bands=32, window_frames=3)
    options = replace(QUICK, kind="autoencoder", front_end=front, hidden=(32, 8, 32), epochs=15)
    found = train(dataset, None, options)
    assert found.exact is not None
    bundle = found.bundle
    assert bundle.model.arena_size > 0  # type: ignore[union-attr]
    scorer = Scorer(bundle)
    truth: list[bool] = []
    exact: list[float] = []
    int8: list[float] = []
    clips = [*found.split.test, *(clip for clip in dataset.clips if clip.label == "anomaly")]
    for item in extract(dataset, clips, bundle.features, issues=Issues()):
        truth += [item.clip.label == "anomaly"] * len(item.vectors)
        exact += list(found.exact(normalise(item.vectors, bundle.normalisation)))
        int8 += list(scorer.score(item.vectors))
    auc = roc_auc_score(truth, exact)
    assert 0.55 < auc < 0.999
    assert roc_auc_score(truth, int8) == pytest.approx(auc, abs=0.01)
    recorded = bundle.meta["validation"]
    assert recorded["auc_int8"] == pytest.approx(recorded["auc_float"], abs=0.01)
    assert recorded["n_anomaly"] == 6
    assert train(dataset, None, options).raw == found.raw


def test_vibration_from_npz(tmp_path: Path) -> None:
    path = shakes(tmp_path / "fan.npz")
    options = TrainOptions(kind="mahalanobis", budget=parse_rate("1/hour"), covariance="diagonal")
    bundle = train(open_dataset(path, ReadOptions(rate=200, unit="ug")), None, options).bundle
    assert bundle.features.scale == np.float32(2 / 32768)
    result = evaluate(bundle, open_dataset(path, read_options(bundle, {})), issues=Issues())
    assert [row.machine for row in result.rows] == ["fan_0_high", "fan_0_low", "all"]
    assert [(row.auc, row.n_normal, row.n_anomaly) for row in result.rows][-1] == (1.0, 12, 48)
    assert result.left_out == 36


def test_normalisation_has_a_floor() -> None:
    vectors = np.array([[1.0, 100.0, 0.0], [3.0, 100.0, 0.0]], np.float32)
    found = fit_normalisation(vectors)
    np.testing.assert_allclose(found.mean, [2, 100, 0])
    np.testing.assert_allclose(found.inv_std, [1, 10, 1e6])


def test_normalisation_is_scikit_learns(rng: np.random.Generator) -> None:
    from sklearn.preprocessing import StandardScaler

    vectors = (rng.normal(size=(500, 5)) * [1, 10, 0.1, 3, 2] + [0, -50, 1, 2, 3]).astype(np.float32)
    wanted = StandardScaler().fit_transform(vectors.astype(np.float64))
    np.testing.assert_allclose(normalise(vectors, fit_normalisation(vectors)), wanted, atol=1e-4)


@pytest.mark.parametrize(("windows", "wanted"), [(1, (1, 1)), (4, (2, 2)), (100, (4, 2))])
def test_decision_follows_the_recordings_length(windows: int, wanted: tuple[int, int]) -> None:
    features = FeatureConfig.logmel(n_mels=8, window_frames=32, window_hop=16)
    assert choose_decision(features, windows, QUICK) == wanted


def test_default_features() -> None:
    pooled = audio_features(FrontEnd(), sample_rate=16000, stacked=False)
    assert (pooled.n_vector, pooled.window_frames, pooled.window_hop) == (64, 32, 16)
    assert audio_features(FrontEnd(), sample_rate=16000, stacked=True).n_vector == 320
    near = audio_features(FrontEnd(), sample_rate=16000, stacked=False, near=True)
    assert near.window_span <= 8 * 16000 < near.window_span + 4 * near.hop
    assert near.window_frames == 4 * near.window_hop
    for length in (2 * 16000, 4000):
        short = audio_features(FrontEnd(), sample_rate=16000, stacked=False, near=True, clip_samples=length)
        assert short.window_span <= length < short.window_span + 4 * short.hop
    assert {len(band.weights) for band in near.bands} != {len(band.weights) for band in pooled.bands}
    fan = vibration_features(FrontEnd(), sample_rate=200, channels=3, scale_g=1e-4, clip_samples=200)
    assert (fan.frame_length, fan.hop, fan.window_span, fan.n_vector) == (100, 50, 200, 60)
    fast = vibration_features(FrontEnd(), sample_rate=25600, channels=1, scale_g=1e-4, clip_samples=256000)
    assert (fast.frame_length, fast.n_fft) == (4096, 4096)


def test_windows_of_neighbours_fit_most_recordings(tmp_path: Path) -> None:
    for i in range(12):
        write(tmp_path / f"normal/{i:02d}.wav", hum(i)[: 16000 if i % 3 else 8000])
    trained = train(
        open_dataset(tmp_path, ReadOptions()), None, replace(QUICK, kind="neighbours", front_end=FrontEnd())
    )
    assert trained.bundle.features.window_span <= 8000


def test_anomalies_alone_cannot_be_trained_on(tmp_path: Path) -> None:
    write(tmp_path / "abnormal/a.wav", hum(0))
    with pytest.raises(DataError, match="too few"):
        train(open_dataset(tmp_path, ReadOptions()), None, QUICK)


@pytest.mark.slow
def test_ceiling_fan_reaches_its_auc(data_dir: Path) -> None:
    path = data_dir / "ceiling_fan.npz"
    options = TrainOptions(kind="gmm", budget=parse_rate("1/day"))
    bundle = train(open_dataset(path, ReadOptions(rate=200, unit="ug")), None, options).bundle
    result = evaluate(bundle, open_dataset(path, read_options(bundle, {})), issues=Issues())
    auc = result.rows[-1].auc
    assert auc is not None
    assert auc >= 0.92
