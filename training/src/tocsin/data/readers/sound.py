# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Sound files that libsndfile reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import DataError
from .reader import Reader, Stretch, Values

if TYPE_CHECKING:
    from . import Source


def _failed(error: Exception) -> DataError:
    text = str(error).rstrip(".")
    return DataError(f"not a readable sound file ({text.split(': ')[-1]})")


class SoundReader(Reader):
    """A sound file, at int16's scale."""

    def __init__(self, source: Source) -> None:
        import soundfile

        try:
            self._file = soundfile.SoundFile(source.path)
        except (RuntimeError, OSError) as error:
            raise _failed(error) from error
        super().__init__(
            channels=self._file.channels,
            stretches=[Stretch(0, self._file.frames)],
            rate=self._file.samplerate,
            unit="digits",
        )

    def _rows(self, start: int, count: int) -> Values:
        try:
            if self._file.tell() != start:
                self._file.seek(start)
            found: Values = self._file.read(count, dtype="float64", always_2d=True)
        except (RuntimeError, OSError) as error:
            raise _failed(error) from error
        found *= 32768.0  # a power of two: integers come out as they are in the file
        return found


def open_reader(source: Source) -> Reader:
    """Open a sound file."""
    return SoundReader(source)
