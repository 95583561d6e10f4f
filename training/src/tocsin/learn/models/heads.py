# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Heads: classical models that score what a network gives, its residual or its embedding."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ...bundle import GaussianMixtureModel, Head, KMeansModel, MahalanobisModel
from ...errors import ModelError
from ..kinds import HEADS
from .clusters import VARIANCE_FLOOR, fit_gmm, fit_kmeans
from .neighbours import NeighboursOptions, References, fit_references

# A group with fewer vectors a value has no covariance of its own to speak of.
SELECTIVE_MIN = 2

Fit = KMeansModel | GaussianMixtureModel | MahalanobisModel | References


def fit_head(
    kind: str,
    e: npt.NDArray[np.float64],
    conditions: Sequence[str],
    groups: Sequence[str],
    *,
    clusters: int,
    neighbours: NeighboursOptions,
    seed: int,
) -> Fit:
    """Fit a head to residuals or embeddings of shape (n, dim), each recorded under one of `conditions`.

    `groups` are what the Mahalanobis distance selects from, see :func:`fit_selective`.

    Raises
    ------
    ModelError
        There is no such head, or too few vectors for it.
    """
    if kind == "kmeans":
        return fit_kmeans(e, clusters=clusters, seed=seed)
    if kind == "gmm":
        return fit_gmm(e, components=clusters, covariance="diagonal", seed=seed)
    if kind == "mahalanobis":
        return fit_selective(e, groups)
    if kind == "neighbours":
        return fit_references(e, conditions, neighbours)
    raise ModelError(f"There is no head {kind}. Choose one of {', '.join(HEADS)}.")


def fit_selective(e: npt.NDArray[np.float64], groups: Sequence[str]) -> MahalanobisModel:
    """Mahalanobis distance to the nearest group's mean, by the group's own covariance (Harada et al., 2023).

    Groups with fewer than :data:`SELECTIVE_MIN` vectors a value are taken together. Covariances are shrunk (Ledoit and
    Wolf, 2004).
    """
    from sklearn.covariance import ledoit_wolf

    dim = e.shape[1]
    names, members = np.unique(np.asarray(groups), return_inverse=True)
    counts = np.bincount(members, minlength=len(names))
    members = np.where(counts[members] < SELECTIVE_MIN * dim, -1, members)
    means, matrices = [], []
    for group in np.unique(members):
        rows = e[members == group]
        # In units of the residuals' own spread: they may be far smaller than the vectors.
        floor = VARIANCE_FLOOR * max(float(rows.var(axis=0).mean()), 1e-12)
        means.append(rows.mean(axis=0))
        matrices.append(ledoit_wolf(rows)[0] + floor * np.eye(dim))
    return MahalanobisModel.from_moments(np.stack(means), np.stack(matrices), "full")


def device_head(fitted: Fit) -> Head:
    """The head as a bundle holds it."""
    return fitted.quantised() if isinstance(fitted, References) else fitted
