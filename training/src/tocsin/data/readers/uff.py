# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Universal files (UFF, UNV): time responses of data sets 58 and 58b. Points and directions are the channels."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import DataError
from ..text import units
from .arrayformat import ArrayFormat
from .filearray import spooled
from .named import Contents, Named, tidy_rate

_TIME_RESPONSE, _GENERAL = 1, 0
_DIRECTIONS = {0: "", 1: "+X", 2: "+Y", 3: "+Z", -1: "-X", -2: "-Y", -3: "-Z", 4: "+RX", 5: "+RY", 6: "+RZ"}
_ACCELERATION, _TIME = 12, 17
# Begins and ends a data set; before the end of binary numbers there is no line break.
_MARK = re.compile(rb" {4}-1(?=[\r\n]|\Z| {74})")


def _load(path: Path) -> Contents:
    import pyuff

    marks = len(_MARK.findall(path.read_bytes()))
    if marks < 2:
        raise DataError("holds no complete data set")
    file = pyuff.UFF(str(path))
    types = [int(kind) for kind in file.get_set_types()]
    found = Contents()
    si = any(_sets(file, i)["units_code"] == 1 for i, kind in enumerate(types) if kind == 164)
    taken: set[tuple[str, str]] = set()
    for i, kind in enumerate(types):
        if kind == 58:
            _add(found, _sets(file, i), taken, number=i, si=si)
    if marks % 2:
        raise DataError("ends within a data set: it is cut short")
    if not found.arrays:
        raise DataError("holds no time responses (data set 58)")
    return found


def _sets(file: Any, number: int) -> dict[str, Any]:
    found: dict[str, Any] = file.read_sets(number)
    return found


def _add(found: Contents, one: dict[str, Any], taken: set[tuple[str, str]], *, number: int, si: bool) -> None:
    """Add one function; one that comes again at the same point and direction begins another recording."""
    name = _name(one)
    what = one["func_type"]
    data = np.asarray(one["data"])
    even = bool(one["abscissa_spacing"])
    over_time = what == _TIME_RESPONSE or (what == _GENERAL and one["abscissa_spec_data_type"] == _TIME)
    run = next(str(n) for n in range(1, number + 2) if (str(n), name) not in taken)
    taken.add((run, name))
    group = "" if run == "1" else f"run {run}"
    found.tables.add(group)
    if not over_time:
        found.arrays.append(Named(name, None, group, refused=f"is a function of type {what}, no time response"))
        return
    if len(data) < int(one["num_pts"]):
        raise DataError(f"has {len(data)} of {one['num_pts']} points: it is cut short")
    data = data[: int(one["num_pts"])]
    step = float(one["abscissa_inc"])
    rate = tidy_rate(1 / step) if even and step > 0 else None
    found.arrays.append(Named(name, spooled(data), group, rate=rate, unit=_unit(one, si=si)))
    if not even:
        found.arrays.append(Named("time", spooled(np.asarray(one["x"], np.float64)[: len(data)]), group, unit="s"))


def _name(one: dict[str, Any]) -> str:
    """Point and direction: ``12+X``."""
    return f"{one['rsp_node']}{_DIRECTIONS.get(int(one['rsp_dir']), '')}"


def _unit(one: dict[str, Any], *, si: bool) -> str:
    """Unit as the label of the axis says, or by the quantity where the file is in SI units."""
    label = str(one.get("ordinate_axis_units_lab", "")).strip()
    if label.upper() not in ("", "NONE"):
        return label
    return "m/s2" if si and one["ordinate_spec_data_type"] == _ACCELERATION and units.unit_of("m/s2") else ""


_format = ArrayFormat(_load, "universal file")
array_names, count_recordings, open_reader = _format.array_names, _format.count_recordings, _format.open_reader
