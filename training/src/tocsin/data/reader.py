# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""One recording of a file, read in pieces."""

from __future__ import annotations

import tempfile
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..errors import DataError

Values = npt.NDArray[np.float64]

LOSSY = "compressed with losses ({}); WAV or FLAC keep what the machine really sounds like"
"""A note on a recording, with the name of its coding."""


@dataclass(frozen=True)
class Stretch:
    """Samples without a gap: `count` of them, the first with index `begin`. Missing samples have indices too."""

    begin: int
    count: int

    @property
    def end(self) -> int:
        """Index after the last sample."""
        return self.begin + self.count


class Reader(ABC):
    """One recording.

    Attributes
    ----------
    rate
        Samples a second and channel, Hz; None where the file does not say.
    channels
        Of each sample.
    unit
        What the numbers mean: ``"digits"`` (int16's scale, of sound files) or one of
        :data:`tocsin.data.vibration.UNITS`; None where the file does not say.
    stretches
        Where there are samples, in order, without overlap.
    notes
        What was understood of the file, or is strange about it: sentences' ends, as ``"has 3 missing rows"``.
    """

    def __init__(
        self,
        *,
        channels: int,
        stretches: Sequence[Stretch],
        rate: float | None = None,
        unit: str | None = None,
        notes: Sequence[str] = (),
    ) -> None:
        self.channels = channels
        self.stretches = tuple(stretches)
        self.rate = rate
        self.unit = unit
        self.notes = tuple(notes)
        self._starts = np.cumsum([0, *(stretch.count for stretch in self.stretches)])
        self._lock = threading.Lock()

    @property
    def samples(self) -> int:
        """How many samples there are, without those that are missing."""
        return int(self._starts[-1])

    def read(self, begin: int, count: int) -> Values:
        """Samples `begin` to `begin + count - 1`, which lie in one stretch; shape (count, channels), as in the file.

        Threads may call it at the same time. Fewer samples come where the file ends before its header says.

        Raises
        ------
        DataError
            There are no such samples, or the file cannot be read.
        """
        for stretch, start in zip(self.stretches, self._starts, strict=False):
            if stretch.begin <= begin and begin + count <= stretch.end:
                with self._lock:
                    return self._rows(int(start) + begin - stretch.begin, count)
        raise DataError(f"has no samples {begin} to {begin + count - 1} in one piece")

    def read_all(self) -> Values:
        """All samples, shape (samples, channels), gaps left out."""
        with self._lock:
            return self._rows(0, self.samples)

    @abstractmethod
    def _rows(self, start: int, count: int) -> Values:
        """Rows of the file from `start`, counted without what is missing; one thread at a time."""


class ArrayReader(Reader):
    """A recording that is held in memory.

    Parameters
    ----------
    values
        Shape (n, channels), without what is missing.
    stretches
        None: one, from 0.
    rate, unit, notes
        As in :class:`Reader`.
    """

    def __init__(
        self,
        values: Values,
        *,
        rate: float | None = None,
        unit: str | None = None,
        stretches: Sequence[Stretch] | None = None,
        notes: Sequence[str] = (),
    ) -> None:
        whole = [Stretch(0, len(values))] if stretches is None else stretches
        super().__init__(channels=values.shape[1], stretches=whole, rate=rate, unit=unit, notes=notes)
        self._values = values

    @property
    def size(self) -> int:
        """Bytes that it holds."""
        return self._values.nbytes

    def rows(self, start: int, count: int) -> Values:
        """Rows from `start`, counted without what is missing."""
        return self._values[start : start + count]

    def _rows(self, start: int, count: int) -> Values:
        return self.rows(start, count)


class SpooledReader(Reader):
    """A recording that can only be decoded from its beginning to its end: kept in a temporary file, not in memory.

    Parameters
    ----------
    chunks
        The samples in order, each of shape (n, channels), without what is missing; at least one chunk.
    stretches
        None: one, from 0. It is looked at after the last chunk, so whoever makes the chunks may fill the list.
    rate, unit, notes
        As in :class:`Reader`; they may be set later.
    """

    def __init__(
        self,
        chunks: Iterable[Values],
        *,
        rate: float | None = None,
        unit: str | None = None,
        stretches: Sequence[Stretch] | None = None,
        notes: Sequence[str] = (),
    ) -> None:
        self._file = tempfile.TemporaryFile(prefix="tocsin-")  # noqa: SIM115  (closed with the reader)
        channels, count = 0, 0
        for chunk in chunks:
            channels = chunk.shape[1]
            count += len(chunk)
            self._file.write(np.ascontiguousarray(chunk, np.float64).data)
        whole = [Stretch(0, count)] if stretches is None else stretches
        super().__init__(channels=channels, stretches=whole, rate=rate, unit=unit, notes=notes)

    def _rows(self, start: int, count: int) -> Values:
        width = 8 * self.channels
        self._file.seek(start * width)
        return np.frombuffer(self._file.read(count * width), np.float64).reshape(-1, self.channels)


ARRAY_MAX = 32 << 20
"""Bytes of an :class:`ArrayReader` that is kept as it is; several recordings are open at a time."""


def lean(reader: Reader) -> Reader:
    """The same recording, from a temporary file where it would hold much memory for as long as it is open."""
    if not isinstance(reader, ArrayReader) or reader.size <= ARRAY_MAX:
        return reader
    rows = max(1, ARRAY_MAX // (8 * reader.channels))
    chunks = (reader.rows(at, rows) for at in range(0, reader.samples, rows))
    return SpooledReader(chunks, rate=reader.rate, unit=reader.unit, stretches=reader.stretches, notes=reader.notes)
