# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""What a board alone can show, written to a report: docs/how-to/hardware.md."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

import pytest

from evidence import Evidence
from kinds import Kind
from power import Profiler
from station import Station
from tocsin.device.link import Status


def microseconds(status: Status, stage: str) -> dict[str, Any]:
    """Runs of a stage, and least, mean and most, as fine as the device's clock is."""
    assert status.clock is not None, "the link of version 1.2 tells the clock, and this image is of today"
    names = ("min", "mean", "max")
    times = {name: 1e6 * value / status.clock for name, value in zip(names, status.cycles[stage], strict=True)}
    return {"runs": status.times[stage][0], **times}


def test_latency_and_current(
    evidence: Evidence, station: Station, kind: Kind, profiler: Profiler | None, request: pytest.FixtureRequest
) -> None:
    seconds: float = request.config.getoption("--evidence-seconds")
    with station.open_link() as link:
        board = link.hello().board
        # The link rests meanwhile: asking costs current, too.
        if profiler is None:
            time.sleep(seconds)
            current = None
        else:
            current = asdict(profiler.measure(seconds))
        status = link.status()
    stages = {stage: microseconds(status, stage) for stage in status.times}
    latency = stages.pop("latency")
    assert status.clock is not None
    assert latency["runs"] > 0, "no window was scored: is the sensor wired?"
    evidence.add(
        board=board,
        kind=kind.name,
        image=station.image,
        bundle=station.bundle.raw,
        measured={
            "latency_us": latency, "stages_us": stages, "clock_us": 1e6 / status.clock, "current_ma": current,
        },
    )  # fmt: skip
