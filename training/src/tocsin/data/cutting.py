# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Long recordings, and those with gaps, as clips: pieces without a gap, of a length that is quick to judge."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import gcd

from ..errors import DataError
from ..words import counted
from .audio import plausible
from .clip import Clip, Issues
from .readers import Reader

CLIP_SECONDS = 10.0
"""Length of a clip where the user does not say; the public sets' are about as long."""
LONG_SECONDS = 60.0
"""Recordings up to this length stay whole where the user does not say."""
SHORT_SECONDS = 1.0
"""Pieces between gaps that are shorter are left out where there are longer ones: hardly a window fits."""


@dataclass(frozen=True)
class Cut:
    """Clips, and what the user should hear about how they were made.

    Attributes
    ----------
    clips
        In the order of the recordings, and of time within them.
    told
        Sentences.
    """

    clips: tuple[Clip, ...]
    told: tuple[str, ...]


def place(seconds: float) -> str:
    """A time within a recording, as in a clip's name: ``0:02:10`` or ``0:02:10.5``."""
    micro = round(seconds * 1e6)
    whole, part = divmod(micro, 1_000_000)
    text = f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"
    return f"{text}.{part:06}".rstrip("0") if part else text


def pieces(begin: int, count: int, size: int) -> Iterator[tuple[int, int]]:
    """Begin and number of samples of clips of `size` samples; what is left over joins the last."""
    number = max(1, count // size)
    for i in range(number):
        yield begin + i * size, size if i + 1 < number else count - i * size


def _size(seconds: float, found: float, rate: int) -> int:
    """Samples of a clip at the file's rate: where it can be, as many as give a whole number at the data set's."""
    wanted = max(1, round(seconds * found))
    step = round(found) // gcd(round(found), rate) if found >= 1 else 1
    return wanted // step * step if wanted >= 10 * step else wanted


def _parts(file: Reader, longest: int, size: int, shortest: float) -> tuple[list[tuple[int, int]], int]:
    """Clips of a file, and how many samples are left out as they stand in short pieces between gaps."""
    parts = [
        piece
        for stretch in file.stretches
        if stretch.count
        for piece in pieces(stretch.begin, stretch.count, size if stretch.count > longest else stretch.count)
    ]
    kept = [part for part in parts if part[1] >= shortest]
    return (kept, file.samples - sum(count for _, count in kept)) if kept else (parts, 0)


def _named(clip: Clip, begin: int, count: int, rate: float) -> Clip:
    """A piece of a recording."""
    name = f"{clip.name}@{place(begin / rate)}"
    return replace(clip, name=name, recording=clip.recording or clip.name, begin=begin, count=count)


def cut(
    clips: Sequence[Clip],
    reader: Callable[[Clip], Reader],
    *,
    rate: int,
    resampled: bool,
    clip_seconds: float | None,
) -> Cut:
    """Cut the recordings that are long or have gaps.

    Parameters
    ----------
    clips
        Whole recordings.
    reader
        Opens one.
    rate
        Samples a second of the data set, Hz.
    resampled
        Whether files of another rate are brought to it; else they are taken to have it.
    clip_seconds
        Length of a clip; None: :data:`CLIP_SECONDS`, of recordings longer than :data:`LONG_SECONDS` alone.

    Returns
    -------
    Clips of one recording have the same ``recording``, so that a split by recordings does not part them.
    """
    seconds = CLIP_SECONDS if clip_seconds is None else clip_seconds
    issues = Issues()
    found: list[Clip] = []
    total = long = 0
    for clip in clips:
        try:
            file = reader(clip)
            own = plausible(file.rate or rate) if resampled else float(rate)
        except DataError:
            found.append(clip)  # told when it is read
            continue
        for note in file.notes:
            issues.note(clip.name, note)
        size = _size(seconds, own, rate)
        # Of a long recording, its pieces between gaps are cut however short they are.
        whole = clip_seconds is None and file.samples <= LONG_SECONDS * own
        parts, lost = _parts(file, file.samples if whole else 2 * size - 1, size, min(size, SHORT_SECONDS * own))
        if len(file.stretches) > 1 and not any("gap" in note for note in file.notes):
            issues.note(clip.name, "with gaps: no clip and no window spans one")
        if lost:
            issues.note(clip.name, f"with {lost / own:.3g} s left out in short pieces between gaps")
        if not parts or (len(parts) == 1 and len(file.stretches) == 1):
            found.append(clip)
            continue
        if len(parts) > len(file.stretches):
            long, total = long + 1, total + len(parts)
        found += [_named(clip, begin, count, own) for begin, count in parts]
    told = issues.lines()
    if long:
        told.insert(
            0, f"{counted(long, 'long recording')} cut into {counted(total, 'clip')} of {seconds:g} s (--clip-seconds)"
        )
    return Cut(tuple(found), tuple(told))
