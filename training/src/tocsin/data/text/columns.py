# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Which columns of a text table are samples, which one is the time, and in which units."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ...errors import DataError
from .cells import MISSING, CellKind, has_clock, has_date
from .dialect import Dialect
from .timebase import Floats, Unwrapper, is_even
from .units import (
    TIME_UNITS,
    Quantity,
    names_acceleration,
    names_counter,
    names_other,
    names_time,
    split_name,
    unit_of,
)

# Size of units that are no --unit of their own, in one that is.
_SCALED = {"mm/s2": ("m/s2", 1e-3), "cm/s2": ("m/s2", 1e-2)}
_IN_G = {"g": 1.0, "mg": 1e-3, "ug": 1e-6, "m/s2": 1 / 9.80665}
# Seconds since 1970 are such numbers from 2001 to 2100, milliseconds a thousand times that, and so on.
_EPOCH = {unit: (1e9 / size, 4.2e9 / size) for unit, size in TIME_UNITS.items()}
# Steps of a time without a unit are taken for seconds below this, in s; they are fractions then.
_SECONDS_BELOW = 0.05


@dataclass(frozen=True)
class Column:
    """A column as its header says."""

    index: int
    header: str
    name: str
    kind: CellKind
    quantity: Quantity | None = None
    unit: str | None = None

    @property
    def title(self) -> str:
        """For people: its header, else its number."""
        return self.header or str(self.index)


@dataclass(frozen=True)
class Plan:
    """What is taken of a table.

    Attributes
    ----------
    samples
        Columns of samples.
    scales
        What each is multiplied by to be in `unit`.
    unit
        Of the samples; None where the file does not say.
    clocks
        Columns of text times (a date and a time of day are two), else empty.
    ticks
        Column of numbers that are times or count rows, where there are no `clocks`.
    time_unit
        s, ms, us or ns; None where it is not known; ``"rows"`` for a counter.
    still
        Share of the first rows whose `ticks` are those of the row before.
    named
        Whether the header or the user calls it a time; otherwise it only rises evenly.
    day_first
        Whether dates with slashes are ``dd/mm/yyyy``.
    left_out
        Columns that are not taken, and why.
    """

    samples: tuple[Column, ...]
    scales: tuple[float, ...]
    unit: str | None
    clocks: tuple[Column, ...] = ()
    ticks: Column | None = None
    time_unit: str | None = None
    still: float = 0.0
    named: bool = False
    day_first: bool = False
    left_out: tuple[tuple[str, str], ...] = field(default=())


def describe_columns(dialect: Dialect) -> list[Column]:
    """Columns with what their header says of them."""
    found = []
    for i, kind in enumerate(dialect.kinds):
        header = dialect.names[i] if dialect.names else ""
        name, unit = split_name(header)
        if dialect.units and dialect.units[i]:
            unit = unit_of(dialect.units[i]) or unit
        found.append(Column(i, header, name, kind, *(unit or (None, None))))
    return found


def find_column(text: str, columns: Sequence[Column]) -> Column:
    """The column that `text` names: by its header, its header without the unit, or its number from 0.

    Raises
    ------
    DataError
        There is none.
    """
    for names in ([c.header for c in columns], [c.name for c in columns]):
        for wanted, given in ((text, names), (text.lower(), [name.lower() for name in names])):
            if given.count(wanted) == 1:
                return columns[given.index(wanted)]
    if text.isdigit() and int(text) < len(columns):
        return columns[int(text)]
    raise DataError(f"has no column {text} (only {', '.join(column.title for column in columns)})")


class Planner:
    """Chooses the columns by their headers and the first rows."""

    def __init__(self, dialect: Dialect, rows: list[list[str]], *, columns: Sequence[str] | None,
                 time_column: str | None, time_unit: str | None, not_time: frozenset[int]) -> None:  # fmt: skip
        self._dialect = dialect
        self._rows = rows
        self._wanted = columns
        self._time_column = time_column
        self._time_unit = time_unit
        self._not_time = not_time
        self.columns = describe_columns(dialect)
        self._left_out: list[tuple[str, str]] = []

    def plan(self) -> Plan:
        """Choose.

        Raises
        ------
        DataError
            No column, or too many, can be samples, or a column that is asked for cannot be one.
        """
        chosen = None if self._wanted is None else [find_column(text, self.columns) for text in self._wanted]
        taken = frozenset(column.index for column in chosen or ())
        clocks, ticks, others, named = self._find_time(taken)
        used = {column.index for column in (*clocks, *others, *([ticks] if ticks else []))}
        samples = self._check(chosen) if chosen is not None else self._choose(used)
        unit, scales = self._unit(samples)
        return Plan(
            samples=tuple(samples),
            scales=scales,
            unit=unit,
            clocks=tuple(clocks),
            ticks=ticks,
            time_unit=self._unit_of_time(ticks, named) if ticks else "ns" if clocks else None,
            still=float((np.diff(self._numbers(ticks)) == 0).mean()) if ticks and len(self._rows) > 1 else 0.0,
            named=named,
            day_first=any(self._day_first(column) for column in clocks),
            left_out=tuple(self._left_out),
        )

    def _cells(self, column: Column) -> list[str]:
        return [row[column.index] for row in self._rows]

    def _numbers(self, column: Column) -> Floats:
        form = self._dialect
        # The sniffer has seen that these are numbers.
        cells = ["nan" if cell.lower() in MISSING else cell for cell in self._cells(column)]
        if form.thousands:
            cells = [cell.replace(form.thousands, "") for cell in cells]
        return np.array([float(cell.replace(form.decimal, ".")) for cell in cells])

    def _day_first(self, column: Column) -> bool:
        return any((found := re.match(r"(\d{1,2})/", cell)) and int(found[1]) > 12 for cell in self._cells(column))

    def _find_time(self, taken: frozenset[int]) -> tuple[list[Column], Column | None, list[Column], bool]:
        """Columns of text times, else the column of numbers that is the time; other such ones; whether it is named."""
        free = [c for c in self.columns if c.index not in taken]
        texts = [c for c in free if c.kind == "time"]
        numbers = [c for c in free if c.kind == "number" and self._looks_like_time(c)]
        if self._time_column is not None:
            if self._time_column == "none":
                return [], None, texts, False
            one = find_column(self._time_column, self.columns)
            rest = [c for c in (*texts, *numbers) if c is not one]
            if one.kind == "time":
                return [one], None, rest, True
            if one.kind != "number":
                raise DataError(f"column {one.title} holds no times; say another --time-column, or none")
            return [], one, rest, True
        numbers.sort(key=lambda c: (c.quantity != "time", not names_time(c.name), names_counter(c.name)))
        clocks = self._clocks(texts)
        fine = [c for c in numbers if c.quantity == "time"]
        if clocks and not (fine and self._is_coarse(clocks)):
            return clocks, None, [c for c in (*texts, *numbers) if c not in clocks], True
        if numbers:
            first = numbers[0]
            named = first.quantity == "time" or names_time(first.name)
            return [], first, [*texts, *numbers[1:]], named
        return [], None, texts, False

    def _clocks(self, texts: list[Column]) -> list[Column]:
        """A column with date and time of day, or one of each."""
        first = {c.index: next(cell for cell in self._cells(c) if cell) for c in texts if any(self._cells(c))}
        whole = [c for c in texts if c.index in first and has_clock(first[c.index]) and has_date(first[c.index])]
        if whole:
            return whole[:1]
        clocks = [c for c in texts if c.index in first and has_clock(first[c.index])]
        dates = [c for c in texts if c.index in first and not has_clock(first[c.index])]
        return [*dates[:1], *clocks[:1]] if clocks else []

    def _is_coarse(self, clocks: list[Column]) -> bool:
        return len({tuple(row[c.index] for c in clocks) for row in self._rows}) < 0.5 * len(self._rows)

    def _looks_like_time(self, column: Column) -> bool:
        """Whether a column of numbers is a time by its unit or name, or rises evenly."""
        if column.index in self._not_time or column.quantity in ("acceleration", "velocity", "other"):
            return False
        if column.quantity == "time" or (names_time(column.name) and column.header):
            return True
        values = self._numbers(column)
        if is_even(values):
            return True
        counts = len(values) > 1 and bool((np.diff(values) == 1).all())
        return counts and bool(self._dialect.names) and names_counter(column.name)

    def _unit_of_time(self, column: Column, named: bool) -> str | None:
        if self._time_unit is not None:
            return self._time_unit
        if column.quantity == "time":
            return column.unit
        values = self._numbers(column)
        first = abs(float(values[0]))
        epoch = next((unit for unit, (low, high) in _EPOCH.items() if low <= first <= high), None)
        if epoch is not None and (named or first > 1e11):
            return epoch
        steps = np.diff(Unwrapper()(values))
        rising = steps[steps > 0]
        if not len(rising):
            return None
        step = float(np.median(rising))
        whole = bool((values == np.rint(values)).all())
        if whole and step == 1.0:
            return "rows"
        return "s" if not whole and step < _SECONDS_BELOW else None

    def _check(self, chosen: list[Column]) -> list[Column]:
        """Refuse columns that cannot be samples."""
        for column in chosen:
            if column.kind != "number":
                raise DataError(f"column {column.title} holds no numbers; choose others with --columns")
            if column.quantity not in (None, "acceleration"):
                raise DataError(f"column {column.title} is in {column.unit}, {_WHY[column.quantity]}")
        if not 1 <= len(chosen) <= 3:
            raise DataError(f"has {len(chosen)} columns of samples; choose 1 to 3 with --columns")
        return chosen

    def _choose(self, used: set[int]) -> list[Column]:
        """Columns of samples, where the user does not say which."""
        left: list[Column] = []
        for column in self.columns:
            why = ""
            if column.kind == "missing":
                continue
            if column.index in used:
                continue
            if column.kind != "number":
                if column.quantity == "acceleration" or names_acceleration(column.name):
                    cell = next((row[column.index] for row in self._rows if row[column.index]), "")
                    raise DataError(f"not a table of numbers: column {column.title} holds {cell!r}")
                why = "holds no numbers"
            elif column.index in self._not_time and (column.quantity == "time" or names_time(column.name)):
                why = "is called a time, but does not rise like one"
            elif column.quantity not in (None, "acceleration"):
                why = f"is in {column.unit}"
            elif column.quantity is None and names_other(column.name) and not names_acceleration(column.name):
                why = "is no acceleration by its name"
            if why:
                self._left_out.append((column.title, why))
            else:
                left.append(column)
        measured = [c for c in left if c.quantity == "acceleration"]
        called = [c for c in left if names_acceleration(c.name)] if len(left) > 3 else []
        kept, why = (
            (measured, "names no unit, as others do") if measured else (called, "is called otherwise than others")
        )
        if kept:
            self._left_out += [(c.title, why) for c in left if c not in kept]
            left = kept
        if not left:
            raise DataError(self._nothing(used))
        if len(left) > 3:
            names = ", ".join(c.title for c in left)
            raise DataError(f"has {len(left)} columns of samples ({names}); choose 1 to 3 with --columns")
        return left

    def _nothing(self, used: set[int]) -> str:
        velocity = [c for c in self.columns if c.quantity == "velocity"]
        if velocity:
            return f"column {velocity[0].title} is in {velocity[0].unit}, {_WHY['velocity']}"
        why = [f"{name} {reason}" for name, reason in self._left_out]
        why += [f"{c.title} rises evenly, as a time does" for c in self.columns if c.index in used]
        return f"has no column of samples ({'; '.join(why)}); choose with --columns, or say --time-column none"

    def _unit(self, samples: list[Column]) -> tuple[str | None, tuple[float, ...]]:
        """Unit of the samples, and what brings each column to it."""
        units = [c.unit for c in samples]
        known = [unit for unit in units if unit is not None]
        if not known:
            return self._unit_in_preamble(), (1.0,) * len(samples)
        plain = [_SCALED.get(unit or known[0], (unit or known[0], 1.0)) for unit in units]
        if len({unit for unit, _ in plain}) == 1:
            return plain[0][0], tuple(scale for _, scale in plain)
        return "g", tuple(scale * _IN_G[unit] for unit, scale in plain)

    def _unit_in_preamble(self) -> str | None:
        for line in self._dialect.preamble:
            found = re.search(r"\b(?:units?|einheit(?:en)?)\b\W*?[:=,;\t ]\W*?([\wµμ/^²]+)", line, re.IGNORECASE)
            unit = unit_of(found[1]) if found else None
            if unit and unit[0] == "acceleration" and unit[1] in _IN_G:
                return unit[1]
        return None


_WHY: dict[Quantity, str] = {
    "velocity": "a velocity, which is not an acceleration: record acceleration, or differentiate it first",
    "other": "which is no acceleration; choose others with --columns",
    "time": "a time; choose others with --columns",
    "acceleration": "",
}


_RATE = re.compile(r"sampl\w*[\s_]*(?:rate|freq\w*)|\bfs\b|abtast(?:rate|frequenz)|\brate\b|\bodr\b", re.IGNORECASE)
_INTERVAL = re.compile(
    r"sampl\w*[\s_]*(?:interval|period|time)|\bdelta_?[tx]\b|\bdt\b|abtast(?:zeit|intervall)", re.IGNORECASE
)


def rate_in_preamble(lines: Sequence[str]) -> float | None:
    """Rate that a logger wrote above its table, Hz; None where it did not."""
    for line in lines:
        for pattern in (_RATE, _INTERVAL):
            found = pattern.search(line)
            value = re.search(r"\d+(?:[.,]\d+)?(?:e[+-]?\d+)?", line[found.end() :], re.IGNORECASE) if found else None
            if found is None or value is None or not (number := float(value[0].replace(",", "."))):
                continue
            rest = line[found.end() :]
            if pattern is _RATE:
                return number * (1000 if re.search(r"k(?:hz|sps|s/s)", rest, re.IGNORECASE) else 1)
            unit = re.search(r"(?<![a-z])([mun]?s)(?:ec)?(?![a-z])", rest.replace("µ", "u"), re.IGNORECASE)
            return 1 / (number * TIME_UNITS[unit[1].lower() if unit else "s"])
    return None
