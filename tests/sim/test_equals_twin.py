# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Promise 2: the firmware gives the twin's feature bytes, scores and events, on every emulated board."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest

import detectors
from detectors import DETECTORS, VECTORS
from tocsin.device.link import Link, Report
from tocsin.device.verify import by_twin, differences
from tocsin.twin import Event, Gap, Window


def check(report: Report, results: list, vectors: np.ndarray, name: str) -> None:
    assert differences(report, results, vectors) == [], name
    assert report.windows == sum(isinstance(result, Window) for result in results)


@pytest.mark.parametrize("name", DETECTORS)
def test_firmware_equals_twin(link: Link, name: str) -> None:
    bundle = detectors.detector(name)
    link.upload(bundle.raw)
    assert link.hello().bundle_crc == bundle.crc
    events = 0
    for title, samples in detectors.recordings(name):
        report = link.replay(samples, sample_rate=bundle.features.sample_rate, vectors=True)
        results, vectors = by_twin(bundle, samples, [])
        assert len(vectors) > 10, f"{title}: too few windows to say anything"
        check(report, results, vectors, title)
        assert (report.frames, report.lost, report.gaps) == (len(samples), 0, 0)
        events += report.events
    assert events > 0, "no recording has an event: the comparison says nothing about decisions"
    assert link.bad_frames == 0


@pytest.mark.parametrize("name", DETECTORS)
def test_there_are_twenty_recordings(name: str) -> None:
    """Or more for each kind: real ones where the data are, and synthetic ones everywhere."""
    names = [title for title, _ in detectors.recordings(name)]
    assert len(set(names)) == len(names)
    assert len(names) >= (20 if detectors.data() else 4)


@pytest.mark.parametrize("name", ["kmeans", "frame_layer"])
def test_gaps_of_the_recording(link: Link, name: str) -> None:
    """A hole that the desk tells of is met at its place, and the windows around it are the twin's.

    Of frames before it nothing may be left, though a network keeps what it made of them.
    """
    bundle = detectors.detector(name)
    link.upload(bundle.raw)
    _, samples = detectors.machine_noise()[4]
    gaps = [(5000, 1), (9001, 12345), (26000, 2000)]
    report = link.replay(samples, sample_rate=bundle.features.sample_rate, vectors=True, gaps=gaps)
    results, vectors = by_twin(bundle, samples, gaps)
    check(report, results, vectors, "gaps")
    assert [(r.index, r.count) for r in report.results if isinstance(r, Gap)] == gaps
    assert report.lost == sum(count for _, count in gaps)


def test_gap_at_the_very_end(link: Link) -> None:
    """No sample follows that would show it; the recording's length does."""
    bundle = detectors.detector("kmeans")
    link.upload(bundle.raw)
    _, samples = detectors.machine_noise()[0]
    gaps = [(len(samples) - 500, 500)]
    report = link.replay(samples, sample_rate=bundle.features.sample_rate, vectors=True, gaps=gaps)
    check(report, *by_twin(bundle, samples, gaps), "gap at the end")
    assert report.results[-1] == Gap(len(samples) - 500, 500)
    assert (report.frames, report.lost) == (len(samples), 500)


@pytest.mark.parametrize("case", sorted(path.parent.name for path in VECTORS.glob("*/bundle.tocsin")))
def test_golden_vectors(link: Link, case: str) -> None:
    """The stored results of tests/vectors, which do not come from the twin of today."""
    folder = VECTORS / case
    raw = (folder / "bundle.tocsin").read_bytes()
    link.upload(raw)
    info = link.hello()
    source = "vibration" if info.channels == 3 else "audio"
    samples = np.fromfile(VECTORS / f"{source}.i16", dtype="<i2").reshape(-1, info.channels)
    held, gaps, at = [], [], 0
    for take, skip in np.fromfile(folder / "stream.bin", dtype="<u4").reshape(-1, 2):
        held.append(samples[at : at + take])
        at += int(take)
        if skip:
            gaps.append((sum(map(len, held)), int(skip)))
            held.append(np.zeros((int(skip), info.channels), np.int16))
    report = link.replay(np.concatenate(held), sample_rate=info.sample_rate, vectors=True, gaps=gaps)

    windows = b"".join(struct.pack("<QQff", *vars(r).values()) for r in report.results if isinstance(r, Window))
    events = b"".join(
        struct.pack("<QQIf", r.begin, r.end, 1 if r.kind == "begin" else 2, r.peak)
        for r in report.results
        if isinstance(r, Event)
    )
    met = b"".join(struct.pack("<QQ", r.index, r.count) for r in report.results if isinstance(r, Gap))
    assert report.vectors.tobytes() == (folder / "vectors.f32").read_bytes()
    assert windows == (folder / "windows.bin").read_bytes()
    assert events == (folder / "events.bin").read_bytes()
    assert met == (folder / "gaps.bin").read_bytes()
    assert json.loads((VECTORS / "index.json").read_text())
