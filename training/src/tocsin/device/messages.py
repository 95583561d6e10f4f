# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Messages of the link and what comes of them; ``docs/reference/link.md`` is the specification."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tocsin.bundle.kinds import NAMES
from tocsin.device.wire import LinkError, Message
from tocsin.twin import Event, Gap, Window

MAJOR, MINOR = 1, 3

HELLO, SUBSCRIBE, GET_STATUS = 0x01, 0x02, 0x03
REPLAY_START, SAMPLES, REPLAY_GAP, REPLAY_END, REPLAY_ABORT = (0x10, 0x11, 0x12, 0x13, 0x14)
BUNDLE_BEGIN, BUNDLE_DATA, BUNDLE_COMMIT, BUNDLE_DEFAULT = 0x20, 0x21, 0x22, 0x23
RECORD_START, RECORD_ACK, RECORD_STOP = 0x30, 0x31, 0x32
INFO, RESULT, STATUS, CREDIT, REPLAY_DONE = 0x81, 0x82, 0x83, 0x90, 0x91
VECTOR, WINDOW, EVENT, GAP, SENSOR = 0xA0, 0xA1, 0xA2, 0xA3, 0xA4
RECORD_STATE, RECORD_DATA, RECORD_GAP, RECORD_END = 0xB0, 0xB1, 0xB2, 0xB3

WINDOWS, VECTORS, EVENTS, GAPS, SENSORS = 1, 2, 4, 8, 16
WINDOW_ALARM, WINDOW_SENSOR_FAULT = 1, 2

# What a device hears, as INFO says it.
STATES = {0: "idle", 1: "live", 2: "replay"}
REPLAYING = 2

# Why a replay is over, as REPLAY_DONE says it since version 1.3; whole where it is 0.
REPLAY_ENDS = {
    1: "its desk has ended it",
    2: "its desk was silent for too long",
    3: "somebody has ended it at the device's console",
    4: "another recording or another bundle took its place",
    5: "something went wrong, the device's log says what",
}

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

KINDS = {0: "none", **NAMES}
COUNTERS = ("streams", "windows", "events", "gaps", "lost", "refused", "untold")
LINK_COUNTERS = ("received", "bad", "missed", "full", "sent", "unsent")
STAGES = ("features", "score", "decide")
CONDITIONS = ("OK", "ABSENT", "FAILED", "STALLED", "STUCK", "SATURATED", "OFF_RATE")


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


def raise_refusal(message: Message, kind: int | None = None) -> None:
    """Raise what a RESULT says, of the request `kind` or of any.

    Raises
    ------
    Refused
        Where it is no "ok".
    """
    if message.type == RESULT:
        request, code = unpack("<BB", message.payload, "RESULT")
        if code != 0 and request == (request if kind is None else kind):
            raise Refused(code, text(message.payload[2:]))


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


def parse_info(payload: bytes) -> Info:
    """Read an INFO of this major version.

    Raises
    ------
    LinkError
        Where it is too short.
    """
    (major, minor, crc, features, sensor, kind, channels, state, rate, dim, slot, pool, most) = unpack(
        "<HHIIBBBBIIIII", payload, "INFO"
    )
    board, version, rest = [*payload[36:].split(b"\0", 2), b"", b""][:3]
    return Info(
        (major, minor), crc, features, sensor, KINDS.get(kind, str(kind)), channels, state, rate, dim, slot, pool,
        most, text(board), text(version), unpack("<I", rest, "INFO")[0] if min(minor, MINOR) >= 1 else 0,
    )  # fmt: skip


@dataclass(frozen=True)
class Sensor:
    """How the live sensor is.

    Attributes
    ----------
    condition : str
        One of ``CONDITIONS``, or a number that this program does not know.
    since : int
        Frame index at which that began; meaningless for "OK".
    faults, restarts : int
        Faults begun, and starts after one, since the boot.
    rate : float or None
        Measured against the device's clock, Hz.
    """

    condition: str
    since: int
    faults: int
    restarts: int
    rate: float | None


@dataclass(frozen=True)
class Stream:
    """How far the running stream is, or the last one was.

    Attributes
    ----------
    frames, slept : int
        So far, those missing included; and how many of them a duty cycle slept through.
    elapsed : float
        Seconds since it began, on the device's clock.
    fill, fill_max, capacity : int
        Frames in the device's ring: last, at most, and as many as it holds.
    """

    frames: int
    slept: int
    elapsed: float
    fill: int
    fill_max: int
    capacity: int


@dataclass(frozen=True)
class Status:
    """Counters since the boot, and times in microseconds as (runs, min, mean, max) a stage.

    What a device of an older version of the link does not tell is None or empty.

    Attributes
    ----------
    missed : dict
        Deadlines missed, a stage.
    load : tuple or None
        Processor load, 0 to 1: lately, since the boot.
    stacks : dict
        (bytes used at most, bytes there are), a thread.
    clock : int or None
        Hz of the clock that the times were taken with, since version 1.2.
    cycles : dict
        The times in cycles of that clock, as (min, mean, max), a stage.
    """

    uptime: int
    counters: dict[str, int]
    link: dict[str, int]
    times: dict[str, tuple[int, int, int, int]]
    sensor: Sensor | None = None
    stream: Stream | None = None
    missed: dict[str, int] = field(default_factory=dict)
    load: tuple[float, float] | None = None
    stacks: dict[str, tuple[int, int]] = field(default_factory=dict)
    clock: int | None = None
    cycles: dict[str, tuple[int, int, int]] = field(default_factory=dict)


_FIRST = f"<{1 + len(COUNTERS) + len(LINK_COUNTERS) + 4 * len(STAGES)}I"
_MORE = "<IIQIIIQQQIIIII4I4IB"
_CYCLES = f"<{1 + 3 * (len(STAGES) + 1)}I"


def condition_name(number: int) -> str:
    """Name a sensor's condition."""
    return CONDITIONS[number] if number < len(CONDITIONS) else str(number)


def parse_status(payload: bytes) -> Status:
    """Read a STATUS.

    Raises
    ------
    LinkError
        Where it is too short.
    """
    first = struct.calcsize(_FIRST)
    if len(payload) < first:
        raise LinkError(f"the device's STATUS has {len(payload)} bytes, {first} are the least")
    values = struct.unpack_from(_FIRST, payload)
    rest = values[1 + len(COUNTERS) + len(LINK_COUNTERS) :]
    counters = dict(zip(COUNTERS, values[1:], strict=False))
    link = dict(zip(LINK_COUNTERS, values[1 + len(COUNTERS) :], strict=False))
    times: dict[str, tuple[int, int, int, int]] = {stage: (*rest[4 * i : 4 * i + 4],) for i, stage in enumerate(STAGES)}
    if len(payload) < first + struct.calcsize(_MORE):
        return Status(values[0], counters, link, times)
    (skipped, condition, since, faults, restarts, rate, frames, slept, elapsed, fill, fill_max, capacity, lately, boot,
     *late, threads) = struct.unpack_from(_MORE, payload, first)  # fmt: skip
    stages = (*STAGES, "latency")
    stacks, end = _parse_threads(payload, first + struct.calcsize(_MORE), threads)
    clock, cycles = _parse_cycles(payload, end + -end % 4, stages)
    return Status(
        uptime=values[0],
        counters={**counters, "skipped": skipped},
        link=link,
        times={**times, "latency": (late[0], late[1], late[2], late[3])},
        sensor=Sensor(condition_name(condition), since, faults, restarts, rate / 1000 if rate else None),
        stream=Stream(frames, slept, elapsed / 1e6, fill, fill_max, capacity),
        missed=dict(zip(stages, late[4:], strict=True)),
        load=(lately / 1000, boot / 1000),
        stacks=stacks,
        clock=clock,
        cycles=cycles,
    )


def _parse_threads(payload: bytes, at: int, count: int) -> tuple[dict[str, tuple[int, int]], int]:
    """The threads' stacks, and where they end."""
    stacks = {}
    for _ in range(count):
        end = payload.find(b"\0", at + 4)
        if end < 0:
            raise LinkError("the device's STATUS is cut off")
        size, used = struct.unpack_from("<HH", payload, at)
        stacks[payload[at + 4 : end].decode(errors="replace")] = (used, size)
        at = end + 1
    return stacks, at


def _parse_cycles(
    payload: bytes, at: int, stages: tuple[str, ...]
) -> tuple[int | None, dict[str, tuple[int, int, int]]]:
    """The clock in Hz and the stages' times in its cycles, where the device tells them."""
    if len(payload) < at + struct.calcsize(_CYCLES):
        return None, {}
    clock, *values = struct.unpack_from(_CYCLES, payload, at)
    if clock == 0:
        raise LinkError("the device's STATUS tells times of a clock that stands still")
    return clock, {stage: (*values[3 * i : 3 * i + 3],) for i, stage in enumerate(stages)}


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
    ended : int
        0 where the device has worked through all of it, else a key of ``REPLAY_ENDS``; 0 of devices before 1.3.
    """

    results: list[Window | Event | Gap] = field(default_factory=list)
    vectors: NDArray[np.float32] = field(default_factory=lambda: np.empty((0, 0), np.float32))
    frames: int = 0
    lost: int = 0
    windows: int = 0
    events: int = 0
    gaps: int = 0
    ended: int = 0

    def take_done(self, payload: bytes) -> None:
        """Take the device's own counts from a REPLAY_DONE.

        Raises
        ------
        LinkError
            Where it is too short.
        """
        self.frames, self.lost, self.windows, self.events, self.gaps = unpack("<QQIII", payload, "REPLAY_DONE")
        self.ended = struct.unpack_from("<I", payload, 28)[0] if len(payload) >= 32 else 0
