# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""ROC curves and the areas under them, without scikit-learn: evaluation is part of the core."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["area", "curve"]

Floats = npt.NDArray[np.float64]


def curve(truth: npt.ArrayLike, scores: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Corners of the ROC curve, from (0, 0) to (1, 1).

    Parameters
    ----------
    truth
        Which recordings are anomalous, shape (n,); both sorts must be there.
    scores
        Their scores, shape (n,); a higher one is more anomalous.

    Returns
    -------
    tuple
        False and true positive rates, both of shape (corners,).
    """
    wanted, values = np.asarray(truth, dtype=bool), np.asarray(scores, dtype=np.float64)
    order = np.argsort(values, kind="stable")[::-1]
    wanted, values = wanted[order], values[order]
    # One threshold for each value: recordings that score the same are found together.
    ends = np.r_[np.flatnonzero(np.diff(values)), len(values) - 1]
    true = np.cumsum(wanted)[ends].astype(np.float64)
    false = 1 + ends - true
    # Points on a straight line say nothing.
    corner = np.r_[True, (np.diff(false, 2) != 0) | (np.diff(true, 2) != 0), True] if len(ends) > 2 else slice(None)
    false, true = np.r_[0.0, false[corner]], np.r_[0.0, true[corner]]
    return false / false[-1], true / true[-1]


def area(truth: npt.ArrayLike, scores: npt.ArrayLike, *, max_fpr: float = 1.0) -> float:
    """Area under the ROC curve, or under its part up to a false positive rate.

    Parameters
    ----------
    truth, scores
        As for :func:`curve`.
    max_fpr
        Where the part ends, above 0. A part is standardised so that 0.5 is chance and 1 perfect (McClish, 1989).
    """
    false, true = curve(truth, scores)
    if max_fpr >= 1:
        return _trapezoids(false, true)
    stop = int(np.searchsorted(false, max_fpr, side="right"))
    end = np.interp(max_fpr, false[stop - 1 : stop + 1], true[stop - 1 : stop + 1])
    part = _trapezoids(np.r_[false[:stop], max_fpr], np.r_[true[:stop], end])
    least, most = 0.5 * max_fpr**2, max_fpr
    return 0.5 * (1 + (part - least) / (most - least))


def _trapezoids(x: Floats, y: Floats) -> float:
    return float((np.diff(x) * (y[1:] + y[:-1]) / 2.0).sum())
