# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""How a text table is written: encoding, delimiter, decimal separator, what stands above the numbers.

Every way to split and to read the first lines is tried. The one wins by which the longest run of lines is numbers in
the same columns. Where two ways read different numbers from the same lines, and nothing decides, it is an error.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice, pairwise
from pathlib import Path
from typing import TextIO

from ...errors import DataError
from .cells import MISSING, THOUSANDS, CellKind, kind_of
from .units import unit_of

HEAD_LINES = 400
HEAD_BYTES = 1 << 18
COMMENTS = ("#", "%", "//", "!")
# "" is one column, " " any run of blanks. The order decides between ways that read the same.
DELIMITERS = ("\t", ";", "|", ",", "", " ")
NAMES = {"\t": "tabs", ";": "semicolons", "|": "bars", ",": "commas", " ": "blanks", "": "none (one column)"}


@dataclass(frozen=True)
class Dialect:
    """How a table is written.

    Attributes
    ----------
    encoding
        As Python calls it.
    delimiter
        One of :data:`DELIMITERS`.
    decimal, thousands
        Separators within numbers; `thousands` is empty where there is none.
    first
        Lines above the first row of numbers.
    kinds
        What each column holds: ``"number"``, ``"time"``, ``"word"`` or, where all cells are empty, ``"missing"``.
    names, units
        Of the columns, as in the header; empty where there is none.
    preamble
        Lines above the header.
    quoted
        Whether there are quotation marks in the rows.
    """

    encoding: str = "utf-8"
    delimiter: str = ","
    decimal: str = "."
    thousands: str = ""
    first: int = 0
    kinds: tuple[CellKind, ...] = ()
    names: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    preamble: tuple[str, ...] = ()
    quoted: bool = False


@dataclass(frozen=True)
class _Run:
    """Lines `begin` to `end` - 1 of the head are rows of the same columns."""

    begin: int
    end: int
    kinds: tuple[CellKind, ...]

    @property
    def words(self) -> int:
        return self.kinds.count("word")


def encoding_of(head: bytes) -> str:
    """Encoding of a text by its first bytes.

    Raises
    ------
    DataError
        It is no text.
    """
    for mark, name in ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
                       (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):  # fmt: skip
        if head.startswith(mark):
            return name
    even, odd = head[::2].count(0), head[1::2].count(0)
    for zeros, others, name in ((odd, even, "utf-16-le"), (even, odd, "utf-16-be")):
        # Digits and separators have a zero byte each in UTF-16.
        if zeros > 0.4 * len(head) and others == 0:
            return name
    if even or odd:
        raise DataError("is not text (it holds zero bytes)")
    # The last letter may be cut in half.
    for cut in range(4):
        try:
            head[: len(head) - cut].decode("utf-8")
            return "utf-8"
        except UnicodeDecodeError:
            continue
    return "cp1252"


def open_text(path: Path, encoding: str) -> TextIO:
    """Open a text; letters that the encoding does not know are replaced, which no number survives."""
    return path.open(encoding=encoding, errors="replace")


def split_line(line: str, delimiter: str) -> list[str]:
    """Cells of a line without blanks and quotes around them."""
    line = line.rstrip("\r\n")
    if delimiter == "":
        return [line.strip().strip('"').strip()]
    if delimiter == " ":
        return [cell.strip('"').strip() for cell in re.findall(r'"[^"]*"|\S+', line)]
    if '"' not in line:
        return [cell.strip() for cell in line.split(delimiter)]
    return [cell.strip() for cell in next(csv.reader([line.strip(" ")], delimiter=delimiter, skipinitialspace=True))]


def is_comment(line: str) -> bool:
    """Whether a line is empty or a comment."""
    text = line.lstrip()
    return not text or text.startswith(COMMENTS)


def _rows(lines: Sequence[str], delimiter: str) -> list[list[str] | None]:
    """Cells of each line, None for comments."""
    return [None if is_comment(line) else split_line(line, delimiter) for line in lines]


def _merge(old: tuple[CellKind, ...], new: Sequence[CellKind]) -> tuple[CellKind, ...] | None:
    """Kinds of columns that hold both; None where they do not fit together."""
    if len(old) != len(new):
        # A delimiter at the end of some lines, or none at the end of others.
        short, long = sorted((old, tuple(new)), key=len)
        if len(long) != len(short) + 1 or long[-1] != "missing":
            return None
        old, new = (*short, "missing"), long
    merged: list[CellKind] = []
    for a, b in zip(old, new, strict=True):
        if a == b or b == "missing":
            merged.append(a)
        elif a == "missing":
            merged.append(b)
        else:
            return None
    return tuple(merged)


class _Kinds:
    """What the rows hold in one way of reading."""

    def __init__(self, delimiter: str, decimal: str, thousands: str) -> None:
        self._decimal, self._thousands = decimal, thousands
        self._foreign = [d for d in DELIMITERS[:4] if d != delimiter] if delimiter in (" ", "") else [";", "\t", "|"]

    def of(self, row: list[str]) -> tuple[CellKind, ...] | None:
        """Kinds of the cells; None where no table has such a row."""
        kinds: tuple[CellKind, ...] = tuple(kind_of(cell, self._decimal, self._thousands) for cell in row)
        if "odd" in kinds or not ("number" in kinds or "time" in kinds):
            return None
        if "word" in kinds:
            words = [cell for cell, kind in zip(row, kinds, strict=True) if kind == "word"]
            if any(d in word for word in words for d in self._foreign):
                return None
        return kinds


def _longest_run(rows: Sequence[list[str] | None], kinds_of: _Kinds) -> _Run | None:
    """The longest run of lines that hold numbers in the same columns."""
    # Most ways fit no line at all.
    if not any(row and kinds_of.of(row) for row in rows[:: max(1, len(rows) // 24)]) and len(rows) > 24:
        return None
    best: _Run | None = None
    begin = 0
    kinds: tuple[CellKind, ...] | None = None

    def close(end: int) -> None:
        nonlocal best
        if kinds and "number" in kinds and (best is None or end - begin >= best.end - best.begin):
            best = _Run(begin, end, kinds)

    for i, row in enumerate(rows):
        if row is None:
            continue
        here = kinds_of.of(row) or _empty(row)
        merged = _merge(kinds, here) if kinds and here else None
        if merged is None:
            close(i)
            begin, merged = i, here
        kinds = merged
    close(len(rows))
    return best


def _empty(row: list[str]) -> tuple[CellKind, ...] | None:
    """Kinds of a row whose cells all are empty; None where they are not."""
    if len(row) < 2 or not all(cell.lower() in MISSING for cell in row):
        return None
    kinds: list[CellKind] = ["missing"] * len(row)
    return tuple(kinds)


@dataclass(frozen=True)
class _Way:
    """One way to read the head."""

    delimiter: str
    decimal: str
    thousands: str
    run: _Run
    rows: list[list[str] | None]

    def numbers(self) -> list[list[str]]:
        """Cells of the columns of numbers."""
        columns = [i for i, kind in enumerate(self.run.kinds) if kind == "number"]
        rows = [row for row in self.rows[self.run.begin : self.run.end] if row is not None]
        return [[row[i] for i in columns if i < len(row)] for row in rows]


def _ways(lines: Sequence[str], delimiters: Sequence[str], decimals: Sequence[str]) -> list[_Way]:
    """All ways to read `lines`, the best first."""
    found = []
    joined = "".join(lines)
    for delimiter in delimiters:
        if delimiter.strip() and delimiter not in joined:
            continue
        rows = _rows(lines, delimiter)
        for decimal in decimals:
            for thousands in ("", *THOUSANDS):
                if decimal == "," and "," not in joined and len(decimals) > 1:
                    continue
                if thousands and not _may_part(thousands, decimal, delimiter, joined):
                    continue
                run = _longest_run(rows, _Kinds(delimiter, decimal, thousands))
                if run is not None:
                    found.append(_Way(delimiter, decimal, thousands, run, rows))
    return sorted(found, key=lambda way: (way.run.begin - way.run.end, way.run.words, way.thousands != ""))


def _may_part(thousands: str, decimal: str, delimiter: str, text: str) -> bool:
    """Whether a separator of thousands is in a text."""
    if thousands == decimal or (thousands == delimiter and '"' not in text):
        return False
    return re.search(rf"\d{re.escape(thousands)}\d{{3}}(?!\d)", text) is not None


def _header_width(way: _Way) -> int:
    """Names in the line above the numbers; 0 where there is none."""
    names = next((row for row in reversed(way.rows[: way.run.begin]) if row is not None), None)
    return len([name for name in names if name]) if names else 0


_WHOLE = re.compile(r"[+-]?\d+")
_PADDED = re.compile(r"[+-]?0\d+")


def _comma_or_columns(ways: Sequence[_Way]) -> _Way:
    """Of the best ways, which may differ in what a comma means, the one that is right.

    Raises
    ------
    DataError
        Nothing tells.
    """
    best = ways[0]
    commas = next((way for way in ways if way.delimiter == ","), None)
    if commas is None or len(commas.run.kinds) == 1:
        return best
    other = next((way for way in ways if way.delimiter in ("", " ") and way.decimal == ","), None)
    cells = commas.numbers()
    # As numbers of their own, 04 and -0 are not written; as what follows or precedes a comma they are.
    padded = any(_PADDED.fullmatch(cell) for row in cells for cell in row) or any(
        row[:-1] and any(cell in ("-0", "+0") for cell in row[:-1]) for row in cells
    )
    if other is None and not padded:
        return commas if best.delimiter in (" ", "") else best
    names = _header_width(commas)
    if names == len(commas.run.kinds):
        return commas
    if other is not None and (padded or names == 1):
        return other
    sample = next(row for row in commas.rows[commas.run.begin :] if row is not None)
    raise DataError(
        f"may be {len(commas.run.kinds)} columns or numbers with decimal commas ({','.join(sample)}):"
        " say --delimiter ',' for columns, or --decimal ',' for decimal commas"
    )


def _check_thousands(way: _Way) -> None:
    """Refuse numbers of which nobody can say whether their comma parts thousands."""
    if way.decimal != "," or way.thousands:
        return
    with_comma = [cell for row in way.numbers() for cell in row if "," in cell]
    if with_comma and all(re.fullmatch(r"[+-]?[1-9]\d{0,2},\d{3}", cell) for cell in with_comma):
        raise DataError(
            f"holds numbers such as {with_comma[0]}, whose comma may part decimals or thousands: say --decimal ',' or"
            " --decimal '.'"
        )


def _names(way: _Way, lines: Sequence[str]) -> tuple[list[str], list[str], int]:
    """Names and units above the numbers, and how many lines stand above them.

    Raises
    ------
    DataError
        There are more or fewer names than columns.
    """
    width = len(way.run.kinds)
    units: list[str] = []
    at = way.run.begin
    for i in reversed(range(way.run.begin)):
        line = lines[i].strip()
        text = line.lstrip("".join(COMMENTS)).strip() if is_comment(lines[i]) else line
        if not text:
            continue
        cells = split_line(text, way.delimiter)
        if len(cells) == width + 1 and cells[-1] == "":
            cells.pop()
        filled = [cell for cell in cells if cell]
        of_units = bool(filled) and len(cells) <= width and all(map(unit_of, filled))
        if not units and of_units and any(line.strip() for line in lines[:i]):
            units, at = cells + [""] * (width - len(cells)), i
            continue
        if len(cells) == width - 1 and _rows_are_named(way):
            cells.insert(0, "")
        while len(cells) < width and way.run.kinds[len(cells)] == "missing":
            cells.append("")
        numbers = any(kind_of(cell, way.decimal, way.thousands) in ("number", "time") for cell in filled)
        if len(cells) == width and not numbers:
            return cells, units, i
        # A blank line, a comment or a setting may stand above numbers without names.
        apart = any(not lines[j].strip() for j in range(i, way.run.begin))
        if not (apart or is_comment(lines[i]) or len(cells) < 2 or _is_setting(cells)):
            if numbers:
                raise DataError(f"not a table of numbers: line {i + 1} ({text[:60]}) is neither a row nor a header")
            if way.delimiter != " ":
                raise DataError(
                    f"has {len(filled)} names above {width} columns ({text[:60]}): say --delimiter and --decimal"
                )
        break
    return [], units, at


def _is_setting(cells: list[str]) -> bool:
    """Whether cells are a logger's setting with its value, as ``Sample rate,1000``."""
    values = [cell for cell in cells[1:] if kind_of(cell, ".", "") in ("number", "time")]
    return len(cells) <= 3 and kind_of(cells[0], ".", "") == "word" and (cells[0].endswith(":") or bool(values))


def _rows_are_named(way: _Way) -> bool:
    """Whether the first column is a name for each row, which R writes without a name of its own."""
    first = [row[0] for row in way.rows[way.run.begin : way.run.end] if row]
    return way.run.kinds[0] == "word" or (
        all(map(_WHOLE.fullmatch, first)) and all(int(b) - int(a) == 1 for a, b in pairwise(first))
    )


def head_of(path: Path) -> tuple[str, list[str]]:
    """Encoding and first lines of a text.

    Raises
    ------
    DataError
        It is no text, or cannot be read.
    """
    try:
        with path.open("rb") as file:
            start = file.read(HEAD_BYTES)
        encoding = encoding_of(start)
        with open_text(path, encoding) as text:
            return encoding, list(islice(_bounded(text), HEAD_LINES))
    except (OSError, UnicodeError) as error:
        raise DataError(f"not a readable table ({error})") from error


def _bounded(text: TextIO) -> Iterator[str]:
    """Lines; one longer than the head is no line of a table."""
    while line := text.readline(HEAD_BYTES):
        if len(line) == HEAD_BYTES:
            raise DataError("not a table of numbers (a line is longer than 256 KiB)")
        yield line


def sniff(path: Path, *, delimiter: str | None = None, decimal: str | None = None) -> tuple[Dialect, list[list[str]]]:
    """Find out how a table is written.

    Parameters
    ----------
    path
        The file.
    delimiter, decimal
        Where the user says it.

    Returns
    -------
    dialect
    rows
        Cells of the first rows of numbers.

    Raises
    ------
    DataError
        It is no table of numbers, or may be read in two ways.
    """
    encoding, lines = head_of(path)
    if not any(line.strip() for line in lines):
        raise DataError("holds no samples")
    said = re.fullmatch(r'"?sep=(.)"?\s*', lines[0].rstrip("\r\n"), re.IGNORECASE)
    if said:
        lines = ["", *lines[1:]]
        delimiter = delimiter or said[1]
    delimiters = DELIMITERS if delimiter is None else (delimiter,)
    decimals = (".", ",") if decimal is None else (decimal,)
    ways = _ways(lines, delimiters, decimals)
    if not ways:
        shown = next((line.strip() for line in reversed(lines) if not is_comment(line)), lines[-1].strip())
        raise DataError(f"not a table of numbers (such as the line {shown[:60]!r})")
    length = ways[0].run.end - ways[0].run.begin
    best = [way for way in ways if way.run.end - way.run.begin == length and way.run.words == ways[0].run.words]
    way = _comma_or_columns(best) if delimiter is None and decimal is None else best[0]
    if decimal is None:
        _check_thousands(way)
    names, units, above = _names(way, lines)
    dialect = Dialect(
        encoding=encoding,
        delimiter=way.delimiter,
        decimal=way.decimal,
        thousands=way.thousands,
        first=way.run.begin,
        kinds=way.run.kinds,
        names=tuple(names),
        units=tuple(units),
        preamble=tuple(line.strip() for line in lines[:above] if line.strip()),
    )
    rows = [row for row in way.rows[way.run.begin : way.run.end] if row is not None]
    quoted = any('"' in line for line in lines[way.run.begin :])
    return replace(dialect, quoted=quoted), [row + [""] * (len(way.run.kinds) - len(row)) for row in rows]
