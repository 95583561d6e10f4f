# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""The desk's end of one recording: what came, each sample once, or told as a gap. Without input and output."""

from __future__ import annotations

import math
import struct
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tocsin.device.messages import (
    RECORD_ACK,
    RECORD_DATA,
    RECORD_END,
    RECORD_GAP,
    RECORD_START,
    RECORD_STATE,
    RESULT,
    unpack,
)
from tocsin.device.wire import LinkError, Message

# Why samples are missing: bits of RECORD_GAP, and one that only the desk can know.
REASONS = {1: "the sensor lost them", 2: "the record buffer was full", 4: "the device no longer held them"}
NOT_HELD = 4

_NEXT_STREAM, _AGAIN = 1, 1
_CONTINUED, _ARMED = 1, 2
_NO_RECORDING = 8
# No index can be this far, not even after a century at 100 kHz: whoever says so is not to be believed.
_INDEX_END = 1 << 60

# Messages kept that came before one that got lost: more than a device has on its way.
_AHEAD_MOST = 64

# Seconds after which a request to go back, or an acknowledgement, is said again.
_ASK_AGAIN = 0.25
_ASK_AGAIN_MOST = 4.0
_KEEP_ALIVE = 1.0


@dataclass(frozen=True)
class Block:
    """Samples in a row.

    Attributes
    ----------
    index : int
        Of the first frame in the stream.
    samples : ndarray of int16, shape (n, channels)
    """

    index: int
    samples: NDArray[np.int16]


@dataclass(frozen=True)
class Missing:
    """Frames that nobody has any more; `reason` is a sum of keys of ``REASONS``."""

    index: int
    count: int
    reason: int

    @property
    def reasons(self) -> list[str]:
        """In words."""
        return [words for bit, words in REASONS.items() if self.reason & bit] or ["the device does not say why"]


@dataclass(frozen=True)
class Format:
    """What is recorded, as the device says it.

    Attributes
    ----------
    continued : bool
        Whether this goes on where the recording named as the previous one was.
    first : int
        Index of the first frame that comes.
    sample_rate, channels : int
        Hz of each channel; 1 to 3.
    scale : float
        Physical units a digit: of full scale (sound) or g (vibration).
    stream : int
        How many streams have begun since the device started.
    """

    continued: bool
    first: int
    sample_rate: int
    channels: int
    scale: float
    stream: int


class Recording:
    """A listener on the link (:meth:`tocsin.device.link.Link.listen`) that takes the messages of one recording.

    Parameters
    ----------
    identity : int
        A number that no other recording of late has had, 1 to 2**32 - 1; draw it at random.
    previous : int
        The recording to be taken up again; 0 for none.
    index : int
        Where: the first frame that is still wanted.
    next_stream : bool
        Begin with the first sample of the next stream, not with the next sample of this one.
    clock : callable
        Seconds.

    Attributes
    ----------
    format : Format or None
        None until the recording has begun.
    next : int
        Index of the next frame.
    ended : bool
        The stream is over and everything of it is there.
    unknown : bool
        The device knows nothing of this recording (any more): it was reset, or another desk has come.
    refused : tuple of (int, bytes), or None
        Why the device will not record.
    strange : int
        Messages that make no sense.
    """

    def __init__(
        self,
        identity: int,
        *,
        previous: int = 0,
        index: int = 0,
        next_stream: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.identity = identity
        self._previous = previous
        self._index = index
        self._next_stream = next_stream
        self._clock = clock
        self.format: Format | None = None
        self.next = index
        self.ended = False
        self.unknown = False
        self.refused: tuple[int, bytes] | None = None
        self.strange = 0
        self._came: list[Block | Missing] = []
        self._ahead: dict[int, bytes] = {}
        self._owed = False
        self._again = False
        self._asked = (-1, 0.0)
        self._patience = _ASK_AGAIN
        self._said = -math.inf

    def items(self) -> list[Block | Missing]:
        """What has come since the last call, in the stream's order and without a hole between."""
        came, self._came = self._came, []
        return came

    def take(self, message: Message) -> bool:
        """Hear a message of the device; whether it was one of recordings.

        Raises
        ------
        LinkError
            Where a format cannot be.
        """
        if message.type == RESULT and message.payload[:1] in (bytes((RECORD_ACK,)), bytes((RECORD_START,))):
            self._take_result(message.payload)
            return True
        if not RECORD_STATE <= message.type <= 0xBF:
            return False
        # What is of another recording may be old: it was on its way.
        if message.payload[:4] == struct.pack("<I", self.identity):
            self._take_own(message.type, message.payload)
        return True

    def _take_result(self, payload: bytes) -> None:
        request, code = unpack("<BB", payload, "RESULT")
        if request == RECORD_START:
            self.refused = (code, payload[2:]) if code else None
        elif code == _NO_RECORDING and self.format is not None:
            self.unknown = True

    def _take_own(self, kind: int, payload: bytes) -> None:
        if kind == RECORD_STATE:
            if self.format is None:
                self._begin(payload)
        elif self.format is None:
            self._said = -math.inf  # its beginning got lost: ask for it
        elif self.ended:
            pass
        elif kind == RECORD_DATA and len(payload) >= 12:
            self._take_data(unpack("<Q", payload[4:], "RECORD_DATA")[0], payload[12:], self.format.channels)
        elif kind == RECORD_GAP and len(payload) >= 24:
            self._take_gap(*unpack("<QQI", payload[4:], "RECORD_GAP"))
        elif kind == RECORD_END and len(payload) >= 12:
            self.ended = unpack("<Q", payload[4:], "RECORD_END")[0] == self.next
            self._again = not self.ended
        else:
            self.strange += 1

    def _begin(self, payload: bytes) -> None:
        flags, first, rate, channels, scale, stream = unpack("<4xIQIIfI", payload, "RECORD_STATE")
        if flags & _ARMED:
            return
        if not (1 <= channels <= 3 and 1 <= rate <= 10_000_000 and first < _INDEX_END and 0 < scale < math.inf):
            raise LinkError(f"the device says that it records {channels} channels at {rate} Hz: that cannot be")
        self.format = Format(bool(flags & _CONTINUED), first, rate, channels, scale, stream)
        if not self.format.continued:
            self.next = first
        elif first > self.next:
            self._came.append(Missing(self.next, first - self.next, NOT_HELD))
            self.next = first
        self._owed = True

    def _take_data(self, index: int, data: bytes, channels: int) -> None:
        count, rest = divmod(len(data), 2 * channels)
        if rest or not count or index + count > _INDEX_END:
            self.strange += 1
            return
        if index > self.next:
            # Once the lost one is there, the acknowledgement of all of these spares sending them again.
            if index in self._ahead:
                self._patience = 0.0  # it went back as asked, and the same message got lost once more
            elif len(self._ahead) < _AHEAD_MOST:
                self._ahead[index] = data
            self._again = True
            return
        self._owed = True
        self._append(index, data, channels)
        while self.next in self._ahead:
            self._append(self.next, self._ahead[self.next], channels)
        self._ahead = {at: later for at, later in self._ahead.items() if at > self.next}

    def _append(self, index: int, data: bytes, channels: int) -> None:
        samples = np.frombuffer(data, "<i2").reshape(-1, channels)[self.next - index :]
        if len(samples):
            self._came.append(Block(self.next, samples.astype(np.int16)))
            self.next += len(samples)

    def _take_gap(self, index: int, count: int, reason: int) -> None:
        if index > self.next:
            self._again = True
            return
        self._owed = True
        if index == self.next and 0 < count < _INDEX_END - index:
            self._came.append(Missing(index, count, reason))
            self.next += count
        elif index + count > self.next:
            self.strange += 1  # a gap where samples were

    def answers(self) -> Iterable[tuple[int, bytes]]:
        """Messages that are due: the start, acknowledgements, requests to send again."""
        if self.refused or self.unknown or self.ended:
            return
        yield from self._due(self._clock())

    def _due(self, now: float) -> Iterator[tuple[int, bytes]]:
        if self.format is None:
            if now - self._said >= _KEEP_ALIVE:
                self._said = now
                flags = _NEXT_STREAM if self._next_stream else 0
                yield RECORD_START, struct.pack("<IIQI", self.identity, self._previous, self._index, flags)
            return
        if self._asked[0] != self.next:
            self._patience = 0.0
        again = self._again and now - self._asked[1] >= self._patience
        if again or self._owed or now - self._said >= _KEEP_ALIVE:
            if again:
                self._asked = (self.next, now)
                # A slow wire with much on its way must not be given the same many times more.
                self._patience = min(max(2 * self._patience, _ASK_AGAIN), _ASK_AGAIN_MOST)
            yield RECORD_ACK, struct.pack("<IQI", self.identity, self.next, _AGAIN if again else 0)
            self._said = now
            self._again = self._owed = False
