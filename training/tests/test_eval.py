# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Figures of an evaluation, against formulas, and which recordings it uses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from recordings import hum, mimii, shakes, write
from tocsin.alarm.threshold import parse_rate
from tocsin.bundle import Bundle
from tocsin.data import Clip, Issues, ReadOptions, open_dataset
from tocsin.errors import BundleError, DataError
from tocsin.evaluation.evaluate import Scored, auc_interval, candidates, evaluate, figures, read_options, rows_of
from tocsin.evaluation.plots import save_plots
from tocsin.features.frontend import FrontEnd
from tocsin.learn.matching import trained_digests
from tocsin.learn.options import TrainOptions
from tocsin.learn.train import train
from tocsin.twin import score_clip

QUICK = TrainOptions(kind="kmeans", budget=parse_rate("1/day"), clusters=2, front_end=FrontEnd(bands=32))


@pytest.fixture(scope="module")
def fan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return mimii(tmp_path_factory.mktemp("fan"), normal=8)


@pytest.fixture(scope="module")
def bundle(fan: Path) -> Bundle:
    return train(open_dataset(fan, ReadOptions()), None, QUICK).bundle


def _scored(normal: list[float], anomaly: list[float], machine: str = "m") -> list[Scored]:
    pairs = [("normal", s) for s in normal] + [("anomaly", s) for s in anomaly]
    return [Scored(Clip("x", Path("x"), label, machine), s) for label, s in pairs]  # type: ignore[arg-type]


def test_auc_is_the_share_of_pairs_in_order(rng: np.random.Generator) -> None:
    normal, anomaly = rng.normal(size=40), rng.normal(0.7, size=30)
    auc, _, healthy, strange = figures(_scored(list(normal), list(anomaly)))
    assert auc == pytest.approx(np.mean(anomaly[:, None] > normal[None, :]))
    assert (healthy, strange) == (40, 30)


@pytest.mark.parametrize("decimals", [6, 1])
def test_auc_interval_is_that_of_recordings_drawn_anew(rng: np.random.Generator, decimals: int) -> None:
    from sklearn.metrics import roc_auc_score

    # One decimal makes many recordings score the same.
    normal, anomaly = rng.normal(size=30).round(decimals), rng.normal(1.0, size=20).round(decimals)
    truth = np.r_[np.zeros(30), np.ones(20)]
    drawn = [roc_auc_score(truth, np.r_[rng.choice(normal, 30), rng.choice(anomaly, 20)]) for _ in range(1500)]
    found = auc_interval(_scored(list(normal), list(anomaly)))
    assert found == pytest.approx(np.quantile(drawn, (0.025, 0.975)), abs=0.015)


def test_auc_interval_of_heaps_apart_and_of_one_heap() -> None:
    assert auc_interval(_scored([1, 2, 3], [4, 5])) == (1.0, 1.0)
    assert auc_interval(_scored([1, 2, 3], [])) is None


def test_pauc_is_mcclishs() -> None:
    # 10 normals, so up to a false positive rate of 0.1 only the greatest normal (9) counts: 3 of 4 anomalies are
    # above it until it is passed. Area 0.075; chance has 0.005 and the best 0.1.
    _, pauc, _, _ = figures(_scored([float(i) for i in range(10)], [20, 21, 22, 8.5]))
    assert pauc == pytest.approx(0.5 * (1 + (0.075 - 0.005) / (0.1 - 0.005)))


def test_rows_are_by_group_and_then_all() -> None:
    rows = rows_of(_scored([1, 2], [3, 4], "b") + _scored([5.0], [], "a"))
    assert [(r.machine, r.auc, r.n_normal, r.n_anomaly) for r in rows] == [
        ("a", None, 1, 0), ("b", 1.0, 2, 2), ("all", pytest.approx(4 / 6), 3, 2),
    ]  # fmt: skip


def test_scores_are_the_twins(fan: Path, bundle: Bundle) -> None:
    dataset = open_dataset(fan, read_options(bundle, {}))
    result = evaluate(bundle, dataset, issues=Issues())
    for item in result.scored:
        assert item.score == score_clip(bundle, dataset.read(item.clip, Issues()))
    assert (result.left_out, len(result.scored)) == (6, 6)


def test_copies_under_other_names_are_left_out_too(fan: Path, bundle: Bundle, tmp_path: Path) -> None:
    for i, path in enumerate(sorted((fan / "fan/id_00/normal").iterdir())):
        (tmp_path / "normal").mkdir(exist_ok=True)
        (tmp_path / f"normal/renamed{i}.wav").write_bytes(path.read_bytes())
    write(tmp_path / "anomaly/a.wav", hum(5, whistle=True))
    result = evaluate(bundle, open_dataset(tmp_path, read_options(bundle, {})), issues=Issues())
    assert (result.left_out, result.rows[-1].n_normal) == (6, 2)


def test_nothing_left_to_test_with_is_told(fan: Path, bundle: Bundle, tmp_path: Path) -> None:
    used = trained_digests(bundle)
    from tocsin.data import digest

    dataset = open_dataset(fan, ReadOptions())
    for clip in dataset.clips:
        samples = dataset.read(clip, Issues())
        if digest(samples) in used:
            write(tmp_path / "normal" / clip.path.name, samples)
    with pytest.raises(DataError, match=r"left to test with\. 6 recordings left out"):
        evaluate(bundle, open_dataset(tmp_path, ReadOptions()), issues=Issues())
    # Copies are told as such: no bundle was trained on more recordings than it was.
    for path in list((tmp_path / "normal").iterdir()):
        (path.with_name(f"copy_{path.name}")).write_bytes(path.read_bytes())
    assert len(used) == 6
    with pytest.raises(DataError, match=f"trained on or adapted to {len(used)} with the same .* 6 are copies"):
        evaluate(bundle, open_dataset(tmp_path, ReadOptions()), issues=Issues())


def test_interval_of_the_auc_ends_at_one() -> None:
    # 300 recordings of each: their shares do not add up to 1 exactly.
    clips = [Clip(f"{label}{i}", Path("c"), label, "m") for label in ("normal", "anomaly") for i in range(300)]
    scored = [Scored(clip, float(i)) for i, clip in enumerate(clips)]
    assert auc_interval(scored) == (1.0, 1.0)


def test_layouts_own_test_recordings_are_used_alone(tmp_path: Path) -> None:
    for name in (
        "train/section_00_source_train_normal_0001_a",
        "test/section_00_source_test_normal_0001_a",
        "test/section_00_source_test_anomaly_0001_a",
    ):
        write(tmp_path / f"car/{name}.wav", hum(0, seconds=0.1))
    assert {c.split for c in candidates(open_dataset(tmp_path, ReadOptions()))} == {"test"}


def test_other_sensor_is_refused(bundle: Bundle, tmp_path: Path) -> None:
    dataset = open_dataset(shakes(tmp_path / "a.npz", clips=2), ReadOptions(rate=200, unit="ug"))
    with pytest.raises(DataError, match="for audio"):
        evaluate(bundle, dataset, issues=Issues())


def test_vibration_in_sound_files_is_refused(bundle: Bundle, tmp_path: Path) -> None:
    write(tmp_path / "fan/id_00/normal/0.wav", hum(0))
    (tmp_path / "fan/id_00/metadata.json").write_text('{"domain": "vibration", "rate": 16000, "full_scale": 4}')
    with pytest.raises(DataError, match="for audio"):
        evaluate(bundle, open_dataset(tmp_path, read_options(bundle, {})), issues=Issues())


def test_damaged_record_is_told(bundle: Bundle) -> None:
    bad = Bundle(**{**bundle.__dict__, "meta": {"clips": {"trained": "%%%"}}})
    with pytest.raises(BundleError, match="damaged"):
        trained_digests(bad)


def test_plots_are_pictures(tmp_path: Path) -> None:
    scored = _scored([1, 2, 3], [4, 5000]) + _scored([1, 2], [], "n")
    paths = save_plots(tmp_path / "deep/plots", scored, "title")
    assert [path.name for path in paths] == ["roc.png", "scores.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths)
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="cannot be written"):
        save_plots(tmp_path / "file", scored, "title")
