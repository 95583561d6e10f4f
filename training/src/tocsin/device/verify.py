# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Whether a device gives the twin's feature bytes, scores and events on the same samples: promise 2, checked."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..bundle import Bundle
from ..twin import Event, Gap, Twin, Window
from .link import Link, Report
from .replay import Recording

# More than this many differences of one recording say nothing new.
MOST_TOLD = 5


@dataclass(frozen=True)
class Comparison:
    """What came of one recording.

    Attributes
    ----------
    name
        The recording.
    windows, events, gaps
        How many the twin gave.
    differences
        What the device gave otherwise, one line each, the first few; empty where all bytes are equal.
    """

    name: str
    windows: int
    events: int
    gaps: int
    differences: list[str] = field(default_factory=list)


def by_twin(
    bundle: Bundle, samples: NDArray[np.int16], gaps: Sequence[tuple[int, int]] = ()
) -> tuple[list[Window | Event | Gap], NDArray[np.float32]]:
    """Stream samples through a fresh twin.

    Parameters
    ----------
    bundle
        The detector.
    samples : ndarray of int16, shape (n,) or (n, channels)
        The recording.
    gaps : sequence of (index, count)
        Samples that are missing; indices into `samples`, ascending.

    Returns
    -------
    list of Window, Event and Gap
        In the order in which they came.
    ndarray of float32, shape (windows, n_vector)
        The windows' feature vectors.
    """
    twin = Twin(bundle, keep_vectors=True)
    results: list[Window | Event | Gap] = []
    at = 0
    for index, count in gaps:
        results += twin.push(samples[at:index])
        results += twin.skip(count)
        at = index + count
    results += twin.push(samples[at:])
    results += twin.finish()
    return results, twin.vectors


def bits(result: Window | Event | Gap) -> tuple[object, ...]:
    """A result with its floats as bytes: NaN equals NaN, and -0 is not 0."""
    fields = vars(result).values()
    return type(result).__name__, *(struct.pack("<f", v) if isinstance(v, float) else v for v in fields)


def differences(report: Report, results: Sequence[Window | Event | Gap], vectors: NDArray[np.float32]) -> list[str]:
    """What a device's report has otherwise than the twin, the first few, one line each."""
    told: list[str] = []
    if len(report.results) != len(results):
        told.append(f"{len(report.results)} results from the device, {len(results)} from the twin")
    if report.vectors.tobytes() != vectors.tobytes():
        told.append(_vectors_differ(report.vectors, vectors))
    for number, (device, twin) in enumerate(zip(report.results, results, strict=False)):
        if bits(device) != bits(twin):
            told.append(f"result {number}: {device} from the device, {twin} from the twin")
    return told[:MOST_TOLD]


def _vectors_differ(device: NDArray[np.float32], twin: NDArray[np.float32]) -> str:
    if device.shape != twin.shape:
        return f"feature vectors of shape {device.shape} from the device, {twin.shape} from the twin"
    window, value = np.argwhere(device.view(np.uint32) != twin.view(np.uint32))[0]
    return (
        f"feature bytes, first in window {window}, value {value}:"
        f" {device[window, value]!r} from the device, {twin[window, value]!r} from the twin"
    )


def join(recording: Recording) -> tuple[NDArray[np.int16], list[tuple[int, int]]]:
    """One array of a recording's pieces, zeros where samples are missing; the array and its gaps (begin, count)."""
    parts: list[NDArray[np.int16] | int] = list(recording.pieces)
    shape = next((piece.shape[1:] for piece in parts if not isinstance(piece, int)), ())
    samples: list[NDArray[np.int16]] = []
    gaps: list[tuple[int, int]] = []
    length = 0
    for piece in parts:
        if isinstance(piece, int):
            gaps.append((length, piece))
            piece = np.zeros((piece, *shape), np.int16)
        samples.append(piece)
        length += len(piece)
    return np.concatenate(samples), gaps


def compare(link: Link, bundle: Bundle, recording: Recording) -> Comparison:
    """Replay a recording through a device that runs `bundle`, and through the twin.

    Raises
    ------
    LinkError
        The device refuses, or stops answering.
    """
    samples, gaps = join(recording)
    report = link.replay(samples, sample_rate=bundle.features.sample_rate, vectors=True, gaps=gaps)
    results, vectors = by_twin(bundle, samples, gaps)
    count = {kind: sum(isinstance(result, kind) for result in results) for kind in (Window, Event, Gap)}
    return Comparison(recording.name, count[Window], count[Event], count[Gap], differences(report, results, vectors))
