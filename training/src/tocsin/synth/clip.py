# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""One recording in the making: its speed, its load, its random streams, and where sources are added."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tocsin.synth import signals
from tocsin.synth.geometry import Unit
from tocsin.synth.seeds import stream
from tocsin.synth.signals import Signal

Phasor = NDArray[np.complex128]

# Rendered ahead of the clip and cut off, so that no filter starts from rest inside it.
PREROLL_S = 0.3

# Harmonics are summed in blocks that stay in the cache: three times as fast as over the whole clip.
_BLOCK = 8192

# How much of a force acts along x, y, z.  z is the shaft's axis and points up; x and y are radial.
RADIAL = (1.0, 0.7, 0.25)
AXIAL = (0.3, 0.25, 1.0)
RAIL = (1.0, 0.2, 0.5)


def clip_stream(unit: Unit, seed: int, number: int, name: str) -> np.random.Generator:
    """Return the random stream of one purpose in one clip of one machine."""
    return stream(seed, unit.machine, unit.machine_id, "clip", number, name)


def _horner(block: Phasor, weights: Phasor, z: Phasor) -> None:
    """Add the polynomial of `weights` in `z` to a block of zeros: one product a harmonic, not one sine."""
    for weight in weights[::-1]:
        block += weight
        block *= z


class Clip:
    """The state that all sources of a recording share.

    Parameters
    ----------
    unit : Unit
        The machine.
    rate : float
        Sampling rate in Hz.
    seconds : float
        Length in s, without the pre-roll.
    seed : int
        Seed of the data set.
    number : int
        Number of the clip; with the seed and the unit it fixes every random stream.
    fault : str or None
        Name of the fault, or None for a healthy machine.
    severity : float
        Severity of the fault, 0 to 1.
    speed_shift : float
        Relative change of the mean speed that the fault causes.
    nominal : bool
        If True, run at exactly nominal load and mean speed: the reference for levels.

    Attributes
    ----------
    n : int
        Number of samples with the pre-roll.
    preroll : int
        Number of samples to cut off in front.
    load : float
        Load relative to nominal, about 0.9 to 1.1.
    speed : numpy.ndarray, shape (n,)
        Instantaneous speed in revolutions (cycles) per second.
    phase : numpy.ndarray, shape (n,)
        Shaft angle in radians: the integral of the speed, from a random start.
    """

    def __init__(
        self,
        unit: Unit,
        *,
        rate: float,
        seconds: float,
        seed: int,
        number: int,
        fault: str | None = None,
        severity: float = 0.0,
        speed_shift: float = 0.0,
        nominal: bool = False,
    ) -> None:
        self.unit = unit
        self.rate = rate
        self.fault = fault
        self._severity = severity
        self._seed = seed
        self._number = number
        self.preroll = round(PREROLL_S * rate)
        self.n = self.preroll + round(seconds * rate)
        rng = self.rng("operation")
        load, offset, start = rng.uniform(-0.1, 0.1), rng.normal(0.0, 0.003), rng.uniform(0, 2 * np.pi)
        self.load = 1.0 if nominal else 1.0 + float(load)
        # Machines slow down under load: an induction motor by about a third of its slip here.
        mean = 0.0 if nominal else -0.1 * float(load) + float(offset)
        drift = 0.004 * signals.slow(self.rng("speed"), self.n, rate, 0.08)
        self.speed: Signal = unit.rpm / 60.0 * (1.0 + np.clip(mean + speed_shift + drift, -0.06, 0.06))
        self.phase: Signal = start + 2.0 * np.pi / rate * np.cumsum(self.speed)

    def rng(self, name: str) -> np.random.Generator:
        """Return the random stream of a source; the same name always starts the same stream."""
        return clip_stream(self.unit, self._seed, self._number, name)

    def severity(self, fault: str) -> float:
        """Return the severity of a fault: 0 unless the clip has exactly this one."""
        return self._severity if fault == self.fault else 0.0

    @cached_property
    def time(self) -> Signal:
        """Time in s since the start of the pre-roll, shape (n,)."""
        return np.arange(self.n) / self.rate

    @cached_property
    def once(self) -> Signal:
        """Cosine of the shaft angle, shape (n,)."""
        once: Signal = np.cos(self.phase)
        return once

    def tones(
        self, name: str, angle: Signal, amplitudes: Sequence[float], *, highest_hz: float, spread: float = np.pi
    ) -> Phasor:
        """Return the harmonics of a rotation as an analytic signal.

        Parameters
        ----------
        name : str
            Random stream of the harmonics' starting phases.
        angle : numpy.ndarray, shape (n,)
            Angle of the fundamental in radians.
        amplitudes : sequence of float
            Amplitudes of the harmonics 1, 2, ....
        highest_hz : float
            Highest frequency of the fundamental; harmonics that would alias are left out.
        spread : float
            Starting phases are drawn from -spread to spread; 0 lines the harmonics up into pulses.

        Returns
        -------
        numpy.ndarray, shape (n,)
            Complex: the real part is the signal, the imaginary part the same 90 degrees later.
        """
        weights = self._weights(name, amplitudes, highest_hz, spread)
        total: Phasor = np.zeros(self.n, dtype=np.complex128)
        for start in range(0, self.n, _BLOCK):
            part = slice(start, start + _BLOCK)
            block, z = total[part], np.empty_like(total[part])
            z.real, z.imag = np.cos(angle[part]), np.sin(angle[part])
            _horner(block, weights, z)
        return total

    def steady(self, name: str, hz: float, amplitudes: Sequence[float]) -> Signal:
        """Return harmonics of a constant frequency, shape (n,); see `tones`."""
        weights = self._weights(name, amplitudes, hz, np.pi)
        step = 2.0 * np.pi * hz / self.rate
        # Each block is the first one with every harmonic turned on: no further sines.
        z = np.exp(1j * step * np.arange(_BLOCK))
        turn = np.exp(1j * step * _BLOCK * np.arange(1, len(weights) + 1))
        total: Signal = np.empty(self.n)
        for start in range(0, self.n, _BLOCK):
            block = np.zeros(min(_BLOCK, self.n - start), dtype=np.complex128)
            _horner(block, weights, z[: len(block)])
            total[start : start + _BLOCK] = block.real
            weights = weights * turn
        return total

    def _weights(self, name: str, amplitudes: Sequence[float], highest_hz: float, spread: float) -> Phasor:
        offsets = self.rng(name).uniform(-spread, spread, size=len(amplitudes))
        usable = [a if k * highest_hz < 0.47 * self.rate else 0.0 for k, a in enumerate(amplitudes, 1)]
        weights: Phasor = np.asarray(usable) * np.exp(1j * offsets)
        return weights

    def orders(self, name: str, order: float, amplitudes: Sequence[float], *, spread: float = np.pi) -> Phasor:
        """Return harmonics of `order` times the shaft speed; see `tones`."""
        highest = order * float(self.speed.max())
        return self.tones(name, order * self.phase, amplitudes, highest_hz=highest, spread=spread)

    def line(self, name: str, amplitudes: Sequence[float]) -> Signal:
        """Return harmonics of twice the mains frequency, shape (n,): the pull of a magnetic circuit."""
        return self.steady(name, 2.0 * self.unit.line_hz, amplitudes)

    def noise(self, name: str, shape: signals.Shape) -> Signal:
        """Return shaped noise of unit power, shape (n,); see `tocsin.synth.signals.noise`."""
        return signals.noise(self.rng(name), self.n, self.rate, shape)

    def angles_to_times(self, angles: Signal) -> Signal:
        """Return when the shaft passes given angles (radians since the clip's start angle), in s."""
        # Beyond the clip's end interp would pile everything onto the last sample.
        inside = angles[(angles > 0) & (angles < self.phase[-1] - self.phase[0])]
        times: Signal = np.interp(inside + self.phase[0], self.phase, self.time)
        return times

    @property
    def revolutions(self) -> float:
        """Revolutions (cycles) within the clip, pre-roll included."""
        return float(self.phase[-1] - self.phase[0]) / (2.0 * np.pi)

    def strike(self, times: Signal, amplitudes: Signal) -> Signal:
        """Return the housing ringing after impacts at times in s, shape (n,)."""
        train = signals.impulses(times, amplitudes, self.n, self.rate)
        return signals.ring(train, self.unit.housing, self.rate)


class Bus:
    """Where sources are added up: forces on the structure, and sound in the air.

    Parameters
    ----------
    n : int
        Number of samples.
    axes : int
        1 for a microphone, which hears the structure's radiation as one signal; 3 for an accelerometer.

    Attributes
    ----------
    structure : numpy.ndarray, shape (axes, n)
        Forces.
    air : numpy.ndarray, shape (n,)
        Sound pressure at the machine.
    """

    def __init__(self, n: int, axes: int) -> None:
        self.structure: Signal = np.zeros((axes, n))
        self.air: Signal = np.zeros(n)

    def force(self, x: Signal, direction: tuple[float, float, float] = RADIAL) -> None:
        """Add a force, shape (n,), along a direction; a microphone does not know directions."""
        if len(self.structure) == 1:
            self.structure[0] += x
            return
        for axis, weight in zip(self.structure, direction, strict=True):
            axis += weight * x

    def rotate(self, z: Phasor) -> None:
        """Add a force that rotates with the shaft: x is its real part, y its imaginary part."""
        self.structure[0] += z.real
        if len(self.structure) == 3:
            self.structure[1] += z.imag
            self.structure[2] += 0.15 * z.real

    def sound(self, x: Signal, *, shake: float = 0.3) -> None:
        """Add a sound, shape (n,); the flow or field that makes it shakes the casing `shake` as much."""
        if len(self.structure) == 1:
            self.air += x
            return
        for axis, weight in zip(self.structure, (1.0, 0.8, 0.6), strict=True):
            axis += shake * weight * x
