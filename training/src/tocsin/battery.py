# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""How long a battery lasts, from the share of time in which the processor works."""

from __future__ import annotations

from dataclasses import dataclass, fields

from .errors import TocsinError

HOURS_A_DAY = 24.0


@dataclass(frozen=True, kw_only=True)
class Currents:
    """What each part draws, in milliamperes.

    The defaults are rounded from data sheets (nRF52840 at 3 V with its DC/DC converter, a MEMS microphone with PDM
    output); they are where to start, not measurements of a board.

    Attributes
    ----------
    active
        The processor while it computes.
    idle
        The processor while it waits for samples: clocks and the sensor's peripheral stay on.
    sensor
        The sensor while it is on.
    asleep
        All of it between two times of listening: memory kept, low-frequency clock on.
    """

    active: float = 3.3
    idle: float = 0.6
    sensor: float = 0.65
    asleep: float = 0.003

    def __post_init__(self) -> None:
        for part in fields(self):
            if not 0 <= getattr(self, part.name) < 1e4:
                raise TocsinError(f"The current {part.name} is {getattr(self, part.name)} mA: give 0 or more.")


def mean_current(active: float, listen: float, currents: Currents) -> float:
    """Mean current in milliamperes.

    Parameters
    ----------
    active
        Share of the listening time in which the processor works, 0 to 1: the CPU load that a device tells.
    listen
        Share of the time in which the device listens, 0 to 1; 1 without a duty cycle.
    currents
        What the parts draw.

    Raises
    ------
    TocsinError
        A share is not within 0 to 1.
    """
    for name, share in (("active", active), ("listening", listen)):
        if not 0 <= share <= 1:
            raise TocsinError(f"The {name} share of the time is {share}: give a number from 0 to 1.")
    listening = currents.sensor + active * currents.active + (1 - active) * currents.idle
    return listen * listening + (1 - listen) * currents.asleep


def battery_days(capacity: float, current: float, *, usable: float = 0.8) -> float:
    """Days that a battery of `capacity` milliampere-hours lasts, of which the share `usable` can be drawn.

    Raises
    ------
    TocsinError
        The capacity or the current is not above zero.
    """
    if capacity <= 0 or current <= 0 or not 0 < usable <= 1:
        raise TocsinError("Capacity and current must be above zero, and the usable share at most 1.")
    return capacity * usable / current / HOURS_A_DAY
