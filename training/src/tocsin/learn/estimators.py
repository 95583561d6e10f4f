# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""scikit-learn's estimators as a bundle's model: the same scores, computed by the device's code."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..alarm.threshold import parse_rate
from ..bundle import GaussianMixtureModel, KMeansModel, MahalanobisModel, Normalisation
from ..errors import ModelError
from ..extras import require
from ..features import FeatureConfig
from .models import exact
from .models.fit import Fitted, Material, Progress
from .options import TrainOptions
from .train import Given, Trained, train

if TYPE_CHECKING:
    from ..data import Dataset, ReadOptions

Model = KMeansModel | GaussianMixtureModel | MahalanobisModel

# A device compares with no more vectors in float32, see TOCSIN_SCORE_COMPONENTS_MAX.
VECTORS_MAX = 256
_KINDS = "KMeans, MiniBatchKMeans, GaussianMixture, EllipticEnvelope and the covariances, NearestNeighbors"


def from_sklearn(
    estimator: Any,
    *,
    features: FeatureConfig,
    data: Dataset | str | os.PathLike[str],
    false_alarms: str = "1/day",
    output: str | os.PathLike[str] | None = None,
    reading: ReadOptions | None = None,
    seed: int = 0,
    **options: Any,
) -> Trained:
    """Make a bundle of a fitted scikit-learn estimator, with a threshold from data.

    The scores are the estimator's own, to float32 rounding:

    ====================================  ==========================================================
    ``KMeans``, ``MiniBatchKMeans``       ``transform(x).min(axis=1)``
    ``GaussianMixture``                   ``-score_samples(x)``
    ``EllipticEnvelope``, covariances     ``sqrt(mahalanobis(x))``
    ``NearestNeighbors(n_neighbors=1)``   ``kneighbors(x)[0][:, 0]``
    ====================================  ==========================================================

    Parameters
    ----------
    estimator : estimator or Pipeline
        Fitted to vectors of `features`, shape (n, ``features.n_vector``). A pipeline has a ``StandardScaler`` before
        the estimator.
    features : FeatureConfig
        What the vectors are, as :class:`tocsin.Extractor` computes them.
    data : Dataset or path-like
        Healthy recordings. A fifth of them sets the threshold: fit the estimator to others, or the threshold is too
        low.
    false_alarms, output, reading, seed
        As for :func:`tocsin.train`.
    **options
        Of the decision, as for :func:`tocsin.train`: ``smooth=4``, ``min_windows=2``.

    Returns
    -------
    Trained

    Raises
    ------
    ModelError
        The estimator is not fitted, takes other vectors, or cannot be represented; the message says why.
    DataError
        The recordings cannot be used, or are too few.
    BundleError
        The bundle cannot be written.

    Examples
    --------
    >>> from sklearn.cluster import KMeans
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> features = tocsin.FeatureConfig.logmel(sample_rate=16000, window_frames=8, window_hop=4, pool=("mean",))
    >>> extractor, dataset = tocsin.Extractor(features), tocsin.open_dataset("data")
    >>> import numpy as np
    >>> x = np.concatenate([extractor.vectors(samples)[0] for samples in healthy(dataset)])
    >>> pipeline = make_pipeline(StandardScaler(), KMeans(4, random_state=0)).fit(x)
    >>> tocsin.from_sklearn(pipeline, features=features, data=dataset).bundle.kind
    'kmeans'
    """
    from ..data import opened

    normalisation, model = represent(estimator, features.n_vector)
    details = {"estimator": type(_last(estimator)).__name__}

    def fit(material: Material, options: TrainOptions, progress: Progress) -> Fitted:
        del material, options, progress
        return Fitted(model, details, exact.score_of(model))

    chosen = TrainOptions(kind=model.kind, budget=parse_rate(false_alarms), seed=seed, **options)
    given = Given(features=features, normalisation=normalisation, fit=fit)
    return train(opened(data, reading), None if output is None else Path(output), chosen, given=given)


def represent(estimator: Any, dim: int) -> tuple[Normalisation, Model]:
    """Normalisation and model of a fitted estimator that takes vectors of `dim` values.

    Raises
    ------
    ModelError
        It is not fitted, takes other vectors, or cannot be represented.
    """
    require("sklearn")
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    last = _last(estimator)
    try:
        check_is_fitted(last)
    except (NotFittedError, TypeError) as error:
        raise ModelError(
            f"{type(last).__name__} is not fitted: call its fit(x) with vectors of the features."
        ) from error
    normalisation = _scaling(estimator, dim)
    if last.n_features_in_ != dim:
        raise ModelError(
            f"{type(last).__name__} takes {last.n_features_in_} values, a vector of these features has {dim}. Fit it"
            " to vectors of the features that you give."
        )
    return normalisation, _model_of(last)


def _last(estimator: Any) -> Any:
    from sklearn.pipeline import Pipeline

    return estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator


def _scaling(estimator: Any, dim: int) -> Normalisation:
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    before = [step for _, step in estimator.steps[:-1]] if isinstance(estimator, Pipeline) else []
    before = [step for step in before if step is not None and step != "passthrough"]
    if not before:
        return Normalisation(np.zeros(dim, np.float32), np.ones(dim, np.float32))
    if len(before) > 1 or not isinstance(before[0], StandardScaler):
        others = [type(step).__name__ for step in before if not isinstance(step, StandardScaler)] or ["two scalers"]
        raise ModelError(f"A bundle cannot represent {', '.join(others)}: put one StandardScaler before the estimator.")
    scaler = before[0]
    mean = scaler.mean_ if scaler.with_mean else np.zeros(dim)
    scale = scaler.scale_ if scaler.with_std else np.ones(dim)
    if len(np.atleast_1d(scale)) != dim:
        raise ModelError(
            f"StandardScaler takes {len(np.atleast_1d(scale))} values, a vector of these features has {dim}."
        )
    return Normalisation(np.asarray(mean, np.float32), np.asarray(1 / np.asarray(scale), np.float32))


def _model_of(last: Any) -> Model:
    from sklearn.cluster import KMeans, MiniBatchKMeans
    from sklearn.covariance import EmpiricalCovariance
    from sklearn.mixture import GaussianMixture
    from sklearn.neighbors import NearestNeighbors

    if isinstance(last, KMeans | MiniBatchKMeans):
        return _points(last.cluster_centers_, "clusters")
    if isinstance(last, GaussianMixture):
        return _mixture(last)
    if isinstance(last, EmpiricalCovariance):  # EllipticEnvelope, MinCovDet, LedoitWolf, …
        return MahalanobisModel.from_moments(last.location_, last.covariance_, "full")
    if isinstance(last, NearestNeighbors):
        return _nearest(last)
    raise ModelError(f"A bundle cannot represent {type(last).__name__}: take one of {_KINDS}.")


def _points(points: npt.ArrayLike, what: str) -> KMeansModel:
    array = np.asarray(points, np.float32)
    if len(array) > VECTORS_MAX:
        raise ModelError(
            f"There are {len(array)} {what}, a device takes {VECTORS_MAX}: fit to fewer, such as the centres of KMeans."
        )
    return KMeansModel(array)


def _mixture(last: Any) -> GaussianMixtureModel:
    given, (k, dim) = last.covariances_, last.means_.shape
    if last.covariance_type == "full":
        return GaussianMixtureModel.from_moments(last.weights_, last.means_, given, "full")
    if last.covariance_type == "tied":
        tied = np.broadcast_to(given, (k, dim, dim))
        return GaussianMixtureModel.from_moments(last.weights_, last.means_, tied, "full")
    each = given if last.covariance_type == "diag" else np.repeat(given[:, np.newaxis], dim, axis=1)
    return GaussianMixtureModel.from_moments(last.weights_, last.means_, each, "diagonal")


def _nearest(last: Any) -> KMeansModel:
    """The distance to the nearest vector is k-means' score, the vectors being the centroids."""
    from scipy.sparse import issparse

    if last.n_neighbors != 1:
        raise ModelError(
            f"NearestNeighbors(n_neighbors={last.n_neighbors}) cannot be represented, a device scores by the nearest"
            " alone: give n_neighbors=1."
        )
    metric = last.effective_metric_
    if metric != "euclidean" and not (metric == "minkowski" and last.effective_metric_params_.get("p") == 2):
        raise ModelError(f"NearestNeighbors(metric={metric!r}) cannot be represented: take the Euclidean metric.")
    points = last._fit_X
    return _points(points.toarray() if issparse(points) else points, "vectors")
