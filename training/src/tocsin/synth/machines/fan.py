# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""An axial industrial fan, driven directly by an induction motor."""

from __future__ import annotations

import numpy as np

from tocsin.synth import flow, rotor, signals
from tocsin.synth.bearing import bearing
from tocsin.synth.clip import Bus, Clip
from tocsin.synth.geometry import Range
from tocsin.synth.signals import db
from tocsin.synth.spec import FaultSpec, MachineSpec, by_name


def _fan(clip: Clip, bus: Bus) -> None:
    unit, severity = clip.unit, clip.severity
    blades = unit["blades"]
    unbalanced, damaged, clogged = severity("imbalance"), severity("blade_damage"), severity("clogging")
    # An orbit of the wheel opens and closes the tip gap once per turn.
    gap = 1.0 + (0.04 + 0.22 * unbalanced + 0.15 * damaged) * clip.once
    rotor.imbalance(clip, bus, level=db(0), severity=max(unbalanced, 0.3 * damaged))
    rotor.looseness(clip, bus, level=db(3), severity=severity("looseness"))
    bearing(clip, bus, level=db(-30), severity=severity("bearing_outer"))
    flow.blade_pass(clip, bus, blades=blades, level=db(-6) * (1.0 + 0.3 * clogged), envelope=gap)
    flow.turbulence(
        clip, bus, blades=blades, peak_hz=unit["turbulence_hz"], level=db(0) * (1.0 - 0.25 * clogged), envelope=gap
    )
    bus.force(db(-14) * clip.line("hum", [1.0, 0.4, 0.2]))
    if damaged > 0:
        _damaged_blade(clip, bus, damaged)
    if clogged > 0:
        _stall(clip, bus, clogged)


def _damaged_blade(clip: Clip, bus: Bus, severity: float) -> None:
    # The loading of one blade differs: a pulse once per turn, i.e. all orders up to about twice the
    # blade-pass frequency (Gutin noise of an uneven rotor).
    blades = clip.unit["blades"]
    orders = [np.exp(-((k / blades) ** 2)) for k in range(1, int(2 * blades) + 1)]
    bus.sound(db(-7) * severity * clip.orders("blade/pulse", 1.0, orders, spread=0.3).real)
    # A torn trailing edge is blunt and sheds vortices: a narrow hump at a Strouhal number of 0.2 of the
    # edge's thickness (Blake 2017, chapter 11), loudest when the blade comes towards the listener.
    whistle = clip.noise("blade/whistle", signals.band(clip.unit["shedding_hz"], 500.0))
    bus.sound(db(-4) * severity * (0.35 + flow.pulse(clip.phase, 4.0)) * whistle)


def _stall(clip: Clip, bus: Bus, severity: float) -> None:
    # A clogged inlet drives the blades into rotating stall: cells that turn at about 0.6 of the shaft's
    # speed and rumble, well below the normal turbulence.
    cells = 1.0 + 0.5 * np.cos(2.0 * 0.6 * clip.phase)
    rumble = clip.noise("stall", signals.hump(0.4 * clip.unit["turbulence_hz"], 1.0, 1.5))
    bus.sound(db(1) * severity * cells * rumble)


FAN = MachineSpec(
    name="fan",
    description="axial fan with a direct drive",
    rpm=Range(1350, 2400),
    dimensions={
        "blades": Range(5, 9, whole=True),
        "turbulence_hz": Range(350, 700),
        "shedding_hz": Range(1800, 3400),
    },
    vibration_g=0.12,
    faults=by_name(
        FaultSpec("imbalance", "dirt or a lost weight: six times the force at shaft speed, and a swinging tip gap"),
        FaultSpec("bearing_outer", "a pitted outer race: impacts at BPFO that ring in the housing"),
        FaultSpec("looseness", "a loose foot: truncated motion, half orders, rattling"),
        FaultSpec("blade_damage", "a torn blade: all shaft orders, a whistling edge, some imbalance"),
        FaultSpec("clogging", "a clogged inlet: rotating stall, less flow, 2 % faster", speed_shift=0.02),
    ),
    model=_fan,
)
