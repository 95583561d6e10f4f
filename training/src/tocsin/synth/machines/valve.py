# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""A solenoid valve that opens and closes in a cycle: clicks, flow while open, coil hum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tocsin.synth import flow, signals
from tocsin.synth.clip import AXIAL, Bus, Clip
from tocsin.synth.geometry import Range
from tocsin.synth.signals import Signal, db
from tocsin.synth.spec import FaultSpec, MachineSpec, by_name


@dataclass(frozen=True)
class _Strokes:
    """The strokes of a clip.

    Attributes
    ----------
    opens, closes : numpy.ndarray, shape (k,)
        When the armature arrives, in s.
    moved : numpy.ndarray, shape (k,)
        1 where it moved, 0 where it stuck.
    """

    opens: Signal
    closes: Signal
    moved: Signal


def _strokes(clip: Clip, *, stuck: float, slow: float) -> _Strokes:
    rng = clip.rng("strokes")
    cycles = np.arange(0.0, clip.revolutions - clip.unit["open_share"])
    opens = clip.angles_to_times(2.0 * np.pi * (cycles + 1e-6))
    closes = clip.angles_to_times(2.0 * np.pi * (cycles + clip.unit["open_share"]))[: len(opens)]
    scatter = 0.003 * rng.standard_normal((2, len(opens)))
    lag = 0.12 * slow * rng.uniform(0.7, 1.3, size=(2, len(opens)))
    moved = (rng.uniform(size=len(opens)) >= 0.6 * stuck).astype(np.float64)
    return _Strokes(opens + 0.012 + scatter[0] + lag[0], closes + 0.008 + scatter[1] + lag[1], moved)


def _click(clip: Clip, times: Signal, strength: Signal, name: str) -> Signal:
    """Return the armature striking its seat and bouncing once or twice."""
    rng = clip.rng(name)
    first = strength * rng.lognormal(0.0, 0.1, len(times))
    bounce = times + rng.uniform(0.006, 0.012, len(times))
    again = bounce + rng.uniform(0.003, 0.006, len(times))
    every = np.concatenate([times, bounce, again])
    return clip.strike(every, np.concatenate([first, 0.4 * first, 0.15 * first]))


def _valve(clip: Clip, bus: Bus) -> None:
    unit, severity = clip.unit, clip.severity
    slow, dirty, stuck = severity("slow_stroke"), severity("contamination"), severity("stuck")
    strokes = _strokes(clip, stuck=stuck, slow=slow)
    # Friction takes the armature's speed, and with it the impact; dirt cushions the seat.
    strength = strokes.moved * (1.0 - 0.75 * slow) * (1.0 - 0.4 * dirty)
    bus.force(db(14) * _click(clip, strokes.opens, strength, "open"), AXIAL)
    bus.force(db(11) * _click(clip, strokes.closes, 0.8 * strength, "close"), AXIAL)

    def held(starts: Signal, ends: Signal, weight: Signal) -> Signal:
        edges = signals.impulses(starts, weight, clip.n, clip.rate) - signals.impulses(ends, weight, clip.n, clip.rate)
        return np.clip(np.cumsum(edges), 0.0, 1.0)

    is_open = signals.smooth(held(strokes.opens, strokes.closes, strokes.moved), 0.02 + 0.06 * slow, clip.rate)
    stream = clip.noise("flow", signals.hump(unit["flow_hz"], 1.0, 1.2))
    crackle = 1.0 + 0.8 * dirty * signals.slow(clip.rng("dirt"), clip.n, clip.rate, 8.0)
    bus.sound(db(0) * clip.load**2 * is_open * crackle * (1.0 - 0.35 * dirty) * stream)
    # The supply line never falls quite silent.
    bus.sound(db(-18) * clip.noise("supply", signals.hump(500.0, 0.5, 1.0)))
    powered = held(strokes.opens - 0.012, strokes.closes - 0.008, np.ones_like(strokes.opens))
    # A coil that fails to pull in carries its inrush current and buzzes.
    buzz = powered * (1.0 + 4.0 * stuck * (1.0 - is_open))
    bus.force(db(-14) * buzz * clip.line("coil", [1.0, 0.6, 0.4, 0.3, 0.2]), AXIAL)
    flow.leak(clip, bus, peak_hz=unit["leak_hz"], level=db(-9) * severity("leak"), gate=1.0 - 0.8 * is_open)
    _friction(clip, bus, strokes, slow=slow, dirty=dirty)


def _friction(clip: Clip, bus: Bus, strokes: _Strokes, *, slow: float, dirty: float) -> None:
    """Add the scrape of an armature that drags, and grains that strike the seat."""
    if slow > 0:
        travel = np.concatenate([strokes.opens, strokes.closes]) - 0.06 * slow
        moves = signals.impulses(travel, np.tile(strokes.moved, 2), clip.n, clip.rate)
        scrape = clip.noise("scrape", signals.hump(2200.0, 1.0, 1.0))
        gate = signals.smooth(moves, 0.03, clip.rate) * 0.03 * clip.rate
        bus.force(db(10) * slow * gate * scrape, AXIAL)
    if dirty > 0:
        rng = clip.rng("grains")
        count = int(rng.poisson(80.0 * dirty * clip.n / clip.rate))
        times = np.sort(rng.uniform(0.0, clip.n / clip.rate, count))
        strength = rng.lognormal(0.0, 0.6, count)
        open_at = np.zeros(count)
        for start, end in zip(strokes.opens, strokes.closes, strict=True):
            open_at[(times > start) & (times < end)] = 1.0
        bus.force(db(13) * clip.strike(times, strength * open_at), AXIAL)


VALVE = MachineSpec(
    name="valve",
    description="solenoid valve in a cycle; its rpm are strokes per minute",
    rpm=Range(70, 110),
    dimensions={
        "open_share": Range(0.35, 0.55),
        "flow_hz": Range(900, 2200),
        "leak_hz": Range(3000, 5500),
    },
    vibration_g=0.05,
    faults=by_name(
        FaultSpec("leak", "a worn seat: a hiss while closed"),
        FaultSpec("stuck", "an armature that fails to move on most strokes, under a buzzing coil"),
        FaultSpec("slow_stroke", "friction: late, soft strokes with a scrape"),
        FaultSpec("contamination", "grit in the seat: less flow, unsteady, with rattling grains"),
    ),
    model=_valve,
)
