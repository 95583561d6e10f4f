# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""From a budget of false alarms to a threshold, by the tail of the scores of healthy recordings.

What raises an alarm is not a score but ``min_windows`` smoothed scores in a row at or above the
threshold, that is, the running minimum of a running mean. The tail of exactly this statistic is
fitted, within each recording and never across two, by peaks over a threshold: maxima of the
clusters of exceedances follow a generalised Pareto distribution (Coles, *An Introduction to
Statistical Modeling of Extreme Values*, 2001, chapters 4 and 5).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .errors import DataError

Scores = npt.NDArray[np.floating]

_HOURS = {"hour": 1.0, "day": 24.0, "week": 168.0, "month": 730.5, "year": 8766.0}
_RATE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(?:/|per)\s*(hour|day|week|month|year)\s*$")

# Fewer clusters than this say nothing of the tail's shape; an exponential one is assumed.
SHAPE_CLUSTERS = 12
# Spread of the prior on the shape: a tail fitted on dozens of peaks must not run away. Measured
# detectors' scores lie well within (Coles and Dixon, 1999, argue for such a penalty).
SHAPE_SPREAD = 0.2
SHAPE_LIMIT = 0.5


@dataclass(frozen=True)
class Rate:
    """A budget of false alarms.

    Attributes
    ----------
    text
        As the user wrote it.
    per_hour
        False alarms an hour of healthy running.
    """

    text: str
    per_hour: float


def parse_rate(text: str) -> Rate:
    """Read a rate such as ``1/day``, ``0.5/week`` or ``2 per month``.

    Raises
    ------
    DataError
        It is not a rate above zero.
    """
    found = _RATE.match(text.lower())
    if not found or float(found[1]) <= 0:
        raise DataError(f"{text!r} is not a rate of false alarms. Write, for example, 1/day, 2/week or 1/month.")
    return Rate(text.strip(), float(found[1]) / _HOURS[found[2]])


@dataclass(frozen=True)
class Threshold:
    """A threshold and how sure it is.

    Attributes
    ----------
    on, off
        Where an alarm begins and ends, in units of the score.
    hours
        Length of the healthy recordings it rests on.
    per_hour
        The budget, false alarms an hour.
    method
        ``"generalised Pareto"`` or ``"exponential"``.
    shape, scale, base
        Of the tail fitted to what lies above `base`.
    clusters
        Separate exceedances of `base` that were fitted.
    extrapolation
        Mean time between the budget's false alarms, over `hours`: above 1 the claim goes beyond
        what was heard.
    supported_per_hour
        Lowest rate that recordings of this length can show by themselves: where none of them
        raises an alarm, the rate is below 3/hours at 95 % (the rule of three).
    """

    on: float
    off: float
    hours: float
    per_hour: float
    method: str
    shape: float
    scale: float
    base: float
    clusters: int
    extrapolation: float
    supported_per_hour: float

    @property
    def warning(self) -> str:
        """What the user should know before trusting the claim; empty where there is nothing."""
        if self.extrapolation <= 1:
            return ""
        return (
            f"the threshold rests on {format_hours(self.hours)} of healthy recordings, and the"
            f" budget is one false alarm in {format_hours(1 / self.per_hour)}: it goes"
            f" {self.extrapolation:.3g} times beyond what was heard. By themselves the recordings"
            f" show no more than fewer than {self.supported_per_hour:.3g} false alarms an hour"
            " (95 %). Record more healthy running, of every kind that occurs."
        )


def format_hours(hours: float) -> str:
    """Hours as a length of time that reads well."""
    for size, name in ((24.0, "days"), (1.0, "hours"), (1 / 60, "minutes")):
        if hours >= 2 * size:
            return f"{hours / size:.3g} {name}"
    return f"{hours * 3600:.3g} s"


def alarm_statistic(scores: Scores, smooth: int, min_windows: int) -> Scores:
    """What must reach the threshold for an alarm: the running minimum of the running mean.

    Parameters
    ----------
    scores
        Of one recording's windows, in order, shape (n,).
    smooth, min_windows
        As in the bundle's decision. A recording with too few windows for `min_windows` is judged
        by as many as it has, which errs on the side of a higher threshold.

    Returns
    -------
    shape (m,), empty where there are fewer than `smooth` windows
    """
    if len(scores) < smooth:
        return np.empty(0)
    means = np.convolve(np.asarray(scores, np.float64), np.full(smooth, 1 / smooth), "valid")
    width = min(min_windows, len(means))
    return np.asarray(np.lib.stride_tricks.sliding_window_view(means, width).min(axis=1))


def cluster_peaks(series: Scores, base: float) -> list[float]:
    """Greatest value of each run of values above `base`: one run would be one alarm."""
    above = np.flatnonzero(series > base)
    if len(above) == 0:
        return []
    runs = np.split(above, np.flatnonzero(np.diff(above) > 1) + 1)
    return [float(series[run].max()) for run in runs]


def fit_tail(excess: npt.NDArray[np.float64]) -> tuple[float, float, str]:
    """Shape, scale and name of the tail that excesses above a base follow.

    The likelihood is scipy's generalised Pareto with a normal prior on the shape; with few
    excesses the shape is 0, the exponential tail.
    """
    from scipy import optimize, stats

    mean = float(excess.mean())
    if len(excess) < SHAPE_CLUSTERS:
        return 0.0, mean, "exponential"

    def cost(parameters: npt.NDArray[np.float64]) -> float:
        shape, log_scale = parameters
        if abs(shape) > SHAPE_LIMIT:
            return float("inf")
        density = stats.genpareto.logpdf(excess, shape, scale=mean * np.exp(log_scale))
        return float(-density.sum() + 0.5 * (shape / SHAPE_SPREAD) ** 2)

    best = optimize.minimize(cost, np.array([0.05, 0.0]), method="Nelder-Mead")
    if not np.isfinite(best.fun):
        return 0.0, mean, "exponential"
    return float(best.x[0]), float(mean * np.exp(best.x[1])), "generalised Pareto"


def _above(shape: float, scale: float, times: float) -> float:
    """Excess that one in `times` peaks reaches (the generalised Pareto quantile), times > 0."""
    if abs(shape) < 1e-6:
        return float(scale * np.log(times))
    return float(scale * np.expm1(shape * np.log(times)) / shape)


def fit_threshold(
    series: Sequence[Scores],
    *,
    hours: float,
    per_hour: float,
    hysteresis: float = 0.2,
) -> Threshold:
    """Threshold that healthy running reaches `per_hour` times an hour.

    Parameters
    ----------
    series
        :func:`alarm_statistic` of each healthy recording that the model was not fitted on.
    hours
        Length of those recordings, > 0.
    per_hour
        Budget, false alarms an hour, > 0.
    hysteresis
        `off` lies this share of the way from `on` down to the median, 0 to 1.

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
    # A tenth of the values, but of recordings' maxima at least some: with one window a recording
    # the clusters are the windows, with many each recording is one cluster at most times.
    base = float(np.quantile(values, 0.9))
    peaks = np.array([peak for s in kept for peak in cluster_peaks(s, base)])
    median = float(np.median(values))
    floor = max(1e-6 * abs(base), 1e-9)
    if len(peaks) == 0:
        peaks = np.array([max(float(values.max()), base + floor)])
    shape, scale, method = fit_tail(np.maximum(peaks - base, floor))
    if method == "exponential":
        # A handful of peaks may all happen to be low. The bulk says more: an exponential falls by ln 5 scales from
        # its median to its 0.9 quantile.
        scale = max(scale, (base - median) / float(np.log(5)))
    times = len(peaks) / (hours * per_hour)
    extrapolation = 1 / (hours * per_hour)
    on = base + (_above(shape, scale, times) if times > 1 else 0.0)
    if extrapolation > 1:
        # Beyond the data: what was heard healthy must never be called an alarm.
        on = max(on, float(values.max()) + floor)
    return Threshold(
        on=on,
        off=on - hysteresis * max(on - median, floor),
        hours=hours,
        per_hour=per_hour,
        method=method,
        shape=shape,
        scale=scale,
        base=base,
        clusters=len(peaks),
        extrapolation=extrapolation,
        supported_per_hour=3 / hours,
    )
