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

from tocsin.device.link_replay import Sending
from tocsin.device.messages import (
    BUNDLE_BEGIN,
    BUNDLE_COMMIT,
    BUNDLE_DATA,
    BUNDLE_DEFAULT,
    EVENTS,
    GAPS,
    GET_STATUS,
    HELLO,
    INFO,
    MAJOR,
    MINOR,
    REPLAY_ABORT,
    REPLAY_START,
    RESULT,
    STATUS,
    SUBSCRIBE,
    VECTORS,
    WINDOWS,
    Info,
    Refused,
    Report,
    Status,
    parse_info,
    parse_status,
    raise_refusal,
    unpack,
)
from tocsin.device.wire import (
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
        From :func:`tocsin.device.wire.open_wire`; closed with the link.
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
        """Open ``tcp:HOST:PORT`` or a serial device; see :func:`tocsin.device.wire.open_wire`."""
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
        self._minor = min(minor, MINOR)
        return parse_info(payload)

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
            Where the device stops answering, or has ended the replay.

        Notes
        -----
        Whatever ends this early, an interrupt included, ends the replay on the device, too.
        """
        sending = Sending(samples, gaps)
        try:
            self.subscribe(WINDOWS | EVENTS | GAPS | (VECTORS if vectors else 0))
            self._request(REPLAY_START, struct.pack("<II", sample_rate, sending.channels))
            for message in self._messages():
                if sending.take(message):
                    break
                for kind, payload in sending.due():
                    self._send(kind, payload)
                    if progress is not None:
                        progress(sending.sent)
        except LinkGone:
            raise  # nobody there to be told; the device ends the replay by itself
        except BaseException:
            self.abort_replay()
            raise
        return sending.result()

    def abort_replay(self, *, timeout: float = 3.0) -> None:
        """Let the device end a replay and go back to its sensor; what still waits to be sent is dropped.

        Parameters
        ----------
        timeout : float
            Seconds to wait until the device has done it.
        """
        # A frame that is cut is damaged, for the device; the next one begins with a zero byte.
        self._outgoing.clear()
        deadline = time.monotonic() + timeout
        try:
            self._send(SUBSCRIBE, struct.pack("<I", 0))
            while time.monotonic() < deadline:
                self._send(REPLAY_ABORT)
                if self._was_done(REPLAY_ABORT, 1.0):
                    return
        except LinkError:
            pass  # then it ends the replay by itself

    def _was_done(self, kind: int, timeout: float) -> bool:
        """Whether a request is answered with "ok" within `timeout` seconds; other messages are dropped."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            for message in self.pump(0.05):
                if message.type == RESULT and message.payload[:1] == bytes((kind,)):
                    return message.payload[1:2] == b"\0"
        return False

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
                    raise_refusal(message, kind)
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
                raise_refusal(message, kind)
                return
