# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""A pair of gears: mesh harmonics with shaft-rate sidebands, and a broken tooth.

McFadden 1986 (J. Vib. Acoust. 108(2)): tooth mesh harmonics, amplitude- and phase-modulated at the
speeds of both shafts; a local fault is a short dip of the mesh and an impact once per turn.
"""

from __future__ import annotations

import numpy as np

from tocsin.synth.clip import RADIAL, Bus, Clip
from tocsin.synth.flow import pulse
from tocsin.synth.signals import db


def gear_mesh(clip: Clip, bus: Bus, *, teeth: float, ratio: float, level: float, severity: float) -> None:
    """Add the mesh of a pinion on the motor's shaft with its wheel.

    Parameters
    ----------
    clip, bus : Clip, Bus
        The recording, and where to add.
    teeth : float
        Number of teeth of the pinion.
    ratio : float
        Speed of the pinion over that of the wheel.
    level : float
        Amplitude of the mesh's fundamental.
    severity : float
        Of a broken tooth of the pinion, 0 for none.
    """
    wheel = clip.phase / ratio
    # Phase modulation of the mesh: a few hundredths of a tooth from run-out and torque ripple.
    wobble = (0.08 + 0.25 * severity) * np.sin(clip.phase) + 0.06 * np.sin(wheel + 1.0)
    mesh = clip.tones(
        "gear",
        teeth * clip.phase + wobble,
        [1.0, 0.5, 0.3, 0.16, 0.08, 0.05],
        highest_hz=teeth * float(clip.speed.max()),
    ).real
    swing = 1.0 + 0.08 * clip.once + 0.06 * np.cos(wheel)
    tooth = pulse(clip.phase - 1.0, (teeth / 4.0) ** 2)
    bus.force(level * clip.load * swing * (1.0 - 0.7 * severity * tooth) * mesh)
    if severity > 0:
        rng = clip.rng("gear/tooth")
        turns = 2.0 * np.pi * np.arange(1.0, clip.revolutions)
        times = clip.angles_to_times(turns)
        strength = rng.lognormal(0.0, 0.12, len(times))
        bus.force(level * severity * db(18) * clip.strike(times, strength), RADIAL)
