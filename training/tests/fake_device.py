# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""A device that lives in a thread, speaks the link's protocol and has the faults that one asks for.

Its samples tell their stream, index and channel. It makes them as fast as the desk takes them, so that nothing depends
on the clock but how long a test takes.
"""

from __future__ import annotations

import contextlib
import random
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tocsin.device import messages as types
from tocsin.device.link import Link
from tocsin.device.wire import Decoder, Message, _Socket, encode

RATE = 8000
Outgoing = tuple[int, bytes]


def samples(stream: int, first: int, count: int, channels: int = 1) -> NDArray[np.int16]:
    """Samples of a stream, shape (count, channels)."""
    index = np.arange(first, first + count, dtype=np.uint64)[:, np.newaxis]
    mixed = (index * 3 + np.arange(channels, dtype=np.uint64) + 1) * np.uint64(0x9E3779B97F4A7C15)
    return ((mixed >> np.uint64(40)) + np.uint64(7919 * stream)).astype(np.uint16).view(np.int16)


@dataclass
class Faults:
    """What is wrong with the wire, as chances for each frame, and when it breaks."""

    flip: float = 0.0
    drop: float = 0.0
    twice: float = 0.0
    trickle: bool = False  # bytes come in small pieces
    seed: int = 1
    pull_at: list[int] = field(default_factory=list)  # hang up when so many frames of samples were sent
    pulled_for: int = 0  # samples made meanwhile
    buffer: int = 4096  # of them, as many are kept


class FakeDevice:
    """One device; its samples go on from one connection to the next, until :meth:`reset`.

    Parameters
    ----------
    channels, scale, sensor
        What it records.
    gaps
        (index, count, reason) that its sensor lost, ascending.
    first
        Index of the stream when it is asked to record.
    version
        Of its link.
    replay_ends
        (frames, why): it ends a replay by itself when so many have come; `why` as in REPLAY_DONE.
    faults
        Of the wire.
    """

    def __init__(
        self,
        *,
        channels: int = 1,
        scale: float = 1 / 32768,
        sensor: int = 1,
        gaps: tuple[tuple[int, int, int], ...] = (),
        first: int = 1000,
        version: tuple[int, int] = (1, 1),
        replay_ends: tuple[int, int] | None = None,
        refuse: tuple[int, bytes] | None = None,
        stream_ends: int | None = None,
        faults: Faults | None = None,
    ) -> None:
        self.channels = channels
        self.scale = scale
        self.sensor = sensor
        self.version = version
        self.refuse = refuse
        self.faults = faults or Faults()
        self.gone = False
        self.state = 1  # as INFO says it: live
        self._replay_ends = replay_ends
        self._replayed = 0
        self.connections = 0
        self.requests: list[Message] = []
        self.reports: list[Outgoing] = []
        self.on_frames: Callable[[int], None] = lambda _: None
        self._random = random.Random(self.faults.seed)
        self._first = first
        self._gaps = list(gaps)
        self._stream_ends = stream_ends
        self.stream = 1
        self._end: int | None = stream_ends
        self.identity = 0
        self._continued = False
        self._begun = self._held = self._sent = self._high = 0
        self._frames = 0

    def reset(self) -> None:
        """Lose everything: the next stream begins."""
        self.stream += 1
        self.identity = 0
        self._gaps = []
        self._first = 10
        self._end = None

    def connect(self) -> Link:
        """Open the link to it."""
        desk, device = socket.socketpair()
        self.connections += 1
        if self.gone:
            device.close()
        else:
            threading.Thread(target=self.serve, args=(device,), daemon=True).start()
        return Link(_Socket(desk), timeout=2.0)

    def listen(self, path: Path) -> str:
        """Serve at a UNIX socket; gives the address."""
        server = socket.socket(socket.AF_UNIX)
        server.bind(str(path))
        server.listen(1)

        def accept() -> None:
            while True:
                connection, _ = server.accept()
                self.connections += 1
                self.serve(connection)

        threading.Thread(target=accept, daemon=True).start()
        return f"unix:{path}"

    def serve(self, connection: socket.socket) -> None:
        """Answer until somebody hangs up."""
        decoder = Decoder()
        sequence = 0
        connection.settimeout(0.02)
        with contextlib.suppress(OSError), connection:
            while True:
                answers: list[Outgoing] = []
                try:
                    data = connection.recv(4096)
                    if not data:
                        return
                    for message in decoder.feed(data):
                        self.requests.append(message)
                        answers += self._answer(message)
                except TimeoutError:
                    self._sent = self._held  # nobody has said anything: again
                answers += [*self.reports, *self._next()]
                for kind, payload in answers:
                    self._put(connection, encode(kind, sequence, payload))
                    sequence += 1
                if self._pulled():
                    return

    def _pulled(self) -> bool:
        pull = self.faults.pull_at
        if pull and self._frames >= pull[0]:
            pull.pop(0)
            made = self._high + self.faults.pulled_for
            kept = self._held + self.faults.buffer
            if kept < made:
                self._gaps.append((kept, made - kept, 2))
            self.on_frames(self._frames)
            return True
        return False

    def _put(self, connection: socket.socket, frame: bytes) -> None:
        draw = self._random.random()
        faults = self.faults
        if draw < faults.drop:
            return
        if draw < faults.drop + faults.flip:
            at = self._random.randrange(len(frame))
            frame = frame[:at] + bytes((frame[at] ^ (1 << self._random.randrange(8)),)) + frame[at + 1 :]
        elif draw < faults.drop + faults.flip + faults.twice:
            frame = frame + frame
        if faults.trickle:
            for at in range(0, len(frame), 97):
                connection.sendall(frame[at : at + 97])
                time.sleep(0.0001)
        else:
            connection.sendall(frame)

    def _answer(self, message: Message) -> list[Outgoing]:
        payload = message.payload
        if message.type == types.HELLO:
            return [(types.INFO, self.info())]
        if message.type == types.GET_STATUS:
            count = 1 + len(types.COUNTERS) + len(types.LINK_COUNTERS) + 4 * len(types.STAGES)
            return [(types.STATUS, struct.pack(f"<{count}I", *range(count)))]
        if types.REPLAY_START <= message.type <= types.REPLAY_ABORT:
            return self._replay(message)
        if message.type == types.RECORD_START:
            if self.refuse is not None:
                return [(types.RESULT, bytes((message.type, self.refuse[0])) + self.refuse[1])]
            return [(types.RECORD_STATE, self._start(*struct.unpack("<IIQI", payload)))]
        if message.type == types.RECORD_ACK:
            return self._take_ack(*struct.unpack("<IQI", payload))
        if message.type == types.RECORD_STOP:
            self.identity = 0
        return [(types.RESULT, bytes((message.type, 0)))]

    def _replay(self, message: Message) -> list[Outgoing]:
        """Answer what has to do with a replay, with credit for ever more."""
        done: list[Outgoing] = [(types.RESULT, bytes((message.type, 0)))]
        if message.type == types.REPLAY_START:
            self.state, self._replayed = 2, 0
            return [*done, (types.CREDIT, struct.pack("<Q", 10_000))]
        if self.state != 2:
            refused = [(types.RESULT, bytes((message.type, 1)) + b"no replay runs")]
            return done if message.type == types.REPLAY_ABORT else refused
        if message.type == types.SAMPLES:
            self._replayed = struct.unpack_from("<Q", message.payload)[0] + (len(message.payload) - 8) // 2
            if self._replay_ends and self._replayed >= self._replay_ends[0]:
                return self._replay_over(self._replay_ends[1])
            return [(types.CREDIT, struct.pack("<Q", self._replayed + 10_000))]
        if message.type == types.REPLAY_GAP:
            return done
        return [*done, *self._replay_over(0 if message.type == types.REPLAY_END else 1)]

    def _replay_over(self, why: int) -> list[Outgoing]:
        self.state = 1
        counts = struct.pack("<QQIII", self._replayed, 0, 3, 2, 1)
        return [(types.REPLAY_DONE, counts + (struct.pack("<I", why) if self.version >= (1, 3) else b""))]

    def info(self) -> bytes:
        """Give the payload of INFO."""
        fields = struct.pack(
            "<HHIIBBBBIIIII", *self.version, 0xC0FFEE, 1, self.sensor, 1, self.channels, self.state, RATE, 64, 0, 0, 512
        )
        return fields + b"fake_board\0" + b"9.8.7\0" + struct.pack("<I", 8192)

    def _start(self, identity: int, previous: int, index: int, flags: int) -> bytes:
        if identity != self.identity:
            self._continued = bool(previous) and previous == self.identity
            self.identity = identity
            if self._continued:
                self._held = index
            else:
                self._held = self._begun = self._high = max(self._first, self._begun if previous else 0)
            self._begun = self._held
            self._sent = self._held
        return struct.pack(
            "<IIQIIfI", identity, int(self._continued), self._begun, RATE, self.channels, self.scale, self.stream
        )

    def _take_ack(self, identity: int, index: int, flags: int) -> list[Outgoing]:
        if identity != self.identity or not identity:
            return [(types.RESULT, bytes((types.RECORD_ACK, 8)))]
        if self._held < index <= self._high:
            self._held = index
        self._sent = self._held if flags & 1 else max(self._sent, self._held)
        return []

    def _next(self) -> list[Outgoing]:
        found: list[Outgoing] = []
        while self.identity and len(found) < 4 and self._sent - self._held < 4 * 250:
            gap = next((gap for gap in self._gaps if gap[0] + gap[1] > self._sent), None)
            if gap is not None and gap[0] <= self._sent:
                if self._sent > self._held:
                    break  # all before it first
                found.append((types.RECORD_GAP, struct.pack("<IQQI", self.identity, gap[0], gap[1], gap[2])))
                self._high = max(self._high, gap[0] + gap[1])
                break
            ends = [self._sent + 250 // self.channels, gap[0] if gap else None, self._end]
            end = min(index for index in ends if index is not None)
            if end <= self._sent:
                if self._held == self._end:
                    found.append((types.RECORD_END, struct.pack("<IQ", self.identity, self._end)))
                break
            data = samples(self.stream, self._sent, end - self._sent, self.channels)
            found.append((types.RECORD_DATA, struct.pack("<IQ", self.identity, self._sent) + data.tobytes()))
            self._sent = end
            self._high = max(self._high, end)
            self._frames += 1
        return found
