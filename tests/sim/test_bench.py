# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""No stage may take more instructions than the committed baseline says (tools/bench/baseline.json)."""

from __future__ import annotations

import json
from typing import Any

import pytest

import bench
from building import building


@pytest.fixture(scope="module")
def result() -> dict[str, Any]:
    """What our image takes."""
    with building():
        return bench.measure(["ours"])


def test_nothing_is_worse_than_the_baseline(result: dict[str, Any]) -> None:
    baseline = json.loads(bench.BASELINE.read_text())
    if baseline["compiler"] != result["compiler"]:
        pytest.skip(f"the baseline is of {baseline['compiler']}, this is {result['compiler']}")
    assert bench.worse(result, baseline) == []


def test_two_runs_give_the_same_numbers(result: dict[str, Any]) -> None:
    image = bench.BUILD / "ours" / "zephyr" / "zephyr.elf"
    assert bench.summarise(bench.run(image), list(bench.bundles())) == {
        "stages": result["stages"],
        "per_second": result["per_second"],
    }


def test_a_stage_that_takes_more_is_told() -> None:
    baseline = {"stages": {"fft": 1000, "decide": 100}, "per_second": {"kmeans": 1_000_000}}
    same = {"stages": {"fft": 1020, "decide": 104}, "per_second": {"kmeans": 1_020_000}}
    more = {"stages": {"fft": 1025, "decide": 107}, "per_second": {"kmeans": 1_020_005}}
    assert bench.worse(same, baseline) == []
    assert [line.split(":")[0] for line in bench.worse(more, baseline)] == ["fft", "decide", "kmeans"]


def test_the_goals_are_kept(result: dict[str, Any]) -> None:
    """What docs/reference/performance.md promises."""
    assert result["stages"]["mlperf_ad"] <= 396_000
    assert result["stages"]["logmel_frame"] <= 70_000
    assert result["per_second"]["mlperf_ad"] <= 15_000_000
    assert result["per_second"]["toycar_64k"] <= 4_000_000
