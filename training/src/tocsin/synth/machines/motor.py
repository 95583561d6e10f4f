# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""An induction motor with a single-stage gearbox."""

from __future__ import annotations

import numpy as np

from tocsin.synth import flow, rotor
from tocsin.synth.bearing import bearing
from tocsin.synth.clip import Bus, Clip
from tocsin.synth.gear import gear_mesh
from tocsin.synth.geometry import Range
from tocsin.synth.signals import db
from tocsin.synth.spec import FaultSpec, MachineSpec, by_name

# Two pole pairs: synchronous speed is half the mains frequency.
POLE_PAIRS = 2


def _magnetics(clip: Clip, bus: Bus, *, broken_bar: float) -> None:
    """Add the hum at twice the mains frequency and the rotor slots' passing.

    Thomson & Gilmore 2003 (Proc. 32nd Turbomachinery Symposium): a broken bar modulates torque and hum
    at twice the slip frequency, and raises the rotor-bar pass frequency and its sidebands at twice the
    mains frequency.
    """
    line_hz = clip.unit.line_hz
    slip_hz = np.maximum(0.1, line_hz - POLE_PAIRS * clip.speed)
    beat = np.cos(2.0 * np.pi / clip.rate * np.cumsum(2.0 * slip_hz))
    swing = 1.0 + 0.5 * broken_bar * beat
    bus.force(db(-6) * swing * clip.line("hum", [1.0, 0.45, 0.3, 0.15, 0.1]))
    if broken_bar > 0:
        # A rotor that is not magnetically round is pulled sideways as it turns: 1x, with the same beat.
        bus.rotate(db(-1) * broken_bar * swing * clip.orders("magnetic pull", 1.0, [1.0]))
    bars = clip.unit["rotor_bars"]
    level = db(-16) * (1.0 + 2.0 * broken_bar) * clip.load
    # The field that the slots chop pulsates: sidebands at 0.7 of the line, twice the mains apart.
    field = 1.0 + clip.steady("slots/field", 2.0 * line_hz, [1.4])
    bus.force(level * swing * field * clip.orders("slots", bars, [1.0, 0.3]).real)


def _motor(clip: Clip, bus: Bus) -> None:
    unit, severity = clip.unit, clip.severity
    rotor.imbalance(clip, bus, level=db(-4), severity=severity("imbalance"))
    rotor.misalignment(clip, bus, level=db(7), severity=severity("misalignment"))
    outer, inner = severity("bearing_outer"), severity("bearing_inner")
    bearing(clip, bus, level=db(-34), severity=max(outer, inner), race="inner" if inner > 0 else "outer")
    _magnetics(clip, bus, broken_bar=severity("broken_bar"))
    gear_mesh(
        clip,
        bus,
        teeth=unit["pinion_teeth"],
        ratio=unit["gear_ratio"],
        level=db(-8),
        severity=severity("gear_tooth"),
    )
    # The cooling fan at the far end of the shaft.
    swing = 1.0 + (0.03 + 0.2 * severity("imbalance")) * clip.once
    flow.turbulence(clip, bus, blades=unit["fan_blades"], peak_hz=900.0, level=db(-5), envelope=swing)


MOTOR = MachineSpec(
    name="motor",
    description="induction motor with a gearbox",
    rpm=Range(1420, 1475),
    dimensions={
        "rotor_bars": Range(28, 44, whole=True),
        "pinion_teeth": Range(15, 25, whole=True),
        "gear_ratio": Range(2.3, 5.7),
        "fan_blades": Range(7, 11, whole=True),
    },
    vibration_g=0.1,
    faults=by_name(
        FaultSpec("bearing_outer", "a pitted outer race: impacts at BPFO that ring in the housing"),
        FaultSpec("bearing_inner", "a pitted inner race: impacts at BPFI that come and go with each turn"),
        FaultSpec("broken_bar", "a broken rotor bar: beats at twice the slip, louder slot pass"),
        FaultSpec("imbalance", "six times the force at shaft speed"),
        FaultSpec("gear_tooth", "a broken pinion tooth: an impact and a dip of the mesh once per turn"),
        FaultSpec("misalignment", "a misaligned coupling: forces at 2x and 3x, axial and radial"),
    ),
    model=_motor,
)
