# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Cells of a text table: numbers with decimal and thousands separators, times of day, dates, nothing, words."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from typing import Literal

CellKind = Literal["number", "time", "missing", "word", "odd"]

MISSING = frozenset({"", "na", "n/a", "#n/a", "null", "none", "nil", "-", "--", "---", "?", "missing"})
# Spaces and apostrophes part thousands in many countries; a comma or a point does where it is not the decimal.
THOUSANDS = (",", ".", " ", "\u00a0", "\u202f", "'", "\u2019")

_CLOCK = (
    r"(?P<hour>\d{1,3}):(?P<minute>[0-5]?\d)(?::(?P<second>[0-5]?\d|60)(?:[.,:](?P<part>\d+))?)?"
    r"\s*(?P<half>[AaPp]\.?[Mm]\.?)?"
)
_ZONE = r"\s*(?P<zone>Z|UTC|[+-]\d\d(?::?\d\d)?)?"
_DATES = (
    r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})",
    r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)(?=T)",
    r"(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4}|\d\d)",
    r"(?P<month>\d{1,2})/(?P<day>\d{1,2})/(?P<year>\d{4}|\d\d)",
    r"(?P<day>\d{1,2})-(?P<month>\d{1,2})-(?P<year>\d{4})",
    r"(?P<day>\d{1,2})[- ](?P<name>[^\W\d_]{3})[^\W\d_]*\.?[- ](?P<year>\d{4}|\d\d)",
)
_MONTHS = {
    "jan": 1,
    "feb": 2,
    "mar": 3,
    "apr": 4,
    "may": 5,
    "jun": 6,
    "jul": 7,
    "aug": 8,
    "sep": 9,
    "oct": 10,
    "nov": 11,
}
_MONTHS |= {"dec": 12, "mär": 3, "mai": 5, "okt": 10, "dez": 12}
_COMPACT = r"(?P<hour>\d\d)(?P<minute>\d\d)(?P<second>\d\d)(?:[.,](?P<part>\d+))?"
_STAMPS = (
    *(re.compile(rf"{day}(?:\s*[T ,]\s*{_CLOCK})?{_ZONE}") for day in _DATES),
    re.compile(rf"{_DATES[1]}T{_COMPACT}{_ZONE}"),
    re.compile(_CLOCK + _ZONE),
)
# What a spreadsheet makes of a time below an hour.
_MINUTES = re.compile(r"(?P<minute>\d+):(?P<second>[0-5]\d)[.,](?P<part>\d+)")

_LETTER = re.compile(r"[^\W\d_]")
_TIMELIKE = re.compile(r"\d+(?::\d|T\d|[-/.]\d+[-/.]\d|[- ][^\W\d_]{3})")

NANOSECONDS = 1_000_000_000
DAY = 86_400 * NANOSECONDS


@lru_cache(maxsize=64)
def number_pattern(decimal: str, thousands: str) -> re.Pattern[str]:
    """Pattern of a whole cell that holds a number."""
    point = re.escape(decimal)
    digits = r"\d+"
    if thousands:
        digits = rf"(?:\d{{1,3}}(?:{re.escape(thousands)}\d{{3}})+|\d+)"
    return re.compile(rf"[+-]?(?:{digits}(?:{point}\d*)?|{point}\d+)(?:[eE][+-]?\d+)?|nan|[+-]?inf(?:inity)?", re.I)


def kind_of(cell: str, decimal: str, thousands: str) -> CellKind:
    """What a cell without surrounding blanks and quotes holds; ``"odd"`` fits no column of any kind."""
    if number_pattern(decimal, thousands).fullmatch(cell):
        return "number"
    if cell.lower() in MISSING:
        return "missing"
    if is_time(cell):
        return "time"
    return "word" if _LETTER.search(cell) else "odd"


def to_float(cell: str, decimal: str, thousands: str) -> float:
    """Number of a cell; NaN where it is missing.

    Raises
    ------
    ValueError
        It is neither.
    """
    if number_pattern(decimal, thousands).fullmatch(cell):
        return float(cell.replace(thousands, "").replace(decimal, ".") if thousands else cell.replace(decimal, "."))
    if cell.lower() in MISSING:
        return float("nan")
    raise ValueError(cell)


def _match(cell: str) -> re.Match[str] | None:
    found = _MINUTES.fullmatch(cell)
    return found or next((found for pattern in _STAMPS if (found := pattern.fullmatch(cell))), None)


def is_time(cell: str) -> bool:
    """Whether a cell is a date, a time of day or both."""
    return _TIMELIKE.match(cell) is not None and nanoseconds(cell) is not None


def has_date(cell: str) -> bool:
    """Whether a cell that is a time has a date."""
    found = _match(cell)
    return found is not None and "year" in found.groupdict()


def has_clock(cell: str) -> bool:
    """Whether a cell that is a time has a time of day."""
    found = _match(cell)
    return found is not None and found.groupdict().get("minute") is not None


@lru_cache(maxsize=4096)
def nanoseconds(cell: str, day_first: bool = False) -> int | None:
    """Nanoseconds since 1970, or since midnight where there is no date; None where the cell is no time.

    Parameters
    ----------
    cell
        ISO 8601, ``hh:mm:ss.fff``, ``dd.mm.yyyy hh:mm:ss``, ``mm/dd/yyyy``, ``02-Jan-2026 …`` and the like.
    day_first
        Whether slashes are ``dd/mm/yyyy``.
    """
    found = _match(cell)
    if found is None:
        return None
    field = {name: text for name, text in found.groupdict().items() if text}
    days = 0
    if "year" in field:
        month = _MONTHS.get(field["name"].lower(), 0) if "name" in field else int(field["month"])
        day = int(field["day"])
        if "/" in cell and len(field["year"]) < 5 and not cell[:4].isdigit() and (day_first or month > 12):
            month, day = day, month
        year = int(field["year"]) + (2000 if len(field["year"]) == 2 else 0)
        try:
            days = date(year, month, day).toordinal() - date(1970, 1, 1).toordinal()
        except ValueError:
            return None
    hour = int(field.get("hour", 0))
    if "half" in field:
        hour = hour % 12 + (12 if field["half"][0] in "pP" else 0)
    seconds = 86_400 * days + 3600 * hour + 60 * int(field.get("minute", 0)) + int(field.get("second", 0))
    zone = field.get("zone", "Z")
    if zone[0] in "+-":
        digits = zone[1:].replace(":", "").ljust(4, "0")
        offset = 3600 * int(digits[:2]) + 60 * int(digits[2:])
        seconds -= offset if zone[0] == "+" else -offset
    return seconds * NANOSECONDS + int(field.get("part", "0")[:9].ljust(9, "0"))


def stamp(cell: str, day_first: bool) -> int | None:
    """As :func:`nanoseconds`, fast for many cells that differ in the fraction of a second only."""
    before, point, part = cell.rpartition(".")
    if not point:
        before, point, part = cell.rpartition(",")
    if point and part.isdigit() and len(part) <= 9 and ":" in before:
        whole = nanoseconds(before + ".0", day_first)
        return None if whole is None else whole + int(part) * 10 ** (9 - len(part))
    return nanoseconds(cell, day_first)
