# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Sounds of flow: turbulence, blade passing, cavitation, leaks.

Fan and pump noise after Neise 1992 (*Review of fan noise generation mechanisms*) and Blake 2017,
*Mechanics of Flow-Induced Sound and Vibration*; cavitation after Brennen 1995, *Cavitation and Bubble
Dynamics*, sections 3.8 and 8.3; jets after Lighthill 1952 and the hump at a Strouhal number of 0.2.
"""

from __future__ import annotations

import numpy as np

from tocsin.synth import signals
from tocsin.synth.clip import Bus, Clip
from tocsin.synth.signals import Signal


def pulse(angle: Signal, sharpness: float) -> Signal:
    """Return a bump once per turn of `angle` (rad): 1 at 0, narrower the sharper (von Mises)."""
    bump: Signal = np.exp(sharpness * (np.cos(angle) - 1.0))
    return bump


def blade_pass(clip: Clip, bus: Bus, *, blades: float, level: float, envelope: Signal | float = 1.0) -> None:
    """Add the tones of blades passing an obstacle: a harmonic series at blades times shaft speed.

    Blades are never quite alike, so the lines at other multiples of the shaft speed do not vanish.

    Parameters
    ----------
    clip, bus : Clip, Bus
        The recording, and where to add.
    blades : float
        Number of blades or vanes.
    level : float
        Amplitude of the fundamental.
    envelope : numpy.ndarray, shape (n,), or float
        Modulation of the tones.
    """
    series = [1.0, 0.45, 0.25, 0.12, 0.06]
    passing = clip.orders("blade pass", blades, series).real
    uneven = clip.orders("blade pass/uneven", 1.0, [0.05] * int(blades * 2)).real
    bus.sound(level * clip.load * envelope * (passing + uneven))


def turbulence(
    clip: Clip, bus: Bus, *, blades: float, peak_hz: float, level: float, envelope: Signal | float = 1.0
) -> None:
    """Add broadband flow noise that swells as each blade passes.

    Parameters
    ----------
    clip, bus : Clip, Bus
        The recording, and where to add.
    blades : float
        Number of blades or vanes.
    peak_hz : float
        Where the broad spectrum peaks.
    level : float
        RMS.
    envelope : numpy.ndarray, shape (n,), or float
        Further modulation.
    """
    hiss = clip.noise("turbulence", signals.hump(peak_hz, 0.5, 1.4))
    swell = 1.0 + 0.35 * np.cos(blades * clip.phase)
    bus.sound(level * clip.load**1.5 * envelope * swell * hiss)


def cavitation(clip: Clip, bus: Bus, *, vanes: float, level: float, severity: float) -> None:
    """Add collapsing bubbles: random impulses, more of them as each vane passes through low pressure.

    Bubble counts are Poisson, collapse strengths log-normal.  Their sum is a crackling noise whose
    spectrum lies high, as a collapse lasts microseconds.

    Parameters
    ----------
    clip, bus : Clip, Bus
        The recording, and where to add.
    vanes : float
        Number of vanes of the impeller.
    level : float
        RMS at severity 1, about.
    severity : float
        0 for none.
    """
    if severity <= 0:
        return
    rng = clip.rng("cavitation")
    bubbles_per_s = 1500.0 * severity
    gate = 0.2 + pulse(vanes * clip.phase, 3.0) + 0.3 * pulse(clip.phase, 1.0)
    weather = np.maximum(0.1, 1.0 + 0.35 * signals.slow(clip.rng("cavitation/weather"), clip.n, clip.rate, 0.5))
    counts = rng.poisson(bubbles_per_s / clip.rate * gate * weather)
    strength = counts * rng.lognormal(0.0, 0.9, clip.n)
    train = strength - strength.mean()
    # The slope lifts 1 to 6 kHz over what shakes the casing below.
    crackle = signals.highpass(train, min(1200.0, 0.3 * clip.rate), clip.rate)
    rumble = clip.noise("cavitation/rumble", signals.hump(350.0, 1.0, 1.0)) * (0.5 + gate)
    # The RMS of the train is sqrt(bubbles / rate) times that of a log-normal, exp(sigma**2), spread over
    # the whole band; the second root is the share that belongs to the 8 kHz reference band.
    scale = np.exp(-(0.9**2)) / np.sqrt(1500.0 / clip.rate) * np.sqrt(clip.rate / 16000.0)
    bus.sound(level * severity * (scale * crackle + 0.6 * rumble))


def leak(clip: Clip, bus: Bus, *, peak_hz: float, level: float, gate: Signal | float = 1.0) -> None:
    """Add a jet through a narrow gap: a broad hump, high in frequency, that flutters a little.

    Parameters
    ----------
    clip, bus : Clip, Bus
        The recording, and where to add.
    peak_hz : float
        Where the hump peaks: 0.2 times the jet's speed over the gap's width.
    level : float
        RMS; 0 for no leak.
    gate : numpy.ndarray, shape (n,), or float
        When the jet blows, 0 to 1.
    """
    if level <= 0:
        return
    hiss = clip.noise("leak", signals.hump(peak_hz, 1.0, 1.5))
    flutter = np.maximum(0.2, 1.0 + 0.15 * signals.slow(clip.rng("leak/flutter"), clip.n, clip.rate, 2.0))
    bus.sound(level * gate * flutter * hiss)
