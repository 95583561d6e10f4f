# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Recordings through the twin, as a device would hear them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .bundle import Bundle
from .data import Clip, Dataset, Issues, ReadOptions, audio, dataset
from .data.readers import array_names, count_recordings
from .errors import DataError
from .twin import Event, Gap, Twin, Window


@dataclass(frozen=True)
class Recording:
    """One stream.

    Attributes
    ----------
    name
        The file, or ``file:array`` of an ``.npz``.
    pieces
        int16 samples, shape (n,) or (n, channels); samples are missing between two pieces.
    notes
        What is odd about it.
    """

    name: str
    pieces: list[npt.NDArray[np.int16]]
    notes: list[str]


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
    """

    name: str
    seconds: float
    windows: int
    peak: float | None
    threshold: float
    alarms: int
    active: bool


def _clip(path: Path, array: str = "", index: int = -1) -> Clip:
    return Clip(name=path.name, path=path, label="normal", machine="", array=array, index=index)


def open_recordings(text: str, bundle: Bundle, options: ReadOptions) -> Iterator[Recording]:
    """Streams of a file for `bundle`: one, or one for each array of an ``.npz`` (``file.npz:array`` for one of them).

    Raises
    ------
    DataError
        There is no such file, or it cannot be used with the bundle.
    """
    path, array = Path(text), ""
    if not path.exists() and ".npz:" in text:
        name, _, array = text.rpartition(":")
        path = Path(name)
    if not path.is_file():
        raise DataError(f"{path} is not a file. Give recordings: .wav, .flac, .csv or .npz.")
    suffix = path.suffix.lower()
    try:
        if suffix in audio.SUFFIXES and bundle.features.sensor == "audio":
            samples, notes = audio.read_audio(path, rate=bundle.features.sample_rate, channel=options.channel)
            yield Recording(text, [samples], notes)
        elif suffix == ".npz":
            yield from _arrays(path, array, bundle, options)
        elif suffix in audio.SUFFIXES or suffix == ".csv":
            yield _vibration(path, bundle, options, suffix != ".csv")
        else:
            raise DataError(f"is not a kind of recording that is understood ({suffix or 'no suffix'})")
    except DataError as error:
        raise DataError(f"{text}: {error}") from error


def _vibration(path: Path, bundle: Bundle, options: ReadOptions, sound_file: bool) -> Recording:
    """One CSV or sound file of vibration."""
    issues = Issues()
    if sound_file:
        # Beside the recording's own folder, where `tocsin synth` and the like say what full scale means.
        said = dataset.metadata(path.resolve().parent.parent) or {"full_scale": options.full_scale}
        source = Dataset(path, "vibration", (), (), options, float(said["full_scale"] or 0))
    else:
        source = Dataset(path, "vibration", (), (), options)
    _only(bundle, "vibration")
    samples = source.read(_clip(path), issues)
    return Recording(str(path), [samples], list(issues.notes))


def _arrays(path: Path, wanted: str, bundle: Bundle, options: ReadOptions) -> Iterator[Recording]:
    """Each array of an ``.npz``; its recordings follow each other with samples missing between them."""
    _only(bundle, "vibration")
    names = array_names(path)
    if wanted and wanted not in names:
        raise DataError(f"has no array {wanted}, only {', '.join(names)}")
    source = Dataset(path, "vibration", (), (), options)
    for name in [wanted] if wanted else names:
        issues = Issues()
        count = count_recordings(path, name)
        pieces = [source.read(_clip(path, name, i), issues) for i in range(count)]
        yield Recording(f"{path}:{name}", pieces, list(issues.notes))


def _only(bundle: Bundle, kind: str) -> None:
    if bundle.features.sensor != kind:
        raise DataError(f"is a recording of {kind}, and the bundle is for {bundle.features.sensor}")


def replay(bundle: Bundle, recording: Recording) -> Iterator[Window | Event | Gap | Summary]:
    """Stream a recording through a fresh twin; the last thing given is the summary.

    Raises
    ------
    DataError
        The recording has another number of channels than the bundle.
    """
    twin = Twin(bundle)
    peak, windows, alarms, length = float("-inf"), 0, 0, 0
    for number, piece in enumerate(recording.pieces):
        length += len(piece)
        # One sample is the least that can be missing; how many are is not known.
        items = twin.skip(1) if number else []
        items += twin.push(piece)
        if number + 1 == len(recording.pieces):
            items += twin.finish()
        for item in items:
            if isinstance(item, Window):
                windows += 1
                peak = max(peak, item.smoothed) if np.isfinite(item.smoothed) else peak
            elif isinstance(item, Event):
                alarms += item.kind == "begin"
            yield item
    yield Summary(
        name=recording.name,
        seconds=length / bundle.features.sample_rate,
        windows=windows,
        peak=peak if np.isfinite(peak) else None,
        threshold=bundle.decision.threshold_on,
        alarms=alarms,
        active=twin.active,
    )
