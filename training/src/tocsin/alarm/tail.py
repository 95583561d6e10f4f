# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""The tail of healthy scores: how often a level is reached, and how sure that is.

Peaks over a threshold: maxima of the clusters of exceedances of a high base follow a generalised Pareto distribution
(Coles, *An Introduction to Statistical Modeling of Extreme Values*, 2001, chapters 4 and 5). Intervals are by the
bootstrap over whole recordings, because windows of one recording are not independent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..errors import DataError

Scores = npt.NDArray[np.floating]
Floats = npt.NDArray[np.float64]

HYSTERESIS = 0.2
"""An alarm ends where the score has come down this share of the way from the threshold to the median."""
CONFIDENCE = 0.95
# The base is the highest level that still leaves so many clusters, between these quantiles of the values: a high base
# is nearer to the tail that matters, a low one leaves more to fit.
BASE_CLUSTERS = 60
BASE_QUANTILES = (0.9, 0.995)
# Fewer clusters than this say nothing of the tail's shape; an exponential one is assumed.
SHAPE_CLUSTERS = 12
# The prior on the shape, normal within limits: a tail fitted on dozens of peaks must not run away. Mean and spread are
# those that Martins and Stedinger (2000) found for floods; detectors' scores have such tails too
# (docs/explanation/thresholds.md).
SHAPE_MEAN = 0.1
SHAPE_SPREAD = 0.12
SHAPE_LIMIT = 0.5
REPLICAS = 200
# For alarms up to so many times rarer than one in the hours that were judged, a level is where the rate averaged over
# all that the data leave open is the one asked for. Further out, the few heaviest tails that cannot be excluded rule
# that average, and would lift the level out of reach of most faults: from there on it is the median
# (docs/explanation/thresholds.md).
BEYOND = 4.0
# With fewer recordings than this, clusters are resampled instead of recordings.
RECORDINGS = 20


def off_level(on: float, median: float, hysteresis: float = HYSTERESIS) -> float:
    """Where an alarm that begins at `on` ends."""
    return on - hysteresis * max(on - median, 0.0)


def cluster_peaks(series: Scores, on: float, off: float | None = None) -> list[float]:
    """Greatest value of each alarm that a line at `on` would raise.

    Parameters
    ----------
    series
        Of one recording, shape (n,).
    on, off
        A cluster begins at a value at or above `on` and ends before one below `off` (None: `on`).
    """
    off = on if off is None else off
    above = np.flatnonzero(series >= on)
    if len(above) == 0:
        return []
    below = np.flatnonzero(series < off)
    # Values at or above `on` with no value below `off` between them are of one cluster.
    number = np.searchsorted(below, above)
    starts = np.flatnonzero(np.r_[True, np.diff(number) > 0])
    return [float(peak) for peak in np.maximum.reduceat(np.asarray(series, np.float64)[above], starts)]


def _log_likelihood(excess: Floats, shape: float, scale: float) -> float:
    """Log-likelihood of a generalised Pareto distribution; -inf where a value is impossible."""
    if abs(shape) < 1e-6:
        return float(-len(excess) * np.log(scale) - excess.sum() / scale)
    inner = 1 + shape * excess / scale
    if inner.min() <= 0:
        return -np.inf
    return float(-len(excess) * np.log(scale) - (1 + 1 / shape) * np.log(inner).sum())


def fit_tail(excess: Floats) -> tuple[float, float, str]:
    """Shape, scale and name of the tail that excesses above a base follow.

    The likelihood is the generalised Pareto's with a normal prior on the shape; with few excesses the shape is 0, the
    exponential tail.
    """
    from scipy import optimize

    mean = float(excess.mean())
    if len(excess) < SHAPE_CLUSTERS:
        return 0.0, mean, "exponential"

    def cost(parameters: Floats) -> float:
        shape, log_scale = float(parameters[0]), float(parameters[1])
        if abs(shape) > SHAPE_LIMIT:
            return float("inf")
        return (
            -_log_likelihood(excess, shape, mean * np.exp(log_scale)) + 0.5 * ((shape - SHAPE_MEAN) / SHAPE_SPREAD) ** 2
        )

    best = optimize.minimize(cost, np.array([0.05, 0.0]), method="Nelder-Mead", options={"xatol": 1e-3, "fatol": 1e-3})
    if not np.isfinite(best.fun):
        return 0.0, mean, "exponential"
    return float(best.x[0]), float(mean * np.exp(best.x[1])), "generalised Pareto"


@dataclass(frozen=True)
class Tail:
    """How often healthy running reaches a level at or above `base`.

    Attributes
    ----------
    base, median
        In units of the score; `base` is where the fit begins.
    hours
        Of healthy running that was judged.
    clusters
        Separate exceedances of `base`.
    shape, scale, method
        Of the distribution of the clusters' peaks above `base`.
    replicas
        Clusters, shape and scale of bootstrap samples, shape (n, 3).
    """

    base: float
    median: float
    hours: float
    clusters: int
    shape: float
    scale: float
    method: str
    replicas: Floats

    def rate(self, level: float) -> float:
        """Alarms an hour that a threshold of `level` raises, `level` at or above `base`."""
        return float(_survival(level - self.base, np.array([[self.clusters, self.shape, self.scale]]))[0] / self.hours)

    def rate_interval(self, level: float) -> tuple[float, float]:
        """Lower and upper end of :meth:`rate`, at 95 %."""
        return self._interval(_survival(level - self.base, self.replicas) / self.hours)

    def level(self, per_hour: float) -> float:
        """Threshold that raises `per_hour` alarms an hour on average over all that the data leave open.

        The level of the best fit would raise more on average: where it is guessed too low by some, there are many more
        alarms, and where too high by as much, only a few less. `base` where that is reached less often already.

        Of alarms that are :data:`BEYOND` times rarer than what was heard could show, it is the level that is as likely
        too low as too high, and not below that of the rarest alarms that the first rule is for.
        """
        furthest = 1 / (BEYOND * self.hours)
        if per_hour >= furthest:
            return self._average_level(per_hour)
        return max(self._average_level(furthest), self.base + float(np.median(self._excess(per_hour, self.replicas))))

    def _average_level(self, per_hour: float) -> float:
        if float(self._expected(0.0)) <= per_hour:
            return self.base
        low, high = 0.0, self.scale
        while self._expected(high) > per_hour:
            low, high = high, 2 * high
        for _ in range(50):
            middle = (low + high) / 2
            low, high = (middle, high) if self._expected(middle) > per_hour else (low, middle)
        return self.base + high

    def _expected(self, excess: float) -> float:
        return float(_survival(excess, self.replicas).mean() / self.hours)

    def level_interval(self, per_hour: float) -> tuple[float, float]:
        """Lower and upper end of :meth:`level`, at 95 %."""
        low, high = self._interval(self._excess(per_hour, self.replicas))
        return self.base + low, self.base + high

    def _excess(self, per_hour: float, fits: Floats) -> Floats:
        count, shape, scale = fits.T
        times = np.maximum(count / (self.hours * per_hour), 1.0)
        flat = np.abs(shape) < 1e-6
        safe = np.where(flat, 1.0, shape)
        return np.asarray(scale * np.where(flat, np.log(times), np.expm1(safe * np.log(times)) / safe))

    @staticmethod
    def _interval(values: Floats) -> tuple[float, float]:
        low, high = np.quantile(values, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
        return float(low), float(high)


def _survival(excess: float, fits: Floats) -> Floats:
    """Clusters whose peak lies `excess` or more above the base, by each fit (clusters, shape, scale)."""
    count, shape, scale = fits.T
    x = max(excess, 0.0) / scale
    flat = np.abs(shape) < 1e-6
    safe = np.where(flat, 1.0, shape)
    with np.errstate(divide="ignore"):
        power = np.maximum(1 + safe * x, 0.0) ** (-1 / safe)
    return np.asarray(count * np.where(flat, np.exp(-x), power))


def _choose_base(series: Sequence[Scores], values: Floats, median: float, hysteresis: float) -> float:
    """Highest of a few quantiles that leaves enough clusters."""
    shares = 1 - np.geomspace(1 - BASE_QUANTILES[1], 1 - BASE_QUANTILES[0], 12)
    # One pass over all recordings: a value below everything between them ends each cluster.
    joined = np.concatenate([part for s in series for part in (s, [-np.inf])])
    for base in np.quantile(values, shares):
        if len(cluster_peaks(joined, float(base), off_level(float(base), median, hysteresis))) >= BASE_CLUSTERS:
            return float(base)
    return float(np.quantile(values, BASE_QUANTILES[0]))


def _fit(excess: Floats, bulk: float) -> tuple[float, float, str]:
    shape, scale, method = fit_tail(excess)
    # A handful of peaks may all happen to be low; the bulk says more.
    return shape, max(scale, bulk) if method == "exponential" else scale, method


def _draws(peaks: Sequence[Floats], rng: np.random.Generator) -> Floats:
    """How often each peak comes in each bootstrap sample, shape (peaks, samples).

    Recordings are drawn with replacement; where there are few of them, clusters, and a number of these by chance.
    """
    sizes = [len(p) for p in peaks]
    total = sum(sizes)
    if len(peaks) < RECORDINGS:
        return np.asarray(rng.poisson(1.0, size=(total, REPLICAS)), np.float64)
    times = rng.multinomial(len(peaks), np.full(len(peaks), 1 / len(peaks)), size=REPLICAS).T
    return np.asarray(np.repeat(times, sizes, axis=0), np.float64)


def _replicas(peaks: Sequence[Floats], scale: float, seed: int) -> Floats:
    """Clusters, shape and scale of bootstrap samples; `scale` is that of the best fit."""
    rng = np.random.default_rng(seed)
    every = np.concatenate(peaks)
    draws = _draws(peaks, rng)
    counts = draws.sum(axis=0)
    if len(every) < SHAPE_CLUSTERS:
        # Nothing but the prior tells the shape then, and the scale of n peaks is known to 1/sqrt(n).
        shapes = np.clip(rng.normal(SHAPE_MEAN, SHAPE_SPREAD, REPLICAS), -SHAPE_LIMIT, SHAPE_LIMIT)
        return np.stack([counts, shapes, scale * rng.gamma(len(every), 1 / len(every), REPLICAS)], axis=1)
    # The likelihood of each peak on a grid of shapes and scales gives that of every sample by one product.
    shapes, scales = np.linspace(-SHAPE_LIMIT, SHAPE_LIMIT, 41), scale * np.geomspace(0.35, 2.9, 51)
    grid = np.stack(np.meshgrid(shapes, scales, indexing="ij"), axis=-1).reshape(-1, 2)
    shape, size = grid[:, :1], grid[:, 1:]
    flat = np.abs(shape) < 1e-6
    safe = np.where(flat, 1.0, shape)
    inner = 1 + shape * every / size
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = -np.log(size) - np.where(flat, every / size, (1 + 1 / safe) * np.log(inner))
    logs[inner <= 0] = -1e6  # impossible, yet finite: a sample may hold none of these peaks
    best = np.argmax(logs @ draws - 0.5 * ((shape - SHAPE_MEAN) / SHAPE_SPREAD) ** 2, axis=0)
    return np.column_stack([counts, grid[best]])


def model_tail(series: Sequence[Scores], *, hours: float, hysteresis: float = HYSTERESIS, seed: int = 0) -> Tail:
    """Fit the tail of the alarm statistic of healthy recordings.

    Parameters
    ----------
    series
        :func:`tocsin.alarm.threshold.alarm_statistic` of each recording that the model was not fitted on.
    hours
        Of healthy running that they judge, > 0.
    hysteresis
        As of :func:`off_level`.
    seed
        Of the bootstrap.

    Raises
    ------
    DataError
        There are no values at all, or they are not finite.
    """
    kept = [np.asarray(s, np.float64) for s in series if len(s)]
    if not kept:
        raise DataError(
            "No healthy recording is long enough to set a threshold. Use longer recordings or a smaller --smooth."
        )
    values = np.concatenate(kept)
    if not np.isfinite(values).all():
        raise DataError("Some scores of healthy recordings are not finite.")
    median = float(np.median(values))
    base = _choose_base(kept, values, median, hysteresis)
    floor = max(1e-6 * abs(base), 1e-9)
    off = off_level(base, median, hysteresis)
    excess = [np.maximum(np.array(cluster_peaks(s, base, off)) - base, floor) for s in kept]
    # An exponential falls by ln 5 scales from its median to its 0.9 quantile.
    bulk = max((float(np.quantile(values, 0.9)) - median) / float(np.log(5)), floor)
    shape, scale, method = _fit(np.concatenate(excess), bulk)
    return Tail(
        base=base,
        median=median,
        hours=hours,
        clusters=sum(map(len, excess)),
        shape=shape,
        scale=scale,
        method=method,
        replicas=_replicas(excess, scale, seed),
    )
