# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Promises 3, 5 and 7 on the emulated boards: nothing is lost in silence, nothing external is trusted."""

from __future__ import annotations

import os
import struct
import time
from dataclasses import replace

import numpy as np
import pytest

import detectors
from emulation import Board, Emulator
from test_equals_twin import check
from tocsin.bundle import Bundle
from tocsin.device import link as protocol
from tocsin.device import messages as types
from tocsin.device.link import Link, Refused
from tocsin.device.verify import by_twin
from tocsin.features import FeatureConfig
from tocsin.twin import Gap


def _fast(sample_rate: int, *, hop: int) -> FeatureConfig:
    """Features at a rate that no sensor has."""
    return FeatureConfig.vibration(
        sample_rate=sample_rate, scale_g=1 / 4096, frame_length=1024, hop=hop, n_fft=1024, n_bands=32,
        fmin=0.0, fmax=sample_rate / 2, spacing="linear", window_frames=4, channels=1,
    )  # fmt: skip


def _runs(link: Link, bundle: Bundle) -> None:
    """The bundle runs, and gives what the twin gives."""
    assert link.hello().bundle_crc == bundle.crc
    title, samples = detectors.machine_noise()[3]
    report = link.replay(samples, sample_rate=bundle.features.sample_rate, vectors=True)
    check(report, *by_twin(bundle, samples, []), title)


def test_fault_of_the_synthetic_machine_raises_the_alarm(emulator: Emulator, dut) -> None:
    """Without a host: the embedded bundle on the live source, as a board does when it is switched on."""
    dut.expect(r"bundle [0-9a-f]{8}: 16000 Hz x 1", timeout=20)
    emulator.type("tocsin fault on")
    dut.expect("failing", timeout=20)
    dut.expect(r"ALARM begins at \d+:\d\d:\d\d\.\d \(sample \d+\): greatest score", timeout=40)
    emulator.type("tocsin fault off")
    dut.expect("ALARM ends", timeout=60)


def test_shell_status(emulator: Emulator, link: Link, dut) -> None:
    time.sleep(1)
    emulator.type("tocsin status")
    dut.expect("source: live, machine", timeout=20)
    dut.expect(rf"bundle: {link.hello().bundle_crc:08x}, \d+ bytes, k-means, 16000 Hz x 1", timeout=20)
    dut.expect(r"pool: \d+ of \d+ bytes", timeout=10)
    dut.expect(r"alarm: off, score", timeout=10)
    dut.expect(r"windows: \d+", timeout=10)
    dut.expect(r"time features: [1-9]\d* runs, min \d+, mean \d+, max \d+ us", timeout=10)


@pytest.mark.parametrize("damage", ["flipped", "cut", "not one", "newer"])
def test_bad_bundle_is_refused_and_the_running_one_kept(link: Link, damage: str) -> None:
    running = detectors.detector("kmeans")
    link.upload(running.raw)
    raw = bytearray(detectors.detector("mahalanobis").raw)
    expected = {"flipped": 18, "cut": 17, "not one": 16, "newer": 19}[damage]
    if damage == "flipped":
        raw[len(raw) // 2] ^= 4
    elif damage == "cut":
        raw = raw[: len(raw) // 2]
    elif damage == "not one":
        raw[0] ^= 1
    else:
        import zlib

        raw[8] = 9
        raw[28:32] = struct.pack("<I", zlib.crc32(raw[:28]))
    with pytest.raises(Refused) as refused:
        link.upload(bytes(raw))
    assert refused.value.code == expected
    _runs(link, running)


def test_bundle_that_does_not_fit_is_refused_with_the_numbers(emulator: Emulator, link: Link) -> None:
    before = link.hello().bundle_crc
    huge = _fast(16_000_000, hop=1024)
    with pytest.raises(Refused) as refused:
        link.upload(detectors.silent(huge))
    assert refused.value.code == 4
    emulator.wait_for(r"bundle needs \d{6,} bytes .*raise CONFIG_TOCSIN_POOL_SIZE")
    assert link.hello().bundle_crc == before


def test_network_that_cannot_be_trusted_is_refused(link: Link) -> None:
    """Every byte of the flatbuffer in turn would take an hour; sixty places do, each with a right checksum."""
    good = detectors.VECTORS / "autoencoder" / "bundle.tocsin"
    raw = good.read_bytes()
    sections = struct.unpack_from("<I", raw, 16)[0]
    table = [struct.unpack_from("<4sII", raw, 32 + 16 * i) for i in range(sections)]
    at, size = next((offset, size) for kind, offset, size in table if kind == b"TFLM")
    import zlib

    rng = np.random.default_rng(3)
    refused = 0
    for place in rng.integers(at, at + size, 60):
        bad = bytearray(raw)
        bad[place] = int(rng.integers(256))
        bad[24:28] = struct.pack("<I", zlib.crc32(bad[32:]))
        bad[28:32] = struct.pack("<I", zlib.crc32(bad[:28]))
        try:
            link.upload(bytes(bad))
        except Refused:
            refused += 1
    assert refused > 5
    link.upload(raw)
    link.hello()


def test_damaged_frames_are_ignored_and_counted(link: Link) -> None:
    before = link.status().link
    good = protocol.encode(protocol.HELLO, 0)
    link.send_raw(good[:3] + bytes((good[3] ^ 0x40,)) + good[4:])
    link.send_raw(b"\x00" + bytes(range(1, 256)) * 12 + b"\x00")
    rng = np.random.default_rng(5)
    link.send_raw(rng.integers(0, 256, 4096, dtype=np.uint8).tobytes() + b"\x00")
    after = link.status().link
    assert after["bad"] >= before["bad"] + 3
    _runs_default(link)


def _runs_default(link: Link) -> None:
    link.use_default()
    assert link.hello().kind == "kmeans"


def test_lost_frame_becomes_a_gap_of_its_very_length(link: Link, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = detectors.detector("kmeans")
    link.upload(bundle.raw)
    _, samples = detectors.machine_noise()[1]
    sent: list[int] = []
    send = Link._send

    def unlucky(self: Link, kind: int, payload: bytes = b"") -> None:
        send(self, kind, payload)
        if kind == types.SAMPLES:
            sent.append(len(payload))
            if len(sent) == 20:
                self._outgoing[-40] ^= 0x11  # on the wire, after the CRC was made

    monkeypatch.setattr(Link, "_send", unlucky)
    report = link.replay(samples, sample_rate=bundle.features.sample_rate, vectors=True)
    most = (sent[0] - 8) // 2
    gap = Gap(19 * most, most)
    assert [result for result in report.results if isinstance(result, Gap)] == [gap]
    check(report, *by_twin(bundle, samples, [(gap.index, gap.count)]), "lost frame")
    assert link.status().link["bad"] == 1


def test_recording_of_another_format_is_refused(link: Link) -> None:
    with pytest.raises(Refused) as refused:
        link.replay(np.zeros(100, np.int16), sample_rate=44100)
    assert refused.value.code == 6
    with pytest.raises(Refused):
        link.replay(np.zeros((100, 3), np.int16), sample_rate=16000)


def test_recording_shorter_than_a_window(link: Link) -> None:
    for frames in (0, 1, 700):
        report = link.replay(np.ones(frames, np.int16), sample_rate=16000)
        assert (report.frames, report.windows, report.lost) == (frames, 0, 0)


def test_overload_is_counted_and_the_device_answers(board: Board, link: Link) -> None:
    """A live source that is faster than the features: whole windows are left out and counted."""
    if board.name == "native":
        pytest.skip("native_sim computes in no time at all: it cannot be overloaded")
    link.upload(detectors.silent(_fast(200_000, hop=16)))
    before = link.status()
    time.sleep(3)
    after = link.status()
    assert after.counters["skipped"] - before.counters["skipped"] > 1000
    assert after.missed["features"] > before.missed["features"]
    # Whether samples are lost depends on how busy the desk is; test_realtime.py shows that none need be.
    assert after.stream.frames == pytest.approx(after.stream.elapsed * 200_000, rel=0.05)
    _runs_default(link)


def test_unknown_requests_are_answered(link: Link) -> None:
    with pytest.raises(Refused) as refused:
        link._request(0x7E, b"who are you")
    assert refused.value.code == 3
    for kind in (protocol.SUBSCRIBE, protocol.REPLAY_START, protocol.BUNDLE_BEGIN):
        with pytest.raises(Refused) as refused:
            link._request(kind, os.urandom(3))
        assert refused.value.code == 1
    assert replace(link.hello(), state=1).state == 1
