# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""What a board alone can show, written to a report: docs/hardware.md."""

from __future__ import annotations

import time

from evidence import Evidence
from kinds import Kind
from station import Station

SECONDS = 30
CLOCK_US = 1e6 / 32768  # Zephyr's cycle clock on the nRF52840


def test_latency(evidence: Evidence, station: Station, kind: Kind) -> None:
    with station.open_link() as link:
        board = link.hello().board
        time.sleep(SECONDS)
        status = link.status()
    names = ("runs", "min", "mean", "max")
    stages = {name: dict(zip(names, values, strict=True)) for name, values in status.times.items()}
    latency = stages.pop("latency")
    assert latency["runs"] > 0
    evidence.add(
        board=board,
        kind=kind.name,
        image=station.image,
        bundle=station.bundle.raw,
        measured={"latency_us": latency, "stages_us": stages, "clock_us": CLOCK_US, "current_ma": None},
    )
