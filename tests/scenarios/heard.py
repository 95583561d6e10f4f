# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""What a device tells of what it hears, and how that is compared with the twin."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tocsin.bundle import Bundle
from tocsin.device.messages import EVENT, GAP, SENSOR, WINDOW, condition_name
from tocsin.device.verify import bits
from tocsin.device.wire import Message
from tocsin.twin import Event, Gap, Twin, Window

SENSOR_FAULT = 2


@dataclass
class Heard:
    """Reports in their order; `faulty` are the beginnings of windows in which the sensor had a fault."""

    windows: list[Window] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    sensor: list[tuple[str, bool, int]] = field(default_factory=list)
    faulty: set[int] = field(default_factory=set)

    def take(self, message: Message) -> None:
        """Note a message of the link, if it is a report."""
        if message.type == WINDOW:
            begin, end, score, smoothed, flags = struct.unpack("<QQffI", message.payload)
            self.windows.append(Window(begin, end, score, smoothed))
            if flags & SENSOR_FAULT:
                self.faulty.add(begin)
        elif message.type == EVENT:
            kind, peak, begin, end = struct.unpack("<IfQQ", message.payload)
            self.events.append(Event("begin" if kind == 1 else "end", begin, end, peak))
        elif message.type == GAP:
            self.gaps.append(Gap(*struct.unpack_from("<QQ", message.payload)))
        elif message.type == SENSOR:
            condition, begins, index = struct.unpack("<IIQ", message.payload)
            self.sensor.append((condition_name(condition), begins == 1, index))

    def until(self, end: int) -> Heard:
        """What was told of the samples before `end`."""
        return Heard(
            windows=[window for window in self.windows if window.end <= end],
            events=[event for event in self.events if event.end <= end],
            gaps=[gap for gap in self.gaps if gap.index < end],
            sensor=[told for told in self.sensor if told[2] < end],
            faulty={begin for begin in self.faulty if begin < end},
        )

    @property
    def end(self) -> int:
        """Samples up to the end of the last window."""
        return self.windows[-1].end if self.windows else 0

    @property
    def conditions(self) -> list[str]:
        """What the sensor was told to have, in order."""
        return [name for name, begins, _ in self.sensor if begins]


def of_twin(bundle: Bundle, stream: NDArray[np.int16]) -> Heard:
    """What the twin gives for the samples that the detector got."""
    twin = Twin(bundle)
    heard = Heard()
    for result in twin.push(stream):
        place: list[Window] | list[Event] | list[Gap] = {
            Window: heard.windows, Event: heard.events, Gap: heard.gaps
        }[type(result)]  # fmt: skip
        place.append(result)  # type: ignore[arg-type]
    return heard


def assert_equal(device: Heard, twin: Heard) -> None:
    """Both told of the same stream: the same windows and events, bit for bit, none missing and none more."""
    _same("window", device.windows, twin.windows)
    _same("event", device.events, twin.events)
    assert device.gaps == [], f"samples were lost: {device.gaps}"
    assert len(twin.windows) > 10


def _same(what: str, device: Sequence[Window | Event], twin: Sequence[Window | Event]) -> None:
    for number, (ours, theirs) in enumerate(zip(device, twin, strict=False)):
        assert bits(ours) == bits(theirs), f"{what} {number}: {ours} from the device, {theirs} from the twin"
    assert len(device) == len(twin), f"{len(device)} {what}s from the device, {len(twin)} from the twin"
