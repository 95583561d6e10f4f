# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Formats whose files hold arrays by name, as the registry wants them."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import DataError
from ..reader import ArrayReader, Reader
from ..text import timebase, units
from .clock import clock
from .layout import READING, ArraysReader, Layout, layout_of, parsing
from .meaning import is_foreign, recordings_of
from .named import Contents, Named, Recordings

if TYPE_CHECKING:
    from . import Source

_KEPT = 8
_opened: OrderedDict[tuple[str, int, int], dict[str, Recordings]] = OrderedDict()
_lock = threading.Lock()


def _contents(path: Path, load: Callable[[Path], Contents], what: str) -> dict[str, Recordings]:
    """Recordings of a file by name; a file that was open a moment ago is not parsed again."""
    try:
        state = path.stat()
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror or error})") from error
    key = (os.fspath(path), state.st_mtime_ns, state.st_size)
    with _lock:
        if key in _opened:
            _opened.move_to_end(key)
            return _opened[key]
    with READING, parsing(what):
        found = recordings_of(load(path))
    if not found:
        raise DataError("holds no arrays of numbers")
    with _lock:
        _opened[key] = found
        while len(_opened) > _KEPT:
            _opened.popitem(last=False)
    return found


class ArrayFormat:
    """What a format's module gives the registry, for files of named arrays.

    Parameters
    ----------
    load
        Lists what a file holds.
    what
        Such a file should be: ``"MATLAB file"``.
    """

    def __init__(self, load: Callable[[Path], Contents], what: str) -> None:
        self._load, self._what = load, what

    def array_names(self, path: Path) -> list[str]:
        """Names of the recordings in a file.

        Raises
        ------
        DataError
            The file is malformed, or holds no arrays of numbers.
        """
        return sorted(_contents(path, self._load, self._what))

    def count_recordings(self, path: Path, array: str) -> int:
        """How many recordings there are under a name.

        Raises
        ------
        DataError
            There are none, or they cannot be used.
        """
        return self._layout(self._find(path, array)).count

    def open_reader(self, source: Source) -> Reader:
        """One recording; index -1 takes all under a name as one.

        Raises
        ------
        DataError
            There is no such recording, or it cannot be used.
        """
        one = self._find(source.path, source.array)
        layout = self._layout(one)
        if source.index >= layout.count:
            raise DataError(f"has no recording {source.index}, only {layout.count}")
        with READING, parsing(self._what):
            if source.index < 0 and layout.count > 1:
                parts = [_reader(one, layout, i, source.columns) for i in range(layout.count)]
                values = np.concatenate([part.read_all() for part in parts])
                return ArrayReader(values, rate=parts[0].rate, unit=parts[0].unit, notes=parts[0].notes)
            return _reader(one, layout, max(source.index, 0), source.columns)

    def _find(self, path: Path, name: str) -> Recordings:
        found = _contents(path, self._load, self._what)
        if name not in found:
            raise DataError(f"has no array {name}, only {', '.join(sorted(found))}")
        return found[name]

    @staticmethod
    def _layout(one: Recordings) -> Layout:
        """Layout of recordings that can be used."""
        first = one.arrays[0]
        if first.refused or first.data is None:
            raise DataError(first.refused or "cannot be read")
        if first.data.dtype.kind not in "iuf":
            what = "complex numbers" if first.data.dtype.kind == "c" else f"{first.data.dtype}, no numbers"
            raise DataError(f"holds {what}: samples are whole or floating-point numbers")
        if 0 in first.data.shape:
            raise DataError("holds no samples")
        return layout_of(first.data.shape, rows_are_channels=one.rows_are_channels, flat=len(one.arrays) > 1)


def _reader(one: Recordings, layout: Layout, index: int, columns: tuple[str, ...] | None) -> Reader:
    """One recording of an array or of arrays."""
    names = one.channels if len(one.arrays) > 1 else tuple(str(i) for i in range(layout.channels))
    time, rest = one.time, list(range(len(names)))
    if len(one.arrays) == 1 and time is None and layout.count == 1 and layout.channels > 1 and columns is None:
        time, rest = _time_among(one.arrays[0], layout)
    stretches, rate, notes = clock(time, one.rate, layout.samples)
    chosen, more = _choose(one, names, rest, columns)
    unit, about = _unit([one.arrays[i if len(one.arrays) > 1 else 0] for i in chosen])
    said = [note for note in (*one.notes, layout.note, *notes, *more, *about) if note]
    if len(one.arrays) > 1:
        said.append(f"with the channels {', '.join(names[i] for i in chosen)}")
    return ArraysReader(layout, index, one.arrays, chosen, rate=rate, unit=unit, stretches=stretches, notes=said)


class _Column:
    """One column of an array of two dimensions, as an array of its own."""

    def __init__(self, data: Any, axis: int, index: int) -> None:
        self._data, self._axis, self._index = data, axis, index
        self.shape = (data.shape[1 - axis],)
        self.dtype = data.dtype

    def __getitem__(self, key: Any) -> Any:
        rows = key[0] if isinstance(key, tuple) else key
        return self._data[(rows, self._index) if self._axis else (self._index, rows)]


def _time_among(array: Named, layout: Layout) -> tuple[Named | None, list[int]]:
    """The column of an array that only rises evenly, and the others."""
    every = list(range(layout.channels))
    channel = layout.axes[2]
    if channel is None or array.data is None or len(array.data.shape) != 2:
        return None, every
    for i in every:
        column = _Column(array.data, channel, i)
        if timebase.is_even(np.asarray(column[0:4096], np.float64)):
            return Named("?", column), [other for other in every if other != i]
    return None, every


def _choose(
    one: Recordings, names: Sequence[str], rest: list[int], columns: tuple[str, ...] | None
) -> tuple[list[int], list[str]]:
    """Numbers of the channels to take, and what was left out."""
    if columns is not None:
        wanted = [names.index(c) if c in names else int(c) if c.isdigit() else -1 for c in columns]
        missing = [c for c, i in zip(columns, wanted, strict=True) if not 0 <= i < len(names)]
        if missing:
            raise DataError(f"has no column {', '.join(missing)} (only {', '.join(names)})")
        return wanted, []
    foreign = [i for i in rest if len(one.arrays) > 1 and is_foreign(one.arrays[i])]
    kept = [i for i in rest if i not in foreign] or rest
    if len(kept) > 3:
        shown = ", ".join(names[i] for i in kept[:12]) + (", …" if len(kept) > 12 else "")
        raise DataError(f"has {len(kept)} channels ({shown}); choose 1 to 3 with --columns")
    left = [names[i] for i in rest if i not in kept]
    return kept, [f"with {', '.join(left)} left out: it is no acceleration"] if left else []


def _unit(arrays: Sequence[Named]) -> tuple[str | None, list[str]]:
    """The unit of channels, and what is odd about it.

    Raises
    ------
    DataError
        They have different ones.
    """
    found = {units.unit_of(array.unit) if array.unit else units.split_name(array.name)[1] for array in arrays}
    if len(found) > 1:
        shown = ", ".join(sorted(item[1] if item else "none" for item in found))
        raise DataError(f"has channels of different units ({shown}); choose with --columns")
    said = found.pop()
    if said is None:
        unknown = sorted({array.unit for array in arrays if array.unit})
        return None, [f"in {unknown[0]}, a unit that is not known"] if unknown else []
    if said[0] != "acceleration":
        return None, [f"in {said[1]}, which is no acceleration"]
    return said[1], []
