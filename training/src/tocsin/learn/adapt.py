# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Ways to move a bundle's normalisation or model towards another machine, by few of its healthy windows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ..bundle import (
    AutoencoderModel,
    Bundle,
    CombinedModel,
    GaussianMixtureModel,
    KMeansModel,
    MahalanobisModel,
    Model,
    NeighboursModel,
    NetworkModel,
    Normalisation,
    network_of,
)
from ..errors import ModelError

Vectors = npt.NDArray[np.float32]
Array = npt.NDArray[np.float64]

METHODS = ("threshold", "mean", "normalisation", "centroids", "decoder")
"""What can be adapted, from the least to the most:

- ``threshold``: only that; the scores stay.
- ``mean``: the normalisation's mean, by the offset that the model does not explain.
- ``normalisation``: the mean, and its spread where the new machine varies more.
- ``centroids``: the means of k-means, mixture and Mahalanobis distance.
- ``decoder``: the last layer of an autoencoder.
"""

PRIOR_WINDOWS = 16.0
"""Windows that what was known before is worth, the relevance factor of Reynolds, Quatieri and Dunn, "Speaker
Verification Using Adapted Gaussian Mixture Models", 2000, section 3.3. Windows that overlap count by what is new."""

# More windows than this settle a mean no better, and each takes a network some time.
_WINDOWS_MAX = 2000

# A shift changes which centroid is the nearest, and that the shift. Few rounds settle it.
_ROUNDS = 5


@dataclass(frozen=True)
class Adapted:
    """The parts of a bundle that may have moved, and figures for the record."""

    normalisation: Normalisation
    model: Model
    details: dict[str, Any] = field(default_factory=dict)


def adapt(bundle: Bundle, vectors: Vectors, method: str) -> Adapted:
    """Adapt `bundle` to healthy `vectors` of shape (n, dim), n > 0, by one of :data:`METHODS`.

    Raises
    ------
    ModelError
        The method does not go with the bundle's model.
    """
    if method == "threshold":
        return Adapted(bundle.normalisation, bundle.model)
    if method not in METHODS:
        raise ModelError(f"There is no method {method}. Choose {', '.join(METHODS)} or auto.")
    if method not in methods_for(bundle):
        raise ModelError(
            f"A bundle of the kind {bundle.kind} has no {method} to adapt. Choose {', '.join(methods_for(bundle))}"
            " or auto."
        )
    if method == "centroids":
        return _centroids(bundle, vectors)
    if method == "decoder":
        from .decoder import adapt_decoder

        assert isinstance(bundle.model, AutoencoderModel)
        some = normalised(bundle, _some(vectors))
        model, details = adapt_decoder(bundle.model, some, prior=_prior(bundle))
        return Adapted(bundle.normalisation, model, details)
    return _normalisation(bundle, vectors, spread=method == "normalisation")


def methods_for(bundle: Bundle) -> list[str]:
    """Which of :data:`METHODS` go with the bundle's model."""
    chosen = ["threshold", "mean", "normalisation"]
    if isinstance(bundle.model, KMeansModel | GaussianMixtureModel | MahalanobisModel):
        chosen.append("centroids")
    if isinstance(bundle.model, AutoencoderModel):
        chosen.append("decoder")
    return chosen


def choose(bundle: Bundle) -> str:
    """The method that ``auto`` means; docs/explanation/transfer.md says what it was chosen by."""
    del bundle
    return "normalisation"


def _prior(bundle: Bundle) -> float:
    """:data:`PRIOR_WINDOWS` in windows of this bundle, which may overlap."""
    return PRIOR_WINDOWS * max(1.0, bundle.features.window_span / bundle.features.window_step)


def _some(vectors: Vectors) -> Vectors:
    """All windows, or some at equal distances where there are very many."""
    return vectors[:: -(-len(vectors) // _WINDOWS_MAX)]


def normalised(bundle: Bundle, vectors: Vectors) -> Array:
    """Vectors as the model takes them, in float64."""
    norm = bundle.normalisation
    return np.asarray((vectors.astype(np.float64) - norm.mean) * norm.inv_std)


@dataclass(frozen=True)
class _Gaussians:
    """The model as clusters: means (k, dim), variances (k, dim), and each one's share of a vector (n, k)."""

    means: Array
    variances: Array
    shares: Callable[[Array], Array]


def _variances(whiten: npt.NDArray[np.float32], covariance: str, dim: int) -> Array:
    """Variances of one Gaussian by its whitening factors."""
    if covariance == "diagonal":
        return np.asarray(1.0 / whiten.astype(np.float64) ** 2)
    from scipy.linalg import solve_triangular

    lower = np.zeros((dim, dim))
    lower[np.tril_indices(dim)] = whiten
    root = solve_triangular(lower, np.eye(dim), lower=True)
    return np.asarray((root**2).sum(axis=1))


def whitened(whiten: npt.NDArray[np.float32], covariance: str, deviations: Array) -> Array:
    """``W (x - μ)`` for deviations of shape (n, dim)."""
    if covariance == "diagonal":
        return np.asarray(deviations * whiten)
    dim = deviations.shape[1]
    lower = np.zeros((dim, dim))
    lower[np.tril_indices(dim)] = whiten
    return np.asarray(deviations @ lower.T)


def shares_of(model: GaussianMixtureModel, x: Array) -> Array:
    """Probability of each component given the vector, shape (n, k)."""
    logs = np.stack(
        [
            constant - 0.5 * (whitened(factor, model.covariance, x - mean) ** 2).sum(axis=1)
            for constant, mean, factor in zip(
                model.log_const, model.means.astype(np.float64), model.whiten, strict=True
            )
        ],
        axis=1,
    )
    found = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(found / found.sum(axis=1, keepdims=True))


def nearest(centroids: npt.NDArray[np.float32], x: Array) -> npt.NDArray[np.intp]:
    """Index of the nearest centroid of each vector."""
    wide = centroids.astype(np.float64)
    return np.asarray(((x[:, None] - wide) ** 2).sum(axis=2).argmin(axis=1))


def _gaussians(model: Model, bundle: Bundle) -> _Gaussians:
    """Clusters of a bundle's model that has some.

    k-means knows no variances: all values get the one that explains the median score of the training record.
    """
    dim = bundle.features.n_vector
    if isinstance(model, KMeansModel):
        k = len(model.centroids)
        eye = np.eye(k)
        return _Gaussians(
            model.centroids.astype(np.float64),
            np.full((k, dim), _median_score(bundle) ** 2 / dim),
            lambda x: eye[nearest(model.centroids, x)],
        )
    if isinstance(model, GaussianMixtureModel):
        variances = np.stack([_variances(factor, model.covariance, dim) for factor in model.whiten])
        return _Gaussians(model.means.astype(np.float64), variances, lambda x: shares_of(model, x))
    assert isinstance(model, MahalanobisModel)
    variances = np.stack([_variances(factor, model.covariance, dim) for factor in model.whiten])
    means, ones = model.means.astype(np.float64), np.eye(len(model.means))

    def nearest_mean(x: Array) -> Array:
        squares = [
            (whitened(factor, model.covariance, x - mean) ** 2).sum(axis=1)
            for mean, factor in zip(means, model.whiten, strict=True)
        ]
        return np.asarray(ones[np.argmin(squares, axis=0)])

    return _Gaussians(means, variances, nearest_mean)


def _median_score(bundle: Bundle) -> float:
    """Median score of healthy windows by the training record.

    Raises
    ------
    ModelError
        The record does not say.
    """
    found = bundle.meta.get("validation", {}).get("quantiles", {}).get("0.5")
    if not isinstance(found, int | float) or not found > 0:
        raise ModelError(
            "The bundle's training record does not say how its scores were spread. Choose --method mean or threshold."
        )
    return float(found)


def _expectation(bundle: Bundle, *, spread: bool) -> Callable[[Array], tuple[Array, Array]]:
    """What the model expects of vectors (n, dim), and the variances it grants them (1 or n, dim)."""
    return _expected_by(bundle.model, bundle, spread=spread)


def _expected_by(model: Model, bundle: Bundle, *, spread: bool) -> Callable[[Array], tuple[Array, Array]]:
    if isinstance(model, CombinedModel):
        # One member's word is enough; an embedding has none.
        speaks = [m for m in model.members if not (isinstance(m, NetworkModel) and m.use == "embed")]
        return _expected_by(speaks[0], bundle, spread=False)
    if isinstance(model, KMeansModel | GaussianMixtureModel | MahalanobisModel):
        known = _gaussians(model, bundle) if spread or not isinstance(model, KMeansModel) else _means_of(model)

        def clusters(x: Array) -> tuple[Array, Array]:
            shares = known.shares(x)
            return shares @ known.means, shares @ known.variances

        return clusters
    if isinstance(model, AutoencoderModel):
        from .decoder import reconstruct

        variance = np.full((1, bundle.features.n_vector), _median_score(bundle) if spread else 1.0)
        return lambda x: (reconstruct(model, x), variance)
    if isinstance(model, NetworkModel) and model.use != "embed":
        from .decoder import expected_by

        ones = np.ones((1, bundle.features.n_vector))
        return lambda x: (expected_by(model, x), ones)
    if isinstance(model, NeighboursModel):
        from .models.neighbours import nearest_reference

        variances = np.ones((1, bundle.features.n_vector))
        return lambda x: (nearest_reference(model, x)[0], variances)
    # Any other model: what the normalisation itself says of the recordings that it was trained on.
    return lambda x: (np.zeros_like(x), np.ones((1, x.shape[1])))


def _means_of(model: KMeansModel) -> _Gaussians:
    eye = np.eye(len(model.centroids))
    wide = model.centroids.astype(np.float64)
    return _Gaussians(wide, np.ones_like(wide), lambda x: eye[nearest(model.centroids, x)])


def _normalisation(bundle: Bundle, vectors: Vectors, *, spread: bool) -> Adapted:
    """Move the mean by what the model does not explain, and widen the spread where the new machine varies more.

    Not towards the new windows' own mean: a model of three speeds would take the one speed that it is shown for the
    middle of all three. The spread never narrows: a few minutes show less than there is.
    """
    x = normalised(bundle, _some(vectors))
    expect = _expectation(bundle, spread=spread)
    weight = len(vectors) / (len(vectors) + _prior(bundle))
    shift = np.zeros(x.shape[1])
    for _ in range(_ROUNDS):
        expected, _ = expect(x - shift)
        shift = (x - expected).mean(axis=0)
    shift *= weight
    expected, variance = expect(x - shift)
    gain = np.ones_like(shift)
    if spread:
        excess = ((x - shift - expected) ** 2).mean(axis=0) / variance.mean(axis=0)
        gain = np.sqrt(np.maximum(1.0, 1.0 + weight * (excess - 1.0)))
    # Spread about where the windows are, not about the normalisation's zero: x' = (x - shift - centre) / gain + centre.
    centre = expected.mean(axis=0)
    norm = bundle.normalisation
    inv_std = norm.inv_std.astype(np.float64)
    moved = Normalisation(
        (norm.mean + (shift + centre * (1 - gain)) / inv_std).astype(np.float32), (inv_std / gain).astype(np.float32)
    )
    network = network_of(bundle.model)
    if network is not None and network.slide:
        # A frame stays the same to the layer that frames share, wherever it stands: else nothing is found again.
        moved = Normalisation(*(_alike(v, bundle.features.window_frames) for v in (moved.mean, moved.inv_std)))
    details = {"shift_rms": float(np.sqrt(np.mean(shift**2))), "spread_mean": float(gain.mean())}
    return Adapted(moved, bundle.model, details if spread else {"shift_rms": details["shift_rms"]})


def _alike(values: npt.NDArray[np.float32], frames: int) -> npt.NDArray[np.float32]:
    """The mean over the frames of a stack, for each of them."""
    return np.tile(values.reshape(frames, -1).mean(axis=0), frames)


def _centroids(bundle: Bundle, vectors: Vectors) -> Adapted:
    """Move each mean towards the windows that are its own, the further the more there are (MAP adaptation)."""
    x = normalised(bundle, vectors)
    model = bundle.model
    assert isinstance(model, KMeansModel | GaussianMixtureModel | MahalanobisModel)
    known = _means_of(model) if isinstance(model, KMeansModel) else _gaussians(model, bundle)
    shares = known.shares(x)
    counts = shares.sum(axis=0)
    sums = shares.T @ x
    prior = _prior(bundle)
    means = ((sums + prior * known.means) / (counts + prior)[:, None]).astype(np.float32)
    details = {
        "moved": int((counts >= 0.5).sum()),
        "shift_rms": float(np.sqrt(np.mean((means - known.means)[counts >= 0.5] ** 2))),
    }
    if isinstance(model, KMeansModel):
        return Adapted(bundle.normalisation, KMeansModel(means), details)
    assert isinstance(model, (GaussianMixtureModel, MahalanobisModel))
    return Adapted(bundle.normalisation, replace(model, means=means), details)
