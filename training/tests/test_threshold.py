# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Thresholds against distributions whose quantiles are known."""

from __future__ import annotations

import numpy as np
import pytest

from tocsin.alarm.operating_point import find_alarms
from tocsin.alarm.tail import cluster_peaks, fit_tail, model_tail
from tocsin.alarm.threshold import alarm_statistic, fit_threshold, judged_hours, parse_rate
from tocsin.bundle import Decision
from tocsin.errors import DataError


@pytest.mark.parametrize(
    ("text", "per_hour"),
    [("1/hour", 1), ("1/day", 1 / 24), ("2 per week", 2 / 168), ("0.5/month", 0.5 / 730.5), (" 3 / Year ", 3 / 8766)],
)
def test_rates_are_read(text: str, per_hour: float) -> None:
    assert parse_rate(text).per_hour == pytest.approx(per_hour)


@pytest.mark.parametrize("text", ["", "1", "day", "1/fortnight", "-1/day", "0/day", "nan/day"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(DataError, match="1/day"):
        parse_rate(text)


def test_threshold_within_the_data_is_the_quantile() -> None:
    # Independent windows of a second with exponential scores: 10 an hour is the quantile 1 - 10/3600, ln 360.
    rng = np.random.default_rng(0)
    found = fit_threshold([rng.exponential(size=3600) for _ in range(20)], hours=20, per_hour=10)
    assert found.on == pytest.approx(np.log(360), abs=0.25)
    assert found.extrapolation < 1
    assert found.warning == ""


def test_threshold_beyond_the_data_extrapolates_and_warns() -> None:
    rng = np.random.default_rng(1)
    series = [rng.exponential(size=600) for _ in range(6)]
    found = fit_threshold(series, hours=1, per_hour=1 / 24)
    # The truth is ln(3600 · 24) = 11.4; the prior on the tail's shape keeps the claim near it.
    assert 9.5 < found.on < 15
    assert found.on > max(s.max() for s in series)
    assert found.extrapolation == pytest.approx(24)
    assert "24 times beyond" in found.warning


def test_minutes_of_data_do_not_put_the_threshold_out_of_reach() -> None:
    # Two minutes of independent windows of a second: one alarm a day is ln(86400) = 11.4. The average over what so few
    # data leave open is ruled by the heaviest tails: half of these sets would have a level above 27, some above 42.
    levels = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        series = [rng.exponential(size=8) for _ in range(15)]
        found = fit_threshold(series, hours=120 / 3600, per_hour=1 / 24, seed=seed)
        levels.append(found.on)
        assert found.on > max(s.max() for s in series)
        # Once in two minutes: ln(120) = 4.8.
        assert 2.5 < found.heard < 10
        assert "as likely too low as too high" in found.warning
        assert "faults that do not reach it are missed" in found.warning
    assert np.log(86400) < np.median(levels) < 20
    assert np.max(levels) < 30


def test_rarer_alarms_never_have_a_lower_level() -> None:
    for seed in range(5):
        rng = np.random.default_rng(seed)
        tail = model_tail([rng.standard_t(5, size=30) for _ in range(12)], hours=0.1, seed=seed)
        levels = [tail.level(rate) for rate in 1 / np.geomspace(0.01, 1000, 60)]
        assert (np.diff(levels) >= -1e-9).all()
        assert levels[-1] > levels[0]


def test_near_the_data_the_rate_averaged_over_what_they_leave_open_is_the_budget() -> None:
    rng = np.random.default_rng(3)
    tail = model_tail([rng.exponential(size=100) for _ in range(40)], hours=1.0)
    for rate in (5.0, 1.0, 0.25):
        count, shape, scale = tail.replicas.T
        above = np.maximum(1 + shape * (tail.level(rate) - tail.base) / scale, 0.0)
        flat = np.abs(shape) < 1e-6
        kept = np.where(
            flat, np.exp(-(tail.level(rate) - tail.base) / scale), above ** (-1 / np.where(flat, 1.0, shape))
        )
        assert np.mean(count * kept) == pytest.approx(rate, rel=0.01)


def test_shape_of_a_heavy_tail_is_found() -> None:
    from scipy import stats

    sample = stats.genpareto.rvs(0.3, scale=2.0, size=3000, random_state=np.random.default_rng(2))
    shape, scale, method = fit_tail(sample)
    assert shape == pytest.approx(0.3, abs=0.06)
    assert scale == pytest.approx(2.0, rel=0.1)
    assert method == "generalised Pareto"


def test_few_peaks_get_an_exponential_tail() -> None:
    shape, scale, method = fit_tail(np.array([1.0, 2.0, 3.0]))
    assert (shape, scale, method) == (0.0, 2.0, "exponential")


def test_few_low_peaks_are_not_taken_for_a_short_tail() -> None:
    # One peak hardly above the base; the bulk is exponential with a scale of 1.
    values = -np.log1p(-np.arange(40) / 40)
    values[-4:] = values[-5] + [0.001, 0.002, 0.003, 0.004]
    found = fit_threshold([values], hours=0.01, per_hour=0.04)
    assert (found.method, found.clusters) == ("exponential", 1)
    assert found.scale == pytest.approx(1.0, rel=0.2)


@pytest.mark.parametrize("values", [[1.0], [2.0] * 50, [0.0] * 3])
def test_little_or_constant_data_still_give_an_ordered_threshold(values: list[float]) -> None:
    found = fit_threshold([np.array(values)], hours=0.01, per_hour=0.04)
    assert found.off < found.on
    assert found.on > max(values)
    assert np.isfinite([found.on, found.off]).all()


def test_no_data_are_refused() -> None:
    with pytest.raises(DataError, match="long enough"):
        fit_threshold([np.empty(0)], hours=1, per_hour=1)


def test_a_run_of_windows_is_one_peak() -> None:
    assert cluster_peaks(np.array([0, 2, 3, 2, 0, 5, 0, 2.0]), 1.0) == [3, 5, 2]


def test_peaks_without_a_recovery_between_them_are_one() -> None:
    series = np.array([0, 5, 3, 6, 1, 5, 0, 3, 5.0])
    assert cluster_peaks(series, 4.0) == [5, 6, 5, 5]
    assert cluster_peaks(series, 4.0, 2.0) == [6, 5, 5]
    assert cluster_peaks(series, 4.0, 0.5) == [6, 5]
    assert cluster_peaks(series, 7.0, 1.0) == []


def autoregressive(rng: np.random.Generator, recordings: int, windows: int, hold: float = 0.8) -> np.ndarray:
    """Scores with a standard normal distribution and memory: shape (recordings, windows)."""
    noise = rng.normal(size=(recordings, windows)) * np.sqrt(1 - hold**2)
    noise[:, 0] /= np.sqrt(1 - hold**2)
    for i in range(1, windows):
        noise[:, i] += hold * noise[:, i - 1]
    return noise


@pytest.mark.parametrize(("per_hour", "hours", "sets"), [(1.0, 10.0, 12), (1 / 24, 100.0, 4)])
def test_budget_is_kept_by_scores_with_memory(per_hour: float, hours: float, sets: int) -> None:
    # Sets of recordings of a minute give thresholds; alarms are counted in 400 hours of other recordings by the
    # device's decision stage. All sets together must keep the budget within a factor of 2, and each within one of 5.
    rng = np.random.default_rng(4)
    smooth, persist = 3, 2
    windows = 60 + smooth + persist - 2
    test = [row.astype(np.float32) for row in autoregressive(rng, 24000, windows)]
    ratios = []
    for _ in range(sets):
        series = [alarm_statistic(row, smooth, persist) for row in autoregressive(rng, int(hours * 60), windows)]
        assert judged_hours(series, 1.0) == pytest.approx(hours)
        found = fit_threshold(series, hours=hours, per_hour=per_hour)
        decision = Decision(smooth, persist, found.on, found.off)
        ratios.append(sum(len(find_alarms(row, decision)) for row in test) / 400 / per_hour)
    assert 0.5 < np.mean(ratios) < 2
    assert 0.2 < np.min(ratios) <= np.max(ratios) < 5


def test_interval_holds_the_truth_as_often_as_it_says() -> None:
    # Exponential scores of independent windows of a second: the truth is known.
    rng = np.random.default_rng(5)
    truth = np.log(3600)
    inside, rates = 0, 0
    for seed in range(40):
        tail = model_tail([rng.exponential(size=360) for _ in range(60)], hours=6, seed=seed)
        low, high = tail.level_interval(1.0)
        inside += low < truth < high
        low, high = tail.rate_interval(truth)
        rates += low < 1 < high
    assert inside >= 33
    assert rates >= 33


def test_windows_of_one_recording_do_not_count_as_independent() -> None:
    # Some recordings are loud throughout: hundreds of peaks are of a few recordings, and say little more than these.
    rng = np.random.default_rng(6)
    loud = [np.exp(0.8 * rng.normal()) * rng.exponential(size=100) for _ in range(100)]
    dealt = list(rng.permutation(np.concatenate(loud)).reshape(100, 100))
    widths = []
    for series in (loud, dealt):
        tail = model_tail(series, hours=10)
        low, high = tail.rate_interval(tail.base)
        widths.append((high - low) / tail.rate(tail.base))
    assert widths[0] > 1.5 * widths[1]


def test_open_rates_are_warned_of() -> None:
    rng = np.random.default_rng(7)
    found = fit_threshold([rng.pareto(3, size=30) for _ in range(8)], hours=2, per_hour=0.6)
    assert found.extrapolation < 1
    assert found.expected_low < 0.6 < found.expected_high
    assert "between" in found.warning


@pytest.mark.parametrize(("smooth", "min_windows"), [(1, 1), (1, 4), (5, 1), (3, 3)])
def test_alarm_statistic_reaches_the_threshold_exactly_when_an_alarm_begins(
    rng: np.random.Generator, smooth: int, min_windows: int
) -> None:
    alarms = 0
    for _ in range(200):
        scores = rng.normal(size=12)
        threshold = rng.uniform(-0.5, 1.0)
        row, alarm = 0, False
        for i in range(smooth, len(scores) + 1):
            row = row + 1 if np.mean(scores[i - smooth : i]) >= threshold else 0
            alarm |= row >= min_windows
        assert alarm == bool((alarm_statistic(scores, smooth, min_windows) >= threshold).any())
        alarms += alarm
    assert 20 < alarms < 198


def test_alarm_statistic_of_short_recordings() -> None:
    assert len(alarm_statistic(np.ones(3), 4, 1)) == 0
    # Two smoothed scores where four in a row are needed: judged by the two, never by none.
    assert list(alarm_statistic(np.array([1.0, 3.0, 5.0]), 2, 4)) == [2.0]
