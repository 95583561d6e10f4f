# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Where a score comes from: the share of each value of the vector, and which frequency that value stands for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..bundle import (
    AutoencoderModel,
    Bundle,
    CombinedModel,
    GaussianMixtureModel,
    Head,
    KMeansModel,
    NeighboursModel,
    NetworkModel,
    network_of,
)
from ..features import STATS, FeatureConfig
from ..learn.adapt import nearest, normalised, shares_of

Array = npt.NDArray[np.float64]
Vectors = npt.NDArray[np.float32]


def contributor(bundle: Bundle) -> Callable[[Vectors], Array] | None:
    """Function from vectors (n, dim) to each value's part of the score (n, dim); None for a model without such parts.

    The parts sum up to the squared distance (k-means to the nearest centroid, Mahalanobis to the nearest mean,
    neighbours to the nearest reference in units of its radius), to the squared Mahalanobis distance to the most
    probable component (mixture), or to the sum of squared errors (autoencoder, and networks that reconstruct or
    predict; with a head, to the head's squared distance). With a full covariance, parts are those of ``d · Σ⁻¹d``, and
    some may be below zero.

    What lies beyond the range of a network's input is part of its score, value by value. Of an embedding, and of a
    combination with a network, this is the only part that belongs to single values: it is 0 for vectors within the
    range, see :func:`partial`. A combination without a network has no such parts.
    """
    model = bundle.model
    if isinstance(model, Head):
        return lambda vectors: _of_classical(model, normalised(bundle, vectors))
    if isinstance(model, AutoencoderModel):
        from ..learn.decoder import reconstruct

        def to_output(vectors: Vectors) -> Array:
            within, excess = _split(model, normalised(bundle, vectors))
            return np.asarray((within - reconstruct(model, within)) ** 2 + excess**2)

        return to_output
    if isinstance(model, NetworkModel) and model.use != "embed":
        return lambda vectors: _of_network(model, normalised(bundle, vectors))
    network = network_of(model)
    if network is None:
        return None
    return lambda vectors: np.asarray(_split(network, normalised(bundle, vectors))[1] ** 2)


def partial(bundle: Bundle) -> bool:
    """Whether the parts say only what lies beyond the range of the network's input, and nothing of the rest."""
    model = bundle.model
    return isinstance(model, CombinedModel) or (isinstance(model, NetworkModel) and model.use == "embed")


def _split(network: AutoencoderModel | NetworkModel, x: Array) -> tuple[Array, Array]:
    """What the network's input can tell apart of vectors (n, dim), and what it cannot."""
    low, high = (network.in_scale * (end - network.in_zero) for end in (-128, 127))
    within = np.clip(x, low, high)
    return within, x - within


def _of_network(model: NetworkModel, x: Array) -> Array:
    """Parts of a network's residual; of a folded one, each value of a part has its share."""
    from ..learn.decoder import expected_by

    within, excess = _split(model, x)
    residual = within - expected_by(model, within)
    if model.head is None:
        return np.asarray(residual**2 + excess**2)
    target = slice(model.first, model.first + model.outputs)
    folded = residual[:, target].reshape(len(x), model.fold, -1).mean(axis=1)
    away = excess**2 / model.fold
    parts, unit = _and_outside(model.head, folded, away.sum(axis=1))
    away *= unit[:, None]
    away[:, target] += np.tile(parts, model.fold) / model.fold
    return away


def _of_classical(model: Head, x: Array) -> Array:
    """Parts of the score of normalised vectors by a model without a network."""
    return _and_outside(model, x, np.zeros(len(x)))[0]


def _and_outside(model: Head, x: Array, away: Array) -> tuple[Array, Array]:
    """Parts of the score of vectors that lie a squared distance `away`, shape (n,), outside of the model's space.

    Returns
    -------
    the parts, shape (n, dim), and what a unit of `away` counts beside them, shape (n,)
    """
    ones = np.ones(len(x))
    if isinstance(model, KMeansModel):
        return np.asarray((x - model.centroids.astype(np.float64)[nearest(model.centroids, x)]) ** 2), ones
    if isinstance(model, NeighboursModel):
        from ..learn.models.neighbours import nearest_reference

        found, gain = nearest_reference(model, x, away)
        whiten = np.ones(x.shape[1], np.float32) if model.whiten is None else model.whiten
        parts = _parts(whiten, "diagonal" if model.whiten is None else "full", x - found)
        return np.asarray(parts * gain[:, None] ** 2), gain**2
    every = np.stack([_parts(w, model.covariance, x - mean) for w, mean in zip(model.whiten, model.means, strict=True)])
    if isinstance(model, GaussianMixtureModel):
        chosen = shares_of(model, x).argmax(axis=1)
    else:
        chosen = every.sum(axis=2).argmin(axis=0)
    return np.asarray(every[chosen, np.arange(len(x))]), ones


def _parts(whiten: npt.NDArray[np.float32], covariance: str, deviations: Array) -> Array:
    """``d_i · (Σ⁻¹ d)_i`` of each deviation d, shape (n, dim)."""
    if covariance == "diagonal":
        return np.asarray((deviations * whiten) ** 2)
    dim = deviations.shape[1]
    lower = np.zeros((dim, dim))
    lower[np.tril_indices(dim)] = whiten
    return np.asarray(deviations * (deviations @ lower.T @ lower))


@dataclass(frozen=True)
class ByFrequency:
    """Parts of scores by band and by statistic, summed over a window's frames and pools.

    Attributes
    ----------
    hz
        Centre of each band, shape (bands,).
    bands
        Shape (channels, bands).
    stats
        Shape (channels, statistics), in the order of `names`.
    names
        Of the statistics.
    """

    hz: Array
    bands: Array
    stats: Array
    names: tuple[str, ...]


def centres(features: FeatureConfig) -> Array:
    """Centre of gravity of each band, Hz."""
    found = []
    for band in features.bands:
        weights = np.asarray(band.weights)
        bins = band.first + np.arange(len(weights))
        found.append(float((bins * weights).sum() / weights.sum()) * features.sample_rate / features.n_fft)
    return np.asarray(found)


def by_frequency(features: FeatureConfig, parts: Array) -> ByFrequency | None:
    """Sort parts of shape (dim,) by what they stand for; None where the vector is not made of whole frames."""
    a_frame = features.n_features
    if len(parts) % a_frame:
        return None
    names = tuple(name for name in STATS if name in features.stats)
    values = parts.reshape(-1, features.channels, a_frame // features.channels).sum(axis=0)
    return ByFrequency(centres(features), values[:, len(names) :], values[:, : len(names)], names)
