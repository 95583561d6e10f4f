# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Frames of the link and the wires they go over; ``docs/reference/link.md`` is the specification."""

from __future__ import annotations

import os
import select
import socket
import struct
import time
import zlib
from dataclasses import dataclass
from typing import Protocol

from tocsin.errors import TocsinError

__all__ = ["PAYLOAD_MAX", "Decoder", "LinkError", "LinkGone", "Message", "Wire", "encode", "open_wire"]

PAYLOAD_MAX = 512
_FRAME_MAX = 2 + PAYLOAD_MAX + 4
SPEED = 1_000_000


class LinkError(TocsinError):
    """A device that cannot be reached, does not answer, or refuses."""


class LinkGone(LinkError):
    """A device that cannot be reached or does not answer (any more); it may come back."""


class LinkSilent(LinkGone):
    """The wire is there, but nothing comes."""


@dataclass(frozen=True)
class Message:
    """One message: its type (``enum tocsin_link_type``), sequence number and payload."""

    type: int
    sequence: int
    payload: bytes


def encode(kind: int, sequence: int, payload: bytes = b"") -> bytes:
    """Write one frame as it goes over the wire, a zero at both ends.

    Parameters
    ----------
    kind : int
        The message's type, 0 to 255.
    sequence : int
        One more than that of the frame before, modulo 256.
    payload : bytes
        At most 512.

    Raises
    ------
    ValueError
        Where the payload is too long.
    """
    if len(payload) > PAYLOAD_MAX:
        raise ValueError(f"{len(payload)} bytes of payload, at most {PAYLOAD_MAX} go into a frame")
    plain = bytes((kind, sequence & 0xFF)) + payload
    plain += struct.pack("<I", zlib.crc32(plain))
    stuffed = bytearray()
    for block in plain.split(b"\0"):
        while len(block) >= 254:
            stuffed += b"\xff" + block[:254]
            block = block[254:]
        stuffed += bytes((len(block) + 1,)) + block
    return b"\0" + bytes(stuffed) + b"\0"


def _unstuff(stuffed: bytes) -> bytes | None:
    plain = bytearray()
    at = 0
    while at < len(stuffed):
        code = stuffed[at]
        block = stuffed[at + 1 : at + code]
        if len(block) != code - 1:
            return None
        plain += block
        at += code
        if code != 0xFF and at < len(stuffed):
            plain.append(0)
    return bytes(plain)


class Decoder:
    """Take bytes from the wire, give messages; what is not a good frame is left out and counted.

    Attributes
    ----------
    bad : int
        Frames refused for their stuffing, length or CRC.
    missed : int
        Frames missing by their sequence numbers.
    """

    def __init__(self) -> None:
        self.bad = 0
        self.missed = 0
        self._expected: int | None = None
        self._pending = bytearray()

    def feed(self, data: bytes) -> list[Message]:
        """Take the next bytes of the wire; give the messages that end in them."""
        self._pending += data
        *frames, rest = self._pending.split(b"\0")
        # A frame longer than any good one would only make the wait for its end expensive.
        self._pending = rest[: 2 * _FRAME_MAX]
        return [message for frame in frames if frame for message in self._frame(bytes(frame))]

    def _frame(self, stuffed: bytes) -> list[Message]:
        plain = _unstuff(stuffed)
        if (
            plain is None
            or not 6 <= len(plain) <= _FRAME_MAX
            or struct.pack("<I", zlib.crc32(plain[:-4])) != plain[-4:]
        ):
            self.bad += 1
            return []
        kind, sequence = plain[0], plain[1]
        if self._expected is not None:
            self.missed += (sequence - self._expected) & 0xFF
        self._expected = (sequence + 1) & 0xFF
        return [Message(kind, sequence, plain[2:-4])]


class Wire(Protocol):
    """A byte stream in both directions that never blocks."""

    def fileno(self) -> int:
        """Descriptor to select() on."""

    def read(self) -> bytes:
        """Bytes that have come; empty where none have."""

    def write(self, data: bytes) -> int:
        """Send what goes now; gives its number of bytes."""

    def close(self) -> None:
        """Hang up."""


class _Socket:
    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self._connection = connection

    def fileno(self) -> int:
        return self._connection.fileno()

    def read(self) -> bytes:
        try:
            data = self._connection.recv(65536)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise LinkGone(f"the link is gone: {error.strerror}") from error
        if not data:
            raise LinkGone("the device has closed the link")
        return data

    def write(self, data: bytes) -> int:
        try:
            return self._connection.send(data)
        except BlockingIOError:
            return 0
        except OSError as error:
            raise LinkGone(f"the link is gone: {error.strerror}") from error

    def close(self) -> None:
        self._connection.close()


class _Terminal:
    def __init__(self, path: str, speed: int) -> None:
        import termios
        import tty

        try:
            self._fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        except OSError as error:
            raise LinkGone(f"{path}: {error.strerror}; is the device plugged in, and may you use it?") from error
        try:
            tty.setraw(self._fd)
            attributes = termios.tcgetattr(self._fd)
            attributes[4] = attributes[5] = getattr(termios, f"B{speed}", termios.B115200)
            attributes[2] |= termios.CLOCAL | termios.CREAD
            termios.tcsetattr(self._fd, termios.TCSANOW, attributes)
            termios.tcflush(self._fd, termios.TCIOFLUSH)
        except termios.error as error:
            os.close(self._fd)
            raise LinkGone(f"{path} is not a serial port, or is gone: {error.args[-1]}") from error

    def fileno(self) -> int:
        return self._fd

    def read(self) -> bytes:
        try:
            data = os.read(self._fd, 65536)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise LinkGone(f"the link is gone: {error.strerror}") from error
        if not data:
            raise LinkGone("the link is gone: the cable was pulled")
        return data

    def write(self, data: bytes) -> int:
        try:
            return os.write(self._fd, data)
        except BlockingIOError:
            return 0
        except OSError as error:
            raise LinkGone(f"the link is gone: {error.strerror}") from error

    def close(self) -> None:
        os.close(self._fd)


class Port:
    """A serial port by pySerial: on Windows, where one cannot be waited for with select()."""

    _PAUSE_S = 0.002

    def __init__(self, name: str, speed: int) -> None:
        import serial

        self._error = serial.SerialException
        self._late = serial.SerialTimeoutException
        try:
            self._port = serial.Serial(name, speed, timeout=0, write_timeout=0)
        except (self._error, OSError, ValueError) as error:
            raise LinkGone(f"{name}: {error}; is the device plugged in, and may you use it?") from error

    def fileno(self) -> int:
        raise LinkError("a serial port of pySerial has no descriptor that select() takes")

    def read(self) -> bytes:
        try:
            return bytes(self._port.read(self._port.in_waiting))
        except (self._error, OSError) as error:
            raise LinkGone(f"the link is gone: {error}") from error

    def write(self, data: bytes) -> int:
        try:
            return int(self._port.write(data) or 0)
        except self._late:
            return 0
        except (self._error, OSError) as error:
            raise LinkGone(f"the link is gone: {error}") from error

    def wait(self, *, writing: bool, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        try:
            # What it writes goes into a buffer of the driver's, which takes some at any time.
            while not self._port.in_waiting and not writing and time.monotonic() < deadline:
                time.sleep(self._PAUSE_S)
        except (self._error, OSError) as error:
            raise LinkGone(f"the link is gone: {error}") from error

    def close(self) -> None:
        self._port.close()


def _dial(where: str, timeout: float) -> socket.socket:
    kind, _, target = where.partition(":")
    if kind == "unix":
        if not hasattr(socket, "AF_UNIX"):
            raise LinkError(f"{where}: this system has no such sockets; use tcp:HOST:PORT")
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(target)
        except OSError:
            connection.close()
            raise
        return connection
    host, _, port = target.rpartition(":")
    if not host or not port.isdigit():
        raise LinkError(f"{where}: expected tcp:HOST:PORT")
    return socket.create_connection((host, int(port)), timeout=timeout)


def _connect(where: str, timeout: float) -> Wire:
    """Connect to a socket; an emulator that has only just been started may not listen yet."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            return _Socket(_dial(where, timeout))
        except OSError as error:
            if time.monotonic() > deadline:
                raise LinkGone(f"nothing answers at {where}: {error}") from error
            time.sleep(0.05)


def open_wire(where: str, *, speed: int = SPEED, timeout: float = 5.0) -> Wire:
    """Open the link to a device.

    Parameters
    ----------
    where : str
        ``tcp:HOST:PORT`` or ``unix:PATH`` (an emulator), or the path of a serial device or pseudo-terminal.
    speed : int
        Bits a second of a serial device.
    timeout : float
        Seconds to go on trying to connect.

    Raises
    ------
    LinkError
        Where nothing is there.
    """
    if where.startswith(("tcp:", "unix:")):
        return _connect(where, timeout)
    return _Terminal(where, speed) if os.name == "posix" else Port(where, speed)


def wait(wire: Wire, *, writing: bool, timeout: float) -> None:
    """Wait until the wire has bytes, or takes some where `writing`."""
    if isinstance(wire, Port):
        wire.wait(writing=writing, timeout=timeout)
        return
    select.select([wire.fileno()], [wire.fileno()] if writing else [], [], timeout)
