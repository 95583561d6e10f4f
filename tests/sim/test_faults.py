# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""A sensor that fails in every way: told as what it is, never a quiet normal, and mended without a reset.

Emulated time is counted in instructions and idle time passes at once, so an hour without a sensor takes a moment.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from building import building
from detectors import silent
from emulation import BOARDS, ROOT, Emulator, build_variant
from live import LiveLink, assert_exact
from machine import samples_of_the_machine
from tocsin.bundle import DutyCycle, read_bundle
from tocsin.device.link import Status
from tocsin.features import Extractor, FeatureConfig
from tocsin.twin import Scorer

OVERLAY = Path(__file__).resolve().parent / "images" / "faulty.overlay"
DEFAULT = ROOT / "app" / "bundles" / "default.tocsin"
RATE = 16000
BLOCK = 128  # CONFIG_TOCSIN_SOURCE_BLOCK_FRAMES
SENSOR_FAULT = 2
INTERRUPT_FRAME = 104  # bytes on the stack of the thread that is interrupted, at its deepest place or not

# What is injected, what it is told as, whether samples go on coming, and how long it is judged over.
FAULTS = {
    "driver-error": ("FAILED", False, 0),
    "stall": ("STALLED", False, 0),
    "absent": ("ABSENT", False, 0),
    "short-block": ("OFF_RATE", True, 5 * RATE),
    "stuck": ("STUCK", True, 1),
    "saturate": ("SATURATED", True, RATE),
}


@pytest.fixture(scope="module")
def image() -> Path:
    """An image whose sensor fails on command, and is absent at first."""
    with building():
        # The scenarios build here, too, with detectors of their own: tests/scenarios/on_qemu.py.
        return build_variant("faulty", f"-DEXTRA_DTC_OVERLAY_FILE={OVERLAY}", "-DTOCSIN_BUNDLE=")


@pytest.fixture
def board(image: Path, tmp_path: Path) -> Iterator[Emulator]:
    """A board that has found its sensor absent."""
    with Emulator(BOARDS["qemu"], image, tmp_path, icount=4) as running:
        running.wait_for(r"sensor ABSENT since sample 0\b")
        yield running


@pytest.fixture
def link(board: Emulator) -> Iterator[LiveLink]:
    """The link to it, once the sensor works."""
    inject(board, "none")
    with LiveLink.to(board) as connection:
        connection.status_when(lambda s: s.sensor.condition == "OK" and s.counters["windows"] > 0)
        yield connection


def lost(status: Status) -> tuple[int, int]:
    """Frames lost, and the gaps that they make."""
    return status.counters["lost"], status.counters["gaps"]


def inject(board: Emulator, fault: str) -> None:
    board.type(f"tocsin inject {fault}")
    board.wait_for(f"injected: {fault}")


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_told_as_what_it_is_and_mended(board: Emulator, link: LiveLink, fault: str) -> None:
    condition, samples_come, span = FAULTS[fault]
    before = link.status()
    assert (before.sensor.condition, before.sensor.faults) == ("OK", 1)

    link.forget()
    inject(board, fault)
    seen = link.collect(lambda live: live.sensor != []).sensor[0]
    since = seen[2]
    assert seen == (condition, True, since)
    assert since >= before.stream.frames - span
    board.wait_for(f"sensor {condition} since sample {since}")
    status = link.status_when(lambda s: s.uptime > before.uptime + 20)
    assert (status.sensor.condition, status.sensor.since, status.sensor.faults) == (condition, since, 2)
    board.type("tocsin status")
    board.wait_for(f"sensor: {condition} since sample {since}")
    link.forget()
    if samples_come:
        windows = link.collect(lambda live: len(live.windows) >= 20).windows
        assert all(flags & SENSOR_FAULT for *_, flags in windows), "a quiet normal"
        assert lost(status) == lost(before)
        assert status.sensor.restarts == before.sensor.restarts
    else:
        link.status_when(lambda s: s.uptime > status.uptime + 5)
        assert link.live.windows == []

    link.forget()
    inject(board, "none")
    mended = link.collect(lambda live: live.sensor != [] and live.windows[-1:] > [(live.sensor[0][2] + RATE,)])
    end = mended.sensor[0][2]
    assert mended.sensor == [(condition, False, end)]
    board.wait_for(f"sensor no longer {condition}, at sample {end}")
    for begin, *_, flags in mended.windows:
        assert bool(flags & SENSOR_FAULT) == (begin < end)
    after = link.status()
    assert (after.sensor.condition, after.sensor.faults, after.counters["streams"]) == ("OK", 2, 1)
    if samples_come:
        assert mended.gaps == []
        assert lost(after) == lost(before)
        assert after.sensor.restarts == before.sensor.restarts
    else:
        assert mended.gaps == [(since, end - since, 0)]
        assert lost(after) == (lost(before)[0] + end - since, lost(before)[1] + 1)
        assert after.sensor.restarts > before.sensor.restarts
    if fault == "short-block":
        assert status.sensor.rate == pytest.approx(RATE / 2, rel=0.01)
    else:
        assert_exact(after, RATE, BLOCK)


def test_every_stack_has_room_for_a_failing_sensor(board: Emulator, link: LiveLink) -> None:
    for fault, (condition, *_) in FAULTS.items():
        inject(board, fault)
        board.wait_for(rf"sensor {condition} since sample [1-9]")
        inject(board, "none")
        board.wait_for(f"sensor no longer {condition}")
    stacks = link.status().stacks
    print(stacks)
    assert {"acquisition", "detector", "link"} <= stacks.keys()
    for name, (used, size) in stacks.items():
        assert used + INTERRUPT_FRAME <= size, name


def test_windows_of_a_stuck_sensor_still_have_the_twins_scores(board: Emulator, link: LiveLink, tmp_path: Path) -> None:
    origin = link.status().counters["lost"]  # of the boot's absence: there the machine began to turn
    link.collect(lambda live: len(live.windows) > 5)
    inject(board, "stuck")
    link.collect(lambda live: ("STUCK", True) in [change[:2] for change in live.sensor])
    link.collect(lambda live: sum(begin > live.sensor[-1][2] for begin, *_ in live.windows) > 10)
    live = link.live
    since = live.sensor[-1][2] - origin
    samples = samples_of_the_machine(tmp_path, RATE, live.windows[-1][1] - origin)
    samples[since:] = samples[since]
    bundle = read_bundle(DEFAULT)
    vectors, windows = Extractor(bundle.features).vectors(samples)
    twin = {int(begin): score for begin, score in zip(windows[:, 0], Scorer(bundle).score(vectors), strict=True)}
    assert min(begin for begin, *_ in live.windows) < since + origin
    for begin, _, score, _, _ in live.windows:
        assert np.float32(score) == twin[begin - origin]


def test_sensor_absent_at_boot_comes_an_hour_later(board: Emulator) -> None:
    with LiveLink.to(board) as link:
        status = link.status_when(lambda s: s.uptime >= 3600, timeout=300)
        assert (status.sensor.condition, status.sensor.since, status.sensor.faults) == ("ABSENT", 0, 1)
        assert (status.counters["windows"], status.counters["streams"]) == (0, 1)
        assert status.load[1] < 0.01, "it sleeps between its attempts"
        inject(board, "none")
        live = link.collect(lambda live: len(live.windows) >= 20)
        after = link.status()
    [change] = [change for change in live.sensor if change != ("ABSENT", True, 0)]
    index = change[2]
    assert change == ("ABSENT", False, index)
    assert live.gaps == [(0, index, 0)], "all of it is lost, and told"
    assert index >= 3600 * RATE
    assert_exact(after, RATE, BLOCK)
    assert live.windows[0][0] == index
    assert all(flags & SENSOR_FAULT == 0 for *_, flags in live.windows)
    assert (after.sensor.condition, after.counters["streams"]) == ("OK", 1)


def test_sensor_that_returns_after_an_hour(board: Emulator, link: LiveLink) -> None:
    before = link.status()
    inject(board, "absent")
    board.wait_for(r"sensor ABSENT since sample [1-9]")
    away = link.status()
    link.status_when(lambda s: s.uptime >= away.uptime + 3600, timeout=300)
    link.forget()
    inject(board, "none")
    live = link.collect(lambda live: len(live.windows) >= 20)
    [(index, count, slept)] = live.gaps
    assert (index, slept) == (away.sensor.since, 0)
    assert count >= 3600 * RATE
    after = link.status()
    assert_exact(after, RATE, BLOCK)
    assert lost(after) == (before.counters["lost"] + count, before.counters["gaps"] + 1)
    assert (after.sensor.condition, after.sensor.faults, after.counters["streams"]) == ("OK", 2, 1)


def starts_within(seconds: float) -> int:
    """Starts of a source that stays silent: after 0.1, 0.2, 0.4, … 10 s, and 0.6 s until that is seen each time."""
    starts, delay, at = 0, 0.1, 0.1
    while at < seconds:
        starts += 1
        delay = min(2 * delay, 10.0)
        at += 0.6 + delay
    return starts


def test_attempts_become_seldom_and_are_soon_again_after_it_was_well(board: Emulator, link: LiveLink) -> None:
    for _ in range(2):
        until = link.status().stream.elapsed + 3
        before = link.status_when(lambda s, until=until: s.stream.elapsed > until)
        link.forget()
        inject(board, "stall")
        since = link.collect(lambda live: live.sensor != []).sensor[0][2]
        status = link.status_when(lambda s, until=until: s.stream.elapsed > until + 200)
        silent = status.stream.elapsed - since / RATE - 0.6
        assert abs(status.sensor.restarts - before.sensor.restarts - starts_within(silent)) <= 2
        inject(board, "none")
        link.collect(lambda live: len(live.sensor) > 1)


def _duty_bundle() -> bytes:
    features = FeatureConfig.logmel(sample_rate=RATE, n_mels=16, n_fft=1024, hop=512, window_frames=8, pool=("mean",))
    return silent(features, DutyCycle(listen_ms=3000, period_ms=60000))


PERIOD, HEARD = 60 * RATE, 3 * RATE


def test_duty_cycle_sleeps_and_counts_it_apart(board: Emulator, link: LiveLink) -> None:
    before = link.status()
    link.upload(_duty_bundle())
    link.forget()
    live = link.collect(lambda live: len(live.gaps) >= 5)
    status = link.status()
    for index, count, slept in live.gaps:
        assert slept == count, "a pause is no loss"
        assert abs(index % PERIOD - HEARD) <= 2 * BLOCK
        assert abs(count - (PERIOD - HEARD)) <= 2 * BLOCK
    for begin, end, *_ in live.windows:
        assert begin % PERIOD < end % PERIOD or begin % PERIOD > PERIOD - 2 * BLOCK
        assert end % PERIOD <= HEARD + 2 * BLOCK
    assert len(live.windows) >= 4 * (((HEARD - 1024) // 512 + 1) // 8)
    assert lost(status) == lost(before)
    pauses = round(status.stream.slept / (PERIOD - HEARD))
    assert pauses >= 5
    assert abs(status.stream.slept - pauses * (PERIOD - HEARD)) <= 2 * BLOCK * pauses
    assert (status.counters["skipped"], status.sensor.condition, status.sensor.faults) == (0, "OK", 1)
    assert status.load[0] < 0.1, "it sleeps"


def test_duty_cycle_with_a_fault(board: Emulator, link: LiveLink) -> None:
    """What a fault costs is lost; what the cycle sleeps is not, and the cycle goes on."""
    before = link.status()
    link.upload(_duty_bundle())
    link.forget()
    inject(board, "driver-error")
    link.collect(lambda live: ("FAILED", True) in [change[:2] for change in live.sensor])
    inject(board, "none")
    link.collect(lambda live: ("FAILED", False) in [change[:2] for change in live.sensor])
    link.collect(lambda live: sum(slept == count for _, count, slept in live.gaps) >= 4)
    status = link.status()
    [(index, count, slept)] = [gap for gap in link.live.gaps if gap[1] != gap[2]]
    assert lost(status) == (lost(before)[0] + count - slept, lost(before)[1] + 1)
    begin, end = link.live.sensor
    assert index <= begin[2] <= end[2] == index + count
    assert abs(link.live.gaps[-1][1] - (PERIOD - HEARD)) <= 2 * BLOCK
    assert (status.sensor.condition, status.sensor.faults) == ("OK", 2)
