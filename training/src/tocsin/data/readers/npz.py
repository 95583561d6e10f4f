# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Arrays of an ``.npz``: each holds one recording or several of one length."""

from __future__ import annotations

import threading
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ...errors import DataError
from .reader import ArrayReader, Reader

if TYPE_CHECKING:
    from . import Source

RATE_KEYS = ("rate", "sample_rate", "fs")

_cache: dict[tuple[Path, str], npt.NDArray[np.float64]] = {}
_cache_lock = threading.Lock()


def _load(path: Path, array: str) -> npt.NDArray[np.float64]:
    """One array of an ``.npz`` with axes (recording, sample, channel), kept for the next asker."""
    with _cache_lock:
        found = _cache.get((path, array))
        if found is None:
            try:
                with np.load(path, allow_pickle=False) as archive:
                    found = _axes(archive[array].astype(np.float64))
            except (OSError, ValueError, zipfile.BadZipFile, EOFError) as error:
                raise DataError(f"array {array} of {path.name} cannot be read ({error})") from error
            _cache[path, array] = found
    return found


def _axes(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Give `values` the axes (recording, sample, channel)."""
    if values.ndim == 1:
        return values[None, :, None]
    if values.ndim == 2:
        # Few columns are the axes of one recording, many are the samples of one-axis recordings.
        return values[None] if values.shape[1] <= 3 else values[:, :, None]
    if values.ndim == 3 and values.shape[2] <= 3:
        return values
    raise DataError(f"shape {values.shape}: wanted [recordings, samples, channels] with 1 to 3 channels")


def array_names(path: Path) -> list[str]:
    """Names of an ``.npz``'s arrays, without those that hold a rate.

    Raises
    ------
    DataError
        The file is not an ``.npz``.
    """
    return [name for name in _open(path)[0] if name not in RATE_KEYS]


def count_recordings(path: Path, array: str) -> int:
    """How many recordings an array holds.

    Raises
    ------
    DataError
        It cannot be read.
    """
    return int(_load(path, array).shape[0])


def _open(path: Path) -> tuple[list[str], int | None]:
    """Names of all arrays, sorted, and the rate where the file gives one, Hz."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            rates = [int(archive[key]) for key in RATE_KEYS if key in archive.files]
            return sorted(archive.files), rates[0] if rates else None
    except (OSError, ValueError, TypeError, AttributeError, zipfile.BadZipFile, EOFError) as error:
        raise DataError(f"{path} is not a readable .npz file ({error})") from error


def open_reader(source: Source) -> Reader:
    """One recording of an array; index -1 takes all of them as one."""
    whole = _load(source.path, source.array)
    values = whole.reshape(-1, whole.shape[2]) if source.index < 0 else whole[source.index]
    return ArrayReader(values, rate=_open(source.path)[1])
