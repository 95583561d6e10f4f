# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""What a device reports of its live source, as it comes."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tocsin._linktypes import GAP, GAPS, SENSOR, SENSORS, WINDOW, WINDOWS, Status, condition_name
from tocsin.link import Link


@dataclass
class Live:
    """Reports in their order: windows (begin, end, score, smoothed, flags), gaps (index, count, slept) and changes of
    the sensor (condition, begins, index)."""

    windows: list[tuple[int, int, float, float, int]] = field(default_factory=list)
    gaps: list[tuple[int, int, int]] = field(default_factory=list)
    sensor: list[tuple[str, bool, int]] = field(default_factory=list)


def listen(link: Link, enough: Callable[[Live], bool], *, timeout: float = 60.0) -> Live:
    """Subscribe and collect reports until there are enough; `timeout` in seconds of the desk."""
    live = Live()
    deadline = time.monotonic() + timeout
    link.subscribe(WINDOWS | GAPS | SENSORS)
    for message in link._messages():
        if message.type == WINDOW:
            live.windows.append(struct.unpack("<QQffI", message.payload))
        elif message.type == GAP:
            live.gaps.append((*struct.unpack_from("<QQQ", message.payload + bytes(8)),))
        elif message.type == SENSOR:
            condition, begins, index = struct.unpack("<IIQ", message.payload)
            live.sensor.append((condition_name(condition), begins == 1, index))
        if enough(live):
            link.subscribe(0)
            return live
        assert time.monotonic() < deadline, f"not enough reports in {timeout:.0f} s: {live}"
    raise AssertionError("the device is gone")


def status_when(link: Link, ready: Callable[[Status], bool], *, timeout: float = 60.0) -> Status:
    """Ask for the status until it is as wanted; `timeout` in seconds of the desk."""
    deadline = time.monotonic() + timeout
    while not ready(status := link.status()):
        assert time.monotonic() < deadline, f"not so in {timeout:.0f} s: {status}"
        time.sleep(0.1)
    return status


def assert_exact(status: Status, rate: int, block: int) -> None:
    """Every sample is in the stream or told as missing: their number is what the clock says, to a block."""
    assert status.stream is not None
    due = status.stream.elapsed * rate
    assert due - 2 * block < status.stream.frames <= due + 1, status.stream
