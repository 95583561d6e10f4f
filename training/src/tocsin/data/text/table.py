# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""A text table as one recording: samples, unit, rate, gaps, and what was understood of the file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import DataError
from ...words import rate_words
from ..reader import SpooledReader, Stretch
from .body import chunks
from .cells import DAY, has_date
from .columns import Plan, Planner, rate_in_preamble
from .dialect import NAMES, Dialect, sniff
from .timebase import JITTER, WRAPS, Break, Times, Timing, Unwrapper, analyse
from .units import TIME_UNITS

# Share of rows that may be repeated or go back before a column is no time, or one that cannot be used.
_BROKEN = 0.05
_UNEVEN = 0.35


@dataclass(frozen=True)
class TextOptions:
    """What the user says of text tables; None finds it out.

    Attributes
    ----------
    columns
        Names or numbers (from 0) of the columns of samples.
    delimiter
        Between cells; ``" "`` for blanks, ``""`` where there is one column.
    decimal
        ``"."`` or ``","``.
    time_column
        Name or number of the column of times; ``"none"`` where there is none.
    time_unit
        s, ms, us or ns.
    """

    columns: tuple[str, ...] | None = None
    delimiter: str | None = None
    decimal: str | None = None
    time_column: str | None = None
    time_unit: str | None = None


@dataclass(frozen=True)
class Understood:
    """What was understood of a table: in every recording of one logger the same.

    Attributes
    ----------
    encoding, delimiter, decimal, thousands
        How it is written.
    lines_above
        Lines above the numbers.
    columns
        Headers (or numbers) of the columns of samples.
    unit
        Of the samples; None where the file does not say.
    time_columns, time_unit
        Columns of the time, and its unit (``"rows"`` where it counts rows, None where it is not known).
    rate
        Hz, by the time or what stands above the table; None where neither says.
    rate_from
        ``"time"``, ``"preamble"`` or None.
    left_out
        Other columns, and why they are not samples.
    """

    encoding: str
    delimiter: str
    decimal: str
    thousands: str
    lines_above: int
    columns: tuple[str, ...]
    unit: str | None
    time_columns: tuple[str, ...]
    time_unit: str | None
    rate: float | None
    rate_from: str | None
    left_out: tuple[tuple[str, str], ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    def text(self) -> str:
        """One sentence for people."""
        time = "no time column"
        if self.time_columns:
            joined = " and ".join(map(repr, self.time_columns))
            unit = {"rows": "which counts rows", None: "of unknown unit"}.get(self.time_unit, f"in {self.time_unit}")
            time = f"time {joined}{'' if self.time_unit == 'text' else ' ' + unit}"
        rate = f"{rate_words(self.rate)} Hz" if self.rate else "no rate"
        if self.rate_from == "preamble":
            rate += " (by the lines above)"
        parts = [
            f"delimiter {NAMES.get(self.delimiter, repr(self.delimiter))}, decimal {self.decimal!r}",
            *([f"thousands {self.thousands!r}"] if self.thousands else []),
            *([f"{self.lines_above} lines above the numbers"] if self.lines_above > 2 else []),
            *([self.encoding] if not self.encoding.startswith("utf-8") else []),
            f"{time}, {rate}",
            f"samples {', '.join(map(repr, self.columns))} in {self.unit or 'no unit that is named'}",
            *(f"{name!r} left out: it {why}" for name, why in self.left_out),
        ]
        return "; ".join(parts)


class TableReader(SpooledReader):
    """A text table, its samples in a temporary file; `understood` and `timing` say what it is."""

    understood: Understood
    timing: Timing | None
    empty: int


def open_table(path: Path, options: TextOptions | None = None) -> TableReader:
    """Read a table of samples.

    Returns
    -------
    TableReader
        With `rate`, `unit`, `stretches` and `notes`.

    Raises
    ------
    DataError
        It is no table of numbers, may be understood in two ways, or holds no accelerations; the message leaves the
        file's name to the caller.
    """
    options = options or TextOptions()
    dialect, rows = sniff(path, delimiter=options.delimiter, decimal=options.decimal)
    not_time: frozenset[int] = frozenset()
    while True:
        planner = Planner(
            dialect,
            rows,
            columns=options.columns,
            time_column=options.time_column,
            time_unit=options.time_unit,
            not_time=not_time,
        )
        plan = planner.plan()
        reader, timing = _read(path, dialect, rows, plan)
        if plan.ticks is not None and timing is not None and _is_no_time(plan, timing):
            if options.time_column is not None:
                raise DataError(f"column {plan.ticks.title} does not rise as a time does: say another --time-column")
            # It rose evenly only at first, or is called like a time.
            not_time |= {plan.ticks.index}
            continue
        if plan.clocks and timing is not None and timing.missing * timing.step > DAY / 2 and not plan.day_first:
            # Slashes may mean dd/mm: then days follow each other where mm/dd skips a month.
            other, second = _read(path, dialect, rows, replace(plan, day_first=True))
            if second is not None and second.missing < timing.missing:
                reader, timing, plan = other, second, replace(plan, day_first=True)
        return _finish(reader, dialect, plan, timing)


def _is_no_time(plan: Plan, timing: Timing) -> bool:
    """Whether a column rises so unevenly, or so often not at all, that it is no time."""
    broken = timing.backward + (0 if timing.coarse else timing.repeated)
    if timing.step <= 0 or broken > _BROKEN * timing.rows:
        return True
    uneven = timing.jitter > _UNEVEN or len(timing.breaks) > _BROKEN * timing.rows
    return not plan.named and (uneven or abs(timing.still - plan.still) > _BROKEN)


def _read(path: Path, dialect: Dialect, rows: list[list[str]], plan: Plan) -> tuple[TableReader, Timing | None]:
    """Parse the whole file: the samples into the reader's file, the times into their analysis."""
    times = Times()
    stretches: list[Stretch] = []
    timing: list[Timing] = []
    holes: list[npt.NDArray[np.intp]] = []

    def samples() -> Iterator[npt.NDArray[np.float64]]:
        columns = [column.index for column in plan.samples]
        ticks = [plan.ticks.index] if plan.ticks else []
        midnight = bool(plan.clocks) and not any(has_date(_first(rows, c.index)) for c in plan.clocks)
        unwrap = Unwrapper((float(DAY),) if midnight else () if plan.clocks else WRAPS)
        first: int | None = None
        row = 0
        scales = np.array(plan.scales)
        for chunk in chunks(path, dialect, columns + ticks, [c.index for c in plan.clocks], day_first=plan.day_first):
            values = chunk.numbers[:, : len(columns)] * scales
            if chunk.stamps is not None:
                first = int(chunk.stamps[0]) if first is None else first
                times.add(unwrap((chunk.stamps - first).astype(np.float64)))
            elif ticks:
                times.add(unwrap(_filled(chunk.numbers[:, -1])))
            missing = np.isnan(values).any(axis=1)
            if missing.any():
                holes.append(np.flatnonzero(missing) + row)
            row += len(values)
            yield values[~missing]
        if row == 0:
            raise DataError("holds no samples")
        hole_rows = np.concatenate(holes) if holes else np.zeros(0, np.intp)
        if len(hole_rows) == row:
            raise DataError(f"{row} values are not finite (NaN or empty)")
        if times.rows > 1:
            timing.append(analyse(times))
        stretches.extend(_stretches(row, timing[0].breaks if timing else [], hole_rows))

    reader = TableReader(samples(), stretches=stretches)
    reader.timing = timing[0] if timing else None
    reader.empty = sum(map(len, holes))
    return reader, reader.timing


def _first(rows: list[list[str]], column: int) -> str:
    return next((row[column] for row in rows if row[column]), "")


def _filled(times: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Times of which those that are missing lie on a line between their neighbours."""
    known = np.isfinite(times)
    if known.all():
        return times
    if not known.any():
        raise DataError("its time column is empty in places: say --time-column none --rate HZ")
    index = np.arange(len(times))
    return np.interp(index, index[known], times[known])


def _stretches(rows: int, breaks: list[Break], holes: npt.NDArray[np.intp]) -> list[Stretch]:
    """Where there are samples: a break adds the rows it lacks (one, where that is not known), a hole is one row."""
    cuts = {one.row: max(one.missing, 1) for one in breaks}
    edges = sorted({0, rows, *cuts, *(int(i) for i in holes), *(int(i) + 1 for i in holes)})
    empty = set(holes.tolist())
    found: list[Stretch] = []
    offset = 0
    for begin, end in pairwise(edges):
        offset += cuts.get(begin, 0)
        if begin in empty:
            continue
        found.append(Stretch(begin + offset, end - begin))
    return found


def _finish(reader: TableReader, dialect: Dialect, plan: Plan, timing: Timing | None) -> TableReader:
    """Set what the whole file says: rate, unit, notes.

    Raises
    ------
    DataError
        Its times are no good.
    """
    columns = plan.clocks or ((plan.ticks,) if plan.ticks else ())
    where = " and ".join(column.title for column in columns)
    if timing is not None and timing.rows > 1:
        broken = timing.backward + (0 if timing.coarse else timing.repeated)
        if broken > _BROKEN * timing.rows:
            raise DataError(
                f"its time column ({where}) repeats or goes back in {broken} of {timing.rows} rows: mend it, or say"
                " --time-column none --rate HZ"
            )
    stated = rate_in_preamble(dialect.preamble)
    seconds = TIME_UNITS.get(plan.time_unit or "")
    rate = timing.rate_in(seconds) if seconds and timing and timing.step > 0 else None
    notes = _notes(reader, plan, timing)
    if rate and stated and abs(rate / stated - 1) > 0.02:
        notes.append(
            f"with {rate_words(rate)} Hz by its times, but {rate_words(stated)} Hz by the lines above the table"
        )
    reader.rate = rate or stated
    reader.unit = plan.unit
    reader.notes = tuple(notes)
    reader.understood = Understood(
        encoding=dialect.encoding,
        delimiter=dialect.delimiter,
        decimal=dialect.decimal,
        thousands=dialect.thousands,
        lines_above=dialect.first,
        columns=tuple(column.title for column in plan.samples),
        unit=plan.unit,
        time_columns=tuple(column.title for column in columns),
        time_unit="text" if plan.clocks else plan.time_unit,
        rate=reader.rate,
        rate_from="time" if rate else "preamble" if stated else None,
        left_out=plan.left_out,
    )
    return reader


def _notes(reader: TableReader, plan: Plan, timing: Timing | None) -> list[str]:
    """What is strange about the rows."""
    notes = []
    if plan.ticks is not None and not plan.named and plan.time_unit != "rows" and plan.ticks.header:
        notes.append(f"with a column {plan.ticks.title!r} that rises evenly: taken for the time")
    if reader.empty:
        notes.append("with rows that lack a number: no window spans one")
    if timing is None:
        return notes
    if timing.step <= 0:
        return [*notes, "with times that stand still: they give no rate"]
    if timing.missing:
        notes.append("with missing rows, by its times: no window spans a gap")
    if timing.repeated and not timing.coarse:
        notes.append("with rows at the time of the row before")
    if timing.backward:
        notes.append("with rows that go back in time")
    if timing.jitter > JITTER:
        notes.append(f"with jitter: the times from row to row vary by over {100 * JITTER:.0f} % (RMS)")
    if timing.coarse:
        notes.append("with many rows at one time: the rate is a mean, and single missing rows cannot be seen")
    return notes
