# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Messages of the link and what comes of them; ``docs/reference/link.md`` is the specification."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tocsin._linkwire import LinkError
from tocsin.twin import Event, Gap, Window

MAJOR, MINOR = 1, 1

HELLO, SUBSCRIBE, GET_STATUS = 0x01, 0x02, 0x03
REPLAY_START, SAMPLES, REPLAY_GAP, REPLAY_END, REPLAY_ABORT = (0x10, 0x11, 0x12, 0x13, 0x14)
BUNDLE_BEGIN, BUNDLE_DATA, BUNDLE_COMMIT, BUNDLE_DEFAULT = 0x20, 0x21, 0x22, 0x23
RECORD_START, RECORD_ACK, RECORD_STOP = 0x30, 0x31, 0x32
INFO, RESULT, STATUS, CREDIT, REPLAY_DONE = 0x81, 0x82, 0x83, 0x90, 0x91
VECTOR, WINDOW, EVENT, GAP = 0xA0, 0xA1, 0xA2, 0xA3
RECORD_STATE, RECORD_DATA, RECORD_GAP, RECORD_END = 0xB0, 0xB1, 0xB2, 0xB3

WINDOWS, VECTORS, EVENTS, GAPS = 1, 2, 4, 8

RESULTS = {
    0: "ok",
    1: "bad request",
    2: "busy",
    3: "not in this firmware",
    4: "too large",
    5: "no detector runs",
    6: "wrong format",
    7: "another version of the link",
    8: "no such recording",
    16: "not a bundle",
    17: "truncated",
    18: "corrupt",
    19: "too new",
    20: "wrong feature version",
    21: "malformed",
    22: "unsupported model",
    255: "failed",
}

KINDS = {0: "none", 1: "kmeans", 2: "gmm", 3: "mahalanobis", 4: "autoencoder"}
COUNTERS = ("streams", "windows", "events", "gaps", "lost", "refused", "untold")
LINK_COUNTERS = ("received", "bad", "missed", "full", "sent", "unsent")
STAGES = ("features", "score", "decide")


def unpack(layout: str, payload: bytes, what: str) -> tuple[Any, ...]:
    """Fields of a message; bytes after them are for later versions.

    Raises
    ------
    LinkError
        Where the message is too short.
    """
    if len(payload) < struct.calcsize(layout):
        raise LinkError(f"the device sends a malformed {what}: {len(payload)} bytes")
    return struct.unpack_from(layout, payload)


def text(data: bytes) -> str:
    """What a device calls itself, or why it refuses: without what would play tricks on a terminal."""
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in data.decode(errors="replace")
    )


class Refused(LinkError):
    """The device refused; `code` is its result (a key of ``RESULTS``)."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"the device refuses: {RESULTS.get(code, code)}" + (f" ({text})" if text else ""))
        self.code = code


@dataclass(frozen=True)
class Info:
    """Who the device is and what it runs; see INFO in ``docs/reference/link.md``."""

    protocol: tuple[int, int]
    bundle_crc: int
    feature_version: int
    sensor: int
    kind: str
    channels: int
    state: int
    sample_rate: int
    dim: int
    slot_size: int
    pool_size: int
    payload_max: int
    board: str
    version: str
    record_buffer: int = 0


@dataclass(frozen=True)
class Status:
    """Counters since the boot, and times in microseconds as (runs, min, mean, max) a stage."""

    uptime: int
    counters: dict[str, int]
    link: dict[str, int]
    times: dict[str, tuple[int, int, int, int]]


@dataclass
class Report:
    """What came of a recording.

    Attributes
    ----------
    results : list of Window, Event and Gap
        In the device's order.
    vectors : ndarray of float32, shape (n, dim)
        Empty unless they were asked for.
    frames, lost, windows, events, gaps : int
        The device's own counts.
    """

    results: list[Window | Event | Gap] = field(default_factory=list)
    vectors: NDArray[np.float32] = field(default_factory=lambda: np.empty((0, 0), np.float32))
    frames: int = 0
    lost: int = 0
    windows: int = 0
    events: int = 0
    gaps: int = 0
