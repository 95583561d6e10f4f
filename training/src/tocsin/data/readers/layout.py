# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Recordings that are arrays: which axis is time and which are channels, and a reader of the part that is asked for."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import DataError
from ..reader import Reader, Values
from .named import FEW, Named

# h5py and npTDMS share one file among the recordings in it.
READING = threading.RLock()


@contextmanager
def parsing(what: str) -> Iterator[None]:
    """Turn whatever a parser raises over a malformed file into a :class:`DataError`.

    Raises
    ------
    DataError
        With `what` the file should be.
    """
    try:
        yield
    except DataError:
        raise
    except MemoryError as error:
        raise DataError(f"not a readable {what} (it asks for more memory than there is)") from error
    except Exception as error:
        text = " ".join(str(error).split())[:200].rstrip(".") or type(error).__name__
        raise DataError(f"not a readable {what} ({text})") from error


@dataclass(frozen=True)
class Layout:
    """Which axis of an array is what.

    Attributes
    ----------
    count, samples, channels
        Recordings, samples of each, and channels of each.
    axes
        Of the array, for recording, sample and channel; None where it has no such axis.
    note
        What was decided where the shape does not tell; empty where it does.
    """

    count: int
    samples: int
    channels: int
    axes: tuple[int | None, int | None, int | None]
    note: str = ""


def layout_of(shape: tuple[int, ...], *, rows_are_channels: bool = False, flat: bool = False) -> Layout:
    """Say what the axes of a shape are.

    ``[samples]``, ``[samples, channels]``, ``[recordings, samples]``, ``[recordings, samples, channels]`` and, where
    the middle is short, ``[recordings, channels, samples]``.

    Parameters
    ----------
    shape
        Of the array.
    rows_are_channels
        Whether two or three long rows are channels.
    flat
        Whether each sample is one number whatever the shape says: ``[samples]`` or ``[recordings, samples]``.

    Raises
    ------
    DataError
        It is none of these.
    """
    if len(shape) == 1:
        return Layout(1, shape[0], 1, (None, 0, None))
    if len(shape) == 2:
        rows, columns = shape
        if flat or (rows == 1 and columns > 3):
            return Layout(1, rows, 1, (None, 0, 1)) if columns == 1 else Layout(rows, columns, 1, (0, 1, None))
        if rows_are_channels and 1 < rows <= 3 and columns >= 2 * FEW:
            return Layout(1, columns, rows, (None, 1, 0), f"with {rows} rows of {columns}, taken for channels")
        if columns <= 3 or (columns < FEW and rows >= 2 * FEW):
            return Layout(1, rows, columns, (None, 0, 1))
        return Layout(rows, columns, 1, (0, 1, None))
    if len(shape) == 3:
        count, samples, channels = shape
        if channels <= 3 or (channels < FEW and samples >= 2 * FEW):
            return Layout(count, samples, channels, (0, 1, 2))
        if samples <= 3:
            return Layout(count, channels, samples, (0, 2, 1), "with the channels before the samples")
    raise DataError(f"shape {shape}: wanted [recordings, samples, channels] with 1 to 3 channels")


class ArraysReader(Reader):
    """A recording of arrays, read where it lies.

    Parameters
    ----------
    layout, index, arrays
        The recording is the `index`-th; several arrays are a channel each.
    chosen
        Channels to take.
    **said
        `rate`, `unit`, `stretches` and `notes`, as in :class:`Reader`.
    """

    def __init__(
        self,
        layout: Layout,
        index: int,
        arrays: Sequence[Named],
        chosen: Sequence[int],
        **said: Any,
    ) -> None:
        super().__init__(channels=len(chosen), **said)
        self._layout, self._index, self._chosen = layout, index, list(chosen)
        self._arrays = [array.data for array in arrays if array.data is not None]

    def _rows(self, start: int, count: int) -> Values:
        with READING, parsing("array"):
            if len(self._arrays) > 1:
                parts = [self._part(self._arrays[i], start, count)[:, 0] for i in self._chosen]
                return np.stack(parts, axis=1)
            return self._part(self._arrays[0], start, count)[:, self._chosen]

    def _part(self, data: Any, start: int, count: int) -> Values:
        """Samples of one array, shape (count, channels)."""
        recording, sample, channel = self._layout.axes
        key: list[Any] = [slice(None)] * len(data.shape)
        if recording is not None:
            key[recording] = self._index
        if sample is not None:
            key[sample] = slice(start, start + count)
        found = np.asarray(data[tuple(key)], np.float64)
        if channel is not None and sample is not None and channel < sample:
            found = found.T
        return found.reshape(len(found), -1)
