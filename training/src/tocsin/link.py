# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Talk to a device: ask what runs, replay recordings through it, give it another bundle.

>>> with Link.open("tcp:127.0.0.1:4444") as device:     # doctest: +SKIP
...     device.upload(Path("pump.tocsin").read_bytes())
...     report = device.replay(samples, vectors=True)
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import TracebackType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tocsin._linktypes import (
    BUNDLE_BEGIN,
    BUNDLE_COMMIT,
    BUNDLE_DATA,
    BUNDLE_DEFAULT,
    CREDIT,
    EVENT,
    EVENTS,
    GAP,
    GAPS,
    GET_STATUS,
    HELLO,
    INFO,
    KINDS,
    MAJOR,
    MINOR,
    REPLAY_DONE,
    REPLAY_END,
    REPLAY_GAP,
    REPLAY_START,
    RESULT,
    SAMPLES,
    STATUS,
    SUBSCRIBE,
    VECTOR,
    VECTORS,
    WINDOW,
    WINDOWS,
    Info,
    Refused,
    Report,
    Status,
    parse_status,
    text,
    unpack,
)
from tocsin._linkwire import (
    PAYLOAD_MAX,
    SPEED,
    Decoder,
    LinkError,
    LinkGone,
    LinkSilent,
    Message,
    Wire,
    encode,
    open_wire,
    wait,
)
from tocsin.twin import Event, Gap, Window

__all__ = ["Info", "Link", "LinkError", "LinkGone", "Refused", "Report", "Status"]


class Listener(Protocol):
    """Hears all that a device says, whatever else the link is used for meanwhile."""

    def take(self, message: Message) -> bool:
        """Hear a message; whether nobody else need hear it."""

    def answers(self) -> Iterable[tuple[int, bytes]]:
        """Messages to send, as (type, payload); asked after whatever has come, and ten times a second."""


class Link:
    """A device at the other end of a wire. Not thread-safe.

    Parameters
    ----------
    wire : Wire
        From :func:`tocsin._linkwire.open_wire`; closed with the link.
    timeout : float
        Seconds without any progress after which the device counts as gone.
    """

    def __init__(self, wire: Wire, *, timeout: float = 10.0) -> None:
        self._wire = wire
        self._timeout = timeout
        self._sequence = 0
        self._outgoing = bytearray()
        self._decoder = Decoder()
        self._inbox: list[Message] = []
        self._listeners: list[Listener] = []
        self._minor = 0

    @classmethod
    def open(cls, where: str, *, speed: int = SPEED, timeout: float = 10.0) -> Link:
        """Open ``tcp:HOST:PORT`` or a serial device; see :func:`tocsin._linkwire.open_wire`."""
        return cls(open_wire(where, speed=speed, timeout=timeout), timeout=timeout)

    def __enter__(self) -> Link:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        self._wire.close()

    @property
    def bad_frames(self) -> int:
        """Frames from the device that were refused."""
        return self._decoder.bad

    def listen(self, listener: Listener) -> None:
        """Let `listener` hear what the device says from now on."""
        self._listeners.append(listener)

    def ignore(self, listener: Listener) -> None:
        """Undo :meth:`listen`, if it was done."""
        if listener in self._listeners:
            self._listeners.remove(listener)

    def require(self, minor: int, what: str) -> None:
        """Make sure, after :meth:`hello`, that the device's link has what came with version ``1.minor``.

        Raises
        ------
        LinkError
            Where its firmware is older.
        """
        if self._minor < minor:
            raise LinkError(
                f"the device's firmware speaks version {MAJOR}.{self._minor} of the link, {what} came with"
                f" {MAJOR}.{minor}: update the firmware"
            )

    def send(self, kind: int, payload: bytes = b"") -> None:
        """Put a message on its way, without waiting for an answer."""
        self._send(kind, payload)

    def pump(self, timeout: float) -> list[Message]:
        """Move bytes for up to `timeout` seconds; give the messages that came and that no listener took."""
        self._pump(timeout)
        messages, self._inbox = self._inbox, []
        return messages

    def send_raw(self, data: bytes) -> None:
        """Put bytes on the wire that are no frame; to test what a device does with them."""
        self._outgoing += data

    def hello(self) -> Info:
        """Ask the device who it is.

        Raises
        ------
        LinkError
            Where nothing answers, or it speaks another major version.
        """
        payload = self._ask(HELLO, struct.pack("<HH", MAJOR, MINOR), INFO)
        # Of another major version no more than this is known.
        major, minor = unpack("<HH", payload, "INFO")
        if major != MAJOR:
            raise LinkError(
                f"the device speaks version {major}.{minor} of the link, this program {MAJOR}.{MINOR}:"
                f" update {'this program' if major > MAJOR else 'its firmware'}"
            )
        (crc, features, sensor, kind, channels, state, rate, dim, slot, pool, most) = unpack(
            "<4xIIBBBBIIIII", payload, "INFO"
        )
        board, version, rest = [*payload[36:].split(b"\0", 2), b"", b""][:3]
        self._minor = min(minor, MINOR)
        return Info(
            (major, minor), crc, features, sensor, KINDS.get(kind, str(kind)), channels, state, rate, dim, slot, pool,
            most, text(board), text(version), unpack("<I", rest, "INFO")[0] if minor >= 1 else 0,
        )  # fmt: skip

    def status(self) -> Status:
        """Ask for the device's counters and times."""
        return parse_status(self._ask(GET_STATUS, b"", STATUS))

    def subscribe(self, reports: int) -> None:
        """Choose the reports: WINDOWS, VECTORS, EVENTS and GAPS, added up; 0 for none."""
        self._request(SUBSCRIBE, struct.pack("<I", reports))

    def upload(self, bundle: bytes, *, progress: Callable[[int], None] | None = None) -> None:
        """Let the device run another bundle; without flash for bundles, until its next reset.

        Parameters
        ----------
        bundle : bytes
            The ``.tocsin`` file.
        progress : callable, optional
            Told the bytes sent so far.

        Raises
        ------
        Refused
            Where the device cannot run it; the one that ran before still does.
        """
        self._request(BUNDLE_BEGIN, struct.pack("<I", len(bundle)))
        piece = PAYLOAD_MAX - 4
        sent = answered = 0
        while answered < len(bundle):
            # A few on their way hide the round trip; all of them would overrun a small receive buffer.
            while sent < min(len(bundle), answered + 4 * piece):
                self._send(BUNDLE_DATA, struct.pack("<I", sent) + bundle[sent : sent + piece])
                sent = min(sent + piece, len(bundle))
            self._answer(BUNDLE_DATA)
            answered = min(answered + piece, len(bundle))
            if progress is not None:
                progress(answered)
        self._request(BUNDLE_COMMIT)

    def use_default(self) -> None:
        """Let the device run the bundle that is embedded in its firmware."""
        self._request(BUNDLE_DEFAULT)

    def replay(
        self,
        samples: NDArray[np.int16],
        *,
        sample_rate: int,
        vectors: bool = False,
        gaps: Sequence[tuple[int, int]] = (),
        progress: Callable[[int], None] | None = None,
    ) -> Report:
        """Send a recording through the device, as fast as it works and none lost.

        Parameters
        ----------
        samples : ndarray of int16, shape (n,) or (n, channels)
            The recording.
        sample_rate : int
            Hz; must be the bundle's.
        vectors : bool, default False
            Ask for the feature vectors, too.
        gaps : sequence of (index, count)
            Samples to hold back, as if the recording lacked them; indices into `samples`, ascending.
        progress : callable, optional
            Told the index of the next sample, now and then.

        Returns
        -------
        Report

        Raises
        ------
        Refused
            Where rate or channels are not what the running bundle takes.
        LinkError
            Where the device stops answering.
        """
        frames = np.ascontiguousarray(samples, dtype="<i2")
        frames = frames[:, np.newaxis] if frames.ndim == 1 else frames
        self.subscribe(WINDOWS | EVENTS | GAPS | (VECTORS if vectors else 0))
        self._request(REPLAY_START, struct.pack("<II", sample_rate, frames.shape[1]))
        report = Report()
        pieces: list[tuple[int, int, bytes]] = []
        outgoing = _pieces(frames, gaps)
        upcoming = next(outgoing, None)
        limit = 0
        for message in self._messages():
            limit = max(limit, unpack("<Q", message.payload, "CREDIT")[0]) if message.type == CREDIT else limit
            if message.type == REPLAY_DONE:
                (report.frames, report.lost, report.windows, report.events, report.gaps) = unpack(
                    "<QQIII", message.payload, "REPLAY_DONE"
                )
                break
            _take(message, report, pieces)
            while upcoming is not None and upcoming[0] <= limit:
                self._send(upcoming[1], upcoming[2])
                if progress is not None:
                    progress(upcoming[0])
                upcoming = next(outgoing, None)
        report.vectors = _assemble(pieces)
        return report

    def _send(self, kind: int, payload: bytes = b"") -> None:
        self._outgoing += encode(kind, self._sequence, payload)
        self._sequence = (self._sequence + 1) & 0xFF

    def _pump(self, timeout: float) -> bool:
        """Move bytes in both directions; whether any moved."""
        wait(self._wire, writing=bool(self._outgoing), timeout=timeout)
        sent = self._wire.write(bytes(self._outgoing[:65536])) if self._outgoing else 0
        del self._outgoing[:sent]
        data = self._wire.read()
        for message in self._decoder.feed(data):
            takers = [listener for listener in self._listeners if listener.take(message)]
            if not takers:
                self._inbox.append(message)
        for listener in self._listeners:
            for kind, payload in listener.answers():
                self._send(kind, payload)
        return bool(sent or data)

    def _messages(self, timeout: float | None = None) -> Iterator[Message]:
        patience = self._timeout if timeout is None else timeout
        deadline = time.monotonic() + patience
        while True:
            while self._inbox:
                yield self._inbox.pop(0)
                deadline = time.monotonic() + patience
            if self._pump(0.05) and timeout is None:
                deadline = time.monotonic() + patience
            if time.monotonic() > deadline and not self._inbox:
                raise LinkSilent(f"the device has not answered for {patience:.0f} s")

    def _ask(self, kind: int, payload: bytes, answer: int) -> bytes:
        """Ask twice a second until there is an answer: a device that is just starting may not have heard."""
        deadline = time.monotonic() + self._timeout
        while True:
            self._send(kind, payload)
            try:
                for message in self._messages(0.5):
                    if message.type == answer:
                        return message.payload
                    _raise_refusal(message, kind)
                    if time.monotonic() > deadline:
                        break  # it talks and talks, but does not answer
            except LinkSilent:
                pass
            if time.monotonic() > deadline:
                raise LinkSilent(f"the device has not answered for {self._timeout:.0f} s")

    def _request(self, kind: int, payload: bytes = b"") -> None:
        self._send(kind, payload)
        self._answer(kind)

    def _answer(self, kind: int) -> None:
        deadline = time.monotonic() + 2 * self._timeout
        for message in self._messages():
            if time.monotonic() > deadline:
                raise LinkGone(f"the device has not answered for {2 * self._timeout:.0f} s, but reports")
            if message.type == RESULT and message.payload[:1] == bytes((kind,)):
                _raise_refusal(message, kind)
                return


def _raise_refusal(message: Message, kind: int | None = None) -> None:
    """Raise what a RESULT says, of the request `kind` or of any."""
    if message.type == RESULT:
        request, code = unpack("<BB", message.payload, "RESULT")
        if code != 0 and request == (request if kind is None else kind):
            raise Refused(code, text(message.payload[2:]))


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


def _take(message: Message, report: Report, pieces: list[tuple[int, int, bytes]]) -> None:
    payload = message.payload
    if message.type == VECTOR:
        _, _, at, dim = unpack("<QQHH", payload, "VECTOR")
        pieces.append((at, dim, payload[20:]))
    elif message.type == WINDOW:
        report.results.append(Window(*unpack("<QQff", payload, "WINDOW")))
    elif message.type == EVENT:
        kind, peak, begin, end = unpack("<IfQQ", payload, "EVENT")
        report.results.append(Event("begin" if kind == 1 else "end", begin, end, peak))
    elif message.type == GAP:
        report.results.append(Gap(*unpack("<QQ", payload, "GAP")))
    else:
        _raise_refusal(message)


def _assemble(pieces: list[tuple[int, int, bytes]]) -> NDArray[np.float32]:
    """Put vectors together that came in pieces."""
    if not pieces:
        return np.empty((0, 0), np.float32)
    dim = pieces[0][1]
    values = b"".join(piece for _, _, piece in pieces)
    if dim == 0 or len(values) % (4 * dim):
        raise LinkError("a piece of a feature vector was lost on the link")
    return np.frombuffer(values, dtype="<f4").reshape(-1, dim)
