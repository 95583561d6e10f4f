# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""The building blocks: shapes, impulses, resonances, quantisation; against formulas and SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import signal

from tocsin.synth import SynthesisError, signals
from tocsin.synth.seeds import stream
from tocsin.synth.wav import to_pcm16


def test_noise_has_unit_power_over_the_reference_band() -> None:
    x = signals.noise(stream(1, "x"), 160_000, 16_000.0, signals.hump(700.0, 0.5, 1.2))
    assert np.mean(x**2) == pytest.approx(1.0, rel=0.03)


def test_noise_at_a_low_rate_keeps_its_density() -> None:
    shape = signals.hump(400.0, 1.0, 1.0)
    wide = signals.noise(stream(1, "x"), 320_000, 16_000.0, shape)
    narrow = signals.noise(stream(2, "y"), 32_000, 1600.0, shape)
    f, high = signal.welch(wide, 16_000.0, nperseg=3200)
    g, low = signal.welch(narrow, 1600.0, nperseg=320)
    np.testing.assert_allclose(low[(g > 200) & (g < 600)], high[(f > 200) & (f < 600)], rtol=0.35)


def test_noise_has_the_asked_slope() -> None:
    x = signals.noise(stream(3, "x"), 160_000, 16_000.0, signals.hump(100.0, 1.0, 1.0))
    f, power = signal.welch(x, 16_000.0, nperseg=4096)
    octave = [np.mean(power[(f > c * 0.9) & (f < c * 1.1)]) for c in (1000.0, 2000.0)]
    assert 10 * np.log10(octave[0] / octave[1]) == pytest.approx(6.0, abs=0.7)


def test_slow_is_the_same_course_at_any_rate() -> None:
    fast = signals.slow(stream(4, "x"), 16_000, 16_000.0, 0.5)
    coarse = signals.slow(stream(4, "x"), 1600, 1600.0, 0.5)
    np.testing.assert_allclose(fast[::10], coarse, atol=1e-12)


@given(st.lists(st.tuples(st.floats(0.0, 0.98), st.floats(-10.0, 10.0)), max_size=20))
def test_impulses_keep_area_and_first_moment(hits: list[tuple[float, float]]) -> None:
    times, areas = (np.array([hit[i] for hit in hits], dtype=float) for i in (0, 1))
    train = signals.impulses(times, areas, 1000, 1000.0)
    assert train.sum() == pytest.approx(areas.sum(), abs=1e-9)
    assert train @ np.arange(1000) / 1000.0 == pytest.approx(areas @ times, abs=1e-9)


def test_ring_is_a_decaying_sinusoid() -> None:
    train = np.zeros(400)
    train[0] = 1.0
    t = np.arange(400) / 16_000.0
    expected = 0.7 * np.exp(-t / 0.004) * np.sin(2 * np.pi * 1200.0 * t)
    np.testing.assert_allclose(signals.ring(train, [(1200.0, 0.004, 0.7)], 16_000.0), expected, atol=1e-9)


def test_ring_leaves_out_what_would_alias() -> None:
    train = np.ones(10)
    assert not signals.ring(train, [(790.0, 0.01, 1.0)], 1600.0).any()


@given(st.lists(st.floats(-0.9999, 0.9999), min_size=1, max_size=50))
def test_pcm_is_within_half_a_step(values: list[float]) -> None:
    pcm, clipped = to_pcm16(np.array(values), full_scale=1.0)
    assert clipped == 0
    np.testing.assert_array_less(np.abs(pcm / 32768.0 - values), 0.5 / 32768.0 + 1e-12)


def test_pcm_limits_and_counts_what_does_not_fit() -> None:
    pcm, clipped = to_pcm16(np.array([4.0, -4.0, -4.1, 0.5]), full_scale=4.0)
    assert pcm.tolist() == [32767, -32768, -32768, 4096]
    assert clipped == 2


def test_streams_by_name_differ_and_repeat() -> None:
    assert stream(0, "fan", 0).integers(1 << 60) == stream(0, "fan", 0).integers(1 << 60)
    draws = {
        int(stream(*key).integers(1 << 60)) for key in ((0, "fan", 0), (1, "fan", 0), (0, "fan", 2), (0, "pump", 0))
    }
    assert len(draws) == 4


@pytest.mark.parametrize("seed", [-1, 1.5, True, "7"])
def test_bad_seed_is_refused(seed: object) -> None:
    with pytest.raises(SynthesisError, match="0 or greater"):
        stream(seed)  # type: ignore[arg-type]
