# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Where a score comes from: the share of each value of the vector, and which frequency that value stands for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .adapt import nearest, normalised, shares_of
from .bundle import (
    AutoencoderModel,
    Bundle,
    GaussianMixtureModel,
    Head,
    KMeansModel,
    NeighboursModel,
    NetworkModel,
)
from .features import STATS, FeatureConfig

Array = npt.NDArray[np.float64]
Vectors = npt.NDArray[np.float32]


def contributor(bundle: Bundle) -> Callable[[Vectors], Array] | None:
    """Function from vectors (n, dim) to each value's part of the score (n, dim); None for a model without such parts.

    The parts sum up to the squared distance (k-means to the nearest centroid, Mahalanobis to the nearest mean,
    neighbours to the nearest reference in units of its radius), to the squared Mahalanobis distance to the most
    probable component (mixture), or to the sum of squared errors (autoencoder, and networks that reconstruct or
    predict; with a head, to the head's squared distance). An embedding and a combination have no such parts.
    With a full covariance, parts are those of ``d · Σ⁻¹d``, and some may be below zero.
    """
    model = bundle.model
    if isinstance(model, Head):
        return lambda vectors: _of_classical(model, normalised(bundle, vectors))
    if isinstance(model, AutoencoderModel):
        from .decoder import reconstruct

        def to_output(vectors: Vectors) -> Array:
            x = normalised(bundle, vectors)
            return np.asarray((x - reconstruct(model, x)) ** 2)

        return to_output
    if isinstance(model, NetworkModel) and model.use != "embed":
        return lambda vectors: _of_network(model, normalised(bundle, vectors))
    return None


def _of_network(model: NetworkModel, x: Array) -> Array:
    """Parts of a network's residual; of a folded one, each value of a part has its share."""
    from .decoder import expected_by

    residual = x - expected_by(model, x)
    if model.head is None:
        return np.asarray(residual**2)
    target = slice(model.first, model.first + model.outputs)
    folded = residual[:, target].reshape(len(x), model.fold, -1).mean(axis=1)
    parts = np.zeros_like(x)
    parts[:, target] = np.tile(_of_classical(model.head, folded), model.fold) / model.fold
    return parts


def _of_classical(model: Head, x: Array) -> Array:
    """Parts of the score of normalised vectors, or of a residual, by a model without a network."""
    if isinstance(model, KMeansModel):
        return np.asarray((x - model.centroids.astype(np.float64)[nearest(model.centroids, x)]) ** 2)
    if isinstance(model, NeighboursModel):
        from .models.neighbours import nearest_reference

        found, gain = nearest_reference(model, x)
        whiten = np.ones(x.shape[1], np.float32) if model.whiten is None else model.whiten
        parts = _parts(whiten, "diagonal" if model.whiten is None else "full", x - found)
        return np.asarray(parts * gain[:, None] ** 2)
    every = np.stack([_parts(w, model.covariance, x - mean) for w, mean in zip(model.whiten, model.means, strict=True)])
    if isinstance(model, GaussianMixtureModel):
        chosen = shares_of(model, x).argmax(axis=1)
    else:
        chosen = every.sum(axis=2).argmin(axis=0)
    return np.asarray(every[chosen, np.arange(len(x))])


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
