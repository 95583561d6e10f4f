# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Sound files that libsndfile reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import DataError
from ..reader import LOSSY, Reader, Stretch, Values

if TYPE_CHECKING:
    from . import Source
# What libsndfile calls the formats that only some of its builds read.
_LATER = {".mp3": "MP3", ".ogg": "OGG", ".oga": "OGG", ".opus": "OGG"}
_LOSSY = frozenset(
    {"MPEG_LAYER_I", "MPEG_LAYER_II", "MPEG_LAYER_III", "VORBIS", "OPUS", "IMA_ADPCM", "MS_ADPCM", "GSM610"}
)


def is_known(suffix: str) -> bool:
    """Whether this build of libsndfile reads files with a suffix."""
    import soundfile

    return suffix not in _LATER or _LATER[suffix] in soundfile.available_formats()


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
            notes=[LOSSY.format(self._file.subtype)] if self._file.subtype in _LOSSY else [],
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
    """Open a sound file; by FFmpeg's libraries where libsndfile is too old for it.

    Raises
    ------
    DataError
        It cannot be read.
    """
    if not is_known(source.path.suffix.lower()):
        from . import media

        return media.open_reader(source)
    return SoundReader(source)
