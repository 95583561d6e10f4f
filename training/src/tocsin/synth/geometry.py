# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""The body of one machine: dimensions, nominal speed, resonances, drawn from the seed and the ID."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from tocsin.synth.seeds import stream


@dataclass(frozen=True)
class Range:
    """A range to draw a dimension from, uniformly; both ends included.

    Attributes
    ----------
    low, high : float
        Ends of the range, in the unit of the dimension.
    whole : bool
        Whether only whole numbers are drawn (teeth, blades).
    """

    low: float
    high: float
    whole: bool = False

    def draw(self, rng: np.random.Generator) -> float:
        """Return one value from the range."""
        if self.whole:
            return float(rng.integers(int(self.low), int(self.high), endpoint=True))
        return float(rng.uniform(self.low, self.high))


@dataclass(frozen=True)
class Bearing:
    """A rolling bearing, and its defect frequencies as multiples of the shaft speed.

    The kinematic formulas of Randall & Antoni 2011 (Mech. Syst. Signal Process. 25(2), equations 1-4),
    with a fixed outer ring and pure rolling.

    Attributes
    ----------
    balls : int
        Number of rolling elements.
    ball_mm, pitch_mm : float
        Diameter of a ball and of the pitch circle, in mm.
    contact_deg : float
        Contact angle, in degrees.
    """

    balls: int
    ball_mm: float
    pitch_mm: float
    contact_deg: float

    @property
    def _ratio(self) -> float:
        return self.ball_mm / self.pitch_mm * float(np.cos(np.deg2rad(self.contact_deg)))

    @property
    def ftf(self) -> float:
        """Cage (fundamental train) frequency per revolution."""
        return 0.5 * (1.0 - self._ratio)

    @property
    def bpfo(self) -> float:
        """Ball-pass frequency of the outer race per revolution."""
        return self.balls * self.ftf

    @property
    def bpfi(self) -> float:
        """Ball-pass frequency of the inner race per revolution."""
        return 0.5 * self.balls * (1.0 + self._ratio)

    @property
    def bsf(self) -> float:
        """Ball spin frequency per revolution."""
        return 0.5 * self.pitch_mm / self.ball_mm * (1.0 - self._ratio**2)


@dataclass(frozen=True)
class Mode:
    """A structural resonance between the source and the sensor.

    Attributes
    ----------
    hz : float
        Natural frequency.
    q : float
        Quality factor.
    gains : tuple of 3 floats
        Amplification at resonance along x, y, z.
    """

    hz: float
    q: float
    gains: tuple[float, float, float]


@dataclass(frozen=True)
class Unit:
    """One machine of a kind, as MIMII's ``id_00`` is one fan.

    Attributes
    ----------
    machine : str
        Kind of machine.
    machine_id : int
        Number in the folder name.
    rpm : float
        Nominal speed in revolutions (for reciprocating machines: cycles) per minute.
    line_hz : float
        Mains frequency, in Hz.
    dimensions : tuple of (str, float)
        What else shapes the sound, by name; see the machine's specification.
    bearing : Bearing
        The rolling bearing that carries the shaft.
    modes : tuple of Mode
        Resonances of the transfer path to the sensor.
    housing : tuple of (float, float, float)
        What rings when struck: frequency in Hz, decay time constant in s, amplitude.
    echoes : tuple of (float, float)
        Early reflections on the way through the air: delay in s, gain.
    """

    machine: str
    machine_id: int
    rpm: float
    line_hz: float
    dimensions: tuple[tuple[str, float], ...]
    bearing: Bearing
    modes: tuple[Mode, ...]
    housing: tuple[tuple[float, float, float], ...]
    echoes: tuple[tuple[float, float], ...]

    def __getitem__(self, name: str) -> float:
        """Return a dimension by name."""
        return dict(self.dimensions)[name]


# Ball number, ball and pitch diameter in mm: deep-groove bearings 6203 to 6306, whose geometry is
# published by their makers and much used in the literature (6205: the Case Western Reserve rig).
_BEARINGS = (
    (8, 6.75, 28.5),
    (8, 7.94, 33.5),
    (9, 7.94, 39.04),
    (9, 9.53, 46.0),
    (8, 12.3, 52.0),
)


def _draw_modes(rng: np.random.Generator) -> tuple[Mode, ...]:
    # Three global modes of the frame and five local ones of panels; the low ones are all that a
    # 1600 Hz accelerometer can see.
    edges = np.concatenate([np.geomspace(140, 640, 4), np.geomspace(800, 6500, 6)])
    modes = []
    for low, high in pairwise(edges):
        hz = float(np.exp(rng.uniform(np.log(low), np.log(high))))
        gains = rng.uniform(0.3, 1.8, size=3)
        modes.append(Mode(hz, float(rng.uniform(8, 30)), (float(gains[0]), float(gains[1]), float(gains[2]))))
    return tuple(modes)


def draw_unit(
    machine: str,
    machine_id: int,
    *,
    rpm: Range,
    dimensions: Mapping[str, Range],
    seed: int,
) -> Unit:
    """Draw the machine that belongs to a seed and an ID.

    Parameters
    ----------
    machine : str
        Kind of machine.
    machine_id : int
        Number of the machine, 0 or greater.
    rpm : Range
        Range of nominal speeds, per minute.
    dimensions : mapping of str to Range
        Ranges of its other dimensions.
    seed : int
        Seed of the data set.

    Returns
    -------
    Unit
    """
    rng = stream(seed, machine, machine_id, "unit")
    balls, ball_mm, pitch_mm = _BEARINGS[int(rng.integers(len(_BEARINGS)))]
    housing = (
        (float(rng.uniform(300, 620)), float(rng.uniform(4e-3, 8e-3)), 0.5),
        (float(rng.uniform(1900, 3200)), float(rng.uniform(1e-3, 2e-3)), 1.0),
        (float(rng.uniform(3600, 5600)), float(rng.uniform(0.6e-3, 1.2e-3)), 0.8),
    )
    echoes = tuple((float(rng.uniform(3e-3, 18e-3)), float(rng.uniform(-0.35, 0.35))) for _ in range(4))
    return Unit(
        machine=machine,
        machine_id=machine_id,
        rpm=rpm.draw(rng),
        line_hz=50.0,
        dimensions=tuple((name, dimensions[name].draw(rng)) for name in sorted(dimensions)),
        bearing=Bearing(balls, ball_mm, pitch_mm, float(rng.uniform(0.0, 12.0))),
        modes=_draw_modes(rng),
        housing=housing,
        echoes=echoes,
    )
