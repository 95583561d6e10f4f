# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Sound in containers that libsndfile does not read, such as AAC in ``.m4a``, through FFmpeg's libraries (PyAV)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import DataError
from ..reader import LOSSY, Reader, SpooledReader, Values
from .layout import parsing

if TYPE_CHECKING:
    from . import Source

# The container is never guessed: a playlist under another name would open what it lists.
CONTAINERS = {
    **dict.fromkeys((".m4a", ".m4b", ".mp4", ".mov", ".3gp"), "mov"),
    **dict.fromkeys((".mka", ".mkv", ".webm"), "matroska"),
    **dict.fromkeys((".ogg", ".oga", ".opus"), "ogg"),
    ".aac": "aac",
    ".mp3": "mp3",
    ".wma": "asf",
    ".amr": "amr",
}
_LOSSLESS = frozenset({"alac", "flac", "tta", "wavpack", "truehd", "wmalossless"})
# Share of the length in the header that has to be there.
_ENOUGH = 0.98


def _decoded(container: Any, stream: Any) -> Iterator[Values]:
    """Samples at int16's scale, shape (n, channels)."""
    import av

    resampler = av.AudioResampler(format="dbl", layout=stream.layout, rate=stream.rate)
    channels = stream.channels
    for frame in container.decode(stream):
        for one in resampler.resample(frame):
            yield np.asarray(one.to_ndarray(), np.float64).reshape(-1, channels) * 32768.0
    for one in resampler.resample(None):
        yield np.asarray(one.to_ndarray(), np.float64).reshape(-1, channels) * 32768.0


def open_reader(source: Source) -> Reader:
    """Decode the first sound of a file, from its beginning to its end.

    Raises
    ------
    DataError
        It holds none, or is malformed.
    """
    import av

    form = CONTAINERS[source.path.suffix.lower()]
    with parsing("sound file"), source.path.open("rb") as file, av.open(file, "r", format=form) as container:
        if not container.streams.audio:
            raise DataError("holds no sound")
        stream = container.streams.audio[0]
        said = float(stream.duration * stream.time_base) if stream.duration and form == "mov" else 0.0
        rate, codec = int(stream.rate), str(stream.codec_context.name)
        chunks = _decoded(container, stream)
        first = next(chunks, np.empty((0, 1)))
        reader = SpooledReader(_first_and(first, chunks), rate=rate, unit="digits")
    notes = [] if codec in _LOSSLESS or codec.startswith("pcm") else [LOSSY.format(codec.upper())]
    if reader.samples < _ENOUGH * said * rate:
        notes.append("cut short: it ends before its header says")
    reader.notes = tuple(notes)
    return reader


def _first_and(first: Values, rest: Iterator[Values]) -> Iterator[Values]:
    yield first
    yield from rest
