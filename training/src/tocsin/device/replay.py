# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Recordings through the twin, as a device would hear them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..bundle import Bundle
from ..data import Clip, Dataset, ReadOptions, dataset, rates
from ..data.bandwidth import check_reach
from ..data.readers import array_names, count_recordings, format_of, suffixes
from ..errors import DataError
from ..health import Change, Listener
from ..twin import Event, Gap, Twin, Window


class Seam(int):
    """Samples that are counted as missing between two recordings of an array, so that no window spans both."""


@dataclass(frozen=True)
class Recording:
    """One stream, read while it is gone through.

    Attributes
    ----------
    name
        The file, or ``file:array`` of an ``.npz``.
    pieces
        int16 samples, shape (n,) or (n, channels), and numbers of samples that are missing before what follows, of
        which those between recordings are a :class:`Seam`. Can be gone through once; raises
        :class:`tocsin.errors.DataError` where the file cannot be read on.
    notes
        What is odd about it; complete when all pieces have been given.
    seconds
        About its length.
    count
        Recordings that it is made of: rows of an array.
    """

    name: str
    pieces: Iterator[npt.NDArray[np.int16] | int]
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0
    count: int = 1


@dataclass(frozen=True)
class Summary:
    """What a stream did.

    Attributes
    ----------
    name
        As of the recording.
    seconds
        Its length.
    windows
        Windows scored.
    peak
        Greatest smoothed score; None where the smoothing never filled.
    threshold
        The bundle's.
    alarms
        Alarms that began.
    active
        Whether one was still on at the end.
    sensor
        Faults of the sensor that were found, see :mod:`tocsin.health`: while one is on, scores say nothing.
    recordings
        Of which it is made: rows of an array, one after the other.
    """

    name: str
    seconds: float
    windows: int
    peak: float | None
    threshold: float
    alarms: int
    active: bool
    sensor: tuple[str, ...] = ()
    recordings: int = 1


def _clip(path: Path, array: str = "", index: int = -1) -> Clip:
    return Clip(name=path.name, path=path, label="normal", machine="", array=array, index=index)


def open_recordings(text: str, bundle: Bundle, options: ReadOptions) -> Iterator[Recording]:
    """Streams of a file for `bundle`: one, or one for each array of a file of arrays (``file.npz:array`` for one).

    Raises
    ------
    DataError
        There is no such file, or it cannot be used with the bundle.
    """
    path, array = Path(text), ""
    name, _, wanted = text.rpartition(":")
    if not path.exists() and Path(name).suffix.lower() in suffixes("numbers"):
        path, array = Path(name), wanted
    if not path.is_file():
        known = ", ".join(sorted(suffixes()))
        wrong = f"{path} is a folder" if path.is_dir() else f"There is no file {path}"
        raise DataError(f"{wrong}. Give recordings: {known}.")
    try:
        form = format_of(path)
        if form.holds == "sound" and bundle.features.sensor == "audio":
            source = Dataset(path, "audio", (), (), options)
        elif form.holds == "sound":
            # Beside the recording's own folder, where `tocsin synth` and the like say what full scale means.
            said = dataset.metadata(path.resolve().parent.parent) or {"full_scale": options.full_scale}
            source = Dataset(path, "vibration", (), (), options, float(said["full_scale"] or 0))
        else:
            _only(bundle, "vibration")
            source = Dataset(path, "vibration", (), (), options)
        if form.arrays:
            yield from _arrays(path, array, source)
        else:
            check_reach(source, _clip(path), bundle.features)
            yield _recording(text, source, [_clip(path)], set())
    except DataError as error:
        raise DataError(f"{text}: {error}") from error


def _arrays(path: Path, wanted: str, source: Dataset) -> Iterator[Recording]:
    """Each array of a file; its recordings follow each other with samples missing between them."""
    names = array_names(path)
    if wanted and wanted not in names:
        raise DataError(f"has no array {wanted}, only {', '.join(names)}")
    told: set[str] = set()
    for name in [wanted] if wanted else names:
        clips = [_clip(path, name, i) for i in range(count_recordings(path, name))]
        yield _recording(f"{path}:{name}" if name else str(path), source, clips, told)


def _recording(name: str, source: Dataset, clips: list[Clip], told: set[str]) -> Recording:
    """Recordings of a file as one stream; `told` are assumptions that need no second note."""
    notes: list[str] = []

    def pieces() -> Iterator[npt.NDArray[np.int16] | int]:
        try:
            for number, clip in enumerate(clips):
                if number:
                    # One sample is the least that can be missing; how many are is not known.
                    yield Seam(1)
                found: list[str] = []
                yield from source.stream(clip, found)
                notes.extend(note for note in found if note not in notes and note not in told)
            told.update(rates.assumed(source.reader(clips[0]), source.options) if source.kind == "vibration" else ())
        except DataError as error:
            raise DataError(f"{name}: {error}") from error

    first = source.reader(clips[0])
    rate = first.rate if source.kind == "audio" and first.rate else source.rate
    return Recording(name, pieces(), notes, len(clips) * first.samples / rate, len(clips))


def _only(bundle: Bundle, kind: str) -> None:
    if bundle.features.sensor != kind:
        raise DataError(f"is a recording of {kind}, and the bundle is for {bundle.features.sensor}")


def replay(bundle: Bundle, recording: Recording) -> Iterator[Window | Event | Gap | Change | Summary]:
    """Stream a recording through a fresh twin, and watch its sensor; the last thing given is the summary.

    Raises
    ------
    DataError
        The recording has another number of channels than the bundle, or cannot be read to its end.
    """
    twin = Twin(bundle)
    listener = Listener(bundle.features.channels, bundle.features.sample_rate)
    sensor: list[str] = []
    seams: set[tuple[int, int]] = set()
    peak, windows, alarms, length = float("-inf"), 0, 0, 0

    def results() -> Iterator[Window | Event | Gap | Change]:
        nonlocal length
        for piece in recording.pieces:
            if isinstance(piece, int):
                if isinstance(piece, Seam):
                    seams.add((twin.index, int(piece)))
                yield from listener.end()
                yield from twin.skip(piece)
            else:
                length += len(piece)
                begin = twin.index
                found = twin.push(piece)
                yield from listener.push(piece, begin)
                yield from found
        yield from listener.end()
        yield from twin.finish()

    for item in results():
        if isinstance(item, Gap) and (item.index, item.count) in seams:
            continue  # nothing is missing: one recording ends, and the next begins
        if isinstance(item, Window):
            windows += 1
            peak = max(peak, item.smoothed) if np.isfinite(item.smoothed) else peak
        elif isinstance(item, Event):
            alarms += item.kind == "begin"
        elif isinstance(item, Change) and item.begins and item.condition not in sensor:
            sensor.append(item.condition)
        yield item
    yield Summary(
        name=recording.name,
        seconds=length / bundle.features.sample_rate,
        windows=windows,
        peak=peak if np.isfinite(peak) else None,
        threshold=bundle.decision.threshold_on,
        alarms=alarms,
        active=twin.active,
        sensor=tuple(sensor),
        recordings=recording.count,
    )
