# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Scores in float64, of models before they are quantised: what the device's scores are compared with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import cdist

from ...bundle import GaussianMixtureModel, KMeansModel, MahalanobisModel
from .autoencoder import Reconstruction
from .neighbours import References
from .network import Array, FloatNetwork

Wide = npt.NDArray[np.float64]
Score = Callable[[Array], Wide]
"""Scores, shape (n,), of normalised vectors, shape (n, dim)."""

# Vectors compared with all references in one go.
ROWS = 2048


@dataclass(frozen=True)
class Headed:
    """A network whose output or residual is scored by a head, see :class:`tocsin.bundle.NetworkModel`."""

    network: Reconstruction | FloatNetwork
    fold: int
    head: KMeansModel | GaussianMixtureModel | MahalanobisModel | References

    def score(self, x: Array) -> Wide:
        """Score normalised vectors."""
        plain = self.network.network if isinstance(self.network, Reconstruction) else self.network
        e = folded(features_of(self.network)(x), self.fold)
        return _in_parts(self.head, e, plain.beyond(x) / self.fold)


def folded(e: Array, parts: int) -> Array:
    """Mean over equal parts, shape (n, outputs / parts), of values of shape (n, outputs)."""
    return np.asarray(e.reshape(len(e), parts, -1).mean(axis=1), np.float32)


def features_of(network: Reconstruction | FloatNetwork) -> Callable[[Array], Array]:
    """Residual of a reconstruction, or embedding."""
    return network.residual if isinstance(network, Reconstruction) else network.run


def score_of(model: KMeansModel | GaussianMixtureModel | MahalanobisModel | References) -> Score:
    """The formula of a classical model in float64."""
    return lambda x: _in_parts(model, x, np.zeros(len(x)))


def _in_parts(model: KMeansModel | GaussianMixtureModel | MahalanobisModel | References, x: Array, away: Wide) -> Wide:
    """Scores of vectors that lie outside the model's space, too: `away` is the square of how far, shape (n,)."""
    wide = x.astype(np.float64)
    some = (slice(i, i + ROWS) for i in range(0, len(wide), ROWS))
    return np.concatenate([_score(model, wide[rows], away[rows]) for rows in some] or [np.empty(0)])


def _score(model: KMeansModel | GaussianMixtureModel | MahalanobisModel | References, x: Wide, away: Wide) -> Wide:
    if isinstance(model, References):
        return model.score(x, away)
    if isinstance(model, KMeansModel):
        return np.asarray(np.sqrt(cdist(x, model.centroids.astype(np.float64), "sqeuclidean").min(axis=1) + away))
    distances = away + np.stack(
        [
            (((x - mean) @ _factor(whiten, model.covariance, x.shape[1]).T) ** 2).sum(axis=1)
            for mean, whiten in zip(model.means.astype(np.float64), model.whiten, strict=True)
        ]
    )
    if isinstance(model, MahalanobisModel):
        return np.asarray(np.sqrt(distances.min(axis=0)))
    return np.asarray(-np.logaddexp.reduce(model.log_const.astype(np.float64)[:, None] - distances / 2, axis=0))


def _factor(whiten: npt.NDArray[np.float32], covariance: str, dim: int) -> Wide:
    if covariance == "diagonal":
        return np.diag(whiten.astype(np.float64))
    factor = np.zeros((dim, dim))
    factor[np.tril_indices(dim)] = whiten
    return factor
