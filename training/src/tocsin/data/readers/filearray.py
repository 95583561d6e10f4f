# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""An array in a file, of which only what is asked for is read: mapped memory would count as the process's own."""

from __future__ import annotations

import math
import tempfile
import threading
from typing import IO, Any

import numpy as np

# Bytes up to which an array may stay in memory for as long as its file is open.
_SMALL = 1 << 16
# Rows that are read whole where a part of each is wanted.
_NARROW = 4096


class FileArray:
    """Part of a file as an array.

    Parameters
    ----------
    file
        Open for reading; it stays open as long as the array is used.
    dtype, shape
        Of the array.
    offset
        Byte at which it begins.
    columns_first
        Whether it is in column-major order.
    """

    def __init__(
        self, file: IO[bytes], dtype: Any, shape: tuple[int, ...], offset: int = 0, *, columns_first: bool = False
    ) -> None:
        self._file, self._offset, self._reversed = file, offset, columns_first
        self._lock = threading.Lock()
        self.shape, self.dtype = shape, np.dtype(dtype)

    @property
    def size(self) -> int:
        """Numbers in it."""
        return math.prod(self.shape)

    @property
    def end(self) -> int:
        """Byte behind its last."""
        return int(self._offset + self.size * self.dtype.itemsize)

    def __getitem__(self, key: Any) -> Any:
        """What whole numbers and slices without a step choose."""
        keys = key if isinstance(key, tuple) else (key,)
        keys += (slice(None),) * (len(self.shape) - len(keys))
        if self._reversed:
            return np.transpose(self._part(self._offset, self.shape[::-1], keys[::-1]))
        return self._part(self._offset, self.shape, keys)

    def _part(self, offset: int, shape: tuple[int, ...], keys: tuple[Any, ...]) -> Any:
        """Part of the array of `shape`, in row-major order, that begins at byte `offset`."""
        if not shape:
            return self._read(offset, 1)[0]
        width = math.prod(shape[1:])
        step = width * self.dtype.itemsize
        if not isinstance(keys[0], slice):
            return self._part(offset + int(keys[0]) * step, shape[1:], keys[1:])
        begin, end, _ = keys[0].indices(shape[0])
        end = max(begin, end)
        whole = all(isinstance(key, slice) and key == slice(None) for key in keys[1:])
        if whole or width <= _NARROW:
            rows = self._read(offset + begin * step, (end - begin) * width).reshape(end - begin, *shape[1:])
            inner = (slice(None), *keys[1:])
            return rows if whole else rows[inner]
        return np.stack([self._part(offset + i * step, shape[1:], keys[1:]) for i in range(begin, end)])

    def _read(self, offset: int, count: int) -> Any:
        with self._lock:
            self._file.seek(offset)
            data = self._file.read(count * self.dtype.itemsize)
        found = np.frombuffer(data, self.dtype)
        if len(found) != count:
            raise ValueError("it ends before its header says")
        return found


def spooled(array: Any) -> Any:
    """The same array from a temporary file, where it would hold much memory for as long as it is used."""
    if array.nbytes <= _SMALL:
        return array
    file = tempfile.TemporaryFile(prefix="tocsin-")  # noqa: SIM115  (the array holds it)
    file.write(np.ascontiguousarray(array).data)
    return FileArray(file, array.dtype, array.shape)
