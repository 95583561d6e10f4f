# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""NumPy's ``.npz`` and ``.npy``, of which only what is asked for is held in memory."""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np

from ...errors import DataError
from .arrayformat import ArrayFormat
from .filearray import FileArray
from .named import Contents, Named

PICKLED = "holds Python objects, and unpickling them can run code: save it as an array of numbers"


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, column-major order and type of the ``.npy`` that `file` begins with."""
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        return np.lib.format.read_array_header_1_0(file)
    return np.lib.format.read_array_header_2_0(file)


def _array(file: IO[bytes]) -> FileArray | None:
    """The array of an ``.npy``; None where it would have to be unpickled."""
    shape, columns_first, dtype = _header(file)
    if dtype.hasobject:
        return None
    found = FileArray(file, dtype, shape, file.tell(), columns_first=columns_first)
    file.seek(0, os.SEEK_END)
    if file.tell() < found.end:
        raise DataError("ends before its header says")
    return found


def _unpacked(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> IO[bytes]:
    """A member of an archive as a file of its own, gone when it is closed. Its checksum is compared on the way."""
    file = tempfile.TemporaryFile(prefix="tocsin-")  # noqa: SIM115  (the array holds it)
    with archive.open(member) as packed:
        shutil.copyfileobj(packed, file, 1 << 20)
    file.seek(0)
    return file


class _Field:
    """One field of a structured array."""

    def __init__(self, data: Any, name: str) -> None:
        self._data, self._name = data, name
        self.shape = data.shape
        self.dtype = data.dtype[name]

    def __getitem__(self, key: Any) -> Any:
        return self._data[key][self._name]


def add_array(found: Contents, name: str, data: Any, group: str = "", **said: Any) -> None:
    """Add an array to what a file holds: as a number or a text, as the columns of a table, or as an array.

    Fields of a structured array that are arrays themselves are left out, as text is.
    """
    if data.dtype.names:
        table = Named(name, data, group).path
        found.tables.add(table)
        for field in data.dtype.names:
            if data.dtype[field].kind in "iufM" and not data.dtype[field].shape:
                found.arrays.append(Named(field, _Field(data, field), table, **said))
    elif data.size == 1 and data.dtype.kind in "iufUSb":
        found.scalars[group, name] = np.asarray(data[()])
    elif data.dtype.kind in "iufcM":
        found.arrays.append(Named(name, data, group, **said))


def _load(path: Path) -> Contents:
    found = Contents()
    if path.suffix.lower() == ".npy":
        data = _array(path.open("rb"))
        if data is None:
            raise DataError(PICKLED)
        add_array(found, "", data)
        return found
    with zipfile.ZipFile(path) as archive:
        for member in sorted(archive.infolist(), key=lambda member: member.filename):
            name, dot, suffix = member.filename.rpartition(".")
            if not dot or suffix != "npy":
                continue
            data = _array(_unpacked(archive, member))
            if data is None:
                found.arrays.append(Named(name, None, refused=PICKLED))
            else:
                add_array(found, name, data)
    return found


_format = ArrayFormat(_load, "NumPy file")
array_names, count_recordings, open_reader = _format.array_names, _format.count_recordings, _format.open_reader
