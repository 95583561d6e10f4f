# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""A device that says anything at all: the desk does not crash, and writes no sample that was not said to be one."""

from __future__ import annotations

import contextlib
import json
import random
import socket
import struct
import threading
import wave
from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from fake_device import FakeDevice, samples
from tocsin.device import messages as types
from tocsin.device.link import Link
from tocsin.device.monitor import understand
from tocsin.device.record import Options, Recorder
from tocsin.device.recording import Block, Missing, Recording
from tocsin.device.wire import Decoder, Message, _Socket, encode
from tocsin.errors import TocsinError

FROM_DEVICE = sorted({types.INFO, types.RESULT, types.STATUS, types.CREDIT, types.REPLAY_DONE, *range(0xA0, 0xA5)})
RECORDS = (types.RECORD_STATE, types.RECORD_DATA, types.RECORD_GAP, types.RECORD_END)
IDENTITY = 7

near = st.integers(0, 40)
index = near | st.sampled_from([2**60 - 1, 2**60, 2**63, 2**64 - 1]) | st.integers(0, 2**64 - 1)


@st.composite
def record_messages(draw: st.DrawFn) -> Message:
    """Messages of a recording whose fields are what they like."""
    kind = draw(st.sampled_from(RECORDS))
    payload = struct.pack("<I", draw(st.sampled_from([IDENTITY, IDENTITY, IDENTITY, 8])))
    if kind == types.RECORD_STATE:
        rate = draw(st.sampled_from([16000, 0, 2**32 - 1]))
        scale = draw(st.sampled_from([1.0, 0.0, float("nan"), float("inf"), -1.0]))
        payload += struct.pack("<IQIIfI", draw(st.integers(0, 3)), draw(index), rate, draw(st.integers(0, 4)), scale, 1)
    elif kind == types.RECORD_DATA:
        payload += struct.pack("<Q", draw(index)) + draw(st.binary(max_size=40))
    elif kind == types.RECORD_GAP:
        payload += struct.pack("<QQI", draw(index), draw(index), draw(st.integers(0, 2**32 - 1)))
    else:
        payload += struct.pack("<Q", draw(index))
    return Message(kind, 0, payload[: draw(st.integers(0, len(payload))) if draw(st.booleans()) else None])


begin = Message(types.RECORD_STATE, 0, struct.pack("<IIQIIfI", IDENTITY, 0, 3, 16000, 2, 1.0, 1))


def hear(recording: Recording, messages: list[Message]) -> list[Block | Missing]:
    """Let it hear them; each answer must be a request that a device understands."""
    items: list[Block | Missing] = []
    for message in messages:
        with contextlib.suppress(TocsinError):
            recording.take(message)
        items += recording.items()
        for kind, payload in recording.answers():
            assert kind in (types.RECORD_START, types.RECORD_ACK)
            assert len(payload) == (20 if kind == types.RECORD_START else 16)
    return items


@settings(max_examples=150, deadline=None)
@given(st.booleans(), st.lists(record_messages(), max_size=40))
def test_any_messages_give_a_stream_without_holes(begun: bool, messages: list[Message]) -> None:
    clock = iter(np.arange(0.0, 1e6, 0.1))
    recording = Recording(IDENTITY, clock=lambda: float(next(clock)))
    items = hear(recording, [begin, *messages] if begun else messages)
    if recording.format is None:
        assert items == []
        return
    at = recording.format.first
    for item in items:
        assert item.index == at
        if isinstance(item, Block):
            assert item.samples.dtype == np.int16
            assert item.samples.shape[1] == recording.format.channels
            assert len(item.samples) > 0
            at += len(item.samples)
        else:
            assert item.count > 0
            assert item.reasons
            at += item.count
    assert recording.next == at < 2**61


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0, 0.6), st.integers(1, 3))
def test_true_messages_in_any_order_give_true_samples(seed: int, lost: float, channels: int) -> None:
    """Lost, twice, late: whatever comes of a stream is the stream's, and all of it once it is sent again."""
    chance = random.Random(seed)
    recording = Recording(IDENTITY)
    state = struct.pack("<IIQIIfI", IDENTITY, 0, 100, 16000, channels, 1.0, 1)
    recording.take(Message(types.RECORD_STATE, 0, state))
    data = []
    for first in range(100, 1100, 50):
        block = samples(1, first, 50, channels).tobytes()
        data.append(Message(types.RECORD_DATA, 0, struct.pack("<IQ", IDENTITY, first) + block))
    unreliable = [message for message in data * 3 if chance.random() >= lost]
    chance.shuffle(unreliable)
    items = hear(recording, unreliable)
    items += hear(recording, data)
    assert not any(isinstance(item, Missing) for item in items)
    heard = np.concatenate([item.samples for item in items if isinstance(item, Block)])
    assert heard.tobytes() == samples(1, 100, 1000, channels).tobytes()


@settings(max_examples=300, deadline=None)
@given(st.lists(st.binary(max_size=700), max_size=5), st.integers(1, 50))
def test_any_bytes_are_survived_by_the_decoder(pieces: list[bytes], cut: int) -> None:
    decoder = Decoder()
    for piece in pieces:
        for at in range(0, len(piece), cut):
            for message in decoder.feed(piece[at : at + cut]):
                assert len(message.payload) <= 512
    good = encode(types.INFO, 0, b"payload")
    assert [message.payload for message in decoder.feed(b"\0" + good)][-1] == b"payload"


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(FROM_DEVICE), st.binary(max_size=80))
def test_any_report_is_understood_or_refused(kind: int, payload: bytes) -> None:
    with contextlib.suppress(TocsinError):
        thing = understand(Message(kind, 0, payload), 16000)
        json.dumps(thing, allow_nan=False)


def _answering(message: Message) -> socket.socket:
    """Connect to a device that says the same whatever it is asked, and hangs up after a while."""
    desk, device = socket.socketpair()

    def serve() -> None:
        with contextlib.suppress(OSError), device:
            for sequence in range(5):
                if not device.recv(4096):
                    return
                device.sendall(encode(message.type, sequence, message.payload))

    threading.Thread(target=serve, daemon=True).start()
    return desk


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(FROM_DEVICE), st.binary(max_size=200))
def test_any_answer_is_understood_or_refused(kind: int, payload: bytes) -> None:
    request = {types.INFO: Link.hello, types.STATUS: Link.status}.get(kind)
    with contextlib.suppress(TocsinError), Link(_Socket(_answering(Message(kind, 0, payload))), timeout=0.05) as link:
        if request is not None:
            request(link)
        else:
            link.replay(np.zeros(10, np.int16), sample_rate=16000, vectors=True)


class Malicious(FakeDevice):
    """Tells the truth about who it is, mostly, and then says anything."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__(first=0)
        self._chance = chance
        self._left = 60
        self.said: defaultdict[int, set[bytes]] = defaultdict(set)

    def _next(self) -> list[tuple[int, bytes]]:
        found = super()._next()
        self._left -= 1
        if self._left < 0:
            raise OSError("hangs up")
        for at, (kind, payload) in enumerate(found):
            if self._chance.random() < 0.3:
                changed = bytearray(payload)
                for _ in range(self._chance.randrange(1, 4)):
                    changed[self._chance.randrange(4, len(changed))] = self._chance.randrange(256)
                found[at] = (self._chance.choice([kind, kind, *RECORDS]), bytes(changed[: self._chance.randrange(520)]))
            kind, payload = found[at]
            if kind == types.RECORD_DATA and len(payload) > 12:
                first = struct.unpack_from("<Q", payload, 4)[0]
                for i in range(12, len(payload) - 1, 2):
                    self.said[first + (i - 12) // 2].add(payload[i : i + 2])
        return found


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_malicious_device_never_makes_a_wrong_file(seed: int) -> None:
    """Files that appear are whole, and hold nothing but what the device said that its samples are."""
    device = Malicious(random.Random(seed))
    with TemporaryDirectory() as folder:
        recorder = Recorder(device.connect, Options(seconds=1.5, root=Path(folder), clip_seconds=0.25, wait=0.2))
        with contextlib.suppress(TocsinError):
            recorder.run()
        wavs = list(Path(folder).rglob("*.wav"))
        assert sorted(wavs) == sorted(recorder.outcome.clips)
        assert not list(Path(folder).rglob("*.part"))
        for path in wavs:
            about = json.loads(path.with_suffix(".json").read_text())
            with wave.open(str(path)) as sound:
                data = sound.readframes(sound.getnframes())
            assert len(data) == 2 * about["frames"]
            for i in range(about["frames"]):
                assert data[2 * i : 2 * i + 2] in device.said[about["start_index"] + i]
