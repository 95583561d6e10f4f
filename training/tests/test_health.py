# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""The device's judgement of its sensor, applied to samples on the desk."""

from __future__ import annotations

import re

import numpy as np
import pytest

from conftest import REPOSITORY
from recordings import RATE, hum
from tocsin import _core
from tocsin.health import SILENT_RANGE, Change, Watch, channels_cancel, examine, stuck_ms


def digits(x: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(32768 * x), -32768, 32767).astype(np.int16)


def shaking(seconds: float = 10.0, rate: int = 1000) -> np.ndarray:
    """Three axes, int16."""
    return np.random.default_rng(5).normal(0, 300, (int(seconds * rate), 3)).astype(np.int16)


def test_limits_are_those_of_the_firmware() -> None:
    text = (REPOSITORY / "modules/source/Kconfig.health").read_text("utf-8")
    found = {
        name: int(value) for name, value in re.findall(r"config TOCSIN_SENSOR_(\w+)\n.*?default (\d+)", text, re.DOTALL)
    }
    assert found == {"STUCK_MS": _core.STUCK_MS, "RAILS_PERMILLE": _core.RAILS_PERMILLE}
    assert _core.Health(channels=1, sample_rate=16000).stuck_frames == 16000 * _core.STUCK_MS // 1000
    # A sensor of a few samples a second.
    assert _core.Health(channels=1, sample_rate=10).stuck_frames == 64
    with pytest.raises(ValueError, match="out of range"):
        _core.Health(channels=4, sample_rate=10)


@pytest.mark.parametrize("seconds", [0.5, 1, 3, 10, 30])
def test_dead_recording_is_stuck(seconds: float) -> None:
    fault = examine(np.zeros(int(seconds * RATE), np.int16), RATE)
    assert fault is not None
    assert (fault.condition, fault.begin, fault.end, fault.channels) == ("STUCK", 0, int(seconds * RATE), (0,))
    assert str(fault) == f"sensor STUCK: the same value from 0 s to {seconds:g} s"
    assert examine(digits(hum(1, seconds=seconds)), RATE) is None


@pytest.mark.parametrize("seconds", [0.5, 1, 3, 10, 30])
def test_recording_that_is_dead_from_its_middle(seconds: float) -> None:
    x = digits(hum(1, seconds=seconds))
    x[len(x) // 2 :] = x[len(x) // 2]
    fault = examine(x, RATE)
    assert fault is not None
    assert (fault.condition, fault.begin, fault.end) == ("STUCK", len(x) // 2, len(x))


def test_one_axis_that_does_not_change_is_named() -> None:
    x = shaking()
    assert examine(x, 1000) is None
    x[2000:7000, 1] = 17
    fault = examine(x, 1000)
    assert fault is not None
    assert (fault.condition, fault.begin, fault.end, fault.channels) == ("STUCK", 2000, 7000, (1,))
    assert "on channel 1 of 3 (from 0)" in str(fault)
    short = shaking(0.04)  # fewer samples than the 64 that are the least to be stuck
    short[:, 2] = 5
    fault = examine(short, 1000)
    assert fault is not None
    assert fault.channels == (2,)


@pytest.mark.parametrize("seconds", [0.5, 5])
def test_saturation_is_told_with_its_share(seconds: float) -> None:
    x = digits(hum(1, seconds=seconds))
    x[::25] = -32768  # 4 % of the samples
    assert examine(x, RATE) is None
    loud = digits(6 * hum(1, seconds=seconds))
    fault = examine(loud, RATE)
    assert fault is not None
    assert (fault.condition, fault.begin) == ("SATURATED", 0)
    assert "more than 5 % of a second's samples" in str(fault)


def test_silence_with_a_dithering_digit_is_silent() -> None:
    rng = np.random.default_rng(2)
    x = rng.integers(0, SILENT_RANGE + 1, 10 * RATE).astype(np.int16)
    fault = examine(x, RATE)
    assert fault is not None
    assert fault.condition == "SILENT"
    x = digits(hum(1, seconds=10))
    x[4 * RATE : 9 * RATE] = rng.integers(-1, 2, 5 * RATE)
    fault = examine(x, RATE)
    assert fault is not None
    assert (fault.condition, fault.begin, fault.end) == ("SILENT", 4 * RATE, 8 * RATE)
    # A quiet axis beside others is none.
    axes = shaking()
    axes[:, 0] = rng.integers(0, SILENT_RANGE + 1, len(axes))
    assert examine(axes, 1000) is None


def test_stream_is_judged_alike_however_it_is_cut() -> None:
    x = shaking(20)
    x[3000:6000, 0] = 4
    x[9000:11000] = np.where(np.arange(2000)[:, None] % 3, 32767, -32768)
    x[14000:19000] = np.arange(5000)[:, None] % 2
    whole = Watch(3, 1000).push(x, 0)
    kinds = [(change.condition, change.begins) for change in whole]
    assert kinds == [(name, begins) for name in ("STUCK", "SATURATED", "SILENT") for begins in (True, False)]
    assert whole[0] == Change("STUCK", True, 3000, 5000)
    assert whole[1] == Change("STUCK", False, 6000, 6001)
    watch = Watch(3, 1000)
    pieces = [change for at in range(0, len(x), 177) for change in watch.push(x[at : at + 177], at)]
    assert pieces == whole
    assert watch.condition == "OK"


def test_time_to_be_stuck_is_less_in_a_short_recording() -> None:
    assert stuck_ms(16000) == _core.STUCK_MS
    assert stuck_ms(16000, 60 * 16000) == _core.STUCK_MS
    assert stuck_ms(16000, 2 * 16000) == 500
    x = digits(hum(1, seconds=60))
    x[RATE : RATE + 30000] = 0
    assert examine(x, RATE) is None
    x[RATE : RATE + 33000] = 0
    assert examine(x, RATE) is not None


def test_channels_that_cancel() -> None:
    x = 32768 * hum(1)
    rng = np.random.default_rng(3)
    assert channels_cancel(np.stack([x, -x], axis=1))
    assert channels_cancel(np.stack([x + 500, -0.95 * x], axis=1))
    assert not channels_cancel(np.stack([x, x], axis=1))
    assert not channels_cancel(rng.normal(0, 300, (16000, 8)))
    assert not channels_cancel(np.zeros((16000, 2)))
    assert not channels_cancel(x[:, None])
