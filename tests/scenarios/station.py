# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""What a scenario needs of a target, whatever that is: a station with a device on it."""

from __future__ import annotations

import re
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from heard import Heard
from tocsin.bundle import Bundle
from tocsin.device.link import Link


class NotHere(Exception):
    """This target cannot do that, or is not there; the message is one plain line, and the scenario is skipped."""


class Station(ABC):
    """A device that is switched on and runs `bundle`.

    Attributes
    ----------
    bundle
        The detector in its image.
    image
        The file that is in the device.
    through_sensor
        Whether :meth:`hear` plays to the device's sensor; otherwise over the link.
    """

    bundle: Bundle
    image: Path
    through_sensor = False

    @abstractmethod
    def hear(self, samples: NDArray[np.int16]) -> tuple[Heard, NDArray[np.int16]]:
        """Have it hear a recording from a stream's first sample on.

        Returns
        -------
        heard
            All that it told of the recording, and nothing of what may have come after it.
        stream
            What its detector got of the recording: its end, since a sensor throws away its first samples.
        """

    @abstractmethod
    def link_address(self) -> str:
        """Where the link is, as :meth:`tocsin.device.link.Link.open` takes it."""

    @abstractmethod
    def wait_for(self, pattern: str, timeout: float = 30.0, since: int = 0) -> re.Match[str]:
        """Wait until the console has shown `pattern` behind its character `since`."""

    @abstractmethod
    def shown(self) -> int:
        """How many characters the console has shown."""

    @abstractmethod
    def type(self, line: str) -> None:
        """Type a line into the console."""

    @abstractmethod
    def reset(self) -> None:
        """Reset the device, as its button does."""

    def listen(self, seconds: int) -> NDArray[np.int16] | None:
        """Have the sensor hear the healthy machine from now on, for so long; what comes of it, None where not known."""
        del seconds
        return None

    def lose_sensor(self) -> None:
        """The sensor's cable comes loose."""
        raise NotHere("the sensor's cable has to be pulled by hand")

    def find_sensor(self) -> None:
        """It is put in again."""
        raise NotHere("the sensor's cable has to be put in by hand")

    def disturb_bus(self, seconds: float) -> None:
        """Something disturbs the sensor's bus in so many seconds, while samples are read."""
        raise NotHere("shown in Renode alone: nothing else can disturb a sensor's bus")

    def disturb_clock(self, cycles: int | None) -> None:
        """The processor's cycle counter jumps to `cycles`; or, where None, a debugger leaves, and switches it off."""
        raise NotHere("shown in Renode alone: nothing else reaches into a processor")

    def clock_runs(self) -> bool:
        """Whether the cycle counter runs."""
        raise NotHere("shown in Renode alone: nothing else looks into a processor")

    def count(self) -> None:
        """The sensor's samples are numbered from now on: x is one digit more each time, see :data:`sensors.COUNTS`."""
        raise NotHere("shown in Renode alone: nothing else can number a sensor's samples")

    def open_link(self) -> Link:
        """Connect to the link, and have it answer."""
        link = Link.open(self.link_address(), timeout=60)
        link.hello()
        return link

    @abstractmethod
    def stop(self) -> None:
        """Switch off."""


def collect(link: Link, heard: Heard, enough: Callable[[Heard], bool], timeout: float) -> None:
    """Take in what a device tells until there is enough; `timeout` in seconds of the desk."""
    deadline = time.monotonic() + timeout
    while not enough(heard):
        for message in link.pump(0.2):
            heard.take(message)
        assert time.monotonic() < deadline, (
            f"not enough in {timeout:.0f} s: up to sample {heard.end}, {len(heard.windows)} windows, {heard.sensor}"
        )
