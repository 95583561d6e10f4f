# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""What other libraries do to the thread's floating-point environment does not reach the features."""

from __future__ import annotations

import contextlib
import ctypes
import platform
import sys

import numpy as np
import pytest

from builders import STATS, bundle_of, noise
from tocsin.features import Extractor, FeatureConfig
from tocsin.twin import Scorer, Twin

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64", reason="sets the x86-64 control register through glibc"
)

FLUSH_TO_ZERO = 0x8040  # FTZ and DAZ
ROUND_UP = 0x4000
MXCSR = slice(28, 32)  # in glibc's fenv_t


def control_register() -> int:
    libm = ctypes.CDLL("libm.so.6")
    env = ctypes.create_string_buffer(32)
    libm.fegetenv(env)
    return int.from_bytes(env.raw[MXCSR], "little") & 0xFFC0


@contextlib.contextmanager
def environment(bits: int):
    libm = ctypes.CDLL("libm.so.6")
    saved = ctypes.create_string_buffer(32)
    changed = ctypes.create_string_buffer(32)
    libm.fegetenv(saved)
    libm.fegetenv(changed)
    changed[MXCSR] = (int.from_bytes(changed.raw[MXCSR], "little") | bits).to_bytes(4, "little")
    libm.fesetenv(changed)
    try:
        yield
    finally:
        libm.fesetenv(saved)


# Differences of single digits are subnormal: flushed to zero where the guard is missing.
TINY = FeatureConfig(
    sensor="vibration", sample_rate=1000, scale=1.2e-38, frame_length=16, hop=16, stats=("peak",), remove_mean=True,
    window_frames=1, window_hop=1,
)  # fmt: skip


def test_the_test_can_fail():
    a = np.array([1.2e-38], np.float32)
    third = np.float32(1) / np.float32(3)
    with environment(FLUSH_TO_ZERO):
        flushed = a * np.float32(0.5)
    with environment(ROUND_UP):
        rounded = np.float32(1) / np.float32(3)
    assert flushed[0] == 0.0
    assert rounded != third or a[0] * np.float32(0.5) != 0.0


def test_subnormal_numbers_are_kept():
    samples = np.tile(np.array([0, 1], np.int16), 8)
    expected = Extractor(TINY).frames(samples)
    assert expected[0, 0] == np.float32(0.6e-38)
    with environment(FLUSH_TO_ZERO):
        found = Extractor(TINY).frames(samples)
    assert found.tobytes() == expected.tobytes()


@pytest.mark.parametrize("bits", [FLUSH_TO_ZERO, ROUND_UP], ids=["flush to zero", "round up"])
@pytest.mark.parametrize("kind", ["kmeans", "gmm_full", "autoencoder"])
def test_results_are_the_same_and_the_environment_is_given_back(kind, bits):
    bundle = bundle_of(kind)
    samples = noise(bundle.features, 3000)

    def run():
        vectors, _ = Extractor(bundle.features).vectors(samples)
        return vectors.tobytes(), Scorer(bundle).score(vectors).tobytes(), repr(Twin(bundle).push(samples))

    expected = run()
    with environment(bits):
        before = control_register()
        found = run()
        after = control_register()
    assert before & bits == bits
    assert after == before
    assert found == expected


def test_the_vectors_would_differ_without_the_guard():
    # The statistics in NumPy's float32 under another rounding: the difference that the guard keeps out.
    x = noise(STATS, 1000)[:, 0].astype(np.float32)
    plain = np.cumsum(x * x, dtype=np.float32)[-1]
    with environment(ROUND_UP):
        other = np.cumsum(x * x, dtype=np.float32)[-1]
    assert plain != other
