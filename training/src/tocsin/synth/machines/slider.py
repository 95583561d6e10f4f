# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""A linear slide: a carriage on rails with recirculating balls, pulled to and fro by a toothed belt."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tocsin.synth import flow, signals
from tocsin.synth.clip import RAIL, Bus, Clip
from tocsin.synth.geometry import Range
from tocsin.synth.signals import Signal, db
from tocsin.synth.spec import FaultSpec, MachineSpec, by_name

# Share of a stroke spent accelerating, and braking.
RAMP = 0.15


@dataclass(frozen=True)
class _Motion:
    """Where the carriage is and how it moves.

    Attributes
    ----------
    speed : numpy.ndarray, shape (n,)
        Magnitude of velocity relative to its maximum, 0 to 1.
    position : numpy.ndarray, shape (n,)
        0 at one end stop, 1 at the other.
    path : numpy.ndarray, shape (n,)
        Distance travelled since the start, in strokes.
    """

    speed: Signal
    position: Signal
    path: Signal


def _motion(clip: Clip) -> _Motion:
    stroke = clip.phase / np.pi  # two strokes a cycle
    # Trapezoidal velocity, its integral tabulated over one stroke.
    grid = np.linspace(0.0, 1.0, 1025)
    profile = np.clip(np.minimum(grid, 1.0 - grid) / RAMP, 0.0, 1.0)
    travelled = np.concatenate([[0.0], np.cumsum(0.5 * (profile[1:] + profile[:-1]))])
    travelled /= travelled[-1]
    whole = np.floor(stroke)
    part = stroke - whole
    done = np.interp(part, grid, travelled)
    position = np.where(whole % 2 == 0, done, 1.0 - done)
    return _Motion(np.interp(part, grid, profile), position, whole + done)


def _reversals(clip: Clip) -> Signal:
    """Return when the carriage turns round, in s."""
    first = np.ceil(clip.phase[0] / np.pi) * np.pi - clip.phase[0]
    return clip.angles_to_times(first + 1e-9 + np.pi * np.arange(2.0 * clip.revolutions + 2.0))


def _slider(clip: Clip, bus: Bus) -> None:
    unit, severity = clip.unit, clip.severity
    motion = _motion(clip)
    worn, dry, loose = severity("rail_wear"), severity("no_grease"), severity("loose_belt")
    top = float(clip.speed.max()) * 2.0 / (1.0 - RAMP)
    # Balls entering and leaving the load zone, and belt teeth meshing, both in step with the path.
    balls = 2.0 * np.pi * unit["balls_per_stroke"] * motion.path
    tones = clip.tones("balls", balls, [1.0, 0.6, 0.35, 0.2], highest_hz=unit["balls_per_stroke"] * top).real
    bus.force(db(-8) * (1.0 + 0.5 * worn) * motion.speed * tones, RAIL)
    teeth = 2.0 * np.pi * unit["teeth_per_stroke"] * motion.path
    mesh = clip.tones("belt", teeth, [1.0, 0.5, 0.3, 0.2], highest_hz=unit["teeth_per_stroke"] * top).real
    bus.force(db(-9) * (1.0 + 1.2 * loose) * motion.speed * mesh, RAIL)
    rolling = clip.noise("rolling", signals.hump(unit["rolling_hz"], 0.7, 0.9))
    # Rolling noise grows as the 1.2th power of speed or so.
    bus.force(db(2) * clip.load * (1.0 + 0.3 * worn) * motion.speed**1.2 * rolling, RAIL)
    bus.sound(db(-22) * clip.noise("drive", signals.hump(600.0, 0.5, 1.0)))
    bus.force(db(-18) * clip.line("hum", [1.0, 0.4, 0.2]))
    times = _reversals(clip)
    bump = clip.rng("stops").lognormal(0.0, 0.15, len(times))
    bus.force(db(6) * clip.strike(times, bump), RAIL)
    _worn_rail(clip, bus, motion, worn)
    _dry_rail(clip, bus, motion, dry)
    _loose_belt(clip, bus, times, loose)


def _worn_rail(clip: Clip, bus: Bus, motion: _Motion, severity: float) -> None:
    """Add pits at fixed places of the rail: each ball that rolls over one strikes."""
    if severity <= 0:
        return
    rng = clip.rng("pits")
    gate = np.zeros(clip.n)
    for place in (0.3, 0.36, 0.68):
        # The carriage is a fifth of the rail long: for that long its balls meet the pit.
        gate[np.abs(motion.position - place) < 0.1] += 0.7
    # One strike a ball: whenever the ball count passes a whole number.
    count = np.floor(clip.unit["balls_per_stroke"] * motion.path)
    hit = np.flatnonzero(np.diff(count) > 0)
    times = (hit + rng.uniform(size=len(hit))) / clip.rate
    strength = gate[hit] * motion.speed[hit] * rng.lognormal(0.0, 0.3, len(hit))
    bus.force(db(5) * severity * clip.strike(times, strength), RAIL)


def _dry_rail(clip: Clip, bus: Bus, motion: _Motion, severity: float) -> None:
    """Add friction without a film: hiss, judder, and stick-slip squeal at low speed.

    Squeal is a mode driven by friction that falls with speed, so it lives where the carriage is slow
    (Akay 2002, J. Acoust. Soc. Am. 111(4), section IV).
    """
    if severity <= 0:
        return
    hiss = clip.noise("dry", signals.hump(3500.0, 1.0, 1.0))
    bus.force(db(0) * severity * motion.speed * hiss, RAIL)
    judder = clip.noise("judder", signals.hump(90.0, 1.5, 1.5))
    bus.force(db(0) * severity * motion.speed * judder, RAIL)
    wander = 1.0 + 0.01 * signals.slow(clip.rng("squeal"), clip.n, clip.rate, 1.0)
    angle = 2.0 * np.pi * clip.unit["squeal_hz"] / clip.rate * np.cumsum(wander)
    squeal = clip.tones("squeal/tones", angle, [1.0, 0.4, 0.25], highest_hz=1.05 * clip.unit["squeal_hz"]).real
    slow = motion.speed * np.exp(-(((motion.speed - 0.25) / 0.2) ** 2))
    fits = np.clip(0.5 + 0.5 * signals.slow(clip.rng("squeal/fits"), clip.n, clip.rate, 2.0), 0.0, 1.5)
    bus.sound(db(2) * severity * slow * fits * squeal)


def _loose_belt(clip: Clip, bus: Bus, reversals: Signal, severity: float) -> None:
    """Add a slack belt: it flaps against its guard, and swings after each reversal."""
    if severity <= 0:
        return
    rng = clip.rng("slap")
    slaps = reversals[:, None] + np.cumsum(rng.uniform(0.03, 0.09, size=(len(reversals), 5)), axis=1)
    strength = rng.lognormal(0.0, 0.3, size=slaps.shape) * 0.8 ** np.arange(5)
    bus.force(db(8) * severity * clip.strike(slaps.ravel(), strength.ravel()), RAIL)
    swing = signals.ring(
        signals.impulses(reversals, np.ones(len(reversals)), clip.n, clip.rate),
        [(clip.unit["belt_hz"], 0.25, 1.0)],
        clip.rate,
    )
    flap = clip.noise("flap", signals.hump(300.0, 1.0, 1.2))
    bus.sound(db(4) * severity * np.abs(swing) * flap)
    bus.force(db(-3) * severity * swing * (1.0 + 0.5 * flow.pulse(clip.phase, 2.0)), RAIL)


SLIDER = MachineSpec(
    name="slider",
    description="linear slide with a belt; its rpm are cycles (there and back) per minute",
    rpm=Range(18, 32),
    dimensions={
        "balls_per_stroke": Range(70, 130),
        "teeth_per_stroke": Range(150, 260),
        "rolling_hz": Range(700, 1500),
        "squeal_hz": Range(900, 2200),
        "belt_hz": Range(9, 16),
    },
    vibration_g=0.08,
    faults=by_name(
        FaultSpec("rail_wear", "pits in the rail: strikes of the balls at fixed places"),
        FaultSpec("no_grease", "no lubricant: hiss, judder, and squeal near the ends"),
        FaultSpec("loose_belt", "a slack belt: slaps and flapping after each reversal, louder mesh"),
    ),
    model=_slider,
)
