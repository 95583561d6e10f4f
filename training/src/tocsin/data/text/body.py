# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""The rows of a text table, a few thousand at a time, as numbers and times."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ...errors import DataError
from .cells import is_time, stamp, to_float
from .dialect import Dialect, is_comment, open_text, split_line

# Rows that are parsed together; as text they take a few MB.
CHUNK = 1 << 14
_COMMENT = re.compile(r"^[ \t]*(?:[#%!]|//|$)", re.MULTILINE)


@dataclass(frozen=True)
class Chunk:
    """Rows that follow each other.

    Attributes
    ----------
    numbers
        Of the columns asked for, float64, shape (rows, columns); NaN where a cell is empty.
    stamps
        Of the columns of text times, summed (a date and a time of day), int64 nanoseconds, shape (rows,); None where
        there are none.
    """

    numbers: npt.NDArray[np.float64]
    stamps: npt.NDArray[np.int64] | None


def chunks(
    path: Path, dialect: Dialect, columns: Sequence[int], clocks: Sequence[int], *, day_first: bool = False
) -> Iterator[Chunk]:
    """Parse a table.

    Parameters
    ----------
    path, dialect
        The file, and how it is written.
    columns
        Which columns of numbers, from 0.
    clocks
        Which columns of text times.
    day_first
        Whether dates with slashes are ``dd/mm/yyyy``.

    Raises
    ------
    DataError
        A line is no row of the table; it is named.
    """
    parser = _Parser(dialect, list(columns), list(clocks), day_first)
    try:
        with open_text(path, dialect.encoding) as text:
            number = len(list(islice(text, dialect.first)))
            while lines := list(islice(text, CHUNK)):
                chunk = parser.parse(lines, number)
                number += len(lines)
                if len(chunk.numbers):
                    yield chunk
    except (OSError, UnicodeError) as error:
        raise DataError(f"not a readable table ({error})") from error


class _Parser:
    def __init__(self, dialect: Dialect, columns: list[int], clocks: list[int], day_first: bool) -> None:
        self._dialect = dialect
        self._columns = columns
        self._clocks = clocks
        self._day_first = day_first
        self._width = len(dialect.kinds)
        # A delimiter at the end of the lines makes one more, empty column, which some lines may lack.
        self._widths = {self._width, self._width - 1} if dialect.kinds[-1] == "missing" else {self._width}

    def parse(self, lines: list[str], number: int) -> Chunk:
        """Parse `lines`, the first of which is line `number` + 1 of the file."""
        fast = self._fast(lines)
        return fast if fast is not None else self._slow(lines, number)

    def _fast(self, lines: list[str]) -> Chunk | None:
        """By NumPy; None where a cell is empty, odd or quoted, or a line has another number of cells."""
        form = self._dialect
        if form.thousands or (form.quoted and (form.decimal != "." or self._clocks)):
            return None
        rows = [line for line in lines if not is_comment(line)] if _COMMENT.search("".join(lines)) else lines
        if not rows:
            return Chunk(np.zeros((0, len(self._columns))), self._stamps([]) if self._clocks else None)
        if not form.quoted and {self._count(row) for row in rows} - self._widths:
            return None
        cells = None
        if self._clocks:
            cells = [split_line(row, form.delimiter) for row in rows]
        texts = rows
        if form.decimal == ",":
            if form.delimiter == "," or (not self._clocks and "." in rows[0]):
                return None
            texts = [row.replace(",", ".") for row in rows]
        try:
            numbers = np.loadtxt(
                texts,
                delimiter=None if form.delimiter in (" ", "") else form.delimiter,
                usecols=self._columns,
                ndmin=2,
                comments=None,
                quotechar='"' if form.quoted else None,
            )
        except (ValueError, IndexError):
            return None
        if len(numbers) != len(rows):
            return None
        return Chunk(numbers, self._stamps(cells) if cells is not None else None)

    def _count(self, row: str) -> int:
        delimiter = self._dialect.delimiter
        return len(row.split()) if delimiter in (" ", "") else row.count(delimiter) + 1

    def _slow(self, lines: list[str], number: int) -> Chunk:
        """Cell by cell."""
        form = self._dialect
        rows: list[list[str]] = []
        numbers: list[list[float]] = []
        for at, line in enumerate(lines, number + 1):
            if is_comment(line):
                continue
            cells = split_line(line, form.delimiter)
            short = len(cells) < self._width and "\n" not in line  # the last line, cut off in the middle
            if len(cells) not in self._widths and not (len(cells) == self._width + 1 and not cells[-1]) and not short:
                raise DataError(
                    f"line {at} has {len(cells)} cells instead of {self._width} ({line.strip()[:60]!r}): mend it"
                )
            if short:
                continue
            try:
                numbers.append([to_float(cells[i], form.decimal, form.thousands) for i in self._columns])
            except (ValueError, IndexError) as error:
                what = str(error) or line.strip()[:60]
                raise DataError(
                    f"not a table of numbers: line {at} holds {what!r} where a number is due; mend or remove it, or say"
                    " --delimiter and --decimal"
                ) from error
            bad = next((cells[i] for i in self._clocks if not is_time(cells[i])), None)
            if bad is not None:
                raise DataError(f"line {at} holds {bad!r} where a time is due; mend or remove it")
            rows.append(cells)
        found = np.array(numbers, np.float64).reshape(-1, len(self._columns))
        return Chunk(found, self._stamps(rows) if self._clocks else None)

    def _stamps(self, rows: list[list[str]]) -> npt.NDArray[np.int64]:
        total = np.zeros(len(rows), np.int64)
        for column in self._clocks:
            for i, row in enumerate(rows):
                found = stamp(row[column], self._day_first)
                if found is None:
                    raise DataError(f"{row[column]!r} is no time; mend it, or say --time-column none --rate HZ")
                total[i] += found
        return total
