# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Nearest neighbours with a radius each."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from builders import STATS
from test_score_oracles import packed
from tocsin.alarm.threshold import parse_rate
from tocsin.bundle import NeighboursModel
from tocsin.data import Issues, ReadOptions, open_dataset
from tocsin.errors import ModelError
from tocsin.evaluation.contributions import contributor
from tocsin.evaluation.evaluate import evaluate
from tocsin.features.frontend import FrontEnd
from tocsin.learn.models.neighbours import NeighboursOptions, fit_neighbours, radii_of, within_covariance
from tocsin.learn.options import TrainOptions
from tocsin.learn.train import train
from tocsin.twin import Scorer

FEATURES = dataclasses.replace(STATS, pool=("mean",))
DIM = FEATURES.n_vector


def conditions_of(
    rng: np.random.Generator, n: int = 300, *, spread: float = 10.0, apart: float = 40.0
) -> tuple[np.ndarray, list[str]]:
    """Two conditions `apart`, of which the second spreads `spread` times as far."""
    tight = rng.normal(size=(n, DIM))
    wide = apart + spread * rng.normal(size=(n, DIM))
    return np.concatenate([tight, wide]), ["tight"] * n + ["wide"] * n


def score(model: object, x: np.ndarray) -> np.ndarray:
    return np.asarray(Scorer(packed(model, FEATURES)).score(x.astype(np.float32)))


def test_each_condition_is_judged_by_its_own_spread(rng: np.random.Generator) -> None:
    x, names = conditions_of(rng)
    model = fit_neighbours(x, names, NeighboursOptions(references=1000))
    fresh, _ = conditions_of(rng, 100)
    normal = score(model, fresh)
    assert 0.5 < np.median(normal[:100]) / np.median(normal[100:]) < 2
    # Strange for the tight condition, though nearer to it than the wide one's own vectors are to each other.
    strange = score(model, 4 * rng.normal(size=(100, DIM)))
    assert roc_auc_score(np.r_[np.zeros(200), np.ones(100)], np.r_[normal, strange]) > 0.95


def test_covariance_is_within_conditions(rng: np.random.Generator) -> None:
    x = rng.normal(size=(400, DIM))
    moved = x + np.repeat([[0.0], [100.0]], 200, axis=0)
    names = ["a"] * 200 + ["b"] * 200
    np.testing.assert_allclose(within_covariance(moved, names), within_covariance(x, names), atol=1e-6)
    assert np.trace(within_covariance(moved, ["a"] * 400)) > 1000


def test_few_of_a_condition_are_taken_together(rng: np.random.Generator) -> None:
    x = rng.normal(size=(60, DIM))
    each = within_covariance(x, [str(i) for i in range(60)])
    np.testing.assert_allclose(each, within_covariance(x, ["all"] * 60))


def test_radius_is_scikit_free(rng: np.random.Generator) -> None:
    z = rng.normal(size=(50, DIM))
    squares = ((z[:, None] - z[None]) ** 2).sum(axis=2)
    np.fill_diagonal(squares, np.inf)
    expected = np.sqrt(np.sort(squares, axis=1)[:, :16].mean(axis=1))
    np.testing.assert_allclose(radii_of(z, z), expected, rtol=1e-9)


def test_a_lone_outlier_does_not_swallow_faults(rng: np.random.Generator) -> None:
    x = rng.normal(size=(200, DIM))
    x[0] += 30.0
    model = fit_neighbours(x, ["a"] * 200, NeighboursOptions(references=1000))
    fresh = score(model, rng.normal(size=(100, DIM)))
    strange = score(model, 3 * rng.normal(size=(100, DIM)))
    assert roc_auc_score(np.r_[np.zeros(100), np.ones(100)], np.r_[fresh, strange]) > 0.95


def test_a_vector_is_no_neighbour_of_its_own_however_it_is_rounded(rng: np.random.Generator) -> None:
    # Far from 0, a distance by way of a product of the vectors is not quite 0 between equal ones.
    z = 30 + rng.normal(size=(100, 64))
    squares = ((z[:, None] - z[None]) ** 2).sum(axis=2)
    np.fill_diagonal(squares, np.inf)
    expected = np.sqrt(np.sort(squares, axis=1)[:, :16].mean(axis=1))
    np.testing.assert_allclose(radii_of(z, z), expected, rtol=1e-3)


def test_copies_of_a_recording_do_not_make_all_else_strange(rng: np.random.Generator) -> None:
    x = rng.normal(size=(100, DIM))
    x[:40] = x[0]
    model = fit_neighbours(x, ["a"] * 100, NeighboursOptions(references=1000))
    assert np.isfinite(score(model, rng.normal(size=(10, DIM)))).all()


def test_more_vectors_than_references_are_clustered(rng: np.random.Generator) -> None:
    x, names = conditions_of(rng)
    model = fit_neighbours(x, names, NeighboursOptions(references=20))
    assert model.references.shape == (20, DIM)
    strange = 4 * rng.normal(size=(100, DIM))
    fresh = conditions_of(rng, 100)[0]
    scores = np.r_[score(model, fresh), score(model, strange)]
    assert roc_auc_score(np.r_[np.zeros(200), np.ones(100)], scores) > 0.85


def test_int8_references_move_scores_little(rng: np.random.Generator) -> None:
    # Spreads as unlike as one step for all can hold: a tight condition among ones far away has few steps of its own.
    x, names = conditions_of(rng, spread=3.0, apart=8.0)
    model = fit_neighbours(x, names, NeighboursOptions(references=1000))
    factor = np.zeros((DIM, DIM))
    factor[np.tril_indices(DIM)] = model.whiten
    z = x @ factor.T
    fresh = conditions_of(rng, 50, spread=3.0, apart=8.0)[0]
    distances = np.linalg.norm((fresh @ factor.T)[:, None] - z[None], axis=2)
    exact = (distances / radii_of(z, z)).min(axis=1)
    np.testing.assert_allclose(score(model, fresh), exact, rtol=0.1)


def test_a_few_references_far_out_neither_blur_the_others_nor_are_lost(rng: np.random.Generator) -> None:
    near, far = rng.normal(size=(300, DIM)), rng.normal(size=(20, DIM))
    far[:, :8] += 12
    model = NeighboursModel.from_references(np.concatenate([near, far]), np.full(320, np.sqrt(DIM)), None)
    moved = np.linalg.norm(model.references * model.step - np.concatenate([near, far]), axis=1) * model.gain
    assert moved.max() < 0.2
    # One alone is not worth a step that coarse.
    lone = 600 * np.eye(1, DIM)
    model = NeighboursModel.from_references(np.concatenate([near, lone]), np.full(301, np.sqrt(DIM)), None)
    moved = np.linalg.norm(model.references[:300] * model.step - near, axis=1) * model.gain[:300]
    assert moved.max() < 0.2


def test_parts_of_a_score_sum_up_to_it(rng: np.random.Generator) -> None:
    x, names = conditions_of(rng)
    bundle = packed(fit_neighbours(x, names, NeighboursOptions(references=1000)), FEATURES)
    vectors = conditions_of(rng, 20)[0].astype(np.float32)
    parts_of = contributor(bundle)
    assert parts_of is not None
    np.testing.assert_allclose(parts_of(vectors).sum(axis=1), Scorer(bundle).score(vectors) ** 2, rtol=1e-3)


def test_two_vectors_are_too_few() -> None:
    with pytest.raises(ModelError, match="too few"):
        fit_neighbours(np.zeros((2, DIM)), ["a", "a"], NeighboursOptions())


@pytest.mark.slow
@pytest.mark.parametrize(("fmax", "least"), [(None, 0.65), (8000.0, 0.70)], ids=["to 6.4 kHz", "to 8 kHz"])
def test_toy_cars_reach_their_auc_in_64_kib(data_dir: Path, fmax: float | None, least: float) -> None:
    """The clips and the device would have one anti-alias filter; the highest bands: docs/explanation/detection.md."""
    dataset = open_dataset(data_dir / "toycar", ReadOptions())
    front = FrontEnd(bands=64, spacing="linear", average="power", window_frames=374, window_hop=187, fmax=fmax)
    found = train(dataset, None, TrainOptions(kind="neighbours", budget=parse_rate("1/day"), front_end=front))
    last = evaluate(found.bundle, dataset, issues=Issues()).rows[-1]
    assert last.machine == "all"
    assert (last.auc or 0) >= least
    assert found.bundle.size <= 64 * 1024
