# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Parquet: a table with a column a channel, and perhaps times, or the rate in its metadata."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import IO, Any

import numpy as np

from .arrayformat import ArrayFormat
from .filearray import FileArray
from .named import Contents, Named, rate_of, unit_of

_ROWS = 1 << 16


def _load(path: Path) -> Contents:
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = pq.ParquetFile(path)
    found = Contents(tables={""})
    found.scalars |= {("", name): value for name, value in _metadata(file.schema_arrow.metadata).items()}
    fields = [field for field in file.schema_arrow if _kind(pa, field.type)]
    spooled: list[tuple[Any, IO[bytes]]] = [(field, _spool()) for field in fields]
    rows = 0
    for batch in file.iter_batches(_ROWS, columns=[field.name for field in fields]):
        rows += batch.num_rows
        for (field, spool), column in zip(spooled, batch.columns, strict=True):
            spool.write(np.ascontiguousarray(_numbers(pa, field.type, column)).data)
    for field, spool in spooled:
        said = {key.decode(): value for key, value in (field.metadata or {}).items()}
        rate, _ = rate_of(said)
        data = FileArray(spool, _kind(pa, field.type), (rows,))
        found.arrays.append(Named(field.name, data, rate=rate, unit=unit_of(said)))
    return found


def _spool() -> IO[bytes]:
    """A file that is gone when it is closed, as it is with the last array in it."""
    return tempfile.TemporaryFile(prefix="tocsin-")


def _kind(pa: Any, kind: Any) -> str:
    """Type in which a column is kept; empty where it is neither number nor time."""
    if pa.types.is_timestamp(kind):
        return "i8"
    number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    return "f8" if number or pa.types.is_duration(kind) or pa.types.is_time(kind) else ""


def _numbers(pa: Any, kind: Any, column: Any) -> Any:
    """A column's part: whole nanoseconds for points in time, seconds for lengths of time, else the numbers."""
    if pa.types.is_timestamp(kind):
        return column.cast(pa.timestamp("ns")).cast(pa.int64()).to_numpy(zero_copy_only=False)
    if pa.types.is_duration(kind):
        return column.cast(pa.duration("ns")).cast(pa.int64()).cast(pa.float64(), safe=False).to_numpy() * 1e-9
    if pa.types.is_time(kind):
        return column.cast(pa.time64("ns")).cast(pa.int64()).cast(pa.float64(), safe=False).to_numpy() * 1e-9
    # What is missing is NaN.
    return column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)


def _metadata(raw: dict[bytes, bytes] | None) -> dict[str, Any]:
    """Names and values of the file, and those that pandas keeps for a frame (`DataFrame.attrs`)."""
    said: dict[str, Any] = {key.decode("utf-8", "replace"): value for key, value in (raw or {}).items()}
    for key in ("pandas", "PANDAS_ATTRS"):
        try:
            kept = json.loads(said.pop(key, b"{}"))
        except ValueError:
            continue
        more = kept.get("attributes", {}) if key == "pandas" else kept
        said |= more if isinstance(more, dict) else {}
    said.pop("ARROW:schema", None)
    return said


_format = ArrayFormat(_load, "Parquet file")
array_names, count_recordings, open_reader = _format.array_names, _format.count_recordings, _format.open_reader
