# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Models fitted by scikit-learn: k-means, Gaussian mixture, Mahalanobis distance."""

from __future__ import annotations

import warnings

import numpy as np
import numpy.typing as npt

from ...bundle import GaussianMixtureModel, KMeansModel, MahalanobisModel
from ...bundle.gaussians import Covariance
from ...errors import ModelError
from ...words import are, counted

# Added to variances of normalised values. Below it a value that is almost constant in one
# cluster of a few hundred windows would decide every score by itself.
VARIANCE_FLOOR = 1e-3


def fit_kmeans(x: npt.NDArray[np.float64], *, clusters: int, seed: int) -> KMeansModel:
    """k-means over normalised vectors of shape (n, dim); at most n clusters."""
    from sklearn.cluster import KMeans

    found = KMeans(min(clusters, len(x)), n_init=5, random_state=seed).fit(x)
    return KMeansModel(found.cluster_centers_.astype(np.float32))


def fit_gmm(x: npt.NDArray[np.float64], *, components: int, covariance: Covariance, seed: int) -> GaussianMixtureModel:
    """Gaussian mixture over normalised vectors of shape (n, dim).

    Raises
    ------
    ModelError
        There are fewer vectors than components.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    if len(x) < 2 * components:
        raise ModelError(
            f"{are(len(x), 'window')} too few for {counted(components, 'component')}. Give more recordings or a smaller"
            " --components."
        )
    with warnings.catch_warnings():
        # 200 iterations that still creep are as good a mixture as any.
        warnings.simplefilter("ignore", ConvergenceWarning)
        found = GaussianMixture(
            components,
            covariance_type="diag" if covariance == "diagonal" else "full",
            reg_covar=VARIANCE_FLOOR,
            max_iter=200,
            n_init=3,
            random_state=seed,
        ).fit(x)
    return GaussianMixtureModel.from_moments(found.weights_, found.means_, found.covariances_, covariance)


def fit_mahalanobis(x: npt.NDArray[np.float64], *, covariance: Covariance) -> MahalanobisModel:
    """Mahalanobis distance to the mean of normalised vectors of shape (n, dim).

    A full covariance is shrunk towards a multiple of the identity (Ledoit and Wolf, 2004), so
    that it can be inverted however few windows there are.
    """
    from sklearn.covariance import ledoit_wolf

    mean = x.mean(axis=0)
    if covariance == "diagonal":
        return MahalanobisModel.from_moments(mean, x.var(axis=0) + VARIANCE_FLOOR, covariance)
    matrix, _ = ledoit_wolf(x)
    return MahalanobisModel.from_moments(mean, matrix + VARIANCE_FLOOR * np.eye(x.shape[1]), covariance)
