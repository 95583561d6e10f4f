# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""How long a battery lasts, from the share of time in which the processor works."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from ..errors import TocsinError

HOURS_A_DAY = 24.0
HOURS_A_YEAR = 8766.0
SELF_DISCHARGE = 0.01
"""A year, of lithium thionyl chloride cells at room temperature by their data sheets; alkaline ones lose about 0.03,
lithium-ion ones 0.2 to 0.3."""
SHELF_YEARS = 10.0
"""Beyond this many years a battery's own life decides, not what is drawn."""


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


def battery_days(
    capacity: float, current: float, *, usable: float = 0.8, self_discharge: float = SELF_DISCHARGE
) -> float:
    """Days that a battery lasts.

    Self-discharge takes the same share of what is left in every year. With the charge q, the mean current I and the
    rate k it is dq/dt = -I - k·q, so the usable charge Q lasts ln(1 + k·Q/I)/k.

    Parameters
    ----------
    capacity
        Nominal, mAh.
    current
        Mean, mA.
    usable
        Share of the capacity that can be drawn, above 0, at most 1.
    self_discharge
        Share of the charge that the battery loses by itself in a year, 0 to below 1.

    Raises
    ------
    TocsinError
        A value is out of its range.
    """
    if capacity <= 0 or current <= 0 or not 0 < usable <= 1:
        raise TocsinError("Capacity and current must be above zero, and the usable share at most 1.")
    if not 0 <= self_discharge < 1:
        raise TocsinError(f"The self-discharge is {self_discharge:g} a year: give a share from 0 to below 1.")
    hours = capacity * usable / current
    rate = -math.log1p(-self_discharge) / HOURS_A_YEAR
    return (math.log1p(rate * hours) / rate if rate > 0 else hours) / HOURS_A_DAY
