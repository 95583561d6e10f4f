# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""A wire between a device and a desk that does to the bytes what bad wires do: the same for the same seed."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
import time
from dataclasses import dataclass, field
from types import TracebackType


@dataclass
class Damage:
    """How bad it is, as chances for each piece of up to 64 bytes."""

    flip: float = 0.0  # one bit of it
    drop: float = 0.0  # all of it
    cut: float = 0.0  # its end
    seed: int = 1
    done: int = 0
    _random: random.Random = field(default_factory=random.Random)

    def __post_init__(self) -> None:
        self._random.seed(self.seed)

    def __call__(self, data: bytes) -> bytes:
        """What arrives of `data`."""
        return b"".join(self._piece(data[at : at + 64]) for at in range(0, len(data), 64))

    def _piece(self, piece: bytes) -> bytes:
        draw = self._random.random()
        if draw >= self.flip + self.drop + self.cut:
            return piece
        self.done += 1
        if draw < self.drop:
            return b""
        at = self._random.randrange(len(piece))
        if draw < self.drop + self.cut:
            return piece[:at]
        return piece[:at] + bytes((piece[at] ^ (1 << self._random.randrange(8)),)) + piece[at + 1 :]


class BadWire:
    """Stands at ``address`` for the device at the UNIX socket `path`.

    Parameters
    ----------
    path : str
        The device.
    damage : Damage
        Done in both directions.
    speed : float
        Bytes a second to the desk; 0 for no limit.
    """

    def __init__(self, path: str, damage: Damage, *, speed: float = 0.0) -> None:
        self._path = path
        self._damage = damage
        self._speed = speed
        self._server = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._running = True
        self._plugged = threading.Event()
        self._plugged.set()
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def address(self) -> str:
        """For ``--port``."""
        return f"tcp:127.0.0.1:{self._server.getsockname()[1]}"

    def pull(self) -> None:
        """Pull the cable."""
        self._plugged.clear()
        for end in self._open:
            hang_up(end)

    def plug(self) -> None:
        """Put it back."""
        self._plugged.set()

    def __enter__(self) -> BadWire:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running = False
        self._server.close()
        self.pull()

    def _serve(self) -> None:
        while self._running:
            try:
                desk, _ = self._server.accept()
            except OSError:
                return
            if not self._plugged.is_set():
                desk.close()
                continue
            device = socket.socket(socket.AF_UNIX)
            device.connect(self._path)
            self._open = [desk, device]
            threads = [
                threading.Thread(target=self._carry, args=(device, desk, self._speed), daemon=True),
                threading.Thread(target=self._carry, args=(desk, device, 0.0), daemon=True),
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            for end in self._open:
                end.close()

    def _carry(self, source: socket.socket, sink: socket.socket, speed: float) -> None:
        try:
            while data := source.recv(256 if speed else 65536):
                sink.sendall(self._damage(data))
                if speed:
                    time.sleep(len(data) / speed)
        except OSError:
            pass
        hang_up(source)
        hang_up(sink)


def hang_up(end: socket.socket) -> None:
    """Hang up, if that has not happened yet; a thread that waits in recv() hears of it."""
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
