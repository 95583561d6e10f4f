# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Rolling bearings with a defect: trains of impacts that ring in the housing.

McFadden & Smith 1984 (J. Sound Vib. 96(1)) for the structure of the signal; Antoni & Randall 2003
(Mech. Syst. Signal Process. 17(6)) for the slip: the interval between impacts is random by 1-2 % and the
error accumulates, which makes the train pseudo-cyclostationary and its spectrum broadband.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from tocsin.synth import signals
from tocsin.synth.clip import RADIAL, Bus, Clip
from tocsin.synth.signals import Signal, db

Race = Literal["outer", "inner"]

SLIP = 0.012


def load_zone(angle: Signal) -> Signal:
    """Return the relative load on a roller at an angle (rad) from the load's direction.

    Stribeck's distribution with a load factor of 0.6 (Harris, *Rolling Bearing Analysis*, section 7.3):
    1 in the direction of the load, 0 outside the zone.

    Parameters
    ----------
    angle : numpy.ndarray, shape (k,)

    Returns
    -------
    numpy.ndarray, shape (k,)
    """
    q: Signal = np.maximum(0.0, 1.0 - (1.0 - np.cos(angle)) / (2.0 * 0.6)) ** 1.5
    return q


def defect_times(clip: Clip, order: float, name: str) -> tuple[Signal, Signal]:
    """Return when rollers meet a defect.

    Parameters
    ----------
    clip : Clip
        The recording.
    order : float
        Impacts per revolution.
    name : str
        Random stream of the slip.

    Returns
    -------
    times : numpy.ndarray, shape (k,)
        Times of the impacts, in s since the start of the pre-roll.
    angles : numpy.ndarray, shape (k,)
        Shaft angle at each, in radians since the start of the pre-roll.
    """
    rng = clip.rng(name)
    count = int(clip.revolutions * order * 1.05) + 2
    steps = 1.0 + SLIP * rng.standard_normal(count)
    angles = (rng.uniform() + np.cumsum(steps)) * (2.0 * np.pi / order)
    times = clip.angles_to_times(angles)
    return times, angles[: len(times)]


def bearing(clip: Clip, bus: Bus, *, level: float, severity: float = 0.0, race: Race = "outer") -> None:
    """Add a bearing: faint rolling noise when healthy, impacts when a race is pitted.

    A pit in the outer race stands still in the load zone, so its impacts are even; one in the inner race
    goes round with the shaft, so its impacts come and go once per revolution.

    Parameters
    ----------
    clip, bus : Clip, Bus
        The recording, and where to add.
    level : float
        RMS of the healthy rolling noise.
    severity : float
        0 for a healthy bearing, 1 for impacts with peaks about 40 dB over the rolling noise.
    race : {"outer", "inner"}
        Where the defect is.
    """
    _, mid, _ = clip.unit.housing
    rolling = clip.noise("bearing/rolling", signals.band(mid[0], 1500.0))
    bus.force(level * (1.0 + 0.4 * severity) * rolling)
    if severity <= 0:
        return
    kinematics = clip.unit.bearing
    order = kinematics.bpfo if race == "outer" else kinematics.bpfi
    times, angles = defect_times(clip, order, f"bearing/{race}")
    # Harder or softer hits as the lubricant film varies.
    strength = clip.rng(f"bearing/{race}/strength").lognormal(0.0, 0.15, len(times))
    if race == "inner":
        strength *= 1.3 * load_zone(angles)
    bus.force(level * severity * db(40) * clip.strike(times, strength), RADIAL)
