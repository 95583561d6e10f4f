# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""The desk's end of one replay: what is sent when, and what comes of it. Without input and output."""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from tocsin.device.messages import (
    CREDIT,
    EVENT,
    GAP,
    REPLAY_DONE,
    REPLAY_END,
    REPLAY_ENDS,
    REPLAY_GAP,
    RESULT,
    SAMPLES,
    VECTOR,
    WINDOW,
    Refused,
    Report,
    raise_refusal,
    unpack,
)
from tocsin.device.wire import PAYLOAD_MAX, LinkError, Message
from tocsin.twin import Event, Gap, Window

# A device that refuses samples has ended the replay, and says why in its REPLAY_DONE: seconds to wait for that.
_LAST_WORD = 6.0


class Sending:
    """A recording on its way to a device, and the device's reports on it.

    Parameters
    ----------
    samples : ndarray of int16, shape (n,) or (n, channels)
        The recording.
    gaps : sequence of (index, count)
        Samples to hold back; indices into `samples`, ascending.

    Attributes
    ----------
    channels : int
        Of the recording.
    sent : int
        Index of the next sample.
    """

    def __init__(self, samples: NDArray[np.int16], gaps: Sequence[tuple[int, int]] = ()) -> None:
        frames = np.ascontiguousarray(samples, dtype="<i2")
        frames = frames[:, np.newaxis] if frames.ndim == 1 else frames
        self.channels = frames.shape[1]
        self.sent = 0
        self._report = Report()
        self._vectors: list[tuple[int, int, bytes]] = []
        self._outgoing = _pieces(frames, gaps)
        self._upcoming = next(self._outgoing, None)
        self._limit = 0
        self._refusal: tuple[Refused, float] | None = None

    def take(self, message: Message) -> bool:
        """Take what the device says; whether the replay is over.

        Raises
        ------
        LinkError
            Where it refuses, or says something malformed.
        """
        payload = message.payload
        if message.type == REPLAY_DONE:
            self._report.take_done(payload)
            return True
        if message.type == CREDIT:
            self._limit = max(self._limit, unpack("<Q", payload, "CREDIT")[0])
        elif message.type == VECTOR:
            _, _, at, dim = unpack("<QQHH", payload, "VECTOR")
            self._vectors.append((at, dim, payload[20:]))
        elif message.type == WINDOW:
            self._report.results.append(Window(*unpack("<QQff", payload, "WINDOW")))
        elif message.type == EVENT:
            kind, peak, begin, end = unpack("<IfQQ", payload, "EVENT")
            self._report.results.append(Event("begin" if kind == 1 else "end", begin, end, peak))
        elif message.type == GAP:
            self._report.results.append(Gap(*unpack("<QQ", payload, "GAP")))
        elif message.type == RESULT:
            self._take_result(message)
        if self._refusal is not None and time.monotonic() > self._refusal[1]:
            raise self._refusal[0]
        return False

    def _take_result(self, message: Message) -> None:
        try:
            raise_refusal(message)
        except Refused as refusal:
            if message.payload[0] not in (SAMPLES, REPLAY_GAP, REPLAY_END):
                raise
            self._upcoming = None
            self._refusal = self._refusal or (refusal, time.monotonic() + _LAST_WORD)

    def due(self) -> Iterator[tuple[int, bytes]]:
        """Messages to send now, as (type, payload)."""
        while self._upcoming is not None and self._upcoming[0] <= self._limit:
            self.sent, kind, payload = self._upcoming
            self._upcoming = next(self._outgoing, None)
            yield kind, payload

    def result(self) -> Report:
        """Give the report.

        Raises
        ------
        LinkError
            Where the device has ended the replay before its end.
        """
        if self._report.ended:
            why = REPLAY_ENDS.get(self._report.ended, f"reason {self._report.ended}")
            raise LinkError(f"the replay is over after {self._report.frames} frames: {why}")
        self._report.vectors = _assemble(self._vectors)
        return self._report


def _pieces(frames: NDArray[np.int16], gaps: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int, bytes]]:
    """Cut a recording into messages: (credit needed, type, payload)."""
    most = (PAYLOAD_MAX - 8) // (2 * frames.shape[1])
    at = 0
    for index, count in [*gaps, (len(frames), 0)]:
        while at < index:
            end = min(at + most, index)
            yield end, SAMPLES, struct.pack("<Q", at) + frames[at:end].tobytes()
            at = end
        if count:
            at = index + count
            yield index, REPLAY_GAP, struct.pack("<Q", at)
    yield 0, REPLAY_END, struct.pack("<Q", len(frames))


def _assemble(pieces: list[tuple[int, int, bytes]]) -> NDArray[np.float32]:
    """Put vectors together that came in pieces."""
    if not pieces:
        return np.empty((0, 0), np.float32)
    dim = pieces[0][1]
    values = b"".join(piece for _, _, piece in pieces)
    if dim == 0 or len(values) % (4 * dim):
        raise LinkError("a piece of a feature vector was lost on the link")
    return np.frombuffer(values, dtype="<f4").reshape(-1, dim)
