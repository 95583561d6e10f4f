# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""HDF5: datasets, whose rate and unit attributes say, or numbers beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from .arrayformat import ArrayFormat
from .named import Contents, Named, rate_of, unit_of
from .npz import add_array

ELSEWHERE = "has its numbers in another file: copy them into this one"


def add_dataset(found: Contents, name: str, group: str, dataset: Any) -> None:
    """Add a dataset with what its attributes say."""
    said = dict(dataset.attrs)
    rate, _ = rate_of(said)
    if dataset.external or dataset.is_virtual:
        found.arrays.append(Named(name, None, group, refused=ELSEWHERE))
    elif dataset.shape is None:
        return
    elif dataset.shape == () or dataset.dtype.kind in "OSU":
        if dataset.size == 1:
            found.scalars[group, name] = np.asarray(dataset).reshape(-1)[0]
    else:
        add_array(found, name, dataset, group, rate=rate, unit=unit_of(said))


def add_attributes(found: Contents, group: str, node: Any) -> None:
    """Take the attributes of a group as numbers and texts that stand in it."""
    for name, value in node.attrs.items():
        found.scalars.setdefault((group, name), value)


def _load(path: Path) -> Contents:
    import h5py

    found = Contents(few=True)
    file = h5py.File(path, "r")
    add_attributes(found, "", file)

    def visit(name: str, node: Any) -> None:
        group, _, last = name.rpartition("/")
        if isinstance(node, h5py.Dataset):
            add_dataset(found, last, group, node)
        else:
            add_attributes(found, name, node)

    # Links to other files are not followed.
    file.visititems(visit)
    found.rows_are_channels = rows_are_channels(found)
    return found


def rows_are_channels(found: Contents) -> bool:
    """Whether every array of two dimensions has three rows at most, so that rows are channels and not recordings."""
    shapes = [array.data.shape for array in found.arrays if array.data is not None]
    flat = [shape for shape in shapes if len(shape) == 2 and 1 not in shape]
    return bool(flat) and all(shape[0] <= 3 for shape in flat)


_format = ArrayFormat(_load, "HDF5 file")
array_names, count_recordings, open_reader = _format.array_names, _format.count_recordings, _format.open_reader
