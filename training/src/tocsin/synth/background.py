# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""The factory around the machine: pink noise, other machines, clanks; for both sensors.

MIMII (Purohit et al. 2019, section 3) mixed machines with noise recorded in real factories; this is
what stands in for it.  Whatever is made here is scaled to an exact power afterwards.
"""

from __future__ import annotations

import numpy as np

from tocsin.synth import signals
from tocsin.synth.clip import Clip
from tocsin.synth.seeds import stream
from tocsin.synth.signals import Signal, db

# Neighbours of the machine: how many, and the range of their fundamentals in Hz.
_NEIGHBOURS = 4
_NEIGHBOUR_HZ = (24.0, 180.0)


def _pink(slope: float, corner_hz: float) -> signals.Shape:
    def gain(f: Signal) -> Signal:
        shaped: Signal = (f + corner_hz) ** (-slope / 2.0)
        return shaped

    return gain


def _neighbours(clip: Clip, seed: int) -> Signal:
    """Return the tones of machines nearby, shape (n,); which of them run differs from clip to clip."""
    site = stream(seed, "site")
    rng = clip.rng("background/neighbours")
    low, high = np.log(_NEIGHBOUR_HZ)
    total = np.zeros(clip.n)
    for number in range(_NEIGHBOURS):
        hz = float(np.exp(site.uniform(low, high))) * (1.0 + 0.01 * float(rng.standard_normal()))
        amplitudes = site.uniform(0.2, 1.0, size=6) / np.arange(1, 7)
        level = float(rng.uniform() < 0.6) * db(float(rng.normal(0.0, 3.0)))
        if level == 0.0:
            continue
        sway = 1.0 + 0.2 * signals.slow(clip.rng(f"background/sway{number}"), clip.n, clip.rate, 0.3)
        total += level * sway * clip.steady(f"background/tones{number}", hz, list(amplitudes))
    return total


def _clanks(clip: Clip) -> Signal:
    """Return metal parts dropped or struck somewhere, one in ten seconds or so, shape (n,)."""
    rng = clip.rng("background/clanks")
    seconds = clip.n / clip.rate
    total = np.zeros(clip.n)
    for _ in range(int(rng.poisson(0.1 * seconds))):
        at = np.array([rng.uniform(0.0, seconds)])
        modes = [
            (float(hz), float(tau), float(gain))
            for hz, tau, gain in zip(
                np.exp(rng.uniform(np.log(250), np.log(4500), 4)),
                rng.uniform(0.02, 0.12, 4),
                rng.uniform(0.2, 1.0, 4),
                strict=True,
            )
        ]
        strength = np.array([float(rng.lognormal(0.0, 0.5))])
        total += signals.ring(signals.impulses(at, strength, clip.n, clip.rate), modes, clip.rate)
    return total


def factory_sound(clip: Clip, seed: int) -> Signal:
    """Return what the microphone hears of the factory, shape (1, n), relative."""
    rng = clip.rng("background")
    slope, sway_db, tonal_db = rng.uniform(0.9, 1.3), rng.uniform(0.3, 1.2), rng.uniform(-12.0, -4.0)
    hall = clip.noise("background/hall", _pink(float(slope), 20.0))
    wander = signals.slow(clip.rng("background/sway"), clip.n, clip.rate, 0.2)
    sway = np.exp(np.log(db(float(sway_db))) * wander)
    tones = _neighbours(clip, seed)
    level = db(float(tonal_db)) / max(signals.rms(tones), 1e-9)
    sound = sway * hall + level * tones + 0.8 * _clanks(clip)
    return signals.highpass(sound, 30.0, clip.rate, order=2)[None]


def factory_floor(clip: Clip, seed: int) -> Signal:
    """Return what the accelerometer feels of the floor and of itself, shape (3, n), relative.

    Tremor that falls with frequency, the neighbours' tones, and the sensor's own white noise; a MEMS
    accelerometer's is about -20 dB of a floor that shakes by 10 mg.
    """
    tones = _neighbours(clip, seed)
    tones *= db(-6) / max(signals.rms(tones), 1e-9)
    axes = []
    for axis, weight in enumerate((0.8, 0.7, 1.0)):
        rng = clip.rng(f"background/floor{axis}")
        tremor = signals.noise(rng, clip.n, clip.rate, _pink(1.0, 5.0))
        hiss = db(-20) * rng.standard_normal(clip.n)
        axes.append(weight * (tremor + tones + 0.3 * _clanks(clip)) + hiss)
    return np.stack(axes)
