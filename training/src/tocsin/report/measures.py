# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""What a report is made of: every test recording through the detector, as the device would run it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..bundle import Bundle
from ..contributions import contributor
from ..data import Clip, Dataset, Issues, digest
from ..data.extract import in_threads, usable, window_too_long
from ..errors import DataError
from ..evaluate import Row, Scored, candidates, check_sensor, rows_of, trained_digests
from ..features import Extractor
from ..threshold import alarm_statistic
from ..twin import Scorer


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
    statistic
        That value after each window from the first that can alarm on, shape (m,).
    parts
        Mean part of each value of the vector in the scores, shape (dim,); None for models without such parts.
    """

    clip: Clip
    seconds: float
    score: float
    peak: float | None
    statistic: npt.NDArray[np.float64]
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
    """

    rows: list[Row]
    recorded: list[Recorded]
    left_out: int

    @property
    def scored(self) -> list[Scored]:
        """As :mod:`tocsin.evaluate` has them."""
        return [Scored(item.clip, item.score) for item in self.recorded]


def measure(
    bundle: Bundle,
    dataset: Dataset,
    *,
    issues: Issues,
    strict: bool = False,
    step: Callable[[], None] = lambda: None,
) -> Measured:
    """Run the test recordings of `dataset` through `bundle`; which these are is as in :func:`tocsin.evaluate.evaluate`.

    Raises
    ------
    DataError
        The recordings are of another sensor, cannot be used, or the bundle was trained on all of them.
    """
    check_sensor(bundle, dataset)
    trained = trained_digests(bundle)
    clips = candidates(dataset)
    local = threading.local()
    decision = bundle.decision

    def work(clip: Clip) -> tuple[Clip, tuple[Recorded | None] | DataError]:
        if not hasattr(local, "scorer"):
            local.extractor, local.scorer = Extractor(bundle.features), Scorer(bundle)
            local.parts = contributor(bundle)
        try:
            samples = dataset.read(clip, issues)
            if digest(samples) in trained:
                return clip, (None,)
            vectors, _ = local.extractor.vectors(samples)
            if not len(vectors):
                return clip, window_too_long(len(samples), bundle.features)
            scores = local.scorer.score(vectors)
        except DataError as error:
            return clip, error
        statistic = np.empty(0)
        if len(scores) >= decision.smooth + decision.min_windows - 1:
            statistic = np.asarray(alarm_statistic(scores, decision.smooth, decision.min_windows), np.float64)
        found = Recorded(
            clip=clip,
            seconds=len(samples) / bundle.features.sample_rate,
            score=float(scores.mean(dtype=np.float64)),
            peak=float(statistic.max()) if len(statistic) else None,
            statistic=statistic,
            parts=None if local.parts is None else local.parts(vectors).mean(axis=0),
        )
        return clip, (found,)

    recorded: list[Recorded] = []
    left_out = 0
    for (item,) in usable(in_threads(work, clips), total=len(clips), issues=issues, strict=strict):
        step()
        if item is None:
            left_out += 1
        else:
            recorded.append(item)
    if not recorded:
        raise DataError(
            f"The bundle was trained on all {left_out} recordings of {dataset.root}, so none is left to report on."
        )
    rows = rows_of([Scored(item.clip, item.score) for item in recorded])
    return Measured(rows, recorded, left_out)


@dataclass(frozen=True)
class Point:
    """What one threshold would do.

    Attributes
    ----------
    threshold
        In units of the score.
    per_day
        False alarms a day to expect, by the tail in the training record; None where that does not reach.
    healthy, detected
        Shares of the healthy and the anomalous recordings that raise an alarm; None without any.
    delay
        Median of the seconds until the alarm, of the anomalies that raise one; None without any.
    """

    threshold: float
    per_day: float | None
    healthy: float | None
    detected: float | None
    delay: float | None


def operating_points(bundle: Bundle, measured: Measured, *, count: int = 60) -> list[Point]:
    """Thresholds from where many healthy recordings alarm to where no anomaly does, in ascending order."""
    able = [item for item in measured.recorded if item.peak is not None]
    if not able:
        return []
    peaks = np.array([item.peak for item in able], np.float64)
    healthy = peaks[[item.clip.label == "normal" for item in able]]
    on = bundle.decision.threshold_on
    low, high = min(float(np.median(healthy if len(healthy) else peaks)), on), max(float(peaks.max()), on)
    grid = np.geomspace(low, high, count) if low > 0 and high > 10 * low else np.linspace(low, high, count)
    return [point(bundle, able, float(t)) for t in np.union1d(grid, [on])]


def point(bundle: Bundle, recorded: list[Recorded], threshold: float) -> Point:
    """What `threshold` would do on the recordings."""
    shares: dict[str, float | None] = {}
    for label in ("normal", "anomaly"):
        told = [item.alarm(threshold) for item in recorded if item.clip.label == label and item.peak is not None]
        shares[label] = float(np.mean(told)) if told else None
    features, decision = bundle.features, bundle.decision
    first = features.window_span + (decision.smooth + decision.min_windows - 2) * features.window_step
    delays = [
        (first + int(np.argmax(item.statistic >= threshold)) * features.window_step) / features.sample_rate
        for item in recorded
        if item.clip.label == "anomaly" and item.alarm(threshold)
    ]
    return Point(
        threshold=threshold,
        per_day=expected_per_day(bundle, threshold),
        healthy=shares["normal"],
        detected=shares["anomaly"],
        delay=float(np.median(delays)) if delays else None,
    )


def expected_per_day(bundle: Bundle, threshold: float) -> float | None:
    """False alarms a day of healthy running, by the generalised Pareto tail in the training record.

    None below the tail's base, above its end, or without a record.
    """
    line = bundle.meta.get("threshold", {})
    try:
        base, scale, shape = float(line["base"]), float(line["scale"]), float(line["shape"])
        an_hour = float(line["clusters"]) / float(line["hours"])
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    if threshold < base or not scale > 0:
        return None
    excess = (threshold - base) / scale
    if abs(shape) < 1e-6:
        return float(24 * an_hour * np.exp(-excess))
    inside = 1 + shape * excess
    return float(24 * an_hour * inside ** (-1 / shape)) if inside > 0 else 0.0
