# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""What a node promises, on whatever it runs: QEMU, Renode's nRF52840, a board."""

from __future__ import annotations

import json
import subprocess
import time
import wave
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from heard import Heard, assert_equal, of_twin
from kinds import TOCSIN, Kind, promised_delay
from sensors import COUNTS, counted
from station import Station
from tocsin.device.link import Status

HEALTHY_SECONDS = 62  # 60, and what a sensor throws away at its start
# Seconds healthy, failing, healthy again.
BEFORE, FAILING, AFTER = 8, 10, 14


def begins(heard: Heard) -> list[int]:
    """Where alarms begin."""
    return [event.begin for event in heard.events if event.kind == "begin"]


def test_boot_and_self_check(station: Station, kind: Kind, dut) -> None:
    features = station.bundle.features
    station.wait_for(rf"bundle {station.bundle.crc:08x}: {features.sample_rate} Hz x {features.channels}\b")
    dut.expect("Booting Zephyr", timeout=60)
    with station.open_link() as link:
        info = link.hello()
        assert (info.bundle_crc, info.sample_rate, info.channels) == (
            station.bundle.crc, features.sample_rate, features.channels
        )  # fmt: skip
        assert info.sensor == {"sound": 1, "vibration": 2}[kind.name]
        deadline = time.monotonic() + 120
        while (status := link.status()).counters["windows"] < 2:
            assert time.monotonic() < deadline, f"nothing is scored: {status}"
    assert status.sensor.condition == "OK"
    assert status.counters["refused"] == 0


def test_healthy_machine_raises_no_alarm(station: Station, kind: Kind) -> None:
    samples = kind.machine(None, HEALTHY_SECONDS)
    heard, stream = station.hear(samples)
    assert heard.end >= 60 * station.bundle.features.sample_rate
    assert heard.events == []
    assert heard.conditions == []
    assert_equal(heard, of_twin(station.bundle, stream))


def failures() -> list[tuple[str, str]]:
    from kinds import KINDS

    return [(kind.name, fault) for kind in KINDS.values() for fault in kind.faults]


@pytest.mark.parametrize(("kind", "fault"), failures(), indirect=["kind"])
def test_failing_machine_raises_the_alarm_in_time(station: Station, kind: Kind, fault: str) -> None:
    rate = station.bundle.features.sample_rate
    samples = np.concatenate(
        [kind.machine(None, BEFORE), kind.machine(fault, FAILING), kind.machine(None, BEFORE + AFTER)[BEFORE * rate :]]
    )
    heard, stream = station.hear(samples)
    assert_equal(heard, of_twin(station.bundle, stream))

    onset = BEFORE * rate - (len(samples) - len(stream))
    begin, end = heard.events
    assert (begin.kind, end.kind) == ("begin", "end")
    assert onset <= begin.end <= onset + promised_delay(station.bundle), "the alarm is late"
    assert begin.peak > station.bundle.decision.threshold_on
    assert end.peak >= begin.peak
    assert begin.end < end.end
    assert end.end > onset + FAILING * rate, "it ended while the machine was failing"
    assert heard.conditions == []


def test_silence_is_no_healthy_machine(station: Station, kind: Kind) -> None:
    rate = station.bundle.features.sample_rate
    healthy = kind.machine(None, BEFORE)
    samples = np.concatenate([healthy, np.zeros_like(kind.machine(None, AFTER))])
    heard, stream = station.hear(samples)
    assert_equal(heard, of_twin(station.bundle, stream))
    told_within(station, heard, "STUCK", BEFORE * rate - (len(samples) - len(stream)))


def test_clipping_is_no_healthy_machine(station: Station, kind: Kind) -> None:
    rate = station.bundle.features.sample_rate
    loud = np.where(kind.machine(None, AFTER) >= 0, 32767, -32768).astype(np.int16)
    samples = np.concatenate([kind.machine(None, BEFORE), loud])
    heard, stream = station.hear(samples)
    assert_equal(heard, of_twin(station.bundle, stream))
    told_within(station, heard, "SATURATED", BEFORE * rate - (len(samples) - len(stream)))


def told_within(station: Station, heard: Heard, condition: str, onset: int) -> None:
    """Something wrong from `onset` on is told: an alarm in time, and where it came through the sensor as what it is."""
    assert begins(heard), "a quiet normal"
    assert heard.events[0].end <= onset + promised_delay(station.bundle)
    if station.through_sensor:
        since = next((index for name, first, index in heard.sensor if first and name == condition), None)
        assert since is not None, f"the sensor was never told to be {condition}, only {heard.sensor}"
        rate = station.bundle.features.sample_rate
        assert onset - rate <= since <= onset + 2 * rate
        late = [window for window in heard.windows if window.begin > onset + 2 * rate]
        assert late
        assert all(window.begin in heard.faulty for window in late), "windows of a faulty sensor, told as good ones"


def test_lost_sensor_is_told_and_found_again(station: Station, kind: Kind) -> None:
    with station.open_link() as link:
        wait_until(link, lambda status: status.sensor.condition == "OK" and status.counters["windows"] > 2)
        since = station.shown()
        station.lose_sensor()
        found = station.wait_for(r"sensor (STUCK|STALLED|ABSENT|FAILED) since sample (\d+)", since=since)
        assert int(found[2]) > 0
        wait_until(link, lambda status: status.sensor.condition != "OK")
        since = station.shown()
        station.find_sensor()
        # By now it may be another: what has stalled is absent once a restart has failed.
        station.wait_for(r"sensor no longer (STUCK|STALLED|ABSENT|FAILED), at sample \d+", 90, since=since)
        wait_until(link, lambda status: status.sensor.condition == "OK")
        windows = link.status().counters["windows"]
        wait_until(link, lambda status: status.sensor.condition == "OK" and status.counters["windows"] > windows + 2)


def wait_until(link, ready) -> None:
    """Ask for the status until it is so, for two minutes of the desk at most."""
    deadline = time.monotonic() + 120
    while not ready(status := link.status()):
        assert time.monotonic() < deadline, status
        time.sleep(0.05)


def test_recording_over_the_link(station: Station, kind: Kind, tmp_path: Path) -> None:
    features = station.bundle.features
    with station.open_link() as link:
        wait_until(link, lambda status: status.sensor.condition == "OK" and status.counters["windows"] > 0)
    known = station.listen(100)
    done = subprocess.run(
        [TOCSIN, "record", "--port", station.link_address(), "--seconds", "4", "-o", tmp_path / "data", "--json"],
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    outcome = json.loads(done.stdout)
    assert outcome["gaps"] == []
    [clip] = sorted((tmp_path / "data").rglob("*.wav"))
    with wave.open(str(clip)) as file:
        assert (file.getframerate(), file.getnchannels()) == (features.sample_rate, features.channels)
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, features.channels)
    assert len(samples) == 4 * features.sample_rate
    assert np.unique(samples).size > 20, "something is heard"
    if known is not None:
        start = json.loads(clip.with_suffix(".json").read_text())["start_index"]
        assert_recorded(samples[:, 0], known, start)


def assert_recorded(samples: NDArray[np.int16], known: NDArray[np.int16], start: int) -> None:
    """What was recorded is what the detector got, sample by sample."""
    assert start > 0
    assert (samples == known[start : start + len(samples)]).all()


def test_disturbed_bus(station: Station, kind: Kind, tmp_path: Path) -> None:
    """A bus that fails in the middle of a burst: a gap, and no sample that is none."""
    features = station.bundle.features
    station.count()
    with station.open_link() as link:
        wait_until(link, lambda status: status.sensor.condition == "OK" and status.counters["windows"] > 0)
    station.disturb_bus(8)
    done = subprocess.run(
        [TOCSIN, "record", "--port", station.link_address(), "--seconds", "16", "--clip-seconds", "16", "-o",
         tmp_path / "data", "--json"],
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    [gap] = json.loads(done.stdout)["gaps"]
    first, second = sorted((tmp_path / "data").rglob("*.wav"), key=start_index)
    before, after = (counted(samples_of(clip), features.scale) for clip in (first, second))
    for numbers in (before, after):
        assert (np.diff(numbers) % COUNTS == 1).all(), "samples that the sensor has not given"
    # The gap is as long as the clock says; the sensor's own is not the device's.
    assert (after[0] - before[-1] - 1) % COUNTS == pytest.approx(gap["count"], abs=12)
    with station.open_link() as link:
        status = link.status()
    assert status.sensor is not None
    assert (status.sensor.condition, status.sensor.faults) == ("OK", 1)


def start_index(clip: Path) -> int:
    """Where in the stream a clip begins."""
    index: int = json.loads(clip.with_suffix(".json").read_text())["start_index"]
    return index


def samples_of(clip: Path) -> NDArray[np.int16]:
    """Read a clip, shape (frames, channels)."""
    with wave.open(str(clip)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels())


def test_status_and_statistics(station: Station, kind: Kind) -> None:
    with station.open_link() as link:
        before = link.status()
        wait_until(link, lambda status: status.counters["windows"] >= before.counters["windows"] + 4)
        after = link.status()
    rate = station.bundle.features.sample_rate
    assert after.stream is not None
    assert after.uptime >= before.uptime
    assert after.stream.frames <= after.stream.elapsed * rate + 1
    assert after.stream.fill_max <= after.stream.capacity
    assert after.times["features"][0] > before.times["features"][0]
    assert_timed(after)
    assert 0 < after.load[1] < 1
    assert after.stacks
    for name, (used, size) in after.stacks.items():
        assert 0 < used <= size - 32, f"the stack of {name} is full"
    since = station.shown()
    station.type("tocsin status")
    station.wait_for(rf"bundle: {station.bundle.crc:08x}, \d+ bytes, k-means", since=since)
    station.wait_for(r"windows: \d+", since=since)


def assert_timed(status: Status) -> None:
    """What the stages took is told in cycles of a clock that is fine enough, and in microseconds the same."""
    assert status.clock is not None
    for stage, (least, mean, most) in status.cycles.items():
        # The nRF52840's kernel clock, 30.5 us a cycle, would show 0 for the shortest stage.
        assert 0 < least <= mean <= most < 60 * status.clock, stage
        # Runs may come between the two.
        assert status.times[stage][2] == pytest.approx(mean / status.clock * 1e6, rel=0.1, abs=1), stage
    # A window's latency ends with its score and its decision.
    assert status.cycles["latency"][0] > status.cycles["score"][0] + status.cycles["decide"][0]


def test_clock_that_fails(station: Station, kind: Kind) -> None:
    """A cycle counter that jumps, wraps or is switched off spoils no time, and is switched on again."""
    with station.open_link() as link:
        wait_until(link, lambda status: status.counters["windows"] >= 4)
        before = link.status()
        for i in range(60):
            station.disturb_clock((0xFFFFFFF0, 0x7FFFFFFF, 0)[i % 3])
        station.disturb_clock(None)
        wait_until(link, lambda status: status.counters["windows"] >= before.counters["windows"] + 8)
        assert station.clock_runs()
        after = link.status()
    assert_timed(after)
    assert after.clock is not None
    for stage, (_, _, most) in after.cycles.items():
        # A jump would be seconds, up to 67.
        assert most < before.cycles[stage][2] + after.clock // 10, stage


def test_reset_in_the_middle(station: Station, kind: Kind) -> None:
    with station.open_link() as link:
        wait_until(link, lambda status: status.counters["windows"] >= 6)
        before = link.status()
    since = station.shown()
    station.reset()
    if station.shown() < since:  # it was switched off and on
        since = 0
    station.wait_for(rf"bundle {station.bundle.crc:08x}: ", since=since)
    with station.open_link() as link:
        assert link.hello().bundle_crc == station.bundle.crc
        first = link.status()
        assert first.counters["windows"] < before.counters["windows"], "it went on as if nothing had happened"
        wait_until(link, lambda status: status.sensor.condition == "OK" and status.counters["windows"] >= 6)
        after = link.status()
    assert after.counters["streams"] == 1
    assert (before.link["bad"], after.link["bad"]) == (0, 0)
