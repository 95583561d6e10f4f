# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""A wire between a device and a desk that does to the bytes what bad wires do: the same for the same seed."""

from __future__ import annotations

import contextlib
import copy
import math
import random
import socket
import threading
import time
from types import TracebackType


class Damage:
    """Harm at random places of a byte stream, however it is cut into pieces: a bit flipped, some bytes gone, or many.

    Parameters
    ----------
    chance : float
        For each byte to be where harm is done.
    seed : int
        The same gives the same.

    Attributes
    ----------
    done : int
        How often harm was done.
    """

    def __init__(self, chance: float = 0.0, *, seed: int = 1) -> None:
        self._chance = chance
        self._random = random.Random(seed)
        self._until = self._draw()
        self._gone = 0
        self.burst = 2048  # most bytes that are gone at once
        self.done = 0

    def _draw(self) -> float:
        return self._random.expovariate(self._chance) if self._chance else math.inf

    def __call__(self, data: bytes) -> bytes:
        """What arrives of `data`."""
        if len(data) <= self._until and not self._gone:
            self._until -= len(data)
            return data
        return bytes(byte for before in data for byte in self._byte(before))

    def _byte(self, byte: int) -> list[int]:
        if self._gone:
            self._gone -= 1
            return []
        self._until -= 1
        if self._until > 0:
            return [byte]
        self._until = self._draw()
        self.done += 1
        kind = self._random.randrange(3)
        if kind == 0:
            return [byte ^ (1 << self._random.randrange(8))]
        # The end of a frame, with the next one's beginning; or several frames.
        self._gone = self._random.randrange(64 if kind == 1 else self.burst)
        return []


class BadWire:
    """Stands at ``address`` for the device at the UNIX socket `path`.

    Parameters
    ----------
    path : str
        The device.
    damage : Damage
        Of what the device says; what the desk says suffers as much.
    speed : float
        Bytes a second to the desk; 0 for no limit.
    """

    def __init__(self, path: str, damage: Damage, *, speed: float = 0.0) -> None:
        self._path = path
        self._damage = damage
        self._other = copy.deepcopy(damage)
        self._other.burst = 64  # the desk says little: much at once would be minutes of it
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
                threading.Thread(target=self._carry, args=(device, desk, self._damage, self._speed), daemon=True),
                threading.Thread(target=self._carry, args=(desk, device, self._other, 0.0), daemon=True),
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            for end in self._open:
                end.close()

    def _carry(self, source: socket.socket, sink: socket.socket, damage: Damage, speed: float) -> None:
        try:
            while data := source.recv(256 if speed else 65536):
                sink.sendall(damage(data))
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
