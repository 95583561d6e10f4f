# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Alarms by the device's decision stage, and what thresholds bring."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from tocsin.alarm.operating_point import find_alarms, operating_curve, operating_point, poisson_interval
from tocsin.alarm.tail import cluster_peaks
from tocsin.alarm.threshold import alarm_statistic
from tocsin.bundle import Decision
from tocsin.errors import DataError


def test_alarms_of_a_known_series() -> None:
    scores = np.array([0, 0, 5, 6, 5, 3, 2, 0, 7, 7, 9], np.float32)
    found = find_alarms(scores, Decision(1, 2, 4.0, 3.0))
    assert [(a.begin, a.decided, a.last, a.peak) for a in found] == [(2, 3, 5, 6.0), (8, 9, 10, 9.0)]


def test_smoothing_delays_the_alarm() -> None:
    found = find_alarms(np.array([0, 0, 0, 9, 9, 9, 0, 0, 0, 0], np.float32), Decision(3, 1, 6.0, 1.0))
    assert [(a.begin, a.decided, a.last, a.peak) for a in found] == [(4, 4, 7, 9.0)]


@pytest.mark.parametrize(("smooth", "persist"), [(1, 1), (3, 2), (2, 4)])
def test_clusters_of_the_statistic_are_the_devices_alarms(rng: np.random.Generator, smooth: int, persist: int) -> None:
    alarms = 0
    for _ in range(200):
        scores = np.round(rng.normal(size=60), 2).astype(np.float32)
        on = float(np.float32(rng.uniform(-0.3, 1)))
        off = float(np.float32(on - rng.uniform(0, 1)))
        found = find_alarms(scores, Decision(smooth, persist, on, off))
        assert len(found) == len(cluster_peaks(alarm_statistic(scores, smooth, persist), on, off))
        alarms += len(found)
    assert alarms > 200


@pytest.mark.parametrize(("scores", "decision"), [([np.nan], (1, 1, 1.0, 0.0)), ([1.0], (1, 1, 0.0, 1.0))])
def test_what_cannot_be_judged_is_refused(scores: list[float], decision: tuple[int, int, float, float]) -> None:
    with pytest.raises(DataError, match="cannot be judged"):
        find_alarms(np.array(scores, np.float32), Decision(*decision))


def test_poisson_interval_is_garwoods() -> None:
    # Garwood's table, 1936.
    assert poisson_interval(0, 1) == pytest.approx((0, 3.689), abs=1e-3)
    assert poisson_interval(10, 2) == pytest.approx((4.795 / 2, 18.39 / 2), rel=1e-3)


def test_point_counts_detections_and_delay() -> None:
    healthy = [np.random.default_rng(i).exponential(size=600).astype(np.float32) for i in range(30)]
    late = np.r_[np.zeros(20), np.full(20, 50)].astype(np.float32)
    early = np.r_[np.zeros(10), np.full(30, 50)].astype(np.float32)
    never = np.zeros(40, np.float32)
    point = operating_point(
        healthy, [late, early, never], decision=Decision(1, 2, 40.0, 30.0), step_seconds=0.5, span_seconds=1.0
    )
    assert point.counted == 0
    assert point.detection_rate == pytest.approx(2 / 3)
    # Decided in windows 21 and 11, each ending a second after it begins.
    assert point.delay_seconds == pytest.approx(0.5 * 16 + 1.0)
    assert point.false_alarms_per_day < 0.1


def test_curve_falls_and_agrees_with_the_truth() -> None:
    rng = np.random.default_rng(3)
    healthy = [rng.exponential(size=3600).astype(np.float32) for _ in range(20)]
    strange = [(8 + rng.exponential(size=60)).astype(np.float32) for _ in range(20)]
    curve = operating_curve(healthy, strange, decision=Decision(1, 1, 0, 0), step_seconds=1.0, span_seconds=1.0)
    rates = [point.false_alarms_per_day for point in curve]
    detected = [point.detection_rate for point in curve]
    assert all(a >= 0.98 * b for a, b in pairwise(rates))
    assert all(a >= b for a, b in pairwise(detected))
    assert detected[0] == 1
    for point in curve:
        # Above ln 100 exceedances are rare enough to be alarms of their own.
        if 4.6 < point.threshold_on < 9:
            assert point.false_alarms_per_day == pytest.approx(86400 * np.exp(-point.threshold_on), rel=0.7)
            assert point.per_day_low <= point.false_alarms_per_day <= point.per_day_high
    assert curve[0].delay_seconds == 1.0


def test_no_anomalies_give_no_detection_rate() -> None:
    healthy = [np.random.default_rng(i).exponential(size=60).astype(np.float32) for i in range(5)]
    point = operating_point(healthy, [], decision=Decision(1, 1, 9.0, 8.0), step_seconds=1, span_seconds=1)
    assert (point.detection_rate, point.delay_seconds) == (None, None)


def test_thresholds_can_be_given() -> None:
    healthy = [np.random.default_rng(i).exponential(size=60).astype(np.float32) for i in range(5)]
    curve = operating_curve(
        healthy, healthy, decision=Decision(1, 1, 0, 0), step_seconds=1, span_seconds=1, thresholds=[2.0, 1.0]
    )
    assert [point.threshold_on for point in curve] == [1.0, 2.0]
    with pytest.raises(DataError, match="long enough"):
        operating_curve([], [], decision=Decision(1, 1, 0, 0), step_seconds=1, span_seconds=1)
