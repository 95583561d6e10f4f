# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""What a device reports of its live source, as it comes."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from emulation import Emulator
from tocsin.device.link import Link
from tocsin.device.messages import GAP, GAPS, SENSOR, SENSORS, WINDOW, WINDOWS, Status, condition_name
from tocsin.device.wire import Message


@dataclass
class Live:
    """Reports in their order: windows (begin, end, score, smoothed, flags), gaps (index, count, slept) and changes of
    the sensor (condition, begins, index)."""

    windows: list[tuple[int, int, float, float, int]] = field(default_factory=list)
    gaps: list[tuple[int, int, int]] = field(default_factory=list)
    sensor: list[tuple[str, bool, int]] = field(default_factory=list)

    def take(self, message: Message) -> None:
        """Note a message, if it is a report."""
        if message.type == WINDOW:
            self.windows.append(struct.unpack("<QQffI", message.payload))
        elif message.type == GAP:
            self.gaps.append((*struct.unpack_from("<QQQ", message.payload + bytes(8)),))
        elif message.type == SENSOR:
            condition, begins, index = struct.unpack("<IIQ", message.payload)
            self.sensor.append((condition_name(condition), begins == 1, index))


class LiveLink(Link):
    """A link that keeps every report, also those that come while something else is asked."""

    live: Live

    @classmethod
    def to(cls, emulator: Emulator) -> LiveLink:
        """Connect, and ask for all reports from now on."""
        link = cls.open(emulator.link_address(), timeout=30)
        assert isinstance(link, LiveLink)
        link.forget()
        link.subscribe(WINDOWS | GAPS | SENSORS)
        return link

    def forget(self) -> None:
        """Begin to collect afresh."""
        self.live = Live()

    def _messages(self, timeout: float | None = None) -> Iterator[Message]:
        for message in super()._messages(timeout):
            self.live.take(message)
            yield message

    def collect(self, enough: Callable[[Live], bool], *, timeout: float = 60.0) -> Live:
        """Wait until there are enough reports; `timeout` in seconds of the desk."""
        deadline = time.monotonic() + timeout
        if not enough(self.live):
            for _ in self._messages():
                if enough(self.live):
                    break
                assert time.monotonic() < deadline, f"not enough reports in {timeout:.0f} s: {self.live}"
        return self.live

    def status_when(self, ready: Callable[[Status], bool], *, timeout: float = 60.0) -> Status:
        """Ask for the status until it is as wanted; `timeout` in seconds of the desk."""
        deadline = time.monotonic() + timeout
        while not ready(status := self.status()):
            assert time.monotonic() < deadline, f"not so in {timeout:.0f} s: {status}"
            time.sleep(0.05)
        return status


def assert_exact(status: Status, rate: int, block: int) -> None:
    """Every sample is in the stream or told as missing: their number is what the clock says, to a block."""
    assert status.stream is not None
    due = status.stream.elapsed * rate
    assert due - 2 * block < status.stream.frames <= due + 1, status.stream
