# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""STATUS of the link, as devices of versions 1.0 to 1.2 send it (``docs/reference/link.md``)."""

from __future__ import annotations

import struct

import pytest

from tocsin.device.messages import Sensor, Stream, parse_status
from tocsin.device.wire import LinkError

FIRST = struct.pack("<26I", 77, *range(1, 8), *range(11, 17), *range(100, 112))
SENSOR = struct.pack("<IQIII", 4, 1 << 40, 5, 6, 15_999_500)
STREAM = struct.pack("<QQQIII", 1 << 33, 1 << 32, 90_000_000, 128, 1024, 4096)
THREADS = b"\x02" + struct.pack("<HH", 1024, 416) + b"acquisition\0" + struct.pack("<HH", 2560, 1120) + b"detector\0"
MORE = struct.pack("<I", 9) + SENSOR + STREAM + struct.pack("<10I", 462, 400, 7, 8, 9, 10, 21, 22, 23, 24) + THREADS


def test_version_1_0() -> None:
    status = parse_status(FIRST)
    assert status.uptime == 77
    assert status.counters == {
        "streams": 1, "windows": 2, "events": 3, "gaps": 4, "lost": 5, "refused": 6, "untold": 7,
    }  # fmt: skip
    assert status.link == {"received": 11, "bad": 12, "missed": 13, "full": 14, "sent": 15, "unsent": 16}
    assert status.times["decide"] == (108, 109, 110, 111)
    assert (status.sensor, status.stream, status.load) == (None, None, None)
    assert (status.missed, status.stacks) == ({}, {})


@pytest.mark.parametrize("padding", [b"", bytes(3)])
def test_version_1_1(padding: bytes) -> None:
    status = parse_status(FIRST + MORE + padding)
    assert (status.clock, status.cycles) == (None, {})
    assert status.counters["untold"] == 7
    assert status.counters["skipped"] == 9
    assert status.sensor == Sensor("STUCK", 1 << 40, 5, 6, 15999.5)
    assert status.stream == Stream(1 << 33, 1 << 32, 90.0, 128, 1024, 4096)
    assert status.load == (0.462, 0.4)
    assert status.times["features"] == (100, 101, 102, 103)
    assert status.times["latency"] == (7, 8, 9, 10)
    assert status.missed == {"features": 21, "score": 22, "decide": 23, "latency": 24}
    assert status.stacks == {"acquisition": (416, 1024), "detector": (1120, 2560)}


CYCLES = struct.pack("<13I", 64_000_000, *range(201, 213))


@pytest.mark.parametrize("later", [b"", b"what a later version adds"])
def test_version_1_2(later: bytes) -> None:
    more = FIRST + MORE
    padding = bytes(-len(more) % 4)
    assert padding, "the case with zeros in between"
    status = parse_status(more + padding + CYCLES + later)
    assert status.stacks == {"acquisition": (416, 1024), "detector": (1120, 2560)}
    assert status.clock == 64_000_000
    assert status.cycles == {
        "features": (201, 202, 203), "score": (204, 205, 206), "decide": (207, 208, 209), "latency": (210, 211, 212),
    }  # fmt: skip


def test_a_clock_that_stands_still() -> None:
    padding = bytes(-len(FIRST + MORE) % 4)
    with pytest.raises(LinkError, match="stands still"):
        parse_status(FIRST + MORE + padding + bytes(52))


def test_a_condition_of_a_later_version_and_no_rate_yet() -> None:
    more = MORE[:4] + struct.pack("<IQIII", 99, 0, 1, 0, 0) + MORE[4 + len(SENSOR) :]
    assert parse_status(FIRST + more).sensor == Sensor("99", 0, 1, 0, None)


def test_cut_off() -> None:
    with pytest.raises(LinkError, match="104 are the least"):
        parse_status(FIRST[:-1])
    for cut in range(1, len(THREADS)):
        with pytest.raises(LinkError, match="cut off"):
            parse_status((FIRST + MORE)[:-cut])
