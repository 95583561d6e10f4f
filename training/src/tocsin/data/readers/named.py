# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Arrays by name, as ``.npz``, MATLAB, HDF5, TDMS and UFF files hold them, and the numbers and texts beside them.

A format's module lists what is in a file as :class:`Contents`; :func:`tocsin.data.readers.meaning.recordings_of` says
what they mean.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

# Names, without separators and in lower case, in the order in which they are believed: MFPT's files have the shaft's
# speed as `rate` beside `sr`.
RATE_NAMES = (
    *("fs", "sr", "samplerate", "samplingrate", "samplingfrequency", "samplefrequency", "samplingfreq", "samplefreq"),
    *("sfreq", "fsamp", "fsample", "srate", "fshz", "sampleratehz", "samplingratehz", "samplespersecond"),
    *("framerate", "rate", "ratehz"),
)
STEP_NAMES = (
    *("dt", "samplingperiod", "sampleperiod", "samplinginterval", "sampleinterval", "deltat", "timestep"),
    *("wfincrement", "waveformincrement", "xincrement", "xinc", "ts"),
)
UNIT_NAMES = ("unit", "units", "unitstring", "yunit", "yunits", "niunitdescription")
# Fewer columns than this are channels of one recording, more are samples of several.
FEW = 32


class Block(Protocol):
    """What is asked of an array; NumPy's and h5py's have it."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Kind of the numbers."""

    def __getitem__(self, key: Any) -> Any:
        """Part of it."""


@dataclass(frozen=True, eq=False)
class Named:
    """An array of a file.

    Attributes
    ----------
    name
        Its own, without that of the group.
    data
        The numbers; None where they cannot be read.
    group
        What it stands in, such as an HDF5 group or a MATLAB structure; empty at the top.
    rate
        What the format says of this array, Hz.
    unit
        As the file writes it.
    refused
        Why it cannot be used; empty where it can.
    """

    name: str
    data: Block | None
    group: str = ""
    rate: float | None = None
    unit: str = ""
    refused: str = ""

    @property
    def path(self) -> str:
        """Name with that of the group."""
        return f"{self.group}/{self.name}" if self.group and self.name else self.group or self.name


@dataclass(frozen=True)
class Recordings:
    """One or more recordings of one length.

    Attributes
    ----------
    name
        In the file; empty where the file is one recording.
    arrays
        One array of any layout, or several of one shape, each a channel.
    channels
        Their names, where there are several.
    time
        Times of the samples; None where there are none.
    rate
        What the file says in a number, Hz; None where it does not.
    notes
        What was understood.
    rows_are_channels
        As in :class:`Contents`.
    """

    name: str
    arrays: tuple[Named, ...]
    channels: tuple[str, ...] = ()
    time: Named | None = None
    rate: float | None = None
    notes: tuple[str, ...] = ()
    rows_are_channels: bool = False


@dataclass
class Contents:
    """What a file holds.

    Attributes
    ----------
    arrays
        By their order in the file.
    scalars
        Single numbers and texts by group and name, ``("", "fs")``.
    tables
        Groups whose arrays of one shape are the columns of a table.
    few
        Whether two or three arrays of one length within a group are channels, where no name says so.
    rows_are_channels
        Whether two or three long rows are channels rather than recordings.
    notes
        Of the file as a whole.
    """

    arrays: list[Named] = field(default_factory=list)
    scalars: dict[tuple[str, str], Any] = field(default_factory=dict)
    tables: set[str] = field(default_factory=set)
    few: bool = False
    rows_are_channels: bool = False
    notes: list[str] = field(default_factory=list)


def tidy_rate(rate: float) -> float:
    """A rate from a period with few digits: 1 / 8.33333e-05 is 12000."""
    whole = round(rate)
    return float(whole) if whole and abs(rate - whole) <= 1e-5 * rate else rate


def plain_key(name: str) -> str:
    """A name without what people write it with: ``Sampling_Rate`` and ``samplingRate`` are the same."""
    return re.sub(r"[_\-. ]", "", name).lower()


def number_of(value: Any) -> float | None:
    """A positive finite number out of what files write one as: 0-d, ``(1, 1)`` or text; else None."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    try:
        array = np.asarray(value)
        if array.size != 1 or array.dtype.kind not in "iufUS":
            return None
        text = array.reshape(-1)[0]
        found = float(text.decode() if isinstance(text, bytes) else text)
    except (ValueError, TypeError, OverflowError, UnicodeDecodeError):
        return None
    return found if np.isfinite(found) and found > 0 else None


def text_of(value: Any) -> str:
    """Text out of what files write one as; empty where it is none."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace").strip()
    if isinstance(value, str):
        return value.strip()
    array = np.asarray(value)
    if array.size == 1 and array.dtype.kind in "USO":
        return text_of(array.reshape(-1)[0].item() if hasattr(array.reshape(-1)[0], "item") else array.reshape(-1)[0])
    return ""


def rate_of(said: dict[str, Any]) -> tuple[float | None, tuple[str, ...]]:
    """Rate that names and values beside an array give, Hz, and what is odd about it."""
    keys = {plain_key(name): value for name, value in said.items()}
    found = [(name, tidy_rate(rate)) for name in RATE_NAMES if (rate := number_of(keys.get(name)))]
    found += [(name, tidy_rate(1 / step)) for name in STEP_NAMES if (step := number_of(keys.get(name)))]
    if not found:
        return None, ()
    name, rate = found[0]
    others = [f"{other} {value:g} Hz" for other, value in found[1:] if abs(value - rate) > 0.02 * rate]
    return rate, ((f"with {name} of {rate:g} Hz, which is taken, and {', '.join(others)}",) if others else ())


def unit_of(said: dict[str, Any]) -> str:
    """Unit that names and values beside an array give, as written; empty where there is none."""
    keys = {plain_key(name): value for name, value in said.items()}
    return next((text for name in UNIT_NAMES if name in keys and (text := text_of(keys[name]))), "")
