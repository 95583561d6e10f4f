# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Tables of numbers in text files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ...errors import DataError
from .reader import ArrayReader, Reader

if TYPE_CHECKING:
    from . import Source

_TIME = re.compile(r"(t|time|timestamp|ms|us|s|seconds|index)\b", re.IGNORECASE)


def _read_csv(path: Path, columns: Sequence[str] | None) -> npt.NDArray[np.float64]:
    """Numbers of a table, shape (samples, channels)."""
    try:
        lines = [line for line in path.read_text("utf-8-sig").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"not a readable table ({error})") from error
    if not lines:
        raise DataError("holds no samples")
    delimiter = next((d for d in (",", ";", "\t") if d in lines[0]), None)
    first = [cell.strip().strip('"') for cell in lines[0].split(delimiter)]
    try:
        [float(cell) for cell in first]
        header: list[str] = []
    except ValueError:
        header = first
    try:
        table = np.loadtxt(lines[1 if header else 0 :], delimiter=delimiter, ndmin=2)
    except ValueError as error:
        raise DataError(f"not a table of numbers ({error})") from error
    if table.size == 0:
        raise DataError("holds no samples")
    if columns is not None:
        names = header or [str(i) for i in range(table.shape[1])]
        wanted = [c if c in names else names[int(c)] if _is_index(c, names) else c for c in columns]
        missing = [c for c in wanted if c not in names]
        if missing:
            raise DataError(f"has no column {', '.join(missing)} (only {', '.join(names)})")
        return np.asarray(table[:, [names.index(c) for c in wanted]], np.float64)
    kept = [i for i in range(table.shape[1]) if not (header and _TIME.match(header[i]))]
    if not 1 <= len(kept) <= 3:
        raise DataError(f"has {len(kept)} columns of samples; choose 1 to 3 with --columns")
    return np.asarray(table[:, kept], np.float64)


def _is_index(text: str, names: Sequence[str]) -> bool:
    return text.isdigit() and int(text) < len(names)


def open_reader(source: Source) -> Reader:
    """Read a table."""
    return ArrayReader(_read_csv(source.path, source.columns))
