# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Nearest neighbours: healthy vectors themselves as the model, each with a radius of its own.

A machine that runs under conditions of which some were recorded often and some seldom, or with a spread that differs
from one to the next, has no one distance that means "strange". The distance to a healthy vector is divided by how far
that vector's own neighbours lie (Wilkinghoff et al., "Keeping the balance: anomaly score calculation for domain
generalization", 2025). Distances are taken after whitening by the covariance within conditions, shrunk towards its
diagonal: what healthy recordings of one condition do among themselves counts little, whatever direction it has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.linalg import solve_triangular

from ...bundle import NeighboursModel
from ...bundle.gaussians import pack_lower
from ...errors import ModelError
from ...words import are

REFERENCES = 512
SHRINKAGE = 0.5
# Neighbours whose mean distance is a vector's radius: fewer make it a matter of luck, more reach into other conditions.
NEIGHBOURS = 16
# A radius is at most so many times the median of those around it.
REACH = 1.5
# A condition with fewer vectors says nothing about how they spread.
CONDITION_MIN = 4


@dataclass(frozen=True, kw_only=True)
class NeighboursOptions:
    """How to fit.

    Attributes
    ----------
    references
        Vectors to keep, at most; where there are more, k-means chooses.
    shrinkage
        Of the covariance towards its diagonal, 0 to 1.
    seed
        The same seed and vectors give the same model.
    """

    references: int = REFERENCES
    shrinkage: float = SHRINKAGE
    seed: int = 0


def within_covariance(x: npt.NDArray[np.float64], conditions: Sequence[str]) -> npt.NDArray[np.float64]:
    """Covariance of vectors of shape (n, dim) around the mean of their condition, shrunk (Ledoit and Wolf, 2004).

    Conditions with too few vectors are taken together.
    """
    from sklearn.covariance import ledoit_wolf

    names, members = np.unique(np.asarray(conditions), return_inverse=True)
    counts = np.bincount(members, minlength=len(names))
    members = np.where(counts[members] < CONDITION_MIN, -1, members)
    residues = np.empty_like(x)
    for condition in np.unique(members):
        rows = members == condition
        residues[rows] = x[rows] - x[rows].mean(axis=0)
    matrix, _ = ledoit_wolf(residues)
    return np.asarray(matrix, np.float64)


def radii_of(z: npt.NDArray[np.float64], references: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Root mean square distance of each reference, shape (k, dim), to the nearest vectors of `z`, shape (n, dim).

    A vector that is the reference itself does not count. A healthy vector that is like no other would have a radius
    that reaches over all others, and with it every fault would be near something healthy: so none is larger than
    :data:`REACH` times the median radius of the references around it (as Breunig et al., "LOF: identifying
    density-based local outliers", 2000, tell outliers by the density around them).
    """
    count = min(NEIGHBOURS + 1, len(z))
    distances, _ = _nearest(z, references, count)
    # Not quite 0 for a vector itself: distances are rounded.
    itself = distances[:, 0] < 1e-6 * np.median(distances[:, -1])
    squares = np.where(itself[:, None], distances[:, 1:], distances[:, :-1]) ** 2
    radii = np.sqrt(squares.mean(axis=1))
    _, around = _nearest(references, references, min(NEIGHBOURS + 1, len(references)))
    radii = np.minimum(radii, REACH * np.median(radii[around], axis=1))
    # Copies of one recording would make a radius of nothing, and every other recording infinitely strange.
    return np.asarray(np.maximum(radii, 1e-3 * np.median(radii) + 1e-9))


def _nearest(
    z: npt.NDArray[np.float64], x: npt.NDArray[np.float64], count: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.intp]]:
    """Distances, from the least, to the nearest vectors of `z`, and their numbers, shape (len(x), count)."""
    from sklearn.neighbors import NearestNeighbors

    distances, which = NearestNeighbors(n_neighbors=count).fit(z).kneighbors(x)
    return distances, which


@dataclass(frozen=True)
class References:
    """Nearest neighbours before quantisation.

    Attributes
    ----------
    kept
        Whitened references, shape (k, dim).
    radii
        Of each, shape (k,).
    factor
        Lower triangular whitening factor, shape (dim, dim).
    """

    kept: npt.NDArray[np.float64]
    radii: npt.NDArray[np.float64]
    factor: npt.NDArray[np.float64]

    def quantised(self) -> NeighboursModel:
        """The device's model, its references in int8."""
        return NeighboursModel.from_references(self.kept, self.radii, pack_lower(self.factor))

    def score(self, x: npt.NDArray[np.float64], away: float | npt.NDArray[np.float64] = 0.0) -> npt.NDArray[np.float64]:
        """Distance of normalised vectors, shape (n, dim), to the nearest reference in units of its radius.

        `away`, shape (n,), is added to the squared distances: how far they lie outside the space of `x`.
        """
        z = x @ self.factor.T
        squares = (z**2).sum(axis=1)[:, None] - 2 * z @ self.kept.T + (self.kept**2).sum(axis=1)
        squares = np.maximum(squares, 0) + np.reshape(away, (-1, 1))
        return np.asarray((np.sqrt(squares) / self.radii).min(axis=1))


def fit_neighbours(
    x: npt.NDArray[np.float64], conditions: Sequence[str], options: NeighboursOptions
) -> NeighboursModel:
    """Fit to normalised vectors of shape (n, dim), each recorded under one of `conditions`, and quantise.

    Raises
    ------
    ModelError
        There are fewer than three vectors.
    """
    return fit_references(x, conditions, options).quantised()


def fit_references(x: npt.NDArray[np.float64], conditions: Sequence[str], options: NeighboursOptions) -> References:
    """As :func:`fit_neighbours`, before quantisation."""
    if len(x) < 3:
        raise ModelError(
            f"{are(len(x), 'window')} too few for nearest neighbours. Give more recordings, or longer ones."
        )
    dim = x.shape[1]
    matrix = within_covariance(x, conditions)
    spread = np.diag(np.diag(matrix))
    shrunk = (1 - options.shrinkage) * matrix + options.shrinkage * spread + 1e-6 * np.eye(dim)
    factor = solve_triangular(np.linalg.cholesky(shrunk), np.eye(dim), lower=True)
    z = x @ factor.T
    if len(z) > options.references:
        from sklearn.cluster import KMeans

        centres = KMeans(options.references, n_init=1, random_state=options.seed).fit(z).cluster_centers_
        kept = np.asarray(centres, np.float64)
    else:
        kept = z
    return References(kept, radii_of(z, kept), factor)


def nearest_reference(
    model: NeighboursModel, x: npt.NDArray[np.float64], away: float | npt.NDArray[np.float64] = 0.0
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Nearest reference of each normalised vector of `x`, shape (n, dim), in the same units, and its gain, shape (n,).

    Nearest is meant as the score means it: in units of each reference's radius. `away`, shape (n,), is added to the
    squared distances.
    """
    dim = model.dim
    factor = np.eye(dim)
    if model.whiten is not None:
        factor = np.zeros((dim, dim))
        factor[np.tril_indices(dim)] = model.whiten
    references = model.references.astype(np.float64) * model.step
    z = x @ factor.T
    squares = (z**2).sum(axis=1)[:, None] - 2 * z @ references.T + (references**2).sum(axis=1)
    squares = squares + np.reshape(away, (-1, 1))
    chosen = (squares * model.gain.astype(np.float64) ** 2).argmin(axis=1)
    found = solve_triangular(factor, references[chosen].T, lower=True).T
    return np.asarray(found, np.float64), model.gain[chosen].astype(np.float64)
