# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""The operating curve: false alarms a day, detection rate and delay, as functions of the threshold.

    decision = bundle.decision
    step = bundle.features.window_step / bundle.features.sample_rate
    span = bundle.features.window_span / bundle.features.sample_rate
    curve = operating_curve(healthy, anomalous, decision=decision, step_seconds=step, span_seconds=span)

`healthy` and `anomalous` are scores of recordings that the bundle was not trained on, one array of windows' scores for
each recording, as :meth:`tocsin.twin.Scorer.score` gives them. Alarms are counted by the device's own decision stage.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from .. import _core
from ..bundle import Decision
from ..errors import DataError
from .tail import CONFIDENCE, HYSTERESIS, Tail, model_tail, off_level
from .threshold import alarm_statistic, judged_hours

Scores = npt.NDArray[np.floating]

# A curve spans from so many false alarms a day to what the healthy recordings show most of.
_LEAST_PER_DAY = 1 / 366
_POINTS = 60


@dataclass(frozen=True)
class Alarm:
    """An alarm in one recording, in numbers of windows from 0.

    Attributes
    ----------
    begin
        First window at or above the threshold.
    decided
        Window in which the alarm was raised.
    last
        Last window of it so far.
    peak
        Greatest smoothed score.
    """

    begin: int
    decided: int
    last: int
    peak: float


@dataclass(frozen=True)
class OperatingPoint:
    """What a threshold brings.

    Attributes
    ----------
    threshold_on, threshold_off
        In units of the score.
    false_alarms_per_day
        Expected on healthy running: by the fitted tail where the threshold lies in it, else counted.
    per_day_low, per_day_high
        Its interval at 95 %.
    counted
        Alarms in the healthy recordings.
    detection_rate
        Share of the anomalous recordings in which an alarm begins; None without any.
    delay_seconds
        Median over the detected ones, from the recording's start to the end of the window that raised the alarm; None
        where none was detected.
    """

    threshold_on: float
    threshold_off: float
    false_alarms_per_day: float
    per_day_low: float
    per_day_high: float
    counted: int
    detection_rate: float | None
    delay_seconds: float | None


def find_alarms(scores: Scores, decision: Decision) -> list[Alarm]:
    """Alarms of one recording, by the device's decision stage, from a fresh start.

    Raises
    ------
    DataError
        A score is not finite, or the decision is out of range.
    """
    try:
        windows, peaks = _core.alarms(
            np.ascontiguousarray(scores, np.float32),
            decision.smooth,
            decision.min_windows,
            decision.threshold_on,
            decision.threshold_off,
        )
    except ValueError as error:
        raise DataError(f"The scores cannot be judged: {error}.") from error
    rows = zip(windows.tolist(), peaks.tolist(), strict=True)
    return [Alarm(begin, decided, last, peak) for (begin, decided, last), peak in rows]


def poisson_interval(count: int, exposure: float) -> tuple[float, float]:
    """Interval at 95 % of a rate of which `count` events were seen in `exposure` (Garwood, 1936)."""
    from scipy import stats

    out = (1 - CONFIDENCE) / 2
    low = float(stats.chi2.ppf(out, 2 * count)) / 2 if count else 0.0
    return low / exposure, float(stats.chi2.ppf(1 - out, 2 * count + 2)) / 2 / exposure


def operating_point(
    healthy: Sequence[Scores],
    anomalous: Sequence[Scores],
    *,
    decision: Decision,
    step_seconds: float,
    span_seconds: float,
    tail: Tail | None = None,
) -> OperatingPoint:
    """What the thresholds of `decision` bring.

    Parameters
    ----------
    healthy, anomalous
        Scores of the windows of each recording, in order; of `healthy` at least one must be long enough to be judged.
    decision
        Smoothing, persistence and thresholds.
    step_seconds, span_seconds
        Between windows, and of a window.
    tail
        Of the healthy recordings, where it is known already.

    Raises
    ------
    DataError
        No healthy recording is long enough, or a score is not finite.
    """
    tail = _tail(healthy, decision, step_seconds) if tail is None else tail
    counted = sum(len(find_alarms(scores, decision)) for scores in healthy)
    if decision.threshold_on >= tail.base:
        rate = tail.rate(decision.threshold_on)
        low, high = tail.rate_interval(decision.threshold_on)
    else:
        rate = counted / tail.hours
        low, high = poisson_interval(counted, tail.hours)
    decided = [alarms[0].decided for scores in anomalous if (alarms := find_alarms(scores, decision))]
    return OperatingPoint(
        threshold_on=decision.threshold_on,
        threshold_off=decision.threshold_off,
        false_alarms_per_day=24 * rate,
        per_day_low=24 * low,
        per_day_high=24 * high,
        counted=counted,
        detection_rate=len(decided) / len(anomalous) if len(anomalous) else None,
        delay_seconds=float(np.median(decided)) * step_seconds + span_seconds if decided else None,
    )


def operating_curve(
    healthy: Sequence[Scores],
    anomalous: Sequence[Scores],
    *,
    decision: Decision,
    step_seconds: float,
    span_seconds: float,
    thresholds: Sequence[float] | None = None,
    hysteresis: float = HYSTERESIS,
) -> list[OperatingPoint]:
    """False alarms, detections and delays over a range of thresholds, lowest first.

    Parameters that are not listed, and errors, are those of :func:`operating_point`. The thresholds in `decision`
    do not matter.

    Parameters
    ----------
    thresholds
        Where to look (None: from one false alarm a year by the healthy recordings' tail down to their median).
    hysteresis
        Where an alarm ends, see :func:`tocsin.alarm.tail.off_level`.
    """
    tail = _tail(healthy, decision, step_seconds)
    if thresholds is None:
        top = tail.level(_LEAST_PER_DAY / 24)
        below = np.linspace(tail.median, tail.base, _POINTS // 3, endpoint=False)
        thresholds = [*below, *np.linspace(tail.base, top, _POINTS - len(below))]
    points = []
    for on in sorted(float(level) for level in thresholds):
        chosen = replace(decision, threshold_on=on, threshold_off=off_level(on, tail.median, hysteresis))
        points.append(
            operating_point(
                healthy, anomalous, decision=chosen, step_seconds=step_seconds, span_seconds=span_seconds, tail=tail
            )
        )
    return points


def _tail(healthy: Sequence[Scores], decision: Decision, step_seconds: float) -> Tail:
    series = [alarm_statistic(scores, decision.smooth, decision.min_windows) for scores in healthy]
    return model_tail(series, hours=judged_hours(series, step_seconds))
