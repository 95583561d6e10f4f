# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""A centrifugal water pump with an induction motor."""

from __future__ import annotations

from tocsin.synth import flow, rotor, signals
from tocsin.synth.bearing import bearing
from tocsin.synth.clip import Bus, Clip
from tocsin.synth.geometry import Range
from tocsin.synth.signals import db
from tocsin.synth.spec import FaultSpec, MachineSpec, by_name


def _pump(clip: Clip, bus: Bus) -> None:
    unit, severity = clip.unit, clip.severity
    vanes = unit["vanes"]
    starved = severity("cavitation")
    rotor.imbalance(clip, bus, level=db(-8), severity=0.0)
    rotor.misalignment(clip, bus, level=db(7), severity=severity("misalignment"))
    outer, inner = severity("bearing_outer"), severity("bearing_inner")
    bearing(clip, bus, level=db(-30), severity=max(outer, inner), race="inner" if inner > 0 else "outer")
    # Vapour in the impeller carries less pressure: the vane-pass tones sink as the crackle rises.
    flow.blade_pass(clip, bus, blades=vanes, level=db(-4) * (1.0 - 0.3 * starved))
    flow.turbulence(clip, bus, blades=vanes, peak_hz=unit["turbulence_hz"], level=db(0))
    flow.cavitation(clip, bus, vanes=vanes, level=db(-4), severity=starved)
    flow.leak(clip, bus, peak_hz=unit["leak_hz"], level=db(-7) * severity("leak"))
    bus.force(db(-8) * clip.line("hum", [1.0, 0.5, 0.3, 0.15]))
    bus.force(db(-14) * clip.noise("casing", signals.hump(1500.0, 1.0, 1.0)))


PUMP = MachineSpec(
    name="pump",
    description="centrifugal pump",
    rpm=Range(1430, 2930),
    dimensions={
        "vanes": Range(5, 7, whole=True),
        "turbulence_hz": Range(450, 900),
        "leak_hz": Range(3000, 5500),
    },
    vibration_g=0.15,
    faults=by_name(
        FaultSpec("cavitation", "too little inlet pressure: crackling bubbles, in bursts at vane pass"),
        FaultSpec("leak", "a leaking seal: a hissing jet"),
        FaultSpec("bearing_outer", "a pitted outer race: impacts at BPFO that ring in the housing"),
        FaultSpec("bearing_inner", "a pitted inner race: impacts at BPFI that come and go with each turn"),
        FaultSpec("misalignment", "a misaligned coupling: forces at 2x and 3x, axial and radial"),
    ),
    model=_pump,
)
