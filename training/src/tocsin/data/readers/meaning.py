# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""What the arrays of a file mean: which are channels of one recording, which are times, and which are neither."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .. import labels
from ..text import timebase, units
from .named import Contents, Named, Recordings, rate_of, unit_of

# Sides of the bearings in the CWRU set, an axis, or a channel by number.
_ENDS = re.compile(r"^(?P<stem>.*?)[_\-. ]?(?P<channel>DE|FE|BA)(?:_time)?$")
_AXES = re.compile(r"^(?P<stem>.*?)(?:^|(?<=[_\-. ]))(?P<channel>(?:acc?_?|a)?[xyzXYZ])$")
_NUMBERS = re.compile(
    r"^(?P<stem>.*?)(?:^|(?<=[_\-. ]))(?P<channel>(?:ch|chan|channel|acc|accel|axis)[_\- ]?\d+)$", re.I
)


def _groups_above(group: str) -> Iterator[str]:
    """A group and those it stands in, up to the top."""
    while group:
        yield group
        group = group.rpartition("/")[0]
    yield ""


def recordings_of(contents: Contents) -> dict[str, Recordings]:
    """What the arrays of a file mean, by name.

    Numbers such as ``fs`` give the rate, arrays of times are no channels, and arrays that differ by a channel's name
    alone (``X097_DE_time`` and ``X097_FE_time``, ``x`` and ``y``) are one recording.
    """
    by_group: dict[str, list[Named]] = defaultdict(list)
    for array in contents.arrays:
        by_group[array.group].append(array)
    found: dict[str, Recordings] = {}
    for group, arrays in by_group.items():
        rate, unit, notes = _said_above(contents, group)
        arrays = [replace(array, rate=array.rate or rate, unit=array.unit or unit) for array in arrays]
        times = [array for array in arrays if _is_time(array, several=len(arrays) > 1)]
        signals = [array for array in arrays if array not in times] or times
        table = group in contents.tables
        for one in _columns(signals) if table else _together(signals, few=contents.few):
            time = next((t for t in times if t not in one.arrays and _fits(t, one)), None)
            name, number = one.name, 1
            while name in found:
                number += 1
                name = f"{one.name}#{number}"
            found[name] = replace(
                one,
                name=name,
                time=time,
                rate=one.arrays[0].rate,
                notes=(*contents.notes, *one.notes, *notes),
                rows_are_channels=contents.rows_are_channels,
            )
    return _without_foreign(found)


def _without_foreign(found: dict[str, Recordings]) -> dict[str, Recordings]:
    """Leave out what is no acceleration by unit or name, such as a group of temperatures, where something else is."""
    foreign = [name for name, one in found.items() if all(is_foreign(array) for array in one.arrays)]
    if not foreign or len(foreign) == len(found):
        return found
    note = f"with {', '.join(foreign)} beside it, left out: it is no acceleration"
    return {name: replace(one, notes=(*one.notes, note)) for name, one in found.items() if name not in foreign}


def is_foreign(array: Named) -> bool:
    """Whether the unit of an array is that of something else than an acceleration, or else the name of a signal."""
    name, found = units.split_name(array.name)
    if array.unit:
        found = units.unit_of(array.unit) or found
    if found:
        return found[0] != "acceleration"
    # Whole recordings may be called `low_speed`, and `fault` is a label.
    return _length(array) is not None and labels.anywhere(name) is None and units.names_other(name)


def _said_above(contents: Contents, group: str) -> tuple[float | None, str, tuple[str, ...]]:
    """Rate, unit and notes by the scalars of a group and of those above it."""
    rate: float | None = None
    notes: tuple[str, ...] = ()
    unit = ""
    for here in _groups_above(group):
        said = {name: value for (place, name), value in contents.scalars.items() if place == here}
        if rate is None:
            rate, notes = rate_of(said)
        unit = unit or unit_of(said)
    return rate, unit, notes


def _is_time(array: Named, *, several: bool) -> bool:
    """Whether an array holds times or numbers of rows, by its name or, beside others, by rising evenly."""
    length = _length(array)
    if array.data is None or length is None or _ENDS.match(array.name):  # X097_DE_time is a signal
        return False
    if array.data.dtype.kind == "M":
        return True
    if array.data.dtype.kind not in "iuf" or length < 2:
        return False
    name = units.split_name(array.name)[0]
    head = np.asarray(array.data[tuple(slice(0, 4096) for _ in array.data.shape)], np.float64).reshape(-1)
    if units.names_time(name) or units.names_counter(name):
        # A clock may stand still or start again, but mostly it rises.
        return bool(np.mean(np.diff(head) >= 0) > 0.9)
    return several and timebase.is_even(head)


def _length(array: Named) -> int | None:
    """Samples of an array of one dimension; None where it has more."""
    if array.data is None:
        return None
    sides = [side for side in array.data.shape if side != 1]
    return sides[0] if len(sides) == 1 else 1 if not sides else None


def _fits(time: Named, one: Recordings) -> bool:
    """Whether there are as many times as samples."""
    data = one.arrays[0].data
    return data is not None and _length(time) in data.shape


def _columns(arrays: Sequence[Named]) -> list[Recordings]:
    """The columns of a table; those of another shape or rate are a table of their own."""
    alike: dict[tuple[Any, ...], list[Named]] = defaultdict(list)
    for array in arrays:
        shape = array.data.shape if array.data is not None else ()
        alike[shape, array.rate, array.refused].append(array)
    found = []
    for number, members in enumerate(alike.values()):
        name = members[0].path if number else members[0].group
        found.append(Recordings(name, tuple(members), tuple(array.name for array in members)))
    return found


def _together(arrays: Sequence[Named], *, few: bool) -> list[Recordings]:
    """Arrays that are channels of one recording, and the others each for itself."""
    found: list[Recordings] = []
    left = list(arrays)
    for pattern, alone in ((_ENDS, True), (_AXES, False), (_NUMBERS, False)):
        stems: dict[str, list[tuple[str, Named]]] = defaultdict(list)
        for array in left:
            if array.data is not None and (match := pattern.match(array.name)):
                stems[match["stem"].strip("_-. ")].append((match["channel"], array))
        for stem, members in stems.items():
            if len(members) > 1 or alone:
                found.append(_channels(stem, members))
                left = [array for array in left if array not in [member for _, member in members]]
    flat = [array for array in left if (_length(array) or 0) > 1 and not array.refused]
    if few and 1 < len(flat) <= 3 and len({(_length(array), array.rate) for array in flat}) == 1:
        found.append(_channels("", [(array.name, array) for array in flat]))
        left = [array for array in left if array not in flat]
    found += [Recordings(array.path, (array,)) for array in left]
    return sorted(found, key=lambda one: arrays.index(one.arrays[0]))


def _order(channel: str) -> tuple[bool, str, int]:
    """Key by which channels stand in one order, whatever the file's: DE, FE, BA; x, y, z; ch2 before ch10."""
    digits = re.search(r"\d+$", channel)
    return channel == "BA", channel.lower().rstrip("0123456789"), int(digits[0]) if digits else 0


def _channels(stem: str, members: Iterable[tuple[str, Named]]) -> Recordings:
    """One recording of several arrays; those of another shape than the first are left out."""
    members = sorted(members, key=lambda item: _order(item[0]))
    first = members[0][1]
    assert first.data is not None
    fit = [item for item in members if item[1].data is not None and item[1].data.shape == first.data.shape]
    notes = tuple(
        f"with {array.name} of another shape than {first.name}, left out"
        for _, array in members
        if array not in [one for _, one in fit]
    )
    group = replace(first, name=stem)
    return Recordings(group.path, tuple(array for _, array in fit), tuple(name for name, _ in fit), notes=notes)
