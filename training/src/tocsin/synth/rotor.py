# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Faults of shafts: imbalance, misalignment, looseness.

The signatures follow the classic diagnostic charts, e.g. ISO 13373-1:2002 annex B and Randall 2011,
*Vibration-based Condition Monitoring*, sections 2.2 and 5.2.
"""

from __future__ import annotations

import numpy as np

from tocsin.synth.clip import AXIAL, RADIAL, Bus, Clip
from tocsin.synth.signals import db

# The balance grades of ISO 21940-11 are a factor of 2.5 apart; severity 1 is two grades worse (6.25 times)
# or a little less.
IMBALANCE_GAIN = 5.0


def imbalance_factor(severity: float) -> float:
    """Return by how much an imbalance raises the force at shaft speed over the healthy residual."""
    return 1.0 + IMBALANCE_GAIN * severity


def imbalance(clip: Clip, bus: Bus, *, level: float, severity: float) -> None:
    """Add the rotating force m*e*omega**2 of an unbalanced rotor, and what the supports make of it.

    Parameters
    ----------
    clip, bus : Clip, Bus
        The recording, and where to add.
    level : float
        Amplitude of the residual imbalance at nominal speed.
    severity : float
        0 for the residual alone; see `imbalance_factor`.
    """
    relative_speed = clip.speed * (60.0 / clip.unit.rpm)
    factor = imbalance_factor(severity)
    force = level * factor * relative_speed**2
    bus.rotate(force * clip.orders("imbalance", 1.0, [1.0]))
    # Clearance and stiffness of the supports are not linear: a growing orbit makes harmonics, which
    # are also what a microphone hears of it, since a casing hardly radiates at 30 Hz.
    bent = [0.0, 0.22, 0.16, 0.12, 0.08, 0.05, 0.03]
    if severity > 0:
        growth = factor**1.2 / factor
        bus.force(force * growth * clip.orders("imbalance/supports", 1.0, bent).real)


def misalignment(clip: Clip, bus: Bus, *, level: float, severity: float) -> None:
    """Add the axial and radial forces at 1x, 2x, 3x that a misaligned coupling makes.

    Parameters are those of `imbalance`; `level` is the amplitude at 2x at severity 1.
    """
    residual = 0.1
    amplitudes = [0.5, 1.0, 0.45, 0.25, 0.12, 0.08]
    x = clip.orders("misalignment", 1.0, amplitudes).real
    bus.force(level * (residual + severity) * x, AXIAL)


def looseness(clip: Clip, bus: Bus, *, level: float, severity: float) -> None:
    """Add what a loose foot or bearing seat does: a truncated motion, half orders, and rattling.

    The foot lifts off for a part of each turn, which cuts the waveform (harmonics), falls back on every
    second turn harder (orders 0.5, 1.5, ...), and strikes when it lands.

    Parameters are those of `imbalance`; `level` is the amplitude of the motion at severity 1.
    """
    if severity <= 0:
        return
    half = clip.orders("looseness", 0.5, [0.35, 1.0, 0.2, 0.3], spread=0.6).real
    cut = np.clip(half, -0.45, 2.0) - 0.2
    bus.force(level * severity * cut, RADIAL)
    rng = clip.rng("looseness/landing")
    turns = np.arange(1.0, clip.revolutions)
    # Landing scatters by a few degrees and, more, in strength: free flight is sensitive to its start.
    angle = 2.0 * np.pi * (turns + 0.015 * rng.standard_normal(len(turns)))
    strength = np.where(np.arange(len(turns)) % 2 == 0, 1.0, 0.55) * rng.lognormal(0.0, 0.35, len(turns))
    times = clip.angles_to_times(np.sort(angle))
    bus.force(level * severity * db(16) * clip.strike(times, strength[: len(times)]), RADIAL)
