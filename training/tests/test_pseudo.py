# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Pseudo-anomalies: nothing at strength 0, more with more strength, and what each kind promises."""

from __future__ import annotations

import numpy as np
import pytest

from tocsin.alarm.pseudo import FAINT, KINDS, pseudo_anomaly
from tocsin.errors import DataError

RATE = 16000


def noise(seed: int, shape: tuple[int, ...] = (2 * RATE,), level: float = 1000) -> np.ndarray:
    return np.rint(np.random.default_rng(seed).normal(0, level, shape)).astype(np.int16)


def change(kind: str, strength: float, seed: int = 0) -> float:
    """RMS of what was changed, over the RMS of the recording."""
    x = noise(1)
    y = pseudo_anomaly(x, RATE, np.random.default_rng(seed), kind, strength=strength, other=noise(2))
    return float(np.std(y.astype(float) - x) / np.std(x))


@pytest.mark.parametrize("kind", KINDS)
def test_strength_scales_the_change_from_nothing(kind: str) -> None:
    x = noise(1)
    y = pseudo_anomaly(x, RATE, np.random.default_rng(0), kind, strength=0, other=noise(2))
    np.testing.assert_array_equal(x, y)
    faint = [np.mean([change(kind, s, seed) for seed in range(4)]) for s in FAINT]
    plain = np.mean([change(kind, 1, seed) for seed in range(4)])
    assert faint[0] > 0
    # Of noise every change of speed is a change of all samples; a tone tells speeds apart, below.
    assert kind == "speed" or faint[0] < faint[-1] < plain


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(1600,), (1601,), (800, 3)])
def test_shape_type_and_seed(kind: str, shape: tuple[int, ...]) -> None:
    x, other = noise(3, shape), noise(4, (500, *shape[1:]))
    made = [pseudo_anomaly(x, 800, np.random.default_rng(s), kind, strength=0.5, other=other) for s in (5, 5, 6)]
    assert made[0].shape == shape
    assert made[0].dtype == np.int16
    np.testing.assert_array_equal(made[0], made[1])
    if kind != "mix":
        assert (made[0] != made[2]).any()
    assert (made[0] != x).any()


@pytest.mark.parametrize("kind", ["gain", "stop", "tone", "noise", "clicks", "modulate"])
def test_only_a_band_changes(kind: str) -> None:
    # Of 80 bands of equal width fewer than half may change by 1 dB: it is a fault, not another microphone.
    x = noise(7, (8 * RATE,))
    y = pseudo_anomaly(x, RATE, np.random.default_rng(8), kind, strength=0.4)
    power = [np.abs(np.fft.rfft(s.astype(float)))[1:] ** 2 for s in (x, y)]
    bands = [p.reshape(80, -1).mean(axis=1) for p in power]
    changed = np.abs(10 * np.log10(bands[1] / bands[0])) > 1
    assert changed.mean() < 0.5
    if kind != "modulate":
        assert changed.any()


def test_speed_moves_a_tone_and_keeps_the_top() -> None:
    t = np.arange(4 * RATE) / RATE
    x = np.rint(8000 * np.sin(2 * np.pi * 1000 * t) + noise(9, t.shape, 100)).astype(np.int16)
    y = pseudo_anomaly(x, RATE, np.random.default_rng(0), "speed", strength=0.5)
    spectra = [np.abs(np.fft.rfft(s.astype(float))) for s in (x, y)]
    found = [np.argmax(s) / 4 for s in spectra]
    assert found[0] == pytest.approx(1000, abs=0.5)
    assert abs(found[1] - 1000) == pytest.approx(40, abs=1)
    # A detector must not tell it by a missing top octave.
    top = [np.mean(s[4 * 7500 : 4 * 7999] ** 2) for s in spectra]
    assert top[1] == pytest.approx(top[0], rel=0.2)


def test_mix_is_the_other_recording_at_full_strength() -> None:
    x, other = noise(1), noise(2)
    y = pseudo_anomaly(x, RATE, np.random.default_rng(0), "mix", strength=1, other=other)
    np.testing.assert_array_equal(y, other)


def test_mixing_keeps_the_level() -> None:
    x, other = noise(1), noise(2)
    y = pseudo_anomaly(x, RATE, np.random.default_rng(0), "mix", strength=0.4, other=other)
    assert np.std(y) == pytest.approx(np.std(x), rel=0.02)


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"mix"}))
def test_only_a_machine_that_runs_becomes_strange(kind: str) -> None:
    # 12 s, of which it stands for the first and the last two; then without a pause, of a level that varies a little.
    seconds = np.arange(12 * RATE) / RATE
    for times, levels in (([2.0, 2.2, 9.8, 10.0], [50, 3000, 3000, 50]), ([0.0, 6.0, 12.0], [2000, 3500, 2000])):
        loud = np.interp(seconds, times, levels)
        x = np.rint(loud * np.random.default_rng(11).normal(size=len(loud))).astype(np.int16)
        y = pseudo_anomaly(x, RATE, np.random.default_rng(0), kind, strength=0.4)
        changed = np.sqrt(np.mean((y.astype(float) - x).reshape(12, -1) ** 2, axis=1))
        assert changed[3:9].min() > 0.2 * changed.max()
        if levels[0] == 50:
            assert changed[[0, 11]].max() < 0.05 * 50
        else:
            assert changed[[0, 11]].min() > 0.2 * changed.max()


def test_loud_recordings_are_limited_not_wrapped() -> None:
    x = noise(1, level=25000)
    y = pseudo_anomaly(x, RATE, np.random.default_rng(0), "tone", strength=1)
    assert np.abs(y.astype(float) - x).max() < 40000


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "hum"}, "clicks"),
        ({"strength": -0.1}, "from 0 to 1"),
        ({"strength": float("nan")}, "from 0 to 1"),
        ({"kind": "mix"}, "another recording"),
        ({"kind": "mix", "other": noise(1, (100, 2))}, "2 channels"),
        ({"samples": noise(1, (5,))}, "too few"),
    ],
)
def test_what_cannot_be_made_is_refused(changes: dict, message: str) -> None:
    given = {"samples": noise(1), "kind": "gain", "strength": 0.3, **changes}
    with pytest.raises(DataError, match=message):
        pseudo_anomaly(given.pop("samples"), RATE, np.random.default_rng(0), given.pop("kind"), **given)
