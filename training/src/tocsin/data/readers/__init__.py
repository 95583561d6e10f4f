# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""File formats: each gives a :class:`Reader` of one recording, whatever the file is.

To add a format, write a module here with a function ``open_reader(source)`` and name it in :data:`FORMATS`. A format
whose files hold several recordings by name has ``array_names(path)`` and ``count_recordings(path, array)``, too. The
module is imported when the first such file is read. A format of named arrays only lists them, for
:class:`tocsin.data.readers.arrayformat.ArrayFormat`, which says what they mean.
"""

from __future__ import annotations

import atexit
import importlib
import importlib.util
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ...errors import DataError
from ..reader import ArrayReader, Reader, SpooledReader, Stretch, lean

__all__ = [
    "FORMATS",
    "ArrayReader",
    "Format",
    "Reader",
    "Source",
    "SpooledReader",
    "Stretch",
    "array_names",
    "count_recordings",
    "format_of",
    "open_reader",
    "suffixes",
    "unavailable",
]

Holds = Literal["sound", "numbers"]


@dataclass(frozen=True)
class Format:
    """A kind of file.

    Attributes
    ----------
    name
        For people.
    suffixes
        Of its files, in lower case, with the dot.
    module
        In this package.
    holds
        ``"sound"``: samples at int16 scale (unit ``"digits"``), which may be vibration where metadata say so;
        ``"numbers"``: physical values, always vibration.
    arrays
        Whether a file holds several recordings by name.
    needs
        The package that reads it, as imported; empty where Tocsin always has it.
    extra
        The extra of Tocsin that installs the package.
    """

    name: str
    suffixes: tuple[str, ...]
    module: str
    holds: Holds
    arrays: bool = False
    needs: str = ""
    extra: str = ""


# Of files that differ by the suffix alone, the one is taken that stands first here.
FORMATS = (
    Format(
        "sound",
        (
            *(".wav", ".wave", ".flac", ".w64", ".rf64", ".aiff", ".aif", ".aifc", ".caf"),
            *(".ogg", ".oga", ".opus", ".mp3"),
        ),
        "sound",
        "sound",
    ),
    Format(
        "sound in a container",
        (".m4a", ".m4b", ".mp4", ".mov", ".3gp", ".mka", ".mkv", ".webm", ".aac", ".wma", ".amr"),
        "media",
        "sound",
        needs="av",
        extra="audio",
    ),
    Format("TDMS", (".tdms",), "tdms", "numbers", arrays=True, needs="nptdms", extra="tdms"),
    Format("universal file", (".uff", ".unv", ".uf"), "uff", "numbers", arrays=True, needs="pyuff", extra="uff"),
    Format("HDF5", (".h5", ".hdf5", ".hdf", ".he5"), "hdf5", "numbers", arrays=True, needs="h5py", extra="hdf5"),
    Format("MATLAB", (".mat",), "mat", "numbers", arrays=True),
    Format("Parquet", (".parquet", ".pq"), "parquet", "numbers", arrays=True, needs="pyarrow", extra="parquet"),
    Format("NumPy", (".npz", ".npy"), "npz", "numbers", arrays=True),
    Format("text table", (".csv", ".tsv", ".txt", ".dat", ".asc"), "table", "numbers"),
)


@dataclass(frozen=True)
class Source:
    """Where a recording is, and how its file is to be understood.

    Attributes
    ----------
    path
        The file.
    array, index
        Which of several recordings in the file, as in :class:`tocsin.data.Clip`.
    columns, delimiter, decimal, time_column, time_unit
        Of text tables, as in :class:`tocsin.data.text.TextOptions`.
    """

    path: Path
    array: str = ""
    index: int = -1
    columns: tuple[str, ...] | None = None
    delimiter: str | None = None
    decimal: str | None = None
    time_column: str | None = None
    time_unit: str | None = None


def suffixes(holds: Holds | None = None) -> frozenset[str]:
    """Suffixes of all formats, or of those that hold sound or numbers."""
    return frozenset(suffix for form in FORMATS if holds in (None, form.holds) for suffix in form.suffixes)


def format_of(path: Path) -> Format:
    """The format of a file, by its suffix.

    Raises
    ------
    DataError
        There is none.
    """
    suffix = path.suffix.lower()
    for form in FORMATS:
        if suffix in form.suffixes:
            return form
    raise DataError(f"is not a kind of recording that is understood ({suffix or 'no suffix'})")


def unavailable(path: Path) -> str:
    """What to install to read a file of a known format; empty where nothing is missing.

    Raises
    ------
    DataError
        Its format is not known.
    """
    form, suffix = format_of(path), path.suffix.lower()
    if form.module == "sound" and suffix not in (".wav", ".flac") and not _module(form).is_known(suffix):
        form = format_of(Path("a.m4a"))
    if not form.needs or importlib.util.find_spec(form.needs) is not None:
        return ""
    return f'{suffix} needs the package {form.needs}: pip install "tocsin[{form.extra}]"'


def _module(form: Format) -> Any:
    return importlib.import_module(f".{form.module}", __name__)


def _module_of(path: Path) -> Any:
    """Module that reads a file.

    Raises
    ------
    DataError
        The format is not known, or its package is not installed.
    """
    if reason := unavailable(path):
        raise DataError(reason)
    return _module(format_of(path))


# Readers that were used last: clips of one file follow each other, and opening a table means parsing it.
_KEPT = 8
# Of those whose samples are on the disk, by number (each is an open file) and by bytes.
_KEPT_SPOOLED = 128
_SPOOLED_BYTES = 4 << 30
_kept: OrderedDict[tuple[Source, int, int], Reader] = OrderedDict()
_lock = threading.Lock()
# Files that are open when the interpreter ends are closed while their libraries are still there.
atexit.register(_kept.clear)


def open_reader(source: Source) -> Reader:
    """Open a recording; one that was open a moment ago is given again. Threads may share it.

    Raises
    ------
    DataError
        The file cannot be read; the message leaves its name to the caller.
    """
    module = _module_of(source.path)
    try:
        state = source.path.stat()
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror or error})") from error
    key = (source, state.st_mtime_ns, state.st_size)
    with _lock:
        found = _kept.get(key)
        if found is not None:
            _kept.move_to_end(key)
            return found
    reader = lean(module.open_reader(source))
    with _lock:
        _kept[key] = reader
        _forget()
    return reader


def _forget() -> None:
    """Drop the readers that were not used for longest, as far as there are too many; the last one stays."""
    plain = spooled = size = 0
    for number, (key, reader) in enumerate(reversed(list(_kept.items()))):
        if isinstance(reader, SpooledReader):
            spooled, size = spooled + 1, size + 8 * reader.channels * reader.samples
            many = spooled > _KEPT_SPOOLED or size > _SPOOLED_BYTES
        else:
            plain += 1
            many = plain > _KEPT
        if number and many:
            del _kept[key]


def array_names(path: Path) -> list[str]:
    """Names of the arrays in a file, sorted; none where the file is one recording.

    Raises
    ------
    DataError
        The file cannot be read.
    """
    names: list[str] = _module_of(path).array_names(path) if format_of(path).arrays else []
    return names


def count_recordings(path: Path, array: str) -> int:
    """How many recordings an array of a file holds.

    Raises
    ------
    DataError
        The array cannot be read.
    """
    return int(_module_of(path).count_recordings(path, array))
