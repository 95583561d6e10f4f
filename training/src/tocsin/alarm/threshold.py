# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""From a budget of false alarms to a threshold, by the tail of the scores of healthy recordings.

What raises an alarm is not a score but ``min_windows`` smoothed scores in a row at or above the threshold, that is, the
running minimum of a running mean. The tail of exactly this statistic is fitted (:mod:`tocsin.alarm.tail`), within each
recording and never across two. An alarm stays on until the score has come down to ``off``: what reaches the threshold
again before that is no alarm of its own.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import DataError
from .tail import BEYOND, HYSTERESIS, Scores, model_tail, off_level

_HOURS = {"hour": 1.0, "day": 24.0, "week": 168.0, "month": 730.5, "year": 8766.0}
_RATE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(?:/|per)\s*(hour|day|week|month|year)\s*$")

# Beyond the data by this much, no score that was heard healthy may raise an alarm. Nearer to the data the rule would
# only make alarms rarer than asked for.
FAR_BEYOND = 2.0
# The rate that the chosen threshold may have at 95 %, over the budget, above which the user is warned.
LOOSE = 2.5


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
    heard
        Level that healthy running reaches about once in `hours`: the highest that needs no extrapolation.
    on_low, on_high
        Interval at 95 % of the level that is reached as often as the budget says.
    hours
        Of healthy running that was judged: recordings without the time that the smoothing needs to fill.
    per_hour
        The budget, false alarms an hour.
    expected_per_hour, expected_low, expected_high
        False alarms an hour at `on` by the best fit, and the interval at 95 %.
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
    heard: float
    on_low: float
    on_high: float
    hours: float
    per_hour: float
    expected_per_hour: float
    expected_low: float
    expected_high: float
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
        if self.extrapolation > 1:
            guess = (
                f" That far out it is a guess, as likely too low as too high: {_a_day(24 * self.expected_high)} false"
                " alarms a day are possible (95 %), and faults that do not reach it are missed."
            )
            return (
                f"the threshold rests on {format_hours(self.hours)} of healthy running, and the"
                f" budget is one false alarm in {format_hours(1 / self.per_hour)}: it goes"
                f" {format_number(self.extrapolation)} times beyond what was heard."
                f"{guess if self.extrapolation > BEYOND else ''} By themselves the recordings"
                f" only show that there are fewer than {format_number(self.supported_per_hour)} false alarms an hour"
                " (95 %). Record more healthy running, of every kind that occurs."
            )
        if self.expected_high > LOOSE * self.per_hour:
            return (
                f"the recordings leave the rate of false alarms open between {format_number(self.expected_low)}"
                f" and {format_number(self.expected_high)} an hour (95 %), and the budget is"
                f" {format_number(self.per_hour)}. Record more healthy"
                " running, of every kind that occurs."
            )
        return ""


def format_number(value: float, digits: int = 3) -> str:
    """A number as people write it: to so many digits, without a power of ten; tiny ones as "less than 0.001"."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    if abs(value) < 0.001:
        return "less than 0.001"
    places = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _a_day(count: float) -> str:
    return "less than one" if count < 1 else f"up to {format_number(count, 2)}"


def format_hours(hours: float) -> str:
    """Hours as a length of time that reads well."""
    for size, name in ((24.0, "days"), (1.0, "hours"), (1 / 60, "minutes")):
        if hours >= 2 * size:
            return f"{format_number(hours / size)} {name}"
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


def judged_hours(series: Sequence[Scores], step_seconds: float) -> float:
    """Hours of running that `series`, :func:`alarm_statistic` of each recording, judges: a step for each value.

    A device that never stops judges all of the time; a recording's first seconds only fill the smoothing.
    """
    return sum(len(values) for values in series) * step_seconds / 3600


def fit_threshold(
    series: Sequence[Scores],
    *,
    hours: float,
    per_hour: float,
    hysteresis: float = HYSTERESIS,
    seed: int = 0,
) -> Threshold:
    """Threshold that healthy running reaches `per_hour` times an hour.

    Parameters
    ----------
    series
        :func:`alarm_statistic` of each healthy recording that the model was not fitted on.
    hours
        Of healthy running that they judge, see :func:`judged_hours`, > 0.
    per_hour
        Budget, false alarms an hour, > 0.
    hysteresis
        `off` lies this share of the way from `on` down to the median, 0 to 1.
    seed
        Of the bootstrap that gives the intervals.

    Raises
    ------
    DataError
        There are no values at all, or they are not finite.
    """
    tail = model_tail(series, hours=hours, hysteresis=hysteresis, seed=seed)
    extrapolation = 1 / (hours * per_hour)
    floor = max(1e-6 * abs(tail.base), 1e-9)
    on = tail.level(per_hour)
    if extrapolation > FAR_BEYOND:
        on = max(on, max(float(np.max(s)) for s in series if len(s)) + floor)
    on_low, on_high = tail.level_interval(per_hour)
    low, high = tail.rate_interval(on)
    return Threshold(
        on=on,
        off=min(off_level(on, tail.median, hysteresis), on - hysteresis * floor),
        heard=tail.level(1 / hours),
        on_low=on_low,
        on_high=on_high,
        hours=hours,
        per_hour=per_hour,
        expected_per_hour=tail.rate(on),
        expected_low=low,
        expected_high=high,
        method=tail.method,
        shape=tail.shape,
        scale=tail.scale,
        base=tail.base,
        clusters=tail.clusters,
        extrapolation=extrapolation,
        supported_per_hour=3 / hours,
    )
