# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""The full MLPerf autoencoder on every hop of a live source at 16 kHz: in time, or honestly not.

Emulated time is counted in instructions (``Emulator(icount=…)``), so the results do not depend on the desk.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

import detectors
from building import building
from emulation import BOARDS, ROOT, Emulator, build_variant
from live import LiveLink, assert_exact
from machine import samples_of_the_machine
from tocsin.bundle import Bundle
from tocsin.device.link import Status
from tocsin.device.verify import by_twin
from tocsin.twin import Window

RATE, HOP, FRAME, STACKED = 16000, 512, 1024, 5
BLOCK = 128  # CONFIG_TOCSIN_SOURCE_BLOCK_FRAMES

FAST = 4  # 62.5 MIPS, about what an nRF52840 does
DETECTOR_LATE = 6  # 15.6 MIPS: a score takes more than a hop
FEATURES_LATE = 7  # 7.8 MIPS: a frame takes more than a hop, too


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    """The detector."""
    return detectors.mlperf(1)


@pytest.fixture(scope="module")
def image(bundle: Bundle) -> Path:
    """An image with it embedded, as an upload over an emulated UART takes longer than building; and with a ring of
    half a second, so that a processor eight times too slow, whose frames take 40 ms, still has room to be late.

    The link's buffer is the product's. QEMU's UART takes a byte in no time, so a buffer that has filled because the
    desk was busy goes out in one interrupt: the 16 KiB of the other images would keep acquisition away for longer than
    the source's FIFO lasts.
    """
    path = ROOT / "build" / "sim" / "mlperf_every_hop.tocsin"
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_bytes() != bundle.raw:
        path.write_bytes(bundle.raw)
    with building():
        return build_variant(
            "realtime", f"-DTOCSIN_BUNDLE={path}", "-DCONFIG_TOCSIN_RING_MS=500", "-DCONFIG_TOCSIN_LINK_TX_BUFFER=1536"
        )


@contextmanager
def running(image: Path, folder: Path, icount: int) -> Iterator[tuple[Emulator, LiveLink]]:
    """The board, switched on, at some speed."""
    with Emulator(BOARDS["qemu"], image, folder, icount=icount) as emulator:
        emulator.wait_for(r"bundle [0-9a-f]{8}: ")
        with LiveLink.to(emulator) as link:
            yield emulator, link


@pytest.fixture(scope="module")
def by_the_twin(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> dict[int, Window]:
    """The twin's windows of the source's first four minutes, by their first sample."""
    samples = samples_of_the_machine(tmp_path_factory.mktemp("machine"), RATE, 240 * RATE)
    return {result.begin: result for result in by_twin(bundle, samples, [])[0] if isinstance(result, Window)}


def completed(frames: int) -> int:
    """Windows that the first `frames` samples complete."""
    return max(0, (frames - FRAME) // HOP + 1 - (STACKED - 1))


def assert_nothing_lost(status: Status) -> None:
    """Whatever the load: no sample is missing, and every window is scored, skipped or on its way."""
    assert status.stream is not None
    assert status.sensor is not None
    assert (status.counters["lost"], status.counters["gaps"], status.counters["refused"]) == (0, 0, 0)
    assert status.counters["streams"] == 1
    assert status.sensor.condition == "OK"
    assert status.sensor.rate == pytest.approx(RATE, rel=0.005)
    assert_exact(status, RATE, BLOCK)
    assert status.stream.fill_max < status.stream.capacity
    for name, (used, size) in status.stacks.items():
        assert used < size, f"stack of {name}"


def keeps_up(image: Path, folder: Path, seconds: int, timeout: float) -> None:
    with running(image, folder, FAST) as (_, link):
        status = link.status_when(lambda s: s.stream.elapsed >= seconds, timeout=timeout)
    assert_nothing_lost(status)
    assert status.counters["skipped"] == 0
    assert status.missed == {"features": 0, "score": 0, "decide": 0, "latency": 0}
    expected = completed(status.stream.frames)
    assert expected - 1 <= status.counters["windows"] <= expected
    assert status.times["latency"][3] < HOP / RATE * 1e6
    assert 0.2 < status.load[1] < 0.9, "neither idle nor at its limit"
    print(
        f"\n{status.stream.elapsed:.0f} s: {status.stream.frames} frames, {status.counters['windows']} windows, "
        f"0 lost, 0 skipped, 0 deadlines missed, load {status.load[1]:.0%}, ring at most {status.stream.fill_max} of "
        f"{status.stream.capacity}, times in us {status.times}"
    )


def test_keeps_up_for_a_minute(image: Path, tmp_path: Path) -> None:
    keeps_up(image, tmp_path, 60, timeout=120)


@pytest.mark.long
def test_keeps_up_for_half_an_hour(image: Path, tmp_path: Path) -> None:
    keeps_up(image, tmp_path, 1800, timeout=3600)


def test_live_scores_are_the_twins(image: Path, tmp_path: Path, by_the_twin: dict[int, Window]) -> None:
    with running(image, tmp_path, FAST) as (_, link):
        live = link.collect(lambda live: len(live.windows) >= 600)
        assert link.status().counters["skipped"] == 0
    assert live.gaps == []
    for begin, end, score, smoothed, flags in live.windows:
        assert np.array_equal([begin, end, score, smoothed], [*vars(by_the_twin[begin]).values()], equal_nan=True)
        assert flags & 2 == 0


@pytest.mark.parametrize("icount", [DETECTOR_LATE, FEATURES_LATE])
def test_overload_skips_whole_windows(image: Path, tmp_path: Path, icount: int, by_the_twin: dict[int, Window]) -> None:
    with running(image, tmp_path, icount) as (emulator, link):
        live = link.collect(lambda live: len(live.windows) >= 100, timeout=120)
        status = link.status_when(lambda s: s.stream.elapsed >= 90, timeout=120)
        assert link.hello().state == 1, "it answers"
        emulator.type("tocsin status")
        emulator.wait_for(r"windows skipped: [1-9]\d*")
        after = link.status_when(lambda s: s.counters["windows"] > status.counters["windows"] + 10)
    for seen in (status, after):
        assert_nothing_lost(seen)
        assert seen.counters["skipped"] > 500
        assert seen.counters["windows"] > 50
        assert min(seen.missed["score"], seen.missed["latency"]) > 0
        on_their_way = completed(seen.stream.frames) - seen.counters["windows"] - seen.counters["skipped"]
        # In slots, in the ring, and begun in it where a skip has given up on them already.
        assert -STACKED <= on_their_way <= 3 + seen.stream.capacity // HOP
    assert status.missed["features"] > 0 or icount == DETECTOR_LATE
    assert live.gaps == []

    # What was scored is what the twin says of the same samples, and the smoothing went on over what was skipped.
    scores = []
    for begin, end, score, smoothed, _ in live.windows:
        twin = by_the_twin[begin]
        assert (twin.begin, twin.end, twin.score) == (begin, end, score)
        scores.append(np.float32(score))
        if len(scores) >= 3:
            mean = (scores[-3] + scores[-2] + scores[-1]) / np.float32(3)
            assert smoothed == pytest.approx(float(mean), rel=1e-6)
    steps = np.diff([window[0] for window in live.windows])
    assert (steps > 0).all()
    assert (steps % HOP == 0).all()
    assert steps.max() > HOP
    print(f"\nshift {icount}: {status.counters}, ring at most {status.stream.fill_max}, times in us {status.times}")
