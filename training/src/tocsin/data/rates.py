# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Rate and unit of vibration, by what its files and the user say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..errors import DataError
from ..words import rate_words
from .clip import Clip, Issues
from .readers import Reader, format_of
from .vibration import UNITS

if TYPE_CHECKING:
    from .options import ReadOptions

_TIMES = " Where the times in the tables are wrong, say --time-column none."
TOLERANCE = 0.02
"""Rates that differ by no more than this share are the same: a logger's clock is no better."""


@dataclass(frozen=True)
class Settled:
    """Options with the rate, and what the user should hear about how it was found."""

    options: ReadOptions
    told: tuple[str, ...] = ()


def same_rate(a: float, b: float) -> bool:
    """Whether two rates, Hz, are the same but for a clock's error and for rounding to whole numbers."""
    return abs(a - b) <= max(TOLERANCE * b, 0.5)


def check_rate(reader: Reader, rate: int) -> None:
    """Make sure that a file has this rate, Hz, where it says one.

    Raises
    ------
    DataError
        It has another.
    """
    if reader.rate is not None and not same_rate(reader.rate, rate):
        raise DataError(f"has {rate_words(reader.rate)} samples a second instead of {rate}")


def unit_of(reader: Reader, options: ReadOptions) -> str:
    """Unit of a file's numbers.

    Raises
    ------
    DataError
        The file and the user say different units, or none of acceleration.
    """
    if reader.unit and options.unit and reader.unit != options.unit:
        raise DataError(f"is in {reader.unit} by its header, but --unit says {options.unit}; leave --unit away")
    unit = reader.unit or options.unit or options.unit_else
    if unit not in UNITS:
        raise DataError(f"is in {unit}, which is no unit of acceleration that is known ({', '.join(UNITS)})")
    return unit


def assumed(reader: Reader, options: ReadOptions) -> list[str]:
    """What is taken for granted of a file that does not say it."""
    rate = f"{options.rate} Hz" if reader.rate is None else ""
    unit = options.unit_else if reader.unit is None and options.unit is None else ""
    what = " and no ".join(word for word, given in (("rate", rate), ("unit", unit)) if given)
    return [f"names no {what}: taken as {' and '.join(filter(None, (rate, unit)))}"] if what else []


def settle(clips: Sequence[Clip], reader: Callable[[Clip], Reader], options: ReadOptions) -> Settled:
    """Find the rate of files, and the unit of those that do not say theirs.

    Parameters
    ----------
    clips
        One of each file.
    reader
        Opens one.
    options
        As the user gave them.

    Raises
    ------
    DataError
        Neither the files nor the user say a rate, or they contradict each other.
    """
    issues = Issues()
    rates: list[tuple[float, Clip]] = []
    units: list[str] = []
    silent: list[Clip] = []
    unnamed: list[Clip] = []
    failed: list[str] = []
    for clip in clips:
        try:
            file = reader(clip)
        except DataError as error:
            failed.append(f"{clip.name}: {error}")  # told when it is read, too
            continue
        rates += [(file.rate, clip)] if file.rate else []
        units += [file.unit] if file.unit else []
        silent += [] if file.rate else [clip]
        unnamed += [] if file.unit else [clip]
    rate = _rate(rates, silent, failed, options, issues)
    if options.unit is None and len(set(units)) == 1:
        options = replace(options, unit_else=units[0])
        for clip in unnamed:
            issues.note(clip.name, f"without a unit: taken as {units[0]}, as the others are")
    told = issues.lines("array" if all(clip.array for clip in clips) else "file")
    if options.unit is None and unnamed and not units:
        told.append(f"no unit is named: all numbers are taken as {options.unit_else}; --unit says another")
    return Settled(replace(options, rate=rate), tuple(told))


def _rate(
    rates: list[tuple[float, Clip]], silent: list[Clip], failed: list[str], options: ReadOptions, issues: Issues
) -> int:
    """The rate of most files; those of another are told when they are read."""
    if options.rate is not None:
        others = [(rate, clip) for rate, clip in rates if not same_rate(rate, options.rate)]
        if others and len(others) == len(rates) and not silent:
            rate, clip = others[0]
            raise DataError(
                f"The recordings have {rate_words(rate)} samples a second, as they say themselves (first:"
                f" {clip.name}), not {options.rate}. Leave --rate away where it was given;"
                f" a bundle of {options.rate} Hz needs recordings at that."
                f"{_TIMES if format_of(clip.path).module == 'table' else ''}"
            )
        return options.rate
    if not rates:
        if failed and not silent:
            more = f" ({len(failed)} of {len(failed)} files cannot be read)" if len(failed) > 1 else ""
            raise DataError(f"{failed[0]}{more}")
        raise DataError(
            "Say how many samples a second the vibration has with --rate HZ: no column of times and nothing else in"
            " the files says it."
        )
    found = sorted(rate for rate, _ in rates)
    counts = [sum(same_rate(other, rate) for other in found) for rate in found]
    centre = found[counts.index(max(counts))]
    alike = [rate for rate in found if same_rate(rate, centre)]
    middle = alike[len(alike) // 2]
    rate = round(middle)
    if rate < 1:
        raise DataError(f"The recordings have {middle:.3g} samples a second by their times; at least 1 is needed.")
    if not abs(rate - middle) <= TOLERANCE * middle:
        issues.note(rates[0][1].name, f"with {rate_words(middle)} samples a second, which is taken as {rate}")
    for clip in silent:
        issues.note(clip.name, f"without a rate: taken as {rate} Hz, as the others are")
    return rate
