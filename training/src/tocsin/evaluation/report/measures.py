# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""What a report is made of: every test recording through the detector, as the device would run it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ...alarm.operating_point import OperatingPoint, find_alarms, operating_curve, operating_point
from ...alarm.tail import model_tail, off_level
from ...alarm.threshold import alarm_statistic, judged_hours
from ...bundle import Bundle
from ...data import Clip, Dataset, Issues
from ...features import Extractor
from ...twin import Scorer
from ..contributions import contributor
from ..evaluate import Row, Scored, judge_recordings, rows_of

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Recorded:
    """One test recording.

    Attributes
    ----------
    clip
        Which.
    seconds
        Its length.
    score
        Mean of its windows' scores, by which recordings are compared.
    peak
        Greatest value that the decision stage holds against the threshold; None where the recording is too short for
        an alarm.
    scores
        Of its windows, float32 of shape (n,).
    parts
        Mean part of each value of the vector in the scores, shape (dim,); None for models without such parts.
    """

    clip: Clip
    seconds: float
    score: float
    peak: float | None
    scores: Vectors
    parts: npt.NDArray[np.float64] | None

    def alarm(self, threshold: float) -> bool:
        """Whether it raises an alarm when streamed by itself."""
        return self.peak is not None and self.peak >= threshold


@dataclass(frozen=True)
class Measured:
    """All test recordings.

    Attributes
    ----------
    rows
        AUC for each machine, section and domain, and for all.
    recorded
        The recordings.
    left_out
        How many the bundle was trained on.
    scored
        The recordings as :mod:`tocsin.evaluation.evaluate` has them.
    """

    rows: list[Row]
    recorded: list[Recorded]
    left_out: int
    scored: list[Scored]


def measure(
    bundle: Bundle,
    dataset: Dataset,
    *,
    issues: Issues,
    strict: bool = False,
    step: Callable[[], None] = lambda: None,
) -> Measured:
    """Run the test recordings of `dataset` through `bundle`.

    Which these are is as in :func:`tocsin.evaluation.evaluate.evaluate`.

    Raises
    ------
    DataError
        The recordings are of another sensor, cannot be used, or the bundle was trained on all of them.
    """
    decision = bundle.decision

    def prepare() -> Callable[[Clip, npt.NDArray[np.int16]], Recorded]:
        extractor, scorer, parts_of = Extractor(bundle.features), Scorer(bundle), contributor(bundle)

        def judge(clip: Clip, samples: npt.NDArray[np.int16]) -> Recorded:
            vectors, _ = extractor.vectors(samples)
            scores = scorer.score(vectors)
            peak = None
            if len(scores) >= decision.smooth + decision.min_windows - 1:
                peak = float(alarm_statistic(scores, decision.smooth, decision.min_windows).max())
            return Recorded(
                clip=clip,
                seconds=len(samples) / bundle.features.sample_rate,
                score=float(scores.mean(dtype=np.float64)),
                peak=peak,
                scores=scores,
                parts=None if parts_of is None else parts_of(vectors).mean(axis=0),
            )

        return judge

    recorded, left_out = judge_recordings(bundle, dataset, prepare, issues=issues, strict=strict, step=step)
    scored = [Scored(item.clip, item.score, item.alarm(decision.threshold_on)) for item in recorded]
    return Measured(rows_of(scored), recorded, left_out, scored)


def operating_points(bundle: Bundle, measured: Measured) -> list[OperatingPoint]:
    """What thresholds down to one false alarm a year would bring; empty without healthy recordings to judge by."""
    healthy, anomalous = scores_by_label(measured.recorded)
    return operating_curve(healthy, anomalous, **_grid(bundle)) if healthy else []


def chosen_points(bundle: Bundle, measured: Measured) -> list[tuple[str, OperatingPoint]]:
    """The bundle's own threshold, and those for usual budgets by the tail of the test recordings; lowest first."""
    healthy, anomalous = scores_by_label(measured.recorded)
    if not healthy:
        return []
    grid = _grid(bundle)
    decision = bundle.decision
    series = [alarm_statistic(scores, decision.smooth, decision.min_windows) for scores in healthy]
    tail = model_tail(series, hours=judged_hours(series, grid["step_seconds"]))
    found = [("as it is", decision)]
    for an_hour, words in ((1.0, "1 an hour"), (1 / 24, "1 a day"), (1 / 168, "1 a week"), (1 / 730.5, "1 a month")):
        on = tail.level(an_hour)
        found.append((f"for {words}", replace(decision, threshold_on=on, threshold_off=off_level(on, tail.median))))
    found.sort(key=lambda pair: pair[1].threshold_on)
    return [
        (words, operating_point(healthy, anomalous, **{**grid, "decision": chosen}, tail=tail))
        for words, chosen in found
    ]


def delay(bundle: Bundle, recorded: Sequence[Recorded]) -> float | None:
    """Median of the seconds until the alarm, of the anomalies that raise one; None without any."""
    step, span = (_grid(bundle)[name] for name in ("step_seconds", "span_seconds"))
    found = [
        alarms[0].decided * step + span
        for item in recorded
        if item.clip.label == "anomaly" and (alarms := find_alarms(item.scores, bundle.decision))
    ]
    return float(np.median(found)) if found else None


def scores_by_label(recorded: Sequence[Recorded]) -> tuple[list[Vectors], list[Vectors]]:
    """Scores of the healthy and of the anomalous recordings that are long enough for an alarm."""
    able = [item for item in recorded if item.peak is not None]
    healthy, anomalous = ([i.scores for i in able if i.clip.label == label] for label in ("normal", "anomaly"))
    return healthy, anomalous


def _grid(bundle: Bundle) -> dict[str, Any]:
    """The bundle's decision and times, as :mod:`tocsin.alarm.operating_point` wants them."""
    features = bundle.features
    return {
        "decision": bundle.decision,
        "step_seconds": features.window_step / features.sample_rate,
        "span_seconds": features.window_span / features.sample_rate,
    }
