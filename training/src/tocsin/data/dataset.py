# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""A data set: its recordings, and how each becomes int16 samples."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import DataError
from ..features.frontend import SOUND_RATE_MIN
from ..words import counted
from . import audio, rates, vibration
from .clip import Clip, Issues
from .convert import Converter, ToSound, ToVibration, check_finite
from .cutting import cut
from .discovery import LeftOut, discover
from .files import walk
from .options import Kind, ReadOptions
from .readers import Reader, Source, open_reader

AUDIO_RATE = 16000
# Sound is hardly ever recorded by three microphones; acceleration mostly is, along three axes.
AXES = 3
# Samples of a file that are streamed in one go: 16 s of sound.
PIECE = 1 << 18


@dataclass(frozen=True)
class Dataset:
    """Recordings below one folder, or in one file.

    Attributes
    ----------
    root
        The folder or file.
    kind
        ``"audio"`` or ``"vibration"``.
    clips
        Recordings whose place or name says what they are, in the order of their names.
    left_out
        Files and arrays that are not used, and why.
    options
        With the rate settled; the full scale too after :meth:`settle`.
    file_range
        What full scale of a sound file means, g; 0 where there are none of vibration.
    notes
        What was decided about the recordings as a whole.
    """

    root: Path
    kind: Kind
    clips: tuple[Clip, ...]
    left_out: tuple[LeftOut, ...]
    options: ReadOptions
    file_range: float = 0.0
    notes: tuple[str, ...] = ()

    @property
    def rate(self) -> int:
        """Samples a second and channel, Hz."""
        assert self.options.rate is not None
        return self.options.rate

    def _peak(self, clip: Clip) -> tuple[float, str]:
        """Greatest acceleration of a recording, g, and the unit of its numbers."""
        reader = self.reader(clip)
        values, _ = self.values(clip)
        peak = float(np.abs(check_finite(values)).max(initial=0.0)) * self._in_g(reader)
        return peak, rates.unit_of(reader, self.options)

    def cut(self) -> Dataset:
        """The same with long recordings, and those with gaps, as clips."""
        done = cut(
            self.clips,
            self.reader,
            rate=self.rate,
            resampled=self.kind == "audio",
            clip_seconds=self.options.clip_seconds,
        )
        return replace(self, clips=done.clips, notes=self.notes + done.told)

    def settle(self, clips: Iterable[Clip]) -> Dataset:
        """Choose the full scale so that it holds `clips`, where it was not given."""
        if self.kind == "audio" or self.options.full_scale is not None:
            return self
        peak, unit = 0.0, "g"
        for clip in clips:
            try:
                peak, unit = max((peak, unit), self._peak(clip))
            except DataError:
                continue  # told when it is read for its features
        full_scale = vibration.choose_full_scale(peak, unit)
        return replace(self, options=replace(self.options, full_scale=full_scale))

    def reader(self, clip: Clip) -> Reader:
        """The file of a recording, opened.

        Raises
        ------
        DataError
            It cannot be read.
        """
        options = self.options
        source = Source(
            clip.path,
            clip.array,
            clip.index,
            columns=options.columns,
            delimiter=options.delimiter,
            decimal=options.decimal,
            time_column=options.time_column,
            time_unit=options.time_unit,
        )
        return open_reader(source)

    def values(self, clip: Clip) -> tuple[npt.NDArray[np.float64], float | None]:
        """Numbers of a recording as they are in its file, shape (n, channels), and their rate, Hz (None: unknown).

        Raises
        ------
        DataError
            The file cannot be read.
        """
        reader = self.reader(clip)
        values = reader.read_all() if clip.count < 0 else reader.read(clip.begin, clip.count)
        return values, reader.rate

    def converter(self, clip: Clip, reader: Reader) -> Converter:
        """What makes samples of the numbers of a recording; one for each time that it is read.

        Raises
        ------
        DataError
            The recording cannot be used.
        """
        if self.kind == "audio":
            channel = self.options.channel if clip.channel < 0 else None
            return ToSound(reader.rate, rate=self.rate, channel=channel)
        assert self.options.full_scale is not None
        return ToVibration(self._in_g(reader), self.options.full_scale)

    def _in_g(self, reader: Reader) -> float:
        """What one of a file's numbers means, g.

        Raises
        ------
        DataError
            The file's rate, unit or number of channels is not what vibration of this data set has.
        """
        rates.check_rate(reader, self.rate)
        if not self.file_range:
            return vibration.UNITS[rates.unit_of(reader, self.options)]
        if reader.channels > 3:
            raise DataError(f"has {reader.channels} channels; a vibration sensor has 1 to 3")
        return self.file_range / 32768.0

    def read(self, clip: Clip, issues: Issues | None = None) -> npt.NDArray[np.int16]:
        """Samples of one recording, shape (n,) for one channel or (n, channels).

        `issues` receives what is odd about it.

        Raises
        ------
        DataError
            The recording cannot be used; the message says why and leaves its name to the caller.
        """
        reader = self.reader(clip)
        convert = self.converter(clip, reader)
        if clip.count < 0:
            samples = convert.push(reader.read_all())
        elif self.kind == "audio" and reader.rate not in (None, self.rate):
            samples = self._resampled(clip, reader, convert)
        else:
            samples = convert.push(reader.read(clip.begin, clip.count))
        if issues is not None:
            for what in convert.notes():
                issues.note(clip.name, what)
        return samples

    def _resampled(self, clip: Clip, reader: Reader, convert: Converter) -> npt.NDArray[np.int16]:
        """A piece of a sound file at the data set's rate, as if the whole had been resampled and then cut."""
        assert reader.rate is not None
        stretch = next(s for s in reader.stretches if s.begin <= clip.begin < s.end)
        around = audio.margin(reader.rate, self.rate)
        # Back by whole margins from the piece, or to the stretch's beginning.
        begin = max(stretch.begin, clip.begin - around)
        end = min(stretch.end, clip.begin + clip.count + around)
        samples = convert.push(reader.read(begin, end - begin))
        first = round((clip.begin - begin) * self.rate / reader.rate)
        return samples[first : first + round(clip.count * self.rate / reader.rate)]

    def stream(self, clip: Clip, notes: list[str]) -> Iterator[npt.NDArray[np.int16] | int]:
        """A whole recording as a device would get it: samples as of :meth:`read` in pieces, counts of missing ones.

        Parameters
        ----------
        clip
            The recording.
        notes
            Receives what is odd about it; complete when the last piece has been given.

        Raises
        ------
        DataError
            As :meth:`read`.
        """
        reader = self.reader(clip)
        convert = self.converter(clip, reader)
        notes += reader.notes
        if self.kind == "vibration" and not self.file_range:
            notes += rates.assumed(reader, self.options)
        scale = self.rate / reader.rate if self.kind == "audio" and reader.rate else 1.0
        place = round(reader.stretches[0].begin * scale) if reader.stretches else 0
        for stretch in reader.stretches:
            begin = round(stretch.begin * scale)
            if begin > place:
                yield begin - place
                place = begin
            for at in range(stretch.begin, stretch.end, PIECE):
                count = min(PIECE, stretch.end - at)
                samples = convert.push(reader.read(at, count), last=at + count == stretch.end)
                place += len(samples)
                yield samples
        notes += convert.notes()


def _like_vibration(found: Dataset) -> tuple[str, ...]:
    """Says which machines' sound files look as if they held acceleration, by the first file of each."""
    told = []
    for clip in {clip.machine: clip for clip in reversed(found.clips)}.values():
        with suppress(DataError):  # told when it is read
            reader = found.reader(clip)
            if reader.channels == AXES or (reader.rate or AUDIO_RATE) < SOUND_RATE_MIN:
                told.append(
                    f"{clip.name} has {counted(reader.channels, 'channel')} at"
                    f" {reader.rate or 0:,.0f} Hz, as vibration may have, and is taken for sound: if it"
                    " was recorded by an accelerometer, add --sensor vibration --full-scale G; if not, --sensor audio"
                )
    return tuple(sorted(told))


def _vibration_rate(found: Dataset, said: int) -> int:
    """Samples a second of vibration in sound files, Hz; `said` is what ``metadata.json`` says, or 0.

    Raises
    ------
    DataError
        No file can be read, or the user asks for a rate that none of them has.
    """
    if said and found.options.rate is None:
        return said
    settled = rates.settle(found.clips, found.reader, replace(found.options, unit="g"))
    assert settled.options.rate is not None
    return settled.options.rate


def metadata(root: Path) -> dict[str, Any]:
    """What ``metadata.json`` files beside the recordings say of all of them; empty without any.

    Raises
    ------
    DataError
        Sound and vibration, or different rates or ranges, are mixed below `root`.
    """
    merged: dict[str, Any] = {}
    for path in (path for path in walk(root).files if path.name == "metadata.json"):
        try:
            content = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise DataError(f"{path} is not readable JSON ({error})") from error
        if not isinstance(content, dict) or "domain" not in content:
            continue
        said = {key: content.get(key) for key in ("domain", "rate", "full_scale")}
        if merged and said != merged:
            raise DataError(f"{path} describes other recordings than its siblings. Point --data at one kind of them.")
        merged = said
    return merged


def _chosen(clips: Iterable[Clip], machines: Sequence[str]) -> tuple[Clip, ...]:
    """Keep the clips of the machines asked for."""
    clips = tuple(clips)
    if not machines:
        return clips
    kept = tuple(clip for clip in clips if vibration.matches(clip.machine, machines))
    if not kept:
        names = ", ".join(sorted({clip.machine for clip in clips}))
        raise DataError(f"No machine is called {', '.join(machines)}. There are: {names}.")
    return kept


def _of_channel(clips: tuple[Clip, ...], channel: int | None) -> tuple[Clip, ...]:
    """Of files that hold one microphone each, keep those of the microphone asked for."""
    if channel is None:
        return clips
    kept = tuple(clip for clip in clips if clip.channel in (-1, channel))
    if not kept:
        there = ", ".join(str(number) for number in sorted({clip.channel for clip in clips}))
        raise DataError(f"No file holds channel {channel}. There are (from 0): {there}.")
    return kept


def open_dataset(root: Path, options: ReadOptions) -> Dataset:
    """Find the recordings at `root`; long ones, and those with gaps, become clips.

    Raises
    ------
    DataError
        There are none, their layout is not known, or a vibration's rate is not.
    """
    found = discover(root, options)
    clips = _of_channel(_chosen(found.clips, options.machines), options.channel)
    known = Dataset(root, "audio", clips, found.left_out, options, notes=tuple(found.notes))
    return (_of_sound_files(known) if found.sound else _of_numbers(known)).cut()


def opened(data: Dataset | str | os.PathLike[str], reading: ReadOptions | None = None) -> Dataset:
    """The data set itself where `data` is one, else what is found at that place.

    Raises
    ------
    DataError
        As :func:`open_dataset`; or `reading` comes with a data set that is open already.
    """
    if not isinstance(data, Dataset):
        return open_dataset(Path(data), reading or ReadOptions())
    if reading is not None:
        raise DataError("The data set is open already: give reading to open_dataset, or a path here.")
    return data


def _of_numbers(found: Dataset) -> Dataset:
    """Files of physical values: vibration, whose rate and unit the files may say."""
    first = {(clip.path, clip.array): clip for clip in reversed(found.clips)}
    clips = [clip for clip in found.clips if first[clip.path, clip.array] is clip]
    settled = rates.settle(clips, found.reader, found.options)
    return replace(found, kind="vibration", options=settled.options, notes=found.notes + settled.told)


def _of_sound_files(found: Dataset) -> Dataset:
    """Sound files, which hold sound or, as metadata or the user say, vibration."""
    options = found.options
    said = metadata(found.root)
    kind = options.sensor or ("vibration" if said.get("domain") == "vibration" else "audio")
    if kind == "audio":
        told = () if options.sensor else _like_vibration(found)
        return replace(found, options=replace(options, rate=options.rate or AUDIO_RATE), notes=found.notes + told)
    file_range = said.get("full_scale") or options.full_scale
    if not isinstance(file_range, int | float) or file_range <= 0:
        raise DataError("Say how many g full scale means in these sound files with --full-scale.")
    if options.unit is not None:
        raise DataError(
            "--unit has no meaning for sound files: their numbers are parts of the full scale. Leave it away."
        )
    rate = _vibration_rate(found, int(said.get("rate") or 0))
    settled = replace(options, rate=rate, full_scale=options.full_scale or float(file_range))
    return replace(found, kind="vibration", options=settled, file_range=float(file_range))
