# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""From the machine to the sensor: resonances of the structure, reflections in the air."""

from __future__ import annotations

import numpy as np

from tocsin.synth import signals
from tocsin.synth.clip import Bus, Clip
from tocsin.synth.geometry import Unit
from tocsin.synth.signals import Signal

# Below this a casing is small against the wavelength and radiates little.
_RADIATION_HZ = 150.0
# Low corner of a MEMS microphone.
_MICROPHONE_HZ = 30.0


def structural_response(unit: Unit, rate: float, axis: int) -> Signal:
    """Return the impulse response from a force to one axis of the sensor.

    A rigid part plus modes, each a decaying sinusoid with its gain at resonance.

    Parameters
    ----------
    unit : Unit
        The machine.
    rate : float
        Sampling rate in Hz.
    axis : int
        0, 1, 2 for x, y, z.

    Returns
    -------
    numpy.ndarray, shape (0.12 * rate,)
    """
    t = np.arange(round(0.12 * rate)) / rate
    response = np.zeros_like(t)
    response[0] = 0.5
    for mode in unit.modes:
        if mode.hz > 0.45 * rate:
            continue
        tau = mode.q / (np.pi * mode.hz)
        # A decaying sinusoid has the gain tau * rate / 2 at its resonance.
        peak = 2.0 / (tau * rate) * mode.gains[axis]
        response += peak * np.exp(-t / tau) * np.sin(2.0 * np.pi * mode.hz * t)
    return response


def to_microphone(clip: Clip, bus: Bus) -> Signal:
    """Return the sound pressure at the microphone, shape (n,), relative."""
    radiated = signals.highpass(bus.structure[0], _RADIATION_HZ, clip.rate)
    pressure = bus.air + signals.convolve(radiated, structural_response(clip.unit, clip.rate, 0))
    direct = pressure.copy()
    for delay, gain in clip.unit.echoes:
        shift = round(delay * clip.rate)
        pressure[shift:] += gain * direct[: len(direct) - shift]
    return signals.highpass(pressure, _MICROPHONE_HZ, clip.rate, order=2)


def to_accelerometer(clip: Clip, bus: Bus) -> Signal:
    """Return the acceleration along the axes, shape (3, n), relative, without gravity."""
    responses = np.stack([structural_response(clip.unit, clip.rate, axis) for axis in range(3)])
    return signals.convolve(bus.structure, responses)
