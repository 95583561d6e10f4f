# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""MATLAB's ``.mat``: version 4 to 7 by SciPy, 7.3 as the HDF5 that it is. Structures and cells are taken apart."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import DataError
from .arrayformat import ArrayFormat
from .filearray import spooled
from .hdf5 import rows_are_channels
from .named import Contents, Named

OPAQUE = "is a MATLAB object, such as a table or timeseries: save its numbers as an array"
_DEEPEST = 8


class _Transposed:
    """A dataset as MATLAB sees it: HDF5 has its axes in the other order."""

    def __init__(self, data: Any) -> None:
        self._data = data
        self.shape = tuple(reversed(data.shape))
        self.dtype = data.dtype

    def __getitem__(self, key: Any) -> Any:
        whole = key if isinstance(key, tuple) else (key,)
        whole += (slice(None),) * (len(self.shape) - len(whole))
        return np.transpose(self._data[tuple(reversed(whole))])


def _add(found: Contents, name: str, group: str, data: Any) -> None:
    """Add a variable: a number, a text or an array. Axes of length 1, which MATLAB gives to every vector, are cut."""
    sides = tuple(side for side in data.shape if side != 1)
    kind = data.dtype.kind
    if kind in "US" or (kind in "iufb" and not sides):
        if math.prod(data.shape) == 1:
            found.scalars[group, name] = np.asarray(data[(0,) * len(data.shape)])
    elif kind in "iufc" and 0 not in data.shape:
        if isinstance(data, np.ndarray):
            data = spooled(data)
        found.arrays.append(Named(name, data if len(sides) > 1 or len(data.shape) < 2 else _Vector(data), group))


class _Vector:
    """A row or a column as an array of one dimension."""

    def __init__(self, data: Any) -> None:
        self._data = data
        self._axis = max(range(len(data.shape)), key=lambda i: data.shape[i])
        self.shape = (data.shape[self._axis],)
        self.dtype = data.dtype

    def __getitem__(self, key: Any) -> Any:
        rows = key[0] if isinstance(key, tuple) else key
        return self._data[tuple(rows if i == self._axis else 0 for i in range(len(self._data.shape)))]


def _walk(found: Contents, name: str, group: str, value: Any, depth: int = 0) -> None:
    """Add a variable of SciPy's, and what is in it."""
    if depth > _DEEPEST or not isinstance(value, np.ndarray):
        return
    path = Named(name, None, group).path
    if type(value).__name__ == "MatlabOpaque":
        found.arrays.append(Named(name, None, group, refused=OPAQUE))
    elif value.dtype.names:
        for i, element in enumerate(value.reshape(-1)):
            inside = path if value.size == 1 else f"{path}[{i}]"
            for field in value.dtype.names:
                # Structures of the data-acquisition tools name their channels in a field beside the numbers.
                called = _called(element, value.dtype.names) if field.lower() in ("data", "values") else ""
                _walk(found, called or field, path if called else inside, element[field], depth + 1)
    elif value.dtype.kind == "O":
        for i, element in enumerate(value.reshape(-1)):
            _walk(found, name if value.size == 1 else f"{name}[{i}]", group, element, depth + 1)
    else:
        _add(found, name, group, value)


def _called(element: Any, fields: tuple[str, ...]) -> str:
    """Text of a field called name; empty where there is none."""
    field = next((field for field in fields if field.lower() == "name"), None)
    value = np.asarray(element[field]).reshape(-1) if field else np.empty(0)
    return str(value[0]) if value.size == 1 and value.dtype.kind == "U" else ""


def _walk_hdf5(found: Contents, name: str, group: str, node: Any, file: Any, depth: int = 0) -> None:
    """Add a variable of a 7.3 file, and what is in it."""
    import h5py

    said = node.attrs.get("MATLAB_class", b"")
    kind = said.decode("ascii", "replace") if isinstance(said, bytes) else str(said)
    path = Named(name, None, group).path
    if depth > _DEEPEST or "MATLAB_empty" in node.attrs:
        return
    if "MATLAB_object_decode" in node.attrs:
        found.arrays.append(Named(name, None, group, refused=OPAQUE))
    elif isinstance(node, h5py.Group):
        for field in node:
            _walk_hdf5(found, field, path, node[field], file, depth + 1)
    elif h5py.check_ref_dtype(node.dtype) is not None:
        # A cell, or one field of an array of structures.
        for i, reference in enumerate(np.asarray(node).reshape(-1)):
            if reference:
                element = name if node.size == 1 else f"{name}[{i}]"
                _walk_hdf5(found, element, group, file[reference], file, depth + 1)
    elif kind == "char":
        found.scalars[group, name] = "".join(map(chr, np.asarray(node).reshape(-1)[:1000]))
    elif node.dtype.kind == "V":
        found.arrays.append(Named(name, None, group, refused="holds complex numbers"))
    else:
        _add(found, name, group, _Transposed(node))


def _load(path: Path) -> Contents:
    with path.open("rb") as file:
        head = file.read(128)
    found = Contents(few=True)
    if head.startswith(b"MATLAB 7.3") or _is_hdf5(path):
        _load_hdf5(path, found)
    else:
        from scipy.io import loadmat

        for name, value in loadmat(path, appendmat=False).items():
            if not name.startswith("__"):
                _walk(found, name, "", value)
    found.rows_are_channels = rows_are_channels(found)
    return found


def _is_hdf5(path: Path) -> bool:
    """Whether the signature stands where HDF5 allows it behind MATLAB's header."""
    with path.open("rb") as file:
        return any(file.seek(at) is not None and file.read(8) == b"\x89HDF\r\n\x1a\n" for at in (0, 512))


def _load_hdf5(path: Path, found: Contents) -> None:
    try:
        import h5py
    except ImportError as error:
        raise DataError('is of version 7.3, which needs the package h5py: pip install "tocsin[matlab]"') from error

    file = h5py.File(path, "r")
    for name in file:
        if not name.startswith("#"):
            _walk_hdf5(found, name, "", file[name], file)


_format = ArrayFormat(_load, "MATLAB file")
array_names, count_recordings, open_reader = _format.array_names, _format.count_recordings, _format.open_reader
