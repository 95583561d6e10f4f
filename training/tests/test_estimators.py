# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""scikit-learn's estimators as bundles: the device's scores are scikit-learn's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.cluster import DBSCAN, KMeans, MiniBatchKMeans
from sklearn.covariance import EllipticEnvelope, LedoitWolf
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.mixture import BayesianGaussianMixture, GaussianMixture
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

import tocsin
from recordings import mimii

FEATURES = tocsin.FeatureConfig.logmel(
    sample_rate=16000, n_fft=512, hop=256, n_mels=8, fmax=6400.0, pool=("mean",), window_frames=8, window_hop=4
)

# Estimator, the score that it gives of scaled vectors, and the kind of model that it becomes.
CASES = {
    "kmeans": (KMeans(4, n_init=1, random_state=0), lambda e, x: e.transform(x).min(axis=1), "kmeans"),
    "batches": (MiniBatchKMeans(4, n_init=1, random_state=0), lambda e, x: e.transform(x).min(axis=1), "kmeans"),
    "diag": (
        GaussianMixture(3, covariance_type="diag", reg_covar=1e-3, random_state=0),
        lambda e, x: -e.score_samples(x),
        "gmm",
    ),
    "full": (
        GaussianMixture(2, covariance_type="full", reg_covar=1e-3, random_state=0),
        lambda e, x: -e.score_samples(x),
        "gmm",
    ),
    "tied": (
        GaussianMixture(2, covariance_type="tied", reg_covar=1e-3, random_state=0),
        lambda e, x: -e.score_samples(x),
        "gmm",
    ),
    "spherical": (
        GaussianMixture(2, covariance_type="spherical", reg_covar=1e-3, random_state=0),
        lambda e, x: -e.score_samples(x),
        "gmm",
    ),
    "envelope": (EllipticEnvelope(random_state=0), lambda e, x: np.sqrt(e.mahalanobis(x)), "mahalanobis"),
    "shrunk": (LedoitWolf(), lambda e, x: np.sqrt(e.mahalanobis(x)), "mahalanobis"),
    "nearest": (NearestNeighbors(n_neighbors=1), lambda e, x: e.kneighbors(x)[0][:, 0], "kmeans"),
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> tocsin.Dataset:
    return tocsin.open_dataset(mimii(tmp_path_factory.mktemp("data")))


@pytest.fixture(scope="module")
def vectors(data: tocsin.Dataset) -> dict[str, np.ndarray]:
    """Vectors of the healthy and of the faulty recordings."""
    extractor = tocsin.Extractor(FEATURES)
    return {
        label: np.concatenate([extractor.vectors(data.read(c))[0] for c in data.clips if c.label == label])
        for label in ("normal", "anomaly")
    }


@pytest.mark.parametrize("scaled", [True, False])
@pytest.mark.parametrize("name", CASES)
def test_scores_are_the_estimators(data: tocsin.Dataset, vectors: dict, name: str, scaled: bool) -> None:
    estimator, score, kind = CASES[name]
    some = vectors["normal"][::3][:200].astype(np.float64)
    pipeline = make_pipeline(StandardScaler(), estimator) if scaled else estimator
    pipeline.fit(some)
    found = tocsin.from_sklearn(pipeline, features=FEATURES, data=data)
    assert found.bundle.kind == kind
    assert found.bundle.meta["model"]["estimator"] == type(estimator).__name__
    every = np.concatenate([vectors["normal"], vectors["anomaly"]])
    x = pipeline[:-1].transform(every.astype(np.float64)) if scaled else every.astype(np.float64)
    expected = score(estimator, x)
    scores = tocsin.Scorer(found.bundle).score(every)
    # A distance of nothing is what float32 leaves of it.
    np.testing.assert_allclose(scores, expected, rtol=2e-4, atol=2e-3)
    assert np.ptp(expected) > 0.5
    assert tocsin.evaluate(found.bundle, data).rows[-1].auc > 0.9


@pytest.mark.parametrize(
    ("estimator", "match"),
    [
        (IsolationForest(n_estimators=5, random_state=0), "cannot represent IsolationForest: take one of KMeans"),
        (BayesianGaussianMixture(n_components=2, random_state=0), "cannot represent BayesianGaussianMixture"),
        (DBSCAN(), "cannot represent DBSCAN"),
        (NearestNeighbors(n_neighbors=5), "n_neighbors=5.* give n_neighbors=1"),
        (NearestNeighbors(n_neighbors=1, metric="manhattan"), "metric='manhattan'"),
        (make_pipeline(PCA(8), KMeans(2, n_init=1)), "cannot represent PCA: put one StandardScaler"),
        (make_pipeline(MinMaxScaler(), KMeans(2, n_init=1)), "cannot represent MinMaxScaler"),
        (make_pipeline(StandardScaler(), StandardScaler(), KMeans(2, n_init=1)), "cannot represent two scalers"),
    ],
)
def test_what_cannot_be_represented_is_named(data: tocsin.Dataset, vectors: dict, estimator, match: str) -> None:
    estimator.fit(vectors["normal"])
    with pytest.raises(tocsin.ModelError, match=match):
        tocsin.from_sklearn(estimator, features=FEATURES, data=data)


def test_too_many_vectors_others_and_none(data: tocsin.Dataset, rng: np.random.Generator) -> None:
    with pytest.raises(tocsin.ModelError, match="300 vectors, a device takes 256"):
        tocsin.from_sklearn(
            NearestNeighbors(n_neighbors=1).fit(rng.normal(size=(300, 8))), features=FEATURES, data=data
        )
    with pytest.raises(tocsin.ModelError, match="takes 5 values, a vector of these features has 8"):
        tocsin.from_sklearn(KMeans(2, n_init=1).fit(rng.normal(size=(50, 5))), features=FEATURES, data=data)
    with pytest.raises(tocsin.ModelError, match="KMeans is not fitted"):
        tocsin.from_sklearn(KMeans(2), features=FEATURES, data=data)


def test_features_of_another_sensor_are_refused(tmp_path: Path, data: tocsin.Dataset, rng: np.random.Generator) -> None:
    shakes = tocsin.FeatureConfig.vibration(
        sample_rate=200, scale_g=1 / 4096, frame_length=100, hop=50, n_fft=0, n_bands=0, fmin=1.0, fmax=100.0,
        pool=("mean",), window_frames=2, window_hop=1,
    )  # fmt: skip
    fitted = KMeans(2, n_init=1).fit(rng.normal(size=(50, shakes.n_vector)))
    with pytest.raises(tocsin.DataError, match="features are of vibration, the recordings audio"):
        tocsin.from_sklearn(fitted, features=shakes, data=data)
