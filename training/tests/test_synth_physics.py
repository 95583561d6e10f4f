# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""What the recordings must show: lines and modulations where the formulas of machinery put them."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import signal

from tocsin.synth import MACHINES, Bearing, Recording, SynthesisError, Unit, record, render

Array = NDArray[np.float64]
RATE = 16_000.0
INF = float("inf")


def unit_of(machine: str, machine_id: int = 0, seed: int = 0) -> Unit:
    return MACHINES[machine].unit(machine_id, seed=seed)


def spectrum(x: Array, rate: float) -> tuple[Array, Array]:
    window = signal.get_window("hann", len(x))
    return np.fft.rfftfreq(len(x), 1 / rate), np.abs(np.fft.rfft((x - x.mean()) * window)) * 2 / window.sum()


def envelope_spectrum(x: Array, band: tuple[float, float], rate: float = RATE) -> tuple[Array, Array]:
    sos = signal.butter(4, band, "bandpass", fs=rate, output="sos")
    return spectrum(np.abs(signal.hilbert(signal.sosfiltfilt(sos, x))), rate)


def peak_hz(f: Array, s: Array, low: float, high: float) -> float:
    inside = (f >= low) & (f <= high)
    return float(f[inside][np.argmax(s[inside])])


def line(f: Array, s: Array, hz: float, width: float = 0.02) -> float:
    """Return the amplitude of a line that drifts a little: root of the energy within +-width."""
    return float(np.sqrt(np.sum(s[np.abs(f - hz) <= width * hz + 0.3] ** 2)))


def clean(machine: str, fault: str | None = None, **options: object) -> Recording:
    severity = 1.0 if fault else None
    return record(machine, fault=fault, severity=severity, snr_db=INF, **options)  # type: ignore[arg-type]


def test_bearing_formulas_match_published_orders() -> None:
    # SKF 6205-2RS as Case Western Reserve University publishes it (their "rolling element" is 2 x BSF).
    bearing = Bearing(balls=9, ball_mm=7.94, pitch_mm=39.04, contact_deg=0.0)
    assert bearing.bpfi == pytest.approx(5.4152, rel=1e-3)
    assert bearing.bpfo == pytest.approx(3.5848, rel=1e-3)
    assert bearing.ftf == pytest.approx(0.39828, rel=1e-3)
    assert 2 * bearing.bsf == pytest.approx(4.7135, rel=1e-3)


@pytest.mark.parametrize("machine", ["fan", "pump", "motor"])
def test_outer_race_fault_beats_at_bpfo(machine: str) -> None:
    clip = clean(machine, "bearing_outer")
    unit = unit_of(machine)
    hz = unit.bearing.bpfo * clip.rpm / 60
    resonance = unit.housing[1][0]
    f, s = envelope_spectrum(clip.machine, (resonance - 400, resonance + 400))
    assert peak_hz(f, s, 0.6 * hz, 1.4 * hz) == pytest.approx(hz, rel=0.02)
    healthy = envelope_spectrum(clean(machine).machine, (resonance - 400, resonance + 400))[1]
    assert line(f, s, hz) > 3 * line(f, healthy, hz)


def test_inner_race_fault_is_modulated_once_per_turn() -> None:
    clip = clean("motor", "bearing_inner")
    unit = unit_of("motor")
    shaft, resonance = clip.rpm / 60, unit.housing[1][0]
    hz = unit.bearing.bpfi * shaft
    f, s = envelope_spectrum(clip.machine, (resonance - 400, resonance + 400))
    assert line(f, s, shaft, 0.01) > 0.5 * line(f, s, hz, 0.01)
    outer = clean("motor", "bearing_outer")
    g, even = envelope_spectrum(outer.machine, (resonance - 400, resonance + 400))
    assert line(g, even, shaft, 0.01) < 0.2 * line(g, even, unit.bearing.bpfo * shaft, 0.01)


@pytest.mark.parametrize("machine_id", [0, 2])
def test_fan_is_loudest_at_blade_pass(machine_id: int) -> None:
    clip = clean("fan", machine_id=machine_id)
    hz = unit_of("fan", machine_id)["blades"] * clip.rpm / 60
    f, s = spectrum(clip.machine, RATE)
    assert peak_hz(f, s, 0.75 * hz, 1.25 * hz) == pytest.approx(hz, rel=0.02)
    assert line(f, s, hz) > 3 * line(f, s, 1.1 * hz)


@pytest.mark.parametrize("severity", [0.2, 0.6, 1.0])
def test_imbalance_raises_1x_as_stated(severity: float) -> None:
    faulty = record("fan", fault="imbalance", severity=severity, domain="vibration", snr_db=INF)
    healthy = record("fan", domain="vibration", snr_db=INF)
    hz = faulty.rpm / 60
    lines = [line(*spectrum(clip.machine[:, 0], 1600.0), hz) for clip in (faulty, healthy)]
    assert lines[0] / lines[1] == pytest.approx(1 + 5 * severity, rel=0.05)


def test_imbalance_turns_from_x_to_y() -> None:
    clip = clean("motor", "imbalance", domain="vibration")
    f, _ = spectrum(clip.machine[:, 0], 1600.0)
    x, y = (np.fft.rfft(clip.machine[:, axis] * np.hanning(len(clip.machine))) for axis in (0, 1))
    near = np.abs(f - clip.rpm / 60) < 0.5
    lag = np.rad2deg(np.angle(np.sum(x[near] * np.conj(y[near]))))
    assert lag == pytest.approx(90.0, abs=15.0)


def test_looseness_makes_half_orders() -> None:
    ratios = []
    for fault in ("looseness", None):
        clip = clean("fan", fault, domain="vibration")
        f, s = spectrum(clip.machine[:, 0], 1600.0)
        ratios.append(line(f, s, 0.5 * clip.rpm / 60, 0.01))
    assert ratios[0] > 10 * ratios[1]


def test_misalignment_shakes_along_the_shaft_at_2x() -> None:
    values = []
    for fault in ("misalignment", None):
        clip = clean("pump", fault, domain="vibration")
        values.append(line(*spectrum(clip.machine[:, 2], 1600.0), 2 * clip.rpm / 60))
    assert values[0] == pytest.approx(11 * values[1], rel=0.1)


def test_motor_hums_at_twice_the_mains_and_meshes_at_teeth_times_speed() -> None:
    clip = clean("motor")
    f, s = spectrum(clip.machine, RATE)
    assert peak_hz(f, s, 95.0, 105.0) == pytest.approx(100.0, abs=0.2)
    mesh = unit_of("motor")["pinion_teeth"] * clip.rpm / 60
    assert peak_hz(f, s, 0.95 * mesh, 1.05 * mesh) == pytest.approx(mesh, rel=0.01)
    assert line(f, s, mesh, 0.01) > 3 * line(f, s, 1.04 * mesh, 0.01)


def test_broken_bar_beats_at_twice_the_slip() -> None:
    clip = clean("motor", "broken_bar")
    f, s = envelope_spectrum(clip.machine, (85.0, 115.0))
    slip = 50.0 - 2 * clip.rpm / 60
    assert peak_hz(f, s, 0.4, 8.0) == pytest.approx(2 * slip, abs=0.5)


def test_broken_tooth_strikes_once_per_turn() -> None:
    clip = clean("motor", "gear_tooth")
    resonance = unit_of("motor").housing[1][0]
    f, s = envelope_spectrum(clip.machine, (resonance - 400, resonance + 400))
    assert peak_hz(f, s, 5.0, 40.0) == pytest.approx(clip.rpm / 60, rel=0.02)


def test_cavitation_crackles_at_vane_pass() -> None:
    clip = clean("pump", "cavitation")
    hz = unit_of("pump")["vanes"] * clip.rpm / 60
    f, s = envelope_spectrum(clip.machine, (4000.0, 7500.0))
    assert peak_hz(f, s, 0.6 * hz, 1.4 * hz) == pytest.approx(hz, rel=0.02)
    quiet = clean("pump")
    # Turbulence swells at vane pass as well, but less.
    assert line(f, s, hz) > 1.5 * line(*envelope_spectrum(quiet.machine, (4000.0, 7500.0)), hz)
    high = [10 * np.log10(np.mean(spectrum(x, RATE)[1][40_000:] ** 2)) for x in (clip.machine, quiet.machine)]
    assert high[0] - high[1] > 3.0


@pytest.mark.parametrize(("machine", "per_cycle"), [("valve", 1), ("slider", 2)])
def test_reciprocating_machines_repeat_with_their_cycle(machine: str, per_cycle: int) -> None:
    clip = clean(machine, seconds=30.0)
    f, s = envelope_spectrum(clip.machine, (500.0, 7000.0))
    hz = per_cycle * clip.rpm / 60
    assert peak_hz(f, s, 0.7 * hz, 1.3 * hz) == pytest.approx(hz, rel=0.05)


def test_valve_leak_hisses_while_closed() -> None:
    quiet = []
    for fault in ("leak", None):
        x = np.abs(clean("valve", fault).machine)
        quiet.append(np.percentile(x.reshape(-1, 1600).mean(axis=1), 10))
    assert quiet[0] > 2 * quiet[1]


@pytest.mark.parametrize("domain", ["audio", "vibration"])
@pytest.mark.parametrize("snr_db", [-6.0, 6.0])
def test_snr_is_as_asked(domain: str, snr_db: float) -> None:
    ratios = []
    for number in range(8):
        clip = record("fan", domain=domain, snr_db=snr_db, seconds=2.5, clip=number)  # type: ignore[arg-type]
        ratios.append(np.mean(clip.machine**2) / np.mean(clip.background**2))
    # Healthy clips differ by the load and by a decibel of gain; their mean is what was asked for.
    assert 10 * np.log10(np.mean(ratios)) == pytest.approx(snr_db, abs=0.5)


def test_a_louder_fault_does_not_bring_more_background() -> None:
    healthy, faulty = record("fan", clip=3), record("fan", clip=3, fault="clogging", severity=1.0)
    np.testing.assert_array_equal(healthy.background, faulty.background)
    assert np.mean(faulty.machine**2) > 1.2 * np.mean(healthy.machine**2)


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("domain", ["audio", "vibration"])
def test_healthy_clips_have_the_stated_level_and_headroom(machine: str, domain: str) -> None:
    for machine_id, clip in ((0, 0), (4, 1)):
        x = render(machine, machine_id=machine_id, clip=clip, domain=domain)  # type: ignore[arg-type]
        if domain == "audio":
            assert x.shape == (160_000,)
            assert 10 * np.log10(np.mean(x**2)) == pytest.approx(-26.0, abs=2.5)
            assert np.abs(x).max() < 0.8
        else:
            assert x.shape == (16_000, 3)
            np.testing.assert_allclose(x.mean(axis=0), [0.0, 0.0, 1.0], atol=0.01)
            total = np.sqrt(np.sum(np.var(x, axis=0)) / 1.25)  # 6 dB: a quarter is background
            assert total == pytest.approx(MACHINES[machine].vibration_g, rel=0.3)
            assert np.abs(x).max() < 3.5


def test_speed_drifts_but_not_far() -> None:
    clip = clean("fan", seconds=20.0)
    hz = unit_of("fan")["blades"] * clip.rpm / 60
    sos = signal.butter(4, (0.93 * hz, 1.07 * hz), "bandpass", fs=RATE, output="sos")
    turning = np.unwrap(np.angle(signal.hilbert(signal.sosfiltfilt(sos, clip.machine))))
    speed = np.diff(turning[8000:-8000:1600]) * 10 / (2 * np.pi * hz)
    smooth = np.convolve(speed, np.ones(10) / 10, "valid")
    assert 0.001 < np.std(smooth) < 0.02
    assert np.abs(smooth - 1).max() < 0.06


def test_both_domains_are_the_same_event() -> None:
    for fault in (None, "clogging"):
        audio, vibration = clean("fan", fault, clip=5), clean("fan", fault, clip=5, domain="vibration")
        assert audio.rpm == pytest.approx(vibration.rpm, rel=1e-4)


def test_clogged_fan_runs_faster() -> None:
    assert clean("fan", "clogging").rpm / clean("fan").rpm == pytest.approx(1.02, abs=0.003)


def test_ids_and_seeds_are_different_machines() -> None:
    units = [unit_of("fan", i, seed) for i, seed in ((0, 0), (2, 0), (0, 1))]
    assert len({unit.rpm for unit in units}) == 3
    assert len({unit.modes for unit in units}) == 3


@pytest.mark.parametrize("machine", MACHINES)
def test_every_fault_changes_the_machine_and_only_the_machine(machine: str) -> None:
    healthy = record(machine, seconds=2.0, clip=1)
    for name in MACHINES[machine].faults:
        faulty = record(machine, seconds=2.0, clip=1, fault=name, severity=1.0)
        change = np.mean((faulty.machine - healthy.machine) ** 2) / np.mean(healthy.machine**2)
        assert change > 0.01, name
        np.testing.assert_array_equal(faulty.background, healthy.background, err_msg=name)


def digest(x: Array) -> str:
    return hashlib.sha256(x.tobytes()).hexdigest()


def test_same_seed_same_samples_in_another_process() -> None:
    code = (
        "import hashlib, tocsin.synth as s;"
        "x = s.render('slider', fault='no_grease', seconds=1.0, seed=3, clip=9);"
        "print(hashlib.sha256(x.tobytes()).hexdigest())"
    )
    environment = os.environ | {"PYTHONHASHSEED": "12345", "PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert run.stdout.strip() == digest(render("slider", fault="no_grease", seconds=1.0, seed=3, clip=9))


def test_another_seed_or_clip_is_another_recording() -> None:
    variants = ({"seed": 0}, {"seed": 1}, {"clip": 1}, {"machine_id": 2}, {"snr_db": 0.0})
    assert len({digest(render("pump", seconds=1.0, **options)) for options in variants}) == 5  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"machine": "toaster"}, "choose from: fan, pump, valve, slider, motor"),
        ({"fault": "cavitation"}, "a fan has no fault 'cavitation'; choose from: imbalance, bearing_outer"),
        ({"seconds": -1.0}, "from 0.1 to 3600 seconds, not -1"),
        ({"seconds": float("nan")}, "from 0.1 to 3600 seconds"),
        ({"rate": 8.0}, "from 800 to 192000 Hz, not 8"),
        ({"snr_db": float("nan")}, "-60 dB or more"),
        ({"domain": "smell"}, "choose from: audio, vibration"),
        ({"machine_id": -1}, "from 0 to 99, not -1"),
        ({"clip": -1}, "0 or greater, not -1"),
        ({"seed": -1}, "0 or greater, not -1"),
        ({"severity": 0.5}, "a severity needs a fault"),
        ({"fault": "imbalance", "severity": 1.5}, "at most 1, not 1.5"),
    ],
)
def test_bad_options_are_refused_with_advice(options: dict[str, object], message: str) -> None:
    with pytest.raises(SynthesisError, match=message):
        render(**({"machine": "fan"} | options))  # type: ignore[arg-type]
