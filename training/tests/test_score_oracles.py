# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Scores against scikit-learn, SciPy and float64 formulas."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.spatial.distance
from sklearn.cluster import KMeans
from sklearn.mixture import GaussianMixture

from builders import FEATURES, KINDS, LOGMEL, NETWORK, STATS, bundle_of, model_of, spread
from tocsin import _core
from tocsin.bundle import (
    Bundle,
    CombinedModel,
    Decision,
    GaussianMixtureModel,
    KMeansModel,
    MahalanobisModel,
    NeighboursModel,
    NetworkModel,
    Normalisation,
    read_bundle,
    write_bundle,
)
from tocsin.errors import DataError, ModelError
from tocsin.features import FeatureConfig
from tocsin.tflite.interpreter import Int8Interpreter
from tocsin.twin import Scorer

DIM = STATS.n_vector


def packed(model, features: FeatureConfig = STATS, normalisation: Normalisation | None = None) -> Bundle:
    dim = features.n_vector
    return read_bundle(
        write_bundle(
            None,
            features=features,
            normalisation=normalisation or Normalisation(np.zeros(dim), np.ones(dim)),
            model=model,
            decision=Decision(1, 1, 0.0, 0.0),
            meta={},
        )
    )


@pytest.fixture
def data(rng):
    """Correlated vectors in two clusters, shape (400, dim)."""
    mixing = rng.normal(size=(DIM, DIM)) / np.sqrt(DIM)
    centres = 3 * rng.normal(size=(2, DIM))
    return centres[rng.integers(0, 2, 400)] + rng.normal(size=(400, DIM)) @ mixing


@pytest.fixture
def queries(data, rng):
    """Vectors near and far, as float32."""
    return np.concatenate([data[:100], 30 * rng.normal(size=(50, DIM))]).astype(np.float32)


@pytest.mark.parametrize("k", [1, 2, 16, 256])
def test_kmeans_is_scikit_learns(data, queries, k):
    fitted = KMeans(k, n_init=1, random_state=0).fit(data)
    scores = Scorer(packed(KMeansModel(fitted.cluster_centers_))).score(queries)
    expected = fitted.transform(queries.astype(np.float64)).min(axis=1)
    # A distance of 0 (a centroid that is a data point) is one of rounded numbers.
    np.testing.assert_allclose(scores, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("covariance", "name"), [("diagonal", "diag"), ("full", "full")])
@pytest.mark.parametrize("k", [1, 2, 5])
def test_mixture_is_scikit_learns(data, queries, k, covariance, name):
    fitted = GaussianMixture(k, covariance_type=name, reg_covar=1e-2, random_state=0).fit(data)
    model = GaussianMixtureModel.from_moments(fitted.weights_, fitted.means_, fitted.covariances_, covariance)
    scores = Scorer(packed(model)).score(queries)
    np.testing.assert_allclose(scores, -fitted.score_samples(queries.astype(np.float64)), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("covariance", ["diagonal", "full"])
def test_mahalanobis_is_scipys(queries, rng, covariance):
    matrix = spread(rng, 1, DIM)[0]
    if covariance == "diagonal":
        matrix = np.diag(np.diag(matrix))
    mean = rng.normal(size=DIM)
    given = np.diag(matrix) if covariance == "diagonal" else matrix
    scores = Scorer(packed(MahalanobisModel.from_moments(mean, given, covariance))).score(queries)
    inverse = np.linalg.inv(matrix)
    expected = [scipy.spatial.distance.mahalanobis(row, mean, inverse) for row in queries.astype(np.float64)]
    np.testing.assert_allclose(scores, expected, rtol=1e-4)


@pytest.mark.parametrize("covariance", ["diagonal", "full"])
def test_neighbours_are_scipys(queries, rng, covariance):
    references, radii = rng.normal(size=(40, DIM)), rng.uniform(0.2, 3.0, 40)
    factor = np.tril(rng.normal(size=(DIM, DIM)))
    whiten = factor[np.tril_indices(DIM)] if covariance == "full" else None
    model = NeighboursModel.from_references(references, radii, whiten)
    np.testing.assert_array_equal(model.references, np.clip(np.rint(references / model.step), -127, 127))
    # A finer step that clamps a little must not move them further than the one that clamps nothing.
    coarse = np.abs(references).max() / 127
    moved, at_most = (
        np.mean(np.sum((step * digits - references) ** 2, axis=1) / radii**2)
        for step, digits in ((model.step, model.references), (coarse, np.rint(references / coarse)))
    )
    assert moved <= at_most
    z = queries.astype(np.float64) @ (factor.T if covariance == "full" else np.eye(DIM))
    distances = scipy.spatial.distance.cdist(z, model.references.astype(np.float64) * model.step)
    found = Scorer(packed(model)).score(queries)
    np.testing.assert_allclose(found, (distances / radii).min(axis=1), rtol=1e-4)


def test_normalisation_comes_first(queries, rng):
    mean, inv_std = rng.normal(size=DIM).astype(np.float32), rng.uniform(0.1, 3, DIM).astype(np.float32)
    centroids = rng.normal(size=(4, DIM))
    scores = Scorer(packed(KMeansModel(centroids), normalisation=Normalisation(mean, inv_std))).score(queries)
    x = (queries.astype(np.float64) - mean) * inv_std
    expected = scipy.spatial.distance.cdist(x, centroids).min(axis=1)
    np.testing.assert_allclose(scores, expected, rtol=1e-5)


def test_autoencoder_is_the_formula(rng):
    mean = rng.normal(-30, 5, LOGMEL.n_vector).astype(np.float32)
    inv_std = rng.uniform(0.05, 0.2, LOGMEL.n_vector).astype(np.float32)
    model = model_of("autoencoder", LOGMEL.n_vector, rng)
    bundle = packed(model, LOGMEL, Normalisation(mean, inv_std))
    vectors = (mean + rng.normal(0, 20, (200, LOGMEL.n_vector))).astype(np.float32)

    x = (vectors.astype(np.float64) - mean) * inv_std
    steps = x / model.in_scale
    q = np.clip(np.sign(steps) * np.floor(np.abs(steps) + 0.5) + model.in_zero, -128, 127).astype(np.int8)
    native_x, native_q = _core.Scorer(bundle.native).begin(vectors)
    np.testing.assert_allclose(native_x, x, rtol=1e-5, atol=1e-6)
    # A value within float32's error of the middle between two steps may go either way.
    clear = np.abs(np.abs(steps) % 1 - 0.5) > 1e-4
    assert clear.mean() > 0.99
    np.testing.assert_array_equal(native_q[clear], q[clear])

    out = Int8Interpreter(model.tflite).run(native_q).astype(np.float64)
    within, away = within_range(model, x)
    expected = np.mean((within - model.out_scale * (out - model.out_zero)) ** 2, axis=1) + away / LOGMEL.n_vector
    np.testing.assert_allclose(Scorer(bundle).score(vectors), expected, rtol=1e-5)


def output_of(model, x: np.ndarray) -> np.ndarray:
    """What the network gives for what it sees of `x`, by its own interpreter, in float64."""
    seen = x
    if model.use == "predict":
        seen = np.delete(x, np.s_[model.first : model.first + model.outputs], axis=1)
    steps = seen / model.in_scale
    q = np.clip(np.sign(steps) * np.floor(np.abs(steps) + 0.5) + model.in_zero, -128, 127).astype(np.int8)
    return model.out_scale * (Int8Interpreter(model.tflite).run(q).astype(np.float64) - model.out_zero)


def within_range(model, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Nearest vectors that the network's input can tell apart, and the square of how far `x` lies from them."""
    low, high = (model.in_scale * (end - model.in_zero) for end in (-128, 127))
    within = np.minimum(np.maximum(x, low), high)
    return within, ((x - within) ** 2).sum(axis=1)


def network_score(model, x: np.ndarray) -> np.ndarray:
    """Score of a network of builders.network_of by SciPy and the formulas."""
    y = output_of(model, x)
    x, away = within_range(model, x)
    assert (away > 0).mean() > 0.1
    if model.use == "predict":
        errors = (x[:, model.first : model.first + model.outputs] - y) ** 2
        return (errors.sum(axis=1) + away) / model.outputs
    e = y if model.use == "embed" else x - y
    e = e.reshape(len(e), model.fold, -1).mean(axis=1)
    if isinstance(model.head, KMeansModel):
        nearest = scipy.spatial.distance.cdist(e, model.head.centroids.astype(np.float64)).min(axis=1)
        return np.hypot(nearest, np.sqrt(away / model.fold))
    distances = []
    for mean, packed_factor in zip(model.head.means, model.head.whiten, strict=True):
        factor = np.zeros((e.shape[1], e.shape[1]))
        factor[np.tril_indices(e.shape[1])] = packed_factor
        distances.append(np.linalg.norm((e - mean) @ factor.T, axis=1))
    return np.hypot(np.min(distances, axis=0), np.sqrt(away / model.fold))


def dyadic(features: FeatureConfig, rng: np.random.Generator) -> np.ndarray:
    """Vectors of few digits: float32 normalises them exactly, so that no value falls between two steps by chance."""
    return (rng.integers(-2000, 2000, (200, features.n_vector)) / 256).astype(np.float32)


@pytest.mark.parametrize("use", ["reconstruct", "predict", "embed"])
def test_networks_are_the_formulas(rng, use):
    features = FEATURES[f"network_{use}"]
    model = model_of(f"network_{use}", features.n_vector, rng)
    vectors = dyadic(features, rng)
    found = Scorer(packed(model, features)).score(vectors)
    np.testing.assert_allclose(found, network_score(model, vectors.astype(np.float64)), rtol=1e-4)


@pytest.mark.parametrize("mode", ["sum", "max"])
def test_combinations_are_the_formulas(rng, mode):
    members = (
        model_of("neighbours_diagonal", LOGMEL.n_vector, rng),
        model_of("network_reconstruct", LOGMEL.n_vector, rng),
    )
    x = dyadic(LOGMEL, rng)
    near = members[0]
    distances = scipy.spatial.distance.cdist(x.astype(np.float64), near.references.astype(np.float64) * near.step)
    scores = ((distances * near.gain).min(axis=1), network_score(members[1], x.astype(np.float64)))
    offsets, weights = [float(np.median(s)) for s in scores], [float(1 / s.std()) for s in scores]
    calibrated = [w * (s - c) for s, c, w in zip(scores, offsets, weights, strict=True)]
    expected = np.sum(calibrated, axis=0) if mode == "sum" else np.max(calibrated, axis=0)
    model = CombinedModel(members, tuple(offsets), tuple(weights), mode)
    np.testing.assert_allclose(Scorer(packed(model, LOGMEL)).score(x), expected, rtol=1e-4, atol=1e-4)
    assert mode == "sum" or min((calibrated[0] > calibrated[1]).mean(), (calibrated[0] < calibrated[1]).mean()) > 0.1


@pytest.mark.parametrize("covariance", ["diagonal", "full"])
def test_mahalanobis_is_to_the_nearest_mean(queries, rng, covariance):
    matrices = spread(rng, 3, DIM)
    given = np.diagonal(matrices, axis1=1, axis2=2) if covariance == "diagonal" else matrices
    matrices = np.stack([np.diag(d) for d in given]) if covariance == "diagonal" else matrices
    means = 3 * rng.normal(size=(3, DIM))
    scores = Scorer(packed(MahalanobisModel.from_moments(means, given, covariance))).score(queries)
    wide = queries.astype(np.float64)
    every = [
        scipy.spatial.distance.cdist(wide, mean[None], "mahalanobis", VI=np.linalg.inv(matrix))[:, 0]
        for mean, matrix in zip(means, matrices, strict=True)
    ]
    np.testing.assert_allclose(scores, np.min(every, axis=0), rtol=1e-4)
    assert len(np.unique(np.argmin(every, axis=0))) == 3


def near9() -> NeighboursModel:
    """Nearest neighbours among nine vectors of nine values."""
    return NeighboursModel.from_references(np.eye(9), np.ones(9), None)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda f, k: NetworkModel(**f, use="embed", outputs=32), "give it a head"),
        (lambda f, k: NetworkModel(**f, use="reconstruct", outputs=32, fold=3, head=k(10)), "cannot be averaged"),
        (lambda f, k: NetworkModel(**f, use="reconstruct", outputs=32, fold=2), "cannot be averaged"),
        (lambda f, k: NetworkModel(**f, use="embed", outputs=32, head=k(16)), "the head takes 16"),
        (lambda f, k: NetworkModel.from_tflite(f["tflite"], use="predict", dim=48), "does not fit vectors of 48"),
        (lambda f, k: NetworkModel.from_tflite(f["tflite"], use="predict", dim=64, first=33), "from value 33 on"),
        (lambda f, k: CombinedModel((k(8), k(8)), (0, 0), (1, 1)), "one model of a kind"),
        (lambda f, k: CombinedModel((k(8), near9()), (0, 0), (1, 1)), "take 8 and 9"),
        (lambda f, k: CombinedModel((k(9), near9()), (0, 0), (1, 0)), "weights positive"),
    ],
)  # fmt: skip
def test_parts_that_do_not_fit_are_refused(make, words):
    ends = {"in_scale": 1.0, "in_zero": 0, "out_scale": 1.0, "out_zero": 0, "arena_size": 4096}
    given = {"tflite": NETWORK.read_bytes(), "dim": 32, **ends}
    with pytest.raises(ModelError, match=words):
        make(given, lambda dim: KMeansModel(np.ones((2, dim))))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_vectors_that_are_not_finite_are_refused(kind, value):
    bundle = bundle_of(kind)
    vectors = np.zeros((5, bundle.features.n_vector), np.float32)
    vectors[3, 2] = value
    with pytest.raises(DataError, match="vector 3"):
        Scorer(bundle).score(vectors)


@pytest.mark.parametrize(
    "vectors",
    [np.zeros((2, DIM)), np.zeros((2, DIM + 1), np.float32), np.zeros(DIM, np.float32), np.zeros((2, DIM), np.int16)],
)
def test_other_vectors_are_refused(vectors):
    with pytest.raises(DataError, match="expected float32 of shape"):
        Scorer(bundle_of("kmeans")).score(vectors)


@pytest.mark.parametrize("kind", KINDS)
def test_no_vectors_give_no_scores(kind):
    bundle = bundle_of(kind)
    assert Scorer(bundle).score(np.empty((0, bundle.features.n_vector), np.float32)).shape == (0,)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GaussianMixtureModel.from_moments([0.5, 0.5], np.zeros((2, 3)), [[1, 1, 1], [1, 0, 1]]), "variance"),
        (lambda: GaussianMixtureModel.from_moments([1.0, 0.0], np.zeros((2, 3)), np.ones((2, 3))), "weight"),
        (lambda: GaussianMixtureModel.from_moments([1.0], np.zeros((2, 3)), np.ones((2, 3))), "1 weights"),
        (lambda: MahalanobisModel.from_moments(np.zeros(3), np.ones((3, 3))), "not positive definite"),
        (lambda: MahalanobisModel.from_moments(np.zeros(3), np.ones((2, 2))), "shape"),
        (lambda: MahalanobisModel.from_moments(np.zeros(3), np.ones(3), "round"), "choose diagonal or full"),
        (lambda: NeighboursModel.from_references(np.zeros((2, 3)), [1.0, 0.0], None), "not a positive"),
        (lambda: NeighboursModel.from_references(np.ones((2, 3)), [1.0], None), "1 gains"),
        (lambda: NeighboursModel.from_references(np.ones((2, 3)), [1.0, 1.0], np.ones(5)), "5 values"),
        (lambda: KMeansModel(np.array([[np.nan, 1.0]])), "not a finite"),
        (lambda: KMeansModel(np.array([[1e39, 1.0]])), "not a finite"),
        (lambda: KMeansModel(np.zeros((0, 3))), "shape"),
        (lambda: Normalisation(np.zeros(3), np.zeros(4)), "must match"),
    ],
)
def test_other_models_are_refused(make, message):
    with pytest.raises(ModelError, match=message):
        make()
