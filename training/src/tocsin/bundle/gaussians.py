# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Gaussians as a device wants them: covariances as whitening factors, computed in float64.

A device evaluates ``|W (x - μ)|²`` with ``W = L⁻¹`` and ``Σ = L Lᵀ``: no solving, no division. Diagonal, W is
1/σ; full, its lower triangle is packed by rows.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tocsin.errors import ModelError

__all__ = ["Covariance", "log_constants", "pack_lower", "whitening"]

Covariance = Literal["diagonal", "full"]


def whitening(
    covariances: ArrayLike, *, covariance: Covariance, k: int, dim: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Whitening factors and their log determinants.

    Parameters
    ----------
    covariances : array_like, shape (k, dim) or (k, dim, dim)
        Variances, or symmetric positive definite matrices.
    covariance : {"diagonal", "full"}
        Which of the two.
    k, dim : int
        Components, and values of a vector.

    Returns
    -------
    whiten : ndarray, shape (k, dim) or (k, dim * (dim + 1) / 2)
        The factors as a bundle holds them.
    log_det : ndarray, shape (k,)
        ``log det W`` of each.

    Raises
    ------
    ModelError
        Where a covariance is not positive definite or has another shape.
    """
    given = np.asarray(covariances, dtype=np.float64)
    if covariance not in ("diagonal", "full"):
        raise ModelError(f"covariance is {covariance!r}: choose diagonal or full")
    shape = (k, dim) if covariance == "diagonal" else (k, dim, dim)
    if given.shape != shape:
        raise ModelError(f"{covariance} covariances have the shape {given.shape}, expected {shape}")
    if covariance == "diagonal":
        if not (np.isfinite(given).all() and (given > 0).all()):
            raise ModelError("a variance is not a positive number: regularise the fit (reg_covar), or drop the value")
        factors = 1.0 / np.sqrt(given)
        return factors, np.log(factors).sum(axis=1)
    from scipy.linalg import solve_triangular

    packed = np.empty((k, dim * (dim + 1) // 2))
    log_det = np.empty(k)
    for i, matrix in enumerate(given):
        try:
            lower = np.linalg.cholesky(matrix)
        except np.linalg.LinAlgError as error:
            raise ModelError(
                f"covariance {i} is not positive definite: use more windows than the {dim} values of a vector, "
                "regularise the fit (reg_covar), or choose a diagonal covariance"
            ) from error
        inverse = solve_triangular(lower, np.eye(dim), lower=True)
        packed[i] = pack_lower(inverse)
        log_det[i] = np.log(np.diag(inverse)).sum()
    return packed, log_det


def pack_lower(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Lower triangle of a square matrix by rows: row i gives its first i + 1 values."""
    return matrix[np.tril_indices(matrix.shape[0])]


def log_constants(weights: ArrayLike, log_det: NDArray[np.float64], dim: int) -> NDArray[np.float64]:
    """``log w - dim/2 · log 2π + log det W`` of each component.

    Raises
    ------
    ModelError
        Where a weight is not positive, or there is not one for each component.
    """
    given = np.asarray(weights, dtype=np.float64)
    if given.shape != log_det.shape:
        raise ModelError(f"there are {given.size} weights for {log_det.size} components")
    if not (np.isfinite(given).all() and (given > 0).all()):
        raise ModelError("a component's weight is not a positive number: drop the empty component")
    constants: NDArray[np.float64] = np.log(given) - 0.5 * dim * np.log(2 * np.pi) + log_det
    return constants
