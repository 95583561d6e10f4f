# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Render one recording: machine, path, background at the chosen signal-to-noise ratio, level."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

import numpy as np

from tocsin.synth import background, path
from tocsin.synth.clip import Bus, Clip, clip_stream
from tocsin.synth.errors import SynthesisError
from tocsin.synth.geometry import Unit
from tocsin.synth.machines import MACHINES
from tocsin.synth.signals import Signal, db
from tocsin.synth.spec import MachineSpec

Domain = Literal["audio", "vibration"]

# Sampling rates: MIMII's, and an output data rate that common accelerometers have.
RATES: dict[Domain, float] = {"audio": 16000.0, "vibration": 1600.0}
# RMS of a healthy recording, background included.
AUDIO_LEVEL_DBFS = -26.0
# Longest clip, so that a slip of the keyboard does not ask for all the memory.
MAX_SECONDS = 3600.0
_REFERENCE_SECONDS = 10.0
_REFERENCE_CLIP = (1 << 31) - 1


@dataclass(frozen=True)
class Recording:
    """One rendered clip, taken apart.

    Attributes
    ----------
    machine : numpy.ndarray, shape (n,) or (n, 3)
        The machine alone, at the level it has in the recording.
    background : numpy.ndarray, same shape
        The background alone.
    gravity_g : float
        Added to the z axis of a vibration recording, in g.
    rpm : float
        Mean speed during the clip, per minute.
    fault : str or None
        The fault.
    severity : float
        Its severity, 0 for a healthy machine.
    """

    machine: Signal
    background: Signal
    gravity_g: float
    rpm: float
    fault: str | None
    severity: float

    @property
    def samples(self) -> Signal:
        """The recording: relative to full scale for audio, in g for vibration."""
        mixed: Signal = self.machine + self.background
        if mixed.ndim == 2:
            mixed[:, 2] += self.gravity_g
        return mixed


def machine_spec(machine: str) -> MachineSpec:
    """Return the specification of a machine by name; `SynthesisError` lists the names there are."""
    if machine not in MACHINES:
        raise SynthesisError(f"there is no machine {machine!r}; choose from: {', '.join(MACHINES)}")
    return MACHINES[machine]


def check_options(*, seconds: float, rate: float, snr_db: float, domain: str) -> None:
    """Raise `SynthesisError` if a recording cannot be made with these options; see `record`."""
    if domain not in get_args(Domain):
        raise SynthesisError(f"there is no domain {domain!r}; choose from: {', '.join(get_args(Domain))}")
    if not 0.1 <= seconds <= MAX_SECONDS:
        raise SynthesisError(f"a clip lasts from 0.1 to {MAX_SECONDS:.0f} seconds, not {seconds:g}")
    if not 800.0 <= rate <= 192000.0:
        raise SynthesisError(f"the sampling rate must lie from 800 to 192000 Hz, not {rate:g}")
    if math.isnan(snr_db) or snr_db < -60.0:
        raise SynthesisError(
            f"the signal-to-noise ratio must be -60 dB or more, not {snr_db:g}; 'inf' leaves the background out"
        )


def _sense(clip: Clip, spec: MachineSpec, domain: Domain) -> Signal:
    """Return the machine alone at the sensor, shape (axes, n without pre-roll), relative."""
    bus = Bus(clip.n, 1 if domain == "audio" else 3)
    spec.model(clip, bus)
    sensed = path.to_microphone(clip, bus)[None] if domain == "audio" else path.to_accelerometer(clip, bus)
    return sensed[:, clip.preroll :]


@lru_cache(maxsize=256)
def _reference_rms(unit: Unit, rate: float, domain: Domain, seed: int) -> float:
    """Return the level of the healthy machine at nominal load: what 0 dB means for this machine ID.

    It is fixed for each ID, so that a fault that makes a machine louder leaves it louder.
    """
    clip = Clip(unit, rate=rate, seconds=_REFERENCE_SECONDS, seed=seed, number=_REFERENCE_CLIP, nominal=True)
    sensed = _sense(clip, MACHINES[unit.machine], domain)
    return float(np.sqrt(np.sum(np.mean(sensed**2, axis=1))))


def _mix(clip: Clip, spec: MachineSpec, domain: Domain, seed: int, snr_db: float) -> tuple[Signal, Signal]:
    """Return machine and background at their levels, each of shape (axes, n without pre-roll)."""
    noise_power = 10.0 ** (-snr_db / 10.0)
    # Whoever records sound sets the gain once, for machine and background together.
    full = spec.vibration_g if domain == "vibration" else db(AUDIO_LEVEL_DBFS) / math.sqrt(1.0 + noise_power)
    # A sensor that was moved a little, a machine that is not always equally loud.
    wander = db(float(clip.rng("gain").uniform(-1.0, 1.0)))
    machine = _sense(clip, spec, domain) * (full * wander / _reference_rms(clip.unit, clip.rate, domain, seed))
    if noise_power == 0.0:
        return machine, np.zeros_like(machine)
    make = background.factory_sound if domain == "audio" else background.factory_floor
    around = make(clip, seed)[:, clip.preroll :]
    around *= full * math.sqrt(noise_power / float(np.sum(np.mean(around**2, axis=1))))
    return machine, around


def _severity(clip_rng: np.random.Generator, spec: MachineSpec, fault: str | None, asked: float | None) -> float:
    if fault is None:
        if asked is not None:
            raise SynthesisError("a severity needs a fault; name one, or leave the severity out")
        return 0.0
    low, high = spec.fault(fault).severities
    drawn = float(clip_rng.uniform(low, high))
    if asked is None:
        return round(drawn, 3)  # as written to labels.csv, which can then reproduce the clip
    if not 0.0 < asked <= 1.0:
        raise SynthesisError(f"a severity is greater than 0 and at most 1, not {asked:g}")
    return float(asked)


def record(
    machine: str,
    *,
    fault: str | None = None,
    severity: float | None = None,
    seconds: float = 10.0,
    rate: float | None = None,
    snr_db: float = 6.0,
    seed: int = 0,
    domain: Domain = "audio",
    machine_id: int = 0,
    clip: int = 0,
) -> Recording:
    """Render a recording and keep machine and background apart.

    Parameters
    ----------
    machine : str
        Kind of machine, a key of `tocsin.synth.MACHINES`.
    fault : str, optional
        Name of a fault of this machine; without one the machine is healthy.
    severity : float, optional
        Severity of the fault, above 0 to 1; without it, drawn from the fault's range.
    seconds : float
        Length in s, 0.1 to 3600.
    rate : float, optional
        Sampling rate in Hz, 800 to 192000; without it, 16000 for audio and 1600 for vibration.
    snr_db : float
        Power of the healthy machine at nominal load over the background's power in this clip, in dB.
        The reference is fixed for each machine ID, so a loud fault does not bring more noise along.
        ``inf`` leaves the background out.
    seed : int
        Seed of the data set, 0 or greater: it fixes the machines and all clips.
    domain : {"audio", "vibration"}
        What the sensor is.
    machine_id : int
        Number of the machine, 0 to 99; each has its own dimensions.
    clip : int
        Number of the clip, 0 or greater.

    Returns
    -------
    Recording

    Raises
    ------
    SynthesisError
        If an option is out of range or there is no such machine or fault.
    """
    spec = machine_spec(machine)
    rate = RATES.get(domain, 0.0) if rate is None else float(rate)
    check_options(seconds=seconds, rate=rate or 16000.0, snr_db=snr_db, domain=domain)
    if isinstance(clip, bool) or not isinstance(clip, int) or not 0 <= clip < _REFERENCE_CLIP:
        raise SynthesisError(f"the clip's number must be a whole number of 0 or greater, not {clip!r}")
    unit = spec.unit(machine_id, seed=seed)
    level = _severity(clip_stream(unit, seed, clip, "severity"), spec, fault, severity)
    shift = spec.fault(fault).speed_shift * level if fault is not None else 0.0
    scene = Clip(
        unit, rate=rate, seconds=seconds, seed=seed, number=clip, fault=fault, severity=level, speed_shift=shift
    )
    machine_only, around = _mix(scene, spec, domain, seed, snr_db)
    rpm = 60.0 * float(np.mean(scene.speed[scene.preroll :]))
    if domain == "audio":
        return Recording(machine_only[0], around[0], 0.0, rpm, fault, level)
    return Recording(machine_only.T.copy(), around.T.copy(), 1.0, rpm, fault, level)


def render(
    machine: str,
    *,
    fault: str | None = None,
    severity: float | None = None,
    seconds: float = 10.0,
    rate: float | None = None,
    snr_db: float = 6.0,
    seed: int = 0,
    domain: Domain = "audio",
    machine_id: int = 0,
    clip: int = 0,
) -> Signal:
    """Render a recording.

    Parameters and errors are those of `record`.

    Returns
    -------
    numpy.ndarray, float64
        Audio: shape (seconds * rate,), relative to full scale.  Vibration: shape (seconds * rate, 3), in
        g, with gravity's 1 g on the z axis.

    Examples
    --------
    >>> from tocsin.synth import render
    >>> render("fan", fault="imbalance", seconds=2.0, seed=7).shape
    (32000,)
    """
    return record(
        machine,
        fault=fault,
        severity=severity,
        seconds=seconds,
        rate=rate,
        snr_db=snr_db,
        seed=seed,
        domain=domain,
        machine_id=machine_id,
        clip=clip,
    ).samples
