# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""The cost model against what was counted on the emulated Cortex-M4F."""

from __future__ import annotations

import json
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from tocsin.bundle import AutoencoderModel, Decision, Normalisation, read_bundle, write_bundle
from tocsin.bundle.cost import TOLERANCE, instructions, measure_cost
from tocsin.features import FeatureConfig

ROOT = Path(__file__).resolve().parents[2]
BENCH = ROOT / "tools" / "bench"


@cache
def tools() -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Bundles of tools/cost_check.py and of tools/bench.py."""
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        import bench
        import cost_check
    finally:
        sys.path.pop(0)
    return cost_check.detectors(), bench.bundles()


def test_sizes_agree_with_what_was_counted() -> None:
    counted = json.loads((BENCH / "cost.json").read_text())
    bundles = tools()[0]
    assert set(bundles) == set(counted)
    for name, raw in bundles.items():
        found = instructions(read_bundle(raw))
        stages = counted[name]
        assert found.per_second == pytest.approx(stages["second"], rel=TOLERANCE), name
        assert found.frame == pytest.approx(stages["push"], rel=TOLERANCE), name
        assert found.window == pytest.approx(stages["score"] + stages["decide"], rel=TOLERANCE), name


@pytest.mark.parametrize("name", ["dense_by_channel", "conv_ad", "frame_layer", "frame_layer_anew"])
def test_networks_agree_with_the_baseline(name: str) -> None:
    baseline = json.loads((BENCH / "baseline.json").read_text())
    bundle = read_bundle(tools()[1][name])
    found = instructions(bundle)
    assert found.per_second == pytest.approx(baseline["per_second"][name], rel=TOLERANCE)
    # The rest of a second is small beside the network.
    assert found.window > baseline["stages"][name]


@pytest.mark.parametrize("name", ["mlperf_ad", "kmeans", "gmm", "mahalanobis", "vibration_gmm", "toycar_64k"])
def test_default_detectors_agree_with_the_baseline(name: str) -> None:
    baseline = json.loads((BENCH / "baseline.json").read_text())
    found = instructions(read_bundle(tools()[1][name]))
    assert found.per_second == pytest.approx(baseline["per_second"][name], rel=TOLERANCE)
    stage = {"mlperf_ad": "mlperf_ad_score", "toycar_64k": "neighbours"}.get(name, name)
    assert found.window == pytest.approx(baseline["stages"][stage] + baseline["stages"]["decide"], rel=TOLERANCE)


def test_bytes_are_those_of_bundle_and_modules(tiny_network: bytes) -> None:
    features = FeatureConfig.logmel(n_mels=32, window_frames=2)
    model = AutoencoderModel.from_tflite(tiny_network)
    dim = features.n_vector
    raw = write_bundle(
        None,
        features=features,
        normalisation=Normalisation(np.zeros(dim), np.ones(dim)),
        model=model,
        decision=Decision(100, 1, 1.0, 0.5),
        meta={},
    )
    cost = measure_cost(read_bundle(raw))
    assert (cost.flash, cost.arena) == (len(raw), model.arena_size)
    # A ring of 2048 samples, 128 ms at 16 kHz; an FFT of 1024 floats; the decision.
    assert cost.ram > 2 * 2048 + 4 * 1024 + 4 * 100 + cost.arena
    assert cost.ram < 20000 + cost.arena
