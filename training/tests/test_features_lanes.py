# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Frames computed side by side give the bytes that frames one by one give."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import LOGMEL, STATS, noise
from tocsin import _core
from tocsin.features import STATS as ALL_STATS
from tocsin.features import Extractor, FeatureConfig
from tocsin.features.filterbank import power_bands

SIDE_BY_SIDE = [lanes for lanes in _core.DSP_LANES if lanes > 1]


@st.composite
def configs(draw):
    """Front ends of all kinds: with and without bands, each aggregate, one to three channels."""
    n_fft = draw(st.sampled_from((256, 512, 1024, 2048)))
    frame_length = draw(st.integers(16, n_fft) | st.just(n_fft))
    n_bands = draw(st.integers(0, 40))
    power = n_bands > 0 and draw(st.booleans())
    pools = ("mean", "max") if power else ("stack", "mean", "std", "max")
    window_hop = draw(st.integers(1, 4))
    return FeatureConfig(
        sensor="vibration",
        sample_rate=16000,
        channels=draw(st.integers(1, 3)),
        scale=1 / 32768,
        log_floor=2.0 ** draw(st.integers(-36, 0)),
        frame_length=frame_length,
        hop=draw(st.integers(max(1, frame_length // 8), frame_length)),
        stats=draw(st.sets(st.sampled_from(ALL_STATS), min_size=0 if n_bands else 1)),
        remove_mean=draw(st.booleans()),
        power=power,
        n_fft=n_fft if n_bands else 0,
        bands=power_bands(
            sample_rate=16000,
            n_fft=n_fft,
            frame_length=frame_length,
            n_bands=n_bands,
            fmin=20.0,
            fmax=8000.0,
            spacing=draw(st.sampled_from(("log", "linear", "mel"))),
        )
        if n_bands
        else (),
        pool=draw(st.sets(st.sampled_from(pools), min_size=1)),
        window_frames=window_hop * draw(st.integers(1, 4)),
        window_hop=window_hop,
    )


def recording(config: FeatureConfig, n_frames: int, kind: str, seed: int) -> np.ndarray:
    """Samples of so many frames and a part of one more."""
    n = (n_frames - 1) * config.hop + config.frame_length + config.hop // 2
    rng = np.random.default_rng(seed)
    level = {"silence": 0.0, "quiet": 1.5, "loud": 9000.0, "clipped": 90000.0}[kind]
    samples = rng.normal(rng.normal(0, 300), 1, (n, config.channels)) * level
    return np.clip(np.rint(samples), -32768, 32767).astype(np.int16)


@pytest.mark.skipif(not SIDE_BY_SIDE, reason="this build or processor computes one frame at a time")
@settings(max_examples=150, deadline=None)
@given(configs(), st.integers(1, 150), st.sampled_from(("silence", "quiet", "loud", "clipped")), st.integers(0, 99))
def test_lanes_give_the_same_bytes(config, n_frames, kind, seed):
    samples = recording(config, n_frames, kind, seed)
    native = config._native()
    alone = _core.Extractor(native, lanes=1)
    frames, (vectors, spans) = alone.frames(samples), alone.vectors(samples)
    assert len(frames) == n_frames
    for lanes in SIDE_BY_SIDE:
        extractor = _core.Extractor(native, lanes=lanes)
        assert extractor.lanes == lanes
        assert extractor.frames(samples).tobytes() == frames.tobytes()
        again, at = extractor.vectors(samples)
        assert again.shape == vectors.shape
        assert again.tobytes() == vectors.tobytes()
        np.testing.assert_array_equal(at, spans)


@pytest.mark.parametrize("config", [LOGMEL, STATS], ids=["logmel", "stats"])
def test_the_fastest_is_taken_and_said(config):
    assert _core.DSP_LANES[0] == 1
    native = _core.Extractor(config._native())
    assert native.lanes == _core.DSP_LANES[-1]
    samples = noise(config, 40000)
    assert Extractor(config).frames(samples).tobytes() == native.frames(samples).tobytes()


@pytest.mark.parametrize("lanes", [2, 3, 1 << 20])
def test_other_numbers_of_lanes_are_refused(lanes):
    with pytest.raises(ValueError, match="lanes"):
        _core.Extractor(LOGMEL._native(), lanes=lanes)
