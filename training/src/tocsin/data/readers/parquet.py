# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Parquet: a table with a column a channel, and perhaps times, or the rate in its metadata.

Where cells hold lists of numbers, each row is a recording, and columns of lists are its channels.
"""

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
# Rows of lists, each of which may be a recording.
_LISTS = 64


def _load(path: Path) -> Contents:
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = pq.ParquetFile(path)
    found = Contents(tables={""})
    found.scalars |= {("", name): value for name, value in _metadata(file.schema_arrow.metadata).items()}
    lists = [field for field in file.schema_arrow if _is_list(pa, field.type)]
    fields = lists or [field for field in file.schema_arrow if _kind(pa, field.type)]
    left = [field.name for field in file.schema_arrow if field not in fields]
    if left:
        why = "beside lists, one value a recording is not read" if lists else "they hold no numbers"
        found.notes.append(f"with the columns {', '.join(left)} left out: {why}")
    found.arrays += _recordings(pa, file, lists) if lists else _columns(pa, file, fields)
    return found


def _columns(pa: Any, file: Any, fields: list[Any]) -> list[Named]:
    """Columns of numbers and times, a sample a row."""
    spooled: list[tuple[Any, IO[bytes]]] = [(field, _spool()) for field in fields]
    rows = 0
    for batch in file.iter_batches(_ROWS, columns=[field.name for field in fields]):
        rows += batch.num_rows
        for (field, spool), column in zip(spooled, batch.columns, strict=True):
            spool.write(np.ascontiguousarray(_numbers(pa, field.type, column)).data)
    return [_named(field, FileArray(spool, _kind(pa, field.type), (rows,))) for field, spool in spooled]


def _recordings(pa: Any, file: Any, fields: list[Any]) -> list[Named]:
    """Columns of lists of one length, a recording a row; those of several lengths cannot be used."""
    import pyarrow.compute as pc

    spools = [_spool() for _ in fields]
    lengths: list[set[int]] = [set() for _ in fields]
    rows = 0
    for batch in file.iter_batches(_LISTS, columns=[field.name for field in fields]):
        rows += batch.num_rows
        for field, spool, seen, column in zip(fields, spools, lengths, batch.columns, strict=True):
            seen |= {length or 0 for length in pc.list_value_length(column).to_pylist()}
            spool.write(np.ascontiguousarray(_numbers(pa, field.type.value_type, column.flatten())).data)
    found = []
    for field, spool, seen in zip(fields, spools, lengths, strict=True):
        if len(seen) == 1:
            found.append(_named(field, FileArray(spool, "f8", (rows, *seen))))
        else:
            why = f"holds lists of {min(seen, default=0)} to {max(seen, default=0)} numbers"
            found.append(_named(field, None, f"{why}: write lists of one length, or a file for each recording"))
    return found


def _named(field: Any, data: FileArray | None, refused: str = "") -> Named:
    """A column with the rate and unit of its metadata."""
    said = {key.decode(): value for key, value in (field.metadata or {}).items()}
    return Named(field.name, data, rate=rate_of(said)[0], unit=unit_of(said), refused=refused)


def _is_list(pa: Any, kind: Any) -> bool:
    """Whether each cell of a column holds a list of numbers."""
    lists = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    return bool(lists) and _kind(pa, kind.value_type) == "f8"


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
